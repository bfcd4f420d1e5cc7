"""Store, keys, certificates, disk and clock: what must hold for a package to be safe."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import apsw
from cryptography import x509

from edge.clock_state import clock_state
from edge.settings import Settings
from edge.store.file import KEY_BYTES, open_reader
from edge.trust.audit import AuditBroken, verify_tail
from edge.trust.centre import DAY_MS, HOUR_MS, newest_key_list
from edge.trust.keys import KeyUnusable
from edge.trust.station_key import open_station_key
from edge.upkeep.self_test.row import NO_FAULTS, Limit, Row
from edge.upkeep.self_test.scene import Scene
from edge.utc import now_ms

MIB: Final = 1 << 20
KEY_DAYS: Final = Limit("d", least=30, source="design: as key.expiring warns")
CERTIFICATE_DAYS: Final = Limit("d", least=14, source="design: time to bring another")
SIGNATURES: Final = Limit("signatures", least=1, source="design: the key signs and it verifies")
ROWS: Final = Limit("rows", least=0, source="design: every row follows from the one before")
CLOCK: Final = Limit("ms", most=60_000, source="design: signed moments are compared in minutes")


def check_store(scene: Scene) -> Iterator[Row]:
    """Read the journal's pages and the end of its audit chain, beside whoever runs on it."""
    where = scene.settings.store.folder
    path, key_file = where / "store.db", where / "store.key"
    if not path.exists():
        yield NO_FAULTS.not_assessed("store", "no_store_yet")
        return
    try:
        key = key_file.read_bytes()
        if len(key) != KEY_BYTES:
            raise ValueError("no key file")
        db = open_reader(path, key.hex())
    except (OSError, ValueError, apsw.Error) as error:
        yield NO_FAULTS.failed("store", "unreadable", said=str(error))
        return
    try:
        answers = [str(row[0]) for row in db.execute("pragma integrity_check(100)")]
        yield NO_FAULTS.held("store", float(len([one for one in answers if one != "ok"])))
        damaged: int = db.execute("select count(*) from package where damaged <> 0").get
        yield NO_FAULTS.held("packages", float(damaged))
        try:
            yield ROWS.held("audit", float(verify_tail(db).n))
        except AuditBroken as broken:
            yield ROWS.failed("audit", "audit_broken", said=str(broken))
    except apsw.Error as error:
        yield NO_FAULTS.failed("store", "unreadable", said=str(error))
    finally:
        db.close()


def check_keys(scene: Scene) -> Iterator[Row]:
    """Let the station's key sign, and count the days of the centre's keys and of certificates."""
    store = scene.settings.store
    try:
        key = open_station_key(store.folder, store.tpm)
        token = key.sign_jws(b"{}", "anxin-self-test")
        yield SIGNATURES.held("station_key", float(token.count(".") == 2), subject=key.algorithm)
    except KeyUnusable as error:
        yield SIGNATURES.failed("station_key", "key_unusable", said=str(error))
    try:
        listed = newest_key_list(store.centre_keys, store.folder)
        days = (listed.sealing_ends_ms - now_ms()) / DAY_MS
        yield KEY_DAYS.held("centre_keys", days)
    except KeyUnusable as error:
        yield KEY_DAYS.failed("centre_keys", "key_unusable", said=str(error))
    yield from _certificates(scene.settings)


def _certificates(settings: Settings) -> Iterator[Row]:
    network = settings.v1.network
    files = {
        "v1.network.certificate": network.certificate if network else None,
        "v1.network.client_ca": network.client_ca if network else None,
        "guide.certificate": settings.guide.certificate,
        "technician.certificate": settings.technician.certificate,
        **{f"sinks.{one.name}.ca_file": _path(one.options.get("ca_file"))
           for one in settings.sinks},
    }  # fmt: skip
    named = {key: path for key, path in files.items() if path is not None}
    for key, path in named.items():
        try:
            found = x509.load_pem_x509_certificates(path.read_bytes())
            ends = min(one.not_valid_after_utc.timestamp() for one in found)
            yield CERTIFICATE_DAYS.held("certificate", (ends - time.time()) / 86_400, subject=key)
        except (OSError, ValueError) as error:
            yield CERTIFICATE_DAYS.failed("certificate", "unreadable", subject=key, said=str(error))
    if not named:
        yield CERTIFICATE_DAYS.not_assessed("certificate", "none_configured")


def _path(value: object) -> Path | None:
    return Path(str(value)) if value else None


def check_disk(scene: Scene) -> Iterator[Row]:
    """Measure the room where the store lies, against the floor of the settings."""
    store = scene.settings.store
    limit = Limit("MiB", least=float(store.floor_mib), source="the station's own store.floor_mib")
    folder = next((one for one in (store.folder, *store.folder.parents) if one.exists()), None)
    if folder is None:
        yield limit.failed("disk", "unreadable")
        return
    room = os.statvfs(folder)
    yield limit.held("disk", room.f_bavail * room.f_frsize / MIB)


def check_clock(scene: Scene) -> Iterator[Row]:
    """Ask the kernel how well it knows the time, and hold it against what the centre signed."""
    state = clock_state()
    if state.uncertainty_ms is None:
        yield CLOCK.not_assessed("clock", "not_disciplined")
    else:
        yield CLOCK.held("clock", float(state.uncertainty_ms), reason=state.source)
    behind = Limit("h", most=24, source="design: as clock_suspect keeps people out")
    try:
        store = scene.settings.store
        listed = newest_key_list(store.centre_keys, store.folder)
        yield behind.held("clock_behind", max(0, listed.issued_at_ms - now_ms()) / HOUR_MS)
    except KeyUnusable:
        yield behind.not_assessed("clock_behind", "no_key_list")


def check_permissions(scene: Scene) -> Iterator[Row]:
    """Count the private files that others may open."""
    settings = scene.settings
    folder = settings.store.folder
    private = [
        *folder.glob("*.pem"), *folder.glob("*.key"), folder / "store.db", folder / "v1.token",
        *(one for one in (settings.reuse.staff_file,) if one),
        *(one for one in (settings.guide.private_key, settings.technician.private_key) if one),
    ]  # fmt: skip
    open_to_others = [
        path.name for path in private if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    yield NO_FAULTS.held(
        "permissions", float(len(open_to_others)), subject=",".join(sorted(open_to_others))
    )
