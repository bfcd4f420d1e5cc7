"""Searching a raw disk image for what must not be on it, and a mounted one for keys.

Names are searched in every form in which a careless program writes them down; pictures by pieces of
them, plain, in hex and in base64 of any alignment; and any picture or finger record at all by its
first bytes, long enough not to occur by chance in megabytes of ciphertext.
"""

from __future__ import annotations

import base64
import json
import os
import re
import urllib.parse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

CHUNK_BYTES: Final = 32 << 20
PREFIX_BYTES: Final = 8
PIECE_BYTES: Final = 33
"""Divisible by three: in base64 a piece of any alignment keeps its own letters."""
KEY_BYTES: Final = 32
TEXT_MAX: Final = 1 << 20
SIGNATURES: Final = {
    "JPEG with JFIF": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00",
    "Exif, Intel": b"Exif\x00\x00II*\x00",
    "Exif, Motorola": b"Exif\x00\x00MM\x00*",
    "PNG": b"\x89PNG\r\n\x1a\n",
    "WSQ": b"\xff\xa0\xff\xa4\x00\x3a\x09\x07",
    "JPEG 2000": b"\x00\x00\x00\x0cjP  \r\n\x87\n",
    "finger image record": b"FIR\x00010\x00",
    "finger minutiae record": b"FMR\x00 20\x00",
    "JPEG in base64": b"/9j/4AAQSkZJRg",
    "PNG in base64": b"iVBORw0KGgoAAAA",
    "JPEG in hex": b"ffd8ffe000104a464946",
    "PNG in hex": b"89504e470d0a1a0a",
}


@dataclass(frozen=True, slots=True)
class Needle:
    """What is searched: whose it is (None: anybody's), what it is, and its bytes, 8 at least."""

    whose: int | None
    what: str
    text: bytes


def signatures() -> Iterator[Needle]:
    """Return the first bytes of every picture or record."""
    for what, text in SIGNATURES.items():
        yield Needle(None, what, text)
    for first in range(1, 128):
        # Its first table's first value is any; seven bytes alone would occur by chance.
        text = b"\xff\xd8\xff\xdb\x00C\x00" + bytes([first])
        yield Needle(None, "JPEG with tables first", text)


def written(whose: int, what: str, name: str) -> Iterator[Needle]:
    """Return a name in every form in which a careless program writes it down."""
    plain = name.encode()
    forms = {
        "UTF-8": plain,
        "UTF-16 LE": name.encode("utf-16-le"),
        "UTF-16 BE": name.encode("utf-16-be"),
        "GBK": name.encode("gb18030"),
        "hex": plain.hex().encode(),
        "hex in capitals": plain.hex().upper().encode(),
        "URL": urllib.parse.quote(name).encode(),
        "JSON": json.dumps(name).strip('"').encode(),
    }
    for form, text in {**forms, **_base64_forms(plain)}.items():
        if len(text) >= PREFIX_BYTES:
            yield Needle(whose, f"{what} in {form}", text)


def pieces(whose: int, what: str, content: bytes) -> Iterator[Needle]:
    """Return pieces of a picture: from a quarter, the middle and three quarters of it."""
    for quarter in (1, 2, 3):
        at = len(content) * quarter // 4
        piece = content[at : at + PIECE_BYTES]
        if len(set(piece)) < PREFIX_BYTES:
            # A plain wall: it would be found wherever there are zeros.
            continue
        yield Needle(whose, what, piece)
        yield Needle(whose, f"{what} in hex", piece.hex().encode())
        for form, text in _base64_forms(piece).items():
            yield Needle(whose, f"{what} in {form}", text)


