"""Every screen in a real browser: large enough, nothing cut off, enough contrast."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from api.kiosk.catalogue import load_catalogue
from api.kiosk.view import looks_live
from quality.advice import Advice
from tests.browser.desk import SCENES, SHEETS
from tests.browser.stand import Stand

PPI = 102.46
MM_PX = PPI / 25.4
HANZI_MM, LATIN_MM, TITLE_MM, BUTTON_MM = 8.5, 10.0, 12.0, 10.0
TARGET_MM, CHOICE_MM, GAP_MM = 20.0, (25.0, 60.0), 6.0
ROUNDING_PX = 0.6

MEASURE = """() => {
  const shown = (e) => e.checkVisibility() && e.getBoundingClientRect().width > 0;
  const box = (e) => { const b = e.getBoundingClientRect();
    return {left: b.left, top: b.top, right: b.right, bottom: b.bottom}; };
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement, words = walker.currentNode.textContent.trim();
    if (!words || !shown(e) || ["SCRIPT", "STYLE", "NOSCRIPT"].includes(e.tagName)) continue;
    const style = getComputedStyle(e);
    texts.push({words, tag: e.tagName, button: !!e.closest("button"),
      font_px: parseFloat(style.fontSize), line_px: parseFloat(style.lineHeight),
      family: style.fontFamily, ...box(e)});
  }
  const targets = [...document.querySelectorAll("button")].filter(shown)
    .map((e) => ({words: e.textContent.trim(), choice: e.classList.contains("choice"), ...box(e)}));
  const over = [...document.querySelectorAll("body *")].filter((e) => shown(e) &&
    getComputedStyle(e).display !== "inline" && e.clientWidth > 0 && !(e instanceof SVGElement) &&
    (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1))
    .map((e) => `${e.tagName}.${e.className}`);
  return {texts, targets, over, width: innerWidth, height: innerHeight,
    questions: document.querySelectorAll("h1:not(#lost h1)").length};
}"""

THEME = "(theme) => { document.getElementById('stage').dataset.theme = theme; }"


def mm(px: float) -> float:
    """Pixels of the reference screen in millimetres, with what rounding may take."""
    return (px + ROUNDING_PX) / MM_PX


def check_geometry(seen: dict[str, Any]) -> None:
    """Hold one screen to the sizes of care mode."""
    assert seen["over"] == []
    assert seen["questions"] == 1
    for text in seen["texts"]:
        latin = any(ch.isascii() and ch.isalnum() for ch in text["words"])
        least = LATIN_MM if latin else HANZI_MM
        least = TITLE_MM if text["tag"] == "H1" else BUTTON_MM if text["button"] else least
        assert mm(text["font_px"]) >= least, text
        assert text["line_px"] >= 1.5 * text["font_px"] - ROUNDING_PX, text
        assert text["left"] >= 0, text
        assert text["top"] >= 0, text
        assert text["right"] <= seen["width"] + 1, text
        assert text["bottom"] <= seen["height"] + 1, text
        assert text["family"].startswith('"Anxin Noto Sans SC"'), text
    check_targets(seen["targets"])


def check_targets(targets: list[dict[str, Any]]) -> None:
    """At most three choices, each large; all targets apart from each other."""
    choices = [target for target in targets if target["choice"]]
    assert len(choices) <= 3
    for target in targets:
        width, height = target["right"] - target["left"], target["bottom"] - target["top"]
        assert min(mm(width), mm(height)) >= TARGET_MM, target
        if target["choice"]:
            assert mm(height) >= CHOICE_MM[0], target
            assert mm(width) >= CHOICE_MM[1], target
    for index, one in enumerate(targets):
        for other in targets[index + 1 :]:
            across = max(one["left"] - other["right"], other["left"] - one["right"])
            down = max(one["top"] - other["bottom"], other["top"] - one["bottom"])
            assert mm(max(across, down)) >= GAP_MM, (one, other)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_every_screen_is_large_whole_and_within_the_policy(
    stand: Stand, language: str, screens_folder: Path | None
):
    """Text and targets in millimetres of the reference screen, plain and enlarged."""
    for name in (*SCENES, *SHEETS):
        if name in SHEETS:
            stand.open_sheet(name, language=language)
        else:
            stand.show(name, language=language)
        for scale in ("1", "1.25"):
            stand.page.evaluate(
                "(scale) => { document.getElementById('stage').dataset.scale = scale; }", scale
            )
            if screens_folder:
                keep_picture(stand, screens_folder, name, language, scale)
            check_standing(stand, f"{name} {language} x{scale}")
        if name in SHEETS:
            stand.post("staff:back", "stay")
    assert stand.complaints == []


def check_standing(stand: Stand, what: str) -> None:
    """Hold the standing page to the sizes; a failure says which page it was."""
    try:
        check_geometry(stand.page.evaluate(MEASURE))
    except AssertionError as failure:
        raise AssertionError(f"{what}: {failure}") from failure


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_the_longest_hints_fit_the_fullest_screen(stand: Stand, language: str):
    """Three of them, each above the offer of staff, enlarged: nothing is cut off."""
    words = load_catalogue().lines[language]
    by_length = sorted((one.value for one in Advice), key=lambda code: len(words[code]))
    for code in by_length[-3:]:
        stand.show("portrait-stuck", language=language, hint=code)
        stand.page.evaluate("() => { document.getElementById('stage').dataset.scale = '1.25'; }")
        check_standing(stand, f"{code} {language}")


def keep_picture(stand: Stand, folder: Path, name: str, language: str, scale: str) -> None:
    """Keep a screenshot of the standing page: plain, or larger in the colours of high contrast."""
    if name in SCENES and looks_live(SCENES[name]) and not SCENES[name].overlay:
        stand.page.wait_for_selector("canvas[data-preview]:not([hidden])")
    stand.page.evaluate(THEME, "light" if scale == "1" else "contrast")
    size = "x".join(map(str, (stand.page.viewport_size or {}).values()))
    look = "" if scale == "1" else "-larger-contrast"
    picture = folder / f"{name}-{language}-{size}{look}.png"
    # Not by `path=`: that starts a thread which outlives the test.
    picture.write_bytes(stand.page.screenshot())


def test_contrast_is_at_least_seven_to_one_in_both_themes(stand: Stand):
    """Text against what lies behind it, computed from the colours the browser uses."""
    stand.show("consent")
    for theme in ("light", "contrast"):
        pairs = stand.page.evaluate(
            """(theme) => { const stage = document.getElementById('stage');
            stage.dataset.theme = theme;
            const behind = (e) => { for (; e; e = e.parentElement) {
              const c = getComputedStyle(e).backgroundColor;
              if (!c.startsWith('rgba(0, 0, 0, 0')) return c; } };
            return [...stage.querySelectorAll('h1, p, span, button, footer')]
              .map((e) => [getComputedStyle(e).color, behind(e), e.textContent.trim()]); }""",
            theme,
        )
        for ink, paper, words in pairs:
            assert contrast(ink, paper) >= 7, (theme, words, ink, paper)


def contrast(ink: str, paper: str) -> float:
    """Contrast ratio of two `rgb(r, g, b)` (WCAG 2.2, relative luminance)."""

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in colour[4:-1].split(",")]
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(ink), luminance(paper)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
