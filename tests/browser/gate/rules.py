"""The rules of the screens, R1 to R9 of what elders can see and touch, each fault under its name.

Pure: from what `measure.js` read off a page to what is wrong with it. Sizes are millimetres of the
screen that is configured, not of the layout's own unit.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.browser.gate.colour import contrast

LINE_HEIGHT, PARAGRAPH_PITCH = 1.5, 1.3
TEXT_CONTRAST, OTHER_CONTRAST = 7.0, 3.0
CHOICES, QUESTION_LINES = 3, 2
RING_MM = 0.5
ROUNDING_PX = 0.6
LETTERS: Final = '"Anxin Noto Sans SC"'

Seen = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with one screen.

    Attributes:
        name: of the rule that it breaks, stable.
        what: the words or the element, and by how much.
    """

    name: str
    what: str

    def __str__(self) -> str:
        return f"{self.name}: {self.what}"


@dataclass(frozen=True, slots=True)
class Sizes:
    """What is asked of one class of screen, in millimetres.

    Attributes:
        hanzi: font size of words without any Latin letter or digit.
        latin: font size where those must be read.
        title: font size of the question.
        button: font size on whatever is touched.
        target: least side of whatever is touched.
        choice: height and width of an answer to the question.
        gap: between two targets.
    """

    hanzi: float
    latin: float
    title: float
    button: float
    target: float
    choice: tuple[float, float]
    gap: float


KIOSK: Final = Sizes(8.5, 10.0, 12.0, 10.0, 20.0, (25.0, 60.0), 6.0)
"""A kiosk that somebody stands or sits before, 600 mm away."""
HAND: Final = Sizes(5.7, 6.7, 8.0, 6.7, 14.0, (16.0, 40.0), 4.0)
"""A tablet in the hand, 400 mm away: letters at the same angle, but fingers as they are."""
HAND_BELOW_MM: Final = 300
"""Of the long side. Not the product's own figure: a slip there would excuse itself here."""


@dataclass(frozen=True, slots=True)
class Screen:
    """A screen as it is configured, from which follows how far away it is looked at.

    Attributes:
        ppi: pixels an inch.
        size_px: width and height.
    """

    ppi: float = 102.46
    size_px: tuple[int, int] = (1080, 1920)

    @property
    def asked(self) -> Sizes:
        """What is asked of it: it hangs, or it is held."""
        return HAND if max(self.size_px) * 25.4 / self.ppi < HAND_BELOW_MM else KIOSK

    def mm(self, px: float) -> float:
        """Pixels in millimetres, with what rounding may take."""
        return (px + ROUNDING_PX) * 25.4 / self.ppi


def faults(seen: Seen, screen: Screen) -> list[Fault]:
    """Return all that is wrong with one drawn page."""
    return [fault for rule in RULES for fault in rule(seen, screen)]


def text_sizes(seen: Seen, screen: Screen) -> Iterator[Fault]:
    """R1, R2: millimetres of every letter."""
    asked = screen.asked
    for text in seen["texts"]:
        latin = any(char.isascii() and char.isalnum() for char in text["words"])
        least = asked.latin if latin else asked.hanzi
        least = asked.title if text["title"] else asked.button if text["button"] else least
        if screen.mm(text["font_px"]) < least:
            yield Fault("text-small", f"{text['words']!r} {screen.mm(text['font_px']):.1f} mm")
        if text["line_px"] < LINE_HEIGHT * text["font_px"] - ROUNDING_PX:
            yield Fault("lines-close", f"{text['words']!r} {text['line_px'] / text['font_px']:.2f}")
        if not text["family"].startswith(LETTERS):
            yield Fault("letters-foreign", f"{text['words']!r} {text['family']}")


def paragraphs(seen: Seen, screen: Screen) -> Iterator[Fault]:
    """R3: from one paragraph to the next is 1.3 times the way from line to line."""
    for pair in seen["paragraphs"]:
        if pair["gap_px"] + ROUNDING_PX < (PARAGRAPH_PITCH - 1) * pair["line_px"]:
            share = 1 + pair["gap_px"] / pair["line_px"]
            yield Fault("paragraphs-close", f"{pair['words']!r} {share:.2f}")


