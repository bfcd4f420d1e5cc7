"""Input that no measure may answer with a figure: what each says of it instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from accuracy.optics.lens_sweeps import PLAIN, SIZE_PX, board_views, true_optics
from drivers.peers.lens_bench import Target, Truth, render
from drivers.peers.lens_bench_film import FilmTruth, blank, lines, step
from quality.glass.blank import measure_blank
from quality.glass.contrast import measure_contrast
from quality.glass.grey_range import measure_range
from quality.glass.grey_steps import measure_steps
from quality.glass.ruling import measure_ruling
from quality.measure import CannotAssess
from quality.optics.board import find_pose, settled_pose
from quality.optics.colour_chart import measure_colours
from quality.optics.distortion import measure_distortion
from quality.optics.flicker import measure_flicker
from quality.optics.focus_chart import measure_focus, settled_focus
from quality.optics.grey_card import measure_grey
from quality.optics.latency import measure_latency
from quality.optics.noise import measure_noise
from quality.optics.uniformity import measure_light

Picture = npt.NDArray[np.uint8]
Scene = Callable[[int], Picture]
"""The picture of frame n."""

TIMES_S: Final = tuple(1 + 0.04 * number for number in range(20))
TOO_LIGHT: Final = 6.0
TOO_DARK: Final = -8.0


@dataclass(frozen=True, slots=True)
class Absurd:
    """One measure before one absurd input.

    Attributes:
        right: codes of which any is honest.
        ask: puts the question; returns a figure with its unit if it is answered.
    """

    measure: str
    shown: str
    right: frozenset[str]
    ask: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a measure said: a code of `quality.optics.refusal`, or a figure."""

    case: Absurd
    said: str

    @property
    def honest(self) -> bool:
        """Whether it said one of the codes that are right."""
        return self.said in self.case.right


def answer(case: Absurd) -> Answer:
    """Put one question."""
    try:
        return Answer(case, case.ask())
    except CannotAssess as refusal:
        return Answer(case, str(refusal))


def camera_cases(photograph: Picture | None) -> Iterable[Absurd]:
    """Yield every case of the camera's measures.

    Args:
        photograph: of a person; None leaves those cases out.
    """
    for measure, (target, ask) in _ASKED.items():
        for shown, scene, right in _scenes(measure, target, photograph):
            yield Absurd(measure, shown, frozenset(right), lambda ask=ask, scene=scene: ask(scene))  # type: ignore[misc]
    yield from _series()


def glass_cases() -> Iterable[Absurd]:
    """Yield every case of the reader's measures."""
    plain, dirty = FilmTruth(), FilmTruth(residue_levels=40.0)
    nothing = [blank(plain, look=n) for n in range(5)]
    finger = [lines(plain, 2.0, look=n) for n in range(5)]
    noise = replace(plain, noise_sigma=60.0, white=128.0)

    def case(measure: str, shown: str, right: str, ask: Callable[[], object]) -> Absurd:
        return Absurd(measure, shown, frozenset(right.split()), lambda: str(ask()))

    yield case("blank", "a finger on the glass", "not_blank", lambda: measure_blank(finger))
    yield case("blank", "a finger that comes", "moving",
               lambda: measure_blank([*nothing[:2], *finger[:1]]))  # fmt: skip
    yield case("blank", "one look", "too_few_frames", lambda: measure_blank(nothing[:1]))
    yield case("blank", "a reader of another size", "sizes_differ",
               lambda: measure_blank([*nothing, blank(plain, (192, 192))]))  # fmt: skip
    for name, bare in (("nothing", plain), ("an old print", dirty), ("noise", noise)):
        yield case("ruling", name, "no_pattern",
                   lambda bare=bare: measure_ruling(blank(bare), 0.5))  # type: ignore[misc]  # fmt: skip
        yield case("contrast", name, "no_pattern",
                   lambda bare=bare: measure_contrast(blank(bare), 4.0))  # type: ignore[misc]  # fmt: skip
    yield case("ruling", "another film, twice as fine", "no_pattern",
               lambda: measure_ruling(lines(plain, 4.0), 0.5))  # fmt: skip
    yield case("contrast", "another film, half as fine", "no_pattern",
               lambda: measure_contrast(lines(plain, 2.0), 4.0))  # fmt: skip
    yield case("ruling", "a strip of the film", "too_small",
               lambda: measure_ruling(lines(plain, 2.0, (256, 32)), 0.5))  # fmt: skip
    yield case("grey_steps", "two steps", "too_few_views",
               lambda: measure_steps([step(plain, 0.2), step(plain, 0.8)], (0.2, 0.8)))  # fmt: skip
    mixed = [step(plain, one) for one in (0.9, 0.1, 0.8, 0.2)]
    yield case("grey_steps", "steps in another order", "wrong_chart",
               lambda: measure_steps(mixed, (0.1, 0.2, 0.8, 0.9)))  # fmt: skip
    yield case("grey_steps", "lines in place of steps", "no_chart",
               lambda: measure_steps([lines(plain, 0.2)] * 4, (0.1, 0.2, 0.8, 0.9)))  # fmt: skip
    yield case("grey_range", "the empty glass", "no_print", lambda: measure_range(nothing))
    yield case("grey_range", "one print", "too_few_views", lambda: measure_range(finger[:1]))


def _pose(scene: Scene) -> str:
    pose = settled_pose([find_pose(scene(n), true_optics()) for n in range(5)])
    return f"{pose.pitch_deg:.1f} deg"


