"""What the page's own scripts listen for, as the browser itself knows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from playwright.sync_api import CDPSession, Page

from tests.browser.gate.rules import Fault

CLICKS: Final = frozenset({"click", "mousedown", "mouseup", "pointerdown", "pointerup", "dblclick"})
GESTURES: Final = frozenset(
    {"touchstart", "touchmove", "touchend", "pointermove", "mousemove", "wheel", "dragstart",
     "drag", "dragend", "dragover", "drop", "gesturestart", "gesturechange", "scroll"}
)  # fmt: skip
"""What a drag, a swipe, a long press or a pinch would be heard by."""
HEARS_FOR_ALL: Final = frozenset({"#document", "window"})
REAL: Final = frozenset({"BUTTON", "A", "FORM", "INPUT"})


def faults(page: Page) -> Iterator[Fault]:
    """R9: nothing asks for more than a touch, and only real buttons are touched."""
    session = page.context.new_cdp_session(page)
    ours: set[str] = set()

    def parsed(script: dict[str, Any]) -> None:
        # What drives the browser listens too; its scripts have no address.
        if script["url"].startswith("http"):
            ours.add(script["scriptId"])

    session.on("Debugger.scriptParsed", parsed)
    session.send("Debugger.enable")
    for listener in _listeners(session):
        if listener["scriptId"] in ours:
            yield from _judge(listener["type"], _whose(session, listener.get("backendNodeId")))
    session.detach()


def _listeners(session: CDPSession) -> Iterator[dict[str, Any]]:
    for root in ("window", "document"):
        found = session.send("Runtime.evaluate", {"expression": root})
        asked = {"objectId": found["result"]["objectId"], "depth": -1, "pierce": True}
        yield from session.send("DOMDebugger.getEventListeners", asked)["listeners"]


def _whose(session: CDPSession, node: int | None) -> str:
    if not node:
        return "window"
    described: dict[str, Any] = session.send("DOM.describeNode", {"backendNodeId": node})
    return str(described["node"]["nodeName"])


def _judge(kind: str, whose: str) -> Iterator[Fault]:
    if kind in GESTURES:
        yield Fault("gesture", f"{kind} on {whose}")
    if kind in CLICKS and whose not in REAL | HEARS_FOR_ALL:
        yield Fault("not-a-button", f"{kind} on {whose}")
