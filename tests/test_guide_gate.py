"""Who gets into the attendants' console, how long, and what no page but its own can do there."""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.console.session import ENDS_AFTER_S, LOCKS_AFTER_S, Sessions
from api.console.tries import ADDRESSES_MAX, Tries
from api.guide.acts import ACTS
from api.guide.app import GUIDE_STREAMS
from api.guide.small_preview import EVERY_S, WIDTH_PX, Small, SmallPreview
from api.listener import Listener
from api.security import HEADERS
from api.tls import browser_context
from edge.settings import SettingsError, load_settings
from edge.staff import ASSISTING, Staff, WrongPin, add_staff, remove_staff
from edge.store import Store
from proofs.trespassing.authority import Ca, client_context
from tests.browser.desk import Shot, drawn_person
from tests.guide_kit import (
    CHECKOUT,
    GUIDE,
    PIN,
    REMOTE,
    VOLUNTEER,
    WRONG,
    Clock,
    Hall,
    Tablet,
    hall,
)
from tests.order_kit import SURNAME, wanted


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    """One station for the file: no test here begins a sitting."""
    with hall(tmp_path_factory.mktemp("hall")) as found:
        yield found


def test_without_a_session_there_is_nothing_but_the_door(opened: Hall):
    """A person is led to the door, a program is told 401; nobody learns what lies behind."""
    stranger = opened.tablet()
    for path in ("/", "/board", "/events", "/preview.jpg", "/nothing"):
        page = stranger.ask("GET", path, Accept="text/html")
        assert (page.status, page.headers.get("Location")) == (303, "/sign-in"), path
        told = stranger.ask("GET", path, Accept="*/*")
        assert (told.status, json.loads(told.text)["type"]) == (401, "urn:anxin:problem:signed-out")
    for path in ("/act", "/sign-out"):
        assert stranger.post(path, {"Accept": "*/*"}, do="take-over").status == 401
    assert stranger.ask("GET", "/sign-in").status == 200


def test_the_cookie_is_for_this_browser_and_this_host_alone(opened: Hall):
    """No script reads it, no other site sends it; its value is not the session's own id."""
    tablet = opened.tablet()
    answer = tablet.sign_in()
    cookie = answer.headers["Set-Cookie"]

    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "Domain" not in cookie
    assert "Max-Age" not in cookie
    assert PIN not in tablet.page
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS


def test_a_cookie_from_before_the_sign_in_is_worth_nothing(opened: Hall):
    """Fixation: who plants a cookie does not own the session that follows."""
    tablet = opened.tablet()
    tablet.cookie = "anxin-console=planted-by-somebody-else-0123456789"
    tablet.sign_in()

    assert "planted" not in tablet.cookie
    assert Tablet(tablet.port, "anxin-console=planted-by-somebody-else-0123456789").ask(
        "GET", "/").status == 303  # fmt: skip


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
    ids=["host", "origin", "null-origin", "cross-site"],
)  # fmt: skip
def test_no_other_site_acts_with_somebody_s_cookie(opened: Hall, headers: dict[str, str]):
    """With the right cookie and the right word of the form all the same."""
    tablet = opened.tablet(GUIDE)
    answer = tablet.post("/act", headers, csrf=tablet.held("csrf"), do="language:en")

    assert answer.status in (400, 403)
    assert 'lang="zh-CN"' in tablet.read()


def test_a_form_needs_the_word_of_its_own_session(opened: Hall):
    """Without it, with a wrong one, with another session's: refused, and nothing happened."""
    tablet, other = opened.tablet(GUIDE), opened.tablet(VOLUNTEER)
    for csrf in ("", "wrong", other.held("csrf")):
        answer = tablet.post("/act", {"Accept": "*/*"}, csrf=csrf, do="language:en")
        assert (answer.status, "form-foreign" in answer.text) == (403, True)
    assert tablet.post("/sign-out", csrf="").status == 403
    assert 'lang="zh-CN"' in tablet.read()


def test_it_locks_after_five_minutes_and_the_cookie_opens_nothing_again(opened: Hall):
    """What a page asks by itself is no act; a replayed cookie stays worthless for ever."""
    tablet = opened.tablet(GUIDE)
    csrf = tablet.held("csrf")
    opened.clock.now_s += LOCKS_AFTER_S - 1
    assert "board" in tablet.read()
    opened.clock.now_s += 2
    assert tablet.ask("GET", "/").status == 303
    assert tablet.post("/act", csrf=csrf, do="language:en").headers["Location"] == "/sign-in"
    opened.clock.now_s -= LOCKS_AFTER_S

    assert tablet.ask("GET", "/board", Accept="*/*").status == 401
    assert "locked" not in tablet.ask("GET", "/sign-in").text


