"""`/v1/keys` and `/v1/policies`: lists that the centre's root has signed. The signature decides.

Whoever brings a list is only the messenger: it is kept if the pinned root signed it and it is newer
than ours, and it is given back as the very token that was signed.
"""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, request
from spectree import SpecTree

from api.problems import Refused
from api.v1.caller import actor
from api.v1.contract import NoQuery
from api.v1.station import V1Station
from edge.trust.key_list import accept_key_list
from edge.trust.signatures import SignatureInvalid
from edge.trust.signed_list import ListKind, Rollback, accept_list, current_token

JOSE: Final = "application/jose"


def key_routes(station: V1Station, spec: SpecTree) -> Blueprint:
    """Return the four routes of signed lists."""
    routes = Blueprint("keys", __name__)

    @routes.get("/v1/keys")
    @spec.validate(query=NoQuery, tags=["keys"])
    def read_keys() -> Response:
        """Return the key list in force, as it was signed."""
        return _kept(station, "keys")

    @routes.put("/v1/keys")
    @spec.validate(query=NoQuery, tags=["keys"])
    def put_keys() -> tuple[str, int]:
        """Bring a newer key list; the same one again is harmless."""
        return _take(station, "keys")

    @routes.get("/v1/policies")
    @spec.validate(query=NoQuery, tags=["keys"])
    def read_policies() -> Response:
        """Return the policy bundle that was brought last, as it was signed."""
        return _kept(station, "policies")

    @routes.put("/v1/policies")
    @spec.validate(query=NoQuery, tags=["keys"])
    def put_policies() -> tuple[str, int]:
        """Bring a newer policy bundle; the same one again is harmless."""
        return _take(station, "policies")

    return routes


def _kept(station: V1Station, kind: ListKind) -> Response:
    token = current_token(station.store, kind)
    if token is None:
        raise Refused("not-found")
    return Response(token, mimetype=JOSE)


def _take(station: V1Station, kind: ListKind) -> tuple[str, int]:
    if request.mimetype != JOSE:
        raise Refused("media-type")
    token = request.get_data().decode("ascii", "replace").strip()
    try:
        if kind == "keys":
            accept_key_list(station.store, token, actor())
        else:
            accept_list(station.store, kind, token, actor())
    except SignatureInvalid:
        raise Refused("signature-invalid") from None
    except Rollback:
        raise Refused("rollback") from None
    return "", 204
