"""The pages of the technician's console: devices, delivery, the chain, the log, the switch."""

from __future__ import annotations

import io
import json
import re
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from api.technician.audit import ROWS, read_leaf, verify_chain
from api.technician.devices import state_kind
from api.technician.lines import load_lines
from api.technician.maintenance import REASONS
from edge.custody.quarantine import (
    DELETE_REASONS,
    RELEASE_REASONS,
    delete,
    quarantined,
    release,
)
from edge.device_moves import DeviceState
from edge.settings import load_settings
from edge.sitting import Overlay, State
from edge.staff import Member
from edge.store import NoSuchPackage, PackageGone
from edge.supervisor import REASONS as DEVICE_REASONS
from edge.supervisor import DeviceWarning
from edge.support import bundle_members, station_members
from edge.technician.acts import ACTS, TechnicianBook
from edge.trust.audit import Actor, AuditBroken
from tests.browser.desk import SCENES
from tests.delivery_kit import SINK, make_kit, until
from tests.hostile_centre import HostileCentre, answer
from tests.technician_kit import AUDITOR, DEMO, TECHNICIAN, Workshop, workshop
from tests.test_outbox import delivering, receipt

SOMEBODY = Actor("technician", TECHNICIAN)
MEMBER = Member(TECHNICIAN, "technician")
MARKERS = ("欧阳长春", "310110194901012345", "order-ABC-77", "hunter2secret", "13800138000")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    """A console of its own for each test that changes what lies behind it."""
    with workshop(tmp_path / "shop") as found:
        yield found


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """One console for the tests that only read."""
    with workshop(tmp_path_factory.mktemp("shared")) as found:
        yield found


# ---- devices ----


def test_a_device_tells_its_state_why_since_when_and_the_next_try(shop: Workshop):
    """The reader is unplugged: the page says so in words, with the code, and offers to try."""
    until(lambda: shop.reader.status.attempts >= 2)
    shop.traces.append("-12 ms > ef 01  GetImage")
    notebook = shop.notebook()
    page, own = notebook.sees("/devices"), notebook.sees("/devices/reader-1")

    for one in (page, own):
        assert "那里没有回答" in one
        assert "not_connected" in one
        assert 'data-state="absent"' in one
    assert "-12 ms &gt; ef 01  GetImage" in own
    assert own.count("<tr>") >= 2


def test_clear_wakes_the_owner_and_is_noted(shop: Workshop):
    """The long pause of a device that failed ends by a touch; who touched is in the chain."""
    until(lambda: shop.reader.status.attempts >= 4)
    before = shop.reader.status.attempts
    notebook = shop.notebook()
    notebook.sees("/devices")
    assert notebook.does("/devices/clear", device="reader-1").status == 303
    until(lambda: shop.reader.status.attempts > before)

    assert ("technician", TECHNICIAN, "technician.clear", "ok") in shop.acts()
    assert "正在再试" in notebook.sees("/devices/reader-1")
    assert "正在再试" not in notebook.sees("/devices")
    assert notebook.does("/devices/clear", device="nobody").status == 404


def test_every_state_reason_and_warning_of_a_device_has_its_words():
    """In both languages; only a driver's fault of ours may be called "other"."""
    words = load_lines()
    wanted = {f"state.{state.value}" for state in DeviceState}
    wanted |= {f"cause.{reason}" for reason in DEVICE_REASONS.values()}
    wanted |= {f"device_warning.{warning.value}" for warning in DeviceWarning}

    assert [one for one in sorted(wanted) if not words.has(one)] == []
    assert {state_kind(state) for state in DeviceState} == {"good", "busy", "bad"}


# ---- delivery and quarantine ----


def test_what_waits_is_listed_by_id_age_and_size_and_one_touch_tries_now(shop: Workshop):
    """No person's name can stand there: ids, times, sizes, codes."""
    row = shop.kit.hand_in(shop.store)
    shop.ways[0].status = replace(shop.ways[0].status, waiting=1, oldest_age_s=3700.0)
    notebook = shop.notebook()
    page = notebook.sees("/outbox")
    assert row.package_id[-12:] in page
    assert "1:01:40" in page
    notebook.does("/outbox/retry", sink=SINK)

    assert shop.ways[0].hurried == 1
    assert shop.acts()[-1] == ("technician", TECHNICIAN, "technician.retry", "ok")
    assert notebook.does("/outbox/retry", sink="nowhere").status == 404


