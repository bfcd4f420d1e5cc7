"""Nobody unauthorised gets in: by a certificate, a page of another site, a guessed PIN, patience.

Each trial is one attempt. It failed if the station answered what it should refuse, changed
anything, or stumbled (5xx).
"""

from __future__ import annotations

import random
import ssl
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from cryptography import x509
from flask import Flask, request

from api.porch import CERTIFICATE
from api.tls import Certificate
from api.v1.caller import Caller, Identity
from api.v1.scopes import ALL_SCOPES, OPEN, SCOPES
from edge.door_sections import V1Client
from proofs import Proof, Tally, each_of
from proofs.trespassing import crowd, guesser
from proofs.trespassing.authority import DAY, NOW, SERVER, Ca, Leaf, new_key
from proofs.trespassing.doors import (
    TOKEN,
    Answer,
    Door,
    Guarded,
    Loosening,
    any_of,
    by_certificate,
    guarded,
    kiosk_and_v1,
    knock,
)

CERTIFICATES: Final = "No certificate but the right one gets an answer from /v1 on a network."
REQUESTS: Final = "No request of another site, to another name or without the token is served."
REFUSED: Final = range(400, 500)
NO_CHECK_TIME: Final = 0x200000
"""`X509_V_FLAG_NO_CHECK_TIME` of OpenSSL, for a control."""
SHUT: Final = "the right one did not"
CHANGES: Final = ("POST", "PUT", "PATCH", "DELETE")


# Certificates

Forgery = Callable[[random.Random, Guarded], Leaf | None]


def _name(dice: random.Random) -> str:
    return dice.choice(
        ["Right", "right ", "rights", "righ", "right/..", "", "RIGHT", "stranger", "idle", "far",
         "out", "right%00", "anxin:client:right"]
    )  # fmt: skip


FORGERIES: Final[Mapping[str, Forgery]] = {
    "none": lambda dice, at: None,
    "other CA": lambda dice, at: Ca(at.clients.folder / "other", "clients").client("right"),
    "servers' CA": lambda dice, at: at.servers.client("right", key=at.right.key),
    "expired": lambda dice, at: at.clients.client(
        "right", end=NOW - DAY * dice.random(), begin=NOW - 2 * DAY, key=at.right.key
    ),
    "not yet valid": lambda dice, at: at.clients.client(
        "right", begin=NOW + DAY * (0.1 + dice.random()), key=at.right.key
    ),
    "for servers": lambda dice, at: at.clients.client("right", usage=SERVER, key=at.right.key),
    "other name": lambda dice, at: at.clients.client(_name(dice)),
    "other key": lambda dice, at: at.clients.client("right", key=new_key()),
    "two names": lambda dice, at: at.clients.client(
        "right", "anxin:client:" + _name(dice), key=at.right.key
    ),
    "name of DNS": lambda dice, at: at.clients.leaf(
        "right", (x509.DNSName("anxin:client:right"),), key=at.right.key
    ),
    "no name": lambda dice, at: at.clients.leaf("right", (), key=at.right.key),
}


def show_certificates(trials: int, seed: int) -> Tally:
    """Ask with every wrong certificate in turn; the right one between them must get in."""
    return _show(trials, seed, by_certificate)


def trust_the_ca(trials: int, seed: int) -> Tally:
    """Control: a listener that takes the CA's word for a client's."""
    return _show(trials, seed, lambda clients, denied: _Trusting())


def demand_nothing(trials: int, seed: int) -> Tally:
    """Control: a handshake without a certificate, with one of another CA's, or of another time."""
    return _show(trials, seed, lambda clients, denied: _Trusting(), _loosen)


def _loosen(context: ssl.SSLContext, ca: Ca) -> None:
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(cafile=ca.file)
    context.verify_flags |= NO_CHECK_TIME


class _Trusting:
    """Knows everybody whom the handshake let in."""

    def caller(self) -> Caller:
        shown: Certificate | None = request.environ[CERTIFICATE]
        return Caller(next(iter(shown.names), "nameless") if shown else "nobody", ALL_SCOPES)

    def check_stranger(self) -> None:
        """Let everybody in."""


def _show(
    trials: int,
    seed: int,
    identity: Callable[[Sequence[V1Client], frozenset[str]], Identity],
    loosen: Loosening = lambda context, ca: None,
) -> Tally:
    dice, began_s, got_in = random.Random(seed), time.monotonic(), Counter[str]()
    with (
        TemporaryDirectory(prefix="anxin-forged-") as name,
        guarded(Path(name), identity, loosen) as at,
    ):
        for trial in range(trials):
            kind = list(FORGERIES)[trial % len(FORGERIES)]
            got_in[kind] += _served(at, FORGERIES[kind](dice, at))
            got_in[SHUT] += not _served(at, at.right)
    failures = sum(got_in.values())
    note = f"{len(FORGERIES)} kinds; the right one got in {trials - got_in[SHUT]} times"
    return Tally(CERTIFICATES, trials, failures, time.monotonic() - began_s, note + _counts(got_in))


def _counts(found: Counter[str]) -> str:
    return "".join(f"; {kind}: {count}" for kind, count in sorted(found.items()) if count)


def _served(at: Guarded, leaf: Leaf | None) -> bool:
    try:
        return at.ask(leaf, "/v1/station").status not in REFUSED
    except (ssl.SSLError, ConnectionError):
        return False


# Requests of other sites, to other names, without the token

Hostile = Callable[[random.Random, Sequence[Door]], tuple[Door, list[tuple[str, str]]]]


def _home(door: Door) -> str:
    return f"127.0.0.1:{door.listener.port}"


