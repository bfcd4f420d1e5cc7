"""What staff do at the kiosk: both pictures, number and PIN by keys of the page, a signature."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from api.app import KioskStation, create_kiosk_app
from api.kiosk.identity import key_of
from api.kiosk.look import Look
from api.kiosk.pad import DELETE, DIGITS_MAX, SHUTTER, SIGN, STAYS_S, Pads
from api.kiosk.touches import FROM_FORM, TOUCHES
from edge.override import OverrideReason
from edge.sitting import Event, Overlay, State, mark_of
from tests.browser.desk import CHECKS, PIN, REUSE, SCENES, STAFF_ID, TOKEN, Camera, Desk

ORIGIN = "http://127.0.0.1:8080"
OURS = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}
PICTURES = ("earlier-photo", "live-look")


@dataclass
class Kiosk:
    """The pages over a desk that a test fills, touched as a page would."""

    desk: Desk
    client: FlaskClient

    @property
    def page(self) -> str:
        return self.client.get("/", base_url=ORIGIN).text

    def touch(self, *actions: str, headers: dict[str, str] = OURS) -> int:
        """Touch one after the other; the last answer's status."""
        status = 0
        for action in actions:
            page = self.page
            form = {name: _hidden(page, name) for name in ("token", "mark")} | {"action": action}
            answer = self.client.post("/act", data=form, base_url=ORIGIN, headers=headers)
            status = answer.status_code
        return status

    def type(self, number: str = STAFF_ID, pin: str = PIN) -> None:
        """Type a number and a PIN into an open sheet."""
        self.touch("field:number", *(f"key:{digit}" for digit in number))
        self.touch("field:pin", *(f"key:{digit}" for digit in pin))

    @property
    def overlay(self) -> str:
        found = re.search(r'data-overlay="([^"]*)"', self.page)
        assert found
        return found[1]


def _hidden(page: str, name: str) -> str:
    found = re.search(f'name="{name}" value="([^"]*)"', page)
    assert found
    return found[1]


@pytest.fixture
def kiosk() -> Iterator[Kiosk]:
    """A fresh desk at which an attendant is asked to look at two pictures."""
    desk, closing = Desk(), threading.Event()
    desk.put(SCENES["reuse-staff"])
    station = KioskStation(desk, Camera(), "demo-01", "12345", 102.46)
    yield Kiosk(desk, create_kiosk_app(station, closing).test_client())
    closing.set()


@pytest.mark.parametrize(
    ("choice", "event", "state"),
    [
        ("sign:same", Event.REUSE_AGREED, State.FINGER),
        ("sign:other", Event.REUSE_REFUSED, State.PORTRAIT),
    ],
)
def test_an_attendant_signs_what_both_pictures_show(kiosk: Kiosk, choice, event, state):
    """Number and PIN by the page's keys, one touch for what was seen, and the sheet is gone."""
    kiosk.touch("staff:sign")
    kiosk.type()
    kiosk.touch(choice)

    assert kiosk.desk.signed == [(event.value, STAFF_ID)]
    assert kiosk.desk.snapshot.state is state
    assert kiosk.overlay == ""


def test_without_an_attendant_nothing_is_signed(kiosk: Kiosk):
    """No sheet, an empty one, a number alone: nothing reaches the desk; the rest is asked for."""
    kiosk.touch("sign:same", "sign:other", "shutter:take", "key:1", "field:pin")
    assert kiosk.overlay == ""
    kiosk.touch("staff:sign", "sign:same")
    assert "请先输工号和密码" in kiosk.page
    kiosk.touch("key:1", "sign:same", "shutter:take")

    assert kiosk.desk.signed == []
    assert kiosk.desk.snapshot.state is State.REUSE_CHECK


@pytest.mark.parametrize(("wait_s", "told"), [(0.0, None), (0.4, "1"), (31.2, "32")])
def test_a_wrong_pin_says_how_long_to_wait_and_is_forgotten(kiosk: Kiosk, wait_s, told):
    """Whole seconds, rounded up; the number stays, the PIN is typed again."""
    kiosk.desk.pin_wait_s = wait_s
    kiosk.touch("staff:sign")
    kiosk.type(pin="999999")
    kiosk.touch("sign:same")
    page = kiosk.page

    assert kiosk.desk.signed == []
    assert "工号和密码对不上" in page
    found = re.search(r"再输请等（秒）： (\d+)", page)
    assert (found[1] if found else None) == told
    assert f"data-number>{STAFF_ID}<" in page
    assert "data-pin><" in page
    kiosk.touch(*(f"key:{digit}" for digit in PIN), "sign:same")
    assert kiosk.desk.signed == [(Event.REUSE_AGREED.value, STAFF_ID)]


