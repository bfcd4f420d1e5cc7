"""What a form asks for each setting: kind, bounds, choices and unit, all out of the schema.

A question is made from the JSON schema of `edge.settings.Settings` and of the options of whichever
driver the file names. No wording: a page has a line for each key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema

from drivers.load import camera_config, camera_names, reader_config, reader_names
from edge.candidates.load import lookup_config, lookup_names
from edge.comparison.load import comparer_config, comparer_names
from edge.settings import (
    CONFIGS,
    Settings,
    SettingsError,
    document_names,
    finger_profile_names,
    preset_names,
)
from edge.settings_file import toml_table
from edge.sinks.load import sink_config, sink_names
from edge.station_file.text import Keys, value_at

Kind = Literal["text", "whole", "number", "truth", "choice", "choices", "lines", "part", "fixed"]
"""`choices`: any of a list; `lines`: texts in an order; `part`: whether an optional table stands
there at all; `fixed`: too deep for a form, shown and left alone."""

ORDERED: Final = frozenset({"fingers.positions"})
"""Lists of choices in which the order says something."""
UNITS: Final = (
    "100us", "kbit_s", "percent", "hours", "days", "baud", "deg", "mib", "ppi", "mm", "ms", "px",
    "s",
)  # fmt: skip
"""Endings of keys that name a unit."""
_SECRET: Final = re.compile(r"(^|_)(pin|(password|passphrase|passwd|secret|token|credential)s?)$")
_WITH_PASSWORD: Final = re.compile(r"(?<=://)[^/@\s]+@")
_CONFIGS: Final[Mapping[str, Callable[[str], type[BaseModel]]]] = {
    "camera": camera_config,
    "reader": reader_config,
    "sinks": sink_config,
    "reuse.lookup": lookup_config,
    "reuse.comparer": comparer_config,
}


@dataclass(frozen=True, slots=True)
class Question:
    """One setting, as a form asks for it.

    Attributes:
        keys: where it stands in the file.
        required: an empty answer is refused; else empty means as delivered.
        default: what holds without it, None where nothing does; of a device, its model's value.
        least, most: bounds of a number; `open_least`, `open_most`: not themselves allowed.
        choices: what may stand there; () for anything.
        fewest, longest: of a list its entries, of a text its characters.
        unit: one of `UNITS`, "" for none.
        secret: never shown; an empty answer keeps it.
        numbers: a text that may be a whole number as well.
    """

    keys: Keys
    kind: Kind
    required: bool = False
    default: Any = None
    least: float | None = None
    most: float | None = None
    open_least: bool = False
    open_most: bool = False
    choices: tuple[Any, ...] = ()
    fewest: int = 0
    longest: int | None = None
    unit: str = ""
    secret: bool = False
    numbers: bool = False

    @property
    def key(self) -> str:
        """Its place in the file in one word, such as "sinks.0.name"."""
        return ".".join(str(key) for key in self.keys)

    @property
    def line(self) -> str:
        """The key without places in lists, as pages and `docs/settings.md` name it."""
        return ".".join(key for key in self.keys if isinstance(key, str))


def section_names() -> tuple[str, ...]:
    """Return the sections of a station file, in the order in which the schema has them."""
    return tuple(Settings.model_fields)


def section_questions(section: str, table: Mapping[str, Any]) -> tuple[Question, ...]:
    """Return every question of one section.

    Args:
        section: one of `section_names`.
        table: the whole file as it is, or as it is about to be: lists, optional tables and the
            options of a driver are asked for as they stand there.
    """
    schema = _schema(Settings)
    walk = _Walk(table, schema["$defs"])
    properties, required = schema["properties"], schema.get("required", ())
    found = walk.property(properties[section], (section,), section in required)
    return tuple(_named(question, table) for question in found)


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


def hidden(question: Question, value: Any) -> Any:
    """Return a value as it may be shown: nothing of a secret, no password of an address."""
    if question.secret:
        return None
    return without_passwords(value)


def without_passwords(value: Any) -> Any:
    """Return a value, or a whole table, with secrets left out and no password in an address."""
    if isinstance(value, str):
        return _WITH_PASSWORD.sub("", value)
    if isinstance(value, Mapping):
        return {
            key: without_passwords(one) for key, one in value.items() if not is_secret(str(key))
        }
    if isinstance(value, list | tuple):
        return [without_passwords(one) for one in value]
    return value


def secrets_of(table: Any) -> Iterator[str]:
    """Yield every secret text in a table, so that no sentence repeats it."""
    rows = table.items() if isinstance(table, Mapping) else enumerate(table)
    for key, value in rows:
        if isinstance(value, Mapping | list | tuple):
            yield from secrets_of(value)
        elif isinstance(value, str) and value and is_secret(str(key)):
            yield value


def is_secret(key: str) -> bool:
    """Whether a key by its name holds a secret itself, and not the path of a file with one."""
    return bool(_SECRET.search(key))


@dataclass(frozen=True, slots=True)
class _Walk:
    """Goes down one schema beside the file that it describes."""

    table: Mapping[str, Any]
    defs: Mapping[str, Any]

    def property(
        self, schema: Mapping[str, Any], keys: Keys, required: bool, default: Any = None
    ) -> Iterator[Question]:
        schema, default = self._meant(schema), schema.get("default", default)
        last = keys[-1]
        if last == "options" and schema.get("additionalProperties") is True:
            yield from self._options(keys)
        elif "properties" in schema:
            if not required and default is None:
                yield Question(keys, "part")
                if value_at(self.table, keys) is None:
                    return
            yield from self._inside(schema, keys)
        elif self._rows(schema) is not None:
            rows = value_at(self.table, keys) or []
            for n in range(len(rows) if isinstance(rows, list) else 0):
                yield from self._inside(self._rows(schema) or {}, (*keys, n))
        else:
            yield _leaf(schema, keys, required, default)

    def _inside(self, schema: Mapping[str, Any], keys: Keys) -> Iterator[Question]:
        required = schema.get("required", ())
        for name, one in schema["properties"].items():
            yield from self.property(one, (*keys, name), name in required)

    def _meant(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a schema without its references and without the choice of nothing."""
        while True:
            if "$ref" in schema:
                schema = self.defs[schema["$ref"].rpartition("/")[2]]
                continue
            rest = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
            if len(rest) == 1:
                schema = rest[0]
                continue
            return schema

    def _rows(self, schema: Mapping[str, Any]) -> Mapping[str, Any] | None:
        rows = self._meant(schema.get("items", {}))
        return rows if schema.get("type") == "array" and "properties" in rows else None

    def _options(self, keys: Keys) -> Iterator[Question]:
        owner = ".".join(key for key in keys[:-1] if isinstance(key, str))
        driver = value_at(self.table, (*keys[:-1], "driver"))
        try:
            schema = _schema(_CONFIGS[owner](str(driver)))
        except (ValueError, KeyError, ImportError, PydanticInvalidForJsonSchema):
            # No such driver, or one that is not installed: its options cannot be asked for.
            return
        walk, given = _Walk(self.table, schema.get("$defs", {})), self._of_model(owner)
        for name, one in schema.get("properties", {}).items():
            required = name in schema.get("required", ()) and name not in given
            for question in walk.property(one, (*keys, name), required):
                own = question.keys[len(keys)] in given and len(question.keys) == len(keys) + 1
                yield replace(question, default=given[name]) if own else question

    def _of_model(self, owner: str) -> Mapping[str, Any]:
        model = value_at(self.table, (owner, "model"))
        if owner not in {"camera", "reader"} or not isinstance(model, str):
            return {}
        try:
            return toml_table(CONFIGS / f"{owner}s" / f"{Path(model).name}.toml")
        except SettingsError:
            return {}


