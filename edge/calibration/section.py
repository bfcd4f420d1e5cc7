"""The section `[calibration]` of a station file: what a calibration that does not hold leads to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from edge.section import Section


class CalibrationSettings(Section):
    """What becomes of sittings while a device's calibration does not hold."""

    policy: Literal["warn", "block"] = "warn"
    """warn: it is told, and stands in each package; block: no sitting begins."""
    valid_days: Annotated[int, Field(ge=1, le=730)] = 180
    """How long a full calibration holds; 6 to 12 months are usual, less after a transport."""
    folder: Path | None = None
    """Where records and certificates lie; None: `calibration` in the store's folder."""
