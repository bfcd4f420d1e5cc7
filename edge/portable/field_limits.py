"""What is enough in a field check, each limit with its source: `calibration/field.toml`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from edge.settings_file import toml_table, validated

FILE: Final = (
    Path(__file__).resolve().parents[2] / "firmware_configs" / "calibration" / "field.toml"
)


class Limit(BaseModel):
    """One limit; None: nothing is asked on that side, or the station's own setting is asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min: float | None = None
    max: float | None = None
    unit: str
    source: str


class FieldLimits(BaseModel):
    """The limits of all steps."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    frame_age: Limit
    edge_width: Limit
    grey_card: Limit
    wall: Limit
    clipped: Limit
    spread: Limit
    spread_wall: Limit
    reader: Limit
    glass: Limit
    finger: Limit
    disk: Limit
    keys: Limit
    visits: Limit
    battery: Limit


def load_field_limits() -> FieldLimits:
    """Read the limits. Raises `SettingsError`."""
    return validated(FieldLimits, FILE, toml_table(FILE))
