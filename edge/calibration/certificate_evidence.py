"""The certificate's second page: what was looked at, and the curves and maps behind the figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from reportlab.lib.colors import Color  # type: ignore[import-untyped]

from edge.calibration.certificate_front import COLOURS, LEFT, WIDE
from edge.calibration.certificate_sheet import FAINT, INK, SOFT, Sheet
from edge.calibration.certificate_words import Words
from edge.calibration.plot import Axis, line_plot
from edge.calibration.record import Calibration, Evidence, Recorded, Verdict

THUMBS: Final = 5
THUMB_MM: Final = (34.0, 30.0)
GAP_MM: Final = 2.9
PLOT_MM: Final = (88.0, 52.0)
PATCH_MM: Final = 13.0
ZONE_MM: Final = 9.0
MTF: Final = "mtf."

Draw = Callable[[float, float], None]


def draw_evidence(sheet: Sheet, recorded: Recorded, evidence: Evidence, words: Words) -> None:
    """Draw the page."""
    sheet.text(LEFT, 20, words.line("head.evidence"), 16.0)
    sheet.text(LEFT + WIDE, 20, recorded.id, 8.0, SOFT, "right")
    y = _pictures(sheet, recorded.calibration, evidence, words)
    column = (WIDE + 4) / 2
    drawn = _plots(sheet, recorded.calibration, evidence, words)
    for number, draw in enumerate(drawn):
        draw(LEFT + (number % 2) * column, y + (number // 2) * (PLOT_MM[1] + 10))


def _pictures(sheet: Sheet, one: Calibration, evidence: Evidence, words: Words) -> float:
    sheet.text(LEFT, 28, words.line("evidence.pictures"), 9.0, SOFT)
    order = {step.step: number for number, step in enumerate(one.steps)}
    kept = [name[:-4] for name in one.evidence if name.endswith(".jpg")]
    names = sorted(kept, key=lambda name: order.get(name, len(order)))
    if not names:
        sheet.text(LEFT, 34, words.line("evidence.no_pictures"), 8.0)
        return 40.0
    wide, high = THUMB_MM
    for number, name in enumerate(names[: 2 * THUMBS]):
        x = LEFT + (number % THUMBS) * (wide + GAP_MM)
        y = 31.0 + (number // THUMBS) * (high + 7)
        sheet.box(x, y, wide, high, line=FAINT)
        if not _drawn(sheet, (x + 0.5, y + 0.5, wide - 1, high - 1), evidence.pictures.get(name)):
            missing = words.line("evidence.missing")
            sheet.text(x + wide / 2, y + high / 2, missing, 7.0, COLOURS[Verdict.FAIL], "middle")
        sheet.text(x, y + high + 3.2, words.named("step", name), 7.0, SOFT, width=wide)
    rows = (min(len(names), 2 * THUMBS) + THUMBS - 1) // THUMBS
    return 31.0 + rows * (high + 7) + 5


def _drawn(sheet: Sheet, place: tuple[float, float, float, float], jpeg: bytes | None) -> bool:
    if jpeg is None:
        return False
    try:
        sheet.picture(*place, jpeg)
    except (OSError, ValueError):
        # It is what was kept, and still no picture: whoever kept it is at fault, not the reader.
        return False
    return True


def _plots(sheet: Sheet, one: Calibration, evidence: Evidence, words: Words) -> list[Draw]:
    found: list[Draw] = []
    mtf = {
        words.named("curve", name[len(MTF) :]): points
        for name, points in evidence.curves.items()
        if name.startswith(MTF)
    }
    if mtf:
        centre = one.step("mtf50_centre")
        limit = None if centre is None else centre.least
        found.append(lambda x, y: _mtf(sheet, x, y, mtf, limit, words))
    for name in ("flicker", "depth"):
        if name in evidence.curves:
            found.append(_curve(sheet, name, evidence.curves[name], words))
    patches = _details(one, "patches")
    if patches:
        found.append(lambda x, y: _patches(sheet, x, y, patches, words))
    zones = _details(one, "zones")
    if zones:
        found.append(lambda x, y: _zones(sheet, x, y, zones, words))
    return found


def _details(one: Calibration, name: str) -> Any:
    return next((step.details[name] for step in one.steps if name in step.details), None)


def _mtf(  # noqa: PLR0917 - a place and what stands there
    sheet: Sheet, x: float, y: float, curves: Mapping[str, Any], least: float | None, words: Words
) -> None:
    sheet.text(x, y, words.line("evidence.mtf"), 8.0, SOFT)
    axes = (
        Axis(words.line("evidence.mtf_x"), 0.0, 0.5), Axis(words.line("evidence.mtf_y"), 0.0, 1.2)
    )  # fmt: skip
    # What the limit asks for: half the contrast is left at that fineness.
    shown = (
        dict(curves)
        if least is None
        else {**curves, words.line("curve.limit"): ((least, 0.0), (least, 0.5))}
    )
    sheet.drawing(x, y + 1.5, line_plot(*PLOT_MM, shown, axes, limits=(0.5, None)))


def _curve(sheet: Sheet, name: str, points: Any, words: Words) -> Draw:
    axes = (Axis(words.line(f"evidence.{name}_x")), Axis(words.line(f"evidence.{name}_y")))

    def draw(x: float, y: float) -> None:
        sheet.text(x, y, words.line(f"evidence.{name}"), 8.0, SOFT)
        sheet.drawing(x, y + 1.5, line_plot(*PLOT_MM, {name: points}, axes, dots=True))

    return draw


def _patches(
    sheet: Sheet, x: float, y: float, patches: Sequence[Mapping[str, Any]], words: Words
) -> None:
    y = sheet.paragraph(x, y, PLOT_MM[0], words.line("evidence.patches"), 8.0, SOFT) - 1.0
    high = PATCH_MM * 0.85
    for number, patch in enumerate(patches[:24]):
        left = x + (number % 6) * (PATCH_MM + 1)
        top = y + (number // 6) * (high + 1)
        sheet.box(left, top, PATCH_MM / 2, high, _colour(patch.get("true_rgb")))
        sheet.box(left + PATCH_MM / 2, top, PATCH_MM / 2, high, _colour(patch.get("seen_rgb")))
        dark = sum(patch.get("seen_rgb") or (0, 0, 0)) < _HALF
        told = f"{float(patch.get('delta_e', 0.0)):.1f}"
        ink = Color(1, 1, 1) if dark else INK
        sheet.text(left + PATCH_MM * 0.75, top + high - 1.2, told, 6.0, ink, "middle")


_HALF: Final = 3 * 0.2


def _colour(rgb: Any) -> Color:
    """Return a colour of linear red, green and blue of 0..1. Source: IEC 61966-2-1."""
    if not rgb or len(rgb) != 3:
        return FAINT
    levels = [min(1.0, max(0.0, float(one))) for one in rgb]
    return Color(*(12.92 * n if n <= 0.0031308 else 1.055 * n ** (1 / 2.4) - 0.055 for n in levels))


def _zones(
    sheet: Sheet, x: float, y: float, zones: Sequence[Sequence[float]], words: Words
) -> None:
    y = sheet.paragraph(x, y, PLOT_MM[0], words.line("evidence.uniformity"), 8.0, SOFT) - 1.0
    brightest = max((float(one) for row in zones for one in row), default=1.0) or 1.0
    for down, row in enumerate(zones):
        for across, value in enumerate(row):
            share = float(value) / brightest
            left, top = x + across * (ZONE_MM + 5), y + down * ZONE_MM
            # Darker than it is, or nobody would see it.
            grey = max(0.0, 1 - 3 * (1 - share))
            sheet.box(left, top, ZONE_MM + 5, ZONE_MM, Color(grey, grey, grey), FAINT)
            ink = INK if grey > 0.5 else Color(1, 1, 1)
            middle = left + (ZONE_MM + 5) / 2
            sheet.text(middle, top + ZONE_MM / 2 + 1, f"{100 * share:.0f}", 8.0, ink, "middle")
