"""One whole sitting without a browser: the demo's person answers, the station does the rest."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from edge.capture import SittingDesk
from edge.delivery.receipt import ReceiptInvalid, ReceiptVerifier
from edge.seal import KeptPart
from edge.sitting import Event, IllegalMove, Snapshot, State
from edge.staff import WrongPin
from edge.store import NoSuchPackage, PackageRow, Store

Hand = Callable[[SittingDesk, Snapshot], Snapshot | None]
"""Makes the move that a screen waits for, if it is one for this hand; None: it is not."""

ANSWERS: Final[Mapping[State, Event]] = {
    State.WELCOME: Event.START,
    # An order that waits from an earlier run may name somebody and ask for papers.
    State.NAME: Event.NAME_RIGHT,
    State.PROXY: Event.LETTER_LATER,
    State.CONSENT: Event.AGREE,
    State.MATERIALS: Event.MATERIAL_HERE,
    State.PORTRAIT_OK: Event.PORTRAIT_KEPT,
    State.REVIEW: Event.HAND_IN,
}
LOOK_S: Final = 0.2
PASSING: Final = frozenset({"device_out", "starting"})
"""Reasons for being out of service that end by themselves."""
OUT_STANDS_S: Final = 5.0
"""For so long any other reason may stand; then nothing is to be waited for."""


@dataclass(slots=True)
class Walk:
    """What happened; `problem` is empty exactly if the centre's receipt was verified."""

    sitting_id: str = ""
    package_id: str = ""
    result: str = ""
    steps_s: dict[str, float] = field(default_factory=dict)
    hints: list[str] = field(default_factory=list)
    readings: list[dict[str, Any]] = field(default_factory=list)
    fingers: list[dict[str, Any]] = field(default_factory=list)
    finger_exceptions: list[dict[str, Any]] = field(default_factory=list)
    missing: list[dict[str, str]] = field(default_factory=list)
    parts: list[dict[str, Any]] = field(default_factory=list)
    package_bytes: int = 0
    receipt: dict[str, Any] = field(default_factory=dict)
    earlier_photo: dict[str, Any] = field(default_factory=dict)
    problem: str = ""


def both(*hands: Hand) -> Hand:
    """Return hands of which the first that has a move for a screen makes it."""

    def hand(desk: SittingDesk, shown: Snapshot) -> Snapshot | None:
        return next((after for one in hands if (after := one(desk, shown)) is not None), None)

    return hand


def walk(  # noqa: PLR0917 - what a walk meets, one by one
    desk: SittingDesk,
    store: Store,
    verifier: ReceiptVerifier,
    limit_s: float,
    stopping: Callable[[], bool],
    hand: Hand = lambda desk, shown: None,
) -> Walk:
    """Walk one person through, and wait for the receipt. Never raises for what went wrong.

    Args:
        desk: runs the sitting.
        store: holds what is said of the parts, and the receipt.
        verifier: knows the centre's key.
        limit_s: after so long nothing is waited for.
        stopping: asked again and again; True ends the walk.
        hand: asked first, on every screen: what a plain sitting does not do.
    """
    told = Walk()
    until_s = time.monotonic() + limit_s
    shown = _through_the_sitting(desk, store, told, until_s, stopping, hand)
    if shown.state is not State.RESULT:
        told.problem = _why_it_stood(shown)
        return told
    told.result = shown.result.value if shown.result else ""
    began_s = time.monotonic()
    _await_receipt(store, verifier, told, until_s, stopping)
    told.steps_s["delivery"] = round(time.monotonic() - began_s, 3)
    return told


