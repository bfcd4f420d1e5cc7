"""A reader of ISO/IEC 19794-2:2005 records that shares nothing with the writer.

Written from the layout of NIST's sample record; every step is bounded by the record's length.
"""

from __future__ import annotations


def read_views(record: bytes) -> list[dict]:
    """Return the views of a record: position, quality and minutiae as (kind, x, y, degrees, q)."""
    assert record[0:8] == b"FMR\x00 20\x00"
    assert int.from_bytes(record[8:12], "big") == len(record)
    width, height = (int.from_bytes(record[n : n + 2], "big") for n in (14, 16))
    views, at = [], 24
    for _ in range(record[22]):
        position, _, quality, count = record[at : at + 4]
        points = []
        for n in range(count):
            raw = record[at + 4 + 6 * n : at + 10 + 6 * n]
            assert len(raw) == 6
            x, y = int.from_bytes(raw[0:2], "big"), int.from_bytes(raw[2:4], "big")
            points.append((x >> 14, x & 0x3FFF, y & 0x3FFF, raw[4] * 360 / 256, raw[5]))
        at += 4 + 6 * count
        at += 2 + int.from_bytes(record[at : at + 2], "big")
        assert at <= len(record)
        views.append(
            {"position": position, "quality": quality, "size": (width, height), "points": points}
        )
    assert at == len(record)
    return views
