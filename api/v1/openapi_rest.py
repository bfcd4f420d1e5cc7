"""What spectree cannot know of changed sittings, photo checks, keys and limits of requests."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Final

from api.v1.calibrations import SIGNATURE
from api.v1.changed_sitting import MEDIA_TYPE as MERGE_PATCH
from api.v1.keys import JOSE
from api.v1.photo_body import JPEG
from api.v1.request_limit import UNCOUNTED

Described = dict[str, Any]
Words = Callable[[str], Described]

CONTENT_DIGEST: Final = {
    "name": "Content-Digest",
    "in": "header",
    "required": False,
    "description": "Of the body, RFC 9530: `sha-256=:BASE64:`; checked where it stands.",
    "schema": {"type": "string"},
}
IF_MATCH: Final = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The ETag of the sitting as it was read.",
    "schema": {"type": "string"},
}


def describe_rest(document: Described, problem: Words, header: Words) -> None:
    """Put right what is said of these routes.

    Args:
        document: OpenAPI 3.1, sittings described already; changed in place.
        problem: makes an answer that is a problem, of what it says.
        header: makes a header, of what it says.
    """
    paths = document["paths"]
    _describe_lists(paths, problem)
    _describe_photo_checks(paths, problem)
    certificate = paths["/v1/calibrations/{calibration_id}/certificate"]["get"]["responses"]
    certificate["200"] = {
        "description": "Signed by the station: record and signature in one (the default); or the"
        " record's very bytes, or a PDF in `Accept-Language`, each with its detached signature.",
        "content": {
            JOSE: {"schema": {"type": "string"}},
            "application/json": {"schema": {"type": "object"}},
            "application/pdf": {"schema": {"type": "string", "format": "binary"}},
        },
        "headers": {
            SIGNATURE: header("Detached JWS of the bytes in this answer; RFC 7515, appendix F."),
            "Repr-Digest": header("RFC 9530, of the bytes in this answer."),
        },
    }
    certificate["404"] = problem("No such calibration.")
    _describe_limit(paths, problem)
    if "/v1/sittings/{sitting_id}" in paths:
        _describe_change(document, problem, header)
        cancel = paths["/v1/sittings/{sitting_id}"]["delete"]["responses"]
        cancel["409"] = problem("It has ended, or a sample is accepted already.")
        cancel["410"] = problem("It ended long ago and was forgotten.")
        cancel["503"] = problem("The station does not come to it now.")


def _describe_change(document: Described, problem: Words, header: Words) -> None:
    schemas, one = document["components"]["schemas"], document["paths"]["/v1/sittings/{sitting_id}"]
    schemas["ChangedReusePhoto"] = _all_optional(schemas["ReusePhoto"])
    changed = schemas["ChangedSitting"] = _all_optional(schemas["NewSitting"])
    changed["description"] = "Members that shall change; null takes one away. RFC 7396."
    changed["properties"]["reuse_photo"]["anyOf"] = [
        {"$ref": "#/components/schemas/ChangedReusePhoto"},
        {"type": "null"},
    ]
    change = one["patch"]
    change["parameters"] = [*change.get("parameters", ()), IF_MATCH]
    change["requestBody"] = {
        "required": True,
        "content": {MERGE_PATCH: {"schema": {"$ref": "#/components/schemas/ChangedSitting"}}},
    }
    shown = one["get"]["responses"]["200"]
    change["responses"] |= {
        "200": {
            "description": "Changed.",
            "content": shown["content"],
            "headers": {**shown["headers"], "ETag": header("Of the sitting as it is now.")},
        },
        "404": problem("No such sitting."),
        "409": problem("It does not wait any more."),
        "410": problem("It ended long ago and was forgotten."),
        "412": problem("It changed since it was read."),
        "413": problem("More than 256 KiB."),
        "415": problem(f"Not {MERGE_PATCH}."),
        "422": problem("A member is not allowed, or not together with the others."),
        "428": problem("No If-Match."),
    }


def _describe_lists(paths: Described, problem: Words) -> None:
    signed = {JOSE: {"schema": {"type": "string"}}}
    for path in ("/v1/keys", "/v1/policies"):
        paths[path]["get"]["responses"] |= {
            "200": {"description": "As the centre's root signed it.", "content": signed},
            "404": problem("None was brought yet."),
        }
        put = paths[path]["put"]
        put["requestBody"] = {"required": True, "content": signed}
        put["responses"] |= {
            "204": {"description": "Kept, now or before."},
            "409": problem("Ours is newer."),
            "413": problem("More than 256 KiB."),
            "415": problem(f"Not {JOSE}."),
            "422": problem("The pinned root did not sign it."),
        }


def _describe_photo_checks(paths: Described, problem: Words) -> None:
    check = paths["/v1/photo-checks"]["post"]
    binary = {"type": "string", "format": "binary"}
    check["requestBody"] = {"required": True, "content": {JPEG: {"schema": binary}}}
    check["parameters"] = [*check.get("parameters", ()), CONTENT_DIGEST]
    check["responses"] |= {
        "411": problem("No Content-Length."),
        "413": problem("Too many bytes or pixels."),
        "415": problem(f"Not {JPEG}."),
        "422": problem("No such document, another digest, or no photo that can be judged."),
        "503": problem("Somebody is served now."),
    }


def _describe_limit(paths: Described, problem: Words) -> None:
    for path, methods in paths.items():
        if path.split("/")[2] in UNCOUNTED:
            continue
        for operation in methods.values():
            # What is open names no client, and so counts none.
            if {} not in operation["security"]:
                operation["responses"]["429"] = problem("The client asks too often.")


def _all_optional(schema: Described) -> Described:
    """Return a schema of the same members, each of which may be absent or null."""
    changed = copy.deepcopy(schema)
    changed.pop("required", None)
    changed["title"] = f"Changed {changed.get('title', '')}".strip()
    for name, member in changed["properties"].items():
        member.pop("default", None)
        if "anyOf" not in member:
            says = member.pop("description", "")
            changed["properties"][name] = {
                "anyOf": [member, {"type": "null"}], "description": says
            }  # fmt: skip
    return changed
