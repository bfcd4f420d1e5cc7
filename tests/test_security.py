"""What every request must pass, over every method of every path of every listener's application."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import time

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from api.app import KioskStation, V1Station, create_kiosk_app, create_v1_app
from api.porch import CERTIFICATE
from api.security import CONTENT_SECURITY_POLICY, HEADERS
from api.tls import Certificate
from api.v1.certificates import CertificateIdentity
from api.v1.scopes import ALL_SCOPES
from demo.console import KNOB_WORDS, Knobs, knob_pages
from edge.door_sections import V1Client
from tests import order_kit
from tests.browser.desk import SCENES, TOKEN, Camera, Desk
from tests.delivery_kit import SINK, STATION, make_kit, new_id
from tests.guide_kit import GUIDE, Hall, hall
from tests.technician_kit import workshop

ORIGIN = "http://127.0.0.1:8080"
CHANGES = ("POST", "PUT", "PATCH", "DELETE")
APPS = ("kiosk", "v1-network", "console", "guide")
"""With a token `/v1` is the same application; `tests/test_v1.py` asks it."""


@dataclass
class Served:
    """One listener's application, and what a request needs to get in."""

    app: Flask
    environ: dict[str, object] = field(default_factory=dict)
    touched: Callable[[], bool] = lambda: False

    def ask(self, method: str, path: str, announced: int = 0, **headers: str) -> TestResponse:
        """Ask as somebody who may; an endless answer is left unread."""
        length = {"CONTENT_LENGTH": str(announced)} if announced else {}
        with self.app.test_client(use_cookies=False) as client:
            return client.open(
                path, method=method, base_url=ORIGIN, headers=headers,
                environ_overrides={**self.environ, **length},
            )  # fmt: skip

    def doors(self) -> list[tuple[str, str]]:
        """Every method of every path."""
        return sorted(
            (method, re.sub("<(path:)?[^>]+>", _filled, rule.rule))
            for rule in self.app.url_map.iter_rules()
            for method in rule.methods or ()
        )

    def paths(self) -> list[str]:
        """Every path, once."""
        return sorted({path for _, path in self.doors()})


def _filled(found: re.Match[str]) -> str:
    return "kiosk.css" if found[1] else new_id()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Served]]:
    """Every application that a listener serves."""
    folder = tmp_path_factory.mktemp("security")
    kit, desk = make_kit(folder / "kit"), Desk()
    desk.put(SCENES["portrait-ok"])
    closing = threading.Event()
    with ExitStack() as stack:
        store = stack.enter_context(kit.open_store())
        orders = stack.enter_context(order_kit.opened(store))
        station = V1Station(STATION, "0", "0" * 64, store, kit.verifier, list, list, (SINK,),
                            orders=orders)  # fmt: skip
        scopes = tuple(sorted(ALL_SCOPES))
        shown = Certificate(("anxin:client:all",), "0" * 64, time() + 3600)
        identity = CertificateIdentity([V1Client(name="all", scopes=scopes)])
        kiosk = create_kiosk_app(KioskStation(desk, Camera(), "demo-01", "1", 102.46), closing)
        knobs = knob_pages(Knobs(folder / "knobs", "straightens"), lambda: desk.snapshot)
        shop = stack.enter_context(workshop(folder / "workshop", (knobs,), (KNOB_WORDS,)))
        yield {
            "kiosk": Served(kiosk, touched=lambda: bool(desk.asked)),
            "v1-network": Served(create_v1_app(station, identity), environ={CERTIFICATE: shown}),
            "console": Served(shop.app, environ={"HTTP_COOKIE": shop.notebook().cookie}),
            "guide": signed_in(stack.enter_context(hall(folder / "hall"))),
        }
        closing.set()


def signed_in(opened: Hall) -> Served:
    """The attendants' console as it answers to a guide."""
    tablet = opened.tablet(GUIDE)
    return Served(opened.app, environ={"HTTP_COOKIE": tablet.cookie})


def slug(answer: TestResponse) -> str:
    """The slug of a problem."""
    return str((answer.get_json(silent=True) or {}).get("type", "")).rpartition(":")[2]


@pytest.mark.parametrize("name", APPS)
def test_the_map_is_walked_at_all(served: dict[str, Served], name: str):
    """The control of all below: who may ask is answered, and with no fault of ours."""
    one = served[name]
    answers = [one.ask(method, path) for method, path in one.doors()]

    assert len(answers) > 5
    assert [answer.status_code for answer in answers if answer.status_code >= 500] == []
    assert any(answer.status_code == 200 for answer in answers)
    for answer in answers:
        answer.close()


