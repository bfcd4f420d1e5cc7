"""People who sit down and whose names nobody has seen elsewhere."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from edge.orders import Wanted
from formats.finger import wsq
from proofs.disk_search import Needle, written
from proofs.sitters import DOCUMENTS, FINGERS

FAMILY: Final = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"
RECORDS: Final = ("wsq", "fir-2005") if wsq.installed() else ("fir-2005",)


@dataclass(frozen=True, slots=True)
class Person:
    """Who sits down: a name that occurs nowhere else, and what becomes of the sitting."""

    number: int
    surname: str
    order_ref: str
    slip_code: str

    @classmethod
    def of(cls, number: int, seed: int) -> Person:
        """Make up a person."""
        dice = random.Random(f"{seed}:{number}")
        surname = "".join(dice.choices(FAMILY, k=5))
        return cls(number, surname, f"GZ-{dice.randrange(10**12):012}", f"{dice.randrange(10**9)}")

    @property
    def ends(self) -> str:
        """What becomes of it: "delivered", "waits", "in hand" or "ordered"."""
        fates = ("delivered",) * 6 + ("waits",) * 2 + ("in hand", "ordered")
        return fates[self.number % len(fates)]

    @property
    def wanted(self) -> Wanted:
        """The order."""
        return Wanted(
            self.order_ref, "ordinary_passport", DOCUMENTS, FINGERS, finger_records=RECORDS,
            born_on="1948-02-11", surname=self.surname, honorific="女士", slip_code=self.slip_code,
        )  # fmt: skip

    def needles(self) -> Iterator[Needle]:
        """Return what names her."""
        for what in ("surname", "order_ref", "slip_code"):
            yield from written(self.number, what, getattr(self, what))
