"""Until when something that is missing can be brought: a civil date."""

from __future__ import annotations

from datetime import date, timedelta

from edge.service.content import Content


def due_on(what: str, today: date, days: int, content: Content) -> str:
    """Return the last day to bring it, as "2026-12-22".

    Args:
        what: as a missing list has it: "portrait", "finger:<position>", "material:<code>".
        today: civil date of the sitting.
        days: of the settings, `sitting.missing_due_days`.
        content: of the station; the days that it gives a paper come before the settings'.
    """
    kind, _, code = what.partition(":")
    own = content.due_days(code) if kind == "material" else None
    return (today + timedelta(days=own or days)).isoformat()
