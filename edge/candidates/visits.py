"""Earlier photos out of the visit lists that lie here, sealed to this device: no network is asked.

A photo is opened in memory as the sitting asks for it, and only its digest is believed.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from edge.candidates.lookup import Ask, LookupRefused, Sign, exactly
from edge.portable.device_key import DeviceKeys, device_keys
from edge.portable.list_file import ENDING, FOLDER, NotAList, NotForUs
from edge.portable.visit_list import photo_in
from edge.trust.keys import KeyUnusable


class Config(BaseModel):
    """Where the lists lie: the store's folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path


def open_lookup(config: Config, station_id: str, sign: Sign) -> VisitPhotos:
    """Return the look-up; nothing is opened yet."""
    return VisitPhotos(config.folder)


class VisitPhotos:
    """The photos of all lists of this device."""

    def __init__(self, folder: Path) -> None:
        """Use `open_lookup`."""
        self._folder = folder

    def find(self, ask: Ask, timeout_s: float) -> bytes:
        """Return the photo; it takes no time worth a limit. Raises as `Lookup.find`."""
        try:
            keys = device_keys(self._folder)
        except KeyUnusable:
            raise LookupRefused("device_key") from None
        for path in sorted((self._folder / FOLDER).glob(f"*{ENDING}")):
            content = _photo(path, keys, ask.sha256)
            if content is not None:
                return exactly(content, ask)
        raise LookupRefused("not_found")

    def close(self) -> None:
        """Do nothing: no file stays open."""


def _photo(path: Path, keys: DeviceKeys, sha256: str) -> bytes | None:
    try:
        return photo_in(path.read_bytes(), keys, sha256)
    except (OSError, NotAList, NotForUs):
        return None
