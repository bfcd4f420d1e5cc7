"""What all fingers of a station need: profiles, the judge, the records that can be made here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import structlog

from drivers.fingerprint import not_for_enrolment
from drivers.load import reader_config
from edge.fingers.examiner import load_examiner
from edge.fingers.judge import PressJudge
from edge.fingers.profile import FingerProfile
from edge.settings import (
    Device,
    Fingers,
    SettingsError,
    device_options,
    finger_profile_names,
    load_finger_profile,
)
from formats.finger import wsq

log = structlog.get_logger("fingers")


@dataclass(frozen=True, slots=True)
class FingerKit:
    """Opened once, closed with the station.

    Attributes:
        profiles: by id, what settings, documents and orders may name.
        judge: of presses.
        records: kinds of records that can be made here.
    """

    profiles: Mapping[str, FingerProfile]
    judge: PressJudge
    records: tuple[str, ...]


def open_fingers(
    fingers: Fingers, reader: Device, documents: Iterable[str | None], stack: ExitStack
) -> FingerKit:
    """Read the profiles and open the judge; closed by the stack.

    Args:
        fingers: the station's settings.
        reader: the station's reader, to be told of one that may not enrol what is wanted.
        documents: the finger profile that each of the station's documents names, if it does.
        stack: closes what is opened here.

    Raises:
        SettingsError: a profile's file, or a record that cannot be made here.
    """
    profiles = {name: load_finger_profile(name) for name in finger_profile_names()}
    judge = PressJudge(load_examiner(fingers.examiner), fingers.accept_score)
    stack.callback(judge.close)
    records = _possible_records(matching=judge.matching)
    for kind in fingers.records:
        if kind not in records:
            install = "it wants `python3.11 -m setup fingerprints`"
            raise SettingsError(
                f"fingers.records names {kind!r}, which this station cannot make: {install}."
            )
    wanted = [profiles[name] for name in (fingers.profile, *documents) if name in profiles]
    for demands in sorted({profile.id for profile in wanted if profile.enrolment_grade}):
        if not _enrols(reader):
            log.warning("reader_not_for_enrolment", device=reader.id, reason=demands)
    return FingerKit(profiles, judge, records)


def _possible_records(*, matching: bool) -> tuple[str, ...]:
    extra = [*(["fmr-2005"] if matching else []), *(["wsq"] if wsq.installed() else [])]
    return ("fir-2005", "fir-2011", *extra)


def _enrols(reader: Device) -> bool:
    """Tell whether the reader's model may enrol, as far as its file knows."""
    config = reader_config(reader.driver).model_validate(device_options(reader, "readers"))
    width_px, height_px = getattr(config, "width_px", None), getattr(config, "height_px", None)
    if width_px and height_px and not_for_enrolment(width_px, height_px):
        return False
    return bool(getattr(config, "enrolment_grade", True))
