"""Presses to tables: what stands in the page's section on fingers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from accuracy.fingers.drawn import CLEARLY, HARMS, LARGE, PLAIN, SMALL
from accuracy.fingers.no_fingers import Shown
from accuracy.fingers.presses import NOTHING, OF_TWO, Pressed
from accuracy.fingers.refit import correlation
from accuracy.fingers.spoilt import SPOILT
from accuracy.page import Row
from accuracy.shares import Share, share
from edge.fingers.judge import MATCH_MIN
from quality.finger.causes import Cause
from quality.finger.gates import doubt, gate_readings, refusing
from quality.finger.print import print_of
from quality.finger.score import ridge_score
from quality.measure import CannotAssess

ACCEPT: Final = 45
STOP_LOSS: Final = 25
_CAUSE_OF: Final = {
    PLAIN: NOTHING, "dry": "finger.dry", "wet": "finger.wet", "worn": "finger.worn",
    "light": "finger.light", "partial": "finger.partial", "smear": "finger.moved",
}  # fmt: skip
_CAUSE_OF_TWO: Final = dict(
    zip(
        OF_TWO,
        (
            Cause.CLEAN_GLASS.value, Cause.CLEAN_GLASS.value, NOTHING,
            Cause.OTHER_FINGER.value, Cause.GIVEN_ALREADY.value,
        ),
        strict=True,
    )
)  # fmt: skip


def passed(presses: Sequence[Pressed]) -> list[Row]:
    """Return the share of presses that the gates let pass, by condition and severity."""
    return [
        {
            "condition": kind,
            "severity": f"{severity:g}" if severity else "-",
            **{
                _window(window): share(not one.refused for one in group if one.window == window)
                for window in (SMALL, LARGE)
            },
        }
        for (kind, severity), group in _by_kind(presses).items()
    ]


def caught(shown: Iterable[dict[str, Shown]], scores: Iterable[dict[str, int | None]]) -> list[Row]:
    """Return how many of each kind of no finger are stopped, by what, and what scores say.

    Args:
        shown: pictures by kind.
        scores: NFIQ 2 of the same.
    """
    pictures, theirs = list(shown), list(scores)
    rows: list[Row] = []
    for kind in pictures[0]:
        found = [_looked_at(one[kind]) for one in pictures]
        gates = Counter(name for _, names, _ in found for name in names)
        rows.append(
            {
                "picture": kind,
                "refused": share(bool(names) for _, names, _ in found),
                "refused or doubted": share(stopped for stopped, _, _ in found),
                "by": ", ".join(f"`{name}`" for name, _ in gates.most_common()) or "-",
                "NFIQ 2": _span([one[kind] for one in theirs]),
                "anxin-ridge-1": _span([own for _, _, own in found]),
            }
        )
    return rows


def _looked_at(shown: Shown) -> tuple[bool, tuple[str, ...], int | None]:
    """Return whether it is stopped, the gates that refuse it, and our own score."""
    seen = print_of(shown.image)
    readings = gate_readings(seen, [print_of(one) for one in shown.earlier])
    refused = refusing(readings)
    try:
        own: int | None = ridge_score(seen).value
    except CannotAssess:
        own = None
    return bool(refused) or doubt(readings) is not None, refused, own


def calibrated(presses: Sequence[Pressed]) -> list[Row]:
    """Return how our score agrees with NFIQ 2, by window and bits, over all conditions."""
    groups = {
        (window, bits): [
            one for one in compared(presses) if one.window == window and one.bits == bits
        ]
        for window in (SMALL, LARGE)
        for bits in (4, 8)
    }
    return [
        {"window": _window(window), "bits": bits, **_agreement(group)}
        for (window, bits), group in groups.items()
    ]


def calibrated_by_condition(presses: Sequence[Pressed]) -> list[Row]:
    """Return the same by condition, all severities, in the small window with 4 bits."""
    found = [one for one in compared(presses) if one.window == SMALL and one.bits == 4]
    return [
        {"condition": kind, **_agreement([one for one in found if one.kind == kind])}
        for kind in (PLAIN, *HARMS)
    ]


def compared(presses: Sequence[Pressed]) -> list[Pressed]:
    """Return the presses that passed and have both scores, whatever the window."""
    return [one for one in presses if _compared(one)]


def _compared(one: Pressed) -> bool:
    known = one.own is not None and one.nfiq2 is not None
    return known and one.asked and not one.refused and one.kind in _CAUSE_OF


def _agreement(group: Sequence[Pressed]) -> Row:
    own = np.array([one.own for one in group], np.float64)
    theirs = np.array([one.nfiq2 for one in group], np.float64)
    apart = own - theirs
    return {
        "presses": len(group),
        "NFIQ 2, mean": f"{theirs.mean():.1f}",
        "anxin-ridge-1, mean": f"{own.mean():.1f}",
        "r": correlation(own, theirs),
        "mean error": f"{np.abs(apart).mean():.1f}",
        "same side of 45": _same_side(own, theirs, ACCEPT),
        "same side of 25": _same_side(own, theirs, STOP_LOSS),
    }


def _same_side(own: np.ndarray, theirs: np.ndarray, limit: int) -> Share:
    return share(((own >= limit) == (theirs >= limit)).tolist())


def causes(presses: Sequence[Pressed]) -> list[Row]:
    """Return the confusion table: what a press is, and what it is called."""
    kinds = [(kind, _CAUSE_OF[kind], _four_bits(presses, kind)) for kind in _CAUSE_OF]
    kinds += [
        (kind, right, [one for one in presses if one.kind == kind])
        for kind, right in _CAUSE_OF_TWO.items()
    ]
    return _confusion(kinds)


def causes_of_spoilt(presses: Sequence[Pressed]) -> list[Row]:
    """Return the same for prints spoilt by another hand."""
    return _confusion(
        (kind, right.value if right else NOTHING, [one for one in presses if one.kind == kind])
        for kind, (_, right) in SPOILT.items()
    )


def _four_bits(presses: Sequence[Pressed], kind: str) -> list[Pressed]:
    return [one for one in presses if one.kind == kind and one.bits == 4]


def _confusion(kinds: Iterable[tuple[str, str, Sequence[Pressed]]]) -> list[Row]:
    rows: list[Row] = []
    for kind, right, group in kinds:
        called = Counter(one.called for one in group)
        wrong = ", ".join(
            f"{n} {_short(name)}" for name, n in called.most_common() if name != right
        )
        low = [one for one in group if one.own is None or one.own < ACCEPT or one.refused]
        rows.append(
            {
                "press": kind,
                "cause": _short(right),
                "named right": Share(called[right], len(group)),
                # They knew neither what came before nor matches.
                "by the rules before": (
                    None if kind in OF_TWO else share(one.called_earlier == right for one in group)
                ),
                "called instead": wrong or "-",
                "of those not accepted": share(one.called == right for one in low),
            }
        )
    return rows


def matched(presses: Sequence[Pressed], impostors: Sequence[int]) -> list[Row]:
    """Return bozorth3 against a finger's plain press by condition, and of different fingers."""
    rows: list[Row] = []
    for (kind, severity), group in _by_kind(presses).items():
        if severity in (0.0, CLEARLY):
            scores = [one.match for one in group if one.match is not None and one.bits == 4]
            rows.append(_of_matches(f"one finger, {kind}", scores))
    return [*rows, _of_matches("different fingers, plain", impostors)]


