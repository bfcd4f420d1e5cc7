"""Who gets into the technician's console, what each role may do there, and its lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.kiosk.catalogue import MASTER, SECOND
from api.security import HEADERS, SAFE_METHODS
from api.technician.app import ANNEXES, FREE
from api.technician.console import LOCKS_AFTER_S, kept
from api.technician.lines import FOLDER, load_lines
from api.technician.places import OWN_ACTS
from edge.settings import SettingsError, load_settings
from edge.staff import TECHNICAL, Staff
from edge.technician.acts import ACTS
from tests.technician_kit import (
    AUDITOR,
    DEMO,
    GUIDE,
    PIN,
    TECHNICIAN,
    Workshop,
    workshop,
)

HANZI = re.compile(r"[㐀-鿿]")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """One console for the file."""
    with workshop(tmp_path_factory.mktemp("workshop")) as found:
        yield found


def addresses(opened: Workshop) -> list[tuple[str, str, str]]:
    """Every method, path and endpoint that the console serves, with something in each blank."""
    found = []
    for rule in opened.app.url_map.iter_rules():
        path = re.sub(r"<(?:[a-z]+:)?([a-z_]+)>", "reader-1", rule.rule)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            found.append((method, path, rule.endpoint))
    return sorted(found)


def test_without_a_session_every_page_leads_to_the_door_and_no_act_is_done(opened: Workshop):
    """Every route there is; of those that anybody may ask for, none shows more than the door."""
    stranger = opened.notebook(None)
    for method, path, endpoint in addresses(opened):
        if endpoint in FREE:
            continue
        answer = stranger.ask(method, path, "x=1" if method == "POST" else "", Accept="text/html")
        assert (answer.status, answer.headers.get("Location")) == (303, "/sign-in"), (method, path)
        answer = stranger.ask(method, path, "x=1" if method == "POST" else "", Accept="*/*")
        assert answer.status == 401, (method, path)


def test_htmx_is_led_to_the_door_when_the_session_has_ended(opened: Workshop):
    """A part that is fetched by itself takes the whole page along."""
    answer = opened.notebook(None).ask("GET", "/", **{"HX-Request": "true", "Accept": "*/*"})

    assert (answer.status, answer.headers["HX-Redirect"]) == (401, "/sign-in")


def test_an_auditor_changes_nothing_by_any_route(opened: Workshop):
    """With a session, with its own word in the form: whatever a route is, POST is refused."""
    auditor = opened.notebook(AUDITOR)
    auditor.sees("/")
    before = len(opened.acts())
    changes = [row for row in addresses(opened) if row[0] not in SAFE_METHODS]
    assert changes
    for method, path, endpoint in changes:
        if endpoint in FREE | OWN_ACTS:
            continue
        answer = auditor.does(path, {"Accept": "*/*"})
        assert (answer.status, "scope-missing" in answer.text) == (403, True), (method, path)

    assert len(opened.acts()) == before


def test_every_place_that_a_role_is_led_to_opens_and_no_other(opened: Workshop):
    """The frame offers what the role may read; what it does not offer is refused."""
    told = {place.endpoint: place.roles for place in _places(opened)}
    for role, staff_id in zip(TECHNICAL, (TECHNICIAN, AUDITOR), strict=True):
        notebook = opened.notebook(staff_id)
        offered = set(re.findall(r'<a href="([^"]+)"', _nav(notebook.sees("/"))))
        for method, path, endpoint in addresses(opened):
            if endpoint not in told or method != "GET":
                continue
            may = role in told[endpoint]
            assert (path in offered) is may, (role, path)
            assert notebook.ask("GET", path).status == (200 if may else 403), (role, path)


def test_every_route_answers_its_technician_without_a_fault_of_ours(opened: Workshop):
    """GET and an empty POST alike: an answer below 500, whatever stands in the blanks."""
    technician = opened.notebook()
    for method, path, endpoint in addresses(opened):
        if endpoint == "technician.sign_out":
            continue
        technician.sees("/")
        answer = technician.does(path) if method == "POST" else technician.ask(method, path)
        assert answer.status < 500, (method, path, answer.text[:400])
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, path


def test_nobody_but_technicians_and_auditors_gets_in(opened: Workshop):
    """A guide's number and PIN open nothing here, and the page says nobody's name."""
    notebook = opened.notebook(None)
    answer = notebook.sign_in(GUIDE, PIN)

    assert answer.status == 403
    assert GUIDE not in answer.text


def test_a_form_needs_the_word_of_its_own_session_and_a_hand_s_touch_keeps_it_open(
    opened: Workshop,
):
    """Without the word: refused. A page that fetches itself does not keep the session."""
    notebook = opened.notebook()
    notebook.sees("/")
    assert notebook.post("/language", {"Accept": "*/*"}, csrf="", language="en").status == 403
    opened.clock.now_s += LOCKS_AFTER_S - 1
    assert notebook.ask("GET", "/").status == 200
    opened.clock.now_s += 2

    assert notebook.ask("GET", "/").status == 303


def test_the_language_is_one_touch_away_and_leads_back(opened: Workshop):
    """Every page in the other language, at the page where it was touched."""
    notebook = opened.notebook()
    assert 'lang="zh-CN"' in notebook.sees("/")
    answer = notebook.does("/language", language="en", back="overview.page")

    assert answer.headers["Location"] == "/"
    assert 'lang="en"' in notebook.sees("/")
    assert notebook.does("/language", language="xx").status == 422


def test_signing_in_and_out_is_noted_with_the_kind_of_who(opened: Workshop):
    """The chain tells a technician from an auditor."""
    auditor = opened.notebook(AUDITOR)
    auditor.sees("/")
    auditor.does("/sign-out")

    assert opened.acts()[-2:] == [
        ("auditor", AUDITOR, "technician.sign_in", "ok"),
        ("auditor", AUDITOR, "technician.sign_out", "ok"),
    ]


def test_wrong_pins_are_slowed_and_the_wait_is_shown(tmp_path: Path):
    """Two slips are free, then it waits; five of one address, and it is not looked at any more."""
    with workshop(tmp_path / "w") as found:
        notebook = found.notebook(None)
        statuses = [notebook.sign_in(TECHNICIAN, "000000").status for _ in range(6)]
        refused = notebook.sign_in(TECHNICIAN, PIN)

        assert statuses == [403] * 5 + [429]
        assert refused.status == 429
        assert int(refused.headers["Retry-After"]) >= 1


def test_a_technician_cannot_sign_at_the_persons_screen(opened: Workshop):
    """The default roles of a signature are those who stand beside a person."""
    staff = Staff(opened.staff_file, opened.store)

    assert not staff.check(TECHNICIAN, PIN)
    assert staff.check(GUIDE, PIN)


def test_every_line_stands_in_both_languages_and_blames_nobody():
    """English is complete, nothing stands only there, and neither holds the other's letters."""
    words = load_lines()
    chinese, english = words.lines[MASTER], words.lines[SECOND]

    assert set(chinese) == set(english)
    assert list(words.names) == [MASTER, SECOND]
    other_tongue = {"bar.language"}
    assert not [
        one for one, said in english.items() if HANZI.search(said) and one not in other_tongue
    ]
    assert not [one for one, said in chinese.items() if bool(said.strip()) != bool(english[one])]


