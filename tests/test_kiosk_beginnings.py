"""Before and after the sitting itself: slip, lists, cards, receipt, company and the look."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from api.app import KioskStation, create_kiosk_app
from api.kiosk.listing import CHOOSE, first_page, is_page, listing
from api.kiosk.look import Looks
from api.kiosk.missing import day_words
from api.kiosk.slip import STAYS_S, Slips, scanned_digits
from api.kiosk.touches import FROM_FORM
from edge.service.content import Content
from edge.sitting import FROM_THE_PERSON, Event, Overlay, PreferencesView, Result, State
from tests.browser.desk import CARD, CHEN, SCENES, SLIP, STAFF_ID, TOKEN, Camera, Desk, demo_content
from tests.test_kiosk_catalogue import CATALOGUE

ORIGIN = "http://127.0.0.1:8080"
OURS = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}
RECEIPT = f"/receipt?token={TOKEN}"


class Screen:
    """The pages over a desk that a test fills, touched as a page would."""

    def __init__(self, desk: Desk, client: FlaskClient) -> None:
        self.desk = desk
        self.client = client

    def get(self, path: str = "/") -> str:
        return self.client.get(path, base_url=ORIGIN).text

    def status(self, path: str) -> int:
        return self.client.get(path, base_url=ORIGIN).status_code

    def touch(self, action: str, **more: str) -> int:
        page = self.get()
        form = {
            name: re.findall(f'name="{name}" value="([^"]*)"', page)[0]
            for name in ("token", "mark")
        }
        form |= {"action": action, **more}
        answer = self.client.post("/act", data=form, base_url=ORIGIN, headers=OURS)
        return answer.status_code

    def show(self, scene: str, /, **changes: object) -> str:
        self.desk.put(replace(SCENES[scene], **changes))
        return self.get()


@pytest.fixture
def screen() -> Iterator[Screen]:
    """A fresh desk each time, with the demo's packs."""
    desk, closing = Desk(), threading.Event()
    station = KioskStation(desk, Camera(), "demo-01", "12345", 102.46, demo_content, printer=True)
    yield Screen(desk, create_kiosk_app(station, closing).test_client())
    closing.set()


def test_every_event_of_the_person_can_be_posted_and_no_other():
    """What the table lets a person do, the pages can do."""
    assert set(FROM_FORM.values()) == FROM_THE_PERSON


def test_a_number_is_typed_by_plain_forms_and_leads_to_the_name(screen: Screen):
    """Six touches and one more; a seventh digit changes nothing, the last can be taken away."""
    screen.show("number")
    for digit in SLIP[:5] + "99":
        screen.touch(f"digit:{digit}")
    screen.touch("digit:delete")
    screen.touch(f"digit:{SLIP[5]}")
    assert f'data-slip="{SLIP}"' in screen.get()
    screen.touch("number-done")

    assert screen.desk.given == [SLIP]
    assert screen.desk.snapshot.state is State.NAME
    assert "陈" in screen.get()


def test_a_number_that_is_not_whole_asks_nobody(screen: Screen):
    """Five digits are no number yet: nothing is looked for, nobody is called."""
    screen.show("number")
    for digit in SLIP[:5]:
        screen.touch(f"digit:{digit}")
    screen.touch("number-done")

    assert screen.desk.given == []
    assert screen.desk.snapshot.state is State.NUMBER


def test_an_unknown_number_is_looked_into_by_staff_and_is_nobody_s_mistake(screen: Screen):
    """The screen stays, empty, and says that somebody comes."""
    screen.show("number")
    for digit in "999999":
        screen.touch(f"digit:{digit}")
    screen.touch("number-done")
    page = screen.get()

    assert "我请工作人员来看一下" in page
    assert 'data-slip=""' in page


@pytest.mark.parametrize("scene", ["welcome", "idle", "number", "welcome-number-only"])
def test_a_scanned_slip_leads_to_the_name_at_once(screen: Screen, scene: str):
    """No touch is needed before, not even the one that takes the card away."""
    screen.show(scene)
    screen.touch("scan", scanned=f"anxin:{SLIP}")

    assert screen.desk.given == [SLIP]
    assert screen.desk.snapshot.state is State.NAME


