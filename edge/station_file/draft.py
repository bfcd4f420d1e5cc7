"""What somebody filled in, as values of the file; and every fault in it, each at its key.

Pure but for the check, which asks `edge.settings` about a copy in a folder of its own.
"""

from __future__ import annotations

import tempfile
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from edge.settings import Settings, SettingsError, load_settings
from edge.station_file.questions import Question, secrets_of, without_passwords
from edge.station_file.text import Edited, Keys, changed_table, edited, value_at

Form = Mapping[str, Sequence[str]]
"""The answers by key; a choice of several has several."""

FORM_CODES: Final[Mapping[str, str]] = {
    "greater_than_equal": "too_small", "greater_than": "too_small",
    "less_than_equal": "too_large", "less_than": "too_large",
    "string_pattern_mismatch": "form", "string_too_long": "too_long", "too_short": "too_few",
    "literal_error": "not_one_of", "not_one_of": "not_one_of", "enum": "not_one_of",
    "int_parsing": "not_whole", "int_type": "not_whole", "int_from_float": "not_whole",
    "float_parsing": "not_number", "float_type": "not_number", "finite_number": "not_number",
    "ip_any_address": "not_address", "ip_any_network": "not_address",
    "missing": "missing", "extra_forbidden": "unknown", "unknown": "unknown",
    "value_error": "not_together", "path_type": "form", "string_type": "form",
}  # fmt: skip
"""From what pydantic refused to the word for it; what is not here keeps its code, or "refused"."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        keys: where; () for the file as a whole.
        code: of a line: "too_small", "missing", "custody_missing", ...
        sentence: the technician's English sentence with file, line, key; never of a secret.
    """

    keys: Keys
    code: str
    sentence: str = ""

    @property
    def key(self) -> str:
        """Where, in one word."""
        return ".".join(str(key) for key in self.keys)


@dataclass(frozen=True, slots=True)
class Draft:
    """A file as it would be.

    Attributes:
        changes: new values by place, None for what is taken out.
        edited: the whole file with them.
        faults: why it cannot be used; () if it can.
    """

    changes: Mapping[Keys, Any]
    edited: Edited
    faults: tuple[Fault, ...]


def answered(
    questions: Sequence[Question], form: Form, table: Mapping[str, Any]
) -> tuple[dict[Keys, Any], tuple[Fault, ...]]:
    """Return what a form changes in the file, and which answers cannot be read.

    A question that the form does not have stays as it is; so does a secret left empty.
    """
    changes: dict[Keys, Any] = {}
    faults: list[Fault] = []
    for question in questions:
        if question.kind == "fixed" or question.key not in form:
            continue
        try:
            value = _value(question, [one.strip() for one in form[question.key]])
        except ValueError as error:
            faults.append(Fault(question.keys, str(error)))
            continue
        held = value_at(table, question.keys)
        stands = question.kind == "part" and value is not None and held is not None
        if stands or (question.secret and value is None):
            continue
        if question.kind == "choices" and isinstance(held, list) and isinstance(value, list):
            # What stays keeps its order.
            value = [*(o for o in held if o in value), *(o for o in value if o not in held)]
        if value is None and question.required:
            faults.append(Fault(question.keys, "missing"))
        if value != held or isinstance(value, bool) is not isinstance(held, bool):
            changes[question.keys] = value
    return changes, tuple(faults)


def draft(
    text: str, table: Mapping[str, Any], changes: Mapping[Keys, Any], *, check_camera: bool = True
) -> Draft:
    """Return the file with these changes and what `edge.settings` says to it."""
    changed, after = edited(text, changes), changed_table(table, changes)
    return Draft(changes, changed, checked(changed.text, after, check_camera=check_camera))


def checked(text: str, table: Mapping[str, Any], *, check_camera: bool = True) -> tuple[Fault, ...]:
    """Return everything that is wrong with a file, () if a station can start with it.

    Whether a path exists, a port is free or a device answers is not looked at.

    Args:
        text: the file as it is written.
        table: its values.
        check_camera: False for who brings the camera's options himself, as the demo does.
    """
    try:
        Settings.model_validate(table)
    except ValidationError as error:
        return tuple(_fault(one, table) for one in error.errors(include_url=False))
    with tempfile.TemporaryDirectory(prefix="anxin-settings-") as folder:
        copy = Path(folder) / "station.toml"
        copy.write_text(text, encoding="utf-8")
        try:
            load_settings(copy, check_camera=check_camera)
        except SettingsError as error:
            sentence = str(error).replace(str(copy), "station.toml")
            return (_settings_fault(error, _told(sentence, table)),)
        except ImportError:
            return (Fault((), "driver_not_installed"),)
    return ()


def _settings_fault(error: SettingsError, sentence: str) -> Fault:
    keys = tuple(int(key) if key.isdigit() else key for key in error.keys)
    return Fault(keys, FORM_CODES.get(error.code, error.code), sentence)


def _told(sentence: str, table: Mapping[str, Any]) -> str:
    """Return a sentence that may be shown: none that holds a secret of this file."""
    said = without_passwords(sentence)
    return "" if any(secret in said for secret in secrets_of(table)) else str(said)


def _fault(refused: ErrorDetails, table: Mapping[str, Any]) -> Fault:
    code = FORM_CODES.get(refused["type"], "refused")
    words = refused["msg"].removeprefix("Value error, ") if code == "not_together" else ""
    words = _told(words, table)
    # Places inside a union or a list's entry say nothing that a form could show.
    keys = tuple(part for part in refused["loc"] if not str(part).startswith("function-"))
    return Fault(keys, code, words)


def _value(question: Question, given: Sequence[str]) -> Any:
    """Return an answer as the file has it, None for none. Raises `ValueError` with a code."""
    first = given[0] if given else ""
    if question.kind == "choices":
        return [_chosen(question, one) for one in given if one] or None
    if question.kind == "lines":
        return [line.strip() for line in first.splitlines() if line.strip()] or None
    return None if first == "" else _single(question, first)


def _single(question: Question, given: str) -> Any:
    if question.kind == "whole" or (question.numbers and given.isdecimal()):
        return _number(given, int, "not_whole")
    if question.kind == "number":
        return _number(given, float, "not_number")
    if question.kind in {"truth", "part"}:
        return _truth(question, given)
    return _chosen(question, given) if question.kind == "choice" else given


def _truth(question: Question, given: str) -> Any:
    if given not in {"true", "false"}:
        raise ValueError("not_one_of")
    if question.kind == "truth":
        return given == "true"
    return {} if given == "true" else None


def _chosen(question: Question, given: str) -> Any:
    for choice in question.choices:
        if str(choice) == given:
            return choice
    raise ValueError("not_one_of")


def _number(given: str, kind: type[int] | type[float], code: str) -> float:
    # Digits as a Chinese keyboard may give them.
    plain = unicodedata.normalize("NFKC", given).replace("−", "-")
    try:
        number = kind(plain)
    except (ValueError, OverflowError):
        raise ValueError(code) from None
    if not abs(number) < 1e15:
        raise ValueError("too_large" if number > 0 else "too_small")
    return number
