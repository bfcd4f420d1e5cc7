"""People who sit: made-up samples that go through the product's own record, step by step.

Their pictures are true JPEG and PNG files of noise, which nothing can compress away.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from typing import Final

from drivers.fingerprint import FingerImage
from edge.fingers.capture import FingerTaken
from edge.fingers.presses import Agreement, GoodPress, Presentation
from edge.fingers.wishes import FingerWishes
from edge.portrait import DocumentPhoto
from edge.portrait_capture import Portrait
from edge.record import Record
from edge.sitting import Result
from edge.store import NoSuchPackage, Store
from quality.finger.score import FingerScore

Told = Callable[[str], None]
FINGERS: Final = ("right_thumb", "left_thumb")
WISHES: Final = FingerWishes(
    profile="proof", slots=FINGERS, fallback=(), other_hand=False, minimum=None,
    enrolment_grade=False, card_codes=False, records=(),
)  # fmt: skip
DOCUMENTS: Final = ("cn_exit_entry", "cn_resident_id")
JPEG_BEGIN: Final = bytes.fromhex("ffd8ffe000104a46494600010100000100010000")
JPEG_END: Final = b"\xff\xd9"


@dataclass(frozen=True, slots=True)
class Build:
    """How large the samples of a sitting are.

    Attributes:
        photo_bytes, master_bytes: of the files, close to it.
        print_side_px: of a square finger image of noise, a byte a pixel.
    """

    photo_bytes: int
    master_bytes: int
    print_side_px: int


SMALL: Final = Build(4_000, 8_000, 48)
"""So small that every file operation of some sittings can be cut at."""
USUAL: Final = Build(31_000, 300_000, 150)
"""As the demo's: 450 kB a package [measured]."""


def noise(label: str, size: int) -> bytes:
    """Return bytes that follow from the label, so that nothing need be remembered."""
    return hashlib.shake_128(label.encode()).digest(size)


def jpeg(label: str, size: int) -> bytes:
    """Return a file that begins and ends as a JPEG does, with noise between."""
    return JPEG_BEGIN + noise(label, size) + JPEG_END


def portrait(label: str, build: Build) -> Portrait:
    """Return an accepted portrait."""
    master = jpeg(f"{label}/master", build.master_bytes)
    digest = hashlib.sha256(master).hexdigest()
    photos = tuple(
        DocumentPhoto(
            name, jpeg(f"{label}/{name}", build.photo_bytes), 390, 567, 300, 90, True,
            ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)), digest, (),
        )
        for name in DOCUMENTS
    )  # fmt: skip
    readings = dict.fromkeys(DOCUMENTS, ())
    return Portrait(photos, master, readings, (), time.monotonic(), preset="proof")


def finger(label: str, position: str, build: Build) -> tuple[FingerTaken, Presentation]:
    """Return one finger that was accepted, and the press it came from."""
    side = build.print_side_px
    image = FingerImage(noise(f"{label}/{position}", side * side), side, side, 500)
    press = Presentation(1, FingerScore(71), "", time.monotonic())
    best = GoodPress(1, image, FingerScore(71))
    taken = FingerTaken(position, position, best, (best,), Agreement.NOT_ASSESSED, False, (press,))
    return taken, press


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is done in a sitting, and the part that is in custody after it, if it is one.

    Attributes:
        brings: name of a part; "" for none.
    """

    brings: str
    do: Callable[[], None]


def steps(
    record: Record, build: Build, label: str, records: tuple[str, ...] = ()
) -> Iterator[Step]:
    """Return what is left to be done of a sitting, from wherever a restart finds it.

    Args:
        record: of the sitting.
        build: size of the samples.
        label: what the samples follow from.
        records: kinds of records that are wanted beside a finger's PNG.
    """
    if not record.progress.consented:
        yield Step("consent.json", lambda: record.keep_consent("zh-CN"))
    if not record.portrait_in:
        yield Step("portrait/master.jpg", lambda: record.keep_portrait(portrait(label, build)))
    if record.finger_wishes is None:
        record.wish_fingers(replace(WISHES, records=records))
    for position in FINGERS:
        if position not in record.fingers_in:
            taken, press = finger(label, position, build)
            yield Step("", partial(record.note_press, position, press))
            yield Step(f"finger/{position}.png", partial(record.keep_finger, taken))
    yield Step("sitting.json", lambda: record.close(Result.ACCEPTED))


class When(Enum):
    """When a word is told: in time, or, broken on purpose, too early."""

    TRUE = "when a step is done, what record and journal say then"
    EARLY = "before a step is done"


def sit(
    store: Store,
    record: Record,
    build: Build,
    tell: Told,
    *,
    label: str = "",
    records: tuple[str, ...] = (),
    when: When = When.TRUE,
    pause: Callable[[], None] = lambda: None,
) -> None:
    """Walk one person through; tell what is in custody as soon as the product says so.

    Args:
        store: the journal, asked for what it keeps in clear of the parts.
        record: of the sitting, new or found again.
        build: size of the samples.
        tell: what a screen or an answer would tell; durable from then on.
        label: what the samples follow from; its package id if nothing is said.
        records: kinds of records that are wanted beside a finger's PNG.
        when: a word is told.
        pause: between two steps.
    """
    believed = {part.name: "" for part in store.parts(record.package_id)}
    for step in steps(record, build, label or record.package_id, records):
        if step.brings:
            believed[step.brings] = ""
        if when is When.EARLY:
            tell(said_kept(record.package_id, believed))
            pause()
        step.do()
        if when is When.TRUE and step.brings == "sitting.json":
            tell(_said_closed(store, record.package_id))
        elif when is When.TRUE:
            tell(said_kept(record.package_id, {**_shown(record), **_kept(store, record)}))
        pause()


def _shown(record: Record) -> dict[str, str]:
    """Return the parts that the screen would show as kept; "" for any digest."""
    portrait_in = ["consent.json", "portrait/master.jpg"] if record.portrait_in else []
    return dict.fromkeys([*portrait_in, *(f"finger/{p}.png" for p in record.fingers_in)], "")


def _kept(store: Store, record: Record) -> dict[str, str]:
    return {part.name: part.record_sha256 for part in store.parts(record.package_id)}


def _said_closed(store: Store, package_id: str) -> str:
    """Return the word that it is closed, also where the journal knows nothing of that."""
    digest = "none"
    with suppress(NoSuchPackage):
        digest = store.package(package_id).digest or digest
    return json.dumps({"closed": package_id, "digest": digest})


def said_kept(package_id: str, parts: dict[str, str]) -> str:
    """Return the word that these parts are in custody; "" stands for any digest."""
    return json.dumps({"kept": package_id, "parts": parts})


def shuffled(dice: random.Random, low_s: float, high_s: float) -> Callable[[], None]:
    """Return a pause of chance length, as between a person's steps."""
    return lambda: time.sleep(dice.uniform(low_s, high_s))