def test_a_pin_is_dots_on_the_page_and_nowhere_else(kiosk: Kiosk):
    """Not on a page, in an event, in a log or in an address; and no text field could keep it."""
    pin = "58675309"
    with capture_logs() as lines:
        kiosk.touch("staff:sign")
        kiosk.type(pin=pin)
        page, stream = kiosk.page, kiosk.client.get("/events", base_url=ORIGIN)
        words = (piece.decode() for piece in stream.response)
        told = next(words) + next(words)
        stream.close()
        kiosk.touch("sign:same")

    dots = "\u2022" * len(pin)
    assert f"data-pin>{dots}<" in page
    assert f'"pin": "{dots}"' in told
    assert pin not in page + told + repr(lines)
    assert '<form id="stage" method="post" action="/act" autocomplete="off"' in page
    assert re.findall(r'<input (?!type="hidden")', page) == []


def test_a_page_is_drawn_anew_when_somebody_acts_for_the_person():
    """She sees at once that somebody does, and when nobody does any more."""
    shown = SCENES["consent"]
    keys = {
        key_of(replace(shown, assisted_by=staff_id), Look(), "", mark_of(shown), None)
        for staff_id in ("", STAFF_ID)
    }
    assert len(keys) == 2


def test_the_key_of_a_screen_tells_nothing_of_a_pin(kiosk: Kiosk):
    """It goes to every page that listens; who knew the rest could try all PINs on a hash."""
    keys = set()
    kiosk.touch("staff:sign", "field:pin")
    for digit in "123":
        kiosk.touch(f"key:{digit}")
        keys |= set(re.findall(r'data-key="(\w+)"', kiosk.page))

    assert len(keys) == 1


def test_the_person_may_choose_a_new_photo_at_any_time(kiosk: Kiosk):
    """Before, during and after the look; no attendant is needed to say no."""
    for name in ("reuse", "reuse-look", "reuse-hint", "reuse-compare", "reuse-staff"):
        kiosk.desk.put(SCENES[name])
        assert 'value="reuse-declined"' in kiosk.page, name
        assert kiosk.touch("reuse-declined") == 303
        assert kiosk.desk.snapshot.state is State.PORTRAIT
    kiosk.desk.put(SCENES["reuse-staff"])
    kiosk.touch("staff:sign", "staff:back")
    assert 'value="reuse-declined"' in kiosk.page


def test_neither_choice_stands_out(kiosk: Kiosk):
    """The earlier photo or a new one: the same button twice, and nothing that leads the hand."""
    kiosk.desk.put(SCENES["reuse"])
    classes = re.findall(r'<button class="(choice[^"]*)"', kiosk.page)

    assert classes == ["choice", "choice"]


def test_only_staff_read_what_the_earlier_photo_does_not_pass_and_in_words(kiosk: Kiosk):
    """The person is never told a measure, the attendant never a code."""
    before = kiosk.page
    kiosk.touch("staff:sign")
    sheet = kiosk.page

    for line in ("头的姿势", "光线", "背景", "尺寸", "清晰程度"):
        assert line in sheet
        assert line not in before
    assert not [code for code in CHECKS if code in before + sheet]


@pytest.mark.parametrize("name", PICTURES)
def test_the_pictures_are_shown_to_the_sitting_s_token_only_and_kept_nowhere(kiosk: Kiosk, name):
    """Without the token, with another, after the sitting: not found; never stored by a browser."""
    path = f"/sample/{name}.jpg"
    right = kiosk.client.get(f"{path}?token={TOKEN}", base_url=ORIGIN)

    assert (right.status_code, right.mimetype) == (200, "image/jpeg")
    assert right.data.startswith(b"\xff\xd8")
    assert right.headers["Cache-Control"] == "no-store"
    for token in ("", "?token=", "?token=wrong", f"?token={TOKEN}x", "?token=%ff%fe"):
        assert kiosk.client.get(f"{path}{token}", base_url=ORIGIN).status_code == 404
    kiosk.desk.put(SCENES["welcome"])
    for token in ("", "?token=", f"?token={TOKEN}"):
        assert kiosk.client.get(f"{path}{token}", base_url=ORIGIN).status_code == 404


