"""A thief has the station's disk: its raw image is searched, and every key found on it is tried.

On an ext4 image lie the journal, its key, the station's own key and the log; so the thief has all
that a station without a TPM has. People sit down through the product's orders, record, journal and
closing; of ten packages six are delivered, two wait, one sitting is in hand and one order waits.
Samples are made up: photographs and prints that nobody has seen elsewhere, as JPEG, PNG, WSQ and
finger image records. Then the machine is gone: no closing, no clean-up.

Searched: (1) the raw image, deleted files and free blocks too; (2) the journal as the key found
beside it opens it, every page of it decrypted, free pages too. What must not be there: pieces of
any sample, plain, in hex, in base64; any picture or record by its first bytes; what names a person,
in UTF-8, UTF-16, GBK, hex, base64, URL and JSON forms. In (2) an order that still stands may be
read: how many is in the note. Then every key of 32 bytes found on the disk or in the journal is
tried against every package, as an X25519 key of HPKE and as a bare AES key.

Not searched: what older frames of the write-ahead log would give to whoever decrypts them one by
one; swap (there is none); memory of a machine that still runs.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from proofs import CannotRun, Proof, Tally, Trial, each_of
from proofs.powercut.forked import Ack, start, tail
from proofs.powercut.own_mounts import in_own_mounts
from proofs.powercut.volume import volume
from proofs.premises import Premises, make_premises
from proofs.stolen import broken
from proofs.stolen.life import live
from proofs.stolen.people import Person
from proofs.stolen.theft import Theft, steal

PROMISE: Final = "A stolen disk shows no sample, no name, and no key that opens a package"
IMAGE_MIB: Final = 512
LIVES_LIMIT_S: Final = 600.0
Live = Callable[[Premises, Path, Path, Sequence[Person]], None]


def stealing(lives: Live = live) -> Trial:
    """Return the trial: so many people sit down, then the disk is stolen."""

    def job(trials: int, seed: int) -> Theft:
        people = [Person.of(number, seed) for number in range(trials)]
        with TemporaryDirectory(prefix="anxin-stolen-") as name:
            scratch = Path(name)
            (scratch / "outside").mkdir()
            with volume(scratch, size_mib=IMAGE_MIB) as disk:
                disk.make()
                disk.mount()
                _lived(lives, disk.point, scratch, people)
                disk.unmount()
                return steal(disk, scratch, people)

    def run(trials: int, seed: int) -> Tally:
        began_s = time.monotonic()
        theft = in_own_mounts(lambda: job(trials, seed))
        failures = len(theft.hurt) or int(bool(theft.hits))
        note = (
            f"{theft.needles} forms searched in {theft.image_mib:.0f} MiB, {len(theft.hits)} kinds"
            f" found; {theft.keys} keys tried, {theft.opened} packages opened; with the journal's"
            f" key {theft.waiting} orders that still stand can be read"
        )
        said = f"; first: {theft.hits[0]}" if theft.hits else ""
        return Tally(PROMISE, trials, failures, time.monotonic() - began_s, note + said)

    return run


def _lived(lives: Live, disk: Path, scratch: Path, people: Sequence[Person]) -> None:
    """Let the station live in a process of its own until it is gone."""
    premises = make_premises(scratch, disk / "station-key.pem")
    log = scratch / "station.err"

    def write(folder: Path, tell: Ack) -> None:
        lives(premises, folder, scratch / "outside", people)

    process = start(write, disk, scratch / "acks", log)
    status = process.wait(LIVES_LIMIT_S)
    process.kill()
    if status != -signal.SIGKILL:
        raise CannotRun(f"the station ended with {status}: {tail(log)}")


PROOFS: Final[Mapping[str, Proof]] = {
    "sittings": Proof(
        PROMISE,
        stealing(),
        each_of(
            {
                "samples not sealed": stealing(broken.unsealed),
                "journal not encrypted": stealing(broken.in_the_clear),
                "a photo in a deleted file": stealing(broken.in_a_file),
                "the centre's key left there": stealing(broken.key_left),
                "names in a debug log": stealing(broken.talkative),
            }
        ),
        short=10,
        long=100,
        control_trials=20,
    ),
}
