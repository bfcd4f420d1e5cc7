"""The pages: what they point to exists."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from api.problems import BY_SLUG

CHECKOUT = Path(__file__).resolve().parent.parent
PAGES = sorted([*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").rglob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(CHECKOUT).as_posix())
def test_every_link_leads_somewhere(page):
    """A reader who follows a link or looks for a picture finds it."""
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)#\s]+)", prose)
    inside = [target for target in targets if not re.match(r"[a-z]+:", target)]

    assert [target for target in inside if not (page.parent / target).exists()] == []


def test_a_decision_has_its_four_parts():
    """Who comes later learns what was the question, not only the answer."""
    for page in (CHECKOUT / "docs" / "decisions").glob("*.md"):
        headings = re.findall(r"(?m)^## (.+)$", page.read_text(encoding="utf-8"))

        assert headings == ["Status", "Context", "Decision", "Consequences"], page.name
        assert re.fullmatch(r"\d{4}-[a-z-]+\.md", page.name)


def test_decisions_are_numbered_without_gap():
    """A number stands for one page, for ever."""
    numbers = sorted(int(page.name[:4]) for page in (CHECKOUT / "docs" / "decisions").glob("*.md"))

    assert numbers == list(range(1, len(numbers) + 1))


def test_drawings_can_be_read_aloud():
    """Whoever cannot see a drawing is told what it shows."""
    for drawing in (CHECKOUT / "docs" / "images").glob("*.svg"):
        tags = {element.tag.partition("}")[2] for element in ET.parse(drawing).iter()}

        assert {"title", "desc"} <= tags


def test_every_problem_has_its_row():
    """Who meets a refusal finds what to do about it, and the page names no other."""
    page = (CHECKOUT / "docs" / "problems.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| `([a-z-]+)` \| (\d{3}) \|", page)

    assert dict(rows) == {slug: str(problem.status) for slug, problem in BY_SLUG.items()}