def test_no_live_look_leaves_before_it_was_taken(kiosk: Kiosk):
    """While the person looks into the camera there is a preview, and no picture to compare."""
    kiosk.desk.put(SCENES["reuse-look"])

    assert kiosk.client.get(f"/preview/camera?token={TOKEN}", base_url=ORIGIN).status_code == 200
    live_look = kiosk.client.get(f"/sample/live-look.jpg?token={TOKEN}", base_url=ORIGIN)
    assert live_look.status_code == 404


def test_a_refusal_is_one_neutral_line(kiosk: Kiosk):
    """No reason and no blame: a new one is taken."""
    kiosk.desk.put(SCENES["portrait-refused"])
    assert kiosk.page.count("我们拍一张新的") == 1
    kiosk.desk.put(replace(SCENES["portrait-refused"], reuse=replace(REUSE, refused="other")))
    assert kiosk.touch("help") == 303


def test_who_does_not_come_to_a_picture_is_offered_staff_without_hurry(kiosk: Kiosk):
    """One large button more; without it the screen is what it was."""
    kiosk.desk.put(SCENES["portrait-hold"])
    plain = kiosk.page
    kiosk.desk.put(replace(SCENES["portrait-hold"], stuck=True))
    stuck = kiosk.page

    assert "不着急，工作人员可以帮您拍" in stuck
    assert len(re.findall('class="choice primary" name="action" value="help"', stuck)) == 1
    assert 'class="choice primary"' not in plain
    kiosk.touch("help")
    assert kiosk.desk.snapshot.overlay is Overlay.HELP


@pytest.mark.parametrize("reason", list(OverrideReason), ids=lambda reason: reason.value)
def test_staff_take_the_portrait_for_a_reason_in_words(kiosk: Kiosk, reason: OverrideReason):
    """From the help that was called: reason, number, PIN, one button."""
    kiosk.desk.put(SCENES["help-portrait"])
    kiosk.touch("staff:shutter")
    assert kiosk.desk.snapshot.overlay is None
    kiosk.type()
    kiosk.touch("shutter:take")
    assert "再选原因" in kiosk.page
    assert kiosk.desk.signed == []
    kiosk.touch(f"reason:{reason.value}", "sign:same")
    assert kiosk.page.count('aria-pressed="true"') == 1
    kiosk.touch("shutter:take")

    assert kiosk.desk.signed == [(reason.value, STAFF_ID)]
    assert kiosk.overlay == ""


def test_a_signature_from_another_page_or_for_another_sitting_is_refused(kiosk: Kiosk):
    """The same guards as for every touch: Origin, token, mark."""
    kiosk.touch("staff:sign")
    kiosk.type()
    assert kiosk.touch("sign:same", headers={"Origin": "http://evil.example"}) == 403
    for token, mark in (("", "reuse-check"), ("another", "reuse-check"), (TOKEN, "portrait")):
        form = {"action": "sign:same", "token": token, "mark": mark}
        kiosk.client.post("/act", data=form, base_url=ORIGIN, headers=OURS)

    assert kiosk.desk.signed == []


def test_a_sheet_goes_with_its_screen_and_its_sitting(kiosk: Kiosk):
    """What one attendant typed is never signed for the next person."""
    kiosk.touch("staff:sign")
    kiosk.type()
    kiosk.desk.put(replace(SCENES["reuse-staff"], token="the-next-sitting"))
    assert kiosk.overlay == ""
    kiosk.touch("sign:same")
    kiosk.desk.put(SCENES["portrait"])
    kiosk.touch("sign:same", "shutter:take")

    assert kiosk.desk.signed == []


@pytest.mark.parametrize("action", ["help", "rest", "staff:sign", "ask-leave"])
@pytest.mark.parametrize("gone", ["token", "mark"])
def test_a_touch_on_a_screen_that_has_gone_does_nothing(kiosk: Kiosk, action: str, gone: str):
    """Of the sitting before, or of the screen before: the present one stays as it is."""
    form = {name: _hidden(kiosk.page, name) for name in ("token", "mark")}
    form |= {"action": action, gone: "of-the-one-before"}
    before = kiosk.desk.snapshot
    kiosk.client.post("/act", data=form, base_url=ORIGIN, headers=OURS)

    assert kiosk.desk.snapshot == before
    assert kiosk.overlay == ""


