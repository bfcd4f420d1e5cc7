"""What the centre orders for a story, over the station's real interface."""

from __future__ import annotations

import secrets
from typing import Any

import httpx

from tests.browser.persons import Demo


def order(demo: Demo, **wanted: Any) -> str:
    """Order one sitting; returns the number on the person's slip."""
    slip = f"{secrets.randbelow(10**6):06d}"
    person = {"surname": "陈", "honorific": "先生", "born_on": "1948-03-01", "slip_code": slip}
    body = {
        "order_ref": f"story-{secrets.token_hex(4)}",
        "applies_for": "ordinary_passport",
        "person": person,
        **wanted,
    }
    headers = {
        "Authorization": f"Bearer {demo.token}",
        "Idempotency-Key": secrets.token_hex(16),
    }
    answer = httpx.post(f"{demo.v1}sittings", json=body, headers=headers, timeout=60)
    assert answer.status_code in {200, 201, 202}, answer.text
    return slip
