"""Side-by-side measurements: ``python -m bench NAME --json``.

A benchmark is a module of this folder with ``measure(long: bool) -> Figures``. It measures the
floor or the peer in the same run as ours, and raises `CannotRun` rather than print a figure that it
did not measure.
"""

from __future__ import annotations

from collections.abc import Mapping

Figures = Mapping[str, float | int | str | None]
"""One flat object: a key ends in its unit; None where a peer is not to be had."""


class CannotRun(Exception):
    """Something that the measurement needs is not here. The message says what."""
