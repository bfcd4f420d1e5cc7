"""What a step of a calibration is, what it is lent, and the one rule from a figure to a verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, sqrt
from statistics import median, stdev
from typing import Any, Final

import numpy as np

from drivers.camera import Frame
from edge.calibration.aid import Aid
from edge.calibration.limits import Limit, LimitProfile
from edge.calibration.record import Evidence, Overall, StepResult, Verdict
from edge.calibration.session import DeviceKind, Reference
from edge.camera_owner import CameraOwner
from edge.fingers.judge import PressJudge
from edge.preset import PortraitRules
from edge.reader_owner import ReaderOwner
from edge.vision.client import VisionWorker
from quality.document import Document

COVERAGE: Final = 2.0
"""A limit nearer than so many standard uncertainties is a remark: some 95 % of a normal error.
Source: JCGM 100:2008 (GUM), 6.3.3; JCGM 106:2012 (guarded acceptance)."""
EXEMPT: Final = frozenset({"no_film", "no_flash", "beyond_nyquist", "no_earlier_blank"})
"""[ours] Not assessed for want of what this station is not meant to have: neither a remark nor a
want. Source: docs/calibration.md."""
LENIENT: Final = frozenset({"no_matcher", "no_blank"})
"""[ours] Not assessed because this station cannot: a remark, and no want."""


class Stopped(Exception):
    """The measurement was asked to end: the station closes, or the run is abandoned."""


@dataclass(frozen=True, slots=True)
class Bench:
    """Everything that is measured, and by what.

    Attributes:
        documents: that a reference portrait must give, all of them.
        rules: by which portraits are taken here, without any zero of the station.
        seen_fields: what the station itself knows for the identity, by field; asked anew each time.
        lift_s: so long a finger has to be lifted between two presses.
        pace: of what asks for a slow hand; 0.0 where no hand has to follow.
        clock_ms: of the machine, as the time code on its screen shows it.
    """

    camera: CameraOwner
    reader: ReaderOwner
    judge: PressJudge
    vision: VisionWorker
    documents: tuple[Document, ...]
    rules: PortraitRules
    seen_fields: Callable[[], Mapping[str, str]]
    lift_s: float = 1.0
    pace: float = 1.0
    clock_ms: Callable[[], float] = lambda: time.time() * 1000


@dataclass(slots=True)
class Memory:
    """What a step's aid remembers from frame to frame; begun anew with each step."""

    best: float | None = None
    seen: list[Any] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Scene:
    """What one step is lent while it aims or measures.

    Attributes:
        limits: of its kind of device.
        identity: filled in by the technician.
        earlier: parameters of the calibration in force, and over them those of this session.
        stop: asked again and again; True: raise `Stopped`.
        tell: is told how far the measurement has come, 0..1, and what is wanted of the hands.
    """

    bench: Bench
    limits: LimitProfile
    identity: Mapping[str, str] = field(default_factory=dict)
    film: bool = False
    reference: Reference = "print"
    earlier: Mapping[str, float] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)
    stop: Callable[[], bool] = lambda: False
    tell: Callable[[float, str], None] = lambda share, wanted: None


@dataclass(frozen=True, slots=True)
class Measured:
    """What one measurement came to.

    Attributes:
        results: one a measure, in the order of the limits file.
        parameters: what the station would go by from now on.
    """

    results: tuple[StepResult, ...]
    evidence: Evidence = field(default_factory=Evidence)
    parameters: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the procedure.

    Attributes:
        quick: also part of the daily check.
        target: code of what is held up or laid down; "" for nothing.
        aim: live; None where nothing can be aimed: the hands are told what is wanted instead. May
            raise `CannotAssess` with the code of why there is no figure.
        measure: raises `DeviceError`, `Stopped`, and `CannotAssess` where nothing of it could be
            assessed.
        controls: what the camera is set to meanwhile, where it has such controls: by name.
    """

    name: str
    device: DeviceKind
    target: str
    measure: Callable[[Scene], Measured]
    aim: Callable[[Scene, Frame], Aid] | None = None
    quick: bool = False
    controls: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value before it is judged.

    Attributes:
        uncertainty: standard, in the value's unit; None where nobody knows it.
        n: how many frames or presses it stands on.
    """

    value: float
    uncertainty: float | None = None
    n: int = 1
    spread: float | None = None
    reason: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    frames_sha256: tuple[str, ...] = ()