@pytest.mark.parametrize(
    ("read", "digits"),
    [
        ("anxin:480217", "480217"), ("ANXIN:480217\r", "480217"), ("480217", "480217"),
        ("48021", ""), ("4802170", ""), ("anxin:48021x", ""), ("", ""), ("anxin:４８０２１７", ""),
        ("https://example.invalid/480217", ""),
    ],
)  # fmt: skip
def test_only_our_own_codes_are_numbers(read: str, digits: str):
    """Six digits of ASCII, with our mark or bare."""
    assert scanned_digits(read) == digits


def test_a_foreign_code_is_looked_into_by_staff_and_stands_in_no_log(screen: Screen):
    """A shop's card before the scanner: what it says is told to the desk alone, and cut short."""
    screen.show("welcome")
    with capture_logs() as lines:
        screen.touch("scan", scanned="MEMBER-" + "7" * 200)

    assert [len(text) for text in screen.desk.given] == [64]
    assert "MEMBER" not in repr(lines)
    assert "MEMBER" not in screen.get()


def test_typed_digits_are_forgotten_with_the_screen_and_with_time():
    """The next person finds an empty one."""
    now = [0.0]
    slips = Slips(lambda: now[0])
    slips.press("", "4")
    kept, other = slips.of(""), slips.of("another")
    now[0] = STAYS_S + 1

    assert (kept, other, slips.of("")) == ("4", "", "")


def test_the_digits_of_a_slip_are_in_no_key(screen: Screen):
    """A key may stand in a log; who has all the rest could try a million numbers on it."""
    screen.show("number")
    before = re.findall(r'data-key="([^"]+)"', screen.get())
    screen.touch("digit:4")

    assert re.findall(r'data-key="([^"]+)"', screen.get()) == before


def test_only_surname_and_honorific_are_on_the_screen_that_asks(screen: Screen):
    """In either language, and nowhere once it was answered."""
    for language in ("zh-CN", "en"):
        page = screen.show("name", language=language)
        assert f"<b>{CHEN.surname}</b>" in page
        assert f"<b>{CHEN.honorific}</b>" in page
    page = screen.show("consent", name=CHEN)

    assert CHEN.surname not in page


def test_face_and_fingers_are_agreed_to_apart_where_both_are_asked(screen: Screen):
    """Without fingers there is nothing to agree to apart."""
    both, photo = screen.show("consent"), screen.show("consent-photo")

    assert 'value="agree-photo-only"' in both
    assert 'value="agree-photo-only"' not in photo
    assert "指纹" not in photo


def test_every_paper_is_asked_for_by_its_name_and_a_late_second_tap_answers_for_no_other(
    screen: Screen,
):
    """The mark names the paper, as it names the finger."""
    assert "户口簿" in screen.show("materials")
    assert "一份材料" in screen.show("materials-unknown")
    one, other = (screen.show(f"materials{name}") for name in ("-one", ""))
    mark = re.findall('name="mark" value="([^"]*)"', one)[0]
    assert f'value="{mark}"' not in other
    form = {"action": "material-here", "token": TOKEN, "mark": mark}
    screen.client.post("/act", data=form, base_url=ORIGIN, headers=OURS)

    assert screen.desk.asked == []
    screen.touch("material-here")
    assert screen.desk.asked == [(Event.MATERIAL_HERE, TOKEN)]


def test_a_dead_camera_has_a_way_round_it(screen: Screen):
    """The photo can follow; nobody stands before a turning ring for good."""
    screen.show("calm-camera-long")
    screen.touch("portrait-given-up")

    assert screen.desk.asked == [(Event.PORTRAIT_GIVEN_UP, TOKEN)]


@pytest.mark.parametrize("scene", ["idle", "still-there"])
def test_one_touch_says_that_somebody_is_there(screen: Screen, scene: str):
    """The card or the question goes, and nothing else moves."""
    screen.show(scene)
    screen.touch("still-here")

    assert screen.desk.snapshot.overlay is None
    assert screen.desk.asked == []


