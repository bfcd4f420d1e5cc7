"""The gate of a console: no page without a session, no change without its form's own word.

One line for each application (`install`); routes that anybody may ask for are named there. Host,
Origin, sizes and headers are `api.security`'s and come before.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from flask import Flask, Response, g, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from api.console.session import Session, Sessions
from api.problems import Refused
from api.security import SAFE_METHODS, same_secret

PLAIN_COOKIE: Final = "anxin-console"
TLS_COOKIE: Final = "__Host-anxin-console"
"""A browser takes a name of this kind only over TLS, for this host alone and for every path."""
CSRF_FIELD: Final = "csrf"


def install(app: Flask, sessions: Sessions, free: Collection[str], sign_in: str) -> None:
    """Let nobody past who is not signed in.

    Args:
        app: `api.security.install` must have been called before.
        sessions: who is signed in.
        free: endpoints that anybody may ask for.
        sign_in: address of the page to which others are led.
    """

    @app.before_request
    def check() -> AnyResponse | None:
        if request.endpoint in free:
            return None
        token = cookie_token()
        # What is served nowhere is no act: it is told so, to whoever is signed in.
        acts = request.method not in SAFE_METHODS and request.routing_exception is None
        session = sessions.act(token) if acts else sessions.of(token)
        if session is None:
            if wants_page():
                return redirect(sign_in, 303)
            raise Refused("signed-out")
        if acts and not same_secret(request.form.get(CSRF_FIELD, ""), session.csrf):
            raise Refused("form-foreign")
        g.session, g.session_token = session, token
        return None


def wants_page() -> bool:
    """Whether a browser asks on behalf of a person, not a module of ours."""
    return any(kind == "text/html" for kind, _ in request.accept_mimetypes)


def session() -> Session:
    """Return who asks; only behind the gate."""
    found: Session = g.session
    return found


def session_token() -> str:
    """Return the token of who asks; only behind the gate."""
    return str(g.session_token)


def cookie_token() -> str:
    """Return the token that the request shows, "" without one."""
    return request.cookies.get(_cookie_name(), "")


def give_cookie(answer: Response | AnyResponse, token: str) -> None:
    """Let the browser keep a token: no script reads it, no other site sends it."""
    answer.set_cookie(
        _cookie_name(), token, path="/", secure=request.is_secure, httponly=True, samesite="Strict"
    )


def take_cookie(answer: Response | AnyResponse) -> None:
    """Let the browser forget its token."""
    answer.delete_cookie(
        _cookie_name(), path="/", secure=request.is_secure, httponly=True, samesite="Strict"
    )


def _cookie_name() -> str:
    return TLS_COOKIE if request.is_secure else PLAIN_COOKIE
