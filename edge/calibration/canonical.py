"""JSON in its one canonical form (RFC 8785), so that the same content is always the same bytes.

What is signed are the bytes of a file, so nobody needs this to check a signature: it makes the id
of a calibration, and refuses a record that was written by something else.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

WHOLE_MAX: Final = (1 << 53) - 1
"""Beyond it JSON's numbers are no whole numbers any more. Source: RFC 7493, 2.2."""
DEEP_MAX: Final = 32


class NotCanonical(ValueError):
    """Something that RFC 8785 has no form for: NaN, a number too large, half a character."""


def canonical(value: Any) -> bytes:
    """Return the canonical JSON of a value, in UTF-8.

    Args:
        value: of None, bool, int, float, str, sequences and mappings with texts as names.

    Raises:
        NotCanonical: there is no such form.

    Source: RFC 8785.
    """
    try:
        return "".join(_written(value, 0)).encode()
    except UnicodeEncodeError as error:
        raise NotCanonical("half a character") from error


def number(value: float) -> str:
    """Return a number as ECMAScript writes it. Raises `NotCanonical`.

    Source: ECMA-262, Number::toString; RFC 8785, 3.2.2.3 and appendix B.
    """
    if isinstance(value, int):
        if abs(value) <= WHOLE_MAX:
            return str(value)
        # What a number with a point reads back as, if it is large enough; any other lost digits.
        value = _as_float(value)
    if not math.isfinite(value):
        raise NotCanonical("not a finite number")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    # Python's shortest digits that read back as the same number are ECMAScript's.
    digits, power = _digits(abs(value))
    return sign + _placed(digits, power)


def _as_float(value: int) -> float:
    try:
        found = float(value)
    except OverflowError as error:
        raise NotCanonical("a number beyond all") from error
    if number(found) != str(value):
        raise NotCanonical("a whole number beyond 2^53")
    return found


def _digits(value: float) -> tuple[str, int]:
    """Return the digits d and the power n of a number 0.d times 10^n."""
    mantissa, _, exponent = f"{value!r}".partition("e")
    whole, _, rest = mantissa.partition(".")
    power = len(whole) + int(exponent or 0)
    digits = whole + ("" if rest == "0" else rest)
    bare = digits.lstrip("0")
    return bare.rstrip("0"), power - (len(digits) - len(bare))


def _placed(digits: str, power: int) -> str:
    count = len(digits)
    if count <= power <= 21:
        return digits + "0" * (power - count)
    if 0 < power <= 21:
        return f"{digits[:power]}.{digits[power:]}"
    if -6 < power <= 0:
        return f"0.{'0' * -power}{digits}"
    point = f".{digits[1:]}" if count > 1 else ""
    return f"{digits[0]}{point}e{power - 1:+d}"


def _written(value: Any, deep: int) -> list[str]:
    if deep > DEEP_MAX:
        raise NotCanonical("nested too deep")
    if value is None or isinstance(value, bool):
        return [{None: "null", True: "true", False: "false"}[value]]
    if isinstance(value, str):
        return [_text(value)]
    if isinstance(value, int | float):
        return [number(value)]
    if isinstance(value, Mapping):
        return _object(value, deep)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        inner = [_written(each, deep + 1) for each in value]
        return ["[", *_joined(inner), "]"]
    raise NotCanonical(f"no JSON: {type(value).__name__}")


def _object(value: Mapping[Any, Any], deep: int) -> list[str]:
    if not all(isinstance(name, str) for name in value):
        raise NotCanonical("a name that is no text")
    # By UTF-16 code units, not by code points.
    names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
    inner = [[_text(name), ":", *_written(value[name], deep + 1)] for name in names]
    return ["{", *_joined(inner), "}"]


def _joined(inner: list[list[str]]) -> list[str]:
    return [part for n, each in enumerate(inner) for part in (([","] if n else []) + each)]


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
