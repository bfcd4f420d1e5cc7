"""The model files of the vision worker, each known by its digest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from quality.attack.minifasnet import AttackNets, NotANetwork

_FACE_LANDMARKER_SHA256: Final = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
_SELFIE_SHA256: Final = "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c"


class ModelUnfit(Exception):
    """A model file is missing or not the one we tested. It stays so until it is fetched again."""


@dataclass(frozen=True, slots=True)
class AttackNet:
    """A network against pictures of faces that the operator installed.

    Attributes:
        file: ONNX, as `setup.attack_models` writes it.
        sha256: of that file, hex.
        around: how many times the face's box it sees.
    """

    file: Path
    sha256: str
    around: float


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """Where the models lie, checked by their SHA-256 at construction.

    Attributes:
        attack_nets: none as delivered.

    Raises:
        ModelUnfit: one is missing, unreadable or another file, or OpenCV cannot read a network.
    """

    face_landmarker: Path
    selfie_segmentation: Path
    attack_nets: tuple[AttackNet, ...] = ()

    def __post_init__(self) -> None:
        check_model(self.face_landmarker, _FACE_LANDMARKER_SHA256)
        check_model(self.selfie_segmentation, _SELFIE_SHA256)
        for net in self.attack_nets:
            check_model(net.file, net.sha256)
            try:
                AttackNets([(net.around, net.file.read_bytes())])
            except NotANetwork as error:
                raise ModelUnfit(f"model file {net.file} is no network to OpenCV") from error


def check_model(path: Path, sha256: str) -> None:
    """Compare a model file with its digest. Raises `ModelUnfit`."""
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ModelUnfit(
            f"model file {path} cannot be read: {error.strerror}. The settings say where it is;"
            " `python3.11 -m setup run` brings what every station needs into .cache/anxin/models."
        ) from error
    if found != sha256:
        raise ModelUnfit(f"model file {path} is not the one this release was tested with")
