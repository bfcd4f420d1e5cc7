"""The certificate's first page: what was measured, held against what, by whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from reportlab.lib.colors import Color, HexColor, white  # type: ignore[import-untyped]

from edge.calibration.certificate_figures import limits_of, value_of
from edge.calibration.certificate_sheet import FAINT, INK, PALE, SOFT, WIDTH_MM, Sheet
from edge.calibration.certificate_words import Words
from edge.calibration.record import Calibration, Overall, Recorded, StepResult, Verdict
from edge.utc import rfc3339

LEFT: Final = 14.0
WIDE: Final = WIDTH_MM - 2 * LEFT
QR_MM: Final = 30.0
FOOT_MM: Final = 283.0
CONDITIONS_A_LINE: Final = 2
CONDITIONS_MOST: Final = 8
"""The record has all of them; the page must stay one."""
ROW_MM: Final = (3.7, 5.0)
"""Least and most height of a table's row."""
COLUMNS: Final = (LEFT, LEFT + 27, LEFT + 70, LEFT + 114, LEFT + 145, LEFT + 153, LEFT + 174)
"""Where step, measure, value, limits, n, verdict and source begin."""
COLOURS: Final[Mapping[Verdict, Color]] = {
    Verdict.PASS: HexColor("#14532d"),
    Verdict.REMARK: HexColor("#92400e"),
    Verdict.FAIL: HexColor("#b3261e"),
    Verdict.NOT_ASSESSED: SOFT,
}
BANDS: Final[Mapping[Overall, Color]] = {
    Overall.PASS: COLOURS[Verdict.PASS],
    Overall.PASS_WITH_REMARKS: COLOURS[Verdict.REMARK],
    Overall.FAIL: COLOURS[Verdict.FAIL],
    Overall.NOT_ASSESSED: SOFT,
}


def draw_front(sheet: Sheet, recorded: Recorded, words: Words) -> None:
    """Draw the page."""
    calibration = recorded.calibration
    _head(sheet, recorded, words)
    y = _facts(sheet, _left_facts(calibration, words), _right_facts(recorded, words), 63.0, words)
    y = _in_force(sheet, calibration, y, words)
    sources = _numbered_sources(calibration.steps, words)
    foot = _foot(sheet, recorded, sources, words)
    if calibration.kind == "undo":
        sheet.paragraph(LEFT, y + 4, WIDE, words.line("undo.what"), 9.0)
    else:
        _table(sheet, calibration.steps, list(sources), (y + 2.0, foot - 2.0), words)


def _head(sheet: Sheet, recorded: Recorded, words: Words) -> None:
    calibration = recorded.calibration
    sheet.text(LEFT, 22, words.line("head.title"), 20.0)
    sheet.text(LEFT, 29, words.line("head.subtitle"), 12.0, SOFT)
    method = calibration.method or calibration.profile
    sheet.paragraph(
        LEFT, 36, WIDE - QR_MM - 6, words.line("head.following", method=method), 8.5, INK
    )
    sheet.text(LEFT, 44.5, words.line(f"head.{calibration.kind}"), 8.5, SOFT)
    sheet.qr(LEFT + WIDE - QR_MM, 12, QR_MM, recorded.sha256)
    colour = BANDS[calibration.overall]
    sheet.box(LEFT, 48, WIDE, 9.5, colour)
    sheet.text(LEFT + 3, 54.6, words.line(f"overall.{calibration.overall.value}"), 14.0, white)
    until = calibration.valid_until or words.line("label.no_validity")
    told = f"{words.line('label.valid_until')}  {until}"
    sheet.text(LEFT + WIDE - 3, 54.4, told, 11.0, white, "right")


def _left_facts(calibration: Calibration, words: Words) -> list[tuple[str, str]]:
    order = words.codes("identity")
    other = "reader_" if calibration.profile.startswith("camera") else "camera_"
    names = sorted(
        (name for name in calibration.identity if not name.startswith(other)),
        key=lambda name: order.index(name) if name in order else len(order),
    )
    named = [(words.named("identity", name), calibration.identity[name]) for name in names]
    return [
        (words.line("label.device"), calibration.device_id),
        (words.line("label.station"), calibration.station_id),
        *named,
    ]


def _right_facts(recorded: Recorded, words: Words) -> list[tuple[str, str]]:
    one = recorded.calibration
    software = ", ".join(f"{name} {version}" for name, version in one.software.items())
    facts = [
        ("began", _moment(one.began_at_ms)),
        ("ended", _moment(one.ended_at_ms)),
        ("technician", one.technician),
        ("witness", one.witness or words.line("label.nobody")),
        ("profile", f"{one.profile}  {one.profile_sha256[:16]}"),
        ("software", software),
        ("number", str(one.number)),
        ("previous", one.previous_id or words.line("label.first")),
    ]
    lines = [(words.line(f"label.{name}"), value) for name, value in facts]
    order = words.codes("environment")
    told = sorted(
        one.environment.items(),
        key=lambda found: order.index(found[0]) if found[0] in order else len(order),
    )
    conditions = [_condition(words, *found) for found in told[:CONDITIONS_MOST]]
    for at in range(0, len(conditions), CONDITIONS_A_LINE):
        label = "" if at else words.line("label.environment")
        lines.append((label, ", ".join(conditions[at : at + CONDITIONS_A_LINE])))
    return lines


def _condition(words: Words, name: str, value: str | float) -> str:
    told = value if isinstance(value, str) else f"{value:g}"
    return f"{words.named('environment', name)} {told}"


