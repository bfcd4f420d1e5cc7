"""Calibration: devices and what theirs is worth, the run step by step, records, targets, undo.

The pages hold nothing: the wizard's snapshot is drawn, and each form asks it for one thing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as AnyResponse

from api.console import gate
from api.problems import FieldError, Refused
from api.technician import figures
from api.technician.calibration_records import HISTORY, RECORD, add_records
from api.technician.calibration_trends import TARGETS_PAGE
from api.technician.console import BY_MODULE, Annex, Console
from api.technician.door import HTMX
from api.technician.places import EVERYBODY, Place, auditors_too
from api.technician.time_code import add_time_code
from edge.calibration.aid import Aid
from edge.calibration.book import CalibrationBook
from edge.calibration.certificate_words import words_of
from edge.calibration.session import Session, StepState, StepView
from edge.calibration.steps_identity import FIELD_CHARS_MAX, fields_of
from edge.calibration.wizard import SKIP_REASONS, Wizard, WizardRefused
from edge.staff import ROLES, Staff
from edge.store.errors import StoreError
from edge.trust.keys import KeyUnusable

HOME: Final = "calibration.page"
RUN: Final = "calibration.run"
GLYPHS: Final[Mapping[str, str]] = {
    "turn_camera_left": "←", "turn_camera_right": "→", "tilt_camera_up": "↑",
    "tilt_camera_down": "↓", "roll_camera_left": "↺", "roll_camera_right": "↻",
    "target_nearer": "⤓", "target_farther": "⤒", "turn_focus": "↻", "turn_focus_back": "↺",
    "more_light": "＋", "less_light": "－", "hold": "✓",
}  # fmt: skip
"""What is seen from 1.5 m before the words are read."""


def calibration_pages(console: Console) -> Blueprint:
    """Return the routes of the calibration."""
    desk = Desk(console)
    pages = Blueprint("calibration", __name__)
    pages.add_url_rule("/calibration", "page", auditors_too(partial(_home, desk)))
    pages.add_url_rule("/calibration/run", "run", partial(_run, desk))
    pages.add_url_rule("/calibration/aid", "aid", partial(_aid, desk))
    add_records(pages, console)
    add_time_code(pages, console)
    for name, act in ACTS.items():
        rule = f"/calibration/{name}"
        pages.add_url_rule(rule, name, partial(_act, desk, act), methods=["POST"])
    return pages


CALIBRATION: Final = Annex(calibration_pages, (Place(HOME, "place.calibration", EVERYBODY),))


class Desk:
    """What the pages ask: the wizard, the book, and who may witness."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._witnesses: Staff | None = None

    @property
    def wizard(self) -> Wizard:
        """The station's. Raises `Refused` where it has none."""
        wizard = self.console.station.wizard
        if wizard is None:
            raise Refused("not-found")
        found: Wizard = wizard
        return found

    @property
    def book(self) -> CalibrationBook:
        """The station's. Raises `Refused` where it has none."""
        book = self.console.station.calibrations
        if book is None:
            raise Refused("not-found")
        found: CalibrationBook = book
        return found

    def devices(self) -> tuple[str, ...]:
        """Return the ids of camera and reader."""
        settings = self.console.station.settings
        return (settings.camera.id, settings.reader.id)

    def witness(self, number: str, pin: str) -> str:
        """Return who witnesses, "" for nobody. Raises `WizardRefused` where the PIN is wrong."""
        if not number:
            return ""
        if self._witnesses is None:
            station = self.console.station
            self._witnesses = Staff(station.staff_file, station.store)
        own = number == gate.session().member.staff_id
        if own or not self._witnesses.check(number, pin, ROLES):
            raise WizardRefused("witness")
        return number


def _home(desk: Desk) -> str:
    if desk.console.station.calibrations is None:
        return desk.console.draw("calibration_none.html")
    session = desk.wizard.session() if desk.console.station.wizard is not None else None
    words = words_of(gate.session().language)
    return desk.console.draw(
        "calibration.html",
        run=session,
        named=words.named,
        devices=[(device, desk.book.state(device)) for device in desk.devices()],
        present={device: desk.book.in_force(device) for device in desk.devices()},
        before={device: desk.book.before(device) for device in desk.devices()},
        rows=desk.book.page(limit=10_000)[::-1][:12],
        findings=desk.book.findings,
        runs=desk.console.station.wizard is not None,
        record_endpoint=RECORD,
        history_endpoint=HISTORY,
        targets_endpoint=TARGETS_PAGE,
    )


def _run(desk: Desk) -> str | AnyResponse:
    session = desk.wizard.session()
    if session is None:
        return desk.console.answer("", HOME)
    words = words_of(gate.session().language)
    view = session.step(session.present) if session.present is not None else None
    return desk.console.draw(
        "calibration_run.html",
        run=session,
        view=view,
        fields=fields_of(view.device) if view is not None and view.target == "" else (),
        seen={status.device_id: status.model for status in desk.console.station.devices()},
        named=words.named,
        reasons=SKIP_REASONS,
        value_text=figures.value_text,
        limits_text=figures.limits_text,
        reload_s=None if HTMX.is_file() else 1,
        done=sum(step.state is StepState.DONE for step in session.steps),
        **_seen_now(desk, session, view),
    )


