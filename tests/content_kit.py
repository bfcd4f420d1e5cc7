"""Content packs as an office would make them, and a centre that signs them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import cv2
import numpy as np

from centre.content import sign_pack
from centre.keys import open_or_make_keys
from edge.service.content import Content, load_pack
from edge.service.shelf import ContentShelf
from edge.trust.centre import read_key_list

OURS = Path(__file__).resolve().parent.parent / "firmware_configs" / "content"
TODAY = date(2026, 11, 22)
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 16">{}</svg>'
DRAWING = SVG.format('<path d="M2 2l8 8" stroke="#1f2a44"/>')
PACK = """
pack = "cards"
number = {number}
version = "2026-11/1"
valid_from = {valid_from}
valid_until = {valid_until}
languages = ["zh-CN", "en"]
[[cards]]
id = "ask"
picture = "ask.svg"
{more}
"""
ZH = {"card.ask.title": "先问一问", "card.ask.text": "拿不准，就先问家人。"}
EN = {"card.ask.title": "Ask first", "card.ask.text": "Not sure? Ask your family."}


@dataclass
class Office:
    """One folder with a centre, and what a station of it keeps."""

    folder: Path

    @property
    def centre(self) -> Path:
        return self.folder / "centre"

    def keys(self):
        return read_key_list(self.centre).content()

    def pack(self, name: str = "pack", **changes) -> Path:
        """Write a small pack that is fit, but for the changes."""
        said = {"number": 1, "valid_from": "2026-01-01", "valid_until": "2027-01-01", "more": ""}
        said |= {key: changes.pop(key) for key in tuple(changes) if key in said}
        place = self.folder / name
        shutil.rmtree(place, ignore_errors=True)
        (place / "cards").mkdir(parents=True)
        (place / "pack.toml").write_text(changes.pop("head", PACK.format(**said)), "utf-8")
        (place / "cards" / "ask.svg").write_text(changes.pop("drawing", DRAWING), "utf-8")
        for language, lines in (("zh-CN", ZH), ("en", EN)):
            words = {**lines, **changes.pop(language.partition("-")[0], {})}
            write_lines(place / f"lines.{language}.toml", words)
        assert not changes
        return place

    def signed(self, *words, **changes) -> Path:
        """Write a pack and sign it."""
        place = self.pack(*words, **changes)
        sign_pack(self.centre, place)
        return place

    def load(self, place: Path, today: date = TODAY) -> Content:
        return load_pack(place, self.keys(), today)

    def shelf(self, today: date = TODAY) -> ContentShelf:
        return ContentShelf(self.folder / "station" / "content", self.keys, lambda: today, 0.0)


def open_office(folder: Path) -> Office:
    """A centre whose list names a content key."""
    open_or_make_keys(folder / "centre")
    office = Office(folder)
    office.signed("first")
    return office


def write_lines(path: Path, lines: dict[str, str]) -> None:
    """Write lines as TOML: a table for each group."""
    groups: dict[str, list[str]] = {}
    for line_id, words in lines.items():
        table, _, key = line_id.rpartition(".")
        groups.setdefault(table, []).append(f'{key} = "{words}"')
    text = "".join(f"[{table}]\n" + "\n".join(rows) + "\n" for table, rows in groups.items())
    path.write_text(text, "utf-8")


def raster(ending: str = ".png", size: tuple[int, int] = (160, 240)) -> bytes:
    """A picture of plain shapes."""
    bgr = np.full((*size, 3), 255, np.uint8)
    cv2.circle(bgr, (size[1] // 2, size[0] // 2), size[0] // 4, (40, 40, 200), -1)
    return cv2.imencode(ending, bgr)[1].tobytes()


def qr_code() -> bytes:
    """A picture with a code for telephones in it, as somebody might paste it in."""
    code = cv2.QRCodeEncoder.create().encode("https://pay.example/now")
    bgr = np.full((300, 400, 3), 255, np.uint8)
    size = code.shape[0] * 6
    big = cv2.resize(code, (size, size), interpolation=cv2.INTER_NEAREST)
    bgr[40 : 40 + size, 60 : 60 + size] = big[:, :, None]
    return cv2.imencode(".png", bgr)[1].tobytes()
