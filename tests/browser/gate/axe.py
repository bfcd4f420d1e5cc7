"""axe-core on a standing page, without a network and under the pages' own policy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from tests.browser.gate.rules import Fault

SCRIPT: Final = AXE_SCRIPT
OPTIONS: Final = {
    "resultTypes": ["violations"],
    # Off by default, and asked of us: contrast of 7:1, and the size of targets.
    "rules": {"target-size": {"enabled": True}, "color-contrast-enhanced": {"enabled": True}},
}


def violations(page: Page) -> Iterator[Fault]:
    """Yield what axe finds, each rule with the first element that breaks it."""
    found = page.evaluate(
        f"""async () => (await axe.run(document, {json.dumps(OPTIONS)})).violations
        .map((one) => [one.id, one.nodes.length, one.nodes[0].html.slice(0, 160)])"""
    )
    for rule, count, element in found:
        yield Fault(f"axe-{rule}", f"{count} x {element}")
