"""The session that is under way, in the journal: written after every step, read after a restart."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import apsw
from pydantic import TypeAdapter, ValidationError

from edge.calibration.procedure import Measured
from edge.calibration.record import Evidence, RecordUnfit, StepResult
from edge.calibration.session import Session, StepState
from edge.store import Store
from edge.store.disk_floor import Reserve

_RESULTS: Final = TypeAdapter(tuple[StepResult, ...])
_CURVES: Final = TypeAdapter(dict[str, tuple[tuple[float, float], ...]])
_PARAMETERS: Final = TypeAdapter(dict[str, float])
_SESSION: Final = TypeAdapter(Session)


@dataclass(frozen=True, slots=True)
class Ending:
    """What is fixed as a session ends, so that recording it twice is recording it once.

    Attributes:
        identity: of devices and site, by field.
        software: versions by package.
        environment: of the measurements.
    """

    ended_at_ms: int
    identity: Mapping[str, str]
    software: Mapping[str, str]
    environment: Mapping[str, str | float]
    full_days: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A session and what its finished steps brought, as it lies in the journal.

    Attributes:
        maintained: whether the session itself took the station out of service.
        ending: None until it is recorded.
    """

    session: Session
    measured: Mapping[str, Measured] = field(default_factory=dict)
    maintained: bool = False
    ending: Ending | None = None


_ENDING: TypeAdapter[Ending | None] = TypeAdapter(Ending | None)


class KeptSession:
    """The one place in the journal. All methods may be called from any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, kept: Kept) -> None:
        """Keep a new session in place of any other; durable on return. Raises `StoreError`."""
        body = _head(kept)

        def write(db: apsw.Connection) -> None:
            _clear(db)
            db.execute("insert into calibration_session(one, body) values(1, ?)", (body,))

        self._store.write(write)

    def change(self, kept: Kept) -> None:
        """Keep what was filled in, which step is at hand, and how it ends. Raises `StoreError`."""
        body = _head(kept)
        self._store.write(lambda db: db.execute("update calibration_session set body = ?", (body,)))

    def keep(self, kept: Kept, step: str) -> None:
        """Keep a finished step; durable on return. Raises `StoreError`."""
        names = [one.step for one in kept.session.steps]
        body = _step(kept.session, step, kept.measured[step])
        head = _head(kept)

        def write(db: apsw.Connection) -> None:
            db.execute("update calibration_session set body = ?", (head,))
            db.execute(
                "insert into calibration_step(n, step, body) values(?, ?, ?)"
                " on conflict(n) do update set body = excluded.body",
                (names.index(step), step, body),
            )

        self._store.write(write)

    def forget(self) -> None:
        """Delete it; durable on return. Raises `StoreError`."""
        self._store.write(_clear, Reserve.LAST)

    def read(self) -> Kept | None:
        """Return the session that a restart cut off; None if there is none that can be read."""
        return self._store.read(_read)


def _clear(db: apsw.Connection) -> None:
    db.execute("delete from calibration_step")
    db.execute("delete from calibration_session")


def _head(kept: Kept) -> str:
    session = kept.session
    said = {
        "session_id": session.session_id,
        "kind": session.kind,
        "technician": session.technician,
        "witness": session.witness,
        "began_at_ms": session.began_at_ms,
        "identity": dict(session.identity),
        "film": session.film,
        "reference": session.reference,
        "present": session.present,
        "steps": [
            {"step": one.step, "device": one.device, "device_id": one.device_id,
             "target": one.target}
            for one in session.steps
        ],
    }  # fmt: skip
    head = {
        "session": said,
        "maintained": kept.maintained,
        "ending": None if kept.ending is None else asdict(kept.ending),
    }
    return json.dumps(head, separators=(",", ":"))


def _step(session: Session, step: str, measured: Measured) -> str:
    view = session.step(step)
    said = {
        "results": _RESULTS.dump_python(measured.results, mode="json"),
        "parameters": dict(measured.parameters),
        "curves": {name: list(points) for name, points in measured.evidence.curves.items()},
        "pictures": {
            name: base64.b64encode(jpeg).decode()
            for name, jpeg in measured.evidence.pictures.items()
        },
        "skipped": view.skipped,
        "tries": view.tries,
    }
    return json.dumps(said, separators=(",", ":"))


def _read(db: apsw.Connection) -> Kept | None:
    body: str | None = db.execute("select body from calibration_session").get
    if body is None:
        return None
    rows = list(db.execute("select step, body from calibration_step order by n"))
    try:
        said = json.loads(body)
        session = _SESSION.validate_python({**said["session"], "resumed": True})
        measured: dict[str, Measured] = {}
        for step, content in rows:
            session, measured[str(step)] = _taken_up(session, str(step), json.loads(str(content)))
        ending = _ENDING.validate_python(said["ending"])
        return Kept(session, measured, bool(said["maintained"]), ending)
    except (ValueError, KeyError, TypeError, ValidationError, RecordUnfit):
        # Of another release, or damaged: it is begun anew; nothing of it was recorded yet.
        return None


def _taken_up(session: Session, step: str, said: Mapping[str, Any]) -> tuple[Session, Measured]:
    pictures = {name: base64.b64decode(text) for name, text in said["pictures"].items()}
    measured = Measured(
        _RESULTS.validate_python(said["results"]),
        Evidence(pictures, _CURVES.validate_python(said["curves"])),
        _PARAMETERS.validate_python(said["parameters"]),
    )
    done = replace(
        session.step(step),
        state=StepState.DONE,
        results=measured.results,
        skipped=str(said["skipped"]),
        tries=int(said["tries"]),
    )
    steps = tuple(done if one.step == step else one for one in session.steps)
    return replace(session, steps=steps), measured
