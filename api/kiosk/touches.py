"""What one touch does: a move of the sitting, a change of the look, a key of the staff's pad."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Final

from api.kiosk.come_back import UNTIL
from api.kiosk.fingers import REASONS, open_fingers
from api.kiosk.kiosk import Kiosk
from api.kiosk.listing import is_page
from api.kiosk.look import SCALES, THEMES, VOICES
from api.kiosk.pad import DELETE, DIGITS, EXCEPTION, FIELDS, SHUTTER, SIGN, Field, Pad, Sheet
from api.kiosk.slip import DIGITS_WANTED, scanned_digits
from api.problems import FieldError, Refused
from api.security import same_secret
from edge.override import OverrideReason
from edge.sitting import FROM_THE_PERSON, Event, IllegalMove, Snapshot, StaleToken, mark_of
from edge.staff import WrongPin

Touch = Callable[[Kiosk, str, str], object]
"""Kiosk, token of the sitting, mark of the screen that was touched."""

SCANNED_MAX: Final = 64
"""More characters than any slip of ours holds."""
FROM_FORM: Final = {event.value: event for event in FROM_THE_PERSON}


def touch(kiosk: Kiosk, action: str, token: str, mark: str, scanned: str = "") -> None:
    """Do what one touch asks for, if the person saw the screen that is still shown.

    Args:
        kiosk: the screen.
        action: of the button that was touched.
        token: of the sitting that the page was drawn for.
        mark: of the screen that the page was drawn for.
        scanned: what a scanner read, for the action "scan" alone.

    Raises:
        Refused: no page of ours posts this action.
    """
    event = FROM_FORM.get(action)
    change = _move(event) if event else TOUCHES.get(action)
    if change is None:
        change = _named(kiosk, action, scanned)
    if change is None:
        raise Refused("invalid-request", [FieldError("action", "enum")])
    shown = kiosk.station.desk.snapshot
    fresh = mark == mark_of(shown) and (same_secret(token, shown.token) or token == shown.token)
    if not fresh:
        return
    try:
        change(kiosk, token, mark)
    except (IllegalMove, StaleToken, TimeoutError):
        # Ordinary life at a screen: the sitting moved on meanwhile. The present screen is shown.
        return


def _named(kiosk: Kiosk, action: str, scanned: str) -> Touch | None:
    """Return the touch of an action that says what it is about; None for one that is not ours."""
    if action == "scan":
        return partial(_give_scanned, scanned)
    kind, _, what = action.partition(":")
    if kind == "language":
        return _language(kiosk, what)
    if kind == "lists" and is_page(kiosk.station.content(), what):
        return _look(lists=what)
    return None


def _move(event: Event) -> Touch:
    def move(kiosk: Kiosk, token: str, mark: str) -> None:
        # Asked again with the move itself: two taps may come this far together.
        after = kiosk.station.desk.ask(event, token, lambda present: mark_of(present) == mark)
        _moved(kiosk, token, after)

    return move


def _moved(kiosk: Kiosk, token: str, after: Snapshot) -> None:
    kiosk.slips.clear()
    if token != after.token:
        kiosk.looks.carry(token, after.token)
        _tell_look(kiosk, after)
    look = kiosk.looks.of(after.token)
    if look.leaving_from or look.more_from:
        kiosk.looks.change(after.token, leaving_from="", more_from="")


def _tell_look(kiosk: Kiosk, shown: Snapshot) -> None:
    if shown.token:
        look = kiosk.look(shown)
        kiosk.station.desk.note_look(shown.token, look.scale, look.theme, look.voice)


def _language(kiosk: Kiosk, chosen: str) -> Touch | None:
    if chosen not in kiosk.catalogue.names:
        return None
    return lambda kiosk, token, mark: kiosk.station.desk.set_language(chosen)


def _look(**changes: str) -> Touch:
    return lambda kiosk, token, mark: kiosk.looks.change(token, **changes)


def _show(**changes: str) -> Touch:
    """Return the touch that changes what the centre may remember for the next visit."""

    def show(kiosk: Kiosk, token: str, mark: str) -> None:
        kiosk.looks.change(token, **changes)
        _tell_look(kiosk, kiosk.station.desk.snapshot)

    return show


def _still_here(kiosk: Kiosk, token: str, mark: str) -> None:
    kiosk.station.desk.still_here()


def _give_scanned(scanned: str, kiosk: Kiosk, token: str, mark: str) -> None:
    # A code that is none of ours is looked into by staff, as a number that nobody knows.
    _give(kiosk, token, scanned_digits(scanned) or scanned[:SCANNED_MAX])


def _give_typed(kiosk: Kiosk, token: str, mark: str) -> None:
    digits = kiosk.slips.of(token)
    if len(digits) == DIGITS_WANTED:
        _give(kiosk, token, digits)


def _give(kiosk: Kiosk, token: str, digits: str) -> None:
    after = kiosk.station.desk.give_number(token, digits)
    _moved(kiosk, token, after)


def _open_sheet(sheet: Sheet) -> Touch:
    def open_sheet(kiosk: Kiosk, token: str, mark: str) -> None:
        # Staff are here: whoever waited for them waits no more.
        if kiosk.station.desk.snapshot.overlay is not None:
            kiosk.station.desk.call_help(False)
        kiosk.pads.open(token, mark, sheet)

    return open_sheet


def _sign(sheet: Sheet, do: Callable[[Kiosk, str, Pad], object]) -> Touch:
    """Return the touch that signs: the sheet closes if it was heard, and says so if it was not."""

    def sign(kiosk: Kiosk, token: str, mark: str) -> None:
        pad = kiosk.pads.take(token, mark, sheet)
        if pad is None:
            return
        try:
            do(kiosk, token, pad)
        except WrongPin as refusal:
            kiosk.pads.refuse(token, mark, refusal.wait_s)
        else:
            kiosk.pads.close()

    return sign


def _same_person(same: bool, kiosk: Kiosk, token: str, pad: Pad) -> None:
    kiosk.station.desk.sign_same_person(token, pad.number, pad.pin, same)


def _take_portrait(kiosk: Kiosk, token: str, pad: Pad) -> None:
    kiosk.station.desk.manual_shutter(token, pad.number, pad.pin, pad.reason)


def _one_exception(kiosk: Kiosk, token: str, pad: Pad) -> None:
    waiting = open_fingers(kiosk.station.desk.snapshot)
    _confirm(kiosk, token, pad, [p for p in waiting if p == pad.position] or waiting[:1])


def _all_exceptions(kiosk: Kiosk, token: str, pad: Pad) -> None:
    _confirm(kiosk, token, pad, open_fingers(kiosk.station.desk.snapshot))


def _confirm(kiosk: Kiosk, token: str, pad: Pad, positions: Sequence[str]) -> None:
    until = UNTIL[pad.until]
    for position in positions:
        kiosk.station.desk.confirm_exception(
            token, pad.number, pad.pin, position, pad.reason, until.permanence,
            until.come_back_on(date.today()),
        )  # fmt: skip


def _touches() -> Iterator[tuple[str, Touch]]:
    yield "help", lambda kiosk, token, mark: kiosk.station.desk.call_help(True)
    yield "help-done", lambda kiosk, token, mark: kiosk.station.desk.call_help(False)
    yield "rest", lambda kiosk, token, mark: kiosk.station.desk.rest(True)
    yield "rest-done", lambda kiosk, token, mark: kiosk.station.desk.rest(False)
    yield "ask-leave", lambda kiosk, token, mark: kiosk.looks.change(token, leaving_from=mark)
    yield "finger-more", lambda kiosk, token, mark: kiosk.looks.change(token, more_from=mark)
    yield "stay", _look(leaving_from="", more_from="")
    for scale in SCALES:
        yield f"scale:{scale}", _show(scale=scale)
    for theme in THEMES:
        yield f"theme:{theme}", _show(theme=theme)
    for voice in VOICES:
        yield f"voice:{voice}", _show(voice=voice)
    # What is said again is said by the page's own module; without it there is nothing to hear.
    yield "say-again", lambda kiosk, token, mark: None
    yield "still-here", _still_here
    yield "remote:yes", lambda kiosk, token, mark: kiosk.station.desk.remote_answer(True)
    yield "remote:no", lambda kiosk, token, mark: kiosk.station.desk.remote_answer(False)
    for key in (*DIGITS, DELETE):
        yield f"digit:{key}", partial(_digit, key)
    yield "number-done", _give_typed
    yield from _staff_touches()


def _staff_touches() -> Iterator[tuple[str, Touch]]:
    yield "staff:sign", _open_sheet(SIGN)
    yield "staff:shutter", _open_sheet(SHUTTER)
    yield "staff:exception", _open_sheet(EXCEPTION)
    yield "staff:back", lambda kiosk, token, mark: kiosk.pads.close()
    for key in (*DIGITS, DELETE):
        yield f"key:{key}", partial(_key, key)
    for to in FIELDS:
        yield f"field:{to}", partial(_field, to)
    for reason in OverrideReason:
        yield f"reason:{reason.value}", _choose(SHUTTER, reason=reason.value)
    for why in REASONS:
        yield f"why:{why}", _choose(EXCEPTION, reason=why)
    for until in UNTIL:
        yield f"until:{until}", _choose(EXCEPTION, until=until)
    yield "which:next", _next_finger
    yield "sign:same", _sign(SIGN, partial(_same_person, True))
    yield "sign:other", _sign(SIGN, partial(_same_person, False))
    yield "shutter:take", _sign(SHUTTER, _take_portrait)
    yield "exception:one", _sign(EXCEPTION, _one_exception)
    yield "exception:all", _sign(EXCEPTION, _all_exceptions)


def _digit(key: str, kiosk: Kiosk, token: str, mark: str) -> None:
    kiosk.slips.press(token, key)


def _key(key: str, kiosk: Kiosk, token: str, mark: str) -> None:
    kiosk.pads.press(token, mark, key)


def _field(to: Field, kiosk: Kiosk, token: str, mark: str) -> None:
    kiosk.pads.turn_to(token, mark, to)


def _choose(sheet: Sheet, **chosen: str) -> Touch:
    return lambda kiosk, token, mark: kiosk.pads.choose(token, mark, sheet, **chosen)


def _next_finger(kiosk: Kiosk, token: str, mark: str) -> None:
    pad, waiting = kiosk.pads.of(token, mark), open_fingers(kiosk.station.desk.snapshot)
    if pad is None or not waiting:
        return
    here = waiting.index(pad.position) if pad.position in waiting else 0
    position = waiting[(here + 1) % len(waiting)]
    kiosk.pads.choose(token, mark, EXCEPTION, position=position)


TOUCHES: Final[Mapping[str, Touch]] = dict(_touches())
"""Everything that a page of ours posts and that is no move of the sitting."""
