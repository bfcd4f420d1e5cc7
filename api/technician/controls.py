"""What can be set at the camera itself: tried on the running stream, put back if it breaks.

The trying is the owner's (`CameraOwner.change`); what is kept for good goes into the settings,
where the driver has a place for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from flask import Blueprint, request
from werkzeug.wrappers import Response as AnyResponse

from api.console import gate
from api.technician.console import Annex, Console
from api.technician.settings import opened
from drivers.camera import Control
from drivers.errors import DeviceAbsent, DeviceError
from edge.camera_owner import Changed
from edge.station_file.file import FileChanged, FileUnreadable, FileUnwritable, StationFile

PAGE: Final = "controls.page"
PROOF_S: Final = 2.0
KNOWN_PROOF_S: Final = 0.5
"""What stood before was seen to work."""
PLACE_IN_FILE: Final = ("camera", "options", "controls")


@dataclass(slots=True)
class Bench:
    """What was tried since the start.

    Attributes:
        last: the outcome of the last change; `values`: what it was asked to set.
        kept: what is in force and not in the settings yet.
    """

    file: StationFile | None
    last: Changed | None = None
    values: Mapping[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)


def controls_pages(console: Console) -> Blueprint:
    """Return the routes of the camera's controls."""
    bench = Bench(opened(console))
    pages = Blueprint("controls", __name__)
    pages.add_url_rule("/settings/controls", "page", partial(_page, console, bench))
    for name, act in (("try", _try), ("undo", _undo), ("keep", _keep)):
        view = partial(act, console, bench)
        pages.add_url_rule(f"/settings/controls/{name}", name, view, methods=["POST"])
    return pages


CONTROLS: Final = Annex(controls_pages)


def _page(console: Console, bench: Bench) -> str:
    try:
        controls = _camera(console).controls()
    except DeviceError:
        controls = None
    return console.draw("controls.html", controls=controls, last=bench.last, tried=bench.kept)


def _try(console: Console, bench: Bench) -> AnyResponse:
    try:
        controls = _camera(console).controls()
    except DeviceError:
        return console.answer("controls.absent", PAGE)
    try:
        values = _wanted(controls, request.form)
    except ValueError:
        return console.answer("controls.said.form", PAGE)
    if not values:
        return console.answer("controls.said.same", PAGE)
    return _changed(console, bench, values)


def _undo(console: Console, bench: Bench) -> AnyResponse:
    """Put back what the last change set, the last one first: it may hold another."""
    last, asked = bench.last, bench.values
    if last is None or not last.kept:
        return console.answer("controls.said.same", PAGE)
    before = {one.name: one.value for one in last.before}
    values = {name: before[name] for name in reversed(tuple(asked))}
    answer = _changed(console, bench, values, "undone", KNOWN_PROOF_S)
    if bench.last is not None and bench.last is not last and bench.last.kept:
        bench.last = None
        for name in values:
            bench.kept.pop(name, None)
    else:
        # It did not go back: it can be asked for again.
        bench.last, bench.values = last, asked
    return answer


def _changed(
    console: Console,
    bench: Bench,
    values: Mapping[str, int],
    said: str = "kept",
    proof_s: float = PROOF_S,
) -> AnyResponse:
    try:
        found: Changed = _camera(console).change(values, proof_s)
    except DeviceAbsent:
        return console.answer("controls.absent", PAGE)
    except DeviceError:
        return console.answer("controls.said.busy", PAGE)
    bench.last, bench.values = found, values
    if found.kept:
        bench.kept |= values
    outcome = said if found.kept else found.reason
    member = gate.session().member
    console.station.book.note(
        member, "technician.settings", outcome, what="controls", keys=",".join(values)
    )
    known = console.words.has(f"controls.said.{outcome}")
    return console.answer(f"controls.said.{outcome if known else 'other'}", PAGE)


def _keep(console: Console, bench: Bench) -> AnyResponse:
    """Write what was kept into the settings, so that each opening of the camera sets it."""
    if bench.file is None or not bench.kept:
        return console.answer("controls.said.same", PAGE)
    changes: dict[Any, Any] = {(*PLACE_IN_FILE, name): v for name, v in bench.kept.items()}
    try:
        now = bench.file.read()
        made = bench.file.draft(now, changes)
        if made.faults:
            return console.answer("controls.said.not_here", PAGE)
        bench.file.write(made.edited.text, now.sha256)
    except (FileChanged, FileUnwritable, FileUnreadable):
        return console.answer("settings.said.unwritable", PAGE)
    member = gate.session().member
    keys = ",".join(f"camera.options.controls.{name}" for name in bench.kept)
    console.station.book.note(member, "technician.settings", what="section", keys=keys)
    bench.kept.clear()
    return console.answer("controls.said.written", PAGE)


def _wanted(controls: tuple[Control, ...], form: Mapping[str, str]) -> dict[str, int]:
    """Return what differs from how it stands, what holds others first. Raises `ValueError`."""
    holders = {one.held_by for one in controls if one.held_by}
    asked = {
        one.name: int(form[one.name])
        for one in sorted(controls, key=lambda one: one.name not in holders)
        if one.name in form and form[one.name].strip()
    }
    now = {one.name: one.value for one in controls}
    return {name: value for name, value in asked.items() if value != now[name]}


def _camera(console: Console) -> Any:
    return console.station.camera
