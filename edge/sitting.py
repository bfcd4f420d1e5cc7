"""A sitting in words: its states and moves (`edge.states`), and what a screen shows of it."""

from __future__ import annotations

from typing import Final

from edge.snapshot import (
    FingerExceptionView,
    FingerPhase,
    FingerStep,
    HelpView,
    MaterialStep,
    Missing,
    NameView,
    Overlay,
    PreferencesView,
    RemoteView,
    ReuseView,
    Snapshot,
    mark_of,
)
from edge.states import (
    FROM_THE_PERSON,
    TRANSITIONS,
    Event,
    IllegalMove,
    NotNow,
    Result,
    StaleToken,
    State,
    move,
)

__all__ = [
    "FROM_THE_PERSON",
    "LANGUAGES",
    "TRANSITIONS",
    "Event",
    "FingerExceptionView",
    "FingerPhase",
    "FingerStep",
    "HelpView",
    "IllegalMove",
    "MaterialStep",
    "Missing",
    "NameView",
    "NotNow",
    "Overlay",
    "PreferencesView",
    "RemoteView",
    "Result",
    "ReuseView",
    "Snapshot",
    "StaleToken",
    "State",
    "mark_of",
    "move",
]

LANGUAGES: Final = ("zh-CN", "en")
"""That the pages speak."""
