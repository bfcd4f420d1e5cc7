"""Who calibrates a station over and over, and goes on when a device went away under her hands.

She does the steps in any order, so that a pull meets each of them; as a technician may.
"""

from __future__ import annotations

import random
import threading
from contextlib import suppress
from typing import Final, Self

from edge.calibration.wizard import Wizard, WizardRefused

STAFF_ID: Final = "7001"
MEASURES_WITHIN_S: Final = 10.0
LOOK_S: Final = 0.1
STEPS_A_CALIBRATION: Final = 8
"""So many are measured, of all kinds and in any order; the rest is left out, and it is recorded."""
LEFT_OUT: Final = "no_target"


class Technician:
    """Calibrates camera and reader again and again, in a thread of its own. A context manager.

    Attributes:
        ended: how many calibrations came to their end.
        interrupted: how many measurements a device broke off, which were then done again.
    """

    def __init__(self, wizard: Wizard, devices: tuple[str, ...]) -> None:
        self.ended = 0
        self.interrupted = 0
        self._wizard = wizard
        self._devices = devices
        self._dice = random.Random(7)
        self._measured = 0
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._work, name="technician")

    @property
    def alive(self) -> bool:
        """Whether she still works."""
        return self._thread.is_alive()

    @property
    def moment(self) -> str:
        """Return the step at hand, and whether it is aimed at or measured."""
        session = self._wizard.session()
        if session is None or session.present is None:
            return "between"
        return f"{session.present}, {'measured' if session.measuring else 'aimed at'}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._leaving.set()
        self._wizard.abandon()
        self._thread.join()

    def _work(self) -> None:
        while not self._leaving.is_set():
            # What comes between us and the wizard is always its own word: it is asked again.
            with suppress(WizardRefused):
                if self._wizard.session() is None:
                    self._wizard.begin("full", self._devices, STAFF_ID)
                self._one_step()
            self._leaving.wait(LOOK_S)

    def _one_step(self) -> None:
        session = self._wizard.session()
        if session is None or session.measuring:
            return
        if self._measured >= STEPS_A_CALIBRATION:
            self._finish()
            return
        self._wizard.again(self._dice.choice(session.steps).step)
        for _ in range(3):
            self._wizard.aid()
        self._wizard.measure()
        self._measured += 1
        after = self._wizard.wait(MEASURES_WITHIN_S)
        self.interrupted += after is not None and after.failure == "device_out"

    def _finish(self) -> None:
        session = self._wizard.session()
        for step in session.steps if session else ():
            if not step.results:
                self._wizard.skip(step.step, LEFT_OUT)
        self._wizard.finish()
        self.ended += 1
        self._measured = 0
