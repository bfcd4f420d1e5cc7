"""Plain samples and records as they go to the seal: name, type, bytes, and what is said of them.

They live in memory only; `edge.record` seals them the moment they are accepted.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from edge.override import Override
from edge.portrait_capture import Portrait
from edge.utc import now_ms, rfc3339
from quality.attack.minifasnet import LIVE_MIN
from quality.measure import Reading

REUSE: Final = "reuse.json"
MASTER: Final = "portrait/master.jpg"
_JPEG: Final = "image/jpeg"


@dataclass(frozen=True, slots=True)
class Sample:
    """One plain sample or record on its way to the seal.

    Attributes:
        name: of the part, as the manifest has it.
        facts: further members of the manifest's row.
    """

    name: str
    media_type: str
    plain: bytes
    facts: Mapping[str, Any]


def captured_by(sample: Sample) -> str | None:
    """Return the kind of device that a sample was captured with; None if none was.

    An earlier photo that was taken over came from no device here.
    """
    if sample.name.startswith("finger/"):
        return "fingerprint"
    seen = sample.media_type == _JPEG and sample.facts.get("origin") != "reused"
    return "camera" if seen else None


def json_sample(name: str, content: Mapping[str, Any]) -> Sample:
    """Return a record of our own as a part."""
    plain = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    return Sample(name, "application/json", plain, {"captured_at": now()})


def portrait_samples(portrait: Portrait, *, keep_master: bool) -> list[Sample]:
    """Return one photo a document, and the unretouched still they come from if it is wanted."""
    at, by_hand = moment(portrait.captured_at_s), assistance(portrait.override)
    samples = []
    for photo in portrait.photos:
        readings = (*portrait.readings[photo.document_id], *photo.checks)
        facts = {
            "captured_at": at,
            "readings": [reading_row(reading) for reading in readings],
            "transform": photo.transform,
            "master_sha256": photo.master_sha256,
            "preset": portrait.preset,
            "assisted_by": by_hand,
            **_attack_check(portrait.live_share),
        }
        samples.append(Sample(_photo_name(photo.document_id), _JPEG, photo.jpeg, facts))
    if keep_master:
        rows = [reading_row(reading) for reading in portrait.report]
        facts = {
            "captured_at": at,
            "report": rows,
            "preset": portrait.preset,
            "assisted_by": by_hand,
            **_attack_check(portrait.live_share),
        }
        samples.append(Sample(MASTER, _JPEG, portrait.master, facts))
    return samples


def _attack_check(live_share: float | None) -> Mapping[str, Any]:
    """Return what installed networks said; nothing where none is installed."""
    if live_share is None:
        return {}
    said = {"method": "minifasnet", "live_share": round(live_share, 4), "threshold": LIVE_MIN}
    return {"presentation_attack": {**said, "flagged": live_share < LIVE_MIN}}


def reused_samples(
    content: bytes,
    readings: Mapping[str, Sequence[Reading]],
    reuse: Mapping[str, Any],
    assisted_by: Mapping[str, str] | None,
) -> list[Sample]:
    """Return an earlier photo, byte for byte, for each document, and the record of the reuse.

    Args:
        content: the photo's bytes as they came.
        readings: of the photo against today's limits, by document id.
        reuse: what `edge.reuse.rule.reuse_record` says.
        assisted_by: the attendant who signed, None for a matcher alone.
    """
    samples = []
    for document_id, rows in readings.items():
        facts = {
            "origin": "reused",
            "taken_over_at": now(),
            "date": reuse["date"],
            "date_basis": reuse["date_basis"],
            "geometry": reuse["geometry"],
            "readings": [reading_row(reading) for reading in rows],
            "assisted_by": assisted_by,
        }
        samples.append(Sample(_photo_name(document_id), _JPEG, content, facts))
    return [*samples, json_sample(REUSE, reuse)]


def assistance(override: Override | None) -> dict[str, Any] | None:
    """Return who took a portrait by hand, why, and which measures were overruled; None if nobody.

    What was overruled stands in the readings as it was measured: rejected.
    """
    if override is None:
        return None
    return {
        "role": "attendant",
        "id": override.staff_id,
        "reason": override.reason.value,
        "waived": list(override.waived),
    }


def reading_row(reading: Reading) -> dict[str, Any]:
    """Return one reading as manifests and reports carry it."""
    return {
        "measure": reading.measure,
        "native": reading.native,
        "component": reading.component,
        "unit": reading.unit,
        "min": reading.accept.low,
        "max": reading.accept.high,
        "verdict": reading.verdict.value,
        "standing": reading.standing.value,
        "advisory": reading.advisory,
        "reason": reading.reason,
    }


def now() -> str:
    """Return the present UTC as RFC 3339."""
    return rfc3339(now_ms())


def moment(monotonic_s: float) -> str:
    """Return the UTC of a moment on the monotonic clock, as RFC 3339."""
    return rfc3339(now_ms() - round((time.monotonic() - monotonic_s) * 1000))


def _photo_name(document_id: str) -> str:
    return f"portrait/{document_id}.jpg"