def figure_of(values: Sequence[float], method: float = 0.0, **more: Any) -> Figure:
    """Return the median of repeated values, with what its error comes to.

    Args:
        values: one a frame, at least one.
        method: standard uncertainty of a single value that repeating does not lessen.
        more: members of `Figure`.

    Source: JCGM 100:2008 (GUM), 4.2 and 5.1; the median's standard error is 1.2533 of the mean's.
    """
    spread = stdev(values) if len(values) > 1 else None
    repeated = 0.0 if spread is None else 1.2533 * spread / sqrt(len(values))
    return Figure(
        median(values), sqrt(method**2 + repeated**2), len(values), spread, **more
    )  # fmt: skip


def held_against(step: str, measure: str, limit: Limit, figure: Figure) -> StepResult:
    """Return the judged figure: outside fails, nearer to a limit than its uncertainty is a remark.

    A figure that is no number was not assessed.
    """
    if not isfinite(figure.value):
        return unmeasured(step, measure, limit, "not_finite")
    return StepResult(
        step=step,
        measure=measure,
        value=float(figure.value),
        unit=limit.unit,
        least=limit.min,
        most=limit.max,
        source=limit.source,
        standing=limit.standing,
        verdict=_verdict(figure, limit),
        n=figure.n,
        spread=None if figure.spread is None else float(figure.spread),
        uncertainty=None if figure.uncertainty is None else float(figure.uncertainty),
        reason=figure.reason,
        details={name: _plain(value) for name, value in figure.details.items()},
        frames_sha256=figure.frames_sha256,
    )


def _plain(value: Any) -> Any:
    """Return it as JSON knows it: a number of NumPy's writes itself in another way."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.item() if isinstance(value, np.generic) else value


def _verdict(figure: Figure, limit: Limit) -> Verdict:
    room = [
        *([] if limit.min is None else [figure.value - limit.min]),
        *([] if limit.max is None else [limit.max - figure.value]),
    ]
    if any(one < 0 for one in room):
        return Verdict.FAIL
    doubt = COVERAGE * (figure.uncertainty or 0.0)
    return Verdict.REMARK if any(one < doubt for one in room) else Verdict.PASS


def unmeasured(step: str, measure: str, limit: Limit, reason: str) -> StepResult:
    """Return the result of a measure that could not be assessed, with the code of why."""
    return StepResult(
        step=step,
        measure=measure,
        value=None,
        unit=limit.unit,
        least=limit.min,
        most=limit.max,
        source=limit.source,
        standing=limit.standing,
        verdict=Verdict.NOT_ASSESSED,
        reason=reason,
    )


def all_unmeasured(step: str, limits: LimitProfile, reason: str) -> tuple[StepResult, ...]:
    """Return all measures of a step as not assessed."""
    return tuple(
        unmeasured(step, measure, limit, reason) for measure, limit in limits.steps[step].items()
    )


def overall(results: Iterable[StepResult]) -> Overall:
    """Return what a device's measures come to, the worst first.

    One that fails fails it all. One that was wanted and not assessed leaves it all not assessed: a
    check with a hole in it is no check. What this station is not meant to have hinders nothing.
    """
    judged = [one for one in results if one.reason not in EXEMPT or one.value is not None]
    if any(one.verdict is Verdict.FAIL for one in judged):
        return Overall.FAIL
    missing = [one for one in judged if one.verdict is Verdict.NOT_ASSESSED]
    if not judged or any(one.reason not in LENIENT for one in missing):
        return Overall.NOT_ASSESSED
    remarked = missing or any(one.verdict is Verdict.REMARK for one in judged)
    return Overall.PASS_WITH_REMARKS if remarked else Overall.PASS
