"""Why a target could not be measured: codes, so that every surface has its own words for them."""

from __future__ import annotations

from enum import StrEnum

from quality.measure import CannotAssess


class Refusal(StrEnum):
    """What stands in the way; each asks for another act of the technician."""

    NO_CHART = "no_chart"
    """Nothing in view looks like the target: hold it up, fill the frame."""
    WRONG_CHART = "wrong_chart"
    """A target is in view, but another one, or one that was altered: take the right sheet."""
    PARTLY_HIDDEN = "partly_hidden"
    """A part of the target is covered or outside the picture: hold it free and whole."""
    MIRRORED = "mirrored"
    """The target is seen in a mirror, or the camera's picture is turned over."""
    MOVING = "moving"
    """The target moved between the frames: put it on a stand."""
    OVER_EXPOSED = "over_exposed"
    """What must be measured is clipped at white: less light or a shorter exposure."""
    UNDER_EXPOSED = "under_exposed"
    """What must be measured drowns in black: more light or a longer exposure."""
    NO_EDGE = "no_edge"
    """No straight edge between a dark and a light area is where it should be."""
    EDGE_ANGLE = "edge_angle"
    """The edge is not slanted by 2 to 15 degrees: turn the target a little."""
    TOO_SMALL = "too_small"
    """The target is too far away for this picture: come nearer."""
    TOO_BLURRED = "too_blurred"
    """The lens is so far out of focus that the edge does not fit into its field: turn the focus."""
    TOO_NOISY = "too_noisy"
    """The sensor's noise hides what must be measured: more light."""
    TOO_FEW_VIEWS = "too_few_views"
    """Views that show the target are too few: take more."""
    VIEWS_ALIKE = "views_alike"
    """The views show the target in the same way: tilt it and move it between them."""
    TOO_FEW_FRAMES = "too_few_frames"
    """Frames are too few, or lie too far apart in time, for this measure."""
    FROZEN = "frozen"
    """The same picture comes again and again, to the bit: the camera hangs."""
    SIZES_DIFFER = "sizes_differ"
    """The pictures are not of one size: the camera's mode changed in between."""
    NOT_BLANK = "not_blank"
    """Something lies on the reader's glass: clear and wipe it."""
    NO_PATTERN = "no_pattern"
    """No regular lines are seen on the reader's glass: lay the film on flat."""
    NO_PRINT = "no_print"
    """A picture holds no finger."""


def refused(code: Refusal) -> CannotAssess:
    """Return the error that says this code, and nothing else."""
    return CannotAssess(code.value)
