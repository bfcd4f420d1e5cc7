"""The journal's room: one SQLite file, one writer; what the rest of the house uses of it."""

from __future__ import annotations

from edge.store.journal import (
    STATION,
    Actor,
    Ending,
    NoSuchPackage,
    OpenPackage,
    PackageClosed,
    PackageGone,
    PackageRow,
    PackageUnreadable,
    Part,
    Pending,
    Store,
    StoreBroken,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreKeyWrong,
)

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
