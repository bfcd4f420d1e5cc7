"""The person's pages without a browser: what they show, what they refuse, what they never say."""

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
from werkzeug.exceptions import HTTPException, abort

from api import problems
from api.app import KioskStation, create_kiosk_app
from api.kiosk.pages import EVENT_STREAMS, PREVIEW_STREAMS, size_sheet
from api.security import HEADERS
from drivers.errors import DeviceAbsent, DeviceError, DeviceTimeout
from edge.sitting import Event, IllegalMove, Missing, Snapshot, StaleToken, State
from edge.store.errors import StoreError
from tests.browser.desk import SCENES, TOKEN, Camera, Desk, demo_content

ORIGIN = "http://127.0.0.1:8080"
PREVIEW = f"/preview/camera?token={TOKEN}"
OURS = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}


OWN_CARDS = {"remote-asked": "remote", "charging": "charging", "checking": "checking"}
"""What the pages put up by themselves, by scene."""


@dataclass
class Bench:
    """The pages over a desk that a test fills."""

    desk: Desk
    camera: Camera
    client: FlaskClient
    closing: threading.Event

    def get(self, path: str, **headers: str):
        """Ask as the kiosk's browser does."""
        return self.client.get(path, base_url=ORIGIN, headers=headers)

    def act(self, action: str, token: str | None = None, mark: str | None = None, **headers: str):
        """Post as the shown page would, or with what a test puts in its place."""
        page = self.get("/").text
        form = {
            "action": action,
            "token": _hidden(page, "token") if token is None else token,
            "mark": _hidden(page, "mark") if mark is None else mark,
        }
        return self.client.post("/act", data=form, base_url=ORIGIN, headers=headers or OURS)


def _hidden(page: str, name: str) -> str:
    found = re.search(f'name="{name}" value="([^"]*)"', page)
    assert found
    return found[1]


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A fresh desk each time."""
    desk, camera, closing = Desk(), Camera(), threading.Event()
    station = KioskStation(desk, camera, "demo-01", "12345", 102.46, demo_content, printer=True)
    app = create_kiosk_app(station, closing)
    yield Bench(desk, camera, app.test_client(), closing)
    closing.set()


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("name", SCENES)
def test_a_reload_shows_the_present_screen(bench: Bench, name: str, language: str):
    """The page is a function of the snapshot, at any moment and in both languages."""
    shown = replace(SCENES[name], language=language)
    bench.desk.put(shown)
    page = bench.get("/").text

    assert f'<body data-screen="{shown.state.value}"' in page
    assert f'<html lang="{language}">' in page
    overlay = OWN_CARDS.get(name) or (shown.overlay.value if shown.overlay else "")
    assert f'data-overlay="{overlay}"' in page
    assert len(re.findall(r'class="choice[ "]', page)) <= 3
    assert "style=" not in page
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)


def test_a_get_changes_nothing(bench: Bench):
    """Whatever is fetched, the desk hears nothing and shows what it showed."""
    bench.desk.put(SCENES["portrait-ok"])
    before = bench.desk.snapshot
    for path in ("/", "/screen", PREVIEW, f"/sample/portrait.jpg?token={TOKEN}",
                 "/kiosk/screen.css", "/act?action=leave", "/?action=leave"):  # fmt: skip
        bench.get(path)

    assert bench.desk.snapshot is before
    assert bench.desk.asked == []


def test_a_whole_sitting_is_walked_with_plain_forms(bench: Bench):
    """Without any script each step is one post that leads back to the page."""
    for action, state in (
        ("start", State.CONSENT), ("agree", State.PORTRAIT), ("portrait-given-up", State.FINGER),
    ):  # fmt: skip
        answer = bench.act(action)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/")
        assert bench.desk.snapshot.state is state
    bench.desk.put(SCENES["review"])
    bench.act("hand-in")
    assert bench.desk.snapshot.state is State.CLOSING
    bench.desk.put(SCENES["result-accepted"])
    bench.act("finish")

    assert bench.desk.snapshot.state is State.WELCOME
    assert [event for event, _ in bench.desk.asked] == [
        Event.START, Event.AGREE, Event.PORTRAIT_GIVEN_UP, Event.HAND_IN, Event.FINISH,
    ]  # fmt: skip


def test_a_touch_for_another_sitting_or_screen_does_nothing(bench: Bench):
    """An old page, or a second tap that arrives after the move, never skips a step."""
    bench.desk.put(SCENES["finger-place"])
    for token, mark in (("", None), ("another", None), (None, "finger:left_thumb"), (None, "")):
        answer = bench.act("finger-skipped", token, mark)
        assert answer.status_code == 303
    assert bench.desk.asked == []
    bench.act("finger-skipped")

    assert bench.desk.asked == [(Event.FINGER_SKIPPED, TOKEN)]


def test_two_taps_that_arrive_together_skip_one_finger(bench: Bench):
    """Both were drawn for the same finger; only where moves are made can they be told apart."""
    bench.desk.put(SCENES["finger-place"])
    together = threading.Barrier(2, timeout=30)
    bench.desk.before_ask = together.wait
    mark, clients = "finger:right_thumb", [bench.client.application.test_client() for _ in "ab"]
    form = {"action": "finger-skipped", "token": TOKEN, "mark": mark}
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

    assert bench.desk.asked == [(Event.FINGER_SKIPPED, TOKEN)]


def test_an_impossible_move_shows_the_present_screen(bench: Bench):
    """A touch that came too late is ordinary life, not an error."""
    bench.desk.put(SCENES["closing"])

    assert bench.act("leave").status_code == 303
    assert bench.desk.snapshot.state is State.CLOSING


def test_what_only_the_station_decides_cannot_be_posted(bench: Bench):
    """The page may post the person's events and no others."""
    for action in ("stored", "portrait-taken", "fingers-settled", "resume-review", "", "x" * 999):
        answer = bench.act(action)
        assert answer.status_code == 422
        assert answer.get_json()["type"] == "urn:anxin:problem:invalid-request"


