"""One finger as it goes to the seal: the PNG, the records that were ordered, further presses.

Plain bytes in memory only; `edge.record` seals them the moment the finger is settled.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import structlog

from edge.fingers.capture import FingerTaken
from edge.fingers.exceptions import GIVEN, score_row
from edge.fingers.nbis import ALGORITHM as NFIQ2
from edge.fingers.presses import GoodPress, Presentation
from edge.fingers.wishes import FingerWishes
from edge.samples import Sample, moment
from edge.settings_sections import EXTRA_PARTS_MAX, FINGER_POSITIONS
from formats.errors import RecordNotMade
from formats.finger.png import finger_png
from formats.finger.position import ISO_POSITIONS
from formats.finger.records import Captured, FingerRecord, finger_record
from formats.finger.resident_card import card_code

_PNG: Final = "image/png"

log = structlog.get_logger("fingers")


def finger_samples(taken: FingerTaken, wishes: FingerWishes, *, views_max: int) -> list[Sample]:
    """Return the best press of one finger, first, and what was ordered beside it.

    Args:
        taken: the finger.
        wishes: which records, and whose codes of positions.
        views_max: so many further presses at most, the best first.
    """
    # Whatever was ordered, the package must hold ten PNGs and the portrait as well.
    room_for = EXTRA_PARTS_MAX // max(1, len(wishes.slots))
    seen = _facts(taken, taken.best)
    # One moment for the row and the records: computed twice, they would differ by a millisecond.
    at = datetime.fromisoformat(seen["captured_at"])
    made, lacking = _records(taken, at, wishes.records[:room_for])
    facts = {
        **seen,
        **_codes(taken.position, wishes),
        "result": GIVEN,
        "fallback_of": taken.fallback_of,
        "low_quality": taken.low_quality,
        "agreement": taken.agreement.value,
        "records_missing": [*lacking, *wishes.records[room_for:]],
        "assisted_by": None,
    }
    name = f"finger/{taken.position}"
    samples = [Sample(f"{name}.png", _PNG, finger_png(taken.best.image), facts)]
    for record in made:
        told = {"captured_at": facts["captured_at"], "made_from": f"{name}.png"}
        file = f"{name}.{record.suffix}"
        samples.append(Sample(file, record.media_type, record.content, told))
    for number, press in enumerate(taken.views[1 : views_max + 1], 2):
        view = {**_facts(taken, press), **_codes(taken.position, wishes), "view": number}
        samples.append(Sample(f"{name}.view_{number}.png", _PNG, finger_png(press.image), view))
    return samples


def position_of(name: str) -> str | None:
    """Return the finger whose PNG a part is, None for any other part."""
    position = name.removeprefix("finger/").removesuffix(".png")
    return position if name == f"finger/{position}.png" and position in FINGER_POSITIONS else None


def press_row(press: Presentation) -> dict[str, Any]:
    """Return what one press came to; no image."""
    score = press.score
    return {
        "number": press.number,
        "score": None if score is None else score.value,
        "algorithm": None if score is None else score.algorithm,
        "version": None if score is None else score.version,
        "cause": press.cause,
        "at": moment(press.at_s),
    }


def _facts(taken: FingerTaken, press: GoodPress) -> dict[str, Any]:
    return {
        "captured_at": moment(_at_s(taken, press)),
        "score": score_row(press.score),
        "resolution_ppi": press.image.resolution_ppi,
    }


def _codes(position: str, wishes: FingerWishes) -> dict[str, Any]:
    codes: dict[str, Any] = {"position": position, "iso_position": ISO_POSITIONS[position]}
    if wishes.card_codes:
        codes["resident_card_position"] = card_code(position)
    return codes


def _records(
    taken: FingerTaken, captured_at: datetime, kinds: Sequence[str]
) -> tuple[list[FingerRecord], list[str]]:
    """Return the records that could be made, and the kinds of those that could not."""
    best = taken.best
    captured = Captured(
        best.image,
        taken.position,
        captured_at,
        nfiq2=best.score.value if best.score.algorithm == NFIQ2 else None,
        minutiae=best.minutiae,
    )
    made, lacking = [], []
    for kind in kinds:
        try:
            made.append(finger_record(kind, captured))
        except RecordNotMade:
            log.warning("record_not_made", part=kind)
            lacking.append(kind)
    return made, lacking


def _at_s(taken: FingerTaken, press: GoodPress) -> float:
    return next(made.at_s for made in taken.presentations if made.number == press.number)