def _focus(scene: Scene) -> str:
    return (
        f"{settled_focus([measure_focus(scene(n)) for n in range(5)]).centre_cy_per_px:.2f} cy/px"
    )


def _latency(scene: Scene) -> str:
    found = measure_latency([scene(n) for n in range(6)], [1000 * one for one in TIMES_S[:6]])
    return f"{found.median_ms:.0f} ms"


def _noise(scene: Scene) -> str:
    return f"{measure_noise([scene(n) for n in range(8)]).snr_db:.0f} dB"


def _flicker(scene: Scene) -> str:
    found = measure_flicker([scene(n) for n in range(12)], TIMES_S[:12])
    return f"{found.depth_percent:.1f} %"


_ASKED: Final[Mapping[str, tuple[Target, Callable[[Scene], str]]]] = {
    "board": (Target.CHARUCO, _pose),
    "focus_chart": (Target.SLANTED_EDGE, _focus),
    "colour_chart": (
        Target.COLOUR_CHART,
        lambda scene: f"dE {measure_colours(scene(0)).delta_e_mean:.1f}",
    ),
    "latency": (Target.TIME_CODE, _latency),
    "grey_card": (
        Target.GREY_CARD, lambda scene: f"L* {measure_grey(scene(0)).lightness:.1f}",
    ),
    "uniformity": (
        Target.GREY_SHEET, lambda scene: f"U {measure_light(scene(0)).uniformity:.2f}",
    ),
    "noise": (Target.GREY_CARD, _noise),
    "flicker": (Target.GREY_SHEET, _flicker),
}  # fmt: skip
_PLAIN_SHEETS: Final = frozenset({"grey_card", "uniformity", "noise", "flicker"})
_SEVERAL: Final = frozenset({"board", "focus_chart"})


def _scenes(
    measure: str, target: Target, photograph: Picture | None
) -> Iterable[tuple[str, Scene, tuple[str, ...]]]:
    plain = measure in _PLAIN_SHEETS
    if not plain:
        # A bare wall is an even sheet to whatever measures even sheets: only a person knows.
        yield "no chart", _scene(Target.NONE), ("no_chart",)
        yield "seen in a mirror", _scene(target, mirrored=True), ("mirrored",)
    wrong = ("no_chart",) if plain else ("wrong_chart", "no_chart")
    for other in (Target.WRONG_CHART, Target.CHARUCO, Target.COLOUR_CHART, Target.TIME_CODE,
                  Target.SLANTED_EDGE):  # fmt: skip
        if other is not target:
            yield f"another sheet: {other.value}", _scene(other), wrong
    yield "half hidden", _scene(target, hidden=0.5), ("partly_hidden", "no_chart")
    yield "far over-exposed", _scene(target, exposure_ev=TOO_LIGHT), ("over_exposed",)
    yield "far under-exposed", _scene(target, exposure_ev=TOO_DARK), ("under_exposed",)
    yield "noise only", _noise_only, ("no_chart", "too_noisy")
    if measure in _SEVERAL:
        yield "moving", _scene(target, sway_px=8.0), ("moving",)
    if measure == "latency":
        yield "a frozen picture", lambda _n: render(target, PLAIN, SIZE_PX, 1.0, 0), ("frozen",)
    if measure == "noise":
        yield "a frozen picture", lambda _n: render(target, PLAIN, SIZE_PX), ("frozen",)
    if photograph is not None:
        yield "a face", _scene(Target.PORTRAIT, photograph), ("no_chart",)


def _scene(target: Target, photograph: Picture | None = None, **knobs: Any) -> Scene:
    truth = replace(PLAIN, **knobs)
    return lambda n: render(target, truth, SIZE_PX, TIMES_S[n], n, photograph)


def _noise_only(number: int) -> Picture:
    random = np.random.default_rng(number)
    return random.integers(0, 256, (SIZE_PX[1], SIZE_PX[0], 3), dtype=np.uint8)


def _series() -> Iterable[Absurd]:
    """Yield what is wrong with a series, not with a picture of it."""

    def views(pictures: Callable[[], list[Picture]]) -> Callable[[], str]:
        return lambda: f"k1 {measure_distortion(pictures()).k1:.2f}"

    def alike() -> list[Picture]:
        return [render(Target.CHARUCO, Truth(), SIZE_PX, frame=n) for n in range(9)]

    def apart() -> str:
        frames = [render(Target.GREY_SHEET, PLAIN, SIZE_PX, frame=n) for n in range(12)]
        return str(measure_flicker(frames, [2.0 * n for n in range(12)]))

    cases = (
        ("distortion", "three views", "too_few_views", views(lambda: board_views(0.0, 3))),
        ("distortion", "nine views alike", "views_alike", views(alike)),
        ("distortion", "views without the board", "no_chart",
         views(lambda: [render(Target.NONE, PLAIN, SIZE_PX)] * 9)),
        ("distortion", "views in a mirror", "mirrored",
         views(lambda: [np.ascontiguousarray(one[:, ::-1]) for one in board_views(0.0)])),
        ("flicker", "frames two seconds apart", "too_few_frames", apart),
        ("noise", "two sizes", "sizes_differ",
         lambda: _noise(lambda n: render(Target.GREY_CARD, PLAIN, (640 + 2 * n, 360)))),
    )  # fmt: skip
    for measure, shown, right, ask in cases:
        yield Absurd(measure, shown, frozenset({right}), ask)
