"""The month's service over `/v1`: calls, waits, papers, answers; counts, and nobody in them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from api.app import create_v1_app
from edge import figures
from edge.service.month import ServiceMonth, bounds_ms
from edge.service.ratings import FLOOR, Ratings
from edge.service.ticket import DAY_MS
from edge.service.tickets import Tickets
from edge.store import Store
from edge.utc import now_ms, rfc3339
from tests.content_kit import open_office
from tests.delivery_kit import make_kit
from tests.test_v1 import BEARER, TOKEN
from tests.test_v1_rest import Rest

OCT = 1_792_800_000_000
"""2026-10-24, UTC: a month that is over, on every day from now on."""


@pytest.fixture
def rest(tmp_path):
    with Store.open(tmp_path / "store.db", tmp_path / "store.key") as store:
        yield Rest(make_kit(tmp_path / "kit"), store)


def month(rest, name="2026-10"):
    return rest.get(f"service-figures?month={name}").get_json()


def rate(rest, at_ms, *scores):
    """Let people answer, each opening a ticket where it was poor."""
    tickets = Tickets(rest.store, clock_ms=lambda: at_ms)
    ratings = Ratings(rest.store, tickets, clock_ms=lambda: at_ms)
    for score in scores:
        ratings.note(*score.split("/"))
    return tickets


def test_waits_of_a_month_have_a_median_and_a_95th_percentile(rest):
    """By nearest rank over those who were answered, whoever called for what."""
    clock = [OCT, 0]
    tickets = Tickets(rest.store, clock_ms=lambda: clock[0], clock_steady_ms=lambda: clock[1])
    for n in range(1, 21):
        ticket_id = tickets.raise_("device" if n % 2 else "help", None, f"why_{n}")
        clock[0] += 1000 * n
        clock[1] += 1000 * n
        tickets.answer(ticket_id, "guide-7")
    tickets.withdraw(tickets.raise_("rest", None, "resting"))
    clock[1] += 60_000
    tickets.raise_("number", None, "unknown")
    clock[1] += 60_000
    tickets.look()
    told = month(rest)["help"]

    assert (told["waits"], told["wait_median_s"], told["wait_p95_s"]) == (20, 10.0, 19.0)
    assert told["help"] == told["device"] == {
        "raised": 10, "again": 0, "answered": 10, "resolved": 0, "withdrawn": 0,
    }  # fmt: skip
    assert (told["rest"]["raised"], told["rest"]["withdrawn"]) == (1, 1)
    assert (told["number"]["raised"], told["number"]["again"]) == (1, 1)
    assert month(rest)["help_calls"] == 22


@pytest.mark.parametrize(
    ("waits", "share", "wait_s"),
    [((), 0.5, None), ((7000,), 0.5, 7.0), ((7000,), 0.95, 7.0), ((1000, 2000), 0.5, 1.0),
     ((1000, 2000, 3000), 0.5, 2.0), (tuple(range(1000, 101_000, 1000)), 0.95, 95.0)],
    ids=["none", "one", "one-95", "two", "three", "hundred"],
)  # fmt: skip
def test_the_nearest_rank_is_a_wait_that_somebody_had(waits, share, wait_s):
    """No figure between two people's."""
    assert ServiceMonth({}, waits, 0, {}, None, {}).wait_s(share) == wait_s


def test_papers_are_told_by_code_only_where_many_lacked_them(rest):
    """One person without her residence permit is nobody's figure."""

    def count(db):
        figures.count(db, figures.MATERIAL, "household_register", OCT, FLOOR)
        figures.count(db, figures.MATERIAL, "residence_permit", OCT, FLOOR - 1)

    rest.store.write(count)

    assert month(rest)["materials"] == {
        "missing": 2 * FLOOR - 1, "by_code": {"household_register": FLOOR},
    }  # fmt: skip


def test_answers_of_a_month_that_is_over_are_told_with_their_scale(rest):
    """Beside them what became of the poor ones."""
    tickets = rate(rest, OCT, "good", "good", "good", "fair", "poor/hard", "poor/waited", "poor")
    first, *_ = tickets.open()
    tickets.resolve(first.id, "guide-7")

    assert month(rest)["ratings"] == {
        "scale": 3, "answers": 7, "good": 3, "fair": 1, "poor": 3, "waited": 1, "hard": 1,
        "followed_up": {"raised": 3, "answered": 1, "resolved": 1},
    }  # fmt: skip
    assert month(rest)["help_calls"] == 0
    assert month(rest, "2026-09")["ratings"] is None


def test_answers_that_are_few_or_of_this_month_are_not_told_nor_their_tickets(rest):
    """Whoever reads the figures every minute sees nothing move."""
    before = month(rest), month(rest, rfc3339(now_ms())[:7])
    rate(rest, OCT, "good", "good", "good", "poor/hard")
    rate(rest, now_ms(), *["poor/hard"] * 9)

    assert (month(rest), month(rest, rfc3339(now_ms())[:7])) == before
    assert "hard" not in rest.get("metrics").text


def test_nothing_in_a_month_names_a_sitting_a_ticket_or_the_staff(rest):
    """Counts only."""
    tickets = Tickets(rest.store, clock_ms=lambda: OCT)
    ticket_id = tickets.raise_("help", "019aa1f0-7a1b-7c2d-8e3f-0a1b2c3d4e5f", "touched")
    tickets.resolve(ticket_id, "guide-7")
    text = json.dumps(month(rest))

    assert [one for one in ("019aa1f0", ticket_id, "guide-7", "touched") if one in text] == []


@pytest.mark.parametrize(
    ("month_", "days"), [("2026-01", 31), ("2026-02", 28), ("2028-02", 29), ("2026-12", 31)]
)
def test_a_month_is_as_long_as_it_is(month_, days):
    """From its first millisecond to before the next one's, in UTC."""
    begins_ms, ends_ms = bounds_ms(month_)

    assert ends_ms - begins_ms == days * DAY_MS
    assert rfc3339(begins_ms) == f"{month_}-01T00:00:00.000Z"


def test_a_closed_package_that_lacks_papers_is_counted_by_their_codes(tmp_path):
    """In the transaction of the closing; what is no code of a paper is counted nowhere."""
    kit = make_kit(tmp_path)
    with kit.open_store() as store:
        kit.fill(store, "p-1")
        lacks = ["portrait", "material:household_register", "material:Odd/../x", "material:"]
        store.write(lambda db: figures.count_closed(db, 1, "accepted_with_missing", lacks, OCT))
        told = store.read(lambda db: figures.month_figures(db, "2026-10"))

    assert told["materials"] == {"household_register": 1}
    assert told["portraits"]["missing"] == 1


def test_a_centre_sees_which_packs_its_stations_show(rest, tmp_path):
    """One standard for all can be looked at from afar: which issue, and until when."""
    office = open_office(tmp_path / "office")
    shelf = office.shelf()
    rest.station = replace(rest.station, content=lambda: shelf.content.heads)
    client = create_v1_app(rest.station, TOKEN).test_client()
    assert client.get("/v1/station", headers=BEARER).get_json()["content"] == []
    shelf.install(office.signed())

    assert client.get("/v1/station", headers=BEARER).get_json()["content"] == [
        {"pack": "cards", "number": 1, "version": "2026-11/1", "valid_until": "2027-01-01"}
    ]
