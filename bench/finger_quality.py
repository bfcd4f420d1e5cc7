"""From an image's last byte to verdict and hint: gates, score, cause, matches, as the sitting asks.

Presses of 256x288 px, good and poor in turn, each new, beside five earlier pictures of the reader.
Peer in the same run: nbis-py called bare in this process on the same picture's file, which is the
floor of any station that uses it; ours adds the gates, the cause, and a process that may die.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import Any, Final

import numpy as np

from bench import CannotRun, Figures
from drivers.fingerprint import FingerImage
from drivers.peers.synthetic_prints import Finger, grow, press
from edge.fingers.examiner import ExaminerLost, FingerExaminer, load_examiner
from edge.fingers.judge import PressJudge
from formats.finger.png import finger_png
from quality.finger.print import Print, print_of

ROUNDS: Final = 20
WIDTH_PX: Final = 256
HEIGHT_PX: Final = 288
PPI: Final = 500
ACCEPT: Final = 45
EARLIER: Final = 5
_CONDITIONS: Final = ("plain", "dry", "plain", "worn", "plain", "partial")
_TIMEOUT_S: Final = 60.0


def measure(long: bool) -> Figures:
    """Return medians over 20 rounds (200 with `long`); None where nbis-py is not installed.

    Raises:
        CannotRun: the examiner was lost, so its time would be another's.
    """
    rounds = 200 if long else ROUNDS
    finger, other = (grow(seed, WIDTH_PX, HEIGHT_PX, PPI) for seed in (1, 2))
    earlier = [print_of(_image(other, n)) for n in range(EARLIER)]
    presses = [_image(finger, n + 10, _CONDITIONS[n % len(_CONDITIONS)]) for n in range(rounds)]
    with closing(PressJudge(None, ACCEPT)) as judge:
        _ms(partial(_verdict, judge, _image(finger, 1), earlier, {}))
        local_ms = [_ms(partial(_verdict, judge, one, earlier, {})) for one in presses]
    against = {"1": _image(finger, 1), "2": _image(finger, 2), "other": _image(other, 1)}
    return {
        **_of("local", local_ms),
        **_with_examiner(presses, earlier, against),
        "presses": rounds,
    }


def _with_examiner(
    presses: Sequence[FingerImage], earlier: Sequence[Print], against: Mapping[str, FingerImage]
) -> Figures:
    examiner = load_examiner("auto")
    if examiner is None:
        kinds = ("nfiq2", "match", "verdict", "bare_nfiq2")
        return {**{key: None for kind in kinds for key in _of(kind, [0.0])}, "ratio_bare": None}
    extractor = _bare()
    files = [finger_png(image) for image in presses]
    scored_ms: list[float] = []
    verdict_ms: list[float] = []
    bare_ms: list[float] = []
    match_ms: list[float] = []
    with closing(PressJudge(examiner, ACCEPT)) as judge:
        _load(examiner, against)
        for n, image in enumerate(presses):
            # In another order each time, so that nobody always finds the cache warm.
            asked: list[tuple[list[float], Callable[[], object]]] = [
                (scored_ms, partial(_verdict, judge, image, earlier, {})),
                (verdict_ms, partial(_verdict, judge, image, earlier, against)),
                (bare_ms, partial(extractor, files[n])),
            ]
            for times, do in itertools.islice(itertools.cycle(asked), n % 3, n % 3 + 3):
                times.append(_ms(do))
            match_ms.append(_ms(partial(examiner.match, image, against["1"], _TIMEOUT_S)))
            if judge.examiner_state != "ready":
                raise CannotRun("the examiner was lost")
    return {
        **_of("nfiq2", scored_ms),
        **_of("match", match_ms),
        **_of("verdict", verdict_ms),
        **_of("bare_nfiq2", bare_ms),
        "ratio_bare": statistics.median(scored_ms) / statistics.median(bare_ms),
    }


def _load(examiner: FingerExaminer, against: Mapping[str, FingerImage]) -> None:
    try:
        for image in against.values():
            examiner.examine(image, _TIMEOUT_S)
    except ExaminerLost as lost:
        raise CannotRun(str(lost)) from lost


def _bare() -> Callable[[bytes], int]:
    # It brings no types.
    import nbis  # type: ignore[import-untyped]  # noqa: PLC0415 - only the bench loads it here

    settings = nbis.NbisExtractorSettings(
        min_quality=0.0, get_center=False, check_fingerprint=False, compute_nfiq2=True, ppi=None
    )
    extractor: Any = nbis.new_nbis_extractor(settings)

    def score(png: bytes) -> int:
        return int(extractor.extract_minutiae(png).quality().score)

    return score


def _verdict(
    judge: PressJudge,
    image: FingerImage,
    earlier: Sequence[Print],
    against: Mapping[str, FingerImage],
) -> None:
    judged = judge.judge(image, earlier, against).result()
    if judged.score is None or len(judged.matches) != len(against):
        raise CannotRun("a drawn press was refused or not matched")


def _image(finger: Finger, number: int, condition: str = "plain") -> FingerImage:
    return FingerImage(press(finger, number, condition).tobytes(), WIDTH_PX, HEIGHT_PX, PPI)


def _ms(do: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    do()
    return 1000 * (time.perf_counter() - began_s)


def _of(kind: str, times_ms: Sequence[float]) -> Figures:
    return {
        f"{kind}_ms_median": statistics.median(times_ms),
        f"{kind}_ms_p95": float(np.percentile(times_ms, 95)),
    }
