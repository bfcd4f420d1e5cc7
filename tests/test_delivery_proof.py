"""The proof of delivery, short: `make proof` runs it long."""

from __future__ import annotations

import pytest

from proofs import CannotRun
from proofs.delivering.jumping_clock import clock_library
from proofs.delivery import PROOFS, no_unique_key, run_clock

SEED = 20261122


def test_every_package_arrives_once_over_a_line_that_fails():
    """Two processes, either killed, cut in the body, answers lost, doubled, swapped, invented."""
    tally = PROOFS["once"].run(PROOFS["once"].short, SEED)

    assert tally.failures == 0, tally.note
    assert tally.trials == PROOFS["once"].short


def test_the_proof_finds_out_a_centre_that_keeps_no_unique_key():
    """It takes twice. A station that believes a 200 is found out in `test_outbox_state`."""
    assert no_unique_key(3, SEED).failures > 0


def test_a_clock_that_jumps_holds_up_nothing():
    """Hours, days and twenty years, forth and back, in the middle of a delivery."""
    try:
        clock_library()
    except CannotRun as reason:
        pytest.skip(f"NOT TESTED: {reason}")
    tally = run_clock(2, SEED)

    assert tally.failures == 0, tally.note
