"""Every measure of calibration keeps its bound against a known truth, on a part of its range."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from accuracy.optics.edges import as_levels, drawn_edge, true_mtf50
from accuracy.optics.glass_sweeps import glass_sweeps
from accuracy.optics.lens_sweeps import lens_sweeps, true_optics
from accuracy.optics.light_sweeps import light_sweeps
from accuracy.optics.sweep import Said, Sweep, held
from accuracy.optics.together import together_sweeps
from drivers.peers.lens_bench import Target, Truth, render
from quality.measure import CannotAssess
from quality.optics.board import BOARD, Optics, assumed_optics, find_corners, find_pose
from quality.optics.colour_chart import reference_xyz
from quality.optics.colour_patches import PATCHES
from quality.optics.refusal import Refusal, refused
from quality.optics.slanted_edge import measure_edge

SWEEPS = {
    f"{one.measure}-{one.estimate}-{one.knob}".replace(" ", "_"): one
    for one in (*lens_sweeps(), *light_sweeps(), *together_sweeps(), *glass_sweeps())
}
SAMPLED = [name for name, one in SWEEPS.items() if one.sample]
PAGE = Path(__file__).resolve().parents[1] / "docs" / "calibration-accuracy.md"


@pytest.mark.parametrize("name", SAMPLED)
def test_an_estimate_keeps_its_bound_and_does_not_claim_to_be_better_than_it_is(name):
    """Within the bound at every place, and within three of the uncertainties that it gave."""
    result = held(SWEEPS[name], SWEEPS[name].sample)

    assert result.unsaid == ()
    assert result.worst <= SWEEPS[name].bound
    assert max((abs(one) for one in result.ratios), default=0.0) <= 3.0


def test_the_published_page_tells_of_every_estimate_and_of_no_bound_that_is_missed():
    """Each sweep of the code has its row with its own bound, and every row is met and honest."""
    page = PAGE.read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `") and "places" in line]

    assert len(rows) == len(SWEEPS)
    assert all(row.endswith("| met |") for row in rows)
    assert "not honest" not in page
    for sweep in SWEEPS.values():
        bound = f"{sweep.bound:g}" if sweep.unit == "1" else f"{sweep.bound:g} {sweep.unit}"
        assert any(
            f"`{sweep.measure}` | {sweep.estimate} | {sweep.knob}:" in row and f"| {bound} |" in row
            for row in rows
        )


def test_a_refusal_within_the_range_counts_as_missed():
    """A measure that says nothing has no error, and has not kept its promise either."""

    def say(place):
        if place > 1:
            raise refused(Refusal.NO_CHART)
        return Said(1.0, 1.0)

    result = held(Sweep("m", "e", "k", (1.0, 2.0), 0.1, "1", say))

    assert result.worst == 0.0
    assert result.unsaid == ((2.0, "no_chart"),)
    assert result.standing == "missed"


@pytest.mark.parametrize("sigma", [0.6, 1.0, 2.0])
def test_the_formula_of_the_edge_agrees_with_a_gaussian_widened_by_a_pixel(sigma):
    """Half contrast of a Gaussian is at sqrt(ln2/2)/(pi sigma); a pixel's variance is 1/12."""
    widened = np.sqrt(sigma**2 + 1 / 12)

    assert true_mtf50(sigma) == pytest.approx(np.sqrt(np.log(2) / 2) / (np.pi * widened), rel=0.01)


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_an_edge_may_lie_in_any_direction_and_have_its_dark_side_anywhere(turn):
    """Turned by quarters the same edge reads the same."""
    edge = measure_edge(np.ascontiguousarray(np.rot90(as_levels(drawn_edge(0.8, 5.0)), turn)))

    assert edge.mtf50_cy_per_px == pytest.approx(true_mtf50(0.8, 5.0), rel=0.02)
    assert edge.angle_deg == pytest.approx(5.0, abs=0.1)
    assert edge.contrast == pytest.approx(0.7 / 0.9, abs=0.02)


def test_a_camera_that_sharpens_is_found_out_by_its_curve():
    """Contrast above what went in is the camera's work; a plain lens has none."""
    plain = drawn_edge(0.6, 5.0, levels=(0.3, 0.6))
    around = np.pad(plain, 1, mode="edge")
    near = (around[:-2, 1:-1] + around[2:, 1:-1] + around[1:-1, :-2] + around[1:-1, 2:]) / 4

    assert measure_edge(plain).peak <= 1.02
    assert measure_edge(plain + 3 * (plain - near)).peak > 1.05