def test_a_line_that_stands_in_two_files_is_refused(tmp_path: Path):
    """Which of them is shown would be chance."""
    (tmp_path / "zh-CN.toml").write_text('tongue = "中文"\n[a]\nb = "一"\n', encoding="utf-8")
    (tmp_path / "more.zh-CN.toml").write_text('[a]\nb = "二"\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"a\.b"):
        load_lines([tmp_path])
    assert load_lines([FOLDER]).has("page.title")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("[technician]\nenabled = true\n", "reuse.staff_file"),
        (
            '[technician]\nenabled = true\nhost = "192.0.2.7"\n[reuse]\nstaff_file = "s"\n',
            "technician.certificate",
        ),
    ],
    ids=["nobody", "in-the-clear"],
)
def test_a_console_that_would_harm_is_refused_with_its_key(tmp_path: Path, line: str, says: str):
    """Nobody to sign in, or a PIN in the clear across a network."""
    file = tmp_path / "station.toml"
    file.write_text(DEMO.read_text(encoding="utf-8") + line, encoding="utf-8")
    with pytest.raises(SettingsError, match=says):
        load_settings(file, check_camera=False)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0:00:00"),
        (59.6, "0:01:00"),
        (3661, "1:01:01"),
        (90_061, "1 d 1:01:01"),
        (-5, "0:00:00"),
    ],
)
def test_a_span_reads_the_same_in_every_language(seconds: float, said: str):
    """Days, hours, minutes, seconds."""
    assert kept(seconds) == said


def _places(opened: Workshop) -> list:
    return [place for annex in ANNEXES for place in annex.places]


def _nav(page: str) -> str:
    return page.partition('<nav id="places"')[2].partition("</nav>")[0]


def test_the_console_s_page_names_everything_that_it_notes():
    """Whoever reads the chain finds each act explained."""
    page = (FOLDER.parents[2] / "docs" / "technician.md").read_text(encoding="utf-8")

    assert not [act for act in ACTS if f"`{act}`" not in page]
