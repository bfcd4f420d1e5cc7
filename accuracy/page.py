"""The written result: `docs/accuracy.md`. Every figure on it comes out of rows, none is typed."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

from accuracy.agreement import TOLERANCE, Agreement
from accuracy.conditions import matrix, refusals, told
from accuracy.fairness import (
    GAP_MAX_POINTS,
    GROUPINGS,
    MEMBERS_MIN,
    Finding,
    SeenByEye,
    findings,
    pass_rates,
)  # fmt: skip
from accuracy.portraits import Judged
from accuracy.shares import share
from bench.page import machine
from quality.document import Document
from quality.measure import Range

LIBRARIES: Final = ("mediapipe", "opencv-contrib-python-headless", "numpy", "ofiqpy")
MEASURED_ON: Final = "Measured on "
VERSIONS: Final = "Python "
"""How the two lines begin that differ from run to run though no figure does."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Section:
    """A table of rates that another module measured.

    Attributes:
        title: of the section.
        words: one paragraph a line: what was done, and what it does not prove.
        rows: alike in their keys.
    """

    title: str
    words: tuple[str, ...]
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Measured:
    """All that the page shows.

    Attributes:
        painted_every: one of so many portraits was painted on.
    """

    agreements: tuple[Agreement, ...]
    documents: tuple[Document, ...]
    portraits: tuple[Judged, ...]
    seen: SeenByEye
    sections: tuple[Section, ...]
    painted_every: int = 1


def page(measured: Measured) -> str:
    """Return the page's text."""
    lines = [*_head(measured), *_agreement(measured.agreements)]
    for document, twins in _distinct(measured.documents):
        lines += _fairness(measured, document, twins)
    lines += _conditions(measured)
    for section in measured.sections:
        lines += ["", f"## {section.title}", ""]
        lines += [*section.words, ""] if section.words else []
        lines += as_table(section.rows)
    return "\n".join(lines) + "\n"


def figures(text: str) -> list[str]:
    """Return the page's lines without those that differ from run to run."""
    return [line for line in text.splitlines() if not line.startswith((MEASURED_ON, VERSIONS))]


def _head(measured: Measured) -> list[str]:
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    count = len(measured.portraits)
    return [
        "# Accuracy",
        "",
        "Written by `make accuracy`; `python -m accuracy --check` measures again and compares.",
        "",
        f"{MEASURED_ON}{machine()}.",
        f"{VERSIONS}{platform.python_version()}, {libraries}.",
        "",
        "## What it was measured on",
        "",
        f"- {count} portraits that a generator made (CC0).",
        "  These people do not exist: nothing here is an error rate of people or of groups.",
        "  Sex and age are what the generator was asked for; skin tone is measured in the picture,",
        "  where it is the light's and the camera's doing as well as the skin's.",
        "- They were not taken by this station: nobody was guided, most have a busy background,",
        "  many smile or turn. A refusal is often right, and then it is advice: what to do next.",
        "- Faults and coverings are painted on such portraits. A painted mask is not a worn one.",
        *_sampled(measured.painted_every),
        "- The material is optional and lies beside the checkout, each file under its digest.",
        "",
        "A share is followed by its Wilson interval of 95 % in parentheses, both in percent.",
    ]


def _sampled(every: int) -> list[str]:
    if every == 1:
        return []
    return [f"  For this page only one portrait in {every} was painted on: provisional figures."]


def _agreement(agreements: Iterable[Agreement]) -> list[str]:
    rows = [
        {
            "compared": one.what,
            "agree": f"{one.equal.count}/{one.equal.of}",
            "furthest apart": "exact" if one.furthest is None else f"{one.furthest:.1e}",
            "apart": ", ".join(one.apart) or "none",
        }
        for one in agreements
    ]
    return [
        "",
        "## Agreement with OFIQ",
        "",
        f"Native values agree within {TOLERANCE:g} (relative above 1), components exactly.",
        "",
        *as_table(rows),
    ]


def _distinct(documents: Iterable[Document]) -> list[tuple[Document, list[str]]]:
    """Return the documents with different gates, each with those that have the same."""
    found: list[tuple[Document, list[str]]] = []
    for document in documents:
        twin = next((names for other, names in found if _gates(other) == _gates(document)), None)
        if twin is None:
            found.append((document, []))
        else:
            twin.append(document.id)
    return found


def _gates(document: Document) -> dict[str, tuple[Range, bool]]:
    return {name: (gate.still.range, gate.hard) for name, gate in document.gates.items()}


