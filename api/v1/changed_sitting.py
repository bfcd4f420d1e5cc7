"""The body of `PATCH /v1/sittings/{id}`: members that shall change, the others stay.

Source: RFC 7396, JSON Merge Patch: null takes a member away, a list is replaced as a whole.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any, Final

from flask import json
from pydantic import BaseModel
from pydantic_core import from_json

from api.problems import FieldError, Refused
from api.v1.new_sitting import (
    Fingers,
    NewSitting,
    Person,
    Preferences,
    Proxy,
    ReusePhoto,
    field_name,
    pointer,
    wanted_of,
)
from edge.orders import Wanted
from edge.reuse.rule import Candidate
from edge.utc import rfc3339

MEDIA_TYPE: Final = "application/merge-patch+json"
_INSIDE: Final[Mapping[str, type[BaseModel]]] = {
    "fingers": Fingers,
    "person": Person,
    "preferences": Preferences,
    "proxy": Proxy,
    "reuse_photo": ReusePhoto,
}


def changed(wanted: Wanted, body: bytes, at_ms: int) -> Wanted:
    """Return what an order asks for after a change.

    Args:
        wanted: what it asks for now, with its times.
        body: the change, as it came.
        at_ms: now, UTC.

    Raises:
        Refused: names where and why, never what stands there.
    """
    try:
        patch = from_json(body, allow_inf_nan=False)
    except ValueError:
        raise Refused("invalid-request", [FieldError("#", "json_invalid")]) from None
    if not isinstance(patch, dict):
        raise Refused("invalid-request", [FieldError("#", "dict_type")])
    # A null for a name that nobody knows would take nothing away, and so hide a typo.
    strangers = [FieldError(pointer(place), "extra_forbidden") for place in _strangers(patch)]
    if strangers:
        raise Refused("invalid-request", strangers)
    return wanted_of(json.dumps(merged(asked_again(wanted), patch)).encode(), at_ms)


def merged(target: object, patch: object) -> Any:
    """Return the target with the patch applied. Source: RFC 7396, section 2."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def asked_again(wanted: Wanted) -> dict[str, Any]:
    """Return the order as the central system would write it now."""
    photos = [_photo(one) for one in wanted.candidates]
    asked = {
        "order_ref": wanted.order_ref,
        "applies_for": wanted.applies_for or None,
        "applied_on": wanted.applied_at,
        "documents": list(wanted.documents),
        "fingers": _fingers(wanted),
        "reuse_photo": photos[0] if photos else None,
        "further_photos": photos[1:],
        "person": _said(
            surname=wanted.surname or None,
            honorific=wanted.honorific or None,
            born_on=wanted.born_on,
            slip_code=wanted.slip_code or None,
        ),
        "proxy_expected": wanted.proxy,
        "proxy": _said(
            relation=wanted.proxy_relation or None,
            authorisation_ref=wanted.authorisation_ref or None,
        )
        or None,
        "preferences": _said(
            text_scale=wanted.preferences.text_scale,
            voice=wanted.preferences.voice,
            language=wanted.preferences.language,
            seated=wanted.preferences.seated,
            contrast=wanted.preferences.contrast,
        ),
        "keep_preferences": wanted.keep_preferences,
        "materials": list(wanted.materials),
        "completes_package_id": wanted.completes_package_id,
        "urgent": wanted.urgent,
        "not_before": _utc(wanted.not_before_ms),
        "expires_at": _utc(wanted.expires_at_ms),
    }
    return _said(**asked)


def _fingers(wanted: Wanted) -> dict[str, Any] | None:
    positions, records = wanted.positions, wanted.finger_records
    said = _said(
        profile=wanted.finger_profile,
        positions=None if positions is None else list(positions),
        minimum=wanted.finger_minimum,
        records=None if records is None else list(records),
    )
    return said or None


def _photo(one: Candidate) -> dict[str, Any]:
    digest = base64.b64encode(bytes.fromhex(one.sha256)).decode()
    return _said(
        source=one.source,
        taken_at=one.captured_at,
        issued_at=one.issued_at,
        digest=f"sha-256=:{digest}:",
    )


def _said(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _utc(at_ms: int | None) -> str | None:
    return None if at_ms is None else rfc3339(at_ms)


def _strangers(patch: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, value in patch.items():
        if name not in NewSitting.model_fields:
            yield (field_name(name),)
        elif name in _INSIDE and isinstance(value, dict):
            known = _INSIDE[name].model_fields
            yield from ((name, field_name(inner)) for inner in value if inner not in known)
