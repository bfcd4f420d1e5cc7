"""What is read aloud on each screen: all that it asks and offers, nothing that nobody sees."""

from __future__ import annotations

import threading
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from flask.testing import FlaskClient

from api.app import KioskStation, create_kiosk_app
from api.kiosk import speech
from api.kiosk.catalogue import load_catalogue
from api.kiosk.look import Look
from api.kiosk.speech import spoken
from api.kiosk.spoken import spoken_lines
from api.kiosk.view import View, view
from edge.sitting import FingerPhase, FingerStep, Overlay, RemoteView, Snapshot, State
from edge.snapshot import HelpView, NameView
from tests.browser.desk import SCENES, SHEETS, TOKEN, Camera, Desk, demo_content, scene

ORIGIN = "http://127.0.0.1:8080"
CATALOGUE = load_catalogue()
SILENT = {"idle", "idle-plain"}
"""Before these nobody stands."""
NOT_SAID = {
    # Said to whoever is stuck, or with the first finger; at once they would drown what to do.
    *("portrait.skip", "finger.not_possible", "finger.more"),
    # For staff, who read.
    "staff.here",
    # Said with the papers before it, as part of what the signed pack says.
    "checklist.more",
}


class Words(HTMLParser):
    """Collects the words of the heading and of the choices of a page's main part."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self.words: list[str] = []
        self.speak: list[str] = []
        self._into: list[str] | None = None
        self._main = self._choices = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if named.get("id") == "stage":
            self.speak = named["data-speak"].split()
        self._main |= tag == "main"
        choice = tag == "button" and named.get("class", "").startswith("choice")
        if self._main and (tag == "h1" or choice):
            self._into = []

    def handle_endtag(self, tag: str) -> None:
        self._main &= tag != "main"
        if tag in ("h1", "button") and self._into is not None:
            self.words.append("".join(self._into).strip())
            self._into = None

    def handle_data(self, data: str) -> None:
        if self._into is not None:
            self._into.append(data)


@pytest.fixture
def desk() -> Desk:
    """Shows what a test puts up."""
    return Desk()


@pytest.fixture
def client(desk: Desk) -> FlaskClient:
    """The pages over that desk."""
    return pages_over(desk)


@pytest.fixture(scope="module")
def standing() -> tuple[Desk, FlaskClient]:
    """Pages that are only looked at: whoever touches nothing may share them."""
    desk = Desk()
    return desk, pages_over(desk)


def pages_over(desk: Desk) -> FlaskClient:
    """Return the pages over a desk, for a browser's requests without one."""
    station = KioskStation(desk, Camera(), "demo-01", "12345", 102.46, demo_content)
    return create_kiosk_app(station, threading.Event()).test_client()


def words(client: FlaskClient) -> Words:
    """Return what the page asks and offers now."""
    return Words(client.get("/screen", base_url=ORIGIN).text)


def unsaid(found: Words, language: str) -> list[str]:
    """Return what stands on the screen and is not heard."""
    heard = {CATALOGUE.line(language, one.partition("#")[0]) for one in found.speak if _known(one)}
    spared = {CATALOGUE.line(language, line_id) for line_id in NOT_SAID}
    heard |= {line.split("。")[0].split(". ")[0] for line in heard}
    return [word for word in found.words if word not in heard | spared]


def _known(line_id: str) -> bool:
    return CATALOGUE.has(line_id.partition("#")[0])


@pytest.mark.parametrize("name", [name for name in SCENES if name not in SILENT])
def test_what_a_screen_asks_and_offers_is_heard(standing: tuple[Desk, FlaskClient], name: str):
    """Heading and choices, in both languages; the ids are lines that have a sound."""
    desk, client = standing
    for language in CATALOGUE.names:
        desk.put(replace(SCENES[name], language=language))
        found = words(client)

        assert found.words
        assert not unsaid(found, language)
        sounds = {*spoken_lines(language), *speech.DYNAMIC}
        assert not [one for one in found.speak if one.partition("#")[0] not in sounds]


@pytest.mark.parametrize("name", sorted(SHEETS))
def test_what_is_asked_over_a_screen_is_heard_unless_it_is_for_staff(
    client: FlaskClient, desk: Desk, name: str
):
    """Leaving, other fingers and lists are read out; a reason that staff choose never is."""
    on, action = SHEETS[name]
    desk.put(SCENES[on])
    form = {"action": action, "token": desk.snapshot.token, "mark": ""}
    page = client.get("/screen", base_url=ORIGIN).text
    form["mark"] = page.split('name="mark" value="')[1].split('"')[0]
    headers = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}
    client.post("/act", data=form, base_url=ORIGIN, headers=headers)
    found = words(client)

    if action.startswith("staff:"):
        assert found.speak == []
    elif action.startswith("lists:choose"):
        assert found.speak[0] == "checklist.choose"
    else:
        titles = {demo_content().checklist("ordinary_passport", "zh-CN").title}
        assert found.speak
        assert not {*unsaid(found, "zh-CN")} - titles


