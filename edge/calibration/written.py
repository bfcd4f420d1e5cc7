"""From a finished session to the record of one device."""

from __future__ import annotations

from edge.calibration.kept_session import Ending, Kept
from edge.calibration.limits import LimitProfile
from edge.calibration.procedure import overall
from edge.calibration.record import Calibration, Evidence
from edge.calibration.session import Session
from edge.calibration.validity import last_day

METHOD = "docs/calibration.md"


def written(
    kept: Kept, device_id: str, limits: LimitProfile, ending: Ending
) -> tuple[Calibration, Evidence]:
    """Return the record of one device, and what can be looked at afterwards.

    Args:
        kept: of a session in which every step is done.
        device_id: one of its devices.
        limits: of that kind of device.
        ending: when it ended, and where.
    """
    session = kept.session
    views = [one for one in session.steps if one.device_id == device_id]
    results = tuple(result for view in views for result in view.results)
    came_to = overall(results)
    lasts = session.kind == "full" and came_to.passed
    calibration = Calibration(
        device_id=device_id,
        kind=session.kind,
        began_at_ms=min(session.began_at_ms, ending.ended_at_ms),
        ended_at_ms=ending.ended_at_ms,
        technician=session.technician,
        witness=session.witness,
        identity=ending.identity,
        environment=ending.environment,
        steps=results,
        parameters=_parameters(session, kept, device_id),
        overall=came_to,
        valid_until=last_day(ending.ended_at_ms, ending.full_days) if lasts else None,
        software=ending.software,
        profile=limits.name,
        profile_sha256=limits.sha256,
        method=METHOD,
    )
    return calibration, _evidence(kept, [view.step for view in views])


def _parameters(session: Session, kept: Kept, device_id: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for view in session.steps:
        if view.device_id == device_id and view.step in kept.measured:
            found.update(kept.measured[view.step].parameters)
    return found


def _evidence(kept: Kept, steps: list[str]) -> Evidence:
    pictures: dict[str, bytes] = {}
    curves: dict[str, tuple[tuple[float, float], ...]] = {}
    for step in steps:
        if step in kept.measured:
            pictures.update(kept.measured[step].evidence.pictures)
            curves.update(kept.measured[step].evidence.curves)
    return Evidence(pictures, curves)
