"""The demo's page in the technician's console: pull a plug, press a dry finger, cover the lens.

It touches what a tester could touch by hand, the control files of both devices, and shows what the
station says of them.
"""

from demo.console.knobs import Knobs
from demo.console.pages import KNOB_WORDS, knob_pages

__all__ = ["KNOB_WORDS", "Knobs", "knob_pages"]
