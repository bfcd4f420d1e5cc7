"""Packs at a station: a bad new one costs nothing, and the old one is never lost."""

from __future__ import annotations

import shutil
from datetime import date

import pytest
from click.testing import CliRunner

import run_edge
from demo.content import PACKS, install_content
from edge.service import shelf as shelf_module
from edge.service.idle import CARD_S, card_now
from edge.service.pack import PackUnfit
from edge.service.shelf import CURRENT, SLOTS
from tests.content_kit import TODAY, Office, open_office


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """One centre for all: making keys is slow."""
    return open_office(tmp_path_factory.mktemp("office"))


@pytest.fixture
def office(town, tmp_path):
    """That centre's keys, in a folder of the test's own."""
    shutil.copytree(town.centre, tmp_path / "centre")
    return Office(tmp_path)


def issue(office, number, title="先问一问", **changes):
    """Sign one issue of the pack."""
    return office.signed(number=number, zh={"card.ask.title": title}, **changes)


def titles(shelf):
    """What the cards say now."""
    return [card.title for card in shelf.content.cards("zh-CN")]


def test_a_pack_is_shown_as_soon_as_it_is_installed(office):
    """Also by a station that runs, whoever installed it."""
    shelf = office.shelf()
    assert titles(shelf) == []
    head = office.shelf().install(issue(office, 1))

    assert (head.pack, head.number) == ("cards", 1)
    assert titles(shelf) == ["先问一问"]
    office.shelf().install(issue(office, 2, "再问一问"))
    assert titles(shelf) == ["再问一问"]
    assert {slot.name for slot in (office.folder / "station" / "content" / "cards").iterdir()} == {
        *SLOTS, CURRENT,
    }  # fmt: skip


@pytest.mark.parametrize("fault", ["changed", "unsigned", "expired", "advert"])
def test_a_bad_new_pack_leaves_the_old_one(office, fault):
    """Whatever is wrong with it."""
    shelf = office.shelf()
    shelf.install(issue(office, 1))
    words = {"valid_until": "2026-11-21"} if fault == "expired" else {}
    bad = issue(office, 2, "今天打折" if fault == "advert" else "再问一问", **words)
    if fault == "changed":
        (bad / "lines.en.toml").write_text("")
    if fault == "unsigned":
        (bad / "content.jws").unlink()

    with pytest.raises(PackUnfit):
        shelf.install(bad)
    assert titles(shelf) == titles(office.shelf()) == ["先问一问"]


def test_an_older_issue_never_takes_the_place_of_a_newer(office):
    """Nor another one of the same number; the very same one again changes nothing."""
    shelf = office.shelf()
    second = issue(office, 2, "再问一问")
    shelf.install(second)
    shelf.install(second)
    for number in (1, 2):
        with pytest.raises(PackUnfit, match="not newer"):
            shelf.install(issue(office, number, "不问也行"))

    assert titles(shelf) == ["再问一问"]


def test_a_disk_that_fails_while_a_pack_is_written_leaves_the_old_one(office, monkeypatch):
    """Cut off at any file: the new one does not count before all of it is there."""
    shelf = office.shelf()
    shelf.install(issue(office, 1))
    new = issue(office, 2, "再问一问")
    real, left = shelf_module.write_secret, [0]

    def failing(path, content):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        real(path, content)

    monkeypatch.setattr(shelf_module, "write_secret", failing)
    for written in range(6):
        left[0] = written
        with pytest.raises(OSError, match="No space"):
            shelf.install(new)
        assert titles(office.shelf()) == ["先问一问"]
    left[0] = 6
    shelf.install(new)

    assert titles(shelf) == ["再问一问"]


def test_what_a_disk_wrote_wrongly_never_counts(office, monkeypatch):
    """It is read back from where it lies before it takes the old one's place."""
    shelf = office.shelf()
    shelf.install(issue(office, 1))
    real = shelf_module.write_secret
    monkeypatch.setattr(
        shelf_module, "write_secret",
        lambda path, content: real(path, content.replace("再".encode(), "不".encode())),
    )  # fmt: skip

    with pytest.raises(PackUnfit, match="was changed"):
        shelf.install(issue(office, 2, "再问一问"))
    assert titles(shelf) == titles(office.shelf()) == ["先问一问"]


def test_a_pack_that_a_disk_damaged_gives_way_to_the_one_before(office):
    """And the next issue goes where nothing good lies."""
    shelf = office.shelf()
    shelf.install(issue(office, 1))
    shelf.install(issue(office, 2, "再问一问"))
    place = office.folder / "station" / "content" / "cards"
    counts = (place / CURRENT).read_text().strip()
    (place / counts / "cards" / "ask.svg").write_text("")
    assert titles(office.shelf()) == ["先问一问"]
    good = next(name for name in SLOTS if name != counts)
    kept = (place / good / "content.jws").read_bytes()
    office.shelf().install(issue(office, 3, "还是问问"))

    assert (place / good / "content.jws").read_bytes() == kept
    assert titles(office.shelf()) == ["还是问问"]


