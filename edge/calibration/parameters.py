"""What the station goes by since its calibration: today the zeros of head pose.

The book is asked as each search for a portrait begins, so that an undoing holds at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from quality.pitch_zero import PitchZero

PITCH_ZERO: Final = "pitch_zero_deg"
YAW_ZERO: Final = "yaw_zero_deg"
ZERO_OF_A_HEAD: Final = "zero_of_a_head"
"""1.0 where the zeros were read of a reference head, 0.0 where a plumb board alone told them."""


def zero_of(parameters: Mapping[str, float], settings_deg: float | None) -> PitchZero:
    """Return the zero that a search for a portrait goes by.

    Args:
        parameters: of the camera's calibration in force; empty without one.
        settings_deg: `portrait.pitch_zero_deg`, which overrules the pitch; None if it is not set.
    """
    yaw = parameters.get(YAW_ZERO)
    if settings_deg is not None:
        return PitchZero(settings_deg, yaw)
    return PitchZero(
        parameters.get(PITCH_ZERO), yaw, of_a_head=bool(parameters.get(ZERO_OF_A_HEAD))
    )


def zero_in_force(
    parameters: Callable[[str], Mapping[str, float]], camera_id: str, settings_deg: float | None
) -> Callable[[], PitchZero]:
    """Return what tells the zero at this moment.

    Args:
        parameters: of a device's calibration in force (`CalibrationBook.parameters`).
        camera_id: of the station's camera.
        settings_deg: as in `zero_of`.
    """
    return lambda: zero_of(parameters(camera_id), settings_deg)