@pytest.mark.parametrize("name", sorted(SILENT))
def test_an_empty_hall_is_not_talked_to(standing: tuple[Desk, FlaskClient], name: str):
    """The cards of the idle screen are for the eye."""
    desk, client = standing
    desk.put(SCENES[name])

    assert words(client).speak == []


def drawn(shown: Snapshot, slip: str = "") -> View:
    """Return the view of a snapshot with a plain look."""
    return view(shown, Look(), CATALOGUE, slip=slip)


def test_a_surname_is_said_before_it_is_asked_whose_it_is():
    """An order without a name is asked for without one."""
    named = spoken(drawn(scene(State.NAME, name=NameView("陈", "先生"))))
    nameless = spoken(drawn(scene(State.NAME)))

    assert named[:2] == (speech.NAME, "name.question")
    assert nameless[0] == "name.question"


def test_minutes_are_said_once_somebody_has_waited_one():
    """Nobody hears that no minute has passed; whoever is being come to hears that."""
    called = replace(SCENES["help"], help=HelpView(0))
    waiting = replace(called, help=HelpView(0, minutes=3))
    coming = replace(called, help=HelpView(0, minutes=3, answered_by="1024"))

    assert speech.MINUTES not in spoken(drawn(called))
    assert speech.MINUTES in spoken(drawn(waiting))
    assert spoken(drawn(coming))[0] == "help.coming"


def test_each_digit_of_a_slip_is_said_and_all_six_at_the_end():
    """By ids that say how many there are, never which: what is typed stands in no address."""
    shown = Snapshot(state=State.NUMBER)
    one, two = (spoken(drawn(shown, digits)) for digits in ("4", "44"))
    six = spoken(drawn(shown, "407123"))

    assert f"{speech.DIGIT}#1" in one
    assert f"{speech.DIGIT}#2" in two
    assert f"{speech.SLIP}#6" in six
    assert not [line for line in (*one, *two, *six) if "40" in line]


def test_the_ways_round_are_said_with_the_first_finger_and_not_with_each():
    """Nine fingers would be eighteen offers to give up."""
    first = scene(State.FINGER, finger=FingerStep("right_thumb", 1, FingerPhase.PLACE))
    second = replace(first, fingers_in=("left_thumb",))

    assert "finger.not_possible" in spoken(drawn(first))
    assert "finger.not_possible" not in spoken(drawn(second))
    assert spoken(drawn(second))[0] == "finger.ask.right_thumb"


def test_consent_is_read_whole_before_it_is_asked_for():
    """Each point, that no is a good answer too, then the question and its choices."""
    said = spoken(drawn(scene(State.CONSENT)))

    assert said.index("consent.choice") < said.index("consent.question")
    assert said.index("consent.question") < said.index("consent.all")
    assert "consent.fingers" in said
    assert "consent.fingers" not in spoken(drawn(scene(State.CONSENT, fingers_asked=False)))
    relative = spoken(drawn(scene(State.CONSENT, who="proxy")))
    assert "consent.relative" in relative
    assert "consent.choice" not in relative


def test_whoever_helps_from_afar_is_heard_first_and_may_say_the_same_again():
    """A number behind the id makes it new; a line that there is not is not said."""
    remote = RemoteView("欧阳老师", "guide", "on", say="remote.word.press_there", say_number=1)
    once = spoken(drawn(replace(SCENES["consent"], remote=remote)))
    again = spoken(drawn(replace(SCENES["consent"], remote=replace(remote, say_number=2))))
    foreign = spoken(drawn(replace(SCENES["consent"], remote=replace(remote, say="../x"))))

    assert once[0] == "remote.word.press_there#1"
    assert again[0] == "remote.word.press_there#2"
    assert foreign[0] == "consent.face"


def test_every_state_and_overlay_says_something():
    """A new screen that nobody gave a voice is found here."""
    for state in State:
        assert spoken(drawn(scene(state))), state
    for overlay in Overlay:
        said = spoken(drawn(scene(State.CONSENT, overlay=overlay)))
        assert bool(said) is (overlay is not Overlay.IDLE), overlay


def test_a_dynamic_part_needs_the_sitting_s_token(client: FlaskClient, desk: Desk):
    """Its address names what, never whom; with another token it is not there."""
    desk.put(SCENES["name"])
    right = client.get(f"/voice/now/name.opus?token={TOKEN}", base_url=ORIGIN)

    assert right.mimetype == "audio/ogg"
    assert right.headers["Cache-Control"] == "no-store"
    for query in ("", "?token=", "?token=another", "?name=x"):
        assert client.get(f"/voice/now/name.opus{query}", base_url=ORIGIN).status_code == 404
    other = client.get(f"/voice/now/nobody.opus?token={TOKEN}", base_url=ORIGIN)
    assert other.status_code == 404
