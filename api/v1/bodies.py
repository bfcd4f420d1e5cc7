"""What a request says about itself: its body as a model, and the client's own mark of it."""

from __future__ import annotations

import re
from typing import Final, TypeVar

from flask import request
from pydantic import BaseModel, ValidationError

from api.problems import Refused
from api.v1.caller import caller
from api.v1.new_sitting import field_error
from edge.orders.idempotency import Once

JSON: Final = "application/json"
MERGE_PATCH: Final = "application/merge-patch+json"
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")

Asked = TypeVar("Asked", bound=BaseModel)


def read_body(model: type[Asked], *types: str) -> Asked:
    """Return what the body asks for.

    Args:
        model: what it must fit.
        types: media types that it may be of; JSON if none is named.

    Raises:
        Refused: names where and why, never what stands there.
    """
    # Before it is read: spectree would fill a JSON model from a form, too.
    if request.mimetype not in (types or (JSON,)):
        raise Refused("media-type")
    try:
        return model.model_validate_json(request.get_data())
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        raise Refused("invalid-request", [field_error(each) for each in found]) from None


def once() -> Once:
    """Return the mark of this request: twice is once. Raises `Refused` without one."""
    key = request.headers.get("Idempotency-Key", "")
    if not _KEY.fullmatch(key):
        raise Refused("idempotency-key-required")
    return Once.of(caller().name, key, request.method, request.path, request.get_data())