@pytest.mark.parametrize("name", SCENES)
def test_every_button_of_every_screen_is_understood_there(bench: Bench, name: str):
    """What the page offers, the desk can do: no button is dead or refused."""
    bench.desk.put(SCENES[name])
    offered = re.findall(r'name="action" value="([^"]+)"', bench.get("/").text)

    assert offered
    for action in offered:
        bench.desk.put(SCENES[name])
        bench.desk.asked.clear()
        assert bench.act(action).status_code == 303, action
        assert bench.desk.asked or action not in [event.value for event in Event]


def test_help_is_offered_once_and_not_where_it_was_called(bench: Bench):
    """Twice the same offer makes a person wonder what the difference is."""
    offered = []
    for scene in ("welcome", "help"):
        bench.desk.put(SCENES[scene])
        offered.append(bench.get("/").text.count('name="action" value="help"'))

    assert offered == [1, 0]


@pytest.mark.parametrize(("language", "all_in"), [("zh-CN", "都好了"), ("en", "All done")])
def test_nothing_is_called_done_while_something_is_missing(
    bench: Bench, language: str, all_in: str
):
    """The question agrees with the list below it."""
    said = {}
    for scene in ("review", "review-missing"):
        bench.desk.put(replace(SCENES[scene], language=language))
        said[scene] = all_in in bench.get("/").text

    assert said == {"review": True, "review-missing": False}


@pytest.mark.parametrize("page", ["/", f"/receipt?token={TOKEN}"])
def test_who_gave_only_a_photo_is_not_told_that_something_follows(bench: Bench, page: str):
    """Nobody waits for what was refused; a finger that could not today is still waited for."""
    said = {}
    for reason in ("refused", "not_possible"):
        left = (Missing("finger:right_thumb", reason),)
        bench.desk.put(replace(SCENES["result-missing"], missing=left))
        said[reason] = "以后再补" in bench.get(page).text

    assert said == {"refused": False, "not_possible": True}


def test_a_paper_that_comes_later_stands_in_the_review_too(bench: Bench):
    """Nobody hears that all is done, and on the next screen that a paper is still missing."""
    paper = (Missing("material:household_register", "later", "2026-12-22"),)
    bench.desk.put(replace(SCENES["review"], missing=paper))

    page = bench.get("/").text

    assert ("都好了" in page, "先交上这些" in page) == (False, True)
    assert "户口簿" in page
    assert 'data-speak="review.question_missing' in page


