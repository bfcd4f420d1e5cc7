"""What is measured through the lens: sharpness, pose, distortion."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final

from accuracy.optics.edges import as_levels, drawn_edge, true_mtf50, true_mtf50_of_two
from accuracy.optics.sweep import OF_TRUTH, Said, Sweep
from drivers.peers.lens_bench import Target, Truth, focal_px, render
from quality.optics.board import Optics, find_pose
from quality.optics.distortion import ZONE_SHARE, Distortion, measure_distortion
from quality.optics.focus_chart import FOCUS_SHEET, measure_focus
from quality.optics.slanted_edge import measure_edge

SIZE_PX: Final = (1280, 720)
PLAIN: Final = Truth()
SLANT_DEG: Final = 5.0
POSE_DEG: Final = 0.2
VIEWS: Final = (
    (0, 0, 0, -0.2, -0.15), (20, 0, 2, 0.2, -0.15), (-20, 5, 0, -0.2, 0.15), (0, 20, -3, 0.2, 0.15),
    (0, -20, 0, 0, 0), (18, 18, 0, 0.15, 0), (-18, -18, 5, -0.15, 0), (25, -10, 0, 0, 0.1),
    (-10, 25, -5, 0, -0.1),
)  # fmt: skip
"""Yaw, pitch, roll in degrees, and where in the picture: how a technician is told to hold it."""


def lens_sweeps() -> tuple[Sweep, ...]:
    """Return every sweep of this page's first part."""
    return (*_edges(), *_focus(), *_poses(), *_distortions())


def true_optics(size_px: tuple[int, int] = SIZE_PX, k1: float = 0.0) -> Optics:
    """Return what the bench's own lens is."""
    width, height = size_px
    focal = focal_px(size_px)
    return Optics((focal, focal), ((width - 1) / 2, (height - 1) / 2), k1)


def board_views(k1: float, count: int = len(VIEWS)) -> list[Any]:
    """Return pictures of the board as a technician holds it, up to nine."""
    return [
        render(Target.CHARUCO, replace(
            PLAIN, yaw_deg=yaw, pitch_deg=pitch, roll_deg=roll, shift_x=x, shift_y=y,
            distance_m=0.75, k1=k1,
        ), SIZE_PX, frame=number)
        for number, (yaw, pitch, roll, x, y) in enumerate(VIEWS[:count])
    ]  # fmt: skip


def _edges() -> Iterable[Sweep]:
    def said(light: Any, sigma: float, angle: float) -> Said:
        edge = measure_edge(light)
        return Said(true_mtf50(sigma, angle), edge.mtf50_cy_per_px, edge.uncertainty_cy_per_px)

    blurs = (0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0)
    yield Sweep(
        "slanted_edge",
        "MTF50, linear light",
        "blur sigma, px",
        blurs,
        2.0,
        OF_TRUTH,
        lambda one: said(drawn_edge(one, SLANT_DEG), one, SLANT_DEG),
        (0.3, 0.6, 1, 2, 4),
    )
    yield Sweep(
        "slanted_edge",
        "MTF50, 8 bits sRGB",
        "blur sigma, px",
        blurs,
        2.0,
        OF_TRUTH,
        lambda one: said(as_levels(drawn_edge(one, SLANT_DEG)), one, SLANT_DEG),
        (0.3, 1),
    )
    yield Sweep(
        "slanted_edge",
        "MTF50 at blur 0.8 px",
        "angle, deg",
        (-14, -10, -7, -5, -3, 2.5, 3, 4, 5, 6, 8, 10, 12, 14),
        2.0,
        OF_TRUTH,
        lambda one: said(as_levels(drawn_edge(0.8, one)), 0.8, one),
        (-5, 3, 12),
    )
    yield Sweep("slanted_edge", "MTF50 at blur 0.8 px", "place of the edge, px",
                (-3.0, -1.5, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 2.0), 2.0, OF_TRUTH,
                lambda one: said(as_levels(drawn_edge(0.8, SLANT_DEG, place_px=one)), 0.8,
                                 SLANT_DEG), (0.5,))  # fmt: skip
    yield Sweep("slanted_edge", "MTF50 at blur 0.8 px", "light of the dark side (light side 0.8)",
                (0.01, 0.05, 0.1, 0.2, 0.4, 0.6), 2.0, OF_TRUTH,
                lambda one: said(as_levels(drawn_edge(0.8, SLANT_DEG, levels=(one, 0.8))), 0.8,
                                 SLANT_DEG), (0.05, 0.6))  # fmt: skip
    yield Sweep("slanted_edge", "MTF50 at blur 0.8 px, 100 x 100 px", "noise, levels",
                (0.5, 1.0, 1.5, 2.0, 3.0, 4.0), 5.0, OF_TRUTH,
                lambda one: said(as_levels(drawn_edge(0.8, SLANT_DEG, (100, 100)), one), 0.8,
                                 SLANT_DEG), (2.0,))  # fmt: skip


