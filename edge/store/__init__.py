"""The journal's room: one SQLite file, one writer; what the rest of the house uses of it."""

from __future__ import annotations

from edge.seal import Part
from edge.store.errors import (
    NoSuchPackage,
    PackageClosed,
    PackageGone,
    PackageUnreadable,
    StoreBroken,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreKeyWrong,
)
from edge.store.journal import Store
from edge.store.orders import Ending
from edge.store.rows import OpenPackage, PackageRow, Pending
from edge.trust.audit import STATION, Actor

__all__ = [
    "STATION",
    "Actor",
    "Ending",
    "NoSuchPackage",
    "OpenPackage",
    "PackageClosed",
    "PackageGone",
    "PackageRow",
    "PackageUnreadable",
    "Part",
    "Pending",
    "Store",
    "StoreBroken",
    "StoreBusy",
    "StoreError",
    "StoreFull",
    "StoreKeyWrong",
]
