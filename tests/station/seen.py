"""What must not be found on a disk: names in many encodings, pictures by their first bytes."""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Iterable
from pathlib import Path

SIGNATURES = {
    # Long enough not to occur by chance in megabytes of ciphertext, as three bytes do.
    "JPEG with JFIF": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00",
    "JPEG with tables first": b"\xff\xd8\xff\xdb\x00C\x00",
    "Exif": b"Exif\x00\x00",
    "PNG": b"\x89PNG\r\n\x1a\n",
    "JPEG in base64": base64.b64encode(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"),
    "PNG in base64": base64.b64encode(b"\x89PNG\r\n\x1a\n\x00"),
}


def written_forms(name: str) -> dict[str, bytes]:
    """The ways in which a careless program writes a name down."""
    return {
        "UTF-8": name.encode(),
        "GBK": name.encode("gbk"),
        "UTF-16": name.encode("utf-16-le"),
        "hex": name.encode().hex().encode(),
        "base64": base64.b64encode(name.encode()).rstrip(b"="),
        "URL": urllib.parse.quote(name).encode(),
        "JSON": json.dumps(name).strip('"').encode(),
    }


def leaks_in(files: Iterable[Path], names: Iterable[str], pictures: Iterable[bytes]) -> set[str]:
    """Return "file: what" for everything found that must not be there.

    Args:
        files: to be searched, each whole.
        names: seeded, searched in every written form.
        pictures: the real JPEG and PNG bytes of the sitting; any 48 bytes from their middle count,
            plain, in hex or in base64 of any alignment.
    """
    wanted = dict(SIGNATURES)
    for name in names:
        wanted |= {f"{name} in {form}": text for form, text in written_forms(name).items()}
    for number, picture in enumerate(pictures):
        piece = picture[len(picture) // 2 :][:48]
        wanted[f"picture {number}"] = piece
        wanted[f"picture {number} in hex"] = piece.hex().encode()
        for shift in range(3):
            # Any alignment of the encoder: cut off what depends on the neighbours.
            text = base64.b64encode(piece[shift : shift + 45])
            wanted[f"picture {number} in base64, shifted {shift}"] = text
    found = set()
    for file in files:
        content = file.read_bytes()
        found |= {f"{file.name}: {what}" for what, bytes_ in wanted.items() if bytes_ in content}
    return found