def _through_the_sitting(  # noqa: PLR0917 - as `walk`
    desk: SittingDesk,
    store: Store,
    told: Walk,
    until_s: float,
    stopping: Callable[[], bool],
    hand: Hand,
) -> Snapshot:
    shown, since_s = desk.snapshot, time.monotonic()
    served_at_s = since_s
    while time.monotonic() < until_s and not stopping() and shown.state is not State.RESULT:
        if not set(shown.out_of_service) - PASSING:
            served_at_s = time.monotonic()
        elif time.monotonic() - served_at_s > OUT_STANDS_S:
            break
        _note(shown, told)
        if ANSWERS.get(shown.state) is Event.HAND_IN:
            _note_samples(store, shown, told)
        after = _answered(desk, shown, hand)
        if after.state is not shown.state:
            now_s = time.monotonic()
            spent_s = told.steps_s.get(shown.state.value, 0.0) + now_s - since_s
            told.steps_s[shown.state.value] = round(spent_s, 3)
            since_s = now_s
        shown = after
    _note(shown, told)
    return shown


def _why_it_stood(shown: Snapshot) -> str:
    if shown.out_of_service:
        return f"the station is out of service: {', '.join(shown.out_of_service)}"
    over = f" ({shown.overlay.value})" if shown.overlay is not None else ""
    return f"the sitting stood at {shown.state.value} when time was up{over}"


def _answered(desk: SittingDesk, shown: Snapshot, hand: Hand) -> Snapshot:
    """Make the move that the screen waits for, or wait for the next screen."""
    answer, after = ANSWERS.get(shown.state), None
    try:
        after = hand(desk, shown)
        if after is None and answer and (answer is not Event.START or not shown.out_of_service):
            after = desk.ask(answer, shown.token)
    except (IllegalMove, WrongPin, TimeoutError):
        after = None
    return after or desk.wait(shown.revision, LOOK_S)


def _note(shown: Snapshot, told: Walk) -> None:
    told.sitting_id = shown.sitting_id or told.sitting_id
    hints = (shown.hint, shown.finger.hint if shown.finger else None)
    for hint in hints:
        if hint and (not told.hints or told.hints[-1] != hint):
            told.hints.append(hint)
    told.finger_exceptions = [asdict(row) for row in shown.finger_exceptions]
    told.missing = [{"what": row.what, "reason": row.reason} for row in shown.missing]


def _note_samples(store: Store, shown: Snapshot, told: Walk) -> None:
    """Take down what the store keeps in clear of the parts; the closing erases it."""
    package = next(p for p in store.open_packages() if p.sitting_id == shown.sitting_id)
    told.package_id = package.package_id
    told.readings, told.fingers, told.parts = [], [], []
    for part in package.parts:
        told.parts.append({"name": part.name, "bytes": part.size})
        _note_part(part, told)


def _note_part(part: KeptPart, told: Walk) -> None:
    kind, _, name = part.name.partition("/")
    if kind == "finger" and name.endswith(".png"):
        score = part.facts["score"]
        told.fingers.append({"position": name.removesuffix(".png"), **score})
    for reading in part.facts.get("readings", ()):
        told.readings.append({"document": name.removesuffix(".jpg"), **reading})


def _await_receipt(
    store: Store,
    verifier: ReceiptVerifier,
    told: Walk,
    until_s: float,
    stopping: Callable[[], bool],
) -> None:
    told.problem = "the centre's receipt did not come in time"
    while time.monotonic() < until_s and not stopping():
        try:
            row = store.package(told.package_id)
        except NoSuchPackage:
            told.problem = "the package was not closed"
            return
        told.package_bytes = row.size
        if row.state == "quarantined":
            told.problem = "the centre refused the package"
            return
        receipts = [d.receipt for d in row.deliveries if d.state == "delivered" and d.receipt]
        if row.state == "receipted" and receipts:
            _verify(verifier, row, receipts[0], told)
            return
        time.sleep(LOOK_S)


def _verify(verifier: ReceiptVerifier, row: PackageRow, token: str, told: Walk) -> None:
    try:
        receipt = verifier.verify(token, row.package_id, row.digest, row.size)
    except ReceiptInvalid:
        told.problem = "the stored receipt does not verify"
        return
    told.receipt = {"outcome": receipt.outcome, "receipt_id": receipt.receipt_id}
    told.problem = "" if receipt.outcome == "stored" else f"the centre said {receipt.outcome}"
