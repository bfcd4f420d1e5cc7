"""How a session moves from step to step. Pure."""

from __future__ import annotations

from dataclasses import replace

from edge.calibration.record import StepResult
from edge.calibration.session import Session, StepState, StepView


def with_view(session: Session, view: StepView) -> Session:
    """Return it with this view in place of the one of the same step."""
    steps = tuple(view if one.step == view.step else one for one in session.steps)
    return replace(session, steps=steps)


def aimed(session: Session, present: str | None) -> Session:
    """Return it with that step aiming, and no other."""
    return replace(
        session, steps=tuple(replace(one, state=_state(one, present)) for one in session.steps)
    )


def _state(view: StepView, present: str | None) -> StepState:
    if view.step == present:
        return StepState.AIMING
    return StepState.DONE if view.results else StepState.WAITING


def verdict_word(view: StepView) -> str:
    """Return its verdict as a code, "none" before it has one."""
    return "none" if view.verdict is None else view.verdict.value


def failed(session: Session, step: str, failure: str) -> Session:
    """Return it with a measurement that came to nothing: the step is aimed at again."""
    view = replace(session.step(step), state=StepState.AIMING)
    return replace(with_view(session, view), share=0.0, wanted="", failure=failure)


def measuring(session: Session, step: str) -> Session:
    """Return it with a measurement that begins."""
    view = replace(session.step(step), state=StepState.MEASURING)
    return replace(with_view(session, view), share=0.0, wanted="", failure="")


def done(session: Session, step: str, results: tuple[StepResult, ...], skipped: str) -> Session:
    """Return it with a step that is done, and the first one at hand that has no result yet."""
    view = session.step(step)
    tries = view.tries + (not skipped)
    view = replace(view, state=StepState.DONE, results=results, skipped=skipped, tries=tries)
    session = with_view(session, view)
    following = next((one.step for one in session.steps if not one.results), None)
    return replace(session, present=following, share=0.0, wanted="", failure="")