def test_until_its_first_day_the_issue_before_is_shown(office):
    """An office sends the cards of December in November."""
    office.shelf().install(issue(office, 1))
    office.shelf().install(issue(office, 2, "再问一问", valid_from="2026-12-01"))

    assert titles(office.shelf(TODAY)) == ["先问一问"]
    assert titles(office.shelf(date(2026, 12, 1))) == ["再问一问"]
    assert titles(office.shelf(date(2027, 1, 2))) == []


def test_a_midnight_and_a_change_of_keys_are_noticed(office):
    """A station runs for months; what it shows must be right each day."""
    days = [TODAY]
    shelf = shelf_module.ContentShelf(
        office.folder / "station" / "content", office.keys, lambda: days[0], 0.0
    )
    shelf.install(issue(office, 1))
    assert titles(shelf) == ["先问一问"]
    days[0] = date(2027, 1, 2)
    assert titles(shelf) == []
    days[0] = TODAY
    assert titles(shelf) == ["先问一问"]
    shutil.rmtree(office.centre)
    office.__class__(office.folder)
    open_office(office.folder)
    assert titles(shelf) == []


def test_packs_of_two_names_stand_beside_each_other(office):
    """The police write the cards, the office writes the lists."""
    install_content(office.centre, office.folder / "store")
    install_content(office.centre, office.folder / "store")
    shelf = shelf_module.ContentShelf(office.folder / "store" / "content", office.keys)

    assert [head.pack for head in shelf.content.heads] == sorted(
        one.name for one in PACKS.iterdir()
    )
    assert shelf.content.cards("en")
    assert shelf.content.checklist("resident_id", "en")


def test_what_lies_beside_the_packs_disturbs_nothing(office):
    """A stray file, an empty folder, a mark that names no slot."""
    shelf = office.shelf()
    shelf.install(issue(office, 1))
    folder = office.folder / "station" / "content"
    (folder / "note.txt").write_text("by hand")
    (folder / "empty").mkdir()
    (folder / "odd").mkdir()
    (folder / "odd" / CURRENT).write_text("../../..\n")

    assert titles(office.shelf()) == ["先问一问"]


# By hand


def settings_of(office):
    """Write a settings file of a station of this centre."""
    text = (PACKS.parent / "stations" / "demo.toml").read_text("utf-8")
    lines = {"folder": office.folder / "store", "centre_keys": office.centre}
    for key, place in lines.items():
        text = "\n".join(
            f'{key} = "{place}"' if line.startswith(f"{key} =") else line
            for line in text.splitlines()
        )
    path = office.folder / "station.toml"
    path.write_text(text, "utf-8")
    return path


@pytest.fixture
def station(office):
    """A settings file that names this centre's folder."""
    return settings_of(office)


def run(*words):
    """One command and what it said."""
    done = CliRunner().invoke(run_edge.cli, [str(word) for word in words])
    return done.exit_code, done.output


def test_a_technician_checks_installs_and_lists_packs(office, station):
    """From a stick, while the station runs; checking changes nothing."""
    pack = issue(office, 4)
    named = "cards, issue 4 (2026-11/1), valid 2026-01-01 to 2027-01-01"

    assert run("content", "verify", "--settings", station, pack) == (
        0, f"{named} can be installed.\n",
    )  # fmt: skip
    assert run("content", "list", "--settings", station) == (0, "")
    assert run("content", "install", "--settings", station, pack) == (
        0, f"{named} is installed.\n",
    )  # fmt: skip
    assert run("content", "list", "--settings", station) == (0, f"{named}\n")


@pytest.mark.parametrize("act", ["verify", "install"])
def test_a_pack_that_is_refused_is_refused_in_one_sentence(office, station, act):
    """What is wrong with it, and that nothing changed."""
    pack = issue(office, 4, "今天打折")
    code, said = run("content", act, "--settings", station, pack)

    assert code == 2
    assert said.count("\n") == 1
    assert "line card.ask.title in zh-CN has a word of adverts" in said


def test_no_folder_and_no_pin_are_plain_sentences(office, station, tmp_path):
    """Neither is a traceback."""
    assert run("content", "verify", "--settings", station, tmp_path / "nowhere")[0] == 2
    shutil.rmtree(office.centre)
    code, said = run("content", "verify", "--settings", station, tmp_path)
    assert (code, said.count("\n")) == (2, 1)
    assert "provision" in said


# Which card now


def test_each_card_has_its_twenty_seconds_and_then_the_first_comes_again(office):
    """Every page, and every reload of one, shows the same card."""
    cards = ("a", "b", "c")
    at = {s: card_now(cards, s) for s in (-1, 0, CARD_S - 0.1, CARD_S, 2 * CARD_S, 3 * CARD_S)}

    assert list(at.values()) == ["a", "a", "a", "b", "c", "a"]
    assert card_now(cards, 0, turn=4) == "b"
    assert card_now((), 5) is None