def test_a_stream_says_that_it_is_locked_and_ends(opened: Hall):
    """The page that stands open learns of it without a touch."""
    tablet = opened.tablet(GUIDE)
    stream = http.client.HTTPConnection("127.0.0.1", tablet.port, timeout=60)
    stream.request("GET", "/events", headers={"Cookie": tablet.cookie})
    answer = stream.getresponse()
    assert answer.readline() == b"retry: 1000\n"
    opened.clock.now_s += LOCKS_AFTER_S
    told = answer.read()
    stream.close()

    assert told.endswith(b"event: locked\ndata: -\n\n")


def test_signing_out_ends_the_session_at_once(opened: Hall):
    """Also for a copy of the cookie, and it is noted."""
    tablet = opened.tablet(GUIDE)
    copy = Tablet(tablet.port, tablet.cookie)
    answer = tablet.post("/sign-out", csrf=tablet.held("csrf"))

    assert answer.status == 303
    assert copy.ask("GET", "/").status == 303
    assert opened.acts("guide.sign")[-1] == (GUIDE, "guide.sign_out", "ok")


def test_the_role_decides_whatever_a_form_says(opened: Hall):
    """Every act by everybody: what is not this role's is refused before anything is looked at."""
    for role, staff_id in zip(ASSISTING, (GUIDE, VOLUNTEER, REMOTE), strict=True):
        tablet = opened.tablet(staff_id)
        csrf = tablet.held("csrf")
        for act, (_, roles) in ACTS.items():
            if role not in roles:
                answer = tablet.post("/act", {"Accept": "*/*"}, csrf=csrf, do=act)
                assert (answer.status, "scope-missing" in answer.text) == (403, True), act
        assert tablet.post("/act", {"Accept": "*/*"}, csrf=csrf, do="calibrate").status == 422


def test_who_waits_is_a_number_and_a_letter_until_a_guide_opens_the_row(opened: Hall):
    """A volunteer never sees more, from afar nobody sees the queue; opening is noted before."""
    first = opened.found.orders.add(wanted()).sitting_id
    guide, volunteer, far = (opened.tablet(one) for one in (GUIDE, VOLUNTEER, REMOTE))
    for tablet in (guide, volunteer):
        tablet.reads("004217")
        assert SURNAME not in tablet.page
        assert "女士" not in tablet.page
        assert '<b class="number">004217</b> <b class="initial">O</b>' in tablet.page
    assert "004217" not in far.read()
    assert "open-row" not in volunteer.buttons()
    assert volunteer.act("open-row", row=first).status == 403
    assert SURNAME not in volunteer.page
    assert opened.acts("guide.open") == []
    guide.act("open-row", row=first)

    assert SURNAME in guide.page
    assert opened.acts("guide.open") == [(GUIDE, "guide.open_row", "ok")]
    guide.act("close-row")
    assert SURNAME not in guide.page
    assert SURNAME not in json.dumps(opened.found.audit(), ensure_ascii=False)


def test_over_tls_the_cookie_belongs_to_this_host_alone_and_no_plain_one_counts(
    opened: Hall, tmp_path: Path
):
    """A PIN never crosses a network in the clear; the cookie's very name demands TLS."""
    authority = Ca(tmp_path, "ca")
    leaf = authority.server()
    context = browser_context(leaf.file, leaf.file, "guide")
    listener = Listener(opened.app, "127.0.0.1", 0, streams=GUIDE_STREAMS,
                        closing=threading.Event(), tls=context)  # fmt: skip
    listener.start()
    try:
        plain = opened.tablet(GUIDE)
        tablet = Tablet(listener.port, tls=client_context(authority))
        signed = tablet.sign_in(VOLUNTEER)
        carried = Tablet(listener.port, plain.cookie, tls=client_context(authority))
        replayed = carried.ask("GET", "/board", Accept="*/*").status
        with pytest.raises(ConnectionError):
            Tablet(listener.port).ask("GET", "/sign-in")
    finally:
        listener.close()

    assert signed.headers["Set-Cookie"].startswith("__Host-anxin-console=")
    assert "Secure" in signed.headers["Set-Cookie"]
    assert "board" in tablet.page
    assert replayed == 401


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        ("enabled = true", "guide.enabled"),
        ('enabled = true\nhost = "192.0.2.17"', "guide.host"),
        ('enabled = true\nhost = "192.0.2.17"\ncertificate = "a.pem"', "guide.host"),
    ],
    ids=["nobody-could-sign-in", "plain-on-a-network", "no-key"],
)
def test_a_console_that_would_be_open_or_for_nobody_is_refused(
    tmp_path: Path, lines: str, key: str
):
    """One sentence that names the key; nothing is started."""
    text = (CHECKOUT / "firmware_configs" / "stations" / "demo.toml").read_text("utf-8")
    staff = "" if key == "guide.enabled" else '[reuse]\nstaff_file = "staff.toml"\n\n'
    path = tmp_path / "station.toml"
    path.write_text(f"{text}\n{staff}[guide]\n{lines}\n")
    with pytest.raises(SettingsError) as refused:
        load_settings(path, check_camera=False)

    assert f"{key} " in str(refused.value)