def test_cards_are_shown_with_their_picture_and_only_on_the_idle_screen(screen: Screen):
    """Never during a sitting; a card that is not there leaves a plain welcome."""
    page = screen.show("idle")
    picture = re.findall(r'src="(/card/[^"]+)"', page)

    assert picture == [f"/card/{CARD}"]
    assert screen.status(picture[0]) == 200
    assert screen.status("/card/another") == 404
    assert "/card/" not in screen.show("welcome", card=CARD)
    assert "/card/" not in screen.show("consent", card=CARD)
    assert "/card/" not in screen.show("idle", card="gone")


def test_a_call_says_who_comes_and_since_when(screen: Screen):
    """First that it was raised, then that it was raised again, then who comes."""
    new, again, coming = (screen.show(f"help-{name}") for name in ("new", "again", "coming"))

    assert "data-minutes" not in new
    assert "又叫了一次" in again
    assert "<b data-minutes>3</b>" in again
    assert 'class="hotline">12345' in again
    assert f"<b>{STAFF_ID}</b>" in coming


def test_nobody_sees_the_screen_from_afar_before_it_was_agreed_to(screen: Screen):
    """The question has two equal answers; a touch ends it at any time."""
    asked = screen.show("remote-asked")
    assert 'data-overlay="remote"' in asked
    assert 'class="banner' not in asked
    screen.touch("remote:yes")
    watched = screen.get()
    assert 'class="banner remote' in watched
    assert "李老师" in watched
    screen.touch("remote:no")

    assert screen.desk.snapshot.remote is None


@pytest.mark.parametrize("scene", ["portrait-remote", "finger-pointed", "consent-assisted"])
def test_whoever_helps_stands_on_the_screen_whatever_lies_over_it(screen: Screen, scene: str):
    """The banner is never covered, neither by a question nor by a calm card."""
    for overlay in (None, Overlay.HELP, Overlay.CALM, Overlay.REST, Overlay.STILL_THERE):
        page = screen.show(scene, overlay=overlay)
        assert 'class="banner' in page, overlay
    screen.show(scene)
    screen.touch("ask-leave")

    assert 'class="banner' in screen.get()


def test_who_helps_from_afar_points_at_one_button(screen: Screen):
    """A ring around it, and a spoken line that stands in the banner."""
    page = screen.show("finger-pointed")

    assert re.findall(r'class="choice pointed" name="action" value="([^"]+)"', page) == [
        "finger-skipped"
    ]
    assert "请按圈出来的按钮" in page


def test_the_lists_lead_through_every_paper_and_back(screen: Screen):
    """From the welcome screen, a few papers at a time, none left out."""
    content = demo_content()
    for business in content.businesses():
        page, seen = f"{business}:0", []
        while page:
            screen.touch(f"lists:{page}")
            shown = listing(content, page, "zh-CN")
            assert shown.materials[0].name in screen.get()
            seen += [paper.code for paper in shown.materials]
            page = shown.more
        wanted = content.checklist(business, "zh-CN")
        assert wanted
        assert seen == [paper.code for paper in wanted.materials]
    screen.touch("lists:")

    assert 'data-overlay=""' in screen.get()


def test_every_business_can_be_chosen_and_the_choice_goes_round():
    """Three at most stand there at once; the last leads to the others and to the first again."""
    content = demo_content()
    page, seen = first_page(content), []
    while (shown := listing(content, page, "en")).more not in ("", f"{CHOOSE}:0"):
        seen += [code for code, _ in shown.choices]
        page = shown.more
    seen += [code for code, _ in shown.choices]

    assert seen == list(content.businesses())


@pytest.mark.parametrize("page", ["nothing:0", "choose:x", "choose:-1", "choose:9999", "x" * 80])
def test_no_page_of_lists_but_ours_is_opened(screen: Screen, page: str):
    """422, and nothing changes."""
    screen.show("welcome")

    assert not is_page(demo_content(), page)
    assert screen.touch(f"lists:{page}") == 422


