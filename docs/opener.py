"""Opens one sealed package of a station and checks all that docs/package.md demands of it.

Needs `cryptography` (HPKE, RFC 9180) and `joserfc` (JWS, RFC 7515), and nothing of the station.
Written to be read: take it over as it is, or write it anew in your own language.
"""

import base64
import hashlib
import json
import re
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from joserfc import jws
from joserfc.errors import JoseError

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
ALGORITHMS = {"Ed25519": "Ed25519", "P-256": "ES256"}  # the key's curve decides, not the token
IDS = ("v", "package_id", "station_id", "kid")
NAME = re.compile(r"([a-z0-9_]+/)?[a-z0-9_]+(\.[a-z0-9_]+)*")  # never leaves its folder


class Refused(Exception):
    """The package does not hold; the code says where, as the table in docs/package.md does."""


def demand(holds, code):
    if not holds:
        raise Refused(code)


def signed(token, typ, station_keys):
    """Return what the station signed; `station_keys`: its registered keys by RFC 7638 id."""
    head = jws.extract_compact(token.encode()).headers()
    demand(head.get("kid") in station_keys and head.get("typ") == typ, "manifest_signature")
    key = station_keys[head["kid"]]
    algorithms = [ALGORITHMS[key.as_dict(private=False)["crv"]]]
    return json.loads(jws.deserialize_compact(token, key, algorithms=algorithms).payload)


def records(file):
    """Yield (header, its very bytes, sealed bytes, the whole record) of each record."""
    demand(file[:8] == b"ANXPKG1\n", "not_a_package")
    at = 8
    while at < len(file):
        (length,) = struct.unpack_from(">I", file, at)
        demand(length <= 1024, "record_header")
        raw = file[at + 4 : at + 4 + length]
        header, start = json.loads(raw), at + 4 + length
        end = start + header["size"]
        demand(start + 48 <= end <= len(file), "record_cut")
        yield header, raw, file[start:end], file[at:end]
        at = end


def unsealed(header, raw, sealed, sealing_keys):
    """Return one record's plain bytes; `sealing_keys`: the centre's private ones by RFC 7638 id."""
    demand((header["kem"], header["kdf"], header["aead"]) == (32, 1, 2), "suite")
    demand(header["kid"] in sealing_keys, "kid_unknown")
    return SUITE.decrypt(sealed, sealing_keys[header["kid"]], b"anxin-package/1\x00" + raw)


def open_package(file, statement, station_keys, sealing_keys):
    """Return the manifest and {name: plain bytes} of a package that holds, else raise Refused."""
    try:
        said, parts = signed(statement, "anxin-seal+jws", station_keys), {}
        digest = f"sha-256=:{base64.b64encode(hashlib.sha256(file).digest()).decode()}:"
        demand((said["v"], said["digest"], said["size"]) == (1, digest, len(file)), "digest")
        found = list(records(file))
        for header, *_ in found:
            demand(all(header[k] == said[k] for k in IDS), "record_ids")
        kinds, places = [each[0]["kind"] for each in found], [each[0]["n"] for each in found]
        demand(kinds == ["part"] * (len(kinds) - 1) + ["manifest"], "record_order")
        demand(places == sorted({*places} & {*range(64)}), "record_order")
        token = unsealed(*found[-1][:3], sealing_keys).decode()
        manifest = signed(token, "anxin-manifest+jws", station_keys)
        demand(all(manifest[k] == said[k] for k in IDS[:3]), "manifest_ids")
        demand([row["n"] for row in manifest["parts"]] == places[:-1], "part_missing")
        for row, (header, raw, sealed, record) in zip(manifest["parts"], found, strict=False):
            demand(NAME.fullmatch(row["name"]) and row["name"] not in parts, "part_name")
            demand(hashlib.sha256(record).hexdigest() == row["record_sha256"], "record_digest")
            plain = parts[row["name"]] = unsealed(header, raw, sealed, sealing_keys)
            holds = hashlib.sha256(plain).hexdigest() == row["sha256"] and len(plain) == row["size"]
            demand(holds, "part_digest")
    except InvalidTag:
        raise Refused("seal_broken") from None
    except (JoseError, LookupError, RecursionError, TypeError, ValueError, struct.error):
        raise Refused("record_header") from None
    return manifest, parts
