"""What the clock may do to a person: ask, call staff, show a card; and end what nobody answers.

The test is the clock: nothing here waits for one.
"""

from __future__ import annotations

import pytest

from edge.service.content import Content
from edge.settings import Service, SittingLimits
from edge.sitting import Event, FingerPhase, FingerStep, Overlay, State
from edge.timers import HELP_STAYS_S
from tests.order_kit import SLIP, wanted
from tests.sitting_kit import sittings

LIMITS = SittingLimits(begin="next")


@pytest.fixture
def station(tmp_path):
    with sittings(tmp_path) as found:
        yield found


def ask_and_answer(station, loop, screen) -> None:
    """Nobody is noticed for so long that it is asked; somebody says that she is here."""
    station.after(loop, LIMITS.idle_s + 1)
    assert screen.snapshot.overlay is Overlay.STILL_THERE
    loop.still_here()
    assert screen.snapshot.overlay is None


def test_whoever_is_asked_whether_she_is_there_may_answer_as_often_as_she_likes(station):
    """An extension costs one touch, and there is no last one."""
    loop, screen = station.begin(Event.AGREE)
    before = screen.snapshot
    for _ in range(20):
        ask_and_answer(station, loop, screen)

    assert (screen.snapshot.state, screen.snapshot.token) == (before.state, before.token)


def test_the_question_stands_long_enough_and_then_everything_is_wiped(station):
    """What was accepted waits for an attendant; the screen is anybody's again."""
    loop, screen = station.begin(Event.AGREE)
    station.give_portrait(loop)
    station.after(loop, LIMITS.idle_s + 1)
    station.after(loop, LIMITS.still_there_s - 1)
    assert screen.snapshot.overlay is Overlay.STILL_THERE
    station.after(loop, 2)
    (package,) = station.store.open_packages()

    assert (screen.snapshot.state, screen.snapshot.token) == (State.WELCOME, "")
    assert package.sitting["left_alone"] is True


def test_any_touch_is_an_answer(station):
    """Whoever goes on does not have to say that she is there."""
    loop, screen = station.begin()
    station.after(loop, LIMITS.idle_s + 1)
    loop.from_person(Event.AGREE, screen.snapshot.token, None)
    station.after(loop, LIMITS.idle_s - 1)

    assert (screen.snapshot.state, screen.snapshot.overlay) == (State.PORTRAIT, None)


def test_a_face_that_the_step_sees_stops_the_clock(station):
    """In the looking steps every frame says whether somebody is here."""
    loop, screen = station.begin(Event.AGREE)
    for _ in range(5):
        station.clock_s += LIMITS.idle_s - 1
        loop._timers.mind(True)
    assert screen.snapshot.overlay is None

    station.after(loop, LIMITS.idle_s + 1)
    loop._timers.mind(True)
    assert screen.snapshot.overlay is None


@pytest.mark.parametrize("phase", FingerPhase, ids=lambda phase: phase.value)
def test_a_finger_on_the_glass_is_somebody(station, phase):
    """Whoever presses looks at the reader and touches no screen: the clock does not run."""
    loop, screen = station.begin(Event.AGREE, Event.PORTRAIT_GIVEN_UP)
    screen.show(finger=FingerStep("right_thumb", 1, phase))
    station.after(loop, LIMITS.idle_s + 1)

    pressed = phase in (FingerPhase.READING, FingerPhase.CHECKING)
    assert screen.snapshot.overlay is (None if pressed else Overlay.STILL_THERE)


@pytest.mark.parametrize(
    "events", [(), (Event.ENTER_NUMBER,)], ids=["at the consent", "at the number"]
)
def test_a_screen_that_is_left_before_anything_was_agreed_to_leaves_nothing(station, events):
    """The order waits for its person; no package lies about."""
    order = station.orders.add(wanted())
    if events:
        loop, screen = station.loop()
        loop.from_person(*events, "", None)
    else:
        loop, screen = station.begin()
    station.after(loop, LIMITS.idle_s + 1)
    station.after(loop, LIMITS.still_there_s + 1)

    assert screen.snapshot.state is State.WELCOME
    assert station.orders.row(order.sitting_id).state == "waiting"
    assert station.store.open_packages() == []


def test_a_rest_has_no_end_but_somebody_looks_after_it(station):
    """After ten minutes an attendant is told, once; the sitting stays where it is."""
    loop, screen = station.begin(Event.AGREE)
    loop.rest(True)
    station.after(loop, LIMITS.rest_ticket_s - 1)
    assert station.tickets.open() == []
    for _ in range(3):
        station.after(loop, 3600)
    (ticket,) = station.tickets.open()
    assert (ticket.kind, ticket.why, ticket.times) == ("rest", "resting", 1)
    assert (screen.snapshot.overlay, screen.snapshot.state) == (Overlay.REST, State.PORTRAIT)

    loop.rest(False)
    assert station.tickets.open() == []
    assert (screen.snapshot.overlay, screen.snapshot.state) == (None, State.PORTRAIT)


