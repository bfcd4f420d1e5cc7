"""Every letter that a screen can show is in a font that the station has."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from setup import font
from tests.browser.gate.surnames import RARE_SURNAMES

CHECKOUT = Path(__file__).resolve().parent.parent
CATALOGUES = sorted((CHECKOUT / "api").glob("*/catalogue/*.toml"))
PACKS = CHECKOUT / "firmware_configs" / "content"
STYLE = CHECKOUT / "api" / "kiosk" / "static" / "kiosk.css"
FILES = [font.file_of(part, weight) for weight in font.WEIGHTS for part in font.SLICES]
NO_GLYPH_NEEDED = frozenset("\n\r\t\u200b")


@cache
def cmap(file: Path, number: int = -1) -> frozenset[int]:
    """Return the code points that a font file has a glyph for."""
    with TTFont(file, fontNumber=number, lazy=True) as opened:
        return frozenset(opened.getBestCmap())


def shipped(weight: str) -> frozenset[int]:
    """Return the code points that the shipped files of a weight draw."""
    return frozenset().union(*(cmap(font.file_of(part, weight)) for part in font.SLICES))


def system(weight: str) -> frozenset[int]:
    """Return the code points that Debian's own font draws."""
    return cmap(font.SYSTEM / font.WEIGHTS[weight], font.FACE_SC)


def without_glyph(words: str, weight: str) -> list[str]:
    """Return the characters of a text that the shipped files cannot draw, each once."""
    drawn = shipped(weight)
    return sorted({char for char in words if ord(char) not in drawn} - NO_GLYPH_NEEDED)


@pytest.mark.parametrize("weight", font.WEIGHTS)
@pytest.mark.parametrize("part", font.SLICES, ids=lambda part: part.name)
def test_the_committed_files_hold_what_the_script_asks_for(part: font.Slice, weight: str):
    """All that was asked and Debian's font has, and nothing else."""
    asked = frozenset(font.code_points(part))

    assert cmap(font.file_of(part, weight)) == asked & system(weight)
    if part is not font.LATIN:
        assert asked <= system(weight)


def test_all_hanzi_of_the_national_standard_are_shipped():
    """GB 2312 has 6763 of them, in both weights."""
    assert len(font.hanzi()) == 6763
    for weight in font.WEIGHTS:
        assert without_glyph(font.hanzi(), weight) == []


def test_the_script_makes_the_committed_bytes():
    """The same collection and tools give the same file, so a change of it is somebody's doing."""
    made = font.cut(font.SYSTEM / font.WEIGHTS["regular"], font.LATIN)

    assert made == font.file_of(font.LATIN, "regular").read_bytes()


def test_the_stylesheet_names_each_file_with_its_range_and_weight():
    """A slice that no rule asks for is never drawn from, and nothing shows it."""
    rules = re.findall(r"@font-face \{(.*?)\}", STYLE.read_text(encoding="utf-8"))
    named = {}
    for rule in rules:
        file = re.search(r'url\("fonts/([\w.-]+)"\)', rule)
        weight = re.search(r"font-weight: (\d+)", rule)
        assert file
        assert weight
        ranges = {
            range(int(first, 16), int(last, 16) + 1)
            for first, last in re.findall(r"U\+([0-9A-F]+)-([0-9A-F]+)", rule)
        }
        named[file[1]] = (weight[1], {point for block in ranges for point in block})

    assert set(named) == {file.name for file in FILES}
    for weight, figure in (("regular", "400"), ("bold", "700")):
        for part in font.SLICES:
            assert named[font.file_of(part, weight).name][0] == figure
            assert set(font.code_points(part)) <= named[font.file_of(part, weight).name][1]


def test_the_licence_lies_beside_the_letters_and_no_file_is_large():
    """The Open Font License asks for its text; the house asks for files below 1 MiB."""
    licence = (font.FOLDER / "OFL.txt").read_text(encoding="utf-8")

    assert "SIL OPEN FONT LICENSE Version 1.1" in licence
    assert max(file.stat().st_size for file in FILES) < 2**20
    assert {file.name for file in font.FOLDER.iterdir()} == {
        "OFL.txt",
        *(file.name for file in FILES),
    }


@pytest.mark.parametrize("weight", font.WEIGHTS)
@pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_every_letter_of_every_catalogue_is_shipped(catalogue: Path, weight: str):
    """No word of ours depends on what a machine has installed."""
    assert without_glyph(catalogue.read_text(encoding="utf-8"), weight) == []


def test_every_letter_of_the_content_pack_is_shipped():
    """Cards and checklists are read by the same eyes."""
    for file in sorted(PACKS.rglob("*")):
        if file.suffix in {".toml", ".json", ".txt", ".md"}:
            words = file.read_text(encoding="utf-8")
            if file.suffix == ".toml":
                words = str(tomllib.loads(words))
            assert without_glyph(words, "regular") == [], file.name


def test_rare_surnames_are_drawn_by_the_station_or_its_system():
    """What GB 2312 has not, Debian's font has: both weights, since names stand in the question."""
    for weight in font.WEIGHTS:
        lacking = without_glyph("".join(RARE_SURNAMES), weight)
        assert lacking, "the list is meant to reach beyond the shipped files"
        assert [char for char in lacking if ord(char) not in system(weight)] == []


def test_a_letter_that_nobody_ships_is_named():
    """The planted fault: Greek and an emoji in a line of ours."""
    assert without_glyph("请看Ω处😀", "regular") == ["Ω", "😀"]
