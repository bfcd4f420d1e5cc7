"""Who is signed in at a console: sessions in memory only, one for each of the staff.

A session is known by a random token, of which only the digest is kept. Nobody stays signed in who
does nothing: after `LOCKS_AFTER_S` without an act of a hand the session is forgotten, and the token
opens nothing any more, whoever shows it. What a page asks by itself is no act.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from edge.staff import Member, Role, WrongPin

LOCKS_AFTER_S: Final = 300.0
ENDS_AFTER_S: Final = 12 * 3600.0
"""No session outlives a shift, however busy it is."""
TOKEN_BYTES: Final = 32


class Doorman(Protocol):
    """Who knows the PINs; `edge.staff.Staff` is one."""

    def check(self, staff_id: str, pin: str, roles: Collection[Role]) -> bool:
        """Tell whether id and PIN fit."""

    def wait_s(self, staff_id: str) -> float:
        """Return how long the next try must wait."""

    def member(self, staff_id: str) -> Member | None:
        """Return who has this id now."""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody at a console.

    Attributes:
        member: who signed in, with the role that the staff file gave at that moment.
        csrf: what a form of this session must bring along.
        language: of this console's pages.
        opened: id of the row whose details were asked for last, "" for none.
        said: line of the console's catalogue that answers the last act, "" for none.
        said_on: the screen on which it was said.
    """

    member: Member
    csrf: str = field(repr=False)
    language: str
    opened: str = ""
    said: str = ""
    said_on: str = ""


@dataclass(slots=True)
class _Kept:
    session: Session
    began_s: float
    acted_s: float


class Sessions:
    """The sessions of one console. All methods may be called from any thread.

    Args:
        doorman: knows the PINs, and slows who guesses them.
        roles: who may sign in here at all.
        now_s: a clock that nobody can set and that runs while the machine sleeps.
        locks_after_s: so long without an act, and the session is forgotten.
    """

    def __init__(
        self,
        doorman: Doorman,
        roles: Collection[Role],
        now_s: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
        locks_after_s: float = LOCKS_AFTER_S,
    ) -> None:
        self._doorman = doorman
        self.locks_after_s = locks_after_s
        self._roles = frozenset(roles)
        self._now_s = now_s
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}

    def sign_in(self, staff_id: str, pin: str, language: str) -> tuple[str, Session]:
        """Return a new token and its session; an earlier one of the same person is forgotten.

        Raises:
            WrongPin: id and PIN do not fit, a wait still runs, or the role has no business here.
        """
        if not self._doorman.check(staff_id, pin, self._roles):
            raise WrongPin(self._doorman.wait_s(staff_id))
        member = self._doorman.member(staff_id)
        if member is None or member.role not in self._roles:
            raise WrongPin(0.0)
        token = secrets.token_urlsafe(TOKEN_BYTES)
        session = Session(member, secrets.token_urlsafe(TOKEN_BYTES), language)
        now_s = self._now_s()
        with self._lock:
            others = {
                digest: kept
                for digest, kept in self._kept.items()
                if kept.session.member.staff_id != staff_id
            }
            self._kept = {**others, _digest(token): _Kept(session, now_s, now_s)}
        return token, session

    def of(self, token: str) -> Session | None:
        """Return whose token this is; None if it is nobody's, or nobody's any more."""
        with self._lock:
            kept = self._alive(_digest(token))
            return None if kept is None else kept.session

    def act(self, token: str) -> Session | None:
        """Return whose token this is and count an act of the hand; None as `of`.

        Whoever was struck off, or has another role now, is nobody at the next act.
        """
        found = self.of(token)
        if found is None:
            return None
        stays = self._doorman.member(found.member.staff_id) == found.member
        with self._lock:
            kept = self._alive(_digest(token))
            if kept is not None and not stays:
                del self._kept[_digest(token)]
                return None
            if kept is not None:
                kept.acted_s = self._now_s()
            return None if kept is None else kept.session

    def change(self, token: str, **changes: Any) -> None:
        """Change what a session remembers; one that has ended stays ended."""
        with self._lock:
            kept = self._alive(_digest(token))
            if kept is not None:
                kept.session = replace(kept.session, **changes)

    def sign_out(self, token: str) -> None:
        """Forget a session. Twice is allowed."""
        with self._lock:
            self._kept.pop(_digest(token), None)

    def present(self) -> tuple[Member, ...]:
        """Return who is signed in now."""
        with self._lock:
            alive = [self._alive(digest) for digest in list(self._kept)]
            return tuple(kept.session.member for kept in alive if kept is not None)

    def _alive(self, digest: str) -> _Kept | None:
        kept, now_s = self._kept.get(digest), self._now_s()
        if kept is None:
            return None
        if now_s - kept.acted_s >= self.locks_after_s or now_s - kept.began_s >= ENDS_AFTER_S:
            del self._kept[digest]
            return None
        return kept


def _digest(token: str) -> str:
    # Whoever reads memory or times a look-up learns nothing that opens anything.
    return hashlib.sha256(token.encode()).hexdigest()