def test_whoever_waits_for_staff_is_not_asked_whether_she_is_there(station):
    """Not within a quarter of an hour; then she is, since nobody may block the station."""
    loop, screen = station.begin(Event.AGREE)
    loop.call_help(True)
    station.after(loop, 890)
    assert screen.snapshot.overlay is Overlay.HELP
    station.after(loop, 20)
    assert screen.snapshot.overlay is Overlay.STILL_THERE


@pytest.mark.parametrize("calls", [True, False], ids=["help", "rest"])
def test_whoever_calls_or_rests_at_the_result_is_not_cut_off(station, calls):
    """The result goes after a minute, and with it every call: not from who waits for staff."""
    loop, screen = station.begin(Event.DECLINE)
    (loop.call_help if calls else loop.rest)(True)
    station.after(loop, 890)
    assert screen.snapshot.state is State.RESULT
    assert [ticket.why for ticket in station.tickets.open()] == (["touched"] if calls else [])

    # Nobody may block the station.
    station.after(loop, 20)
    assert (screen.snapshot.state, station.tickets.open()) == (State.WELCOME, [])


def test_a_call_says_who_comes_and_whether_it_was_raised_again(station):
    """Whoever waits sees that something happens."""
    loop, screen = station.begin(Event.AGREE)
    loop.call_help(True)
    (ticket,) = station.tickets.open()
    assert (ticket.why, ticket.sitting_id) == ("touched", screen.snapshot.sitting_id)
    station.tickets.raise_("help", ticket.sitting_id, "touched")
    loop._calls.look()
    assert (screen.snapshot.help.again, screen.snapshot.help.answered_by) == (1, "")
    station.tickets.answer(ticket.id, "guide-7")
    loop._calls.look()
    assert screen.snapshot.help.answered_by == "guide-7"

    loop.call_help(False)
    assert (screen.snapshot.help, screen.snapshot.overlay) == (None, None)
    assert station.tickets.open() == []


@pytest.mark.parametrize("answered", ["touched", "fingers"])
def test_whoever_called_twice_sees_who_comes_for_either_call(station, answered):
    """One attendant comes to one person, whichever of her calls he answered."""
    loop, screen = station.begin(Event.AGREE)
    loop.call_help(True)
    loop._calls.call("help", "fingers")
    (ticket,) = [one for one in station.tickets.open() if one.why == answered]
    station.tickets.answer(ticket.id, "guide-7")
    loop._calls.look()

    assert screen.snapshot.help.answered_by == "guide-7"


def test_the_next_person_s_screen_calls_staff_anew(station):
    """What waited for staff when the last person left is no call of hers: her own is raised."""
    loop, screen = station.begin(Event.AGREE)
    for _ in range(2):
        screen.show(attendant_called=True)
        loop._calls.follow(screen.snapshot)
        (ticket,) = station.tickets.open()
        assert (ticket.why, ticket.sitting_id) == ("fingers", screen.snapshot.sitting_id)
        loop.from_person(Event.LEAVE, screen.snapshot.token, None)
        assert station.tickets.open() == []
        for event in (Event.START, Event.AGREE):
            loop.from_person(event, screen.snapshot.token, None)


def test_a_call_outlives_a_power_cut_and_can_be_taken_back(station):
    """Whoever waits still sees that she called, and her ticket goes when she needs nobody."""
    loop, screen = station.begin(Event.AGREE)
    loop.call_help(True)
    since_ms = station.tickets.open()[0].raised_at_ms
    again, screen = station.loop()
    again._ways_in.resume()
    assert screen.snapshot.help is not None
    assert screen.snapshot.help.since_ms == since_ms

    again.call_help(False)
    assert (screen.snapshot.help, station.tickets.open()) == (None, [])


def test_the_end_of_a_sitting_takes_its_calls_back(station):
    """Nobody runs to a person who has gone."""
    loop, screen = station.begin(Event.AGREE)
    loop.call_help(True)
    # Nobody touched anything for this one, and no touch takes it back.
    loop._calls.call("help", "fingers")
    assert len(station.tickets.open()) == 2
    loop.from_person(Event.LEAVE, screen.snapshot.token, None)

    assert station.tickets.open() == []
    assert screen.snapshot.help is None


def test_whoever_called_from_the_welcome_screen_and_went_does_not_keep_it(station):
    """A quarter of an hour is kept for who waits unseen on a chair; then the screen is free."""
    loop, screen = station.loop()
    loop.call_help(True)
    station.after(loop, HELP_STAYS_S - 1)
    assert screen.snapshot.overlay is Overlay.HELP
    station.after(loop, 2)

    assert screen.snapshot.overlay is None
    assert station.tickets.open() == []


ANSWERED_IN_S = 8.0
"""No line that is read aloud is longer (the manifest of the voices is held to that)."""