@pytest.mark.parametrize(
    ("edge", "code"),
    [
        (drawn_edge(0.8, 0.5), "edge_angle"),
        (drawn_edge(0.8, 25.0), "edge_angle"),
        (drawn_edge(6.0, 5.0), "too_blurred"),
        (drawn_edge(0.8, 5.0)[:12], "too_small"),
        (np.full((64, 64), 0.4), "no_edge"),
        (as_levels(drawn_edge(0.8, 5.0, levels=(0.3, 1.3))), "over_exposed"),
        (as_levels(drawn_edge(0.8, 5.0, levels=(0.0, 0.005))), "under_exposed"),
    ],
    ids=["upright", "oblique", "far out of focus", "cut off", "even", "white clipped", "black"],
)
def test_an_edge_that_cannot_be_measured_is_refused_with_its_reason(edge, code):
    """No figure comes of an edge that is not slanted, does not fit, is not there or is clipped."""
    with pytest.raises(CannotAssess, match=code):
        measure_edge(edge)


def test_a_curve_bent_by_a_circle_is_no_edge():
    """The straight line is asked of, not taken for granted."""
    rows, columns = np.indices((64, 64))
    disc = np.hypot(rows - 32, columns - 10) < 30

    with pytest.raises(CannotAssess, match=r"no_edge|edge_angle"):
        measure_edge(np.where(disc, 0.1, 0.8))


def test_the_pose_names_its_directions_as_it_says():
    """Right side nearer is yaw, top nearer is pitch, clockwise is roll; each above zero."""
    truth = Truth(yaw_deg=6.0, pitch_deg=4.0, roll_deg=2.0, noise_sigma=0.0)
    picture = render(Target.CHARUCO, truth)
    pose = find_pose(picture, true_optics())
    sheet = picture[:, :, 1] > 200
    height_left, height_right = (int(sheet[:, x].sum()) for x in (550, 730))

    assert height_right > height_left
    assert (pose.yaw_deg, pose.pitch_deg, pose.roll_deg) == pytest.approx((6, 4, 2), abs=0.3)


def test_the_same_lens_is_known_in_a_still_of_another_size():
    """Focal length and centre follow the size; the pose is the same."""
    frame, still = (960, 540), (1440, 810)
    truth = Truth(pitch_deg=4.0, distance_m=1.0)
    optics = true_optics(frame).scaled(1.5)

    assert optics.focal_px == pytest.approx(true_optics(still).focal_px)
    assert optics.centre_px == pytest.approx(true_optics(still).centre_px)
    assert find_pose(render("charuco", truth, still), optics).distance_m == pytest.approx(
        1, rel=0.002
    )


def test_without_a_measured_lens_a_makers_angle_of_view_serves():
    """The bench's own angle of view gives the bench's own focal length."""
    assumed = assumed_optics(1280, 720, 43.6)

    assert isinstance(assumed, Optics)
    assert assumed.focal_px[0] == pytest.approx(true_optics().focal_px[0], rel=0.001)


def test_the_charts_values_are_those_of_the_colour_library():
    """Names, order, chromaticities and the way from D50 to D65 agree with a source not our own."""
    with warnings.catch_warnings():
        # It tells that SciPy and Matplotlib are not there.
        warnings.simplefilter("ignore")
        import colour  # noqa: PLC0415 - only here, and it takes a second

    chart = colour.CCS_COLOURCHECKERS["ColorChecker24 - After November 2014"]
    light = colour.CCS_ILLUMINANTS["CIE 1931 2 Degree Standard Observer"]["D65"]
    known = colour.chromatic_adaptation(
        colour.xyY_to_XYZ(np.array(list(chart.data.values()))),
        colour.xy_to_XYZ(chart.illuminant),
        colour.xy_to_XYZ(light),
        method="Von Kries",
        transform="Bradford",
    )
    names = [name.split(" (")[0].removesuffix(" 9.5").removesuffix(" 2") for name in chart.data]

    assert [one.name for one in PATCHES] == names
    assert np.allclose(reference_xyz(), known, atol=1e-3)


@pytest.mark.parametrize("px_per_mm", [2, 4])
def test_a_printed_board_is_as_large_as_its_corners_say(px_per_mm):
    """Squares and corners agree in millimetres: a distance is read off nothing else."""
    picture = np.pad(BOARD.drawn(px_per_mm), 80, constant_values=255)
    corners = find_corners(picture)
    known = corners.places_mm[:, :2] * px_per_mm + 80 - 0.5

    assert len(corners.numbers) == BOARD.corners == 24
    assert np.abs(corners.places_px - known).max() < 0.05
    assert (BOARD.width_mm, BOARD.height_mm) == (180.0, 252.0)
