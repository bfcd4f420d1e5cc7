"""The page's part on fingers: made of presses, measured in processes apart, written alone."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from click.testing import CliRunner

from accuracy import __main__ as command
from accuracy.fingers import tables
from accuracy.fingers.drawn import HELD_OUT, LARGE, PLAIN, SMALL, four_bits, image_of, pressed
from accuracy.fingers.nbis_reference import score_of
from accuracy.fingers.no_fingers import no_fingers
from accuracy.fingers.page import BEGIN, END, finger_part, part_of, with_part
from accuracy.fingers.presses import AGAIN, GIVEN, NOTHING, OF_TWO, OTHER, Pressed, impostors
from accuracy.fingers.refit import refits
from accuracy.fingers.spoilt import SPOILT
from accuracy.page import Section
from quality.finger.print import print_of
from quality.finger.score import ridge_score

SEEDS = (131, 133)


def made(kind=PLAIN, called=NOTHING, own=50, nfiq2=None, **other):
    """Return a press of no picture."""
    given = {
        "seed": 1, "window": SMALL, "bits": 4, "severity": 0.0, "refused": False,
        "doubted": False, "called_earlier": called, "measures": {}, "match": None,
    } | other  # fmt: skip
    return Pressed(kind=kind, called=called, own=own, asked=nfiq2 is not None, nfiq2=nfiq2, **given)


def row(rows, key, value):
    return next(one for one in rows if one[key] == value)


@pytest.fixture(scope="module")
def pool():
    """One process with NFIQ 2 in it, which ends with this module."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        # Begun now: what a fixture began may outlive a test.
        pool.submit(score_of, np.zeros((96, 96), np.uint8)).result()
        yield pool


def test_our_score_stands_on_the_side_of_45_that_nfiq_2_does(pool):
    """The page's calibration, on two fingers: clearly good and clearly poor presses."""
    presses = [pressed(seed, condition=one) for seed in SEEDS for one in ("plain", "dry", "worn")]
    pictures = [four_bits(one) for one in presses]
    theirs = list(pool.map(score_of, pictures))
    own = [ridge_score(print_of(image_of(one))).value for one in presses]

    assert [one >= 45 for one in own] == [one >= 45 for one in theirs]
    assert sum(abs(a - b) for a, b in zip(own, theirs, strict=True)) / len(own) < 12


def test_two_fingers_stay_below_the_match_limit_and_noise_scores_with_nfiq_2_alone(pool):
    """Matching at 40 tells fingers apart; a score tells nothing of what is no finger."""
    matches = pool.submit(impostors, SEEDS, 0, 1).result()
    noise = pool.submit(score_of, four_bits(no_noise())).result()

    assert matches
    assert max(matches) < 40
    assert noise is not None
    assert noise > 10


def no_noise():
    shown = no_fingers(0)["noise"].image
    return print_of(shown).grey.astype("uint8")


def test_every_share_of_the_page_is_a_count_of_presses():
    """Gates, causes by window and severity, and what the rules before made of the same."""
    presses = [
        made(), made(window=LARGE), made(refused=True, called="finger.place"),
        made("worn", "finger.worn", 20, severity=1.0, called_earlier="finger.dry"),
        made("worn", "finger.dry", 20, severity=1.0),
        made("worn", "finger.worn", 50, severity=1.0),
        made(OTHER, "finger.other_finger"), made(GIVEN, NOTHING),
    ]  # fmt: skip
    gates, causes = tables.passed(presses), tables.causes(presses)
    worn = row(causes, "press", "worn")

    assert str(gates[0]["256x288"]).startswith("1/2 ")
    assert str(gates[0]["256x360"]).startswith("1/1 ")
    assert str(worn["named right"]).startswith("2/3 ")
    assert str(worn["by the rules before"]).startswith("1/3 ")
    assert worn["called instead"] == "1 dry"
    assert str(worn["of those not accepted"]).startswith("1/2 ")
    assert str(row(causes, "press", OTHER)["named right"]).startswith("1/1 ")
    assert str(row(causes, "press", GIVEN)["named right"]).startswith("0/1 ")
    assert str(row(causes, "press", AGAIN)["named right"]) == "0/0"


