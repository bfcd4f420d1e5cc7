"""What to bring, a few papers at a time: for whoever asks on the welcome screen. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edge.service.content import Checklist, Content, Material

CHOOSE: Final = "choose"
PAPERS_AT_ONCE: Final = 3
CHOICES_AT_ONCE: Final = 3
"""With more than so many the last choice leads on to the others."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of the lists.

    Attributes:
        choices: code and title of each business to choose from; empty on a page of papers.
        checklist: whose papers are shown, None where a business is to be chosen.
        materials: of this page.
        more: where the next page stands, "" if this is the last.
    """

    choices: tuple[tuple[str, str], ...] = ()
    checklist: Checklist | None = None
    materials: tuple[Material, ...] = ()
    more: str = ""


def first_page(content: Content) -> str:
    """Return where the lists begin: the one there is, or the choice; "" without any."""
    businesses = content.businesses()
    if len(businesses) == 1:
        return f"{businesses[0]}:0"
    return f"{CHOOSE}:0" if businesses else ""


def is_page(content: Content, page: str) -> bool:
    """Tell whether a button of ours leads there; "" closes the lists."""
    name, _, number = page.partition(":")
    known = name in (CHOOSE, *content.businesses())
    return not page or (known and number.isascii() and number.isdigit() and len(number) < 3)


def listing(content: Content, page: str, language: str) -> Listing:
    """Return one page; one beyond the last is the first."""
    name, _, number = page.partition(":")
    start = int(number or 0)
    if name != CHOOSE and (checklist := content.checklist(name, language)) is not None:
        papers = checklist.materials
        here = papers[start : start + PAPERS_AT_ONCE] or papers[:PAPERS_AT_ONCE]
        after = start + PAPERS_AT_ONCE
        more = f"{name}:{after}" if after < len(papers) else ""
        return Listing(checklist=checklist, materials=here, more=more)
    return _choice(content, start, language)


def _choice(content: Content, start: int, language: str) -> Listing:
    businesses = content.businesses()
    all_fit = len(businesses) <= CHOICES_AT_ONCE
    count = CHOICES_AT_ONCE if all_fit else CHOICES_AT_ONCE - 1
    here = businesses[start : start + count] or businesses[:count]
    after = start + count if start + count < len(businesses) else 0
    titles = ((code, content.checklist(code, language)) for code in here)
    choices = tuple((code, found.title) for code, found in titles if found is not None)
    return Listing(choices, more="" if all_fit else f"{CHOOSE}:{after}")