def _ours(door: Door) -> list[tuple[str, str]]:
    return [("Host", _home(door)), ("Authorization", f"Bearer {TOKEN}")]


def _foreign_host(dice: random.Random, doors: Sequence[Door]) -> tuple[Door, list[tuple[str, str]]]:
    door = any_of(dice, doors)
    port = door.listener.port
    host = dice.choice(
        ["evil.example", f"evil.example:{port}", f"127.0.0.1.evil.example:{port}", "", "0.0.0.0",
         f"127.0.0.1@evil.example:{port}", f"evil.example#127.0.0.1:{port}", "[::2]", "127.1",
         f"127.0.0.1,evil.example:{port}", "2130706433", "localhost.evil.example"]
    )  # fmt: skip
    headers = [("Authorization", f"Bearer {TOKEN}"), ("Origin", f"http://{host}")]
    return door, [*headers, *([("Host", host)] if dice.random() < 0.9 else [])]


def _foreign_change(
    dice: random.Random, doors: Sequence[Door]
) -> tuple[Door, list[tuple[str, str]]]:
    door = any_of(dice, doors, *CHANGES)
    home = f"http://{_home(door)}"
    origin = dice.choice(
        ["http://evil.example", "null", f"https://{_home(door)}", f"{home}.evil.example",
         "http://127.0.0.1:1", f"{home}@evil.example", "file://", "", f"{home} http://evil.example"]
    )  # fmt: skip
    site = dice.choice(["cross-site", "same-site", "none", "weird"])
    said = dice.choice(
        [[("Origin", origin)], [("Origin", home), ("Sec-Fetch-Site", site)],
         [("Origin", origin), ("Sec-Fetch-Site", site)], [("Sec-Fetch-Site", site)]]
    )  # fmt: skip
    return door, [*_ours(door), *said]


def _foreign_picture(
    dice: random.Random, doors: Sequence[Door]
) -> tuple[Door, list[tuple[str, str]]]:
    door = any_of(dice, doors, "GET", "HEAD")
    site = dice.choice(["cross-site", "same-site"])
    mode, dest = dice.choice(
        [("no-cors", "image"), ("no-cors", "script"), ("cors", "empty"), ("navigate", "iframe"),
         ("navigate", "object"), ("no-cors", "style"), ("websocket", "empty")]
    )  # fmt: skip
    fetch = [("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", mode), ("Sec-Fetch-Dest", dest)]
    return door, [*_ours(door), *fetch]


def _without_token(
    dice: random.Random, doors: Sequence[Door]
) -> tuple[Door, list[tuple[str, str]]]:
    closed = [door for door in doors if door.app.name == "api.v1" and not _is_open(door)]
    door = dice.choice(closed)
    given = dice.choice(
        ["", "Bearer", "Bearer ", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", f"Basic {TOKEN}",
         f"Bearer {TOKEN.upper()}", f"{TOKEN}", f"Bearer null, Bearer {TOKEN}", "Bearer \xff"]
    )  # fmt: skip
    return door, [("Host", _home(door)), *([("Authorization", given)] if given else [])]


def _is_open(door: Door) -> bool:
    adapter = door.app.url_map.bind("localhost")
    return SCOPES[str(adapter.match(door.path, door.method)[0])] == OPEN


HOSTILE: Final[Mapping[str, Hostile]] = {
    "host": _foreign_host,
    "change": _foreign_change,
    "picture": _foreign_picture,
    "token": _without_token,
}


def ask_from_elsewhere(trials: int, seed: int) -> Tally:
    """Send hostile requests to every method of every path of pages and interface."""
    return _ask(trials, seed, lambda app: None)


def ask_the_unguarded(trials: int, seed: int) -> Tally:
    """Control: the same applications without what every request must pass."""
    return _ask(trials, seed, _open_wide)


def _open_wide(app: Flask) -> None:
    app.before_request_funcs.clear()
    app.config["TRUSTED_HOSTS"] = None


def _ask(trials: int, seed: int, breaking: Callable[[Flask], None]) -> Tally:
    dice, began_s, failed = random.Random(seed), time.monotonic(), Counter[str]()
    with (
        TemporaryDirectory(prefix="anxin-hostile-") as name,
        kiosk_and_v1(Path(name), breaking) as (desk, doors),
    ):
        for trial in range(trials):
            kind = list(HOSTILE)[trial % len(HOSTILE)]
            answer = knock(*HOSTILE[kind](dice, doors))
            failed[kind] += not _refused(answer) or bool(desk.touched)
            desk.touched.clear()
    failures = sum(failed.values())
    note = f"{len(HOSTILE)} kinds over {len(doors)} methods of paths"
    return Tally(REQUESTS, trials, failures, time.monotonic() - began_s, note + _counts(failed))


def _refused(answer: Answer) -> bool:
    return answer.status in (400, 403)


PROOFS: Final[Mapping[str, Proof]] = {
    "certificates": Proof(
        CERTIFICATES,
        show_certificates,
        each_of({"the CA's word": trust_the_ca, "no demand": demand_nothing}),
        len(FORGERIES),
        500,
        control_trials=50,
    ),
    "hostile-requests": Proof(
        REQUESTS, ask_from_elsewhere, ask_the_unguarded, 100, 5_000, control_trials=200
    ),
    "pins": Proof(
        guesser.PROMISE, guesser.guess, guesser.guess_forgetful, 1, 100, control_trials=10
    ),
    "slow-clients": Proof(crowd.PROMISE, crowd.crowd, crowd.as_it_comes, 1, 60, control_trials=2),
}
