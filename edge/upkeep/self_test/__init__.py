"""The station's tests of itself, on a terminal: every figure with unit, limit, and what to do."""

from __future__ import annotations

from edge.upkeep.self_test.row import Row, Verdict
from edge.upkeep.self_test.run import STEPS, self_test

__all__ = ["STEPS", "Row", "Verdict", "self_test"]
