"""One run of the wizard as everybody sees it: which steps, which is at hand, what each came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from edge.calibration.record import StepResult, Verdict

Kind = Literal["full", "quick"]
DeviceKind = Literal["camera", "reader"]
Reference = Literal["print", "head"]
"""What stands where a face would: a printed portrait, or a dummy head that looks straight ahead."""


class StepState(Enum):
    """How far one step has come."""

    WAITING = "waiting"
    AIMING = "aiming"
    MEASURING = "measuring"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of a session.

    Attributes:
        step: its name: "framing", "focus", ... of a camera; "blank" (F1), "geometry" (F2),
            "contrast" (F3), "grey" (F4), "grey_range" (F5), "live" (F6) of a reader.
        target: code of what is held up or laid down: "charuco", "grey_card", "nothing", ...
        results: one a measure, as they will be recorded; empty until it was measured or skipped.
        skipped: the reason it was skipped with; "" if it was not.
        tries: how often it was measured.
    """

    step: str
    device: DeviceKind
    device_id: str
    target: str
    state: StepState = StepState.WAITING
    results: tuple[StepResult, ...] = ()
    skipped: str = ""
    tries: int = 0

    @property
    def verdict(self) -> Verdict | None:
        """The step's worst verdict; None until it is done.

        Failing is the worst, then a remark, then what was not assessed, if nothing else was.
        """
        verdicts = {result.verdict for result in self.results}
        order = (Verdict.FAIL, Verdict.REMARK, Verdict.PASS, Verdict.NOT_ASSESSED)
        return next((verdict for verdict in order if verdict in verdicts), None)


@dataclass(frozen=True, slots=True)
class Session:
    """A snapshot of the one run; never changed, the wizard makes another.

    Attributes:
        session_id: UUIDv7.
        technician, witness: staff ids; "" without a witness.
        identity: what the technician has filled in, by field.
        film: whether a film made for this reader's module is at hand (F2 to F4).
        reference: what stands where a face would in the last step of the camera.
        present: the step at hand; None once every step is done: `finish`.
        share: how far a running measurement has come, 0..1.
        wanted: what a running measurement asks of the technician's hands, a line's code such as
            "press_right_index"; "" if nothing.
        failure: why the last measurement came to nothing, so that it can only be done again:
            "device_out", "setting_refused", "stopped", "internal"; "" else.
        resumed: whether a restart lay in between.
    """

    session_id: str
    kind: Kind
    technician: str
    witness: str
    began_at_ms: int
    steps: tuple[StepView, ...]
    present: str | None
    identity: Mapping[str, str] = field(default_factory=dict)
    film: bool = False
    reference: Reference = "print"
    share: float = 0.0
    wanted: str = ""
    failure: str = ""
    resumed: bool = False

    @property
    def devices(self) -> tuple[str, ...]:
        """The ids of the devices that are calibrated, in order."""
        return tuple(dict.fromkeys(step.device_id for step in self.steps))

    @property
    def measuring(self) -> bool:
        """Whether a measurement runs now."""
        return any(step.state is StepState.MEASURING for step in self.steps)

    def step(self, name: str) -> StepView:
        """Return one step. Raises `KeyError`."""
        return next((one for one in self.steps if one.step == name), None) or _unknown(name)


def _unknown(name: str) -> StepView:
    raise KeyError(name)