def test_wrong_tries_of_one_address_are_not_even_looked_at(tmp_path: Path):
    """429 after five a minute, with the right PIN too: nobody makes the station hash all day."""
    with hall(tmp_path) as opened:
        tablet = opened.tablet()
        statuses = [tablet.post("/sign-in", staff="9999", pin=WRONG).status for _ in range(5)]
        late = tablet.post("/sign-in", staff=GUIDE, pin=PIN)

        assert statuses == [403] * 5
        assert late.status == 429
        assert int(late.headers["Retry-After"]) > 1
        assert "Set-Cookie" not in late.headers
        assert WRONG not in late.text


def test_the_wait_for_a_number_outlives_a_restart(tmp_path: Path):
    """It lies in the journal: a power cut is no way round it, and it counts for the kiosk too."""
    add_staff(tmp_path / "staff.toml", GUIDE, PIN)
    waits = []
    for _ in range(2):
        with Store.open(tmp_path / "store.db", tmp_path / "store.key") as store:
            staff = Staff(tmp_path / "staff.toml", store)
            sessions = Sessions(staff, ASSISTING)
            for _ in range(4 if not waits else 1):
                with pytest.raises(WrongPin):
                    sessions.sign_in(GUIDE, WRONG, "zh-CN")
            with pytest.raises(WrongPin) as refused:
                sessions.sign_in(GUIDE, PIN, "zh-CN")
            waits.append(refused.value.wait_s)

    assert min(waits) > 0


@pytest.fixture
def book(tmp_path: Path) -> Iterator[tuple[Staff, Path]]:
    """The staff as a file has it, and the file."""
    path = tmp_path / "staff.toml"
    add_staff(path, GUIDE, PIN)
    with Store.open(tmp_path / "store.db", tmp_path / "store.key") as store:
        yield Staff(path, store), path


def test_whoever_is_struck_off_does_nothing_any_more(book: tuple[Staff, Path]):
    """At the next act, and so for whoever is given another role."""
    staff, path = book
    for change in (
        lambda: add_staff(path, GUIDE, PIN, "remote"), lambda: remove_staff(path, GUIDE)
    ):  # fmt: skip
        sessions = Sessions(staff, ASSISTING)
        token, _ = sessions.sign_in(GUIDE, PIN, "zh-CN")
        assert sessions.act(token)
        change()

        assert sessions.act(token) is None
        assert sessions.of(token) is None


def test_one_person_has_one_session_and_no_session_outlives_a_shift(book: tuple[Staff, Path]):
    """A tablet that was forgotten is signed out by the next one."""
    clock = Clock()
    sessions = Sessions(book[0], ASSISTING, clock.read_s)
    first, _ = sessions.sign_in(GUIDE, PIN, "zh-CN")
    second, _ = sessions.sign_in(GUIDE, PIN, "en")
    assert sessions.of(first) is None
    for _ in range(int(ENDS_AFTER_S / LOCKS_AFTER_S) * 2):
        clock.now_s += LOCKS_AFTER_S / 2
        sessions.act(second)

    assert sessions.of(second) is None


def test_tries_are_forgotten_in_time_and_memory_is_bounded():
    """An address that guessed may try again; a million addresses take no more room than a few."""
    clock = Clock()
    tries = Tries(now_s=clock.read_s)
    for _ in range(5):
        tries.wrong("192.0.2.1")
    assert 59 < tries.wait_s("192.0.2.1") <= 60
    clock.now_s += 60
    assert tries.wait_s("192.0.2.1") == 0
    for n in range(ADDRESSES_MAX + 50):
        tries.wrong(f"192.0.2.{n}")

    assert len(tries._wrong) == ADDRESSES_MAX


def test_the_small_preview_is_small_and_slow_however_many_ask():
    """480 px wide at most, one in half a second, the same for all; an old one is none."""
    clock, shots = Clock(), iter(range(1000))
    camera = type("Camera", (), {})()
    camera.wait_preview = lambda after, timeout_s: Shot(
        drawn_person(960, 720), next(shots), clock.now_s
    )

    def pass_time(seconds: float) -> None:
        clock.now_s += seconds

    preview = SmallPreview(camera, clock.read_s, pass_time)
    seen: list[Small] = []
    begun_s = clock.now_s
    while clock.now_s < begun_s + 10:
        for _ in range(3):
            small = preview.next(seen[-1].sequence if seen else -1, 0.05)
            if small is not None:
                seen.append(small)
    width = int.from_bytes(re.search(rb"\xff\xc0.{5}(..)", seen[0].jpeg, re.DOTALL)[1], "big")

    assert width == WIDTH_PX
    assert 10 <= len(seen) <= 10 / EVERY_S + 1
    camera.wait_preview = lambda after, timeout_s: None
    clock.now_s += 5
    assert preview.next(-1, 0.1) is None
