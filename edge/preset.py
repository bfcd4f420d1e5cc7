"""How patiently a portrait is looked for, and what this person is never asked to do.

A preset is one file of `firmware_configs/presets`: seated, standing, wheelchair, bedside. It sets
times, the number of good frames and the hints. It never touches what makes a portrait usable: one
face, eyes in view, size.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import AfterValidator, Field, model_validator

from edge.override import NEVER_WAIVED
from quality.advice import Advice
from quality.document import MEASURE_OF, Document, Gate
from quality.limits import Section, Source, Span
from quality.pitch_zero import UNCALIBRATED, PitchZero

ROLL: Final = "HeadPoseRoll"
_OWN_DOING: Final = frozenset({Advice.STAFF_MOVES_CAMERA, Advice.WAIT})
_MOVEMENTS: Final = frozenset(
    {
        Advice.TOO_FAR, Advice.TOO_NEAR, Advice.MOVE_LEFT, Advice.MOVE_RIGHT, Advice.MOVE_UP,
        Advice.MOVE_DOWN, Advice.STRAIGHTEN_HEAD, Advice.TURN_LEFT, Advice.TURN_RIGHT,
        Advice.CHIN_UP, Advice.CHIN_DOWN, Advice.STEP_FROM_WALL, Advice.HOLD_STILL,
    }
)  # fmt: skip


class Frames(Section):
    """So many good frames in a row take the picture, counted as ten a second make them."""

    count: Annotated[int, Field(ge=1, le=60)]
    source: Source


class Patience(Section):
    """When the search gives way, and when it offers help.

    Attributes:
        relax_after_s: since this person came, without a portrait: advisory gates hinder no more.
        help_after_s: the same, until the staff's help is offered.
        refused_bursts: so many refused stills do both at once.
    """

    relax_after_s: Annotated[float, Field(ge=5, le=300)]
    help_after_s: Annotated[float, Field(ge=5, le=300)]
    refused_bursts: Annotated[int, Field(ge=1, le=10)]
    source: Source

    @model_validator(mode="after")
    def _relaxes_first(self) -> Patience:
        if self.relax_after_s > self.help_after_s:
            raise ValueError("help is offered when relaxing did not suffice, not before")
        return self


class Voice(Section):
    """How spoken lines follow each other.

    Attributes:
        gap_s: from the beginning of one line to that of the next, at least.
        repeat_after_s: a hint that still stands is said once more after so long.
    """

    gap_s: Annotated[float, Field(ge=4, le=30)]
    repeat_after_s: Annotated[float, Field(ge=4, le=60)]
    source: Source


class Roll(Section):
    """How far the head may be tilted on the preview; the still's limit stays the document's."""

    enter_deg: Annotated[float, Field(gt=0, le=8)]
    leave_deg: Annotated[float, Field(gt=0, le=8)]
    source: Source

    @model_validator(mode="after")
    def _leave_is_wider(self) -> Roll:
        if self.enter_deg > self.leave_deg:
            raise ValueError("enter_deg is above leave_deg")
        return self


def _only_movements(said: Mapping[Advice, Advice]) -> Mapping[Advice, Advice]:
    for wanted, instead in said.items():
        if wanted not in _MOVEMENTS:
            raise ValueError(f"{wanted.value!r} is nothing that somebody else could do instead")
        if instead not in _OWN_DOING:
            others = ", ".join(sorted(own.value for own in _OWN_DOING))
            raise ValueError(f"{instead.value!r} asks the person again; there are: {others}")
    return said


class Instead(Section):
    """What is said in place of a movement that this person is never asked for."""

    hints: Annotated[Mapping[Advice, Advice], AfterValidator(_only_movements)]
    source: Source


def _never_hard(measures: tuple[str, ...]) -> tuple[str, ...]:
    for name in measures:
        if name in NEVER_WAIVED or name not in MEASURE_OF:
            raise ValueError(f"{name!r} is no measure that may be made advisory")
    return measures


class Tolerance(Section):
    """Measures that only advise here, whatever the document says; a portrait so taken says so."""

    advisory: Annotated[tuple[str, ...], AfterValidator(_never_hard)]
    source: Source


class Preset(Section):
    """One way of sitting, standing or lying before the camera.

    Attributes:
        roll: None leaves it to the document.
        instead: None if the person can do whatever is asked.
        tolerance: None where every hard gate of the document holds.
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    frames: Frames
    patience: Patience
    voice: Voice
    roll: Roll | None = None
    instead: Instead | None = None
    tolerance: Tolerance | None = None

    def said(self, advice: Advice | None) -> Advice | None:
        """Return what this person is told when `advice` would help."""
        if advice is None or self.instead is None:
            return advice
        return self.instead.hints.get(advice, advice)

    def documents(self, documents: Iterable[Document]) -> tuple[Document, ...]:
        """Return the documents with the gates that hold in this preset."""
        return tuple(document.with_gates(self._gates(document)) for document in documents)

    def _gates(self, document: Document) -> dict[str, Gate]:
        changed = {}
        roll = document.gates.get(ROLL)
        if roll is not None and self.roll is not None:
            changed[ROLL] = Gate(
                live_enter=_either_way(self.roll.enter_deg, roll.still),
                live_leave=_either_way(self.roll.leave_deg, roll.still),
                still=roll.still, hard=roll.hard, source=self.roll.source,
            )  # fmt: skip
        for name in self.tolerance.advisory if self.tolerance else ():
            if name in document.gates:
                gate = changed.get(name, document.gates[name])
                changed[name] = gate.model_copy(update={"hard": False})
        return changed


def _either_way(deg: float, still: Span) -> Span:
    """Return -deg..deg, within what the still allows: nobody is led to a still that is refused."""
    low = -deg if still.min is None else max(-deg, still.min)
    return Span(min=low, max=deg if still.max is None else min(deg, still.max))


@dataclass(frozen=True, slots=True)
class PortraitRules:
    """What one station's search for a portrait goes by.

    Attributes:
        preset: how the person sits, stands or lies.
        good_frames: the station's own number, in place of the preset's and the documents'.
        pitch_zero: of this station's camera.
    """

    preset: Preset
    good_frames: int | None = None
    pitch_zero: PitchZero = UNCALIBRATED

    def documents(self, documents: Iterable[Document]) -> tuple[Document, ...]:
        """Return the documents with the gates that hold at this station and in its preset."""
        return self.preset.documents(self.pitch_zero.documents(documents))

    def frames_needed(self, documents: Sequence[Document]) -> int:
        """Return how many good frames in a row take the picture for these documents."""
        if self.good_frames is not None:
            return self.good_frames
        asked = [document.good_frames for document in documents if document.good_frames]
        return max([self.preset.frames.count, *asked])
