"""One console: what stands behind it, who is signed in, its places, and how a page is drawn."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from api.console import gate
from api.console.session import Session, Sessions
from api.console.tries import Tries
from api.kiosk.catalogue import MASTER, Catalogue
from api.security import StreamCap
from api.technician.places import Place
from api.technician.station import TechnicianStation
from edge.store.errors import StoreError
from edge.utc import now_ms

PICTURE_STREAMS: Final = 6
LOCKS_AFTER_S: Final = 15 * 60.0
"""Both hands are at a lens: longer than at the attendants' console. Nobody's name is here."""
BY_MODULE: Final = "HX-Request"
"""The header by which htmx says that it, and no hand, asks for a part of a page."""


@dataclass(frozen=True, slots=True)
class Console:
    """The console of one station.

    Attributes:
        words: every line of the console and of the pages that were added.
        closing: the listener's; what waits ends soon after it is set.
        places: the pages that the frame leads to, in order.
    """

    station: TechnicianStation
    sessions: Sessions
    words: Catalogue
    closing: threading.Event
    places: tuple[Place, ...]
    tries: Tries = field(default_factory=Tries)
    pictures: StreamCap = field(default_factory=lambda: StreamCap(PICTURE_STREAMS))

    def draw(self, template: str, **more: Any) -> str:
        """Draw a page of somebody who is signed in; `more` goes to its template.

        Every template extends `frame.html` and finds: `line(id)`, `told(group, code)`, `session`,
        `language`, `may_change`, `places`, `here`, `clock(ms)`, `ago(ms)`, `kept(seconds)`.
        """
        session = gate.session()
        language = session.language
        return render_template(
            template,
            line=partial(self.words.line, language),
            told=partial(self.told, language),
            session=session,
            said=self._said(session),
            language=language,
            other_language=self.words.next_language(language),
            number=self.station.number,
            may_change=session.member.role == "technician",
            places=[place for place in self.places if session.member.role in place.roles],
            here=request.endpoint,
            maintenance=self.maintained(),
            serving=self.station.serving,
            locks_after_ms=round(self.sessions.locks_after_s * 1000),
            clock=clock,
            ago=ago,
            kept=kept,
            **more,
        )

    def told(self, language: str, group: str, code: str) -> str:
        """Return the line of a code, or the group's line for whatever else there is."""
        known = self.words.has(f"{group}.{code}")
        return self.words.line(language, f"{group}.{code if known else 'other'}")

    def answer(self, said: str, endpoint: str, **values: Any) -> AnyResponse:
        """Lead to a page that shows this line of the catalogue once; "" for no line."""
        address = url_for(endpoint, **values)
        self.sessions.change(gate.session_token(), said=said, said_on=address.partition("?")[0])
        return redirect(address, 303)

    def maintained(self) -> Any:
        """Return the maintenance that is on, None if none is or the journal does not answer."""
        switch = self.station.maintenance
        try:
            return None if switch is None else switch.active
        except StoreError:
            return None

    def _said(self, session: Session) -> str:
        if session.said and session.said_on == request.path:
            return session.said
        if session.said and BY_MODULE not in request.headers:
            self.sessions.change(gate.session_token(), said="", said_on="")
        return ""


@dataclass(frozen=True, slots=True)
class Annex:
    """Further pages of the console.

    Attributes:
        pages: builds their blueprint.
        places: where the frame leads to in it.
    """

    pages: Callable[[Console], Blueprint]
    places: tuple[Place, ...] = ()


def asked_language(words: Catalogue) -> str:
    """Return the language that a page before signing in is asked for in."""
    asked = request.values.get("language", MASTER)
    return asked if asked in words.names else MASTER


def clock(at_ms: int) -> str:
    """Return a UTC time as the clock on the wall has it, to the second."""
    return f"{datetime.fromtimestamp(at_ms / 1000).astimezone():%m-%d %H:%M:%S}"


def ago(at_ms: int) -> str:
    """Return how long ago a moment was, as `kept` writes it; a future one is now."""
    return kept(max(0, now_ms() - at_ms) / 1000)


def kept(seconds: float) -> str:
    """Return a span as days and hours, minutes, seconds: "2 d 3:04:05", the same in all tongues."""
    whole = max(0, round(seconds))
    days, rest = divmod(whole, 86_400)
    span = f"{rest // 3600}:{rest // 60 % 60:02}:{rest % 60:02}"
    return f"{days} d {span}" if days else span
