"""The figures of `docs/wire.md`, written between its two marks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from accuracy.line.limit import Flipped, Unseen
from accuracy.line.run import Tally
from accuracy.line.trial import BROKEN, HANG_S, Outcome

MARKED: Final = re.compile(r"(<!-- proof -->\n).*?(<!-- /proof -->)", re.DOTALL)
COLUMNS: Final = (
    Outcome.AT_ONCE, Outcome.REPEATED, Outcome.REFUSED, Outcome.ASKED_AGAIN, Outcome.SILENT,
    Outcome.AGREED,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Proof:
    """All that the page shows.

    Attributes:
        machine: day, processor, cores, system.
        minutes: how long the presses took.
        unseen: by kind of damage.
    """

    machine: str
    minutes: float
    tally: Tally
    unseen: Mapping[str, Unseen]
    flipped: Sequence[Flipped]


def with_figures(text: str, proof: Proof) -> str:
    """Return the page's text with the figures between its marks."""
    figures = "\n".join([*_matrix(proof), "", *_limit(proof), ""])
    return MARKED.sub(lambda found: f"{found[1]}{figures}{found[2]}", text)


def bound(tally: Tally) -> str:
    """Return the rule of three: what 0 of N says about a share, at 95 % confidence."""
    return f"3/{tally.shown:,} = {3 / tally.shown:.1e}" if tally.shown else "nothing was shown"


def _matrix(proof: Proof) -> Iterable[str]:
    tally = proof.tally
    seconds = sorted(tally.seconds)
    yield f"Written by `make proof-line` in {proof.minutes:.0f} minutes on {proof.machine}."
    yield ""
    header = "| fault | presses | true at once | true, more uploads | device error | asked again "
    yield f"{header}| wrong, nothing to see | wrong, twice alike | promise broken |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for name, row in tally.outcomes.items():
        yield _row(name, row)
    yield _row("**all**", {one: tally.total(one) for one in Outcome})
    yield ""
    errors = ", ".join(f"{count:,} {name}" for name, count in tally.errors.most_common())
    yield f"Device errors: {errors}."
    yield "After each of them the next press, on a healed line, was true."
    yield ""
    yield f"{tally.shown:,} presses showed a fault; wrong images among them:"
    yield f"{tally.total(Outcome.WRONG)} (less than {bound(tally)} at 95 % confidence)."
    yield f"The longest press took {seconds[-1]:.1f} s, one in a hundred more than"
    yield f"{seconds[int(0.99 * len(seconds))]:.1f} s; the limit is {HANG_S:.0f} s."


def _row(name: str, row: Mapping[Outcome, int]) -> str:
    broken = sum(row.get(one, 0) for one in BROKEN)
    counts = [sum(row.values()), *(row.get(one, 0) for one in COLUMNS), broken]
    return f"| {name} | {' | '.join(f'{count:,}' for count in counts)} |"


def _limit(proof: Proof) -> Iterable[str]:
    yield "| damage inside one packet | tries | changed the packet | nothing to see |"
    yield "|---|---|---|---|"
    for name, found in proof.unseen.items():
        share = f"{100 * found.unseen / found.tries:.2f} %"
        if not found.unseen:
            share = f"0 (less than {300 / found.tries:.3f} %)"
        yield f"| {name} | {found.tries:,} | {100 * found.changed / found.tries:.1f} % | {share} |"
    yield ""
    yield "| flipped bits an image | images sent | hit | wrong, nothing to see |"
    yield "|---|---|---|---|"
    for flipped in proof.flipped:
        share = f"{flipped.silent} ({1e6 * flipped.silent / flipped.images:.0f} in a million)"
        if not flipped.silent:
            share = f"0 (less than {3e6 / flipped.images:.0f} in a million)"
        yield f"| {flipped.per_image:g} | {flipped.images:,} | {flipped.hit:,} | {share} |"
