"""The cards and lists that the centre gives a station: signed, looked at, made anew, or refused.

`docs/content.md` is the page for whoever writes a pack.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from edge.service.pack import PACK_FILE, Pack, PackUnfit, parsed_lines, parsed_pack
from edge.service.pictures import Picture, check_voice, remade
from edge.service.sealed_pack import SealedPack, read_sealed
from edge.service.words import check_line
from edge.trust.key_list import ListedKey

FIRST_LANGUAGE: Final = "zh-CN"
UNNAMED: Final[Mapping[str, str]] = {"zh-CN": "一份材料", "en": "One paper"}
"""What a paper is called whose code no pack names."""

__all__ = ["Card", "Checklist", "Content", "Material", "PackUnfit", "Window", "load_pack"]


@dataclass(frozen=True, slots=True)
class Card:
    """One card of the idle screen, in one language.

    Attributes:
        id: what `Content.picture` is asked for.
        title, text: words.
        number: a public number to call, empty without one.
        lines: ids of what is spoken, in order.
    """

    id: str
    title: str
    text: str
    number: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Material:
    """One paper, in one language.

    Attributes:
        code: as orders and missing lists have it.
        name: what it is called.
        note: what of it is meant, empty if that is plain.
        if_any: only who has it brings it.
        lines: ids of what is spoken, in order.
    """

    code: str
    name: str
    note: str
    if_any: bool
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Checklist:
    """What to bring for one business, in one language."""

    business: str
    title: str
    note: str
    materials: tuple[Material, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """A counter of the hall, in one language."""

    code: str
    name: str


@dataclass(frozen=True)
class _Loaded:
    """One pack, checked whole."""

    head: Pack
    lines: Mapping[str, Mapping[str, str]]
    pictures: Mapping[str, Picture]
    voices: Mapping[tuple[str, str], bytes]

    def in_force(self, today: date) -> bool:
        return self.head.valid_from <= today <= self.head.valid_until

    def line(self, line_id: str, language: str) -> str:
        return self._in(language).get(line_id, "")

    def _in(self, language: str) -> Mapping[str, str]:
        return self.lines.get(language) or self.lines[FIRST_LANGUAGE]


@dataclass(frozen=True)
class Content:
    """What the packs of a station say; of none, nothing. Immutable, any thread may read it.

    Languages that a pack does not have are answered in zh-CN.
    """

    packs: tuple[_Loaded, ...] = field(default=(), repr=False)

    def joined(self, others: Iterable[Content]) -> Content:
        """Return what all of them say; where two say the same, the first counts."""
        return Content((*self.packs, *(pack for other in others for pack in other.packs)))

    def in_force(self, today: date) -> Content:
        """Return what may be shown on a day."""
        return Content(tuple(pack for pack in self.packs if pack.in_force(today)))

    @property
    def heads(self) -> tuple[Pack, ...]:
        """What each pack says of itself."""
        return tuple(pack.head for pack in self.packs)

    def cards(self, language: str) -> tuple[Card, ...]:
        """Return the cards in their order."""
        return tuple(
            Card(
                row.id,
                pack.line(f"card.{row.id}.title", language),
                pack.line(f"card.{row.id}.text", language),
                row.number,
                (f"card.{row.id}.title", f"card.{row.id}.text"),
            )
            for pack in self.packs
            for row in pack.head.cards
        )

    def card_ids(self) -> tuple[str, ...]:
        """Return the ids of the cards in their order."""
        return tuple(row.id for pack in self.packs for row in pack.head.cards)

    def card(self, card_id: str, language: str) -> Card | None:
        """Return one card, None if there is no such card."""
        return next((one for one in self.cards(language) if one.id == card_id), None)

    def picture(self, card_id: str) -> Picture | None:
        """Return a card's picture, None if there is no such card."""
        for pack in self.packs:
            for row in pack.head.cards:
                if row.id == card_id:
                    return pack.pictures[row.picture]
        return None

    def businesses(self) -> tuple[str, ...]:
        """Return the codes of what there is a list for."""
        return tuple(row.business for pack in self.packs for row in pack.head.checklists)

    def checklist(self, business: str, language: str) -> Checklist | None:
        """Return what to bring for a business, None if no pack says so."""
        for pack in self.packs:
            for row in pack.head.checklists:
                if row.business == business:
                    before = f"checklist.{business}"
                    materials = (
                        *(_material(pack, code, language, if_any=False) for code in row.materials),
                        *(_material(pack, code, language, if_any=True) for code in row.if_any),
                    )
                    return Checklist(
                        business,
                        pack.line(f"{before}.title", language),
                        pack.line(f"{before}.note", language),
                        materials,
                        _said(pack, f"{before}.title", f"{before}.note"),
                    )
        return None

    def material(self, code: str, language: str) -> str:
        """Return what a paper is called; one that no pack names is "one paper"."""
        for pack in self.packs:
            if any(row.code == code for row in pack.head.materials):
                return pack.line(f"material.{code}.name", language)
        return UNNAMED.get(language, UNNAMED[FIRST_LANGUAGE])

    def due_days(self, code: str) -> int | None:
        """Return within how many days a paper can be brought later, None if no pack says so."""
        rows = (row for pack in self.packs for row in pack.head.materials)
        return next((row.due_days for row in rows if row.code == code), None)

    def windows(self, language: str) -> tuple[Window, ...]:
        """Return the counters of the hall."""
        return tuple(
            Window(row.code, pack.line(f"window.{row.code}.name", language))
            for pack in self.packs
            for row in pack.head.windows
        )

    def line(self, line_id: str, language: str) -> str:
        """Return the words of a line, empty if no pack has it."""
        found = (pack.line(line_id, language) for pack in self.packs)
        return next((words for words in found if words), "")

    def voice(self, line_id: str, language: str) -> bytes | None:
        """Return the Ogg Opus that a pack brought for a line, None if it brought none."""
        found = (pack.voices.get((language, line_id)) for pack in self.packs)
        return next((sound for sound in found if sound is not None), None)


