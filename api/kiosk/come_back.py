"""When somebody with a bandage may come again: the choices of the staff sheet, and their dates."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final


@dataclass(frozen=True, slots=True)
class Until:
    """How long a reason lasts.

    Attributes:
        permanence: "permanent" or "temporary", as the record has it.
        days, months: after which the person may come again; both 0 without a date.
    """

    permanence: str
    days: int = 0
    months: int = 0

    def come_back_on(self, today: date) -> str | None:
        """Return the day as ISO 8601 has it, None without one. A short month ends earlier."""
        if not self.days and not self.months:
            return None
        months = today.year * 12 + today.month - 1 + self.months
        year, month = divmod(months, 12)
        last_day = calendar.monthrange(year, month + 1)[1]
        day = today.replace(year=year, month=month + 1, day=min(today.day, last_day))
        return (day + timedelta(self.days)).isoformat()


UNTIL: Final[Mapping[str, Until]] = {
    "permanent": Until("permanent"),
    "two_weeks": Until("temporary", days=14),
    "one_month": Until("temporary", months=1),
    "three_months": Until("temporary", months=3),
    "no_date": Until("temporary"),
}
"""By the code that the sheet posts; in the order in which they stand there."""