def _leaf(schema: Mapping[str, Any], keys: Keys, required: bool, default: Any) -> Question:
    items = schema.get("items", {})
    choices = tuple(schema.get("enum", [schema["const"]] if "const" in schema else ()))
    choices = choices or tuple(items.get("enum", ()))
    question = Question(
        keys,
        _kind(schema, items, choices),
        required,
        default,
        least=schema.get("minimum", schema.get("exclusiveMinimum")),
        most=schema.get("maximum", schema.get("exclusiveMaximum")),
        open_least="exclusiveMinimum" in schema,
        open_most="exclusiveMaximum" in schema,
        choices=choices,
        fewest=schema.get("minItems", 0),
        longest=schema.get("maxLength"),
        unit=unit_of(str(keys[-1])),
        secret=is_secret(str(keys[-1])) or bool(schema.get("writeOnly")),
        numbers=any(one.get("type") == "integer" for one in schema.get("anyOf", ())),
    )
    ordered = question.kind == "choices" and question.line in ORDERED
    return replace(question, kind="lines") if ordered else question


def _kind(schema: Mapping[str, Any], items: Mapping[str, Any], choices: Sequence[Any]) -> Kind:
    kinds: Mapping[str, Kind] = {
        "integer": "whole", "number": "number", "boolean": "truth", "string": "text",
    }  # fmt: skip
    said = schema.get("type")
    if said == "array":
        if choices:
            return "choices"
        return "lines" if items.get("type") == "string" else "fixed"
    if choices:
        return "choice"
    if "anyOf" in schema and all(one.get("type") != "object" for one in schema["anyOf"]):
        return "text"
    return kinds.get(str(said), "fixed")


def unit_of(name: str) -> str:
    """Return the unit that a key's name ends with, "" for none."""
    plain = name.removesuffix("_max").removesuffix("_min")
    return next((unit for unit in UNITS if plain.endswith(f"_{unit}")), "")


def _named(question: Question, table: Mapping[str, Any]) -> Question:
    """Return the question with the names that a station knows for it."""
    names = _names(question.line)
    if names is None:
        return question
    held = value_at(table, question.keys)
    kind: Kind = "choices" if question.kind == "lines" else "choice"
    # What stands there and is not known any more is shown, so that it can be seen and changed.
    known = [held] if isinstance(held, str) else held if isinstance(held, list) else []
    extra = tuple(name for name in known if name not in names)
    return replace(question, kind=kind, choices=(*names, *extra))


def _names(line: str) -> Sequence[str] | None:
    listings: Mapping[str, Callable[[], Sequence[str]]] = {
        "camera.driver": camera_names,
        "reader.driver": reader_names,
        "camera.model": lambda: _models("cameras"),
        "reader.model": lambda: _models("readers"),
        "portrait.documents": document_names,
        "portrait.preset": preset_names,
        "fingers.profile": finger_profile_names,
        "sinks.driver": sink_names,
        "reuse.lookup.driver": lookup_names,
        "reuse.comparer.driver": comparer_names,
    }
    return listings[line]() if line in listings else None


def _models(kind: str) -> list[str]:
    return sorted(path.stem for path in (CONFIGS / kind).glob("*.toml"))
