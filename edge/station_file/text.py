"""A settings file as its author wrote it: one value is changed, every other byte stays.

What is not kept: a comment on the line of a key that is taken out, comments inside a list whose
values change, and the order inside an inline table. Where the file is written in a way that this
module does not follow, it is written anew and every comment is lost; `Edited` says so.
"""

from __future__ import annotations

import copy
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Keys = tuple[str | int, ...]
"""Where a value stands: names of tables and keys, and places in lists."""

_KEY: Final = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
_KEYS: Final = rf"{_KEY}(?:[ \t]*\.[ \t]*{_KEY})*"
_HEADER: Final = re.compile(rf"[ \t]*\[(\[?)[ \t]*({_KEYS})[ \t]*\]\]?[^\n]*(?:\n|\Z)")
_ASSIGNED: Final = re.compile(rf"[ \t]*({_KEYS})[ \t]*=[ \t]*")
_LINE: Final = re.compile(r"[^\n]*(?:\n|\Z)")
_STRING: Final = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'', re.DOTALL
)
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Edited:
    """A changed file.

    Attributes:
        text: the whole file.
        comments_kept: False where it had to be written anew.
    """

    text: str
    comments_kept: bool = True


@dataclass(frozen=True, slots=True)
class _Place:
    """One header or assignment: from the begin of its line to the begin of the next."""

    keys: Keys
    start: int
    end: int
    value: tuple[int, int] | None = None
    prefix: str = ""
    """What stands before the last key of an assignment: "" or the dotted way to it."""
    listed: bool = False


def edited(text: str, changes: Mapping[Keys, Any]) -> Edited:
    """Return the file with these values in place; None takes a key, or a whole table, out.

    Args:
        text: valid TOML.
        changes: each value is a string, truth, number, or a list of these.

    Raises:
        tomllib.TOMLDecodeError: the text is no TOML.
    """
    wanted = changed_table(tomllib.loads(text), changes)
    after = text
    # From the end, so that taking out one of a list moves no other that is still to be changed.
    for keys, value in sorted(changes.items(), key=lambda one: _order(one[0]), reverse=True):
        after = _removed(after, keys) if value is None else _set(after, keys, value)
    try:
        if tomllib.loads(after) == wanted:
            return Edited(after)
    except tomllib.TOMLDecodeError:
        pass
    return Edited(written(wanted), comments_kept=False)


def changed_table(table: Mapping[str, Any], changes: Mapping[Keys, Any]) -> dict[str, Any]:
    """Return the table with these values in place; None takes out what stands there, if any."""
    changed: dict[str, Any] = copy.deepcopy(dict(table))
    for keys, value in sorted(changes.items(), key=lambda one: _order(one[0]), reverse=True):
        _put(changed, keys, value)
    return changed


def value_at(table: Any, keys: Keys) -> Any:
    """Return what stands there, None for nothing."""
    for key in keys:
        try:
            table = table[key]
        except (KeyError, IndexError, TypeError):
            return None
    return table


def written(table: Mapping[str, Any]) -> str:
    """Return a table as a whole new file, without comments."""
    return "".join(_written(table, ())).lstrip("\n")


