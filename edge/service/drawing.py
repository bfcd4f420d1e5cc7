"""A card's drawing: SVG of plain shapes alone, written anew from what was understood of it.

What is not on the list is refused, not removed: no script, no link, no style, no text, no picture
inside the picture, nothing that moves, and not so many pieces that they could be a code.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from typing import Final

from edge.service.pack import PackUnfit

SVG: Final = "http://www.w3.org/2000/svg"
BYTES_MAX: Final = 48 << 10
PIECES_MAX: Final = 60
"""[ours] Shapes and parts of paths. The smallest code that a telephone reads has some 110 runs of
dark fields in its 21 rows."""
CORNERS_MAX: Final = 64
"""[ours] Upright or level steps in paths and polygons; the outlines in that code have over 200."""
_GROUPS: Final = frozenset({"svg", "g"})
_SHAPES: Final = frozenset({"path", "rect", "circle", "ellipse", "line", "polyline", "polygon"})
ELEMENTS_MAX: Final = 200
_NUMBER: Final = re.compile(r"-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_COMMAND: Final = re.compile(r"([MmLlHhVvCcSsQqTtAaZz])([^MmLlHhVvCcSsQqTtAaZz]*)")
_TAKES: Final = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "A": 7, "Z": 0}
"""How many numbers each command of a path takes."""
_PAINT: Final = re.compile(r"none|currentColor|#[0-9a-fA-F]{3}(?:[0-9a-fA-F]{3})?")
_NUMBERS: Final = re.compile(r"[0-9eE., +-]*")
_PATH: Final = re.compile(r"[MmLlHhVvCcSsQqTtAaZz0-9eE., +\n-]*")
_TURN: Final = re.compile(r"(?:translate|rotate|scale)\([0-9., +-]*\)")
_JOIN: Final = re.compile(r"round|butt|square|miter|bevel|evenodd|nonzero")
_ATTRIBUTES: Final = {
    **dict.fromkeys(("fill", "stroke"), _PAINT),
    **dict.fromkeys(("stroke-linecap", "stroke-linejoin", "fill-rule"), _JOIN),
    **dict.fromkeys(
        (
            *("viewBox", "width", "height", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r"),
            *("rx", "ry", "points", "stroke-width", "opacity", "fill-opacity"),
        ),
        _NUMBERS,
    ),
    "d": _PATH,
    "transform": _TURN,
}


def redrawn(content: bytes, name: str) -> bytes:
    """Return the drawing as we write it ourselves. Raises `PackUnfit`."""
    if len(content) > BYTES_MAX:
        raise PackUnfit(f"{name} is larger than {BYTES_MAX >> 10} KiB")
    # Before any parser sees it: doctypes and so entities, comments, sections of data, instructions.
    if b"<!" in content or b"<?" in content or b"\0" in content:
        raise PackUnfit(f"{name} has more than plain shapes in it")
    try:
        # It can name no entity and no file: what could was refused above.
        root = ET.fromstring(content.decode())  # noqa: S314
    except (ET.ParseError, UnicodeDecodeError, RecursionError):
        raise PackUnfit(f"{name} is no drawing that can be read") from None
    if root.tag != f"{{{SVG}}}svg" or "viewBox" not in root.attrib:
        raise PackUnfit(f"{name} is no SVG drawing with a viewBox")
    if sum(1 for _ in root.iter()) > ELEMENTS_MAX:
        raise PackUnfit(f"{name} has more than {ELEMENTS_MAX} elements")
    pieces = [_checked(element, name) for element in root.iter()]
    if sum(pieces) > PIECES_MAX or sum(_corners(element) for element in root.iter()) > CORNERS_MAX:
        raise PackUnfit(f"{name} has so many pieces that it could be a code")
    # The page gives the size; a drawing that brings its own would break out of its place.
    for attribute in ("width", "height"):
        root.attrib.pop(attribute, None)
    ET.register_namespace("", SVG)
    return ET.tostring(root, encoding="unicode").encode()


def _checked(element: ET.Element, name: str) -> int:
    """Return in how many pieces an element comes; refuse what is not on the list."""
    space, _, tag = element.tag.rpartition("}")
    if space != f"{{{SVG}" or tag not in _GROUPS | _SHAPES:
        raise PackUnfit(f"{name} has {tag!r} in it, which is no plain shape")
    if (element.text or "").strip() or (element.tail or "").strip():
        raise PackUnfit(f"{name} has words in it: they stand in the lines, in every language")
    for key, value in element.attrib.items():
        form = _ATTRIBUTES.get(key)
        if form is None or not form.fullmatch(value):
            raise PackUnfit(f"{name} has {key!r} on {tag!r}, which a plain shape does not need")
    if tag == "path":
        return len(re.findall("[Mm]", element.attrib.get("d", "")))
    return int(tag in _SHAPES)


def _corners(element: ET.Element) -> int:
    """Return how many lines of an element go straight up, down or across."""
    numbers = [float(one) for one in _NUMBER.findall(element.attrib.get("points", ""))]
    places = list(zip(numbers[::2], numbers[1::2], strict=False))
    drawn = sum(straight(*one) for one in pairwise(places))
    return drawn + _straight_lines(element.attrib.get("d", ""))


def straight(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether a line between two places goes straight up, down or across."""
    return one[0] == other[0] or one[1] == other[1]


def _straight_lines(path: str) -> int:
    """Return how many lines of a path go straight up, down or across. Source: SVG 1.1, 8.3."""
    count, x, y = 0, 0.0, 0.0
    for command, given in _COMMAND.findall(path):
        numbers = [float(one) for one in _NUMBER.findall(given)]
        taken = _TAKES[command.upper()]
        for n in range(0, len(numbers) - taken + 1, max(taken, 1)):
            end = numbers[n : n + taken]
            before = x, y
            across = command in "Hh"
            if command in "HhVv":
                x, y = (end[0], y) if across else (x, end[0])
            elif taken:
                x, y = end[-2:]
            if command.islower():
                x = x if command == "v" else x + before[0]
                y = y if across else y + before[1]
            count += command in "HhVvLl" and straight(before, (x, y))
    return count
