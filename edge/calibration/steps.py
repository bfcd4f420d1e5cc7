"""The steps of a calibration in their order; the daily check is those that say `quick`.

The lens comes before the framing: without its focal length a distance is a guess.
"""

from __future__ import annotations

from typing import Final

from edge.calibration.procedure import Step
from edge.calibration.steps_board import DISTORTION, FRAMING
from edge.calibration.steps_fingers import GREY_RANGE, LIVE
from edge.calibration.steps_focus import DEPTH, FOCUS
from edge.calibration.steps_glass import BLANK, CONTRAST, GEOMETRY, GREY
from edge.calibration.steps_identity import CAMERA_IDENTITY, READER_IDENTITY
from edge.calibration.steps_light import COLOUR, EXPOSURE, UNIFORMITY
from edge.calibration.steps_portrait import PORTRAIT
from edge.calibration.steps_time import LATENCY, NOISE

CAMERA_STEPS: Final = (
    CAMERA_IDENTITY, DISTORTION, FRAMING, FOCUS, DEPTH, EXPOSURE, COLOUR, UNIFORMITY, NOISE,
    LATENCY, PORTRAIT,
)  # fmt: skip
READER_STEPS: Final = (READER_IDENTITY, BLANK, GEOMETRY, CONTRAST, GREY, GREY_RANGE, LIVE)
STEPS: Final[tuple[Step, ...]] = (*CAMERA_STEPS, *READER_STEPS)