def places(seen: Seen, screen: Screen) -> Iterator[Fault]:
    """Nothing is cut off, by the screen or by a box, and no words lie over others."""
    for text in seen["texts"]:
        outside = (
            min(text["left"], text["top"]) < -1
            or text["right"] > seen["width"] + 1
            or text["bottom"] > seen["height"] + 1
        )
        if outside or text["cut_by"]:
            yield Fault("text-cut", f"{text['words']!r} by {text['cut_by'] or 'the screen'}")
    for element in seen["over"]:
        yield Fault("overflow", element)
    for one, other in itertools.combinations(seen["texts"], 2):
        if any(overlap(a, b) for a in one["rects"] for b in other["rects"]):
            yield Fault("text-over-text", f"{one['words']!r} and {other['words']!r}")
    for text in seen["texts"]:
        for target in seen["targets"]:
            if not text["button"] and any(overlap(line, target) for line in text["rects"]):
                yield Fault("text-over-target", f"{text['words']!r} and {target['words']!r}")


def overlap(one: Seen, other: Seen) -> bool:
    """Tell whether two boxes lie over each other, by more than the air in a line's height."""
    across = min(one["right"], other["right"]) - max(one["left"], other["left"])
    down = min(one["bottom"], other["bottom"]) - max(one["top"], other["top"])
    return bool(across > 2 and down > 0.3 * min(box["bottom"] - box["top"] for box in (one, other)))


def targets(seen: Seen, screen: Screen) -> Iterator[Fault]:
    """R4: each target as large as a hand needs that trembles."""
    asked = screen.asked
    for target in seen["targets"]:
        width = screen.mm(target["right"] - target["left"])
        height = screen.mm(target["bottom"] - target["top"])
        if min(width, height) < asked.target:
            yield Fault("target-small", f"{target['words']!r} {width:.0f} x {height:.0f} mm")
        if target["choice"] and (height < asked.choice[0] or width < asked.choice[1]):
            yield Fault("choice-small", f"{target['words']!r} {width:.0f} x {height:.0f} mm")
        if (
            min(target["left"], target["top"]) < -1
            or target["right"] > seen["width"] + 1
            or target["bottom"] > seen["height"] + 1
        ):
            yield Fault("target-outside", repr(target["words"]))


def gaps(seen: Seen, screen: Screen) -> Iterator[Fault]:
    """R5: targets lie apart."""
    for one, other in itertools.combinations(seen["targets"], 2):
        across = max(one["left"] - other["right"], other["left"] - one["right"])
        down = max(one["top"] - other["bottom"], other["top"] - one["bottom"])
        if screen.mm(max(across, down)) < screen.asked.gap:
            gap = f"{screen.mm(max(across, down)):.1f} mm"
            yield Fault("targets-close", f"{one['words']!r} and {other['words']!r}, {gap}")


def ink(seen: Seen, screen: Screen) -> Iterator[Fault]:
    """R6: text against what lies behind it."""
    for text in seen["texts"]:
        ratio = contrast(text["ink"], text["paper"])
        if ratio < TEXT_CONTRAST or text["faded"]:
            yield Fault("text-pale", f"{text['words']!r} {ratio:.1f}:1")


def edges(seen: Seen, screen: Screen) -> Iterator[Fault]:
    """R6: where a target ends, by border or by its own colour; and what icons are drawn with."""
    for target in seen["targets"]:
        border = contrast(target["border"], target["around"]) if target["border_px"] else 0.0
        ratio = max(border, contrast(target["fill"], target["around"]))
        if ratio < OTHER_CONTRAST:
            yield Fault("edge-pale", f"{target['words']!r} {ratio:.1f}:1")
    for icon in seen["icons"]:
        if contrast(icon["ink"], icon["paper"]) < OTHER_CONTRAST:
            yield Fault("icon-pale", f"{icon['where']} {icon['words']!r}")
    for stroke in seen["strokes"]:
        if contrast(stroke["ink"], stroke["paper"]) < OTHER_CONTRAST:
            yield Fault("stroke-pale", stroke["element"])


def focus(seen: Seen, screen: Screen) -> Iterator[Fault]:
    """R6: the target that keys have reached is seen to be it."""
    for ring in seen["rings"]:
        drawn = ring["seen"] and ring["style"] not in ("none", "hidden")
        if not drawn or screen.mm(ring["width_px"]) < RING_MM:
            yield Fault("focus-lost", repr(ring["words"]))
        elif contrast(ring["colour"], ring["around"]) < OTHER_CONTRAST:
            yield Fault("focus-pale", repr(ring["words"]))


