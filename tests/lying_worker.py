"""An interpreter that is none: whatever is run under it begins as told, then repeats one answer."""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path

_SCRIPT = """#!{python} -IS
import pathlib, socket, struct, sys
wire = socket.socket(fileno=int(sys.argv[-2]))
answers = pathlib.Path(sys.argv[0]).parent
def read(count):
    got = b""
    while len(got) < count:
        piece = wire.recv(count - len(got))
        if not piece:
            sys.exit()
        got += piece
    return got
for name in ("begins", *["answers"] * 1000):
    read(*struct.unpack(">I", read(4)))
    wire.sendall((answers / name).read_bytes())
"""


class Liar:
    """A script to stand in for the interpreter; its answers are the two files beside it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path = folder / "liar"
        self.path.write_text(_SCRIPT.format(python=sys.executable))
        self.path.chmod(0o700)

    def says(self, answer: bytes, begins: bytes | None = None) -> None:
        (self._folder / "begins").write_bytes(
            message({"id": 0, "walls": "none"}) if begins is None else begins
        )
        (self._folder / "answers").write_bytes(answer)


def message(fields: object) -> bytes:
    """Return one message of the wire; bytes are its body as they are."""
    body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    return struct.pack(">I", len(body)) + body
