"""One question of a settings form as a page draws it: what stands there, what may, what is wrong.

Pure; no value of a secret gets here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edge.station_file.draft import Fault, Form
from edge.station_file.questions import Question, hidden
from edge.station_file.text import value_at


@dataclass(frozen=True, slots=True)
class Asked:
    """One question with its present answer.

    Attributes:
        question: as `edge.station_file` asks it.
        value: what the field shows: the file's own value or what somebody just typed, "" for none.
        picked: of choices, those that stand there.
        default: what holds without an answer, as shown; "" for nothing.
        bounds: "3 … 9", "> 0 … 20", "≤ 24": what may stand there; "" for anything.
        begins: the row of a list, or the table, that begins with this question; "" for none.
        fault: code of what is wrong, "" for nothing.
        sentence: the technician's English sentence of it.
        stands: whether something stands in the file.
    """

    question: Question
    value: str
    picked: tuple[str, ...] = ()
    default: str = ""
    bounds: str = ""
    begins: str = ""
    fault: str = ""
    sentence: str = ""
    stands: bool = False

    @property
    def id(self) -> str:
        """Of the field in the page."""
        return f"q-{self.question.key.replace('.', '-')}"


def asked(
    questions: Sequence[Question],
    table: Mapping[str, Any],
    faults: Sequence[Fault] = (),
    form: Form | None = None,
) -> tuple[list[Asked], list[Fault]]:
    """Return the questions as a page draws them, and the faults that belong to none of them.

    Args:
        questions: of one section.
        table: the file as it is, or as a refused form would have made it.
        faults: what is wrong with it.
        form: what somebody typed, shown again.
    """
    rows: list[Asked] = []
    placed: list[Fault] = []
    before = ""
    for question in questions:
        own = [fault for fault in faults if fault.keys[: len(question.keys)] == question.keys]
        placed += own
        where = ".".join(str(key) for key in question.keys[:-1])
        typed = (form or {}).get(question.key)
        rows.append(_drawn(question, table, typed, own, where if where != before else ""))
        before = where
    return rows, [fault for fault in faults if fault not in placed]


def _drawn(
    question: Question,
    table: Mapping[str, Any],
    typed: Sequence[str] | None,
    own: Sequence[Fault],
    begins: str,
) -> Asked:
    value = hidden(question, value_at(table, question.keys))
    listed = value if isinstance(value, list) else []
    return Asked(
        question=question,
        value=shown(question, value) if typed is None or question.secret else typed[0],
        picked=tuple(str(one) for one in (listed if typed is None else typed)),
        default=shown(question, question.default),
        bounds=bounds(question),
        begins=begins,
        fault=own[0].code if own else "",
        sentence=own[0].sentence if own else "",
        stands=value_at(table, question.keys) is not None,
    )


def shown(question: Question, value: Any) -> str:
    """Return a value as a field shows it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if question.kind == "part":
        return "true"
    if isinstance(value, list | tuple):
        return "\n".join(str(one) for one in value)
    return f"{value:g}" if isinstance(value, float) and abs(value) < 1e6 else str(value)


def bounds(question: Question) -> str:
    """Return what may stand there, in figures alone."""
    least = "" if question.least is None else f"{question.least:g}"
    most = "" if question.most is None else f"{question.most:g}"
    least = f"> {least}" if least and question.open_least else least
    most = f"< {most}" if most and question.open_most else most
    if least and most:
        return f"{least} … {most}"
    if least:
        return least if question.open_least else f"≥ {least}"
    if question.longest is not None:
        return f"≤ {question.longest}"
    return most if not most or question.open_most else f"≤ {most}"
