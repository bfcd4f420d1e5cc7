"""What a delivered image shows of its faults: a second, strict reading that shares no code.

The driver is judged by it, so it must not be the driver's: it goes through the bytes once, from the
front, and gives up at the first thing that is not as the family's manuals say.
"""

from __future__ import annotations

from typing import Final

HEAD: Final = bytes.fromhex("ef01ffffffff")
DATA, END = 2, 8


def faultless_content(delivered: bytes, content_bytes: int) -> bytes | None:
    """Return the content of a stream that shows no fault up to its end; None if it shows one.

    What follows the END packet belongs to nobody: no reader waits for it. A stream that stops
    after the last byte of content without any END shows none (R551, brianrho/FPM issue 11).
    """
    content, at, before, kind = b"", 0, b"", DATA
    while kind != END and at < len(delivered):
        kind, end = delivered[at + 6 : at + 7][0] if at + 9 <= len(delivered) else 0, 0
        if kind in (DATA, END) and delivered.startswith(HEAD, at):
            end = at + 9 + int.from_bytes(delivered[at + 7 : at + 9]) - 2
        if not at + 9 <= end <= min(at + 9 + 256, len(delivered) - 2):
            return None
        payload = delivered[at + 9 : end]
        if sum(delivered[at + 6 : end]) % 65536 != int.from_bytes(delivered[end : end + 2]):
            return None
        if payload == before and len(set(payload)) > 1:
            return None
        content, before, at = content + payload, payload, end + 2
    return content if len(content) == content_bytes else None
