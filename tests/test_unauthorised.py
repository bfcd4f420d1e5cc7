"""The short form of `python -m proofs` for whoever has no business here: in vain, control found.

That two hundred slow clients hold nobody up is held by `tests/test_slow_clients.py` without a
clock; its proof measures, and runs by `make proof` alone.
"""

from __future__ import annotations

import pytest

from proofs.trial_run import run_proof
from proofs.unauthorised import PROOFS

MEASURED = {"slow-clients"}


@pytest.mark.parametrize("name", sorted(set(PROOFS) - MEASURED))
def test_nobody_unauthorised_gets_in(name: str):
    """No attempt succeeds and none is a server error; the broken product is found out."""
    outcome = run_proof(name, PROOFS[name])

    assert (outcome.verdict, outcome.tally.failures) == ("holds", 0), outcome.tally.note
    assert outcome.control.failures > 0, outcome.control.note
