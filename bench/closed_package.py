"""One real package, sealed and closed as a sitting closes it; some measurements begin with it."""

from __future__ import annotations

import os
import uuid

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from joserfc.jwk import OKPKey

from edge.seal import Sealer
from edge.store import PackageRow, Store
from edge.trust.keys import SealingKey, StationKey


def new_sealer(station_id: str) -> Sealer:
    """Return a sealer of new keys; nobody can open what it seals."""
    sealing = SealingKey("bench", X25519PrivateKey.generate().public_key())
    return Sealer(station_id, StationKey(OKPKey.generate_key("Ed25519")), sealing)


def close_one(store: Store, sealer: Sealer, part_bytes: int, sink: str) -> PackageRow:
    """Close one package with one part of so many random bytes, for one custody sink."""
    package_id = str(uuid.uuid4())
    store.open_package(package_id, "s", sealer.station_id, sealer.sealing_key.kid, {})
    plain = os.urandom(part_bytes)
    store.add_part(package_id, sealer.part(package_id, 0, "finger/a.png", "image/png", plain))
    previous = store.previous_digest()
    fields = {"sitting_id": "s", "result": "accepted", "previous": previous}
    manifest = sealer.manifest(package_id, 1, fields, store.parts(package_id))
    return store.close_package(
        package_id, manifest, sealer.statement, previous=previous, sinks={sink: "custody"}
    )
