"""The pages that the frame leads to, and which of them an auditor may read. Fails closed.

A view without `auditors_too` is the technician's alone; nothing but signing out and the language
can be changed by an auditor, whatever a page offers or a form says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from flask import Flask, request

from api.console import gate
from api.problems import Refused
from api.security import SAFE_METHODS
from edge.staff import Role

TECHNICIAN: Final = frozenset[Role]({"technician"})
EVERYBODY: Final = frozenset[Role]({"technician", "auditor"})
OWN_ACTS: Final = frozenset({"technician.sign_out", "technician.language", "staff.own_pin"})
"""What everybody signed in may post: it changes nothing but the own session and the own PIN."""

View = TypeVar("View", bound=Callable[..., Any])
_MARK: Final = "_auditors_too"


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the frame.

    Attributes:
        endpoint: of Flask, with the blueprint's name.
        line: id of its word in the catalogue.
        roles: who is led there.
    """

    endpoint: str
    line: str
    roles: frozenset[Role] = TECHNICIAN


def auditors_too(view: View) -> View:
    """Let auditors read what this view answers to GET."""
    setattr(view, _MARK, True)
    return view


def install(app: Flask, free: frozenset[str]) -> None:
    """Hold every request of whoever is signed in against the role; after `gate.install`."""

    @app.before_request
    def hold() -> None:
        endpoint = request.endpoint
        if endpoint is None or endpoint in free or endpoint in OWN_ACTS:
            return
        role = gate.session().member.role
        reads = request.method in SAFE_METHODS and hasattr(app.view_functions[endpoint], _MARK)
        if role != "technician" and not (role == "auditor" and reads):
            raise Refused("scope-missing")