@pytest.mark.parametrize("name", APPS)
@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "evil.example:8080", "0.0.0.0", "[::2]", "", "a b"],
)
def test_no_path_answers_to_a_foreign_name(served: dict[str, Served], name: str, host: str):
    """DNS rebinding: whatever the path and the method, the name must be ours."""
    one = served[name]
    for method, path in [*one.doors(), ("GET", "/nothing")]:
        answer = one.ask(method, path, Host=host)
        assert answer.status_code == 400, (method, path)
        assert method == "HEAD" or slug(answer) == "host-unknown"


@pytest.mark.parametrize("name", APPS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"}, {"Origin": "null"},
        {"Origin": "https://127.0.0.1:8080"}, {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"},
        {"Origin": ORIGIN, "Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "cross-site"},
        {"Origin": ORIGIN, "Sec-Fetch-Site": "none"}, {"Origin": f"{ORIGIN}.evil.example"},
        {"Origin": "http://["}, {"Origin": ""}, {"Origin": f"{ORIGIN}@evil.example"},
    ],
    ids=lambda headers: "+".join(headers.values()) or "empty",
)  # fmt: skip
def test_no_other_site_s_page_changes_anything(served: dict[str, Served], name: str, headers):
    """On every path, by every method that changes something, also where nothing listens to it."""
    one = served[name]
    for method in CHANGES:
        for path in one.paths():
            answer = one.ask(method, path, **headers)
            assert (answer.status_code, slug(answer)) == (403, "origin-foreign"), (method, path)
    assert not one.touched()


@pytest.mark.parametrize("name", ["kiosk", "console", "guide"])
def test_a_change_without_an_origin_is_refused_where_only_a_page_asks(served, name: str):
    """A browser always says where a post comes from."""
    one = served[name]
    for method in CHANGES:
        for path in one.paths():
            assert slug(one.ask(method, path)) == "origin-foreign", (method, path)


@pytest.mark.parametrize("name", APPS)
@pytest.mark.parametrize("site", ["cross-site", "same-site", "weird"])
def test_no_other_site_s_page_shows_or_reads_anything(served, name: str, site: str):
    """No picture in its page, no frame, no script of ours; a link may be followed by a person."""
    one = served[name]
    for method, path in one.doors():
        if method not in ("GET", "HEAD"):
            continue
        for mode, dest in (("no-cors", "image"), ("cors", "empty"), ("navigate", "iframe")):
            fetch = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}
            assert one.ask(method, path, **fetch).status_code == 403, (method, path, dest)
    followed = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert one.ask("GET", "/", **followed).status_code in (200, 302)


@pytest.mark.parametrize("name", APPS)
def test_no_path_takes_a_body_without_length_or_beyond_its_limit(served, name: str):
    """411 and 413 before anything is read, and the connection ends with it."""
    one = served[name]
    ours = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}
    for method in CHANGES:
        for path in one.paths():
            chunked = one.ask(method, path, **ours, **{"Transfer-Encoding": "chunked"})
            large = one.ask(method, path, announced=5 << 20, **ours)
            assert (slug(chunked), slug(large)) == ("length-required", "too-large"), path
            assert chunked.headers["Connection"] == large.headers["Connection"] == "close"


@pytest.mark.parametrize("name", APPS)
@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "MKCOL", "LEASE"])
def test_a_method_that_nobody_serves_is_refused_everywhere(served, name: str, method: str):
    """405 or a refusal before it; never an answer and never a fault."""
    one = served[name]
    ours = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}
    for path in one.paths():
        assert one.ask(method, path, **ours).status_code in (404, 405), path


IDS = [
    "..", ".", "%2e%2e", "..%2f..%2fetc%2fpasswd", "%00", "a%00b", "%0d%0aSet-Cookie:a=b",
    "a" * 5000,
    "'%20or%201=1--", "-1", "0", "null", "%EF%BC%90", "%ff%fe", "*", "~", "$(id)", "..;", "a%2fb",
    "00000000-0000-0000-0000-00000000000G", "%C3%A9", "{}", "[0]", "con", "a\\..\\b",
]  # fmt: skip


@pytest.mark.parametrize("name", APPS)
def test_an_id_that_the_station_never_made_is_not_found(served: dict[str, Served], name: str):
    """404 or a refusal in the place of every id and file name: no answer, no fault, no echo."""
    one = served[name]
    ours = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin", "If-Match": "*"}
    rules = [rule for rule in one.app.url_map.iter_rules() if rule.arguments]
    for rule in rules:
        for method in (rule.methods or set()) - {"OPTIONS"}:
            for given in IDS:
                answer = one.ask(method, re.sub("<[^>]+>", lambda _, g=given: g, rule.rule), **ours)
                assert 400 <= answer.status_code < 500, (method, rule.rule, given)
                assert "etc" not in answer.text
                assert "Set-Cookie" not in answer.headers
    assert rules or name == "console"


