"""How the ChArUco board stands before the camera.

The camera is level and straight before a board that hangs plumb if yaw, pitch and roll are 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from quality.optics.board_corners import BOARD, Board, BoardCorners, find_corners
from quality.optics.light import Picture
from quality.optics.refusal import Refusal, refused

Matrix = npt.NDArray[np.float64]

__all__ = [
    "BOARD", "Board", "BoardCorners", "Optics", "Pose", "assumed_optics", "find_corners",
    "find_pose", "pose_of", "settled_pose",
]  # fmt: skip

RESIDUE_MAX_PX: Final = 3.0
SHARED_PX: Final = 0.025
"""[ours, measured] Error of a corner's place that its neighbours share."""
MOVED_DEG: Final = 0.6
MOVED_SHARE: Final = 0.01
STEADY_FRAMES_MIN: Final = 3


@dataclass(frozen=True, slots=True)
class Optics:
    """How a camera draws: a pinhole and its distortion, as `measure_distortion` finds it.

    Attributes:
        focal_px: across and down.
        centre_px: of the optical axis.
        k1, k2: radial distortion (Brown); k2 is weakly determined and never shown.
    """

    focal_px: tuple[float, float]
    centre_px: tuple[float, float]
    k1: float = 0.0
    k2: float = 0.0

    @property
    def matrix(self) -> Matrix:
        """OpenCV's camera matrix."""
        (fx, fy), (cx, cy) = self.focal_px, self.centre_px
        return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]], np.float64)

    @property
    def distortion(self) -> Matrix:
        """OpenCV's five coefficients."""
        return np.array([self.k1, self.k2, 0, 0, 0], np.float64)

    def scaled(self, factor: float) -> Optics:
        """Return it for the same camera's pictures of another size, as a still beside a frame."""
        fx, fy = (one * factor for one in self.focal_px)
        # Pixel centres are whole numbers: the picture's corner lies at -0.5.
        cx, cy = ((one + 0.5) * factor - 0.5 for one in self.centre_px)
        return Optics((fx, fy), (cx, cy), self.k1, self.k2)


def assumed_optics(width_px: int, height_px: int, field_deg: float = 43.6) -> Optics:
    """Return a plain pinhole until the distortion was measured; angles hold, distances do not.

    Args:
        width_px: of the pictures.
        height_px: of the pictures.
        field_deg: the maker's angle of view along the longer side.
    """
    focal_px = max(width_px, height_px) / 2 / float(np.tan(np.radians(field_deg / 2)))
    return Optics((focal_px, focal_px), ((width_px - 1) / 2, (height_px - 1) / 2))


@dataclass(frozen=True, slots=True)
class Pose:
    """How the board stands before the camera.

    Attributes:
        yaw_deg: positive if the board's right side (in the picture) is nearer.
        pitch_deg: positive if the board's top is nearer.
        roll_deg: positive if the board is turned clockwise in the picture.
        distance_m: lens to the middle of the board.
        yaw_sd_deg, pitch_sd_deg, roll_sd_deg, distance_sd_m: standard uncertainties from the
            corners' scatter; the distance's grows by what the focal length is unsure of.
        residue_px: root mean square of what the pose leaves of the corners' places.
        corners: how many were seen.
        middle_px: where the middle of the board is in the picture.
    """

    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    distance_m: float
    yaw_sd_deg: float
    pitch_sd_deg: float
    roll_sd_deg: float
    distance_sd_m: float
    residue_px: float
    corners: int
    middle_px: tuple[float, float]


def find_pose(picture: Picture, optics: Optics) -> Pose:
    """Return how the board stands before the camera that draws so.

    Args:
        picture: (height, width, 3) or (height, width).
        optics: for pictures of this size.

    Raises:
        CannotAssess: as `find_corners`; wrong_chart also where the corners fit no flat board.

    Source: OpenCV's solvePnP; angles by ICAO's order: R = Ry(yaw) Rx(pitch) Rz(roll).
    """
    return pose_of(find_corners(picture), optics)


