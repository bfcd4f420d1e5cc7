"""What a reader's glass is measured by: bounds on simulated films, and refusals."""

from __future__ import annotations

import pytest

from accuracy.optics.absurd import answer, glass_cases
from drivers.fingerprint import FingerImage
from drivers.peers.lens_bench_film import FilmTruth, blank, lines
from drivers.peers.synthetic_prints import grow, press
from quality.finger.print import FLAT_DEVIATION
from quality.glass.blank import measure_blank
from quality.glass.grey_range import measure_range
from quality.glass.ruling import measure_ruling

CASES = {f"{one.measure}-{one.shown}".replace(" ", "_"): one for one in glass_cases()}


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_glass_that_cannot_be_measured_is_refused_for_a_reason_that_is_right(name):
    """No film, another film, a finger where none should be: a code and no figure."""
    assert answer(CASES[name]).said in CASES[name].right


def test_dirt_is_told_from_a_clean_glass_by_where_skin_begins():
    """An old print of strong ridges is above the threshold, a clean glass far below it."""
    clean = measure_blank([blank(FilmTruth(), look=n) for n in range(4)])
    dirty = measure_blank([blank(FilmTruth(residue_levels=25.0), look=n) for n in range(4)])

    assert clean.residue_levels < FLAT_DEVIATION / 4 < FLAT_DEVIATION < dirty.residue_levels
    assert clean.residue_share == 0.0 < dirty.residue_share < 0.3


def test_dead_pixels_are_neither_dirt_nor_noise():
    """They are counted, and the rest of the glass is judged without them."""
    found = measure_blank([blank(FilmTruth(dead_share=0.002), look=n) for n in range(4)])

    assert found.dead_share == pytest.approx(0.002, abs=2e-5)
    assert found.residue_levels < FLAT_DEVIATION / 4


def test_a_stain_that_is_new_shows_against_the_stored_blank():
    """A part that darkened is found though the whole hardly changed."""
    old = blank(FilmTruth(), look=50)
    looks = [blank(FilmTruth(), look=n) for n in range(3)]
    stained = []
    for one in looks:
        pixels = bytearray(one.pixels)
        for row in range(40, 80):
            start = row * one.width_px + 40
            pixels[start : start + 40] = bytes(max(0, p - 12) for p in pixels[start : start + 40])
        stained.append(FingerImage(bytes(pixels), one.width_px, one.height_px, 500))
    found = measure_blank(stained, old)

    assert found.changed_levels is not None
    assert found.offset_levels is not None
    assert found.changed_levels > 8
    assert abs(found.offset_levels) < 1


def test_lines_across_and_along_tell_width_and_height_apart():
    """The angle says which of the two the scale is of."""
    upright = measure_ruling(lines(FilmTruth(angle_deg=0.0), 2.0), 0.5)
    lying = measure_ruling(lines(FilmTruth(angle_deg=90.0), 2.0), 0.5)

    assert abs(upright.angle_deg) < 0.2
    assert abs(abs(lying.angle_deg) - 90) < 0.2


def test_a_reader_that_says_another_resolution_than_it_has_is_told_by_how_much():
    """508 pixels an inch on a reader that says 500 is 1.6 percent."""
    found = measure_ruling(lines(FilmTruth(ppi=508.0), 2.0), 0.5)

    assert found.deviation_percent == pytest.approx(1.6, abs=0.05)


def test_greys_are_counted_in_the_skin_and_a_print_of_sixteen_levels_fails_honestly():
    """A module of four bits a pixel has sixteen greys, however good its prints look."""
    finger = grow(4, 200, 200)
    prints = [FingerImage(press(finger, n).tobytes(), 200, 200, 500) for n in range(3)]
    coarse = [
        FingerImage(bytes(p // 16 * 17 for p in one.pixels), one.width_px, one.height_px, 500)
        for one in prints
    ]

    assert min(measure_range(prints).levels) > 100
    assert max(measure_range(coarse).levels) <= 16
    assert measure_range(coarse).shares == {128: 0.0, 150: 0.0, 200: 0.0}
    assert 0 < measure_range(coarse).shares_sd[150] < 0.5