def test_two_signatures_at_once_are_one(kiosk: Kiosk):
    """The PIN is taken once; the second touch finds none."""
    kiosk.touch("staff:sign")
    kiosk.type()
    form = {"action": "sign:same", "token": TOKEN, "mark": "reuse-check"}
    clients = [kiosk.client.application.test_client() for _ in "ab"]
    taps = [
        threading.Thread(
            target=client.post, args=("/act",),
            kwargs={"data": form, "base_url": ORIGIN, "headers": OURS},
        )
        for client in clients
    ]  # fmt: skip
    for tap in taps:
        tap.start()
    for tap in taps:
        tap.join()

    assert kiosk.desk.signed == [(Event.REUSE_AGREED.value, STAFF_ID)]


class Clock:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_sheet_that_nobody_touches_closes():
    """A PIN is not left lying about for whoever comes next."""
    clock = Clock()
    pads = Pads(clock)
    pads.open("t", "reuse-check", SIGN)
    for digit in "12":
        clock.now_s += STAYS_S
        pads.press("t", "reuse-check", digit)
    pad = pads.of("t", "reuse-check")
    clock.now_s += STAYS_S + 1

    assert pad is not None
    assert pad.number == "12"
    assert pads.of("t", "reuse-check") is None
    pads.press("t", "reuse-check", "3")
    assert pads.take("t", "reuse-check", SIGN) is None


@pytest.mark.parametrize(
    ("token", "mark"), [("", "welcome"), ("t", "portrait"), ("u", "reuse-check")]
)
def test_a_pin_is_forgotten_as_soon_as_another_screen_is_shown(token, mark):
    """Not only hidden from it: the next screen may stand for hours without a touch."""
    pads = Pads()
    pads.open("t", "reuse-check", SIGN)
    pads.turn_to("t", "reuse-check", "pin")
    pads.press("t", "reuse-check", "7")
    assert pads.of(token, mark) is None

    assert pads._pad is None
    assert pads.of("t", "reuse-check") is None


def test_a_pin_is_handed_over_once():
    """Also where the signature is then refused: whoever signs again types again."""
    pads = Pads()
    pads.open("t", "reuse-check", SIGN)
    pads.press("t", "reuse-check", "1")
    pads.turn_to("t", "reuse-check", "pin")
    pads.press("t", "reuse-check", "2")
    assert pads.take("t", "reuse-check", SHUTTER) is None
    taken = pads.take("t", "reuse-check", SIGN)
    left = pads.of("t", "reuse-check")

    assert taken is not None
    assert (taken.number, taken.pin) == ("1", "2")
    assert left is not None
    assert left.pin == ""
    assert pads.take("t", "reuse-check", SIGN) is None


def test_a_pad_holds_so_many_digits_and_gives_the_last_one_back():
    """A key that sticks fills no memory."""
    pads = Pads()
    pads.open("t", "portrait", SHUTTER)
    for _ in range(DIGITS_MAX + 5):
        pads.press("t", "portrait", "7")
    pads.press("t", "portrait", DELETE)
    pad = pads.of("t", "portrait")

    assert pad is not None
    assert pad.number == "7" * (DIGITS_MAX - 1)
    assert pad.pin == ""
    assert "7" not in repr(pad)


def test_no_sheet_opens_without_a_sitting():
    """Before the first touch nobody is there to be vouched for."""
    pads = Pads()
    pads.open("", "welcome", SIGN)

    assert pads.of("", "welcome") is None


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    scene=st.sampled_from(sorted(SCENES)),
    actions=st.lists(st.sampled_from(sorted({*FROM_FORM, *TOUCHES})), max_size=12),
    wait_s=st.sampled_from([0.0, 0.01, 1e9]),
)
def test_no_order_of_touches_makes_the_pages_stumble(kiosk: Kiosk, scene, actions, wait_s):
    """Every touch that exists, in any order, on any screen: the next page is drawn."""
    kiosk.desk.put(SCENES[scene])
    kiosk.desk.pin_wait_s = wait_s
    for action in actions:
        assert kiosk.touch(action) == 303
    assert kiosk.client.get("/", base_url=ORIGIN).status_code == 200


@given(action=st.text(max_size=30) | st.from_regex(r"(key|field|reason|sign|staff):[\w:]{0,9}"))
@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_what_no_page_posts_is_refused(kiosk: Kiosk, action: str):
    """422 and nothing typed: neither a letter, nor a longer key, nor a reason of one's own."""
    kiosk.touch("staff:sign")
    known = action in {*FROM_FORM, *TOUCHES} or action.startswith("language:")

    assert known or kiosk.touch(action) == 422
