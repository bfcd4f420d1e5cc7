"""Rates that other modules of this room measure, if they are there."""

from __future__ import annotations

from collections.abc import Iterable

from accuracy.looker import Looker
from accuracy.material import Material
from accuracy.page import Section
from quality.document import Document


def sections(
    material: Material, looker: Looker, documents: Iterable[Document]
) -> tuple[Section, ...]:
    """Return the sections on coverings, defects, attacks and comparison."""
    return ()