def _focus() -> Iterable[Sweep]:
    def said(**knobs: Any) -> Said:
        truth = replace(PLAIN, **knobs)
        focus = measure_focus(render(Target.SLANTED_EDGE, truth, SIZE_PX))
        slant = FOCUS_SHEET.turned_deg + truth.roll_deg
        return Said(
            true_mtf50(truth.blur_sigma_px, slant), focus.centre_cy_per_px,
            focus.centre_sd_cy_per_px,
        )  # fmt: skip

    def corner(blur: float) -> Said:
        truth = replace(PLAIN, corner_blur_px=blur, shift_x=0.0)
        focus = measure_focus(render(Target.SLANTED_EDGE, truth, SIZE_PX))
        return Said(_true_corner(truth), focus.corner_share, focus.corner_sd)

    yield Sweep("focus_chart", "MTF50 of the middle", "blur sigma, px",
                (0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 2.5), 3.0, OF_TRUTH,
                lambda one: said(blur_sigma_px=one), (0.6, 2.0))  # fmt: skip
    yield Sweep("focus_chart", "MTF50 of the middle", "roll, deg", (-2.0, -1.0, 1.0, 2.0, 4.0), 3.0,
                OF_TRUTH, lambda one: said(roll_deg=one), (2.0,))  # fmt: skip
    yield Sweep("focus_chart", "MTF50 of the middle", "distance, m", (0.7, 0.9, 1.2, 1.5, 1.8),
                3.0, OF_TRUTH, lambda one: said(distance_m=one))  # fmt: skip
    yield Sweep("focus_chart", "MTF50 of the middle", "noise, levels", (0.5, 1.0, 2.0, 3.0), 5.0,
                OF_TRUTH, lambda one: said(noise_sigma=one, blur_sigma_px=0.8))  # fmt: skip
    yield Sweep("focus_chart", "worst corner over the middle", "further blur of the corners, px",
                (0.0, 0.5, 1.0, 1.5, 2.0, 3.0), 0.03, "1", corner, (1.0,))  # fmt: skip


def _true_corner(truth: Truth) -> float:
    """Return the worst corner's MTF50 over the middle's, from where its two edges lie."""
    focal, half = focal_px(SIZE_PX), FOCUS_SHEET.side_mm / 2
    diagonal = SIZE_PX[0] ** 2 + SIZE_PX[1] ** 2
    blurs = (truth.blur_sigma_px, (truth.blur_sigma_px**2 + truth.corner_blur_px**2) ** 0.5)

    def mtf50(x_mm: float, y_mm: float) -> float:
        x_px, y_px = (one * focal / (1000 * truth.distance_m) for one in (x_mm, y_mm))
        share = 4 * (x_px**2 + y_px**2) / diagonal
        return true_mtf50_of_two(blurs, share, FOCUS_SHEET.turned_deg)

    values = []
    for x, y in FOCUS_SHEET.middles_mm:
        x_mm, y_mm = x - FOCUS_SHEET.width_mm / 2, y - FOCUS_SHEET.height_mm / 2
        # The edges on the right of each square and below it, as the measure takes them.
        values.append((mtf50(x_mm + half, y_mm) + mtf50(x_mm, y_mm + half)) / 2)
    return min(values[1:]) / values[0]