def test_a_package_leaves_quarantine_with_a_reason_and_waits_again(shop: Workshop):
    """In one transaction with its audit row; the way out is hurried; twice is told as gone on."""
    row = shop.kit.hand_in(shop.store)
    shop.store.quarantine(row.package_id, SINK, "http_422")
    assert shop.store.pending(SINK) == []
    notebook = shop.notebook()
    assert row.package_id in notebook.sees("/outbox")
    assert notebook.does("/outbox/release", package=row.package_id, reason="x").status == 422
    notebook.does("/outbox/release", package=row.package_id, reason="sink_mended")

    assert [one.package_id for one in shop.store.pending(SINK)] == [row.package_id]
    assert shop.store.package(row.package_id).state == "ready"
    assert shop.ways[0].hurried == 1
    assert shop.acts()[-1] == ("technician", TECHNICIAN, "package.release", "sink_mended")
    notebook.does("/outbox/release", package=row.package_id, reason="sink_mended")
    assert "已经不在隔离中" in notebook.sees("/outbox")


def test_a_package_is_deleted_only_with_its_last_characters_and_a_reason(shop: Workshop):
    """A slip of a finger deletes nothing; what is gone is gone, and the row says why."""
    row = shop.kit.hand_in(shop.store)
    shop.store.quarantine(row.package_id, SINK, "http_422")
    notebook = shop.notebook()
    notebook.sees("/outbox")
    wrong = "0000" if not row.package_id.endswith("0000") else "1111"
    notebook.does("/outbox/delete", package=row.package_id, reason="test_data", typed=wrong)
    notebook.does("/outbox/delete", package=row.package_id, reason="test_data")
    assert shop.store.sealed(row.package_id)
    typed = row.package_id[-4:].upper()
    notebook.does("/outbox/delete", package=row.package_id, reason="test_data", typed=typed)

    with pytest.raises(PackageGone):
        shop.store.sealed(row.package_id)
    assert shop.acts()[-1] == ("technician", TECHNICIAN, "package.delete", "test_data")
    assert row.package_id not in notebook.sees("/outbox")
    with pytest.raises(PackageGone):
        release(shop.store, row.package_id, "sink_mended", SOMEBODY)


def test_what_a_custody_sink_may_still_take_is_not_deleted(shop: Workshop):
    """Set aside for one of two: it can be let go again, and it cannot be deleted."""
    sinks = {SINK: "custody", "second": "custody"}
    row = shop.kit.hand_in(shop.store, sinks=sinks)
    shop.store.quarantine(row.package_id, SINK, "http_422")
    assert [one.package_id for one in quarantined(shop.store)] == [row.package_id]
    with pytest.raises(NoSuchPackage):
        delete(shop.store, row.package_id, "test_data", SOMEBODY)
    release(shop.store, row.package_id, "centre_asked", SOMEBODY)

    assert quarantined(shop.store) == ()
    assert len(shop.store.pending(SINK)) == len(shop.store.pending("second")) == 1


def test_what_was_released_is_sent_by_the_running_outbox_without_a_restart(tmp_path: Path):
    """Refused for good, set aside, released: the same outbox sends it, and the receipt counts."""
    kit = make_kit(tmp_path)
    mended = threading.Event()
    with kit.open_store() as store:
        row = kit.hand_in(store)

        def centre(request: object) -> bytes:
            if mended.is_set():
                return answer(201, receipt(kit, row))
            return answer(422, "{}")

        with HostileCentre(kit.folder / "centre", centre) as there:
            way = delivering(kit, store, there.options)
            with way as outbox:
                until(lambda: store.package(row.package_id).state == "quarantined")
                mended.set()
                release(store, row.package_id, "sink_mended", SOMEBODY)
                outbox.retry_now()
                until(lambda: store.package(row.package_id).state == "receipted")


def test_a_package_that_is_not_set_aside_is_neither_released_nor_deleted(shop: Workshop):
    """Nor for a reason that nobody knows."""
    row = shop.kit.hand_in(shop.store)
    for act, reason in ((release, "sink_mended"), (delete, "test_data")):
        with pytest.raises(NoSuchPackage):
            act(shop.store, row.package_id, reason, SOMEBODY)
        with pytest.raises(ValueError, match="no reason"):
            act(shop.store, row.package_id, "because", SOMEBODY)


