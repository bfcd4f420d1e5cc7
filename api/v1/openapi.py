"""`GET /v1/openapi.json` and `/v1/docs`: the interface described, as JSON and as a page."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Flask, Response, json, redirect, render_template, request, url_for
from spectree import SpecTree
from werkzeug.wrappers import Response as AnyResponse

from api import problems
from api.v1 import packages, sittings
from api.v1.metrics import MEDIA_TYPE as METRICS_TYPE
from api.v1.new_sitting import NewSitting
from api.v1.openapi_rest import describe_rest
from edge.seal import MEDIA_TYPE

OPEN_PATHS: Final = frozenset({"/v1/health/live"})
PATH_PARAMETERS: Final = {
    "package_id": "Id of a package, from the list.",
    "lease_id": "Id of a lease, from the answer that made it.",
    "device_id": "Id of a device, from the list.",
    "sitting_id": "Id of a sitting, from the answer to its order or from the list.",
}
IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "The client's own mark of this request; the answer is kept for 72 hours.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{16,64}$"},
}
IF_MATCH: Final = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The ETag of the sitting as it was read.",
    "schema": {"type": "string"},
}
CONTENT_DIGEST: Final = {
    "name": "Content-Digest",
    "in": "header",
    "required": True,
    "description": "Of the body, RFC 9530: `sha-256=:BASE64:`.",
    "schema": {"type": "string"},
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
    _describe_packages(document["paths"])
    if "/v1/sittings" in document["paths"]:
        _describe_sittings(document)
    describe_rest(document, _problem, _header)
    return document


def _describe_packages(paths: dict[str, Any]) -> None:
    binary = {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
    paths["/v1/packages/{package_id}/sealed"]["get"]["responses"] |= {
        "200": {"description": "The whole file.", **binary},
        "206": {"description": "The range asked for.", **binary},
        "304": {"description": "The client has it already."},
        "404": _problem("No such package."),
        "410": _problem("Receipted and deleted."),
        "416": _problem("No such range."),
    }
    receipt = paths["/v1/packages/{package_id}/receipt"]["put"]
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
    paths["/v1/metrics"]["get"]["responses"] |= {
        "200": {"description": "Figures.", "content": figures}
    }


def _describe_sittings(document: dict[str, Any]) -> None:
    paths, schemas = document["paths"], document["components"]["schemas"]
    asked = NewSitting.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= asked.pop("$defs") | {"NewSitting": asked}
    one = paths["/v1/sittings/{sitting_id}"]
    etag = {"ETag": _header("Differs with every change that a client can see.")}
    shown = one["get"]["responses"]["200"]
    shown["headers"] |= etag
    order = paths["/v1/sittings"]["post"]
    order["parameters"] = [*order.get("parameters", ()), IDEMPOTENCY_KEY]
    order["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/NewSitting"}}},
    }
    created = {
        "Location": _header("Path of the sitting."),
        "Idempotency-Replayed": _header("`true` if this was answered before."),
    }
    order["responses"] |= {
        "201": {
            "description": "Ordered, now or before.",
            "content": shown["content"],
            "headers": {**shown["headers"], **created},
        },
        "400": _problem("No usable Idempotency-Key."),
        "409": _problem("The same request is being served."),
        "413": _problem("More than 256 KiB."),
        "415": _problem("Not application/json."),
        "422": _problem("A member is not allowed, or the key belongs to another request."),
        "503": _problem("No order is taken now; `reasons` say why."),
    }
    cancel = one["delete"]
    cancel["parameters"] = [*cancel.get("parameters", ()), IF_MATCH]
    cancel["responses"] |= {
        "204": {"description": "Cancelled; what was personal is erased."},
        "404": _problem("No such sitting."),
        "409": _problem("It does not wait any more."),
        "412": _problem("It changed since it was read."),
        "428": _problem("No If-Match."),
    }
    photo = paths["/v1/sittings/{sitting_id}/reuse-photo"]["put"]
    photo["parameters"] = [*photo.get("parameters", ()), CONTENT_DIGEST]
    photo["requestBody"] = {
        "required": True,
        "content": {sittings.JPEG: {"schema": {"type": "string", "format": "binary"}}},
    }
    photo["responses"] |= {
        "204": {"description": "Held in memory, now or before."},
        "404": _problem("No such sitting."),
        "409": _problem("The sitting wants no photo, or no photo any more."),
        "411": _problem("No Content-Length."),
        "413": _problem("Too many bytes or pixels."),
        "415": _problem("Not image/jpeg."),
        "422": _problem("Another digest, or no photo that can be taken over."),
        "503": _problem("No room for a photo now."),
    }


def _header(says: str) -> dict[str, Any]:
    return {"description": says, "schema": {"type": "string"}}


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
        answer["headers"] = {name: _header(says) for name, says in HEADERS.items()}


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
