"""Orders and earlier photos for the tests of the room, the interface and the crash."""

from __future__ import annotations

import base64
import hashlib
from contextlib import contextmanager

import cv2
import numpy as np

from edge.orders import Known, Orders, Wanted
from edge.reuse.rule import Candidate
from edge.settings import load_reuse_policy
from edge.store import Store

SURNAME = "欧阳测"
REF = "GZ-440106-20261122-0042"
BORN = "1948-02-11"
SLIP = "004217"
DOCUMENTS = ("cn_exit_entry", "cn_resident_id")
POSITIONS = ("right_thumb", "left_thumb")
PROFILES = ("cn_two_fingers",)
RECORDS = ("fir-2005", "fir-2011")
PERSONAL = (SURNAME, REF, BORN, SLIP)
TODAY_MS = 1_795_305_600_000
"""2026-11-22T00:00:00Z: the same day in Shanghai."""


def photo(seed: int = 0, width_px: int = 358, height_px: int = 441) -> bytes:
    """A small JPEG; each seed gives other bytes."""
    bgr = np.full((height_px, width_px, 3), (180, 170, 200 - 10 * seed), np.uint8)
    done, jpeg = cv2.imencode(".jpg", bgr)
    assert done
    return jpeg.tobytes()


PHOTO = photo()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def digest(content: bytes) -> str:
    """As RFC 9530 has it."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def candidate(content: bytes = PHOTO, **changes) -> Candidate:
    said = {"source": "exit_entry", "captured_at": "2023-04-18", "issued_at": None}
    return Candidate(**{**said, "sha256": sha256(content), **changes})


def wanted(**changes) -> Wanted:
    """An order of a woman of 78 with an earlier photo that may be taken over."""
    said = {
        "order_ref": REF,
        "applies_for": "ordinary_passport",
        "documents": DOCUMENTS[:1],
        "positions": POSITIONS[:1],
        "born_on": BORN,
        "candidates": (candidate(),),
        "surname": SURNAME,
        "honorific": "女士",
        "slip_code": SLIP,
    }
    return Wanted(**{**said, **changes})


def body(**changes) -> dict:
    """The same as the central system would write it."""
    said = {
        "order_ref": REF,
        "applies_for": "ordinary_passport",
        "documents": list(DOCUMENTS[:1]),
        "fingers": {"positions": list(POSITIONS[:1])},
        "reuse_photo": {
            "source": "exit_entry", "taken_at": "2023-04-18", "digest": digest(PHOTO),
            "size": len(PHOTO),
        },
        "person": {"surname": SURNAME, "honorific": "女士", "born_on": BORN, "slip_code": SLIP},
    }  # fmt: skip
    return {**said, **changes}


@contextmanager
def opened(store: Store, **options):
    """The orders of a station that has two documents and two fingers."""
    known = Known(DOCUMENTS, POSITIONS, PROFILES, RECORDS)
    orders = Orders(store, known, load_reuse_policy(), **options)
    try:
        yield orders
    finally:
        orders.close()


def all_text(store: Store) -> str:
    """Everything that the journal's tables hold, decrypted."""

    def read(db):
        tables = [
            name for (name,) in db.execute("select name from sqlite_schema where type='table'")
        ]
        rows = [list(db.execute(f"select * from {table}")) for table in tables]
        return repr(rows)

    text = store.read(read)
    return text.encode().decode("unicode_escape", "replace") + text