def test_every_reason_and_code_of_delivery_has_its_words():
    """Whoever chooses reads words; whoever audits reads codes."""
    words = load_lines()
    wanted = [f"release.{one}" for one in RELEASE_REASONS]
    wanted += [f"delete.{one}" for one in DELETE_REASONS]
    wanted += [f"maintenance.reason.{one}" for one in REASONS]
    wanted += [f"act.{one}" for one in ACTS]

    assert [one for one in wanted if not words.has(one)] == []


# ---- the audit chain ----


def test_the_chain_is_read_page_by_page_newest_first_without_a_gap(shop: Workshop):
    """Each page says that it follows; together they are every row, once."""
    auditor = shop.notebook(AUDITOR)
    for _ in range(2 * ROWS):
        shop.behind.book.note(MEMBER, "technician.retry", sink="centre")
    seen: list[int] = []
    path = "/audit"
    while path:
        page = auditor.sees(path)
        assert "接得上前一行" in page
        seen += [int(n) for n in re.findall(r"<li><p><b>(\d+)</b>", page)]
        older = re.search(r'href="(/audit\?before=\d+)"', page)
        path = older[1] if older else ""

    assert seen == list(range(seen[0], 0, -1))
    assert seen[0] >= 2 * ROWS


def test_an_edited_row_is_told_with_its_number_on_its_page_and_by_the_whole_check(shop: Workshop):
    """The auditor sees which row, and that nobody shall mend it."""
    for _ in range(5):
        shop.behind.book.note(MEMBER, "technician.retry", sink="centre")
    shop.store.write(_forge)
    auditor = shop.notebook(AUDITOR)

    assert "审计链对不上" in auditor.sees("/audit")
    assert 'role="alert">' in auditor.sees("/audit/whole")
    assert read_leaf(shop.store, None).broken_at == 3
    with pytest.raises(AuditBroken):
        verify_chain(shop.store)


def _forge(db: apsw.Connection) -> None:
    db.execute("update audit set entry = replace(entry, 'retry', 'reply') where n = 3")
    db.execute("update audit set entry = cast(entry as blob) where n = 3")


def test_a_row_of_any_bytes_leaves_the_page_standing(shop: Workshop):
    """Whoever edits the file may leave anything there."""
    shop.store.write(lambda db: db.execute("update audit set entry = x'ff00', hash = x'00'"))

    assert shop.notebook(AUDITOR).sees("/audit")


@pytest.mark.parametrize("before", ["x", "-1", "1" * 20, "٣"])
def test_a_page_number_that_is_none_is_refused(shared: Workshop, before: str):
    """422, not a fault of ours."""
    assert shared.again(AUDITOR).ask("GET", f"/audit?before={_quoted(before)}").status == 422


def _quoted(words: str) -> str:
    return "".join(f"%{byte:02x}" for byte in words.encode())


# ---- the log, and what is taken away ----


def test_the_log_shows_fields_of_the_list_alone_and_grave_lines_apart(shop: Workshop):
    """A line that somebody smuggled in is cut to what a log may hold."""
    shop.log += [
        json.dumps({"level": "info", "event": "seeing", "timestamp": "2026-11-22T18:50:01Z"}),
        json.dumps({"level": "error", "event": "request_failed", "name": MARKERS[0],
                    "reason": MARKERS[0], "code": "internal-error"}),
        "no json at all", "[1, 2]",
    ]  # fmt: skip
    notebook = shop.notebook()
    every, grave = notebook.sees("/logs"), notebook.sees("/logs?only=grave")

    assert "seeing" in every
    assert "seeing" not in grave
    assert "code=internal-error" in grave
    assert not [marker for marker in MARKERS if marker in every + grave]


def test_the_bundle_that_is_downloaded_holds_no_marker_of_a_person_or_a_secret(tmp_path: Path):
    """Markers in settings, log, traces and device words: none is in the archive; it is noted."""
    settings = load_settings(DEMO, check_camera=False)
    sink = settings.sinks[0].model_copy(
        update={"options": {"url": f"https://u:{MARKERS[3]}@centre.example/", "pin": MARKERS[3]}}
    )
    station = settings.station.model_copy(update={"hotline": MARKERS[4]})
    settings = settings.model_copy(update={"sinks": (sink,), "station": station})
    log = [json.dumps({"event": "moved", "name": MARKERS[0], "order": MARKERS[2],
                       "reason": MARKERS[1] + " " + MARKERS[0]})]  # fmt: skip
    told = {
        "running": True,
        "devices": [{"device_id": "reader-1", "trace": [f"-1 ms > 00  {'ok'}", MARKERS[0]]}],
        "log": [*log, MARKERS[2]],
    }
    members = lambda: bundle_members(settings) | station_members(_copy(told))  # noqa: E731
    with workshop(tmp_path / "shop", support=members) as shop:
        notebook = shop.notebook()
        notebook.sees("/logs")
        answer = notebook.does("/logs/support")
        acts = shop.acts()

    with zipfile.ZipFile(io.BytesIO(answer.body)) as bundle:
        names = bundle.namelist()
        content = b"".join(bundle.read(name) for name in names).decode()
    assert answer.headers["Content-Type"] == "application/zip"
    assert {"README.txt", "settings.json", "station.json", "log.jsonl"} <= set(names)
    assert "centre.example" in content
    assert "moved" in content
    assert not [marker for marker in MARKERS if marker in content]
    assert acts[-1] == ("technician", TECHNICIAN, "technician.support", "ok")