def test_the_review_names_three_papers_and_the_result_all(bench: Bench):
    """Eight rows would push its buttons below the bars."""
    papers = tuple(Missing(f"material:unheard_{n}", "later", "2026-12-22") for n in range(8))
    rows = {}
    for scene in ("review", "result-missing"):
        bench.desk.put(replace(SCENES[scene], missing=papers))
        rows[scene] = bench.get("/").text.count("一份材料")

    assert rows == {"review": 3, "result-missing": 8}


def test_the_telephone_is_named_only_where_there_is_one():
    """No line sends a person to a number that is not on the screen."""
    said = []
    for hotline in ("12345", ""):
        station = KioskStation(Desk(SCENES["help"]), Camera(), "demo-01", hotline, 102.46)
        client = create_kiosk_app(station, threading.Event()).test_client()
        said.append("服务电话" in client.get("/", base_url=ORIGIN).text)

    assert said == [True, False]


def test_leaving_is_asked_once_more(bench: Bench):
    """One touch on a corner must not delete what an elder has given."""
    bench.desk.put(SCENES["finger-place"])
    bench.act("ask-leave")
    page = bench.get("/").text

    assert 'data-overlay="leave"' in page
    assert bench.desk.asked == []
    bench.act("stay")
    assert 'data-overlay=""' in bench.get("/").text
    bench.act("ask-leave")
    bench.act("leave")
    assert bench.desk.asked == [(Event.LEAVE, TOKEN)]


def test_the_question_about_leaving_goes_away_when_the_sitting_moves_on(bench: Bench):
    """It belongs to the screen on which it was asked."""
    bench.desk.put(SCENES["portrait"])
    bench.act("ask-leave")
    bench.desk.put(SCENES["portrait-ok"])

    assert 'data-overlay=""' in bench.get("/").text


def test_size_and_colours_last_for_the_sitting(bench: Bench):
    """What is chosen on the welcome screen goes along; the next person starts plain."""
    bench.act("scale:1.25")
    bench.act("theme:contrast")
    bench.act("start")
    page = bench.get("/").text
    assert 'data-scale="1.25" data-theme="contrast"' in page
    bench.desk.put(replace(SCENES["consent"], token="the-next-sitting"))

    assert 'data-scale="1" data-theme="light"' in bench.get("/").text


@pytest.mark.parametrize(
    "touch", ["help", "rest", "language:en", "scale:1.25", "theme:contrast", "ask-leave"]
)
def test_every_touch_of_the_bars_works_on_every_screen(bench: Bench, touch: str):
    """The bars stand on all screens, and none of their touches moves the sitting."""
    for shown in SCENES.values():
        bench.desk.put(shown)
        assert bench.act(touch).status_code == 303
        assert bench.desk.snapshot.state is shown.state
        assert bench.get("/").status_code == 200
    assert bench.desk.asked == []


def test_the_portrait_is_shown_to_the_sitting_s_token_only(bench: Bench):
    """Without the token, with another, with none at all while nobody sits: not found."""
    bench.desk.put(SCENES["portrait-ok"])
    right = bench.get(f"/sample/portrait.jpg?token={TOKEN}")

    assert (right.status_code, right.mimetype) == (200, "image/jpeg")
    assert right.data.startswith(b"\xff\xd8")
    for token in ("", "?token=", "?token=wrong", f"?token={TOKEN}x", "?token=%ff%fe"):
        assert bench.get(f"/sample/portrait.jpg{token}").status_code == 404
    bench.desk.put(SCENES["welcome"])
    for token in ("", "?token=", f"?token={TOKEN}"):
        assert bench.get(f"/sample/portrait.jpg{token}").status_code == 404


def test_the_preview_says_which_frame_and_how_old(bench: Bench):
    """The contract of the long poll: a newer frame, its number and its age."""
    bench.desk.put(SCENES["portrait"])
    first = bench.get(PREVIEW)
    then = bench.get(f"{PREVIEW}&after={first.headers['X-Frame']}")

    assert first.mimetype == "image/jpeg"
    assert int(then.headers["X-Frame"]) > int(first.headers["X-Frame"])
    assert 0 <= int(then.headers["X-Frame-Age-Ms"]) < 10_000


