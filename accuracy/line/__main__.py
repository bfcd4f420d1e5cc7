"""``python -m accuracy.line``: try every fault, then write the figures of docs/wire.md."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

import click

from accuracy.line.cases import PACKET_BYTES, Case, alike, exhaustive, mixtures, stubborn
from accuracy.line.cases import swaps_after_a_fault as swaps
from accuracy.line.limit import DAMAGES, silent_images, unseen
from accuracy.line.page import Proof, bound, with_figures
from accuracy.line.run import Hangs, Tally, tried, two_prints
from accuracy.line.trial import Outcome
from bench.page import machine
from drivers.zfm_packets import pack_4bit

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "wire.md"
SIZE_PX: Final = (256, 288)
PACKETS: Final = SIZE_PX[0] * SIZE_PX[1] // 2 // PACKET_BYTES
MIXTURES: Final = 10_000
DAMAGE_TRIES: Final = 20_000
FLIPPED_IMAGES: Final = 1_000_000
FLIPS_PER_IMAGE: Final = (0.01, 0.1, 1.0, 2.0, 4.0, 10.0)


@click.command()
@click.option("--mixtures", "count", default=MIXTURES, show_default=True, help="Random presses.")
@click.option("--check", is_flag=True, help="Write nothing.")
def main(count: int, check: bool) -> None:
    """Exit with 1 if a promise was broken; the page is then left as it is."""
    # Every repeated upload is worth a line in a station's log; here are tens of thousands.
    logging.disable(logging.WARNING)
    prints = two_prints(*SIZE_PX)
    began = time.monotonic()
    try:
        tally = tried(_said(_cases(count)), prints, SIZE_PX)
    except Hangs as hang:
        click.echo(f"proof-line: {hang}", err=True)
        sys.exit(1)
    minutes = (time.monotonic() - began) / 60
    click.echo(f"{tally.total():,} presses in {minutes:.1f} minutes; {_verdict(tally)}")
    if tally.broken:
        for trial in tally.broken:
            click.echo(f"{trial.outcome.value}: {trial.case} {trial.why}", err=True)
        sys.exit(1)
    if not check:
        contents = [pack_4bit(one) for one in prints]
        found = {name: unseen(name, contents, DAMAGE_TRIES) for name in DAMAGES}
        flipped = [silent_images(contents[0], mean, FLIPPED_IMAGES) for mean in FLIPS_PER_IMAGE]
        proof = Proof(machine(), minutes, tally, found, flipped)
        PAGE.write_text(with_figures(PAGE.read_text(encoding="utf-8"), proof), encoding="utf-8")


def _cases(count: int) -> Iterator[Case]:
    alone = (make(PACKETS) for make in (exhaustive, stubborn, alike, swaps))
    return chain(*alone, mixtures(count, PACKETS))


def _said(cases: Iterator[Case]) -> Iterator[Case]:
    for number, case in enumerate(cases):
        if number % 1000 == 0:
            click.echo(f"{number:,} presses begun")
        yield case


def _verdict(tally: Tally) -> str:
    silent = tally.total(Outcome.SILENT)
    return (
        f"{len(tally.broken)} broke a promise; wrong in spite of a visible fault: "
        f"{tally.total(Outcome.WRONG)} (less than {bound(tally)}); "
        f"wrong with nothing to see: {silent}"
    )


if __name__ == "__main__":
    main()
