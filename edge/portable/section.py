"""The section `[portable]` of a station file; without it a station stays where it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from edge.section import Section

Target = Literal["grey_card", "wall"]
"""What is held before the camera in the field check."""


class PortableSettings(Section):
    """A station that is carried (`docs/portable.md`)."""

    field_check: bool = False
    """Whether one is due after each transport, and begun by itself as the devices answer."""
    field_check_policy: Literal["warn", "block"] = "warn"
    field_check_hours: Annotated[float, Field(ge=1, le=168)] = 12.0
    field_check_target: Target = "grey_card"
    power_supply: Path = Path("/sys/class/power_supply")
    lid: Path = Path("/proc/acpi/button/lid")
    battery_min_percent: Annotated[int, Field(ge=1, le=80)] = 20
    """Below it, and not charging, no sitting begins."""