def test_agreement_is_of_presses_that_passed_and_have_both_scores():
    """A refused press has no score in a station, so it has none here."""
    presses = [
        made(own=50, nfiq2=60), made(own=20, nfiq2=30), made(own=40, nfiq2=50),
        made(own=60, nfiq2=0, refused=True), made(own=None, nfiq2=50), made(own=10),
    ]  # fmt: skip
    found = tables.calibrated_by_condition(
        [*presses, *(made(kind, own=n, nfiq2=n) for kind in tables.HARMS for n in (10, 20))]
    )
    plain = row(found, "condition", PLAIN)

    assert plain["presses"] == 3
    assert plain["mean error"] == "10.0"
    assert plain["r"] == "1.00"
    assert str(plain["same side of 45"]).startswith("2/3 ")
    assert str(plain["same side of 25"]).startswith("2/3 ")


def test_a_formula_is_judged_on_fingers_it_was_not_fitted_on():
    """What only MotionTrace tells, only the formula with it foretells."""
    alike = {
        "RidgeCoherence": 0.5, "RidgeFrequencyShare": 0.8, "ForegroundShare": 0.6,
    }  # fmt: skip
    presses = [
        made(seed=seed, own=30 + n, nfiq2=20 + n, measures=alike | {"MotionTrace": 0.4 + n / 50})
        for seed in range(4)
        for n in range(10)
    ]
    rows = refits(presses)

    assert rows[0]["formula"] == "anxin-ridge-1, as it is"
    assert float(rows[2]["mean error"]) < 0.1 < float(rows[1]["mean error"])
    assert rows[0]["mean error"] == "10.0"


def test_the_part_is_replaced_and_the_rest_of_the_page_stays():
    """Measured anew alone, since the whole page takes longer."""
    part = finger_part([Section("A table", ("Words.",), [{"figure": 1}])])
    newer = part.replace("| 1 |", "| 2 |")
    page = with_part("# Accuracy\n\nOther figures.\n", part)

    assert page.count(BEGIN) == page.count(END) == 1
    assert part_of(page) == part
    assert with_part(page, newer) == page.replace("| 1 |", "| 2 |")
    assert with_part(page, newer).startswith("# Accuracy\n\nOther figures.\n")


@pytest.mark.parametrize(("figure", "status"), [(1, 0), (2, 1)])
def test_only_the_fingers_are_measured_written_and_compared(tmp_path, monkeypatch, figure, status):
    """No reference material is asked for; `--check` writes nothing."""
    written = tmp_path / "accuracy.md"
    written.write_text("# Accuracy\n")
    monkeypatch.setattr(command, "PAGE", written)
    sections = [Section("A table", (), [{"figure": 1}])]
    monkeypatch.setattr(command, "finger_sections", lambda: sections)
    first = CliRunner().invoke(command.main, ["--only", "fingers"])
    page = written.read_text()
    monkeypatch.setattr(
        command, "finger_sections", lambda: [Section("A table", (), [{"figure": figure}])]
    )
    second = CliRunner().invoke(command.main, ["--only", "fingers", "--check"])

    assert first.exit_code == 0
    assert page.startswith("# Accuracy\n")
    assert "| 1 |" in page
    assert second.exit_code == status
    assert written.read_text() == page


def test_what_is_reported_on_was_never_chosen_on():
    """Odd seeds from 121 on; forty fingers."""
    assert len(HELD_OUT) >= 40
    assert all(seed % 2 and seed > 120 for seed in HELD_OUT)
    assert len({*SPOILT}) >= 10
    assert len(OF_TWO) == 5


def test_the_committed_page_has_the_part():
    """With a table for each promise: gates, no fingers, score, causes, matches."""
    part = part_of(command.PAGE.read_text(encoding="utf-8"))

    assert part.count("\n### ") == 8
    assert "Drawn prints prove plumbing" in part