def _base64_forms(plain: bytes) -> dict[str, bytes]:
    """Return the letters that do not depend on the neighbours, for each of three alignments."""
    forms = {}
    for shift in range(3):
        cut = plain[(3 - shift) % 3 :]
        whole = cut[: len(cut) // 3 * 3]
        forms[f"base64, shifted {shift}"] = base64.b64encode(whole)
    return forms


class Search:
    """Many needles at once, in one pass over a file."""

    def __init__(self, needles: Iterable[Needle]) -> None:
        self._by_prefix: dict[int, list[Needle]] = {}
        self._first = np.zeros(1 << 16, np.bool_)
        self._longest = PREFIX_BYTES
        for needle in needles:
            prefix = int.from_bytes(needle.text[:PREFIX_BYTES], "little")
            self._by_prefix.setdefault(prefix, []).append(needle)
            self._first[needle.text[0] | needle.text[1] << 8] = True
            self._longest = max(self._longest, len(needle.text))
        self._prefixes = np.array(sorted(self._by_prefix), np.uint64)

    def found_in(self, file: Path) -> list[Needle]:
        """Return each needle that occurs, once. Holes of a sparse file are not read."""
        found: dict[Needle, None] = {}
        with file.open("rb") as image:
            for begin, end in _extents(image.fileno()):
                for at in range(begin, end, CHUNK_BYTES):
                    size = min(CHUNK_BYTES + self._longest, end - at)
                    found |= dict.fromkeys(self._found(os.pread(image.fileno(), size, at)))
        return list(found)

    def _found(self, chunk: bytes) -> Iterator[Needle]:
        if len(chunk) < PREFIX_BYTES:
            return
        octets = np.frombuffer(chunk, np.uint8)
        pairs = octets[:-1].astype(np.uint16) | octets[1:].astype(np.uint16) << 8
        places = np.flatnonzero(self._first[pairs])
        places = places[places <= len(chunk) - PREFIX_BYTES]
        prefixes = _eight(octets, places)
        for place in places[np.isin(prefixes, self._prefixes)]:
            prefix = int.from_bytes(chunk[place : place + PREFIX_BYTES], "little")
            for needle in self._by_prefix[prefix]:
                if chunk.startswith(needle.text, int(place)):
                    yield needle


def _eight(octets: npt.NDArray[np.uint8], places: npt.NDArray[np.intp]) -> npt.NDArray[np.uint64]:
    """Return the eight bytes at each place as one number, the first the lowest."""
    prefixes = np.zeros(len(places), np.uint64)
    for number in range(PREFIX_BYTES):
        prefixes |= octets[places + number].astype(np.uint64) << np.uint64(8 * number)
    return prefixes


def _extents(descriptor: int) -> Iterator[tuple[int, int]]:
    """Return from where to where a sparse file holds anything."""
    end, size = 0, os.fstat(descriptor).st_size
    while end < size:
        try:
            begin = os.lseek(descriptor, end, os.SEEK_DATA)
        except OSError:
            return
        end = os.lseek(descriptor, begin, os.SEEK_HOLE)
        yield begin, end


def keys_in(folder: Path) -> dict[bytes, str]:
    """Return everything on a mounted disk that may be a key of 32 bytes, and where it lies.

    Files of just that size, private keys in PEM (their own 32 bytes), and runs of hex or base64 of
    that length in any file that is not large.
    """
    found: dict[bytes, str] = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        with file.open("rb") as opened:
            content = opened.read(TEXT_MAX)
        found |= dict.fromkeys(keys_written(content), file.name)
    return found


def keys_written(content: bytes) -> list[bytes]:
    """Return the content if it is as long as a key, and what keys are written in it."""
    itself = [content] if len(content) == KEY_BYTES else []
    return [*itself, *_pem_keys(content), *_written_keys(content)]


def _pem_keys(content: bytes) -> Iterator[bytes]:
    kind = rb"[A-Z ]*PRIVATE [K]EY-----"
    pem = rb"-----BEGIN " + kind + rb".*?-----END " + kind
    for match in re.finditer(pem, content, re.DOTALL):
        try:
            key = load_pem_private_key(match[0], None)
            yield key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        except (ValueError, TypeError):
            continue


def _written_keys(content: bytes) -> Iterator[bytes]:
    for match in re.finditer(rb"(?<![0-9a-fA-F])[0-9a-fA-F]{64}(?![0-9a-fA-F])", content):
        yield bytes.fromhex(match[0].decode())
    for match in re.finditer(rb"(?<![\w+/=-])[\w+/-]{43}=?(?![\w+/=-])", content):
        text = match[0].rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
        try:
            yield base64.b64decode(text + b"=", validate=True)
        except ValueError:
            continue
