"""What is read aloud on a screen, as line ids in order: question, what to do, choices. Pure.

Ids that begin with `now.` are no lines: what they say stands in the snapshot (a surname, minutes,
a paper's name) and is spoken by `edge.speech`. A `#` and a number behind an id are not its own: the
same line is said anew.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

from api.kiosk.catalogue import Catalogue, load_catalogue
from api.kiosk.hints import aside_id, hint_id
from api.kiosk.listing import CHOOSE
from api.kiosk.overlays import LEAVING, MORE, REMOTE
from api.kiosk.slip import DIGITS_WANTED
from api.kiosk.view import View
from edge.sitting import Overlay, State

NAME: Final = "now.name"
MINUTES: Final = "now.minutes"
MATERIAL: Final = "now.material"
MISSING: Final = "now.missing"
CHECKLIST: Final = "now.checklist"
DIGIT: Final = "now.digit"
SLIP: Final = "now.slip"
DYNAMIC: Final = (NAME, MINUTES, MATERIAL, MISSING, CHECKLIST, DIGIT, SLIP)

Lines = tuple[str, ...]


def spoken(drawn: View) -> Lines:
    """Return the ids of what this screen says, in the order of saying; () where it keeps silent.

    Staff sheets are silent: nobody's number or reason is read out to a hall. So are the cards of
    the idle screen, before which nobody stands.
    """
    shown = drawn.shown
    if drawn.overlay:
        said = _OVERLAYS.get(drawn.overlay, _nothing)(drawn)
    else:
        said = _SCREENS[shown.state](drawn)
    remote = shown.remote
    if remote and remote.phase == "on" and remote.say and _catalogue().has(remote.say):
        # Who helps from afar comes first: their line answers what the person just asked.
        said = (f"{remote.say}#{remote.say_number}", *said)
    return tuple(dict.fromkeys(said))


@cache
def _catalogue() -> Catalogue:
    return load_catalogue()


def _nothing(_: View) -> Lines:
    return ()


def _always(*lines: str) -> Callable[[View], Lines]:
    return lambda _: lines


def _welcome(drawn: View) -> Lines:
    begin = ("welcome.start",) if drawn.shown.can_start else ()
    relative = ("welcome.relative",) if drawn.shown.can_start else ()
    return ("welcome.question", "welcome.say", "welcome.calm", *begin, "welcome.number", *relative)


def _number(drawn: View) -> Lines:
    if drawn.shown.number_closed:
        return ("number.closed", "number.unknown_say")
    if drawn.shown.number_unknown:
        return ("number.unknown", "number.unknown_say", "number.done")
    # Whoever cannot see the keys hears each digit, and all of them at the end.
    typed = len(drawn.slip)
    heard = SLIP if typed == DIGITS_WANTED else DIGIT
    typing = (f"{heard}#{typed}",) if typed else ()
    return ("number.question", "number.say", *typing, "number.done")


def _name(drawn: View) -> Lines:
    name = drawn.shown.name
    called = (NAME,) if name and name.surname else ()
    return (*called, "name.question", "name.right", "name.relative", "name.none")


def _proxy(drawn: View) -> Lines:
    return (
        "proxy.question", hint_id(drawn.shown, _catalogue()), "proxy.photo",
        "proxy.shown", "proxy.later",
    )  # fmt: skip


def _consent(drawn: View) -> Lines:
    fingers = drawn.shown.fingers_asked
    return (
        "consent.face", "consent.seen", *(("consent.fingers",) if fingers else ()),
        "consent.sealed", "consent.centre",
        "consent.relative" if drawn.shown.who == "proxy" else "consent.choice",
        "consent.question",
        *(("consent.all", "consent.photo_only") if fingers else ("consent.agree",)),
        "consent.decline",
    )  # fmt: skip


def _materials(_: View) -> Lines:
    return (
        MATERIAL, "materials.question", "materials.say", "materials.here", "materials.later",
    )  # fmt: skip


def _reuse(drawn: View) -> Lines:
    return (drawn.source, "reuse.question", "reuse.use", "reuse.new")


def _reuse_check(drawn: View) -> Lines:
    if drawn.stage == "look":
        return (hint_id(drawn.shown, _catalogue()), "reuse.new")
    if drawn.stage == "staff":
        return ("reuse-check.question", "reuse-check.say", "reuse.new")
    return ("reuse-check.compare", "reuse.new")


def _portrait(drawn: View) -> Lines:
    shown = drawn.shown
    hint, aside = hint_id(shown, _catalogue()), aside_id(shown, _catalogue())
    # The way round is said to whoever is stuck; said at once it would drown what to do.
    ways = ("portrait.call_staff", "portrait.skip") if shown.stuck else ()
    return tuple(line for line in (hint, aside, *ways) if line)


def _finger(drawn: View) -> Lines:
    shown = drawn.shown
    if shown.finger is None:
        return ("finger.checking",)
    company: Lines = ()
    if shown.attendant_called:
        company = ("finger.called",)
    elif shown.resumed:
        company = ("resumed.portrait" if shown.portrait_in else "resumed.say",)
    first = shown.finger.presentation == 1 and not shown.fingers_in
    ways = ("finger.not_possible", "finger.more") if first and not shown.finger.hint else ()
    return (drawn.ask, *_press(drawn), hint_id(shown, _catalogue()), *company, *ways)


def _press(drawn: View) -> Lines:
    finger = drawn.shown.finger
    line_id = f"finger.press.{finger.presentation}" if finger else ""
    return (line_id,) if drawn.press and _catalogue().has(line_id) else ()


def _review(drawn: View) -> Lines:
    shown = drawn.shown
    standings = {row.standing for row in drawn.fingers}
    kinds = {row.kind for row in drawn.missing}
    later = "missing" in standings or not kinds.isdisjoint({"portrait", "material"})
    if drawn.elsewhere:
        word: Lines = ("finger.elsewhere",)
    elif drawn.staff_look:
        word = ("review.staff",)
    else:
        word = ("resumed.say",) if shown.resumed else ()
    question = "review.question_missing" if later else "review.question"
    return (question, *word, "review.hand_in", "review.again")


def _result(drawn: View) -> Lines:
    own = f"result.{drawn.result}"
    later = drawn.result == "accepted_with_missing" and drawn.missing
    receipt = ("result.receipt",) if drawn.result.startswith("accepted") else ()
    return (
        f"{own}.question", *(("result.missing", MISSING) if later else ()), f"{own}.say",
        *receipt, "result.ok",
    )  # fmt: skip


def _help(drawn: View) -> Lines:
    call = drawn.shown.help
    if call and call.answered_by:
        return ("help.coming", "help.done")
    waited = (MINUTES,) if call and call.minutes else ()
    return ("help.question", "help.again" if call and call.again else "help.say", *waited,
            "help.done")  # fmt: skip


def _calm(drawn: View) -> Lines:
    shown = drawn.shown
    way = shown.calm_long and (shown.state is State.PORTRAIT or shown.finger is not None)
    return ("calm.question", "calm.say", *(("calm.go_on",) if way else ()))


def _more(drawn: View) -> Lines:
    finger = drawn.shown.finger
    if finger is None:
        return ()
    hand = f"finger-more.{finger.position.partition('_')[0]}"
    none = ("finger-more.none",) if finger.refusable else ()
    return ("finger-more.question", "finger-more.say", "finger-more.stay", hand, *none)


def _checklist(drawn: View) -> Lines:
    # The page stands behind the id, so that turning it is something new to say.
    page = f"{CHECKLIST}#{drawn.look.lists}"
    if drawn.look.lists.startswith(CHOOSE):
        return ("checklist.choose", page, "checklist.say")
    return (page, "checklist.back")


_SCREENS: Final[dict[State, Callable[[View], Lines]]] = {
    State.WELCOME: _welcome,
    State.NUMBER: _number,
    State.NAME: _name,
    State.PROXY: _proxy,
    State.CONSENT: _consent,
    State.MATERIALS: _materials,
    State.REUSE: _reuse,
    State.REUSE_CHECK: _reuse_check,
    State.PORTRAIT: _portrait,
    State.PORTRAIT_OK: _always("portrait-ok.question", "portrait-ok.yes", "portrait-ok.again"),
    State.FINGER: _finger,
    State.REVIEW: _review,
    State.CLOSING: _always("closing.question", "closing.say"),
    State.RESULT: _result,
    State.RATING: _always(
        "rating.question", "rating.say", "rating.good", "rating.fair", "rating.poor"
    ),
    State.RATING_REASON: _always(
        "rating-reason.question", "rating-reason.say", "rating-reason.waited", "rating-reason.hard",
        "rating-reason.skip",
    ),
}  # fmt: skip
_OVERLAYS: Final[dict[str, Callable[[View], Lines]]] = {
    Overlay.CALM.value: _calm,
    Overlay.HELP.value: _help,
    Overlay.REST.value: _always("rest.question", "rest.say", "rest.done"),
    Overlay.STILL_THERE.value: _always(
        "still-there.question", "still-there.say", "still-there.here"
    ),
    Overlay.OUT_OF_SERVICE.value: _always("out-of-service.question", "out-of-service.say"),
    "charging": _always("charging.question", "charging.say"),
    "checking": _always("checking.question", "checking.say"),
    LEAVING: _always("leave.question", "leave.say", "leave.stay", "leave.yes"),
    MORE: _more,
    REMOTE: _always("remote.question", "remote.say", "remote.yes", "remote.no"),
    "checklist": _checklist,
}  # fmt: skip
