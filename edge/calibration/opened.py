"""The book of a station's calibrations, opened, and what the station does by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from edge.calibration.book import FOLDER, CalibrationBook
from edge.calibration.validity import Policy, State
from edge.settings_sections import Settings
from edge.store import Store
from edge.trust.keys import StationKey
from edge.trust.station_key import former_keys

BLOCKING: Final[dict[State, str]] = {
    "expired": "calibration_expired",
    "failed": "calibration_failed",
    "none": "calibration_missing",
}
"""Why no sitting begins, where the policy is "block"."""


def open_book(settings: Settings, store: Store, key: StationKey) -> CalibrationBook:
    """Open the book where the settings say.

    Raises:
        KeyUnusable: the station's former keys.
        StoreError: the journal.
    """
    return CalibrationBook(
        settings.calibration.folder or settings.store.folder / FOLDER,
        store,
        key,
        settings.station.id,
        former=former_keys(settings.store.folder),
    )


def reasons(book: CalibrationBook, policy: Policy, devices: tuple[str, ...]) -> tuple[str, ...]:
    """Return why no sitting may begin, as codes; empty where the policy only warns."""
    if policy == "warn":
        return ()
    states = (book.state(device).state for device in devices)
    found = [BLOCKING[state] for state in states if state in BLOCKING]
    return tuple(dict.fromkeys(found))


def in_force_of(book: CalibrationBook, settings: Settings) -> Callable[[str], str | None]:
    """Return what says which calibration holds of "camera" or "fingerprint", for samples."""
    ids = {"camera": settings.camera.id, "fingerprint": settings.reader.id}
    return lambda kind: book.state(ids[kind]).calibration_id
