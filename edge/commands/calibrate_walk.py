"""One walk through a session on a terminal: instruct, aim, measure, tell, record."""

from __future__ import annotations

import time
from typing import Final

import click

from edge.calibration.book import CalibrationBook
from edge.calibration.session import Session, StepView
from edge.calibration.steps_identity import fields_of
from edge.calibration.wizard import SKIP_REASONS, Wizard
from edge.commands.calibrate_talk import Lines, answer

PASSED: Final = 0
NOT_PASSED: Final = 1
INTERRUPTED: Final = 3
LOOK_S: Final = 0.1
QUIT: Final = "q"
SKIP: Final = "s"


class Walk:
    """Goes from step to step; whatever ends it, the session is kept."""

    def __init__(self, wizard: Wizard, book: CalibrationBook, say: Lines, *, yes: bool) -> None:
        """With `yes` each step is measured once and nothing is asked."""
        self._wizard = wizard
        self._book = book
        self._say = say
        self._yes = yes

    def go(self) -> int:
        """Return the command's exit code. Raises `WizardRefused`."""
        while True:
            session = self._wizard.session()
            if session is None or session.present is None:
                return self._record()
            if not self._step(session.step(session.present), session):
                click.echo(self._say("lines", "later"))
                return INTERRUPTED

    def _step(self, view: StepView, session: Session) -> bool:
        """Do one step; False if it is left for later."""
        say = self._say
        click.echo(f"\n{say('steps', view.step)}\n  {say('instruct', view.step)}")
        if view.target == "" and not self._yes:
            self._fill_in(view, session)
        chosen = "" if self._yes else self._ask()
        if chosen == QUIT:
            return False
        if chosen == SKIP:
            click.echo(say("lines", "why"))
            reason = answer()
            self._wizard.skip(view.step, reason if reason in SKIP_REASONS else "no_time")
            return True
        return self._measure_until_right(view.step)

    def _measure_until_right(self, step: str) -> bool:
        """Measure as often as is wished; False if it is left for later."""
        while True:
            done = self._measured(step)
            if self._yes:
                return done is not None
            click.echo(self._say("lines", "after" if done else "measure"))
            chosen = answer()
            if chosen == QUIT:
                return False
            if chosen == "" and done is not None:
                return True
            if done is not None:
                self._wizard.again(step)

    def _ask(self) -> str:
        click.echo(self._say("lines", "measure"))
        return answer(lambda: self._say.aid(self._wizard.aid()))

    def _fill_in(self, view: StepView, session: Session) -> None:
        missing = [field for field in fields_of(view.device) if not session.identity.get(field)]
        for field in missing:
            click.echo(f"  {self._say('fields', field)}:")
            typed = answer()
            if typed and typed != QUIT:
                self._wizard.identify({field: typed})

    def _measured(self, step: str) -> StepView | None:
        """Measure and tell; None where nothing came of it, so that it can only be done again."""
        say, told = self._say, ""
        session: Session | None = self._wizard.measure()
        while session is not None and session.measuring:
            if session.wanted and session.wanted != told:
                told = session.wanted
                share = say("lines", "measuring", share=round(100 * session.share))
                click.echo(f"{share}  {say('wanted', told)}")
            time.sleep(LOOK_S)
            session = self._wizard.session()
        if session is None or session.failure:
            click.echo(f"  {say('failures', session.failure if session else 'stopped')}")
            return None
        view = session.step(step)
        for result in view.results:
            click.echo(say.result(result))
        return view

    def _record(self) -> int:
        say, code = self._say, PASSED
        for device, calibration_id in self._wizard.finish().items():
            found = self._book.read(calibration_id).calibration
            click.echo(f"\n{say('lines', 'recorded', device=device, id=calibration_id)}")
            click.echo(f"  {say('overall', found.overall.value)}")
            if found.valid_until:
                click.echo(f"  {say('lines', 'valid_until', day=found.valid_until)}")
            if not found.overall.passed:
                code = NOT_PASSED
        return code