def _of_matches(name: str, scores: Sequence[int]) -> Row:
    low, middle, high = np.percentile(scores, (0, 50, 100))
    return {
        "pair": name,
        f"at least {MATCH_MIN}": share(one >= MATCH_MIN for one in scores),
        "least": f"{low:.0f}",
        "median": f"{middle:.0f}",
        "most": f"{high:.0f}",
    }


def _by_kind(presses: Sequence[Pressed]) -> dict[tuple[str, float], list[Pressed]]:
    found: dict[tuple[str, float], list[Pressed]] = {}
    for one in presses:
        if one.kind in _CAUSE_OF and one.bits == 4:
            found.setdefault((one.kind, one.severity), []).append(one)
    kinds = list(_CAUSE_OF)
    return dict(sorted(found.items(), key=lambda entry: (kinds.index(entry[0][0]), entry[0][1])))


def _window(window: tuple[int, int]) -> str:
    return f"{window[0]}x{window[1]}"


def _short(code: str) -> str:
    return code.removeprefix("finger.").replace("_", " ")


def _span(scores: Sequence[int | None]) -> str:
    known = [one for one in scores if one is not None]
    if not known:
        return "none"
    missing = f", none for {len(scores) - len(known)}" if len(known) < len(scores) else ""
    return f"{min(known)} to {max(known)}{missing}"
