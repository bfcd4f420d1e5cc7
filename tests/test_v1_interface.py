"""The short form of `python -m proofs interface`: strangers' requests and strangers' packages."""

from __future__ import annotations

import pytest

from proofs import CannotRun
from proofs.interface import PROOFS
from proofs.trial_run import run_proof


@pytest.mark.parametrize("name", sorted(PROOFS))
def test_what_somebody_sends_is_answered_as_the_document_says(name):
    """No server error, no answer of another kind, no changed package opened; the control fails."""
    try:
        outcome = run_proof(name, PROOFS[name])
    except CannotRun as why:
        pytest.skip(f"NOT TESTED: {why}")

    assert (outcome.verdict, outcome.tally.failures) == ("holds", 0), outcome.tally.note
    assert outcome.control.failures > 0