def test_every_declared_wait_is_ten_times_what_people_need_to_answer():
    """About ten times is the advice for elders; the question itself stands 20 s at the very least.

    The rating alone is shorter: it asks nothing that anybody has to answer.
    """
    assert LIMITS.idle_s >= 10 * ANSWERED_IN_S
    assert LIMITS.rest_ticket_s >= 10 * ANSWERED_IN_S
    assert LIMITS.idle_s + LIMITS.still_there_s >= 10 * ANSWERED_IN_S + 20
    with pytest.raises(ValueError, match="still_there_s"):
        SittingLimits(still_there_s=19)


# The rating


def rated(station, *events):
    """From the consent to the end, and these answers."""
    station.set(service=Service(rating=True))
    loop, screen = station.begin(Event.AGREE, Event.PORTRAIT_GIVEN_UP, Event.FINGERS_REFUSED)
    for event in (Event.HAND_IN, Event.FINISH, *events):
        loop.from_person(event, screen.snapshot.token, None)
    return loop, screen


def ratings(station) -> list[tuple[str, str, int]]:
    found = station.store.read(
        lambda db: list(db.execute("select score, reason, count from rating order by 1, 2"))
    )
    return [tuple(row) for row in found]


@pytest.mark.parametrize(
    ("events", "noted"),
    [
        ((Event.RATE_GOOD,), ("good", "")),
        ((Event.RATE_FAIR,), ("fair", "")),
        ((Event.RATE_POOR, Event.REASON_WAITED), ("poor", "waited")),
        ((Event.RATE_POOR, Event.REASON_HARD), ("poor", "hard")),
        ((Event.RATE_POOR, Event.FINISH), ("poor", "")),
    ],
    ids=["good", "fair", "waited", "hard", "no reason"],
)
def test_an_answer_is_counted_without_a_name_and_a_poor_one_is_followed_up(station, events, noted):
    """No sitting stands beside it."""
    _, screen = rated(station, *events)

    assert screen.snapshot.state is State.WELCOME
    assert ratings(station) == [(*noted, 1)]
    assert [(t.kind, t.sitting_id) for t in station.tickets.open()] == (
        [("rating", None)] if noted[0] == "poor" else []
    )


@pytest.mark.parametrize(
    ("events", "noted"),
    [((), []), ((Event.RATE_POOR,), [("poor", "", 1)])],
    ids=["no answer", "no reason"],
)
def test_whoever_just_goes_is_asked_no_further(station, events, noted):
    """Fifteen seconds, and the screen is the next person's."""
    loop, screen = rated(station, *events)
    station.after(loop, LIMITS.rating_s + 1)

    assert screen.snapshot.state is State.WELCOME
    assert ratings(station) == noted


def test_whoever_said_no_is_not_asked_how_it_was(station):
    """Nothing was done that could be judged."""
    station.set(service=Service(rating=True))
    loop, screen = station.begin(Event.DECLINE)
    loop.from_person(Event.FINISH, screen.snapshot.token, None)

    assert screen.snapshot.state is State.WELCOME


def test_a_result_that_nobody_answers_is_not_followed_by_a_question(station):
    """The person has gone."""
    station.set(service=Service(rating=True))
    loop, screen = station.begin(Event.AGREE, Event.PORTRAIT_GIVEN_UP, Event.FINGERS_REFUSED)
    loop.from_person(Event.HAND_IN, screen.snapshot.token, None)
    station.after(loop, 61)

    assert screen.snapshot.state is State.WELCOME


# The idle screen


def test_without_a_content_pack_there_is_no_idle_screen(station):
    """The welcome stands as ever."""
    loop, screen = station.loop()
    station.after(loop, 3600)

    assert screen.snapshot.overlay is None


class Cards(Content):
    """A pack's word of its cards."""

    def card_ids(self) -> tuple[str, ...]:
        return ("one", "two")


def test_cards_take_turns_while_nobody_is_near_and_any_touch_takes_them_away(station):
    """Twenty seconds each; a slip that is scanned needs no touch before."""
    station.orders.add(wanted())
    station.set(content=Cards)
    loop, screen = station.loop()
    station.after(loop, LIMITS.idle_cards_s + 1)
    seen = [screen.snapshot.card]
    for _ in range(3):
        station.after(loop, 20)
        seen.append(screen.snapshot.card)
    assert screen.snapshot.overlay is Overlay.IDLE
    assert seen == ["one", "two", "one", "two"]

    loop.still_here()
    assert (screen.snapshot.overlay, screen.snapshot.card) == (None, "")
    station.after(loop, LIMITS.idle_cards_s + 1)
    loop.give_number("", SLIP, "")
    assert (screen.snapshot.state, screen.snapshot.overlay) == (State.NAME, None)


def test_no_card_is_shown_in_a_sitting(station):
    """However long it takes."""
    station.set(content=Cards)
    loop, screen = station.begin(Event.AGREE)
    for _ in range(50):
        station.after(loop, 10)
        loop._timers.mind(True)

    assert (screen.snapshot.card, screen.snapshot.state) == ("", State.PORTRAIT)
