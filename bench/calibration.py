"""Calibration: one slanted edge, one colour chart, and all that a daily check computes.

Pictures come from the simulated lens, drawn before the clock runs. Beside each of ours stands a
floor or a peer of the same run: for the edge the one decoding, sum and Fourier transform that no
e-SFR can do without; for the chart OpenCV's own 24-patch detector (`cv2.mcc`) on the same picture,
which finds the chart and its colours, without holder, marks or a colour difference.
The daily check is what `quick` steps compute: five looks at a grey card, three at the empty glass,
and six presses of two fingers, scored and matched by what this station has for it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any, Final

import cv2
import numpy as np

from bench import CannotRun, Figures
from drivers.fingerprint import FingerImage
from drivers.peers.lens_bench import Target, Truth, render
from drivers.peers.lens_bench_film import FilmTruth, blank
from drivers.peers.synthetic_prints import grow, press
from edge.fingers.examiner import load_examiner
from edge.fingers.judge import PressJudge
from quality.glass.blank import measure_blank
from quality.measure import CannotAssess
from quality.optics.board import assumed_optics, find_pose
from quality.optics.colour_chart import measure_colours, prepare
from quality.optics.focus_chart import find_squares, measure_focus
from quality.optics.grey_card import measure_grey
from quality.optics.light import grey_of, linear
from quality.optics.slanted_edge import measure_edge

FRAME_PX: Final = (1280, 720)
STILL_PX: Final = (1920, 1080)
CARDS: Final = 5
LOOKS: Final = 3
PRESSES: Final = 3
WIDTH_PX: Final = 256
HEIGHT_PX: Final = 288
ACCEPT_SCORE: Final = 45
SEEDS: Final = (11, 12)


def measure(long: bool) -> Figures:
    """Time all on one thread of OpenCV; `long` takes ten times as many rounds.

    Raises:
        CannotRun: a target that was drawn is not found.
    """
    rounds = 200 if long else 20
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        return {**_edge(rounds), **_frames(rounds), **_chart(rounds), **_quick(3 if long else 1)}
    except CannotAssess as refused:
        raise CannotRun(f"a drawn target was refused: {refused}") from refused
    finally:
        cv2.setNumThreads(threads)


def _edge(rounds: int) -> Figures:
    sheet = grey_of(render(Target.SLANTED_EDGE, Truth(), STILL_PX))
    corners = find_squares(sheet)[0]
    x, y = (round(one) for one in ((corners[1] + corners[2]) / 2).tolist())
    part = np.ascontiguousarray(sheet[y - 50 : y + 50, x - 40 : x + 40])
    ours = [_ms(lambda: measure_edge(part)) for _ in range(5 * rounds)]
    floor = [_ms(lambda: _bare(part)) for _ in range(5 * rounds)]
    return {
        "edge_ms": statistics.median(ours),
        "edge_ms_p95": float(np.percentile(ours, 95)),
        "edge_px": part.size,
        "edge_floor_ms": statistics.median(floor),
        "edge_ratio": statistics.median(ours) / statistics.median(floor),
    }


def _bare(part: Any) -> Any:
    light = linear(part)
    return np.abs(np.fft.rfft(np.diff(light.sum(axis=0)), 2048))


def _frames(rounds: int) -> Figures:
    """Return what a live aid takes of one preview frame."""
    sheet = render(Target.SLANTED_EDGE, Truth(), FRAME_PX)
    board = render(Target.CHARUCO, Truth(yaw_deg=3.0), FRAME_PX)
    optics = assumed_optics(*FRAME_PX)
    return {
        "ten_edges_frame_ms": statistics.median(_ms(lambda: measure_focus(sheet))
                                                for _ in range(rounds)),
        "pose_frame_ms": statistics.median(_ms(lambda: find_pose(board, optics))
                                           for _ in range(rounds)),
    }  # fmt: skip


def _chart(rounds: int) -> Figures:
    prepared_ms = _ms(prepare)
    still = render(Target.COLOUR_CHART, Truth(), STILL_PX)
    ours = [_ms(lambda: measure_colours(still)) for _ in range(rounds)]
    figures: dict[str, float | int | str | None] = {
        "chart_s": statistics.median(ours) / 1000,
        "chart_library_load_s": prepared_ms / 1000,
        "chart_mcc_s": None,
        "chart_ratio": None,
    }
    detector: Any = cv2.mcc.CCheckerDetector.create()
    found = detector.process(still, cv2.mcc.MCC24)
    if found:
        theirs = [
            _ms(lambda: detector.process(still, cv2.mcc.MCC24)) for _ in range(max(3, rounds // 4))
        ]
        figures["chart_mcc_s"] = statistics.median(theirs) / 1000
        figures["chart_ratio"] = statistics.median(ours) / statistics.median(theirs)
    return figures


def _quick(rounds: int) -> Figures:
    cards = [render(Target.GREY_CARD, Truth(), STILL_PX, frame=n) for n in range(CARDS)]
    looks = [blank(FilmTruth(), (WIDTH_PX, HEIGHT_PX), n) for n in range(LOOKS)]
    hands = [grow(seed, WIDTH_PX, HEIGHT_PX) for seed in SEEDS]
    prints = [
        [FingerImage(press(hand, n).tobytes(), WIDTH_PX, HEIGHT_PX, 500) for n in range(PRESSES)]
        for hand in hands
    ]
    with closing(PressJudge(load_examiner("auto"), ACCEPT_SCORE)) as judge:
        # The judge begins as the check does, and loads while the camera's step is under way.
        judge.begin()
        _pressed(judge, prints[:1])
        camera = [_ms(lambda: [measure_grey(one) for one in cards]) for _ in range(rounds)]
        glass = [_ms(lambda: measure_blank(looks)) for _ in range(rounds)]
        fingers = [_ms(lambda: _pressed(judge, prints)) for _ in range(rounds)]
        matched = judge.examiner_state
    parts = [statistics.median(one) / 1000 for one in (camera, glass, fingers)]
    return {
        "quick_check_compute_s": sum(parts),
        "quick_check_camera_s": parts[0],
        "quick_check_glass_s": parts[1],
        "quick_check_fingers_s": parts[2],
        "quick_check_presses": PRESSES * len(hands),
        "quick_check_matcher": matched,
    }


def _pressed(judge: PressJudge, prints: Sequence[Sequence[FingerImage]]) -> None:
    """Judge every press of every finger against those of it before, as the step does."""
    for finger in prints:
        for number, image in enumerate(finger):
            against = {str(n): one for n, one in enumerate(finger[:number])}
            judged = judge.judge(image, (), against).result()
            if judged.score is None:
                raise CannotRun(f"a drawn print was not scored: {judged.cause}")


def _ms(work: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began_s)
