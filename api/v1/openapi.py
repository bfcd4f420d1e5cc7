"""`GET /v1/openapi.json` and `/v1/docs`: the interface described, as JSON and as a page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from flask import Blueprint, Flask, Response, json, redirect, render_template, request, url_for
from spectree import SpecTree
from werkzeug.wrappers import Response as AnyResponse

from api import problems
from api.v1.descriptions import (
    DESCRIBED,
    EVERYWHERE,
    HEADERS,
    PARAMETERS,
    PROBLEMS,
    Described,
    Schema,
    path_parameter,
)
from api.v1.new_sitting import Asked
from api.v1.openapi_rest import describe_rest
from api.v1.scopes import KNOWN, OPEN, SCOPES

SECURITY: Final = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "On loopback only: the text of `v1.token` in the store's folder.",
    },
    "certificate": {
        "type": "mutualTLS",
        "description": "TLS 1.3, and a client certificate with the name `anxin:client:<name>`.",
    },
}
PROBLEM_SCHEMA: Final = {"$ref": "#/components/schemas/ProblemAnswer"}
PROBLEM: Final = {problems.MEDIA_TYPE: {"schema": PROBLEM_SCHEMA}}


def document_routes(app: Flask, spec: SpecTree) -> Blueprint:
    """Return the two routes that show the document; register them last."""
    with app.app_context():
        document = described(app, spec.spec)
    text = json.dumps(document, ensure_ascii=False, indent=1)
    routes = Blueprint("document", __name__, template_folder="templates",
                       static_folder="static", static_url_path="/v1/static")  # fmt: skip

    @routes.get("/v1/openapi.json")
    def read_document() -> Response:
        return Response(text, mimetype="application/json")

    @routes.get("/v1/docs")
    def show_document() -> str:
        return render_template(
            "reference.html", document=document, shape=shape, limits=limits, host=request.host
        )

    # Where somebody looks who has only been told the port.
    @routes.get("/")
    @routes.get("/v1")
    @routes.get("/v1/")
    def lead_to_docs() -> AnyResponse:
        return redirect(url_for("document.show_document"))

    return routes


def described(app: Flask, generated: dict[str, Any]) -> dict[str, Any]:
    """Return spectree's document with what it cannot know put right.

    Args:
        app: its routes say which function answers where.
        generated: by spectree.

    Raises:
        ValueError: two different shapes, or two operations, of one name.
    """
    document: dict[str, Any] = json.loads(json.dumps(generated))
    schemas = document["components"]["schemas"] = _plain_names(document)
    # Answers grow: a client ignores members that it does not know.
    for name, schema in schemas.items():
        if not name.endswith("Query"):
            schema.pop("additionalProperties", None)
    for path, method, endpoint in _operations(app, document):
        operation = document["paths"][path][method]
        _name(operation, endpoint)
        _describe(operation, DESCRIBED.get(endpoint, Described()), schemas)
    describe_rest(document, problem, header)
    for methods in document["paths"].values():
        for operation in methods.values():
            _dress(operation["responses"])
    document["components"] |= {
        "headers": {name: header(says) for name, says in HEADERS.items()},
        "securitySchemes": SECURITY,
    }  # fmt: skip
    document["components"]["schemas"] = _used(document)
    return document


def _operations(app: Flask, document: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield path, method and endpoint of every operation that spectree found."""
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for method in document["paths"].get(path, ()):
            if method.upper() in (rule.methods or ()):
                yield path, method, rule.endpoint


def _name(operation: dict[str, Any], endpoint: str) -> None:
    """Give an operation its function's name, and say which scope it needs."""
    operation["operationId"] = endpoint.rsplit(".", maxsplit=1)[-1]
    scope = SCOPES.get(endpoint, KNOWN)
    if scope == OPEN:
        operation["security"] = [{}, {"certificate": []}]
    else:
        scopes = [] if scope == KNOWN else [scope]
        operation["security"] = [{"token": scopes}, {"certificate": scopes}]


def _describe(operation: dict[str, Any], said: Described, schemas: dict[str, Any]) -> None:
    parameters = [_parameter(one) for one in operation.get("parameters", ())]
    operation["parameters"] = parameters + [PARAMETERS[name] for name in said.parameters]
    if said.takes:
        content = {kind: {"schema": _schema(one, schemas)} for kind, one in said.takes.items()}
        operation["requestBody"] = {"required": True, "content": content}
    answers = operation["responses"]
    if said.answers and "200" not in said.answers:
        answers.pop("200", None)
    for status, one in said.answers.items():
        answers[status] = {"description": one.means, "headers": _headers(one.headers)}
        if one.media_type:
            content = {one.media_type: {"schema": _schema(one.schema, schemas)}}
            answers[status]["content"] = content
    answers |= {status: problem(means) for status, means in {**PROBLEMS, **said.problems}.items()}


