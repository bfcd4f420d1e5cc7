"""The committed document is the interface's own, and says of every route what a client needs."""

from __future__ import annotations

import json
import re

import pytest

from api.problems import BY_SLUG
from api.v1.scopes import KNOWN, OPEN, SCOPES
from tests.openapi_copy import COPY, document

MUTATING = ("post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def said(tmp_path_factory) -> dict:
    """The committed document."""
    return json.loads(COPY.read_text(encoding="utf-8"))


def operations(said):
    return [
        (path, method, operation)
        for path, methods in said["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_committed_document_is_the_one_that_is_served(tmp_path):
    """Whoever changes a route sees here what a client will see: python -m tests.openapi_copy."""
    assert COPY.read_text(encoding="utf-8") == document(tmp_path), (
        "docs/openapi.json is not current: run `python -m tests.openapi_copy` and read the change"
    )


def test_every_operation_has_a_name_of_its_own_and_a_sentence(said):
    """Generated clients call functions by these names."""
    names = [operation["operationId"] for _, _, operation in operations(said)]

    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-z]+(_[a-z]+)+", name) for name in names)
    assert all(operation["summary"] for _, _, operation in operations(said))


def test_every_operation_names_its_scope_for_both_ways_to_be_known(said):
    """A token or a certificate; the scope is the one that the station asks for."""
    scopes = {endpoint.split(".")[-1]: scope for endpoint, scope in SCOPES.items()}
    for path, _, operation in operations(said):
        scope = scopes[operation["operationId"]]
        named = [] if scope in (OPEN, KNOWN) else [scope]
        ways = {name: given for way in operation["security"] for name, given in way.items()}

        assert ways["certificate"] == named, path
        assert ways.get("token", named) == named
        assert ({} in operation["security"]) == (scope == OPEN)


def test_every_refusal_is_one_shape(said):
    """A client reads problems with one function; other statuses are problems too."""
    for path, method, operation in operations(said):
        for status, answer in operation["responses"].items():
            content = answer.get("content", {})
            if status == "default" or (status.startswith("4")):
                assert list(content) == ["application/problem+json"], (path, method, status)
            for body in content.values():
                assert body["schema"], (path, method, status)
        assert {"403", "422", "default"} <= set(operation["responses"]), path


def test_every_request_that_makes_something_is_marked_by_the_client(said):
    """A POST that is sent twice must have one effect: the document demands the key."""
    for path, method, operation in operations(said):
        named = [one.get("$ref", one.get("name", "")) for one in operation["parameters"]]
        if method == "post" and "201" in operation["responses"]:
            assert any("Idempotency" in name for name in named), path
        if method in ("post", "put", "patch"):
            assert operation["requestBody"]["required"], path


def test_the_document_has_no_loose_ends(said):
    """Every reference leads somewhere, and every shape is referred to."""
    text = json.dumps(said)
    for place in set(re.findall(r'"#/([^"]+)"', text)):
        node = said
        for step in place.split("/"):
            node = node[step]
    for name in said["components"]["schemas"]:
        assert f'"#/components/schemas/{name}"' in text


def test_every_slug_that_a_description_names_exists(said):
    """`leased-by-other` and the like are what clients act on."""
    for _, _, operation in operations(said):
        for answer in operation["responses"].values():
            for slug in re.findall("`([a-z]+(?:-[a-z]+)+)`", answer["description"]):
                assert slug in BY_SLUG
