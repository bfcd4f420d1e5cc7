"""What the tests of itself work with: the settings, and the running station if one runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.settings import Settings


@dataclass(frozen=True, slots=True)
class Scene:
    """One moment of one station.

    Attributes:
        settings: that hold.
        state: folder of starts and fault.
        health, devices: what the running station says of itself; None: none runs, so that its
            devices, its ports and its vision worker can be tried here.
    """

    settings: Settings
    state: Path
    health: Mapping[str, Any] | None = None
    devices: Mapping[str, Any] | None = None

    @property
    def running(self) -> bool:
        """Whether a station runs on these settings and answered."""
        return self.health is not None
