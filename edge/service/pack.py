"""What a content pack says of itself: `pack.toml`, and its lines in each language.

A pack is a folder. What may stand in it is said here; whose word it is, and that nothing in it was
changed, in `sealed_pack.py`; what may be said and drawn in `words.py` and `pictures.py`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

PACK_FILE: Final = "pack.toml"
PUBLIC_NUMBERS: Final = frozenset({"110", "119", "120", "12345", "12367", "96110"})
"""Police, fire, ambulance, the city's line, immigration, and the line against fraud: nobody else's
number is shown."""

Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Language = Annotated[str, Field(pattern=r"^(zh-CN|en)$")]


class PackUnfit(Exception):
    """A content pack that is not taken. The text says why, in one sentence; the old one stays."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CardRow(_Section):
    """One card of the idle screen; its words stand under `card.<id>` in the lines."""

    id: Code
    picture: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*\.(svg|png|jpg)$")]
    number: str = ""
    """A public number, shown large beside the words."""


class MaterialRow(_Section):
    """One paper that somebody may have to bring; named under `material.<code>` in the lines."""

    code: Code
    due_days: Annotated[int, Field(ge=1, le=366)] | None = None
    """So many days there are to bring it later; None: as the policy says."""


class ChecklistRow(_Section):
    """What is brought for one business: always, and where somebody has it."""

    business: Code
    materials: Annotated[tuple[Code, ...], Field(min_length=1, max_length=8)]
    if_any: Annotated[tuple[Code, ...], Field(max_length=8)] = ()


class WindowRow(_Section):
    """A counter of the hall; named under `window.<code>` in the lines."""

    code: Code


class Pack(_Section):
    """The head of a pack."""

    pack: Code
    number: Annotated[int, Field(ge=1, lt=1 << 31)]
    """Rises with every issue: an older one never takes the place of a newer."""
    version: Annotated[str, Field(pattern=r"^[0-9A-Za-z./-]{1,32}$")]
    valid_from: date
    valid_until: date
    languages: Annotated[tuple[Language, ...], Field(min_length=1, max_length=2)]
    cards: Annotated[tuple[CardRow, ...], Field(max_length=40)] = ()
    materials: Annotated[tuple[MaterialRow, ...], Field(max_length=100)] = ()
    checklists: Annotated[tuple[ChecklistRow, ...], Field(max_length=40)] = ()
    windows: Annotated[tuple[WindowRow, ...], Field(max_length=40)] = ()

    @model_validator(mode="after")
    def _whole(self) -> Pack:
        if self.valid_until < self.valid_from:
            raise ValueError("valid_until is before valid_from")
        if self.languages[0] != "zh-CN":
            raise ValueError("zh-CN comes first: it stands in where another language is missing")
        named = {row.code for row in self.materials}
        for row in self.checklists:
            for code in (*row.materials, *row.if_any):
                if code not in named:
                    raise ValueError(f"{row.business} asks for {code!r}, which is no material here")
        for card in self.cards:
            if card.number and card.number not in PUBLIC_NUMBERS:
                raise ValueError(f"card {card.id} shows a number that is no public one")
        return self

    def lines(self) -> list[str]:
        """Return the ids of the lines that every language must have."""
        return [
            *(f"card.{row.id}.{part}" for row in self.cards for part in ("title", "text")),
            *(f"material.{row.code}.name" for row in self.materials),
            *(f"checklist.{row.business}.title" for row in self.checklists),
            *(f"window.{row.code}.name" for row in self.windows),
        ]

    def may_have_lines(self) -> list[str]:
        """Return the ids of the lines that a language has where there is more to say."""
        return [
            *(f"material.{row.code}.note" for row in self.materials),
            *(f"checklist.{row.business}.note" for row in self.checklists),
        ]


def parsed_pack(content: bytes) -> Pack:
    """Return the head of a pack. Raises `PackUnfit`."""
    try:
        return Pack.model_validate(_table(content, PACK_FILE))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "its whole"
        said = first["msg"].removeprefix("Value error, ")
        raise PackUnfit(f"{PACK_FILE}: {where}: {said}") from None


def parsed_lines(content: bytes, name: str) -> dict[str, str]:
    """Return the lines of one language by their ids: tables of tables of words. `PackUnfit`."""
    lines: dict[str, str] = {}

    def walk(table: Mapping[str, Any], before: str) -> None:
        for key, value in table.items():
            line_id = f"{before}{key}"
            if isinstance(value, dict):
                walk(value, f"{line_id}.")
            elif isinstance(value, str):
                lines[line_id] = value
            else:
                raise PackUnfit(f"{name}: {line_id} is no line")

    try:
        walk(_table(content, name), "")
    except RecursionError:
        raise PackUnfit(f"{name} has tables in tables without end") from None
    return lines


def _table(content: bytes, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:  # also text that is none, numbers without end
        raise PackUnfit(f"{name} is not valid TOML: {error}") from None
