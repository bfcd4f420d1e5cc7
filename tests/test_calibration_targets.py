"""The printed targets: true to scale, found by the measures that look for them, honest in words."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from edge.calibration.certificate_words import words_of
from edge.calibration.targets import CELL_MM, RULER_MM, TARGETS, draw_targets
from quality.optics.board import BOARD, find_corners
from quality.optics.colour_chart import measure_colours
from quality.optics.colour_patches import HOLDER
from quality.optics.focus_chart import FOCUS_SHEET, measure_focus
from quality.optics.marks import CHART_MARKS, find_marks

PX_PER_MM = 6
POINT_MM = 25.4 / 72
LANGUAGES = ("zh-CN", "en")


def streams(pdf: bytes) -> Iterator[str]:
    """Yield what each page is told to draw."""
    for said in re.findall(rb"(?s)/ASCII85Decode /FlateDecode.*?stream\r?\n(.*?)endstream", pdf):
        content = zlib.decompress(base64.a85decode(said.strip().removesuffix(b"~>")))
        if b" re" in content or b" rg" in content:
            yield content.decode("latin-1")


def pages(pdf: bytes, px_per_mm: int = PX_PER_MM) -> list[np.ndarray]:
    """Return each page as the printer would fill it, (height, width, 3), 6 px a millimetre or more.

    Only what is filled: boxes and polygons. Letters and lines are thin, and were looked at.
    """
    sizes = re.findall(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+)", pdf)
    drawn = []
    for (wide, high), said in zip(sizes, streams(pdf), strict=True):
        height = round(float(high) * POINT_MM * px_per_mm)
        width = round(float(wide) * POINT_MM * px_per_mm)
        page = np.full((height, width, 3), 255, np.uint8)
        _fill(page, said, float(high), px_per_mm)
        drawn.append(page)
    return drawn


def _fill(page: np.ndarray, said: str, high: float, px_per_mm: int) -> None:
    colour, corners = (0, 0, 0), []
    scale = POINT_MM * px_per_mm

    def fill(points) -> None:
        places = np.array([[x * scale, (high - y) * scale] for x, y in points])
        cv2.fillPoly(page, [np.rint((places - 0.5) * 256).astype(np.int32)], colour, shift=8)

    number = r"(-?[\d.]+)"
    told = re.compile(
        rf"{number} {number} {number} rg|n {number} {number} {number} {number} re (f\b|S)"
        rf"|{number} {number} (m|l)\b|\b(h?) ?f\b"
    )
    for found in told.finditer(said):
        one = found.groups()
        if one[0]:
            colour = tuple(round(255 * float(level)) for level in one[2::-1])
        elif one[3] and one[7] == "f":
            x, y, wide, tall = map(float, one[3:7])
            fill([(x, y), (x + wide, y), (x + wide, y + tall), (x, y + tall)])
        elif one[10]:
            corners = corners if one[10] == "l" else []
            corners.append((float(one[8]), float(one[9])))
        elif len(corners) >= 3 and found.group().endswith("f"):
            fill(corners)
            corners = []


@pytest.fixture(scope="module")
def printed() -> dict[str, np.ndarray]:
    return dict(zip(TARGETS, pages(draw_targets(tuple(TARGETS), "en")), strict=True))


def test_the_board_lies_where_the_pose_is_reckoned_from(printed):
    """All 24 corners, and each within a twentieth of a millimetre of its place on the board."""
    found = find_corners(printed["charuco"])
    apart = found.places_px / PX_PER_MM - found.places_mm[:, :2]

    assert len(found.numbers) == 24
    assert float(np.abs(apart - apart.mean(axis=0)).max()) < 0.05
    left, top = (round(float(one) * PX_PER_MM + 0.5) for one in apart.mean(axis=0))
    drawn = BOARD.drawn(PX_PER_MM)
    seen = printed["charuco"][top : top + drawn.shape[0], left : left + drawn.shape[1], 0]
    # Every bit of every mark, but for the outermost pixels of each.
    assert float((seen != drawn).mean()) < 0.03


def test_the_slanted_edges_lie_where_they_are_looked_for(printed):
    """Squares of their size and turn, and nothing beside an edge that is measured."""
    grey = cv2.cvtColor(printed["slanted_edge"], cv2.COLOR_BGR2GRAY)
    dark = (grey < 200).astype(np.uint8)
    _, _, stats, middles = cv2.connectedComponentsWithStats(dark)
    wanted = sorted(FOCUS_SHEET.middles_mm, key=lambda one: one[::-1])
    found = sorted((middles[1:] + 0.5) / PX_PER_MM, key=lambda one: tuple(np.round(one[::-1])))
    assert len(found) == len(wanted)
    assert np.abs(np.array(found) - np.array(wanted)).max() < 0.1
    areas = stats[1:, cv2.CC_STAT_AREA] / PX_PER_MM**2
    assert areas == pytest.approx(FOCUS_SHEET.side_mm**2, rel=0.01)
    # On a wall, a little out of focus, and its white not clipped.
    seen = (cv2.GaussianBlur(grey, (0, 0), 2.0) * 0.9).astype(np.uint8)
    focus = measure_focus(cv2.copyMakeBorder(seen, *[120] * 4, cv2.BORDER_CONSTANT, value=229))
    assert abs(focus.roll_deg) < 0.1
    assert focus.corner_share > 0.98


def test_the_patches_are_as_near_to_the_chart_s_as_levels_can_be(printed):
    """Cyan lies beyond what levels can say; the page tells that no printer gives them at all."""
    found = measure_colours(printed["colour_chart"])

    assert found.delta_e_mean < 0.5
    far = [patch.name for patch in found.patches if patch.delta_e > 1.0]
    assert far == ["cyan"]


@pytest.mark.parametrize("cell_mm", [CELL_MM[0], 14.0, CELL_MM[1]])
def test_the_holder_s_marks_are_a_cell_s_side_true(cell_mm: float):
    """Whatever chart was bought."""
    # As near as whoever holds it: small marks on a large sheet are passed over as dirt.
    px_per_mm = round(216 / cell_mm)
    (page,) = pages(draw_targets(["colour_holder"], "en", cell_mm=cell_mm), px_per_mm)
    (middle_y, middle_x), half = (side // 2 for side in page.shape[:2]), 5 * 216
    near = page[max(0, middle_y - half) :, max(0, middle_x - half) :][: 2 * half, : 2 * half]
    marks = find_marks(cv2.cvtColor(near, cv2.COLOR_BGR2GRAY))
    across = (marks[41][0] - marks[40][0])[0] / px_per_mm
    down = (marks[43][0] - marks[40][0])[1] / px_per_mm

    assert set(marks) == set(CHART_MARKS)
    assert across == pytest.approx((HOLDER.width - HOLDER.mark) * cell_mm, abs=0.2)
    assert down == pytest.approx((HOLDER.height - HOLDER.mark) * cell_mm, abs=0.2)


def test_every_sheet_has_two_rulers_of_100_mm_and_lies_on_a4():
    """One along, one across: a printer may be true in one direction only."""
    for name in TARGETS:
        pdf = draw_targets([name], "en")
        (wide, high), (said,) = (
            re.findall(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+)", pdf)[0],
            streams(pdf),
        )
        sides = sorted(round(float(side) * POINT_MM) for side in (wide, high))
        assert sides == [210, 297]
        lines = re.findall(r"n ([\d.-]+) ([\d.-]+) m ([\d.-]+) ([\d.-]+) l S", said)
        ends = [tuple(map(float, line)) for line in lines]
        across = [abs(x2 - x1) * POINT_MM for x1, y1, x2, y2 in ends if y1 == y2]
        down = [abs(y2 - y1) * POINT_MM for x1, y1, x2, y2 in ends if x1 == x2]
        assert any(abs(one - RULER_MM) < 0.01 for one in across)
        assert any(abs(one - RULER_MM) < 0.01 for one in down)


def test_no_sheet_claims_what_a_printer_cannot_give():
    """Grey and colours are bought, and each language says so on the sheet itself."""
    for language, bought in (("en", "bought"), ("zh-CN", "购买")):
        words = words_of(language)
        for name in ("grey_sheet", "colour_chart"):
            assert bought in words.line(f"target.{name}_check")
        assert "100 %" in words.line("target.print")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sheets_are_the_same_bytes_each_time_and_one_page_each(language: str):
    """All of them in one file."""
    pdf = draw_targets(tuple(TARGETS), language)
    assert pdf == draw_targets(tuple(TARGETS), language)
    assert pdf.count(b"/Type /Page\n") == len(TARGETS)


@pytest.mark.parametrize(
    ("names", "language", "cell_mm"),
    [([], "en", 36.0), (["portrait"], "en", 36.0), (["charuco"], "fr", 36.0),
     (["charuco"], "en", 7.9), (["charuco"], "en", 36.1), (["charuco"], "en", float("nan"))],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused(names, language: str, cell_mm: float):
    """No such sheet, no such language, a chart that fits nowhere."""
    with pytest.raises(ValueError, match=r"target|words|cell"):
        draw_targets(names, language, cell_mm=cell_mm)
