"""Sittings played from looks, and the transcript of each: what was said, held and taken, and when.

The clock is virtual: ten looks a second, a still every 0.3 s. The same looks give the same lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from accuracy.looker import Looked
from edge.burst import BURST, best, judged
from edge.guidance import Guidance, Guided
from edge.settings import load_preset
from quality.face.outline import HeadOutline
from quality.measure import Native
from tests.golden.views import STILL_SCALE
from tests.guidance_kit import DOCUMENT, GATES, Look

HERE: Final = Path(__file__).resolve().parent
LOOKS: Final = HERE / "looks.json"
LOOK_S: Final = 0.1
STILL_S: Final = 0.3
DIGITS: Final = 5


@dataclass(frozen=True)
class Sequence:
    """Who is seen for how long; views of the stills where the shutter catches something else.

    Attributes:
        acts: (view, seconds), one after the other.
        bursts: the views of each burst's stills; after the last, stills see what is seen live.
    """

    title: str
    acts: tuple[tuple[str, float], ...]
    preset: str = "seated"
    bursts: tuple[tuple[str, ...], ...] = ()

    def view_at(self, now_s: float) -> str | None:
        """Return what is seen at this second, None once all is over."""
        for view, seconds in self.acts:
            if now_s < seconds - 1e-6:
                return view
            now_s -= seconds
        return None


_SWAYS: Final = (("straight", 0.1), ("beside", 0.1))
_HUNTS: Final = (("dim", 0.2), ("straight", 0.2))
_UNTOLD: Final = ({"straight", "beside"}, {"straight", "dim"})
"""To and fro many times: one line of the transcript says that it began."""

SEQUENCES: Final[Mapping[str, Sequence]] = {
    "guided": Sequence(
        "Nobody, far, aside, tilted, eyes closed, in the dark; each time as asked, then taken.",
        (
            ("nobody", 2.0), ("far", 4.0), ("aside", 3.0), ("tilted", 4.0), ("shut", 3.0),
            ("dark", 3.0), ("straight", 4.0),
        ),
    ),
    "stuck": Sequence(
        "A woman of 78 who cannot come nearer: help after 25 s, but the size never gives way.",
        (("nobody", 1.0), ("elder", 34.0)),
    ),
    "wheelchair": Sequence(
        "Too low for the camera: nobody is told to sit up, the staff are called; then taken.",
        (("low", 6.0), ("straight", 4.0)),
        preset="wheelchair",
    ),
    "two": Sequence(
        "Somebody steps beside her in the middle of the hold, and goes.",
        (("straight", 0.9), ("two", 4.0), ("straight", 4.0)),
    ),
    "light": Sequence(
        "The light goes off and on; nothing is taken until the exposure has found its level.",
        (("straight", 0.8), ("dark", 4.0), *_HUNTS * 5, ("straight", 3.0)),
    ),
    "flash": Sequence(
        "Eyes closed in all three stills, then in two of three: one awake still is enough.",
        (("straight", 9.0),),
        bursts=(("shut", "shut", "shut"), ("shut", "straight", "shut")),
    ),
    "moving": Sequence(
        "Swaying to and fro, then still.",
        (*_SWAYS * 20, ("straight", 4.0)),
    ),
    "trembling": Sequence(
        "Never still: after 25 s the trembling gives way, and the sharpest still is taken.",
        _SWAYS * 140,
    ),
    "leaving": Sequence(
        "Walks away in the middle of the hold, and comes back.",
        (
            ("straight", 0.9), ("leaving", 0.3), ("left", 0.3), ("far", 0.6), ("nobody", 3.0),
            ("far", 1.0), ("straight", 4.0),
        ),
    ),
    "turned": Sequence(
        "A face turned to its left, then another that laughs: each its own words, nothing taken.",
        (("turned", 5.0), ("laughing", 5.0)),
    ),
    "leaning-seated": Sequence(
        "A head that leans by seven degrees, on a chair: it is asked to straighten.",
        (("leaning", 5.0), ("straight", 4.0)),
    ),
    "leaning-bedside": Sequence(
        "The same head in bed: within what the crop turns, it is taken as it lies.",
        (("leaning", 5.0),),
        preset="bedside",
    ),
    "tilted-bedside": Sequence(
        "Tilted beyond what the crop turns, in bed: the staff turn the camera.",
        (("tilted", 8.0),),
        preset="bedside",
    ),
}  # fmt: skip


def recorded() -> dict[str, Look]:
    """Return the recorded looks by view; stills by "view, still"."""
    table = json.loads(LOOKS.read_text(encoding="utf-8"))
    return {name: _from_row(row) for name, row in table.items()}


def record(looks: Mapping[str, Looked]) -> None:
    """Write looks as numbers, one line each."""
    rows = [f"{json.dumps(name)}: {json.dumps(_row(one))}" for name, one in looks.items()]
    LOOKS.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")


def as_recorded(looked: Looked) -> Look:
    """Return a fresh look with as many digits as a recorded one."""
    return _from_row(json.loads(json.dumps(_row(looked))))


def _row(looked: Looked) -> dict[str, object]:
    values = {name: looked.natives[name] for name in GATES if name in looked.natives}
    return {
        "faces": looked.faces,
        "natives": {
            name: None if native.value is None else _short(native.value)
            for name, native in values.items()
        },
        "outline": {k: _shortened(v) for k, v in asdict(looked.outline).items()}
        if looked.outline
        else None,
    }


def _from_row(row: Mapping[str, object]) -> Look:
    outline = row["outline"]
    made = None
    if outline is not None:
        made = HeadOutline(
            **{k: tuple(v) if isinstance(v, list) else v for k, v in outline.items()}
        )
    natives = {name: Native(value) for name, value in row["natives"].items()}
    return Look(row["faces"], natives, made)


def _shortened(value: object) -> object:
    if isinstance(value, tuple):
        return [_short(part) for part in value]
    return _short(value) if isinstance(value, float) else value


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def transcript(name: str, looks: Mapping[str, Look]) -> str:
    """Return what the person is shown and told, line by line, and when the portrait is taken."""
    sequence = SEQUENCES[name]
    head = [f"# {sequence.title}", f"# Preset: {sequence.preset}.", "#", "#  time  hold  screen"]
    return "\n".join([*head, *_lines(sequence, looks)]) + "\n"


def told(text: str) -> list[str]:
    """Return the bare order of what happened: hints, refusals and captures, without any time."""
    lines = [line[14:].partition("  (")[0] for line in text.splitlines() if line[:1] != "#"]
    changes = [line for line in lines if not line.startswith(">")]
    return [line for n, line in enumerate(changes) if n == 0 or line != changes[n - 1]]


def _lines(sequence: Sequence, looks: Mapping[str, Look]) -> Iterator[str]:
    preset = load_preset(sequence.preset)
    documents = preset.documents([DOCUMENT])
    guidance, bursts = Guidance(documents, preset), list(sequence.bursts)
    now_s, before, seen = 0.0, None, None
    while (view := sequence.view_at(now_s)) is not None:
        if view != seen and {view, seen} not in _UNTOLD:
            yield _line(now_s, None, f"> {view}")
        seen = view
        guided = guidance.see(looks[view], now_s, STILL_SCALE)
        after = (guided.hint, guided.hold_share > 0, guided.stuck)
        if after != before or guided.speak:
            yield _line(now_s, guided, _said(guided))
        before = after
        if not guided.capture:
            now_s = round(now_s + LOOK_S, 3)
            continue
        yield _line(now_s, guided, "capture")
        stills = bursts.pop(0) if bursts else (view,) * BURST
        burst = [looks[f"{one}, still"] for one in stills]
        usual = next(r.native for r in guided.readings if r.measure == "EyesOpen")
        now_s = round(now_s + BURST * STILL_S, 3)
        chosen = best(burst, usual)
        found = judged(burst[chosen], documents)
        if found.advice is None:
            yield _line(now_s, None, f"kept: still {chosen + 1} of {BURST}  ({stills[chosen]})")
            return
        guided = guidance.refuse(found.advice, now_s)
        yield _line(now_s, guided, f"{_said(guided)}, still refused")
        before = (guided.hint, False, guided.stuck)


def _line(now_s: float, guided: Guided | None, what: str) -> str:
    hold = "    " if guided is None else f"{guided.hold_share:4.2f}"
    return f"{now_s:7.1f}  {hold} {what}".rstrip()


def _said(guided: Guided) -> str:
    words = guided.hint.value.removeprefix("portrait.") if guided.hint else "-"
    spoken = ", spoken" if guided.speak else ""
    return f"{words}{spoken}{', help offered' if guided.stuck else ''}"
