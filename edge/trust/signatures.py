"""Signed words of others, checked: compact JWS by a key that we hold already.

Ed25519 (RFC 8037, RFC 9864) and ES256 (RFC 7518, 3.4) are taken and nothing else; which of the two
is the key's own matter, never the token's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from edge.trust.keys import KeyUnusable

PublicKey = OKPKey | ECKey
ALGORITHMS: Final = {"Ed25519": "Ed25519", "P-256": "ES256"}
"""From the key's curve to the one algorithm that it is used with."""
PUBLIC_MEMBERS: Final = {"OKP": ("kty", "crv", "x"), "EC": ("kty", "crv", "x", "y")}


class SignatureInvalid(Exception):
    """Not signed by the key that has to sign it, or not of the form it must have. Ignore it."""


def public_key(jwk: Mapping[str, Any]) -> PublicKey:
    """Return the public key of a JWK, of whatever use.

    Raises:
        KeyUnusable: another kind of key, or a private one, which has no business here.
    """
    if "d" in jwk:
        raise KeyUnusable("a private key of the centre lies at the station: destroy it there")
    try:
        members = {name: jwk[name] for name in PUBLIC_MEMBERS[str(jwk["kty"])]}
        kind = OKPKey if members["kty"] == "OKP" else ECKey
        key: PublicKey = kind.import_key(members)
    except (KeyError, TypeError, ValueError, JoseError) as error:
        raise KeyUnusable("this is no public key that we know") from error
    if key.curve_name not in {*ALGORITHMS, "X25519"}:
        raise KeyUnusable("this is no public key that we know")
    return key


def signs(key: PublicKey) -> bool:
    """Tell whether signatures can be checked with it."""
    return key.curve_name in ALGORITHMS


def verified(token: str, typ: str, keys: Mapping[str, PublicKey]) -> tuple[Mapping[str, Any], str]:
    """Return what stands in a compact JWS that one of the keys signed, and that key's kid.

    Args:
        token: as it came in.
        typ: what it must say that it is.
        keys: by kid, the RFC 7638 thumbprint.

    Raises:
        SignatureInvalid: no key of that kid, another `typ`, a bad signature, no JSON object, or
            another version than 1.
    """
    try:
        head = jws.extract_compact(token.encode()).headers()
        kid = str(head.get("kid"))
        key = keys.get(kid)
        # We understand no extension, and one that is critical must then be refused: RFC 7515,
        # 4.1.11. The library takes its list for granted and fails on anything else.
        if key is None or head.get("typ") != typ or "crit" in head or not signs(key):
            raise SignatureInvalid("not by a key that we know")
        algorithm = ALGORITHMS[str(key.curve_name)]
        said = json.loads(jws.deserialize_compact(token, key, algorithms=[algorithm]).payload)
    except (JoseError, ValueError, RecursionError) as error:
        raise SignatureInvalid("the signature does not hold") from error
    if not isinstance(said, dict) or said.get("v") != 1:
        raise SignatureInvalid("of another version")
    return said, kid
