"""Until when something that is missing can be brought: a civil date, by policy and content pack."""

from __future__ import annotations

import tomllib
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from edge.service.content import Content

POLICY: Final = Path(__file__).parents[2] / "firmware_configs" / "policies" / "missing.toml"
Days = Annotated[int, Field(ge=1, le=366)]


class DueRule(BaseModel):
    """How many days there are, counted from the day of the sitting; the last one still counts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Annotated[str, Field(min_length=1, max_length=32)]
    portrait_days: Days = 30
    finger_days: Days = 30
    material_days: Days = 30

    def due_on(self, what: str, today: date, content: Content) -> str:
        """Return the last day to bring it ("2026-12-22").

        Args:
            what: as a missing list has it: "portrait", "finger:<position>", "material:<code>".
            today: civil date of the sitting.
            content: of the station; a paper's own days come before the policy's.
        """
        kind, _, code = what.partition(":")
        days = {"portrait": self.portrait_days, "finger": self.finger_days}.get(kind)
        if days is None:
            days = content.due_days(code) or self.material_days
        return (today + timedelta(days=days)).isoformat()


def load_due_rule(path: Path = POLICY) -> DueRule:
    """Read the policy.

    Raises:
        OSError, ValueError: the file cannot be used (`pydantic.ValidationError` is a `ValueError`).
    """
    return DueRule.model_validate(tomllib.loads(path.read_text("utf-8")))
