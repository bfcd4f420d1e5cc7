"""Reads one settings file, and says to a technician where it is wrong and what may stand there."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from edge.toml_lines import line_of

Model = TypeVar("Model", bound=BaseModel)


class SettingsError(Exception):
    """A settings file cannot be used. The message says where, what and what instead; mend it.

    Attributes:
        keys: where in the file, () for the file as a whole.
        code: what is wrong, for a page that has its own words.
    """

    def __init__(self, sentence: str, keys: Sequence[str] = (), code: str = "refused") -> None:
        super().__init__(sentence)
        self.keys = tuple(keys)
        self.code = code


def toml_table(path: Path) -> dict[str, Any]:
    """Return the file's content. Raises `SettingsError`."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not valid TOML: {error}.") from None


def validated(
    model: type[Model], path: Path, table: Mapping[str, Any], prefix: Sequence[str] = ()
) -> Model:
    """Return the table as its model.

    Args:
        model: what the table holds.
        path: the file, named in a refusal.
        table: its content, or a part of it.
        prefix: keys under which that part stands in the file.

    Raises:
        SettingsError: names the first key that the model refuses.
    """
    try:
        return model.model_validate(table)
    except ValidationError as error:
        raise _explained(model, path, error.errors(include_url=False)[0], prefix) from None


def _explained(
    model: type[BaseModel], path: Path, refused: ErrorDetails, prefix: Sequence[str]
) -> SettingsError:
    """Return the first thing that pydantic refused, as a sentence for a technician."""
    loc = [str(part) for part in refused["loc"]]
    keys = [*prefix, *loc]
    words = refused["msg"].removeprefix("Value error, ")
    allowed = words[:1].lower() + words[1:]
    if refused["type"] == "extra_forbidden":
        known = one_of(loc[-1], _known_keys(model, loc[:-1]))
        return refusal(path, keys, "is not known", known, "unknown")
    if refused["type"] == "missing":
        return refusal(path, keys, "is missing", allowed, "missing")
    return refusal(path, keys, f"is {refused['input']!r}", allowed, refused["type"])


def _known_keys(model: type[BaseModel], keys: Sequence[str]) -> list[str]:
    """Return the keys that may stand in the table that these keys lead to."""
    for key in keys:
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        if key not in fields:
            # A place in a list, or a name that the file's author chose.
            continue
        inner = _model_in(fields[key].annotation)
        if inner is None:
            return []
        model = inner
    return sorted(field.alias or name for name, field in model.model_fields.items())


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the section that a field's type holds, also inside tuples, options and annotations."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inside = (_model_in(part) for part in getattr(annotation, "__args__", ()))
    return next((found for found in inside if found), None)


def one_of(given: str, names: Sequence[str]) -> str:
    """Return what is allowed in place of the given name, the likeliest first."""
    near = difflib.get_close_matches(given, names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}allowed: {', '.join(names)}"


def refusal(
    path: Path, keys: Sequence[str], fault: str, allowed: str, code: str = "refused"
) -> SettingsError:
    """Return the error of one key: file, line, key, what is wrong, what may stand there."""
    line = line_of(path, keys)
    where = f"{path}, line {line}" if line else str(path)
    return SettingsError(f"{where}: {'.'.join(keys)} {fault}; {allowed}.", keys, code)
