"""The demo's console: pull a plug, press a dry finger, hold something before the lens, and watch.

A page of its own on its own loopback port, beside a demo station only. It touches what a tester
could touch by hand, the control files of both devices, and shows what the station says of them.
"""

from demo.console.knobs import Knobs
from demo.console.pages import create_console_app, open_console

__all__ = ["Knobs", "create_console_app", "open_console"]