def load_pack(folder: Path, keys: Mapping[str, ListedKey], today: date | None = None) -> Content:
    """Return what a pack says, if the centre signed it, nothing was changed, and all of it is fit.

    Args:
        folder: of the pack.
        keys: the centre's keys of use `content`, by kid.
        today: civil date that the pack must not have outlived; None: the present one.

    Raises:
        PackUnfit: one sentence says why; nothing of the pack is used.
    """
    return read_pack(read_sealed(folder, keys), today or date.today())


def read_pack(sealed: SealedPack, today: date) -> Content:
    """Return what a signed pack says. Raises `PackUnfit`."""
    files = sealed.files
    if PACK_FILE not in files:
        raise PackUnfit(f"it has no {PACK_FILE}")
    head = parsed_pack(files[PACK_FILE])
    if (head.pack, head.number) != (sealed.pack, sealed.number):
        raise PackUnfit("its signature is that of another issue")
    if today > head.valid_until:
        raise PackUnfit(f"it was valid until {head.valid_until}")
    # A clock may be a day behind, and a pack is brought before its day.
    if head.valid_from - today > timedelta(days=366):
        raise PackUnfit(f"it begins only on {head.valid_from}")
    lines = {language: _lines(head, files, language) for language in head.languages}
    names = {f"cards/{row.picture}" for row in head.cards}
    voices = {name for name in files if name.startswith("voice/")}
    for name in names - files.keys():
        raise PackUnfit(f"{name} is missing")
    spare = files.keys() - names - voices - {PACK_FILE, *map(_lines_file, head.languages)}
    for name in sorted(spare):
        raise PackUnfit(f"{name} is in it and nothing uses it")
    pictures = {name.removeprefix("cards/"): remade(name, files[name]) for name in sorted(names)}
    return Content((_Loaded(head, lines, pictures, _voices(head, lines, files)),))


def _lines(head: Pack, files: Mapping[str, bytes], language: str) -> dict[str, str]:
    name = _lines_file(language)
    if name not in files:
        raise PackUnfit(f"{name} is missing")
    lines = parsed_lines(files[name], name)
    wanted = head.lines()
    for line_id in wanted:
        if line_id not in lines:
            raise PackUnfit(f"{name} lacks {line_id}")
    for line_id in sorted(lines.keys() - {*wanted, *head.may_have_lines()}):
        raise PackUnfit(f"{name} has {line_id}, which nothing uses")
    for line_id, words in lines.items():
        check_line(language, line_id, words)
    return lines


def _voices(
    head: Pack, lines: Mapping[str, Mapping[str, str]], files: Mapping[str, bytes]
) -> dict[tuple[str, str], bytes]:
    voices = {}
    for name in sorted(name for name in files if name.startswith("voice/")):
        _, language, sound = name.split("/")
        line_id = sound.removesuffix(".opus")
        if language not in head.languages or line_id not in lines[language]:
            raise PackUnfit(f"{name} speaks a line that there is not")
        voices[language, line_id] = check_voice(name, files[name])
    return voices


def _lines_file(language: str) -> str:
    return f"lines.{language}.toml"


def _material(pack: _Loaded, code: str, language: str, *, if_any: bool) -> Material:
    name, note = f"material.{code}.name", f"material.{code}.note"
    return Material(
        code, pack.line(name, language), pack.line(note, language), if_any, _said(pack, name, note)
    )


def _said(pack: _Loaded, *line_ids: str) -> tuple[str, ...]:
    return tuple(one for one in line_ids if pack.line(one, FIRST_LANGUAGE))