def order(seen: Seen, screen: Screen) -> Iterator[Fault]:
    """Keys go as the eye reads: each next target lies further down, or to the right."""
    if any(target["tab"] > 0 for target in seen["targets"]):
        yield Fault("focus-order", "a tab index of its own")
    for one, following in itertools.pairwise(seen["targets"]):
        below = following["top"] >= one["bottom"] - ROUNDING_PX
        right = following["left"] >= one["right"] - ROUNDING_PX
        if not below and not right:
            yield Fault("focus-order", f"{one['words']!r}, then {following['words']!r}")


def question(seen: Seen, screen: Screen) -> Iterator[Fault]:
    """R7: one question of two lines, and three choices at most besides bars and keys.

    While the camera rests its card stands in for the question, which is about a picture.
    """
    if seen["questions"] != 1 and not seen["resting"]:
        yield Fault("questions", str(seen["questions"]))
    lines = sum(text["lines"] for text in seen["texts"] if text["title"])
    if lines > QUESTION_LINES:
        yield Fault("question-long", f"{lines} lines")
    choices = [target for target in seen["targets"] if target["choice"]]
    if len(choices) > CHOICES:
        yield Fault("choices", str(len(choices)))


def names(seen: Seen, screen: Screen) -> Iterator[Fault]:
    """R8 and names: whatever is touched is a button, and says in words what it does."""
    for target in seen["targets"]:
        if not any(char.isalnum() for char in target["words"]):
            kind = "icon-without-word" if target["icon"] else "target-without-name"
            yield Fault(kind, target["element"])
        elif target["words"] not in target["name"]:
            yield Fault("name-other", f"{target['words']!r} is called {target['name']!r}")
        if not target["element"].startswith("button"):
            yield Fault("not-a-button", target["element"])
    for element in seen["impostors"]:
        yield Fault("not-a-button", element)
    for icon in seen["icons"]:
        if not icon["words"]:
            yield Fault("icon-without-word", icon["where"])
    for element in seen["unnamed"]:
        yield Fault("picture-without-name", element)
    if not seen["language"] == seen["page_language"] != "":
        yield Fault("language", f"{seen['language']!r} on a page of {seen['page_language']!r}")


def colour_alone(seen: Seen, screen: Screen) -> Iterator[Fault]:
    """R8: what is chosen is told from what is not by more than its colour."""
    pressed = [target for target in seen["targets"] if target["pressed"] is not None]
    for one, other in itertools.combinations(pressed, 2):
        alike = (one["weight"], one["border_px"]) == (other["weight"], other["border_px"])
        if one["pressed"] != other["pressed"] and alike:
            yield Fault("colour-alone", f"{one['words']!r} and {other['words']!r}")


def told(seen: Seen, screen: Screen) -> Iterator[Fault]:
    """Whoever does not see hears of words that change by themselves."""
    for line in seen["told"]:
        if not line["live"]:
            yield Fault("change-untold", line["element"])


def stillness(seen: Seen, screen: Screen) -> Iterator[Fault]:
    """Nothing moves for whoever asked their system for stillness."""
    if seen["moving"]:
        yield Fault("moves", str(seen["moving"]))


RULES: Final[tuple[Callable[[Seen, Screen], Iterator[Fault]], ...]] = (
    text_sizes, paragraphs, places, targets, gaps, ink, edges, focus, order, question, names,
    colour_alone, told, stillness,
)  # fmt: skip


class Bars:
    """R7: what stands on every screen stands in the same place on all of them."""

    def __init__(self) -> None:
        self._places: dict[tuple[object, ...], tuple[str, tuple[float, ...]]] = {}

    def moved(self, seen: Seen, look: tuple[object, ...], scene: str) -> Iterator[Fault]:
        """Compare with where this look's bars stood first."""
        for target in seen["targets"]:
            if target["where"] not in ("header", "nav"):
                continue
            action = (target["value"].partition(":")[0], target["words"])
            box = tuple(target[side] for side in ("left", "top", "right", "bottom"))
            first, stood = self._places.setdefault((*look, *action), (scene, box))
            if any(abs(a - b) > 1.5 for a, b in zip(stood, box, strict=True)):
                yield Fault("bar-moved", f"{target['words']!r} since {first}")
