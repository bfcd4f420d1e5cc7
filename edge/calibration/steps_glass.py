"""F1 to F4: the reader's empty glass, then films made for its kind of sensor.

Optical (total-reflection) and capacitive modules image no paper: without a film F2 to F4 are not
assessed, and say so. A module that waits for a finger gives no picture of an empty glass; then it
is only known that it sees none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from drivers.fingerprint import FingerImage, Retry
from edge.calibration.procedure import (
    Figure,
    Measured,
    Scene,
    Step,
    held_against,
    unmeasured,
)
from edge.calibration.record import StepResult
from edge.calibration.steps_fingers import GRACE_S, answer, press
from quality.glass.blank import Blank, measure_blank
from quality.glass.contrast import measure_contrast
from quality.glass.grey_steps import measure_steps
from quality.glass.ruling import MM_PER_INCH, measure_ruling
from quality.measure import CannotAssess

LOOKS: Final = 3
LOOK_S: Final = 1.5
"""[ours] A module that sees a finger on an empty glass says so at its first look or two."""
LOOK_MIN_S: Final = 0.3
RULING_MM: Final = 0.5
REFLECTANCES: Final = (0.05, 0.2, 0.4, 0.6, 0.8, 0.95)
"""[ours] Of a film, unless its own certificate says otherwise (`film_pitch_mm`,
`film_reflectances` in the identity)."""
BARS: Final = (1, 2, 3, 4, 5, 6, 8, 10)
SHORT_IN: Final = 0.07
BLANK_LEVEL: Final = "blank_mean_level"


# F1


def _measure_blank(scene: Scene) -> Measured:
    pictures: list[FingerImage] = []
    seen = 0
    for number in range(LOOKS):
        found = _look(scene, number / LOOKS)
        if isinstance(found, FingerImage):
            pictures.append(found)
        seen += found is Retry.OLD_PRINT
    limits = scene.limits.steps["blank"]
    if len(pictures) < LOOKS:
        # A picture now and then of an empty glass is a finger that is not there.
        count = Figure(float(seen + len(pictures)), None, LOOKS)
        return Measured(
            (
                held_against("blank", "seen", limits["seen"], count),
                *(unmeasured("blank", name, limits[name], "no_blank")
                  for name in ("dead", "residue", "offset")),
            )
        )  # fmt: skip
    return _of_pictures(scene, measure_blank(pictures), seen)


def _look(scene: Scene, share: float) -> FingerImage | Retry | None:
    scene.tell(share, "keep_glass_clear")
    reader = scene.bench.reader
    timeout_s = max(LOOK_MIN_S, LOOK_S * scene.bench.pace)
    asked = reader.capture(timeout_s, lambda received, expected: None)
    try:
        return answer(scene, asked, timeout_s + GRACE_S)
    finally:
        if not asked.done():
            reader.cancel()


def _of_pictures(scene: Scene, blank: Blank, seen: int) -> Measured:
    limits = scene.limits.steps["blank"]
    dirt = Figure(float(seen + (LOOKS if blank.residue_share > 0 else 0)), None, blank.looks)
    residue = Figure(
        blank.residue_levels, blank.residue_sd_levels, blank.looks,
        details={"residue_share": blank.residue_share, "noise_levels": blank.noise_levels},
    )  # fmt: skip
    before = scene.earlier.get(BLANK_LEVEL)
    offset = (
        unmeasured("blank", "offset", limits["offset"], "no_earlier_blank")
        if before is None
        else held_against(
            "blank", "offset", limits["offset"],
            Figure(blank.mean_level - before, blank.noise_levels, blank.looks),
        )
    )  # fmt: skip
    results: tuple[StepResult, ...] = (
        held_against("blank", "seen", limits["seen"], dirt),
        held_against("blank", "dead", limits["dead"], Figure(blank.dead_share, None, blank.looks)),
        held_against("blank", "residue", limits["residue"], residue),
        offset,
    )
    return Measured(results, parameters={BLANK_LEVEL: round(blank.mean_level, 3)})


# F2 to F4


def _require_film(scene: Scene) -> None:
    if not scene.film:
        raise CannotAssess("no_film")


def _film_figure(identity: Mapping[str, str], field: str, default: float) -> float:
    try:
        return float(identity[field]) if field in identity else default
    except ValueError:
        raise CannotAssess("film_unknown") from None


def _measure_geometry(scene: Scene) -> Measured:
    _require_film(scene)
    pitch_mm = _film_figure(scene.identity, "film_pitch_mm", RULING_MM)
    ruling = measure_ruling(press(scene, 0.0, "keep_film_still"), pitch_mm)
    limits = scene.limits.steps["geometry"]
    doubt = 100 * ruling.ppi_sd / ruling.ppi
    details = {"ppi": ruling.ppi, "angle_deg": ruling.angle_deg, "pitch_mm": pitch_mm}
    whole = Figure(ruling.deviation_percent, doubt, 1, details=details)
    short = Figure(abs(ruling.local_percent) / 100 * SHORT_IN, doubt / 100 * SHORT_IN, 1)
    return Measured(
        (
            held_against("geometry", "deviation", limits["deviation"], whole),
            held_against("geometry", "deviation_short", limits["deviation_short"], short),
        ),
        parameters={"reader_ppi": round(ruling.ppi, 2)},
    )


def _measure_contrast(scene: Scene) -> Measured:
    _require_film(scene)
    results = []
    for number, cycles in enumerate(BARS):
        limit = scene.limits.limit("contrast", f"ctf_{cycles}")
        picture = press(scene, number / len(BARS), f"lay_bars_{cycles}")
        if cycles > picture.resolution_ppi / MM_PER_INCH / 2:
            results.append(unmeasured("contrast", f"ctf_{cycles}", limit, "beyond_nyquist"))
            continue
        try:
            bars = measure_contrast(picture, float(cycles))
        except CannotAssess as refused:
            results.append(unmeasured("contrast", f"ctf_{cycles}", limit, str(refused)))
            continue
        results.append(
            held_against("contrast", f"ctf_{cycles}", limit, Figure(bars.ctf, bars.ctf_sd))
        )
    return Measured(tuple(results))


def _measure_grey(scene: Scene) -> Measured:
    _require_film(scene)
    shares = _reflectances(scene.identity)
    pictures = [
        press(scene, number / len(shares), f"lay_grey_{number + 1}")
        for number in range(len(shares))
    ]
    steps = measure_steps(pictures, shares)
    limits = scene.limits.steps["grey"]
    residual = Figure(
        steps.worst_residual_levels, steps.residual_sd_levels, len(shares),
        details={"levels": list(steps.levels), "reflectances": list(shares)},
    )  # fmt: skip
    return Measured(
        (
            held_against("grey", "residual", limits["residual"], residual),
            held_against("grey", "snr", limits["snr"], Figure(steps.snr, None, len(shares))),
        )
    )


def _reflectances(identity: Mapping[str, str]) -> tuple[float, ...]:
    said = identity.get("film_reflectances")
    if said is None:
        return REFLECTANCES
    try:
        return tuple(float(one) for one in said.split())
    except ValueError:
        raise CannotAssess("film_unknown") from None


BLANK: Final = Step("blank", "reader", "nothing", _measure_blank, quick=True)
GEOMETRY: Final = Step("geometry", "reader", "ruling", _measure_geometry)
CONTRAST: Final = Step("contrast", "reader", "bars", _measure_contrast)
GREY: Final = Step("grey", "reader", "grey_steps", _measure_grey)