def _poses() -> Iterable[Sweep]:
    def said(read: Callable[[Any], float], sd: Callable[[Any], float], true: str,
             **knobs: Any) -> Said:  # fmt: skip
        truth = replace(PLAIN, **knobs)
        pose = find_pose(render(Target.CHARUCO, truth, SIZE_PX), true_optics(k1=truth.k1))
        return Said(getattr(truth, true), read(pose), sd(pose))

    for name in ("yaw", "pitch", "roll"):
        bound = 0.05 if name == "roll" else POSE_DEG
        yield Sweep(
            "board", name, f"{name}, deg", (-20, -10, -5, -3, -1.5, 0, 1.5, 3, 5, 10, 20), bound,
            "deg",
            lambda one, name=name: said(  # type: ignore[misc]
                lambda pose: float(getattr(pose, f"{name}_deg")),
                lambda pose: float(getattr(pose, f"{name}_sd_deg")), f"{name}_deg",
                **{f"{name}_deg": one},
            ), (3, -10),
        )  # fmt: skip
    yield Sweep("board", "distance", "distance, m", (0.6, 0.8, 1.0, 1.5, 2.0, 2.5), 0.2, OF_TRUTH,
                lambda one: said(lambda pose: float(pose.distance_m),
                                 lambda pose: float(pose.distance_sd_m), "distance_m",
                                 distance_m=one), (1.0, 2.0))  # fmt: skip
    yield Sweep("board", "pitch of 3 deg", "blur sigma, px", (0.4, 0.8, 1.2, 1.6, 2.0), POSE_DEG,
                "deg", lambda one: said(lambda pose: float(pose.pitch_deg),
                                 lambda pose: float(pose.pitch_sd_deg), "pitch_deg",
                                 pitch_deg=3.0, blur_sigma_px=one))  # fmt: skip
    yield Sweep("board", "pitch of 3 deg", "noise, levels", (1.0, 2.0, 4.0, 6.0), POSE_DEG,
                "deg", lambda one: said(lambda pose: float(pose.pitch_deg),
                                 lambda pose: float(pose.pitch_sd_deg), "pitch_deg",
                                 pitch_deg=3.0, noise_sigma=one))  # fmt: skip
    yield Sweep("board", "pitch of 3 deg", "light, stops", (-3, -2, -1, 0, 0.5), POSE_DEG,
                "deg", lambda one: said(lambda pose: float(pose.pitch_deg),
                                 lambda pose: float(pose.pitch_sd_deg), "pitch_deg",
                                 pitch_deg=3.0, exposure_ev=one))  # fmt: skip


def _distortions() -> Iterable[Sweep]:
    known: dict[float, Distortion] = {}

    def found(k1: float) -> Distortion:
        if k1 not in known:
            known[k1] = measure_distortion(board_views(k1))
        return known[k1]

    def worst(k1: float) -> Said:
        reach = ZONE_SHARE / 2 * min(SIZE_PX) / focal_px(SIZE_PX)
        here = found(k1)
        return Said(100 * abs(k1) * reach**2, here.worst_percent, here.worst_sd_percent)

    knob = ("k1, 1", (-0.3, -0.2, -0.12, -0.05, 0.0, 0.05, 0.12))
    yield Sweep("distortion", "largest displacement in the face zone", *knob, 0.3, "% of radius",
                worst, (-0.2,))  # fmt: skip
    yield Sweep("distortion", "focal length", *knob, 1.0, OF_TRUTH,
                lambda one: Said(focal_px(SIZE_PX), found(one).optics.focal_px[0],
                                 found(one).focal_sd_px), (-0.2,))  # fmt: skip
    yield Sweep("distortion", "pixel aspect", *knob, 0.005, "1",
                lambda one: Said(1.0, found(one).pixel_aspect, found(one).pixel_aspect_sd),
                (-0.2,))  # fmt: skip
