"""The records that a centre may want beside the PNG, by the names that settings and orders use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final

from formats.errors import RecordNotMade
from formats.finger import iso19794_2_2005, iso19794_4_2005, iso19794_4_2011
from formats.finger.image_record import (
    NFIQ2_ALGORITHM,
    NFIQ2_VENDOR,
    CaptureDevice,
    QualityBlock,
    record_of,
)
from formats.finger.minutia import Minutia
from formats.finger.picture import FingerPicture
from formats.finger.position import ISO_POSITIONS
from formats.finger.wsq import MEDIA_TYPE, finger_wsq


@dataclass(frozen=True, slots=True)
class Captured:
    """One finger image and what its records say of it.

    Attributes:
        position: by name, `formats.finger.position`.
        captured_at: UTC.
        nfiq2: score of NFIQ 2, None where it was not assessed; another score has no place here.
        minutiae: () where none were looked for.
    """

    picture: FingerPicture
    position: str
    captured_at: datetime
    device: CaptureDevice = field(default_factory=CaptureDevice)
    nfiq2: int | None = None
    minutiae: Sequence[Minutia] = ()


@dataclass(frozen=True, slots=True)
class FingerRecord:
    """A record as a file: its suffix, its media type, its bytes."""

    suffix: str
    media_type: str
    content: bytes


def finger_record(kind: str, captured: Captured) -> FingerRecord:
    """Return one record of a finger.

    Args:
        kind: a name of `RECORDS`.
        captured: the finger.

    Raises:
        RecordNotMade: this station lacks what the record needs: minutiae, or WSQ.
        ValueError: no such kind.
    """
    if kind not in RECORDS:
        raise ValueError(f"no record {kind!r}; there are: {', '.join(RECORDS)}")
    return RECORDS[kind](captured)


def _fir_2005(captured: Captured) -> FingerRecord:
    record = record_of(captured.picture, ISO_POSITIONS[captured.position], device=captured.device)
    content = iso19794_4_2005.write(record)
    return FingerRecord("2005.fir", "application/vnd.anxin.fir-2005", content)


def _fir_2011(captured: Captured) -> FingerRecord:
    score = captured.nfiq2
    blocks = () if score is None else (QualityBlock(score, NFIQ2_VENDOR, NFIQ2_ALGORITHM),)
    record = record_of(
        captured.picture,
        ISO_POSITIONS[captured.position],
        captured_at=captured.captured_at,
        device=captured.device,
        quality=blocks,
    )
    content = iso19794_4_2011.write(record)
    return FingerRecord("2011.fir", "application/vnd.anxin.fir-2011", content)


def _fmr_2005(captured: Captured) -> FingerRecord:
    if not captured.minutiae or captured.nfiq2 is None:
        raise RecordNotMade("minutiae want `python3.11 -m setup fingerprints`, and a print")
    picture = captured.picture
    record = iso19794_2_2005.minutiae_record(
        ISO_POSITIONS[captured.position],
        (picture.width_px, picture.height_px),
        picture.resolution_ppi,
        captured.nfiq2,
        captured.minutiae,
    )
    content = iso19794_2_2005.write(record)
    return FingerRecord("2005.fmr", "application/vnd.anxin.fmr-2005", content)


def _wsq(captured: Captured) -> FingerRecord:
    return FingerRecord("wsq", MEDIA_TYPE, finger_wsq(captured.picture))


RECORDS: Final[Mapping[str, Callable[[Captured], FingerRecord]]] = MappingProxyType(
    {"fir-2005": _fir_2005, "fir-2011": _fir_2011, "fmr-2005": _fmr_2005, "wsq": _wsq}
)