@pytest.mark.parametrize("name", APPS)
def test_a_path_has_one_spelling(served: dict[str, Served], name: str):
    """Doubled, encoded, dotted: unknown, and never another way to what is there."""
    one = served[name]
    for path in one.paths():
        if path in ("/", "/v1", "/v1/") or "/static/" in path:
            continue
        first, _, rest = path[1:].partition("/")
        for other in (
            f"{path}/", f"/.{path}", f"/x/..{path}",
            f"/%2e{path}", f"/{first}//{rest}", f"/{first}/./{rest}",
            f"{path}%00", f"{path};a=b", path.upper(), f"{path}%20", f"\\{path[1:]}",
        ):  # fmt: skip
            if other == path:
                continue
            answer = one.ask("GET", other)
            answer.close()
            assert answer.status_code in (400, 404, 405), other
            assert "Location" not in answer.headers


@pytest.mark.parametrize("name", APPS)
def test_every_answer_carries_the_house_s_headers(served: dict[str, Served], name: str):
    """Good ones and refusals: never kept, never framed, never guessed at, no cookie, no CORS."""
    one = served[name]
    preflight = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    answers = [one.ask(method, path) for method, path in one.doors()]
    answers += [one.ask("GET", "/nothing"), one.ask("POST", "/"), one.ask("GET", "/", Host="evil")]
    answers += [one.ask("OPTIONS", path, **preflight) for path in one.paths()]
    for answer in answers:
        assert {key: answer.headers[key] for key in HEADERS} == HEADERS
        names = {key.lower() for key, _ in answer.headers}
        assert not {"set-cookie", "server", "x-powered-by", "etag-cookie"} & names
        assert not [key for key in names if key.startswith("access-control")]
        answer.close()


def test_the_policy_lets_no_inline_script_or_style_in():
    """What the pages may load is said kind by kind, and everything else is nothing."""
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert CONTENT_SECURITY_POLICY.startswith("default-src 'none'")
    for word in ("frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"):
        assert word in CONTENT_SECURITY_POLICY
    assert "*" not in CONTENT_SECURITY_POLICY


FORBIDDEN = re.compile(
    r"""<script(?![^>]*\ssrc=)|<style|\son[a-z]+=["']|\sstyle=|javascript:"""
    r"""|<(iframe|object|embed|base)\b|https?://(?!www\.w3\.org)""",
    re.IGNORECASE,
)


@pytest.mark.parametrize("room", ["api/kiosk", "api/v1", "api/guide", "demo/console"])
def test_no_template_holds_what_the_policy_forbids(room: str):
    """An inline script, style or handler would be dead in the browser, or the policy's end."""
    found = []
    for page in (Path(__file__).resolve().parent.parent / room / "templates").rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        found += [f"{page.name}: {hit[0]}" for hit in FORBIDDEN.finditer(text)]

    assert found == []


def test_no_page_and_no_refusal_repeats_what_was_sent(served: dict[str, Served]):
    """What comes in with a request does not come out with its answer."""
    planted = "<b>planted</b>"
    for one in served.values():
        for path in (*one.paths(), "/planted"):
            for method in ("GET", "POST"):
                answer = one.ask(
                    method, f"{path}?a={planted}&token={planted}&after={planted}",
                    **{"User-Agent": planted, "Referer": planted, "Cookie": f"a={planted}",
                       "Accept-Language": planted, "Last-Event-ID": planted, "X-Planted": planted},
                )  # fmt: skip
                if answer.mimetype != "text/event-stream":
                    assert "planted" not in answer.text, (method, path)
                answer.close()


def test_pictures_need_the_token_of_the_sitting(served: dict[str, Served]):
    """Over every path of the pages: without it no answer holds a JPEG."""
    one = served["kiosk"]
    for path in one.paths():
        answer = one.ask("GET", path)
        if answer.mimetype != "text/event-stream":
            assert b"\xff\xd8\xff" not in answer.data, path
        answer.close()
    shown = one.ask("GET", f"/sample/portrait.jpg?token={TOKEN}")
    assert shown.data.startswith(b"\xff\xd8\xff")


@pytest.mark.parametrize(
    ("name", "path"),
    [("kiosk", "/preview/camera"), ("guide", "/preview.jpg"), ("console", "/live/picture.jpg")],
    ids=["kiosk", "guide", "console"],
)
@pytest.mark.parametrize("after", ["--1", "-", "", "x", "9" * 19], ids=repr)
def test_a_number_of_a_picture_that_is_none_is_refused(
    served: dict[str, Served], name: str, path: str, after: str
):
    """422, and no fault of ours."""
    assert served[name].ask("GET", f"{path}?after={after}").status_code == 422
