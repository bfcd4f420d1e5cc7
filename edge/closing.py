"""How a sitting's package is closed: what every record of a station needs, and its last words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from edge.progress import Progress
from edge.sitting import Missing, Result
from edge.store import Store
from edge.store.rows import Role


@dataclass(frozen=True, slots=True)
class Office:
    """What all records of a station need.

    Attributes:
        store: the journal.
        sinks: every way out that a closed package shall take.
        about: returns further members of each manifest: software, settings_sha256, devices, clock.
        announce: is called after each closing, to wake the outboxes.
        keep_master: the unretouched still is delivered as well.
        keep_all_views: all presses of a finger that agree are delivered, not the best alone.
        calibration: returns the id of what is in force of "camera" or "fingerprint", if anything.
    """

    store: Store
    sinks: Mapping[str, Role]
    about: Callable[[], Mapping[str, Any]]
    announce: Callable[[], None]
    keep_master: bool
    keep_all_views: bool = False
    calibration: Callable[[str], str | None] = lambda _: None


def sitting_record(
    progress: Progress,
    result: Result,
    missing: Iterable[Missing],
    fingers: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return what `sitting.json` says (`docs/package.md`).

    Args:
        progress: of the sitting that ends.
        result: how it ends.
        missing: what the package lacks.
        fingers: what `edge.fingers.report.finger_report` says; None where none was settled.
    """
    look = progress.look if progress.keep_preferences else None
    return {
        "v": 2, "result": result.value, "opened_at": progress.opened_at,
        "order_ref": progress.order_ref,
        "missing": [asdict(row) for row in missing],
        "presentations": progress.presentations,
        "fingers": fingers,
        "reuse": progress.reuse,
        "completes_package_id": progress.completes_package_id,
        "materials": progress.materials,
        "assisted": progress.assisted,
        "remote": progress.remote,
        "resumed_by": progress.resumed_by,
        "preferences": {
            "language": progress.language, "ordered": progress.preferences, "used": look,
        },
    }  # fmt: skip
