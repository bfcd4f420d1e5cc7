"""One station's file on the disk: read, changed in one piece, the one before kept beside it.

The file before lies as `<name>.previous`; putting it back swaps the two, so that doing it twice
changes nothing. Nothing here takes effect before the next start.
"""

from __future__ import annotations

import hashlib
import os
import threading
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from edge.durable import sync_folder
from edge.station_file.draft import Draft, Fault, Form, answered, checked, draft
from edge.station_file.questions import Question, section_names, section_questions
from edge.station_file.text import Keys, changed_table, value_at

BYTES_MAX: Final = 128 * 1024
PREVIOUS: Final = ".previous"
_WRITING: Final = threading.Lock()
"""One at a time, whichever page it is: each compares what it saw with what is there."""


class FileChanged(Exception):
    """Somebody else changed the file since it was read. Look at it again, then decide anew."""


class FileUnwritable(Exception):
    """The service may not write there. Give its user the folder, or move the file."""


class FileUnreadable(Exception):
    """There is no such file, or it is no TOML of a size that a station's is."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The file as it is now.

    Attributes:
        text: as it was written.
        table: its values.
        sha256: of its bytes, in hex.
        faults: why the next start would refuse it; () if it would not.
    """

    text: str = field(repr=False)
    table: Mapping[str, Any] = field(repr=False)
    sha256: str
    faults: tuple[Fault, ...] = ()


class StationFile:
    """One settings file. All methods may be called from any thread.

    Args:
        path: the file; where it is a link, what it leads to is changed.
        check_camera: False for who brings the camera's options himself, as the demo does.
    """

    def __init__(self, path: Path, *, check_camera: bool = True) -> None:
        self.path = path
        self._check_camera = check_camera
        self._started: Mapping[str, Any] = {}
        with suppress(FileUnreadable):
            self._started = self.read().table

    @property
    def writable(self) -> bool:
        """Whether this process may put another file in its place."""
        target = self.path.resolve()
        return os.access(target.parent, os.W_OK) and target.is_file()

    @property
    def has_previous(self) -> bool:
        """Whether there is a file before this one."""
        return self._previous.is_file()

    def read(self) -> Standing:
        """Return the file as it is. Raises `FileUnreadable`."""
        return self._standing(self.path)

    def previous(self) -> Standing:
        """Return the file before. Raises `FileUnreadable`."""
        return self._standing(self._previous)

    def waiting(self) -> tuple[Keys, ...]:
        """Return which settings differ from those that this start read, in order; () for none.

        Raises:
            FileUnreadable: it cannot be read now.
        """
        return differences(self._started, self.read().table)

    def propose(self, section: str, form: Form) -> tuple[Standing, Draft]:
        """Return the file as it is, and as a form of one section would make it.

        Raises:
            FileUnreadable: it cannot be read now.
            ValueError: there is no such section.
        """
        if section not in section_names():
            raise ValueError(f"no section {section!r}")
        now = self.read()
        questions = section_questions(section, now.table)
        changes, unread = answered(questions, form, now.table)
        changes |= _orphans(now.table, changes)
        made = self.draft(now, changes)
        said = {fault.keys for fault in unread}
        faults = (*unread, *(fault for fault in made.faults if fault.keys not in said))
        return now, replace(made, faults=faults)

    def draft(self, now: Standing, changes: Mapping[Keys, Any]) -> Draft:
        """Return the file with these values in place, and what is wrong with it then."""
        return draft(now.text, now.table, changes, check_camera=self._check_camera)

    def check(self, text: str) -> Standing:
        """Return what somebody brings, held against the settings. Raises `FileUnreadable`."""
        return self._checked(text.encode())

    def questions(self, section: str, table: Mapping[str, Any]) -> tuple[Question, ...]:
        """Return what a form asks for one section of this table."""
        return section_questions(section, table)

    def write(self, text: str, seen_sha256: str) -> Standing:
        """Put this in place of what was seen, whole and durable, and keep that as the previous.

        Raises:
            FileChanged: what stands there is not what was seen.
            FileUnwritable: nothing was changed.
            FileUnreadable: what stands there, or the text, is no settings file.
        """
        new = text.encode()
        if len(new) > BYTES_MAX:
            raise FileUnreadable("too large")
        with _WRITING:
            now = self.read()
            if now.sha256 != seen_sha256:
                raise FileChanged(seen_sha256)
            if now.text != text:
                try:
                    _put(self._previous, now.text.encode(), self.path)
                    _put(self.path.resolve(), new, self.path)
                except OSError as error:
                    raise FileUnwritable(error.strerror or "refused") from error
            return self.read()

    def put_back(self, seen_sha256: str) -> Standing:
        """Swap the file and the one before it. Raises as `write`."""
        return self.write(self.previous().text, seen_sha256)

    def _standing(self, path: Path) -> Standing:
        try:
            return self._checked(path.read_bytes())
        except OSError as error:
            raise FileUnreadable(error.strerror or "cannot be read") from error

    def _checked(self, content: bytes) -> Standing:
        if len(content) > BYTES_MAX:
            raise FileUnreadable("too large")
        try:
            text = content.decode("utf-8")
            table = tomllib.loads(text)
        except ValueError as error:
            raise FileUnreadable(f"not valid TOML: {error}") from error
        faults = checked(text, table, check_camera=self._check_camera)
        return Standing(text, table, hashlib.sha256(content).hexdigest(), faults)

    @property
    def _previous(self) -> Path:
        target = self.path.resolve()
        return target.with_name(target.name + PREVIOUS)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Keys, ...]:
    """Return where two tables differ, tables and lists of tables gone through."""
    return tuple(_differing(before, after, ()))


def _differing(before: Any, after: Any, way: Keys) -> list[Keys]:
    # A table that is not there differs in each of its values, so that each is named.
    if before is None and isinstance(after, Mapping) and after:
        before = {}
    if after is None and isinstance(before, Mapping) and before:
        after = {}
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        names = [*before, *(name for name in after if name not in before)]
        return [
            keys
            for name in names
            for keys in _differing(before.get(name), after.get(name), (*way, name))
        ]
    if _is_rows(before) and _is_rows(after) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [keys for n, (one, two) in pairs for keys in _differing(one, two, (*way, n))]
    return [] if before == after else [way]


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, Mapping) for one in value)


def _orphans(table: Mapping[str, Any], changes: Mapping[Keys, Any]) -> dict[Keys, Any]:
    """Return the options that a driver which is changed leaves behind: the next knows none."""
    gone: dict[Keys, Any] = {}
    for keys, value in changes.items():
        if keys[-1] != "driver" or not isinstance(value, str):
            continue
        options = (*keys[:-1], "options")
        questions = section_questions(str(keys[0]), changed_table(table, {keys: value}))
        known = {one.keys[len(keys)] for one in questions if one.keys[: len(keys)] == options}
        held = value_at(table, options) or {}
        gone |= {(*options, name): None for name in held if name not in known}
    return gone


def _put(path: Path, content: bytes, like: Path) -> None:
    """Write a file that is whole or absent, with the mode of another."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), like.stat().st_mode & 0o777)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)
