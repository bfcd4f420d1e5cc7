"""What helps while somebody aims: one large figure, its limits, and which way to turn what.

Codes here are lines of the catalogues; nothing is worded.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Turn(Enum):
    """What to do next, as a line's code; `HOLD`: nothing, it is right: measure."""

    HOLD = "hold"
    FILL_IN = "fill_in_identity"
    SHOW_TARGET = "show_target"
    WHOLE_TARGET = "show_whole_target"
    OTHER_TARGET = "show_right_target"
    KEEP_STILL = "keep_still"
    TURN_CAMERA_LEFT = "turn_camera_left"
    TURN_CAMERA_RIGHT = "turn_camera_right"
    TILT_CAMERA_UP = "tilt_camera_up"
    TILT_CAMERA_DOWN = "tilt_camera_down"
    ROLL_CAMERA_LEFT = "roll_camera_left"
    ROLL_CAMERA_RIGHT = "roll_camera_right"
    GO_NEARER = "target_nearer"
    GO_FARTHER = "target_farther"
    FOCUS_ON = "turn_focus"
    FOCUS_BACK = "turn_focus_back"
    MOVE_SLOWLY = "move_target_slowly"
    MORE_LIGHT = "more_light"
    LESS_LIGHT = "less_light"
    LESS_RED = "white_balance_less_red"
    LESS_GREEN = "white_balance_less_green"
    LESS_BLUE = "white_balance_less_blue"
    OTHER_LAMPS = "other_lamps"
    LAMP_LEFT_DOWN = "lamp_left_down"
    LAMP_RIGHT_DOWN = "lamp_right_down"
    LAMP_TOP_DOWN = "lamp_top_down"
    LAMP_BOTTOM_DOWN = "lamp_bottom_down"
    ANOTHER_VIEW = "turn_target_another_way"
    CALM_LIGHT = "steady_the_light"
    SHOW_CODE = "show_time_code"
    REFERENCE_HEAD = "place_reference_head"
    CLEAR_GLASS = "clear_glass"
    LAY_FILM = "lay_film"
    PRESS = "press_when_asked"
    WAIT_FOR_DEVICE = "wait_for_device"


@dataclass(frozen=True, slots=True)
class Aid:
    """What the present step shows live. All figures in `unit`.

    Attributes:
        step: whose aid it is.
        measure: what `figure` is; "" where there is none.
        figure: of the newest frame; None where it shows nothing that could be measured.
        least, most: the limit's ends; None: open.
        best: the best figure since the step began, for the max-hold mark; None before the first.
        turn: what to do next.
        amount: how far the figure is from where it should be, in `unit`; None where that says
            nothing.
        reason: code of why there is no figure: of `CannotAssess`, or "no_frame", "device_out".
        sequence: of the frame that was looked at; -1 without one.
    """

    step: str
    measure: str = ""
    figure: float | None = None
    unit: str = ""
    least: float | None = None
    most: float | None = None
    best: float | None = None
    turn: Turn = Turn.SHOW_TARGET
    amount: float | None = None
    reason: str = ""
    sequence: int = -1

    @property
    def within(self) -> bool:
        """Whether the figure lies inside its limits."""
        if self.figure is None:
            return False
        low = self.least is None or self.figure >= self.least
        return low and (self.most is None or self.figure <= self.most)


BY_REASON: Final = {
    "no_chart": Turn.SHOW_TARGET,
    "no_edge": Turn.SHOW_TARGET,
    "no_code": Turn.SHOW_CODE,
    "wrong_chart": Turn.OTHER_TARGET,
    "partly_hidden": Turn.WHOLE_TARGET,
    "moving": Turn.KEEP_STILL,
    "too_blurred": Turn.FOCUS_ON,
    "too_small": Turn.GO_NEARER,
    "too_noisy": Turn.MORE_LIGHT,
    "over_exposed": Turn.LESS_LIGHT,
    "under_exposed": Turn.MORE_LIGHT,
    "too_few_views": Turn.ANOTHER_VIEW,
    "no_frame": Turn.WAIT_FOR_DEVICE,
    "device_out": Turn.WAIT_FOR_DEVICE,
}
"""What helps where nothing could be measured."""