def spelled(value: Any) -> str:
    """Return one value as TOML spells it, on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        # As JSON, but DEL may not stand there as it is.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(name)} = {spelled(one)}" for name, one in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, Sequence):
        return f"[{', '.join(spelled(one) for one in value)}]"
    return str(value)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else json.dumps(name)


def _order(keys: Keys) -> tuple[tuple[int, str], ...]:
    return tuple((key, "") if isinstance(key, int) else (-1, key) for key in keys)


def _put(table: Any, keys: Keys, value: Any) -> None:
    *way, last = keys
    for key, following in zip(way, keys[1:], strict=True):
        if value is None and value_at(table, (key,)) is None:
            return
        if isinstance(key, int):
            if key == len(table):
                table.append({})
        else:
            table.setdefault(key, [] if isinstance(following, int) else {})
        table = table[key]
    if value is None:
        if value_at(table, (last,)) is not None:
            del table[last]
    elif isinstance(last, int) and last == len(table):
        table.append(value)
    else:
        table[last] = value


def _written(table: Mapping[str, Any], way: tuple[str, ...]) -> Iterator[str]:
    later = {key: one for key, one in table.items() if _is_table(one) or _is_tables(one)}
    for key, one in table.items():
        if key not in later:
            yield f"{_key(key)} = {spelled(one)}\n"
    for key, one in later.items():
        here = (*way, key)
        name = ".".join(_key(part) for part in here)
        for row in one if _is_tables(one) else [one]:
            yield f"\n[[{name}]]\n" if _is_tables(one) else f"\n[{name}]\n"
            yield from _written(row, here)


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_table(one) for one in value)


def _places(text: str) -> Iterator[_Place]:
    """Yield every header and assignment of a file, as they stand."""
    counts: dict[Keys, int] = {}
    table: Keys = ()
    at = 0
    while at < len(text):
        header, assigned = _HEADER.match(text, at), _ASSIGNED.match(text, at)
        if header:
            named, listed = _parts(header[2]), bool(header[1])
            table = _resolved(named, counts, listed)
            yield _Place(table, at, header.end(), listed=listed)
            at = header.end()
        elif assigned:
            end = _value_end(text, assigned.end())
            line = _LINE.match(text, end)
            keys = _parts(assigned[1])
            written_keys = assigned[1]
            prefix = written_keys[: written_keys.rfind(".") + 1] if len(keys) > 1 else ""
            following = line.end() if line else end
            yield _Place((*table, *keys), at, following, (assigned.end(), end), prefix)
            at = following
        else:
            line = _LINE.match(text, at)
            at = line.end() if line else len(text)


def _parts(written_keys: str) -> tuple[str, ...]:
    found: Any = tomllib.loads(f"{written_keys} = 0")
    parts = []
    while isinstance(found, dict):
        ((key, found),) = found.items()
        parts.append(key)
    return tuple(parts)


def _resolved(named: tuple[str, ...], counts: dict[Keys, int], listed: bool) -> Keys:
    """Return the way of a header with the places of the lists on it."""
    keys: Keys = ()
    for n, name in enumerate(named):
        keys = (*keys, name)
        if listed and n == len(named) - 1:
            counts[keys] = counts.get(keys, -1) + 1
        if keys in counts:
            keys = (*keys, counts[keys])
    return keys


def _value_end(text: str, at: int) -> int:
    """Return where a value ends: past its last character, before blanks and a comment."""
    depth, start = 0, at
    while at < len(text):
        here = text[at]
        if here in "\"'":
            string = _STRING.match(text, at)
            at = string.end() if string else len(text)
            continue
        if here == "#" and depth:
            at = text.find("\n", at) if "\n" in text[at:] else len(text)
            continue
        if here in "#\n" and not depth:
            break
        depth += (here in "[{") - (here in "]}")
        at += 1
    return start + len(text[start:at].rstrip())


def _set(text: str, keys: Keys, value: Any) -> str:
    places = list(_places(text))
    for place in places:
        if place.value and place.keys == keys:
            return text[: place.value[0]] + spelled(value) + text[place.value[1] :]
    inline = _inline(places, keys)
    if inline is not None and inline.value is not None:
        held = value_at(tomllib.loads(text), inline.keys)
        _put(held, keys[len(inline.keys) :], value)
        return text[: inline.value[0]] + spelled(held) + text[inline.value[1] :]
    if value == {}:
        name = ".".join(_key(key) for key in keys if isinstance(key, str))
        return _inserted(text, len(text), f"\n[{name}]\n")
    line = f"{_key(str(keys[-1]))} = {spelled(value)}\n"
    siblings = [place for place in places if place.value and place.keys[:-1] == keys[:-1]]
    if siblings:
        return _inserted(text, siblings[-1].end, siblings[-1].prefix + line)
    header = next((one for one in places if not one.value and one.keys == keys[:-1]), None)
    if header is not None:
        return _inserted(text, header.end, line)
    return _with_table(text, places, keys, line)


def _with_table(text: str, places: Sequence[_Place], keys: Keys, line: str) -> str:
    """Return the text with a table that it did not have, at the end of what it belongs to."""
    way = keys[:-1]
    if not way:
        return line + text
    name = ".".join(_key(key) for key in way if isinstance(key, str))
    block = f"[[{name}]]\n{line}" if isinstance(way[-1], int) else f"[{name}]\n{line}"
    whose = next((way[: n + 1] for n in reversed(range(len(way))) if isinstance(way[n], int)), ())
    inside = [place.end for place in places if whose and place.keys[: len(whose)] == whose]
    return _inserted(text, max(inside) if inside else len(text), f"\n{block}")


def _inserted(text: str, at: int, line: str) -> str:
    before = text[:at]
    return f"{before}{'' if not before or before.endswith(chr(10)) else chr(10)}{line}{text[at:]}"


def _inline(places: Sequence[_Place], keys: Keys) -> _Place | None:
    """Return the assignment whose value holds these keys: an inline table, or a list of such."""
    return next(
        (one for one in places if one.value and one.keys == keys[: len(one.keys)] != keys), None
    )


def _removed(text: str, keys: Keys) -> str:
    places = list(_places(text))
    inline = _inline(places, keys)
    if inline is not None and inline.value is not None:
        held = value_at(tomllib.loads(text), inline.keys)
        _put(held, keys[len(inline.keys) :], None)
        return text[: inline.value[0]] + spelled(held) + text[inline.value[1] :]
    gone = [place for place in places if place.keys[: len(keys)] == keys]
    for place in reversed(gone):
        text = text[: place.start] + text[place.end :]
    return text
