"""Settings as forms: one page a section, the file before beside it, export and verified import.

What may stand where is `edge.station_file`'s and `edge.settings`' word; these pages draw it.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from flask import Blueprint, Response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from api.console import gate
from api.problems import FieldError, Refused
from api.technician.asked import asked
from api.technician.console import Annex, Console
from api.technician.places import Place
from edge.station_file.draft import Draft
from edge.station_file.exchange import Brought, brought, exported
from edge.station_file.file import (
    BYTES_MAX,
    FileChanged,
    FileUnreadable,
    FileUnwritable,
    Standing,
    StationFile,
)
from edge.station_file.questions import section_names
from edge.station_file.text import Keys, changed_table
from edge.utc import now_ms, rfc3339

PAGE: Final = "settings.page"
SECTION: Final = "settings.section"
NOTED_KEYS_MAX: Final = 20


@dataclass(slots=True)
class Desk:
    """The pages' own memory: the file, and what somebody brought and has not taken over yet."""

    console: Console
    file: StationFile | None
    staged: Brought | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def station_file(self) -> StationFile:
        """Return the file. Raises `Refused` where the station does not say which it is."""
        if self.file is None:
            raise Refused("not-found")
        return self.file

    def note(self, outcome: str, what: str, changes: Sequence[Keys] = ()) -> None:
        """Write the audit row of what was done: keys, never values."""
        keys = ",".join(".".join(map(str, keys)) for keys in changes[:NOTED_KEYS_MAX])
        member = gate.session().member
        self.console.station.book.note(member, "technician.settings", outcome, what=what, keys=keys)


def settings_pages(console: Console) -> Blueprint:
    """Return the routes of the settings."""
    desk = Desk(console, opened(console))
    pages = Blueprint("settings", __name__)
    routes: list[tuple[str, str, Any, str]] = [
        ("/settings", "page", _page, "GET"),
        ("/settings/section/<name>", "section", _section, "GET"),
        ("/settings/section/<name>", "save", _save, "POST"),
        ("/settings/back", "back", _back, "POST"),
        ("/settings/export", "export", _export, "GET"),
        ("/settings/import", "bring", _bring, "POST"),
        ("/settings/import/take", "take", _take, "POST"),
        ("/settings/restart", "restart", _restart, "POST"),
    ]
    for rule, endpoint, view, method in routes:
        pages.add_url_rule(rule, endpoint, partial(view, desk), methods=[method])
    return pages


SETTINGS: Final = Annex(settings_pages, (Place(PAGE, "place.settings"),))


def opened(console: Console) -> StationFile | None:
    """Return the station's file; whatever it lacks for this very start it need not have."""
    path = console.station.settings_file
    if path is None:
        return None
    file = StationFile(path)
    try:
        faults = file.read().faults
    except FileUnreadable:
        return file
    # The demo brings its camera's options itself: a station runs on this file, so it can be used.
    return StationFile(path, check_camera=all(one.keys[:1] != ("camera",) for one in faults))


def _page(desk: Desk) -> str:
    if desk.file is None:
        return desk.console.draw("settings_none.html", reason="unknown")
    try:
        now = desk.file.read()
    except FileUnreadable as error:
        return desk.console.draw(
            "settings_none.html", reason="unreadable", path=desk.file.path, sentence=str(error),
            has_previous=desk.file.has_previous,
        )  # fmt: skip
    return desk.console.draw(
        "settings.html",
        path=desk.file.path,
        writable=desk.file.writable,
        has_previous=desk.file.has_previous,
        now=now,
        waiting=[".".join(map(str, keys)) for keys in desk.file.waiting()],
        sections=[(name, name in now.table) for name in section_names()],
        faults=now.faults,
        controls_endpoint="controls.page",
        restarts=desk.console.station.restart is not None,
    )


def _section(desk: Desk, name: str) -> str:
    file = desk.station_file()
    if name not in section_names():
        raise Refused("not-found")
    return _form(desk, name, _read(file))


def _save(desk: Desk, name: str) -> AnyResponse | tuple[str, int]:
    file = desk.station_file()
    seen = request.form.get("seen", "")
    form = {key: request.form.getlist(key) for key in request.form}
    try:
        now, draft = file.propose(name, form)
    except ValueError:
        raise Refused("not-found") from None
    except FileUnreadable:
        return desk.console.answer("settings.said.unreadable", PAGE)
    if draft.faults:
        return _form(desk, name, now, draft, form), 422
    if not draft.changes:
        return desk.console.answer("settings.said.same", SECTION, name=name)
    kept = "saved" if draft.edited.comments_kept else "saved_without_comments"
    said = _written(desk, draft.edited.text, seen, kept)
    if said.startswith("saved"):
        desk.note("ok", "section", tuple(draft.changes))
    return desk.console.answer(f"settings.said.{said}", SECTION, name=name)