def _copy(told: dict) -> dict:
    return json.loads(json.dumps(told))


# ---- maintenance ----


def test_the_switch_is_turned_with_a_reason_and_every_page_says_so(shop: Workshop):
    """Who, why and since when; turned back by whoever signs in; both in the chain."""
    notebook = shop.notebook()
    notebook.sees("/maintenance")
    assert notebook.does("/maintenance/begin", reason="fun").status == 422
    notebook.does("/maintenance/begin", reason="cleaning")
    told = [notebook.sees(path) for path in ("/maintenance", "/", "/devices")]
    shop.notebook(AUDITOR).sees("/maintenance")
    notebook.does("/maintenance/end")

    assert all("正在维护" in page and "清洁" in page for page in told)
    assert "正在维护，" not in notebook.sees("/")
    acts = [act[2] for act in shop.acts()]
    assert [act for act in acts if act.startswith("maintenance")] == [
        "maintenance.begin", "maintenance.end",
    ]  # fmt: skip


def test_somebody_at_the_screen_is_told_and_not_cut(shop: Workshop):
    """The page says that the sitting goes on to its end."""
    shop.shown[0] = SCENES["portrait"]
    notebook = shop.notebook()
    notebook.sees("/maintenance")
    notebook.does("/maintenance/begin", reason="devices")

    assert "这一次会办完" in notebook.sees("/maintenance")


@pytest.mark.parametrize(
    ("scene", "serving"),
    [("welcome", False), ("idle", False), ("out-of-service", False), ("number", True),
     ("consent", True), ("result-accepted", True), ("rating", True), ("help-new", True)],
)  # fmt: skip
def test_whether_somebody_is_there_is_read_off_the_screen(
    shared: Workshop, scene: str, serving: bool
):
    """From the first touch to the last word, and while help is on its way."""
    shared.shown[0] = SCENES[scene]

    assert shared.behind.serving is serving


def test_help_called_from_the_welcome_screen_is_somebody(shared: Workshop):
    """Nobody has begun, and somebody stands there."""
    shared.shown[0] = replace(SCENES["welcome"], overlay=Overlay.HELP)

    assert shared.shown[0].state is State.WELCOME
    assert shared.behind.serving


def test_the_book_notes_nothing_that_the_console_does_not_do(shared: Workshop):
    """A code that nobody listed is a mistake of ours."""
    with pytest.raises(ValueError, match="does not do"):
        TechnicianBook(shared.store).note(MEMBER, "technician.sing")


def test_no_page_shows_anything_of_a_sitting(shared: Workshop):
    """A person with a name and a day's number is at the screen: no page has either."""
    shared.shown[0] = SCENES["name"]
    notebook = shared.again()
    for path in ("/", "/live", "/devices", "/outbox", "/audit", "/statistics", "/logs",
                 "/maintenance"):  # fmt: skip
        page = notebook.sees(path)
        assert "陈" not in page, path
        assert str(shared.shown[0].sitting_id) not in page, path
        assert shared.shown[0].token not in page, path


def test_a_camera_that_goes_away_is_told_on_the_live_page_too(shop: Workshop):
    """Its state in words and the way to its page, in place of a picture."""
    shop.until_ready()
    shop.camera.unplugged = True
    until(lambda: not shop.owner.status.working)
    notebook = shop.notebook()
    page = notebook.sees("/live")
    end_s = time.monotonic() + 30
    answer = notebook.ask("GET", "/live/picture.jpg?after=-1", Accept="*/*")
    while answer.status == 204 and time.monotonic() < end_s:
        answer = notebook.ask("GET", "/live/picture.jpg?after=-1", Accept="*/*")

    assert answer.status == 503
    assert "/devices/camera-1" in page