def _aid(desk: Desk) -> AnyResponse | str:
    session = desk.wizard.session()
    if session is None or mark_of(session) != request.args.get("mark"):
        # The page was drawn for another moment: it is drawn anew, whole.
        return Response("", headers={"HX-Refresh": "true"})
    view = session.step(session.present) if session.present is not None else None
    words = words_of(gate.session().language)
    now = _seen_now(desk, session, view)
    return desk.console.draw(
        "calibration_aid.html", run=session, view=view, named=words.named, **now
    )


def _seen_now(desk: Desk, session: Session, view: StepView | None) -> dict[str, Any]:
    aid = None
    if view is not None and view.target != "" and not session.measuring:
        try:
            aid = desk.wizard.aid()
        except WizardRefused:
            aid = None
    return {"mark": mark_of(session), "aid": aid, **({} if aid is None else _drawn(aid))}


def _drawn(aid: Aid) -> dict[str, Any]:
    return {
        "figure": figures.figure_text(aid.figure, aid.least, aid.most),
        "best": figures.figure_text(aid.best, aid.least, aid.most),
        "bar": figures.bar(aid.figure, aid.least, aid.most, aid.best),
        "limits": figures.limits_text(aid.least, aid.most),
        "glyph": GLYPHS.get(aid.turn.value, ""),
    }


def mark_of(session: Session) -> str:
    """Return what changes whenever the whole page is to be drawn anew."""
    tries = sum(step.tries for step in session.steps)
    done = sum(step.state is StepState.DONE for step in session.steps)
    measuring = "m" if session.measuring else "a"
    failed = session.failure or "-"
    return (
        f"{session.session_id[-12:]}.{session.present or '-'}.{measuring}.{tries}.{done}.{failed}"
    )


def _act(desk: Desk, act: Callable[[Desk], tuple[str, str]]) -> AnyResponse:
    """Do one thing and lead to the page that shows what came of it."""
    try:
        said, endpoint = act(desk)
    except WizardRefused as refused:
        back = HOME if refused.code in _AT_HOME else RUN
        return desk.console.answer(f"calibration.said.{_worded(desk, refused.code)}", back)
    except (StoreError, KeyUnusable, OSError):
        return desk.console.answer("calibration.said.not_kept", RUN)
    answer = desk.console.answer(f"calibration.said.{said}" if said else "", endpoint)
    if BY_MODULE in request.headers:
        answer.headers["HX-Refresh"] = "true"
    return answer


_AT_HOME: Final = frozenset(
    {"no_session", "somebody_served", "no_device", "nothing_before", "closing", "witness"}
)


def _worded(desk: Desk, code: str) -> str:
    return code if desk.console.words.has(f"calibration.said.{code}") else "other"


def _begin(desk: Desk) -> tuple[str, str]:
    kind = request.form.get("kind", "")
    if kind not in {"full", "quick"}:
        raise Refused("invalid-request", [FieldError("kind", "enum")])
    devices = request.form.getlist("device") or list(desk.devices())
    number, pin = request.form.get("witness", "").strip(), request.form.get("witness_pin", "")
    desk.wizard.begin(
        "full" if kind == "full" else "quick",
        devices,
        gate.session().member.staff_id,
        desk.witness(number, pin),
        film=request.form.get("film") == "yes",
        reference="head" if request.form.get("reference") == "head" else "print",
        identity=_known(desk, devices),
    )
    desk.console.station.book.note(gate.session().member, "technician.calibrate", what=kind)
    return "", RUN


def _known(desk: Desk, devices: list[str]) -> dict[str, str]:
    """Return what was filled in the last time, so that it is read through and not typed again."""
    known = {"screen_ppi": f"{desk.console.station.settings.kiosk.screen_ppi:g}"}
    for device in devices:
        rows = [row for row in desk.book.page(limit=10_000, device=device) if row.kind == "full"]
        if rows:
            known |= dict(desk.book.read(rows[-1].id).calibration.identity)
    return known


def _identify(desk: Desk) -> tuple[str, str]:
    session = desk.wizard.session()
    if session is None or session.present is None:
        raise WizardRefused("no_session")
    fields = fields_of(session.step(session.present).device)
    given = {name: request.form.get(name, "").strip()[:FIELD_CHARS_MAX] for name in fields}
    desk.wizard.identify(given)
    desk.wizard.measure()
    return "", RUN


def _measure(desk: Desk) -> tuple[str, str]:
    desk.wizard.measure()
    return "", RUN


def _again(desk: Desk) -> tuple[str, str]:
    desk.wizard.again(request.form.get("step", ""))
    return "", RUN


def _skip(desk: Desk) -> tuple[str, str]:
    desk.wizard.skip(request.form.get("step", ""), request.form.get("reason", ""))
    return "", RUN


def _finish(desk: Desk) -> tuple[str, str]:
    desk.wizard.finish(gate.session().member.staff_id)
    return "finished", HOME


def _abandon(desk: Desk) -> tuple[str, str]:
    if request.form.get("sure") != "yes":
        raise Refused("invalid-request", [FieldError("sure", "missing")])
    desk.wizard.abandon(gate.session().member.staff_id)
    return "abandoned", HOME


def _undo(desk: Desk) -> tuple[str, str]:
    if request.form.get("sure") != "yes":
        raise Refused("invalid-request", [FieldError("sure", "missing")])
    desk.wizard.undo(request.form.get("device", ""), gate.session().member.staff_id)
    return "undone", HOME


ACTS: Final[Mapping[str, Callable[[Desk], tuple[str, str]]]] = {
    "begin": _begin, "identify": _identify, "measure": _measure, "again": _again, "skip": _skip,
    "finish": _finish, "abandon": _abandon, "undo": _undo,
}  # fmt: skip
