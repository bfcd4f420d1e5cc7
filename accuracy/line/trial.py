"""One press on a damaged line: a simulated module, the station's driver, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Final, Self

from accuracy.line.cases import PACKET_BYTES, Case
from accuracy.line.shown import faultless_content
from drivers.errors import DeviceAbsent, DeviceError, DeviceTimeout
from drivers.fingerprint import FingerImage, FingerprintReader, Retry
from drivers.load import open_reader
from drivers.peers.line_faults import Noise
from drivers.peers.uart import BaudChange
from drivers.peers.zfm import ZfmPeer

BAUD: Final = 921600
PRESS_S: Final = 2.0
LIMITS_S: Final = {"answer_s": 0.5, "handshake_s": 0.3, "gap_s": 0.25}
"""Short, since nothing here is about how long a module may think."""

HANG_S: Final = 25.0
"""Three uploads, each with its answer and the 2.7 s a stream may take at this speed, the commands
before them three times each, and a second for a busy machine: no press may take longer."""


class Outcome(Enum):
    """What a press brought. All but the last four are as promised."""

    AT_ONCE = "true, one upload"
    REPEATED = "true, after more uploads"
    REFUSED = "refused: a device error"
    ASKED_AGAIN = "no image: the person is asked again"
    SILENT = "wrong, and no fault to be seen: the first limit"
    AGREED = "wrong, and two uploads are wrong alike: the second limit"
    WRONG = "wrong in spite of a fault to be seen"
    LATE = "later than every time-out"
    LOST = "refused, and the next press failed too"
    CRASHED = "neither an image nor a device error"


BROKEN: Final = frozenset({Outcome.WRONG, Outcome.LATE, Outcome.LOST, Outcome.CRASHED})
"""A promise was broken."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One case and what came of it.

    Attributes:
        shown: whether an upload of it, or the press itself, showed a fault.
        seconds: from the call to its end.
        why: the error in words, where there was one.
    """

    case: Case
    outcome: Outcome
    shown: bool
    seconds: float
    why: str = ""


class Bench:
    """One simulated module and the station's own driver on it; a context manager.

    Args:
        prints: packed images that are laid on the glass in turn, so that a leftover of the press
            before would be a wrong image.
        size_px: their width and height.
        patience: how many times `LIMITS_S` the driver waits, where others need the machine too.
    """

    def __init__(
        self, prints: Sequence[bytes], size_px: tuple[int, int], patience: float = 1.0
    ) -> None:
        self._prints = prints
        self._size_px = size_px
        self._patience = patience
        self._turn = 0
        self._peer = ZfmPeer(
            width_px=size_px[0], height_px=size_px[1], baud=BAUD, packet_bytes=PACKET_BYTES,
            baud_change=BaudChange.NEVER,
        )  # fmt: skip
        try:
            self._reader = self._open()
        except BaseException:
            self._peer.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._reader.close()
        self._peer.close()

    def attempt(self, case: Case) -> Trial:
        """Press once on the damaged line; after a refusal, once more on the healed one."""
        truth = self._lay()
        self._peer.delivered.clear()
        self._peer.harm(*case.faults)
        if case.noise_per_byte:
            self._peer.noise = Noise(case.noise_per_byte, case.seed)
        began = time.monotonic()
        try:
            seen = self._reader.capture(PRESS_S, lambda *_: None)
        except DeviceError as error:
            return self._refused(case, error, time.monotonic() - began)
        except Exception as error:  # a crash of the driver is an outcome, and a broken promise
            outcome, why = Outcome.CRASHED, repr(error)
        else:
            outcome, why = self._judged(seen, truth), ""
        seconds = time.monotonic() - began
        shown = outcome is not Outcome.AT_ONCE or self._faults_delivered()
        if outcome is Outcome.SILENT:
            shown = False
        self._peer.heal()
        return Trial(case, Outcome.LATE if self._hung(seconds) else outcome, shown, seconds, why)

    def _lay(self) -> bytes:
        self._turn += 1
        pixels = self._prints[self._turn % len(self._prints)]
        self._peer.put(pixels)
        return pixels

    def _judged(self, seen: FingerImage | Retry | None, truth: bytes) -> Outcome:
        deliveries = [bytes(one) for one in self._peer.delivered]
        if isinstance(seen, Retry):
            return Outcome.ASKED_AGAIN
        if seen is None:
            return Outcome.CRASHED
        if seen.pixels == truth:
            return Outcome.AT_ONCE if len(deliveries) == 1 else Outcome.REPEATED
        # One upload, and a second reading that shares no code with the driver sees no fault either.
        if len(deliveries) == 1:
            return Outcome.WRONG if self._faults_delivered() else Outcome.SILENT
        return Outcome.AGREED if deliveries[-1] in deliveries[:-1] else Outcome.WRONG

    def _faults_delivered(self) -> bool:
        total = self._size_px[0] * self._size_px[1] // 2
        deliveries = list(self._peer.delivered)
        return any(faultless_content(bytes(one), total) is None for one in deliveries)

    def _refused(self, case: Case, error: DeviceError, seconds: float) -> Trial:
        outcome = Outcome.REFUSED if self._recovers(error) else Outcome.LOST
        if self._hung(seconds):
            outcome = Outcome.LATE
        return Trial(case, outcome, shown=True, seconds=seconds, why=f"{type(error).__name__}")

    def _hung(self, seconds: float) -> bool:
        return seconds > HANG_S * self._patience

    def _recovers(self, error: DeviceError) -> bool:
        """Whether the next press on a healed line is true; opened again where the error says so."""
        failure = error
        # Twice: a driver that gave up early may meet a plug that is pulled only now.
        for _ in range(2):
            self._peer.heal()
            if not self._peer.plugged:
                self._peer.replug()
            truth = self._lay()
            try:
                if isinstance(failure, DeviceAbsent | DeviceTimeout):
                    self._reader.close()
                    self._reader = self._open()
                seen = self._reader.capture(PRESS_S, lambda *_: None)
            except DeviceAbsent as absent:
                failure = absent
            except DeviceError:
                return False
            else:
                return isinstance(seen, FingerImage) and seen.pixels == truth
        return False

    def _open(self) -> FingerprintReader:
        width_px, height_px = self._size_px
        limits = {name: self._patience * seconds for name, seconds in LIMITS_S.items()}
        return open_reader(
            "zfm",
            {
                "port": self._peer.port, "model": "proof", "resolution_ppi": 500,
                "width_px": width_px, "height_px": height_px, "scan_baud": (BAUD,),
                "poll_s": 0.01, **limits,
            },
        )  # fmt: skip