def _facts(
    sheet: Sheet,
    left: Sequence[tuple[str, str]],
    right: Sequence[tuple[str, str]],
    y: float,
    words: Words,
) -> float:
    half = WIDE / 2
    for number in range(max(len(left), len(right))):
        for column, facts in enumerate((left, right)):
            if number < len(facts):
                label, value = facts[number]
                x = LEFT + column * (half + 2)
                sheet.text(x, y, label, 7.0, SOFT, width=25)
                sheet.text(x + 26, y, value or words.line("label.nobody"), 7.5, width=half - 28)
        y += 4.3
    return y


def _in_force(sheet: Sheet, calibration: Calibration, y: float, words: Words) -> float:
    if calibration.kind == "quick":
        return y
    if calibration.kind == "undo":
        restored = calibration.restores or words.line("label.restores_none")
        sheet.text(LEFT, y, words.line("label.restores"), 7.0, SOFT, width=25)
        sheet.text(LEFT + 26, y, restored, 7.5)
        y += 4.3
    nothing = "parameters_none" if calibration.overall.passed else "parameters_unchanged"
    told = ",  ".join(
        f"{words.named('parameter', name)}: {value:.4g}"
        for name, value in calibration.parameters.items()
        if calibration.overall.passed
    )
    sheet.text(LEFT, y, words.line("label.parameters"), 7.0, SOFT, width=25)
    return sheet.paragraph(LEFT + 26, y, WIDE - 26, told or words.line(f"label.{nothing}"), 7.5)


def _table(
    sheet: Sheet, steps: Sequence[StepResult], sources: list[str], room: tuple[float, float],
    words: Words,
) -> None:  # fmt: skip
    top, low = room
    names = ("step", "measure", "value", "limits", "n", "verdict", "source")
    sheet.box(LEFT, top, WIDE, 5.0, PALE)
    for x, name in zip(COLUMNS, names, strict=True):
        sheet.text(x + 0.8, top + 3.5, words.line(f"table.{name}"), 7.0, SOFT)
    y = top + 5.0
    fit = int((low - y) / ROW_MM[0])
    shown = steps if len(steps) <= fit else steps[: fit - 1]
    height = min(ROW_MM[1], (low - y) / max(1, len(shown)))
    before = ""
    for step in shown:
        _row(sheet, step, y, height, first=step.step != before, words=words, sources=sources)
        before = step.step
        y += height
    if len(shown) < len(steps):
        more = words.line("table.more", count=len(steps) - len(shown))
        sheet.text(LEFT, y + ROW_MM[0] - 1, more, 7.0, COLOURS[Verdict.FAIL])


def _row(
    sheet: Sheet, step: StepResult, y: float, height: float, *, first: bool, words: Words,
    sources: list[str],
) -> None:  # fmt: skip
    if first:
        sheet.rule(LEFT, y, WIDE, FAINT)
    base, colour = y + height / 2 + 1.0, COLOURS[step.verdict]
    name = words.named("measure", f"{step.step}.{step.measure}")
    cells = (
        (words.named("step", step.step) if first else "", SOFT),
        (name.removeprefix(f"{step.step}."), INK),
        (value_of(step, words), INK if step.value is not None else SOFT),
        (limits_of(step, words), INK),
        (str(step.n) if step.n else "", SOFT),
        (words.line(f"verdict.{step.verdict.value}"), colour),
        (f"[{sources.index(_source(step, words)) + 1}]", SOFT),
    )
    ends = (*COLUMNS[1:], LEFT + WIDE)
    for x, end, (told, ink) in zip(COLUMNS, ends, cells, strict=True):
        sheet.text(x + 0.8, base, told, 7.4, ink, width=end - x - 1.4)


def _numbered_sources(steps: Sequence[StepResult], words: Words) -> dict[str, int]:
    told = (_source(step, words) for step in steps)
    return {source: number for number, source in enumerate(dict.fromkeys(told), 1)}


def _source(step: StepResult, words: Words) -> str:
    standing = {"house": "house", "source": "verified", "unverified": "unverified"}
    code = standing.get(step.standing)
    return step.source if code is None else f"{step.source} ({words.line(f'table.{code}')})"


def _foot(sheet: Sheet, recorded: Recorded, sources: Mapping[str, int], words: Words) -> float:
    """Draw the foot from below upwards, and return where it begins."""
    told = ";  ".join(f"[{number}] {source}" for source, number in sources.items())
    parts = [
        (f"{words.line('table.sources')}:  {told}", 6.3, INK) if told else None,
        (words.line("table.uncertainty"), 6.3, SOFT) if told else None,
        (words.line("table.verify"), 6.3, SOFT),
        (f"{words.line('label.id')}:  {recorded.id}", 7.5, INK),
        (f"{words.line('label.sha256')}:  {recorded.sha256}", 7.5, INK),
    ]
    shown = [part for part in parts if part is not None]
    step = [sheet.lines_of(WIDE, text, size) * size * 0.466 + 1.0 for text, size, _ in shown]
    y = top = FOOT_MM - sum(step)
    sheet.rule(LEFT, top - 3.0, WIDE, INK)
    for (text, size, colour), height in zip(shown, step, strict=True):
        sheet.paragraph(LEFT, y, WIDE, text, size, colour)
        y += height
    return top - 3.0


def _moment(at_ms: int) -> str:
    return f"{rfc3339(at_ms)[:16].replace('T', ' ')} UTC"
