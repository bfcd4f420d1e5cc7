"""Collects what a station has: lease, download, check and open, keep, hand in the receipt.

    python puller.py http://127.0.0.1:8081 v1.token card.json sealing.pem receipt.pem FOLDER
    python puller.py https://station:8443 client.pem:ca.pem card.json sealing.pem receipt.pem FOLDER

`anxin_station` is the client that openapi-python-client makes of openapi.json (docs/api.md says
how), `opener` the file beside this one. Nothing here is the station's own code.
"""

import json
import ssl
import sys
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

from anxin_station import AuthenticatedClient, Client
from anxin_station.api.leases import take_lease
from anxin_station.api.packages import download_package, put_receipt
from anxin_station.models import LeaseAnswer, NewLease, Package
from anxin_station.types import File
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jws
from joserfc.jwk import Key, OKPKey, import_key
from opener import Refused, open_package


@dataclass(frozen=True)
class Centre:
    """What the centre holds: a station's registered keys, its own private keys, and a folder."""

    station_id: str
    station_keys: dict[str, Key]
    sealing_keys: dict[str, X25519PrivateKey]
    receipt_key: OKPKey
    folder: Path


def pull(client: AuthenticatedClient | Client, centre: Centre) -> int:
    """Collect until nothing waits; returns how many packages were kept."""
    kept = 0
    while True:
        asked = NewLease(max_packages=10, ttl_s=300)
        lease = take_lease.sync(client=client, body=asked, idempotency_key=uuid.uuid4().hex)
        if lease is None:  # 204: nothing waits
            return kept
        if not isinstance(lease, LeaseAnswer):
            raise SystemExit(f"{lease.type_}: {lease.title}")
        for package in lease.packages:
            answer = download_package.sync(package.package_id, client=client)
            if not isinstance(answer, File):
                continue  # its receipt came meanwhile, on another way
            outcome, code = keep(package, answer.payload.read(), centre)
            kept += outcome == "stored"
            receipt = File(payload=signed_receipt(package, outcome, code, centre))
            handed = put_receipt.sync_detailed(package.package_id, client=client, body=receipt)
            if handed.status_code != HTTPStatus.NO_CONTENT:  # the station keeps the package
                raise SystemExit(f"The receipt of {package.package_id}: {handed.content.decode()}")


def keep(package: Package, content: bytes, centre: Centre) -> tuple[str, str | None]:
    """Open the package and write it down; returns the outcome and, of a refusal, the code."""
    try:
        keys = centre.station_keys, centre.sealing_keys
        manifest, parts = open_package(content, package.seal, *keys)
    except Refused as refused:
        return "refused", str(refused)
    # A real centre inserts "on conflict (package_id) do nothing" and commits before the receipt.
    home = centre.folder / str(package.package_id)
    for name, plain in {"manifest.json": json.dumps(manifest).encode(), **parts}.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(plain)
    return "stored", None


def signed_receipt(package: Package, outcome: str, code: str | None, centre: Centre) -> bytes:
    """Return the word that lets the station delete the package, or set it aside."""
    said = {
        "v": 1,
        "receipt_id": str(uuid.uuid4()),
        "package_id": str(package.package_id),
        "station_id": centre.station_id,
        "digest": package.digest,
        "size": package.size,
        "outcome": outcome,
        "code": code,
        "received_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "by": "example-centre",
    }
    key = centre.receipt_key
    header = {"alg": "Ed25519", "typ": "anxin-receipt+jws", "kid": key.thumbprint()}
    return jws.serialize_compact(header, json.dumps(said), key, algorithms=["Ed25519"]).encode()


def connected(url: str, credential: str) -> AuthenticatedClient | Client:
    """Return the client: with the token on loopback, with a certificate on a network."""
    if url.startswith("http://"):
        return AuthenticatedClient(base_url=url, token=Path(credential).read_text().strip())
    own, authority = credential.split(":")
    context = ssl.create_default_context(cafile=authority)
    context.load_cert_chain(own)
    return Client(base_url=url, verify_ssl=context)


def main(url: str, credential: str, *files: str) -> None:
    """Read the files that the first lines of this page name, and pull."""
    card, sealing, receipt, folder = map(Path, files)
    station = json.loads(card.read_text())
    private = load_pem_private_key(sealing.read_bytes(), password=None)
    centre = Centre(
        station["station_id"],
        {key.thumbprint(): key for key in map(import_key, station["keys"])},
        {OKPKey.import_key(private).thumbprint(): private},
        OKPKey.import_key(receipt.read_text()),
        folder,
    )
    with connected(url, credential) as client:
        print(f"{pull(client, centre)} packages kept.")


if __name__ == "__main__":
    main(*sys.argv[1:])