def _dress(answers: dict[str, Any]) -> None:
    """Say of every answer what is said of all, and put them into order."""
    for status, answer in sorted(answers.items()):
        body = answer.get("content", {}).get("application/json", {}).get("schema", {})
        if body == PROBLEM_SCHEMA:
            answer["content"] = PROBLEM
        answer["headers"] = {**_headers(EVERYWHERE), **answer.get("headers", {})}
        answers[status] = answers.pop(status)


def problem(says: str) -> dict[str, Any]:
    """Return an answer that is a problem."""
    return {"description": says, "content": PROBLEM}


def header(says: str) -> dict[str, Any]:
    """Return a header of an answer."""
    return {"description": says, "schema": {"type": "string"}}


def _parameter(found: dict[str, Any]) -> dict[str, Any]:
    """Return a parameter that a client can leave out, not one that it sends as `null`."""
    schema = dict(found["schema"])
    if found["in"] == "path":
        found["description"], found["schema"] = path_parameter(found["name"])
        return found
    found["description"] = schema.pop("description", "")
    branches = [one for one in schema.pop("anyOf", ()) if one != {"type": "null"}]
    found["schema"] = {**schema, **(branches[0] if branches else {})}
    if found["schema"].get("default", 0) is None:
        del found["schema"]["default"]
    return found


def _headers(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _schema(said: Schema, schemas: dict[str, Any]) -> dict[str, Any]:
    """Return a schema to stand in a body; a model's own goes to the others."""
    if isinstance(said, Mapping):
        return dict(said)
    found = said.model_json_schema(ref_template="#/components/schemas/{model}")
    inner = found.pop("$defs", {})
    for name, schema in (inner | {said.__name__: found}).items():
        if not issubclass(said, Asked):
            schema.pop("additionalProperties", None)
        if schemas.setdefault(name, schema) != schema:
            raise ValueError(f"two shapes are called {name}")
    return {"$ref": f"#/components/schemas/{said.__name__}"}


def _plain_names(document: dict[str, Any]) -> dict[str, Any]:
    """Call every schema by its model's name, without spectree's digest; rewrites references."""

    def rename(node: Any) -> None:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                node["$ref"] = f"#/components/schemas/{_last(node['$ref'])}"
            for each in node.values():
                rename(each)
        elif isinstance(node, list):
            for each in node:
                rename(each)

    rename(document)
    plain: dict[str, Any] = {}
    for name, schema in document["components"]["schemas"].items():
        if plain.setdefault(_last(name), schema) != schema:
            raise ValueError(f"two shapes are called {_last(name)}")
    return plain


def _last(name: str) -> str:
    # "PackagePage.f0d70b5.Package" is Package; without the last part it is PackagePage.
    parts = name.rsplit("/", maxsplit=1)[-1].split(".")
    return [part for part in parts if not re.fullmatch("[0-9a-f]{7}", part)][-1]


def _used(document: dict[str, Any]) -> dict[str, Any]:
    """Return the schemas that something refers to; queries stand with their routes already."""
    schemas: dict[str, Any] = document["components"]["schemas"]
    wanted, known = [json.dumps(document["paths"])], dict[str, Any]()
    while wanted:
        for name in re.findall(r"#/components/schemas/(\w+)", wanted.pop()):
            if name not in known:
                known[name] = schemas[name]
                wanted.append(json.dumps(schemas[name]))
    return dict(sorted(known.items()))


def shape(schema: dict[str, Any]) -> str:
    """Return in words what a schema allows, as "string or null"."""
    if "anyOf" in schema:
        return " or ".join(shape(each) for each in schema["anyOf"])
    if "$ref" in schema:
        return str(schema["$ref"].split("/")[-1].split(".")[-1])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {shape(schema.get('items', {}))}"
    return str(schema.get("type", "any"))


def limits(schema: dict[str, Any]) -> str:
    """Return in words how far a parameter may go and what stands for it if it is left out."""
    found = [schema, *schema.get("anyOf", ())]
    words = {"minimum": "at least", "maximum": "at most", "maxLength": "characters at most"}
    said = [f"{say} {each[key]}" for each in found for key, say in words.items() if key in each]
    if schema.get("default") is not None:
        said.append(f"default {schema['default']}")
    return ", ".join(said)
