"""The console's pages that fill something in: settings, controls, staff, screen, calibration."""

from __future__ import annotations

from typing import Final

from api.technician.calibration import CALIBRATION
from api.technician.console import Annex
from api.technician.controls import CONTROLS
from api.technician.screen import SCREEN
from api.technician.settings import SETTINGS
from api.technician.staff import STAFF

FORMS: Final[tuple[Annex, ...]] = (CALIBRATION, SETTINGS, CONTROLS, SCREEN, STAFF)