def pose_of(corners: BoardCorners, optics: Optics) -> Pose:
    """Return the pose that explains these corners best. Raises as `find_pose`."""
    board, seen = corners.places_mm.astype(np.float64), corners.places_px.astype(np.float64)
    middle = np.array([BOARD.width_mm / 2, BOARD.height_mm / 2, 0.0])
    turn, place = _best(board - middle, seen, optics)
    drawn, slopes = cv2.projectPoints(board - middle, turn, place, optics.matrix, optics.distortion)
    residues = np.asarray(drawn, np.float64).reshape(-1, 2) - seen
    residue_px = float(np.sqrt((residues**2).sum(axis=1).mean()))
    if residue_px > RESIDUE_MAX_PX:
        raise refused(Refusal.WRONG_CHART)
    steps = np.asarray(slopes, np.float64)[:, :6]
    freedom = max(1, residues.size - 6)
    # Corners near each other err alike: only four groups of them count as independent.
    alike = SHARED_PX**2 * len(corners.numbers) / 4
    variance = float((residues**2).sum()) / freedom + alike
    scatter = np.linalg.pinv(steps.T @ steps) * variance
    state = np.concatenate([turn.ravel(), place.ravel()])
    values = _told(state)
    around = np.stack([(_told(state + one) - values) / 1e-5 for one in np.eye(6) * 1e-5])
    deviations = np.sqrt(np.maximum(np.diag(around.T @ scatter @ around), 0.0))
    centre = np.zeros((1, 3))
    middle_px, _ = cv2.projectPoints(centre, turn, place, optics.matrix, optics.distortion)
    x_px, y_px = np.asarray(middle_px, np.float64).ravel().tolist()
    yaw, pitch, roll, distance = values.tolist()
    yaw_sd, pitch_sd, roll_sd, distance_sd = deviations.tolist()
    return Pose(
        yaw, pitch, roll, distance, yaw_sd, pitch_sd, roll_sd, distance_sd,
        residue_px, len(corners.numbers), (x_px, y_px),
    )  # fmt: skip


def settled_pose(poses: Sequence[Pose]) -> Pose:
    """Return the middle pose of several frames, with the uncertainty of their middle.

    Raises:
        CannotAssess: too_few_frames; moving where they differ more than their corners' scatter.
    """
    if len(poses) < STEADY_FRAMES_MIN:
        raise refused(Refusal.TOO_FEW_FRAMES)
    columns = ("yaw_deg", "pitch_deg", "roll_deg", "distance_m")
    values = np.array([[getattr(one, name) for name in columns] for one in poses])
    places = np.array([one.middle_px for one in poses])
    spread = values.max(axis=0) - values.min(axis=0)
    limits = (*(max(MOVED_DEG, 6 * _middle(poses, f"{one}_sd_deg"))
                for one in ("yaw", "pitch", "roll")), MOVED_SHARE * values[0, 3])  # fmt: skip
    wandered = float(np.ptp(places, axis=0).max())
    if (spread > limits).any() or wandered > max(1.0, 6 * _middle(poses, "residue_px")):
        raise refused(Refusal.MOVING)
    # The median of n scatters 1.25 times as widely as their mean; what all share stays.
    narrowed = 1.253 / np.sqrt(len(poses))
    deviations = np.maximum(
        values.std(axis=0, ddof=1) * narrowed,
        [_middle(poses, one) for one in ("yaw_sd_deg", "pitch_sd_deg", "roll_sd_deg",
                                         "distance_sd_m")],
    )  # fmt: skip
    x_px, y_px = np.median(places, axis=0).tolist()
    yaw, pitch, roll, distance = np.median(values, axis=0).tolist()
    yaw_sd, pitch_sd, roll_sd, distance_sd = deviations.tolist()
    return Pose(
        yaw, pitch, roll, distance, yaw_sd, pitch_sd, roll_sd, distance_sd,
        _middle(poses, "residue_px"), min(one.corners for one in poses), (x_px, y_px),
    )  # fmt: skip


def _middle(poses: Sequence[Pose], name: str) -> float:
    return float(np.median([getattr(one, name) for one in poses]))


def _best(board: Matrix, seen: Matrix, optics: Optics) -> tuple[Matrix, Matrix]:
    """Return turn and place; a flat board has two that look alike, and the better one counts."""
    found, turns, places, errors = cv2.solvePnPGeneric(
        board, seen, optics.matrix, optics.distortion, flags=cv2.SOLVEPNP_IPPE
    )
    if not found:
        raise refused(Refusal.WRONG_CHART)
    best = int(np.argmin(np.asarray(errors).ravel()))
    turn, place = cv2.solvePnPRefineLM(
        board, seen, optics.matrix, optics.distortion, turns[best], places[best]
    )
    return np.asarray(turn, np.float64), np.asarray(place, np.float64)


def _told(state: Matrix) -> Matrix:
    """Return yaw, pitch, roll in degrees and distance in metres, of turn and place."""
    turned, _ = cv2.Rodrigues(state[:3])
    yaw = np.arctan2(turned[0, 2], turned[2, 2])
    pitch = np.arcsin(np.clip(-turned[1, 2], -1, 1))
    roll = np.arctan2(turned[1, 0], turned[1, 1])
    angles = np.degrees([yaw, pitch, roll])
    return np.array([*angles, np.linalg.norm(state[3:]) / 1000])