def _form(
    desk: Desk,
    name: str,
    now: Standing,
    draft: Draft | None = None,
    form: dict[str, list[str]] | None = None,
) -> str:
    file = desk.station_file()
    table = now.table if draft is None else changed_table(now.table, draft.changes)
    faults = [fault for fault in (draft or now).faults if draft or fault.keys[:1] == (name,)]
    rows, others = asked(file.questions(name, table), table, faults, form)
    return desk.console.draw(
        "settings_section.html",
        name=name,
        rows=rows,
        others=others,
        seen=(form or {}).get("seen", [now.sha256])[0],
        writable=file.writable,
        waiting=[keys for keys in file.waiting() if keys[:1] == (name,)],
    )


def _back(desk: Desk) -> AnyResponse:
    file = desk.station_file()
    try:
        faults = file.previous().faults
        if faults:
            return desk.console.answer("settings.said.previous_unfit", PAGE)
        file.put_back(request.form.get("seen", ""))
    except (FileChanged, FileUnwritable, FileUnreadable) as error:
        return desk.console.answer(f"settings.said.{_code(error)}", PAGE)
    desk.note("ok", "back")
    return desk.console.answer("settings.said.back", PAGE)


def _export(desk: Desk) -> Response:
    now = _read(desk.station_file())
    station, at = desk.console.station.number, rfc3339(now_ms())
    desk.note("ok", "export")
    day = at[:10].replace("-", "")
    named = f'attachment; filename="{station}-settings-{day}.toml"'
    headers = {"Content-Disposition": named}
    return Response(exported(now, station, at), mimetype="application/toml", headers=headers)


def _bring(desk: Desk) -> AnyResponse | str:
    file, upload = desk.station_file(), request.files.get("file")
    if upload is None or not upload.filename:
        return desk.console.answer("settings.said.no_file", PAGE)
    content = upload.stream.read(BYTES_MAX + 1)
    try:
        found = brought(file, _read(file), content.decode("utf-8"))
    except (FileUnreadable, UnicodeDecodeError):
        return desk.console.answer("settings.said.not_settings", PAGE)
    with desk.lock:
        desk.staged = found
    differing = [".".join(map(str, keys)) for keys in found.differing]
    return desk.console.draw("settings_import.html", found=found, differing=differing,
                             seen=_read(file).sha256)  # fmt: skip


def _take(desk: Desk) -> AnyResponse:
    with desk.lock:
        staged = desk.staged
    if staged is None or staged.sha256 != request.form.get("brought") or staged.faults:
        return desk.console.answer("settings.said.bring_again", PAGE)
    if staged.whole is False and request.form.get("sure") != "yes":
        raise Refused("invalid-request", [FieldError("sure", "missing")])
    said = _written(desk, staged.text, request.form.get("seen", ""), "taken")
    if said == "taken":
        desk.note("ok", "import", staged.differing)
        with desk.lock:
            desk.staged = None
    return desk.console.answer(f"settings.said.{said}", PAGE)


def _restart(desk: Desk) -> AnyResponse:
    restart = desk.console.station.restart
    if restart is None:
        return desk.console.answer("settings.said.no_keeper", PAGE)
    if desk.console.station.serving:
        return desk.console.answer("settings.said.serving", PAGE)
    desk.note("ok", "restart")
    page = render_template(
        "settings_restart.html",
        language=gate.session().language,
        line=partial(desk.console.words.line, gate.session().language),
    )
    answer = Response(page)
    # Only once the technician has the page that says so.
    answer.call_on_close(restart)
    return answer


def _written(desk: Desk, text: str, seen: str, said: str) -> str:
    """Write the file and return the code of what to say."""
    try:
        desk.station_file().write(text, seen)
    except (FileChanged, FileUnwritable, FileUnreadable) as error:
        return _code(error)
    return said


def _code(error: Exception) -> str:
    codes = {FileChanged: "changed", FileUnwritable: "unwritable", FileUnreadable: "unreadable"}
    return codes[type(error)]


def _read(file: StationFile) -> Standing:
    try:
        return file.read()
    except FileUnreadable:
        raise Refused("not-found") from None
