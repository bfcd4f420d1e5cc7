"""What all resources of `/v1` share: how requests are checked, answers shaped and times written.

spectree describes and checks; these are its traps and our remedies (version 3.0.0):
hooks take five arguments; every answer is read whole first (`unread` lets a stream or a file by),
and what is no JSON is described in `descriptions.py`; its own pages load scripts from elsewhere,
so it is never registered with the application, only asked for the document.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

from flask import Blueprint, Response, g
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import ErrorDetails
from spectree import Response as Answers
from spectree import SpecTree

from api.problems import FieldError, Refused
from edge.utc import rfc3339

API_VERSION: Final = "1.0"


class Answer(BaseModel):
    """Base of every JSON answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Id = Annotated[str, Field(json_schema_extra={"format": "uuid"})]
"""An id as RFC 9562 writes it."""
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""RFC 3339, UTC, milliseconds."""


class Query(BaseModel):
    """Base of every set of query parameters: a typo must not be silently ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NoQuery(Query):
    """No query parameters."""


class FieldErrorAnswer(Answer):
    """One refused member; never its value."""

    pointer: str
    code: str


class ProblemAnswer(BaseModel):
    """An RFC 9457 problem; clients act on `type` only, `reasons` are codes."""

    type: str
    title: str
    status: int
    instance: str
    errors: tuple[FieldErrorAnswer, ...] = ()
    reasons: tuple[str, ...] = ()
    retry_after_s: int | None = None


def answers(model: type[BaseModel], *refusals: str, **others: type[BaseModel]) -> Answers:
    """Describe the answers of a route: 200 with this model, and these refusals ("HTTP_404")."""
    problems: dict[str, Any] = dict.fromkeys((*refusals, "HTTP_403"), ProblemAnswer)
    return Answers(**{"HTTP_200": model, **problems, **others})


def open_spec() -> SpecTree:
    """Return the describer of one application."""
    return SpecTree(
        "flask",
        mode="strict",
        before=_refuse,
        validation_error_model=ProblemAnswer,
        openapi_version="3.1.0",
        title="Anxin Station",
        version=API_VERSION,
        description="Sittings, packages, events, devices and health of one station.",
    )


def unread(routes: Blueprint) -> Callable[[Response], str]:
    """Return what lets a route of this blueprint answer with what spectree must not read.

    spectree makes bytes of every answer before it lets it go: a stream would never begin, and a
    file would be copied.
    """

    @routes.after_request
    def put_back(answer: Response) -> Response:
        kept: Response = g.pop("unread", answer)
        return kept

    def hand_on(answer: Response) -> str:
        g.unread = answer
        return ""

    return hand_on


def utc(at_ms: int | None) -> str | None:
    """Return UTC milliseconds as RFC 3339; null where there is no such moment."""
    return None if at_ms is None else rfc3339(at_ms)


def _refuse(request: Any, response: Any, error: Any, instance: Any, model_adapter: Any) -> None:
    """Answer what spectree found with our problem: names and codes, never values."""
    if error is not None:
        found: list[ErrorDetails] = error.errors(include_url=False, include_input=False)
        raise Refused("invalid-request", [FieldError(_name(each), each["type"]) for each in found])


def _name(found: ErrorDetails) -> str:
    # An unknown parameter's name is the client's own text, so it is not repeated at length.
    return "/".join(str(part) for part in found["loc"])[:64]