def test_no_picture_leaves_unless_somebody_is_photographed_now(bench: Bench):
    """204 without a newer frame and outside the portrait, 503 without a camera."""
    bench.camera.live = False
    bench.desk.put(SCENES["portrait"])
    assert bench.get(PREVIEW).status_code == 204
    bench.desk.put(SCENES["calm"])
    gone = bench.get(PREVIEW)
    assert (gone.status_code, gone.headers["Retry-After"]) == (503, "10")
    bench.camera.live = True
    for name, shown in SCENES.items():
        bench.desk.put(shown)
        live = (State.PORTRAIT, State.PROXY)
        if shown.state not in live and name not in ("reuse-look", "reuse-hint"):
            answer = bench.get(PREVIEW)
            assert (answer.status_code, answer.data) == (204, b""), name
    for after in ("x", "", "--", "9" * 40, "１"):
        assert bench.get(f"{PREVIEW}&after={after}").status_code == 422


@pytest.mark.parametrize("scene", ["portrait", "reuse-look"])
def test_no_preview_leaves_without_the_sitting_s_token(bench: Bench, scene: str):
    """Who is at the machine but not at the page sees nobody: no frame, and no word of one."""
    bench.desk.put(SCENES[scene])
    assert bench.get(PREVIEW).status_code == 200
    for token in ("", "?token=", "?token=wrong", f"?token={TOKEN}x", "?token=%ff%fe"):
        answer = bench.get(f"/preview/camera{token}")
        assert (answer.status_code, answer.data) == (204, b""), token


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.org", "kiosk", "[::2]", "a b"])
def test_a_foreign_host_is_refused(bench: Bench, host: str):
    """DNS rebinding: the name in the address bar must be ours."""
    answer = bench.client.get("/", headers={"Host": host})

    assert answer.status_code == 400
    assert answer.get_json()["type"] == "urn:anxin:problem:host-unknown"
    assert bench.client.get("/", headers={"Host": "localhost:9999"}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}, 303),
        ({"Origin": ORIGIN}, 303),
        # Chromium sends this with a plain form, because our pages ask for no referrer.
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, 303),
        ({"Origin": "null"}, 403),
        ({"Origin": "null", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:8081"}, 403),
        ({"Origin": "https://127.0.0.1:8080"}, 403),
        ({"Origin": ORIGIN, "Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://[", "Sec-Fetch-Site": "same-origin"}, 403),
        ({"X-Nothing": "1"}, 403),
    ],
)
def test_only_our_own_page_may_post(bench: Bench, headers: dict[str, str], status: int):
    """Origin and Sec-Fetch-Site on every change; an absent Origin is refused."""
    answer = bench.act("start", **headers)

    assert answer.status_code == status
    assert bool(bench.desk.asked) == (status == 303)


def test_an_oversize_or_unmeasured_body_is_refused(bench: Bench):
    """413 beyond 256 KiB, 411 without a length, before anything is read."""
    large = bench.client.post("/act", data=b"a" * (256 * 1024 + 1), base_url=ORIGIN, headers=OURS)
    chunked = bench.client.post(
        "/act", base_url=ORIGIN, headers={**OURS, "Transfer-Encoding": "chunked"}
    )

    assert (large.status_code, chunked.status_code) == (413, 411)
    assert large.headers["Connection"] == "close"


@pytest.mark.parametrize(("parts", "refused"), [(32, False), (33, True)])
def test_a_form_of_too_many_parts_is_refused(bench: Bench, parts: int, refused: bool):
    """413 beyond 32 parts: each costs far more to read than the bytes it is sent in."""
    form = {f"part-{number}": "x" for number in range(parts)}
    answer = bench.client.post(
        "/act", data=form, content_type="multipart/form-data", base_url=ORIGIN, headers=OURS
    )

    assert (answer.status_code == 413) is refused
    assert bench.desk.asked == []


@pytest.mark.parametrize(
    "path", ["/../etc/passwd", "/kiosk/static/../../app.py", "/kiosk/static/%2e%2e/pages.py",
             "/kiosk/static/..%2f..%2fapp.py", "/templates/page.html", "/nothing"],
)  # fmt: skip
def test_no_path_leads_out_of_the_pages(bench: Bench, path: str):
    """404, as a problem and without the path."""
    answer = bench.get(path)

    assert answer.status_code == 404
    assert "etc" not in answer.text