def test_without_packs_nothing_is_offered_that_is_not_there():
    """No list, no button."""
    assert first_page(Content()) == ""


def test_the_lists_are_closed_for_the_next_person(screen: Screen):
    """What one person looked up is not what the next one begins with."""
    screen.show("welcome")
    screen.touch("lists:choose:0")
    screen.touch("scan", scanned=SLIP)
    screen.show("welcome")

    assert 'data-overlay=""' in screen.get()


def test_the_receipt_says_what_was_taken_and_what_is_missing_until_when(screen: Screen):
    """Station, hotline, number of the slip; no name, no picture."""
    screen.show("result-papers", name=CHEN, day_number=SLIP)
    page = screen.get(RECEIPT)

    for words in ("demo-01", "12345", SLIP, "右手拇指", "左手拇指", "委托书", "2026年12月22日"):
        assert words in page
    for unwanted in (CHEN.surname, CHEN.honorific, "<img", STAFF_ID, TOKEN):
        assert unwanted not in page
    english = replace(SCENES["result-papers"], language="en")
    screen.desk.put(english)
    assert "22 December 2026" in screen.get(RECEIPT)


def test_the_receipt_is_for_whoever_shows_the_token_while_the_result_stands(screen: Screen):
    """Nobody's receipt is fetched afterwards, from history or by another."""
    screen.show("result-papers")
    good = screen.status(RECEIPT)
    others = [screen.status(f"/receipt{query}") for query in ("", "?token=", "?token=x")]
    later = []
    for scene in ("welcome", "rating", "consent", "idle"):
        screen.show(scene)
        later.append(screen.status(RECEIPT))

    assert good == 200
    assert set(others + later) == {404}


def test_a_receipt_says_nothing_was_taken_where_nothing_was(screen: Screen):
    """Also a finger that was pressed before the person was led to the window."""
    screen.show("result-window", fingers_in=("right_thumb",), result=Result.TO_WINDOW)
    page = screen.get(RECEIPT)

    assert "这里没有收下" in page
    assert "右手拇指" not in page


@pytest.mark.parametrize(
    ("language", "day", "words"),
    [
        ("zh-CN", "2027-01-05", "2027年1月5日"), ("en", "2027-01-05", "5 January 2027"),
        ("en", "", ""), ("zh-CN", "soon", ""),
    ],
)  # fmt: skip
def test_a_day_is_written_as_people_write_it(language: str, day: str, words: str):
    """And nothing stands where none was set."""
    assert day_words(CATALOGUE, language, day) == words


def test_a_rating_is_three_equal_faces_that_can_be_passed_by(screen: Screen):
    """None stands out; a poor one asks why, and that can be passed by as well."""
    page = screen.show("rating")
    assert "primary" not in page.split("<main")[1].split("</main>")[0]
    screen.touch("rate-poor")
    assert screen.desk.snapshot.state is State.RATING_REASON
    screen.touch("finish")

    assert screen.desk.snapshot.state is State.WELCOME


def test_a_sitting_is_shown_as_the_order_says_until_the_person_says_otherwise():
    """Her own touch comes first, and only for what she touched."""
    looks = Looks()
    suits = PreferencesView(text_scale=1.2, contrast=True, voice=False)
    ordered = looks.of(TOKEN, suits)
    looks.change(TOKEN, theme="light")
    touched = looks.of(TOKEN, suits)

    assert (ordered.scale, ordered.theme, ordered.voice) == ("1.25", "contrast", "off")
    assert (touched.scale, touched.theme, touched.voice) == ("1.25", "light", "off")
    assert looks.of("the-next", None).scale == "1"


def test_the_desk_hears_how_the_sitting_is_shown(screen: Screen):
    """When it begins and at every change; on the welcome screen nobody's look is noted."""
    screen.show("welcome")
    screen.touch("scale:1.25")
    assert screen.desk.looks == []
    screen.touch("start")
    screen.touch("voice:off")

    assert screen.desk.looks == [(TOKEN, "1.25", "light", "on"), (TOKEN, "1.25", "light", "off")]
