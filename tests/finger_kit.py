"""What tests of fingers share: synthetic presses, a wired examiner, a finger pressed to its end."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from itertools import count

from drivers.fingerprint import FingerImage, Retry
from drivers.peers.synthetic_prints import Finger, grow, press
from edge.fingers.capture import FingerCapture, FingerFailed, FingerTaken
from edge.fingers.examiner import Examined, ExaminerState
from edge.fingers.judge import PressJudge
from edge.fingers.plan import Asked
from edge.settings import Fingers
from edge.supervisor import DeviceState
from quality.finger.score import FingerScore
from tests.test_device_owners import WiredReader, reader_owner, until

WIDTH_PX, HEIGHT_PX = 256, 288
LIMITS = Fingers(lift_s=0)
THUMB = Asked("right_thumb", "right_thumb")


class WiredExaminer:
    """The other end of the FingerExaminer protocol: scores and matches as the test tells it."""

    state = ExaminerState.READY

    def __init__(
        self,
        score: Callable[[FingerImage], int] = lambda image: 60,
        match: Callable[[FingerImage, FingerImage], int] = lambda first, second: 100,
    ) -> None:
        self.score = score
        self.alike = match

    def begin(self) -> None:
        """It is always ready."""

    def examine(self, image: FingerImage, timeout_s: float) -> Examined:
        return Examined(FingerScore(self.score(image), "NFIQ2", "2.3"), ())

    def match(self, first: FingerImage, second: FingerImage, timeout_s: float) -> int:
        return self.alike(first, second)

    def forget(self) -> None:
        """It remembers nothing."""

    def close(self) -> None:
        """Nothing to end."""


def finger(seed: int) -> Finger:
    """A finger of the size that our readers have."""
    return grow(seed, WIDTH_PX, HEIGHT_PX)


def presses(grown: Finger, conditions: Iterable[str], first: int = 1) -> list[FingerImage]:
    """One print for each condition, no two alike."""
    return [
        FingerImage(press(grown, number, condition).tobytes(), WIDTH_PX, HEIGHT_PX, 500)
        for number, condition in enumerate(conditions, first)
    ]


def pressed(
    outcomes: Iterable[FingerImage | Retry],
    examiner: WiredExaminer | None = None,
    *,
    given: Mapping[str, FingerImage] | None = None,
    hints: list[str | None] | None = None,
    limits: Fingers = LIMITS,
    asked: Asked = THUMB,
) -> FingerTaken | FingerFailed:
    """Press after press on real threads, until the finger is settled.

    Args:
        outcomes: what the reader says, press by press.
        examiner: None: our own score and no matching.
        given: prints that are kept already.
        hints: takes down every hint, each once in a row.
    """
    left, heard = iter(outcomes), [] if hints is None else hints
    with (
        closing(PressJudge(examiner, limits.accept_score)) as judge,
        reader_owner(WiredReader(lambda: next(left, None))) as owner,
    ):
        until(lambda: owner.status.state is DeviceState.READY)
        capture = FingerCapture(
            owner, judge, limits, asked, earlier=deque(maxlen=5), given=given or {}
        )
        hours_s, settled = count(step=3600.0), []

        def done() -> bool:
            outcome = capture.step(next(hours_s))
            settled.extend([outcome] if outcome else [])
            hint = capture.view.hint
            if hint is not None and (not heard or heard[-1] != hint):
                heard.append(hint)
            return bool(settled)

        until(done)
    return settled[0]
