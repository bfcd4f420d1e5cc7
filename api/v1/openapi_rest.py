"""What spectree cannot know of changed sittings, photo checks, keys and limits of requests."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Final

from api.v1.changed_sitting import MEDIA_TYPE as MERGE_PATCH

Described = dict[str, Any]
Words = Callable[[str], Described]

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