def test_every_answer_carries_the_house_s_headers(bench: Bench):
    """Over the whole map of URLs, good answers and refusals, and no CORS anywhere."""
    bench.desk.put(SCENES["portrait-ok"])
    rules = bench.client.application.url_map.iter_rules()
    paths = [rule.rule.replace("<path:filename>", "kiosk.css") for rule in rules]

    assert len(paths) >= 8
    for path in paths:
        if path != "/events":
            for answer in (bench.get(path), bench.client.post(path, base_url=ORIGIN)):
                assert {name: answer.headers[name] for name in HEADERS} == HEADERS, path
                assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
                assert "Set-Cookie" not in answer.headers
                answer.close()


def test_a_planted_fault_shows_a_person_a_way_back_and_a_program_its_code(
    bench: Bench, capsys: pytest.CaptureFixture[str]
):
    """Nothing of what the exception says reaches a page or a log."""
    bench.desk.failure = RuntimeError("/secret/path of 陈先生")
    page = bench.get("/", Accept="text/html,application/xhtml+xml")
    problem = bench.get("/screen", Accept="*/*")

    assert page.status_code == problem.status_code == 500
    assert 'data-code="internal-error"' in page.text
    assert 'action="/"' in page.text
    assert problem.get_json()["type"] == "urn:anxin:problem:internal-error"
    written = capsys.readouterr()
    for text in (page.text, problem.text, written.out, written.err):
        assert "secret" not in text
        assert "陈" not in text


def test_event_streams_are_capped_and_give_their_place_back(bench: Bench):
    """The ninth is told to come again; a closed one makes room, read or unread."""
    streams = [bench.get("/events") for _ in range(EVENT_STREAMS)]
    refused = bench.get("/events")
    for stream in streams:
        stream.close()
    again = bench.get("/events")

    assert {stream.status_code for stream in streams} == {200}
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "30")
    assert again.status_code == 200
    again.close()


def test_previews_are_capped(bench: Bench):
    """Waiting viewers never hold the last worker thread."""
    bench.camera.live = False
    bench.desk.put(SCENES["portrait"])
    with_clients = [bench.client.application.test_client() for _ in range(PREVIEW_STREAMS)]
    waiting = [
        threading.Thread(target=client.get, args=(PREVIEW,), kwargs={"base_url": ORIGIN})
        for client in with_clients
    ]
    for thread in waiting:
        thread.start()
    while bench.camera.asked < PREVIEW_STREAMS:
        pass
    refused = bench.get(PREVIEW)
    for thread in waiting:
        thread.join()

    assert refused.status_code == 503
    assert bench.get(PREVIEW).status_code == 204


def test_the_event_stream_begins_with_the_whole_screen(bench: Bench):
    """Full state on connect, then changes; nothing in it names a person or a score."""
    bench.desk.put(SCENES["portrait"])
    stream = bench.get("/events")
    words = (piece.decode() for piece in stream.response)
    first, second = next(words), next(words)
    bench.desk.screen.show(hint="portrait.chin_up", hold_share=0.25)
    third = next(words)
    stream.close()

    assert first == "retry: 1000\n\n"
    assert "请把头摆正" in second
    assert '"hold": 25' in third
    assert "请抬一点头" in third
    assert TOKEN not in second + third


def test_the_stylesheet_of_sizes_follows_the_configured_screen():
    """One millimetre of a 21.5 inch full HD screen is 4.03 px; a small window shrinks all alike."""
    assert "4.0339px" in size_sheet(102.46)
    assert "2.7102px" in size_sheet(68.84)
    assert "100vw / 470" in size_sheet(102.46)


def test_a_small_screen_has_the_sizes_of_the_hand():
    """Below 300 mm both ways: two thirds of a millimetre for letters, whatever the kiosk has."""
    kiosk, _, hand = size_sheet(149.45).partition("@media (max-width: 1765px) and (max-height: 17")

    assert "5.8839px" in kiosk
    assert "3.9226px, 100vw / 326, 100vh / 203" in hand


