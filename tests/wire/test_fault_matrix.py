"""No wrong image gets through a damaged line: the smoke version of `make proof-line`."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain, islice

import pytest

from accuracy.line.cases import (
    FRAME_BYTES,
    Case,
    alike,
    exhaustive,
    mixtures,
    stubborn,
    swaps_after_a_fault,
)
from accuracy.line.limit import DAMAGES, silent_images, unseen
from accuracy.line.page import Proof, bound, with_figures
from accuracy.line.run import Tally, tried, two_prints
from accuracy.line.shown import faultless_content
from accuracy.line.trial import BROKEN, Outcome
from drivers import zfm_packets, zfm_stream, zfm_upload
from drivers.peers.line_faults import Fault, Harm, damaged
from drivers.zfm_packets import pack_4bit, stream
from tests.wire.glass import random_pixels

SIZE_PX = (128, 96)
IMAGE_BYTES = SIZE_PX[0] * SIZE_PX[1] // 2
PACKETS = IMAGE_BYTES // 256
BENCHES = 16
PATIENCE = 4.0
"""Of the time that the whole proof allows: whoever runs the tests does other things too."""


def on_benches(cases: Iterable[Case], prints: Sequence[bytes]) -> Tally:
    """Try the cases on small images."""
    return tried(cases, prints, SIZE_PX, BENCHES, PATIENCE)


@pytest.fixture(scope="module")
def prints():
    """Two synthetic prints that lie on the glass in turn."""
    return two_prints(*SIZE_PX)


def test_every_harm_is_in_the_matrix():
    """A fault that is added to the line is tried at every packet, or this says that it is not."""
    tried_harms = {fault.harm for case in exhaustive(PACKETS) for fault in case.faults}

    assert tried_harms == set(Harm)


def test_the_whole_matrix_hits_every_packet_with_every_fault():
    """What the proof calls exhaustive is: counted here for the image that it sends."""
    hit: dict[Harm, set[int]] = {harm: set() for harm in Harm}
    by_packet = {
        Harm.LOSE_PACKET, Harm.DOUBLE_PACKET, Harm.LOSE_AND_DOUBLE, Harm.GARBAGE,
        Harm.WRONG_LENGTH,
    }  # fmt: skip
    for case in exhaustive(144):
        for fault in case.faults:
            at = fault.at if fault.harm in by_packet else fault.at // FRAME_BYTES
            hit[fault.harm].add(at)
    once = {Harm.NO_END, Harm.WRONG_TOTAL}

    assert {harm for harm in Harm if hit[harm] == set(range(144))} == set(Harm) - once


def test_one_fault_alone_never_makes_a_wrong_image(prints):
    """At every packet of an image: the true image, or a device error; then the next press is true.

    A swap that keeps the sum shows nothing: it is the protocol's limit, and nothing else is.
    """
    some = random.Random(1).sample(list(exhaustive(PACKETS)), 120)
    silent_for_ever = [case for case in some if case.name == "silent for ever"]
    tally = on_benches(some, prints)

    assert tally.broken == []
    assert tally.total() == len(some)
    assert {name for name, row in tally.outcomes.items() if row[Outcome.SILENT]} <= {"swap"}
    assert tally.total(Outcome.AGREED) == 0
    assert tally.outcomes["silent for ever"][Outcome.REFUSED] == len(silent_for_ever)


def test_mixtures_of_faults_and_noise_never_make_a_wrong_image(prints):
    """Several faults, in several uploads, on a line that hits commands and answers too."""
    tally = on_benches(mixtures(50, PACKETS), prints)

    assert tally.broken == []
    assert tally.total() == 50


def test_a_line_that_stays_bad_gives_a_device_error(prints):
    """The same visible fault in every upload: there is no image to be had, and none is made up."""
    tally = on_benches(stubborn(PACKETS), prints)

    assert tally.broken == []
    assert tally.total(Outcome.REFUSED) == tally.total() > 0


def test_two_uploads_that_are_wrong_alike_are_known(prints):
    """The second limit, on record: what shows nothing by itself, every time alike.

    A packet that is doubled shows, and is never believed, however often it comes.
    """
    tally = on_benches(alike(PACKETS), prints)
    doubled = tally.outcomes["lose and double, always alike"]
    swapped = tally.outcomes["swap beside a fault, always alike"]

    assert tally.broken == []
    assert doubled[Outcome.REFUSED] == doubled.total() > 0
    assert swapped[Outcome.AGREED] > 0


def test_a_swap_is_caught_after_any_fault(prints):
    """What no sum can see, two uploads that must agree do."""
    tally = on_benches(swaps_after_a_fault(PACKETS), prints)

    assert tally.broken == []
    assert tally.total(Outcome.SILENT, Outcome.AGREED) == 0
    assert tally.total() == 2 * PACKETS


def test_without_the_sum_the_matrix_fails(prints, monkeypatch):
    """Negative control: the sum is what stops a flipped bit."""
    monkeypatch.setattr(zfm_packets, "sum_fits", lambda _frame: True)
    flips = [one for one in exhaustive(PACKETS) if one.name == "flip"]
    tally = on_benches(flips[4::8], prints)

    assert {trial.outcome for trial in tally.broken} == {Outcome.WRONG}


def test_where_doubled_packets_may_agree_the_matrix_lets_wrong_images_through(prints, monkeypatch):
    """Negative control: two uploads that double alike agree, and only the doubled packet shows."""
    monkeypatch.setattr(zfm_stream, "_bare", lambda _payload: True)
    cases = [one for one in alike(PACKETS) if one.name == "lose and double, always alike"]
    tally = on_benches(cases, prints)

    assert tally.total(Outcome.AGREED) == tally.total() > 0


@pytest.mark.parametrize("harm", [Harm.LOSE_AND_DOUBLE, Harm.GARBAGE])
def test_without_the_agreement_of_two_uploads_the_matrix_fails(prints, monkeypatch, harm):
    """Negative control: sum and length alone let a wrong image through on a line with faults.

    A doubled packet drops its upload all the same, so that rule is off too where one is sent.
    """
    if harm is Harm.LOSE_AND_DOUBLE:
        monkeypatch.setattr(zfm_stream, "_bare", lambda _payload: True)
    fetch = zfm_upload.upload

    def forgets_faults(*told):
        return replace(fetch(*told), fault="")

    monkeypatch.setattr(zfm_upload, "upload", forgets_faults)
    if harm is Harm.GARBAGE:
        cases = [one for one in swaps_after_a_fault(PACKETS) if one.name == "swap beside a fault"]
    else:
        name = harm.name.lower().replace("_", " ")
        cases = [one for one in exhaustive(PACKETS) if one.name == name]
    tally = on_benches(cases, prints)

    assert {trial.outcome for trial in tally.broken} == {Outcome.WRONG}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(Harm.FLIP, 300, bit=2), Fault(Harm.FLIP, 3), Fault(Harm.DROP, 700),
        Fault(Harm.DOUBLE, 700), Fault(Harm.SWAP, 274), Fault(Harm.TRUNCATE, 5000),
        Fault(Harm.LOSE_PACKET, 3), Fault(Harm.DOUBLE_PACKET, 3), Fault(Harm.LOSE_AND_DOUBLE, 3),
        Fault(Harm.GARBAGE, 3), Fault(Harm.WRONG_LENGTH, 3), Fault(Harm.WRONG_TOTAL, value=-1),
        Fault(Harm.WRONG_TOTAL, value=1),
    ],
    ids=lambda fault: f"{fault.harm.name.lower()}-{fault.at}-{fault.value}",
)  # fmt: skip
def test_the_proofs_own_reading_sees_every_fault_that_shows(fault):
    """The driver is judged by it: it must not overlook what a driver could see."""
    content = pack_4bit(random_pixels(*SIZE_PX))
    pieces = damaged(list(stream(content, 256)), [fault])

    assert faultless_content(b"".join(piece.content for piece in pieces), IMAGE_BYTES) is None


def test_the_proofs_own_reading_takes_what_shows_nothing():
    """A clean stream, one whose payload was swapped, one without END, and what follows END."""
    content = pack_4bit(random_pixels(*SIZE_PX))

    def read(*faults: Fault, after: bytes = b"") -> bytes | None:
        pieces = damaged(list(stream(content, 256)), faults)
        return faultless_content(b"".join(one.content for one in pieces) + after, IMAGE_BYTES)

    swapped = bytearray(content)
    swapped[91:93] = swapped[91:93][::-1]

    assert read() == content
    assert read(Fault(Harm.SWAP, 100)) == swapped != content
    assert read(Fault(Harm.NO_END)) == content
    assert read(after=b"\x55 noise") == content


def test_the_limit_is_measured_and_the_rest_is_seen(prints):
    """A flipped bit, a lost or doubled byte shows; a swap and flips that compensate do not."""
    contents = [pack_4bit(one) for one in prints]
    found = {name: unseen(name, contents, 400) for name in DAMAGES}

    assert [found[name].unseen for name in ("1 bit flipped", "one byte doubled")] == [0, 0]
    assert found["one byte dropped"].unseen == 0
    assert found["two flips that compensate"].unseen == 400
    swapped = found["two neighbouring payload bytes swapped"]
    assert swapped.unseen == swapped.changed > 200
    assert 0 < found["2 bits flipped"].unseen < 80


def test_noise_hides_in_an_image_only_when_it_compensates():
    """One bit an image at most: nothing is ever hidden. Many, in one packet only: it may be."""
    content = pack_4bit(random_pixels(128, 4))
    seldom, often = (silent_images(content, mean, 2000) for mean in (0.01, 2.0))

    assert seldom.silent == 0 < seldom.hit
    assert often.silent > 0


def test_the_page_says_what_was_counted(prints):
    """Figures are written between the marks, and nothing else of the page is touched."""
    cases = chain(islice(stubborn(PACKETS), 2), [Case("clean", ())])
    tally = on_benches(cases, prints)
    found = {"1 bit flipped": unseen("1 bit flipped", [pack_4bit(prints[0])], 100)}
    proof = Proof("a machine", 1.0, tally, found, [])
    page = with_figures("before\n<!-- proof -->\nold\n<!-- /proof -->\nafter\n", proof)

    assert page.startswith("before\n<!-- proof -->\nWritten by `make proof-line`")
    assert page.endswith("<!-- /proof -->\nafter\n")
    assert "old" not in page
    assert "| again and again | 2 | 0 | 0 | 2 | 0 | 0 | 0 | 0 |" in page
    assert "| clean | 1 | 1 | 0 | 0 | 0 | 0 | 0 | 0 |" in page
    assert bound(tally) == "3/2 = 1.5e+00"
    assert not BROKEN & {Outcome.SILENT, Outcome.REFUSED}
