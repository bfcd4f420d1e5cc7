"""Short form of the calibrations' proof; the long one, with its control, is `make proof`."""

from __future__ import annotations

import pytest

from proofs import ToolMissing
from proofs.calibrations import PROOFS


def test_a_calibration_that_was_told_survives_a_file_system_that_is_shut_down():
    """Record, signature and evidence are there, the chain has its row, and nothing is odd."""
    proof = PROOFS["ext4"]
    try:
        tally = proof.run(proof.short, 7)
    except ToolMissing as reason:
        pytest.skip(f"NOT TESTED: {reason}")

    assert tally.failures == 0, tally.note
    assert tally.trials == proof.short
