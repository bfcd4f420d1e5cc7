"""A sweep of cuts over the file operations of one finite writer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from proofs import CannotRun
from proofs.powercut.forked import Checker, Cuts, Writer, acknowledged, check, start, tail
from proofs.powercut.vfs import CUT_STATUS, FAULTS, KEEPS, Disk, Plan, install

MEMORY: Final = Path("/dev/shm")
WRITER_LIMIT_S: Final = 120.0


class Sweep:
    """One writer and one checker in a scratch directory."""

    def __init__(self, writer: Writer, checker: Checker, scratch: Path, *, lies: bool) -> None:
        self._writer, self._checker, self._scratch, self._lies = writer, checker, scratch, lies
        self._directory = scratch / "store"
        self._acks, self._complaints = scratch / "acks", scratch / "writer.log"
        self._report = scratch / "report"

    def run(self, crash_at: int | None, keep: str, seed: int) -> tuple[int, bool, list[str]]:
        """Run the writer once, from an empty directory.

        Returns:
            Operations seen, whether it was cut, and what was acknowledged.

        Raises:
            CannotRun: it did not end by itself or by the cut.
        """
        shutil.rmtree(self._directory, ignore_errors=True)
        self._directory.mkdir()
        for path in (self._acks, self._complaints, self._report):
            path.unlink(missing_ok=True)
        fault = keep if keep in FAULTS else "cut"
        plan = Plan(crash_at, seed, keep, self._lies, self._report, fault)
        disks: list[Disk] = []
        process = start(
            self._writer, self._directory, self._acks, self._complaints,
            before=lambda: disks.append(install(plan)),
            # Not there yet: it is made in the writer's process.
            after=lambda: disks[0].finish(),  # noqa: PLW0108
        )  # fmt: skip
        status = process.wait(WRITER_LIMIT_S)
        process.kill()
        if status not in (0, CUT_STATUS) or not self._report.exists():
            said = tail(self._complaints)
            raise CannotRun(f"the writer ended with {status}, without a report: {said}")
        seen = json.loads(self._report.read_text(encoding="utf-8"))
        return seen["operations"], seen["cut"], acknowledged(self._acks)

    def judge(self, cuts: Cuts, label: str, acked: list[str]) -> None:
        """Let the checker judge what is left."""
        cuts.acked += len(acked)
        cuts.add(label, check(self._checker, self._directory, acked, self._scratch))

    def require_sound(self, acked: list[str]) -> None:
        """Refuse a checker that finds fault where nothing was cut. Raises `CannotRun`."""
        verdict = check(self._checker, self._directory, acked, self._scratch)
        if not verdict.ok and not self._lies:
            raise CannotRun(f"the checker fails without any cut: {verdict}")


def sweep(
    writer: Writer,
    checker: Checker,
    cuts_wanted: int,
    seed: int,
    *,
    lies: bool = False,
    ways: Sequence[str] = KEEPS,
) -> Cuts:
    """Cut `cuts_wanted` times, spread evenly over all operations and three ways of keeping.

    More cuts than there are operations times ways go round again with other dice.

    Args:
        writer: finite.
        checker: judges what each cut left.
        cuts_wanted: how often.
        seed: of what chance keeps.
        lies: the disk syncs nothing.
        ways: of keeping, or "eio" and "full" for operations that fail instead.

    Raises:
        CannotRun: the writer bypassed the default VFS, or the run could not have failed.
    """
    cuts = Cuts()
    where = MEMORY if MEMORY.is_dir() else None
    with TemporaryDirectory(prefix="anxin-powercut-", dir=where) as name:
        job = Sweep(writer, checker, Path(name), lies=lies)
        operations, _, acked = job.run(None, "none", seed)
        if not operations:
            raise CannotRun("no file operation was seen: the writer bypassed the default VFS")
        job.require_sound(acked)
        for crash_at, keep, dice in points(operations, cuts_wanted, seed, ways):
            _, cut, acked = job.run(crash_at, keep, dice)
            if not cut:
                cuts.unreached += 1
                continue
            job.judge(cuts, f"operation {crash_at} of {operations}, {keep}", acked)
    cuts.require_substance()
    return cuts


def points(
    operations: int, wanted: int, seed: int, ways: Sequence[str] = KEEPS
) -> Iterator[tuple[int, str, int]]:
    """Return so many points: operation, way of keeping, and the seed of its dice."""
    every = [(crash_at, keep) for crash_at in range(1, operations + 1) for keep in ways]
    for number in range(wanted):
        lap, place = divmod(number, len(every))
        if wanted < len(every):
            place = number * len(every) // wanted
        crash_at, keep = every[place]
        yield crash_at, keep, seed + lap
