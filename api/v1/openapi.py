"""`GET /v1/openapi.json` and `/v1/docs`: the interface described, as JSON and as a page."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Flask, Response, json, redirect, render_template, request, url_for
from spectree import SpecTree
from werkzeug.wrappers import Response as AnyResponse

from api import problems
from api.v1 import packages
from api.v1.metrics import MEDIA_TYPE as METRICS_TYPE
from edge.seal import MEDIA_TYPE

OPEN_PATHS: Final = frozenset({"/v1/health/live"})
PATH_PARAMETERS: Final = {
    "package_id": "Id of a package, from the list.",
    "device_id": "Id of a device, from the list.",
}
HEADERS: Final = {
    "Anxin-Api-Version": "Version of this interface.",
    "Request-Id": "The id that logs and problems carry.",
}


def document_routes(app: Flask, spec: SpecTree) -> Blueprint:
    """Return the two routes that show the document; register them last."""
    with app.app_context():
        document = described(spec.spec)
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


def described(generated: dict[str, Any]) -> dict[str, Any]:
    """Return spectree's document with what it cannot know put right."""
    document: dict[str, Any] = json.loads(json.dumps(generated))
    document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"token": []}]
    for path, methods in document["paths"].items():
        for operation in methods.values():
            _describe_operation(path, operation)
    sealed = document["paths"]["/v1/packages/{package_id}/sealed"]["get"]
    receipt = document["paths"]["/v1/packages/{package_id}/receipt"]["put"]
    metrics = document["paths"]["/v1/metrics"]["get"]
    binary = {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
    sealed["responses"] |= {
        "200": {"description": "The whole file.", **binary},
        "206": {"description": "The range asked for.", **binary},
        "304": {"description": "The client has it already."},
        "404": _problem("No such package."),
        "410": _problem("Receipted and deleted."),
        "416": _problem("No such range."),
    }
    receipt["requestBody"] = {
        "required": True,
        "content": {packages.RECEIPT_TYPE: {"schema": {"type": "string"}}},
    }
    receipt["responses"] |= {
        "204": {"description": "Recorded, now or before."},
        "404": _problem("No such package."),
        "409": _problem("It contradicts what is held."),
        "415": _problem("Not application/jose."),
        "422": _problem("It proves nothing."),
    }
    figures = {METRICS_TYPE: {"schema": {"type": "string"}}}
    metrics["responses"] |= {"200": {"description": "Figures.", "content": figures}}
    return document


def _describe_operation(path: str, operation: dict[str, Any]) -> None:
    if path in OPEN_PATHS:
        operation["security"] = []
    operation["responses"].setdefault("422", _problem("A query parameter is not known."))
    operation["responses"].setdefault("403", _problem("No valid token."))
    for parameter in operation.get("parameters", ()):
        says = parameter["schema"].get("description") or PATH_PARAMETERS.get(parameter["name"], "")
        parameter["description"] = says
    for answer in operation["responses"].values():
        schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
        if str(schema.get("$ref", "")).split("/")[-1].startswith("ProblemAnswer"):
            answer["content"] = {problems.MEDIA_TYPE: {"schema": schema}}
        answer["headers"] = {
            name: {"description": says, "schema": {"type": "string"}}
            for name, says in HEADERS.items()
        }


def _problem(says: str) -> dict[str, Any]:
    return {
        "description": says,
        "content": {
            problems.MEDIA_TYPE: {
                "schema": {
                    "type": "object",
                    "required": ["type", "title", "status", "instance"],
                    "properties": {
                        "type": {"type": "string"},
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "instance": {"type": "string"},
                    },
                }
            }
        },
    }


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