WORDS = st.text(max_size=40)
ACTIONS = st.sampled_from(
    ["start", "agree", "leave", "finger-skipped", "help", "rest", "scale:1.25", "theme:contrast",
     "language:en", "ask-leave", "stay", "finish", "hand-in"],
)  # fmt: skip


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    scene=st.sampled_from(sorted(SCENES)),
    form=st.dictionaries(st.sampled_from(["action", "token", "mark"]) | WORDS, WORDS | ACTIONS),
    query=st.dictionaries(WORDS, WORDS, max_size=2),
)
def test_no_form_makes_the_pages_stumble(bench: Bench, scene: str, form, query):
    """Random fields lead back to the page or are refused, and the next page is drawn."""
    bench.desk.put(SCENES[scene])
    answer = bench.client.post("/act", data=form, query_string=query, base_url=ORIGIN, headers=OURS)

    assert answer.status_code in (303, 422)
    assert bench.get("/").status_code == 200


def aborter(status: int) -> HTTPException:
    """The framework's own exception of a status."""
    with pytest.raises(HTTPException) as caught:
        abort(status)
    return caught.value


def _with_subclasses(cls: type[Exception]) -> list[type[Exception]]:
    return [cls, *(found for sub in cls.__subclasses__() for found in _with_subclasses(sub))]


@pytest.mark.parametrize("error", _with_subclasses(DeviceError), ids=lambda cls: cls.__name__)
def test_no_device_error_falls_through_to_500(error: type[DeviceError]):
    """A new kind of device error is a fault of a device, not a mistake of the station."""
    problem = problems.problem_for(error("/dev/ttyUSB0"))

    assert problem.slug.startswith("device-")
    assert problem.status in (502, 503, 504)


@pytest.mark.parametrize("error", _with_subclasses(StoreError), ids=lambda cls: cls.__name__)
def test_no_error_of_the_store_falls_through_to_our_mistake(error: type[StoreError]):
    """A full disk or a broken store is told as what it is, and when to come again."""
    problem = problems.problem_for(error("/var/lib/store.db"))

    assert problem.slug in ("store-full", "store-failed", "package-unreadable")
    assert (problem.retry_after_s is None) == (problem.slug == "package-unreadable")


@pytest.mark.parametrize("status", [408, 412, 414, 417, 418, 429, 431, 501, 505])
def test_a_status_that_no_row_foresees_stays_what_it_is(status: int):
    """The client's mistake must not be called ours."""
    foreseen = aborter(status)
    problem = problems.problem_for(foreseen)

    assert problem.status == status
    assert problem.slug == ("internal-error" if status >= 500 else "request-refused")


def test_a_page_that_asks_again_and_again_for_an_absent_camera_makes_no_noise(bench: Bench):
    """The device's owner has told it once; ten lines a second would bury everything else."""
    bench.desk.put(SCENES["calm"])
    with capture_logs() as lines:
        answers = [bench.get(PREVIEW) for _ in range(3)]
    bench.desk.failure = DeviceAbsent()
    with capture_logs() as fault:
        bench.get("/screen")

    assert [answer.status_code for answer in answers] == [503] * 3
    assert answers[0].get_json()["type"] == "urn:anxin:problem:device-absent"
    assert lines == []
    assert [line["code"] for line in fault] == ["device-absent"]


def test_the_table_of_problems_is_told_apart_by_ancestry():
    """The nearest class wins; what nobody foresaw is our mistake."""
    illegal = IllegalMove(State.WELCOME, Event.AGREE)
    errors = (
        DeviceAbsent(), DeviceTimeout(), DeviceError(), ValueError("x"), illegal, StaleToken(),
    )  # fmt: skip
    slugs = [problems.problem_for(error).slug for error in errors]

    assert slugs == [
        "device-absent", "device-timeout", "device-failed", "internal-error", "illegal-move",
        "stale-token",
    ]  # fmt: skip
    for slug, problem in problems.BY_SLUG.items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", slug)
        assert problem.title_zh
        assert problem.title_en.endswith(".")


def test_every_missing_part_has_a_line_on_the_last_screens(bench: Bench):
    """Whatever is missing, also what a later version may name, the page is drawn."""
    everything = [Missing("portrait", "x"), *(
        Missing(f"finger:{side}_{name}", "x")
        for side in ("right", "left") for name in ("thumb", "index", "middle", "ring", "little")
    )]  # fmt: skip
    for scene in ("review-missing", "result-missing"):
        shown: Snapshot = replace(SCENES[scene], missing=tuple(everything))
        bench.desk.put(shown)

        assert "左手小指" in bench.get("/").text