def _fairness(measured: Measured, document: Document, twins: Sequence[str]) -> list[str]:
    portraits = measured.portraits
    lines = ["", f"## Pass rates of {document.id}", ""]
    if twins:
        lines += [f"The stills' gates of {', '.join(twins)} are the same, hence the figures.", ""]
    hard = share(one.accepted(document.id) for one in portraits)
    lines += [f"All hard gates pass: {hard}.", "An advisory gate is marked with a star."]
    for name, grouped in GROUPINGS.items():
        groups = grouped(portraits)
        rows = []
        for gate, limits in document.gates.items():
            rates = pass_rates(groups, document.id, gate)
            title = f"`{gate}`" if limits.hard else f"`{gate}` *"
            rows.append({"gate": title, **{group: str(one) for group, one in rates.items()}})
        lines += ["", f"### By {name}", "", *as_table(rows)]
    found = findings(portraits, document.id, document.gates, measured.seen)
    return [*lines, *_gaps(document, found)]


def _gaps(document: Document, found: Sequence[Finding]) -> list[str]:
    lines = [
        "",
        f"### Gaps above {GAP_MAX_POINTS:g} points",
        "",
        f"Groups of fewer than {MEMBERS_MIN} are not compared.",
        "A *seen* fault is one that a person sees and that the gate is there to refuse:",
        "the label's word, the eyes' distance, or `accuracy/seen_by_eye.csv`.",
        "*left* is the widest gap once all portraits with a seen fault are taken out.",
        "*not seen* names every refused portrait without one, of whatever group, with its reading.",
        "Near a limit an eye cannot decide; the hint then says what to do, and guidance goes on.",
        "",
    ]
    if not found:
        return [*lines[:2], "", "None."]
    rows = [
        {
            "gate": f"`{one.gate}`",
            "by": one.grouping,
            "gap": f"{one.gap.points:.0f}: {one.gap.lowest} below {one.gap.highest}",
            "seen in the refused of the lowest": ", ".join(
                f"{n} {why}" for why, n in one.causes.items()
            )
            or "-",
            "not seen": _unseen(one, document),
            "left": "-" if one.left is None else f"{one.left.points:.0f}",
            "": "explained" if one.explained else "open",
        }
        for one in found
    ]
    count = sum(one.explained for one in found)
    return [*lines, *as_table(rows), "", f"{count} of {len(found)} are explained."]


def _unseen(one: Finding, document: Document) -> str:
    limits = document.gates[one.gate].still
    shown = [
        f"{file} reads {'nothing' if value is None else f'{value:.3g}'}"
        for file, value in one.unseen
    ]
    if not shown:
        return "-"
    ends = ["" if end is None else f"{end:g}" for end in (limits.min, limits.max)]
    return f"{', '.join(shown)} (limits {' to '.join(ends).strip()})"


def _conditions(measured: Measured) -> list[str]:
    portraits, document = measured.portraits, measured.documents[0].id
    words = matrix(portraits, document)
    hints = sorted({hint for row in words.values() for hint in row}, key=_by_total(words))
    hint_rows = [
        {"label": word, "n": sum(row.values()), **{h: row.get(h) or "" for h in hints}}
        for word, row in words.items()
    ]
    refused = refusals(portraits, document)
    gate_rows = [
        {"label": word, **{f"`{gate}`": n or "" for gate, n in row.items()}}
        for word, row in refused.items()
    ]
    telling = [
        {
            "label": one.condition, "gate": f"`{one.gate}`",
            "refused, of those with it": str(one.hits),
            "refused, of the others": str(one.others),
        }
        for one in told(portraits, document)
    ]  # fmt: skip
    return [
        "",
        "## The labels' words against our readings",
        "",
        f"Gates of {document}. A label has one word though a picture may have several faults:",
        "a refusal of the others need not be wrong.",
        "",
        *as_table(telling),
        "",
        "The one hint that the hard gates lead to:",
        "",
        *as_table(hint_rows),
        "",
        "How many each gate refuses, advisory gates too:",
        "",
        *as_table(gate_rows),
    ]


def _by_total(words: Mapping[str, Mapping[str, int]]) -> Any:
    return lambda hint: (-sum(row.get(hint, 0) for row in words.values()), hint)


def as_table(rows: Sequence[Row]) -> list[str]:
    """Return a table; the first row's keys are its header."""
    if not rows:
        return ["None."]
    keys = list(rows[0])
    return [
        f"| {' | '.join(keys)} |",
        f"|{'---|' * len(keys)}",
        *(f"| {' | '.join(_shown(row.get(key)) for key in keys)} |" for row in rows),
    ]


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
