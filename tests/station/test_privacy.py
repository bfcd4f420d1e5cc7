"""After a whole sitting, nothing of the person is readable on the station's own disk."""

from __future__ import annotations

import base64
import logging
import os
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from edge.logs import configure_logs
from edge.sitting import Event, State
from run_edge import open_listeners
from tests.station.bed import station_bed
from tests.station.seen import SIGNATURES, leaks_in, written_forms

NAME = "陈诗涵"
LATIN_NAME = "Marker-Chen-19480211"


@pytest.fixture
def log_file(tmp_path: Path):
    """The station's own log, as `run_edge.py` configures it; put back as it was afterwards."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    path = tmp_path / "station.log"
    with path.open("a", encoding="utf-8") as words:
        configure_logs(words)
        yield path
    root.handlers = before
    root.setLevel(level)


def knock(url: str, **headers: str) -> None:
    """Send a request that carries the name; what is answered does not matter here."""
    request = urllib.request.Request(url, headers=headers)
    with suppress(urllib.error.URLError):
        urllib.request.urlopen(request, timeout=10).read()


def say_the_name_everywhere(kiosk: str, v1: str) -> None:
    """Paths, queries, forms, headers: a name may come in wherever a client puts one."""
    for name in (NAME, LATIN_NAME):
        quoted = urllib.parse.quote(name)
        knock(f"{kiosk}{quoted}")
        knock(f"{kiosk}sample/portrait.jpg?token={quoted}")
        knock(f"{kiosk}preview/camera?after={quoted}")
        knock(f"{v1}v1/packages?after={quoted}")
        knock(f"{v1}v1/packages/{quoted}/sealed", Authorization=f"Bearer {quoted}")
        knock(f"{v1}v1/health", **{"User-Agent": quoted, "Referer": f"http://{quoted}/"})
        form = urllib.parse.urlencode({"action": name, "token": name, "name": name}).encode()
        request = urllib.request.Request(
            f"{kiosk}act", form, {"Origin": kiosk.rstrip("/"), "X-Name": quoted}
        )
        with suppress(urllib.error.URLError):
            urllib.request.urlopen(request, timeout=10).read()


def test_no_file_of_the_station_holds_the_name_or_a_picture(
    tmp_path, scenes, log_file, monkeypatch
):
    """Logs, database, journal and temporary files are searched whole, and so is the log's memory
    of failures: only the centre's own folder has what was sealed to it.
    """
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    with station_bed(tmp_path / "demo", scenes) as bed, ExitStack() as stack:
        kiosk, v1 = open_listeners(bed.station, stack)
        bed.begin()
        say_the_name_everywhere(kiosk.url, v1.url)
        bed.until_state(State.PORTRAIT_OK)
        shown = bed.station.desk.snapshot
        shot = bed.station.desk.portrait_jpeg(shown.token)
        assert shot is not None
        bed.ask(Event.PORTRAIT_KEPT)
        bed.until_state(State.REVIEW)
        mid_sitting = leaks_in(files_of(tmp_path), [NAME, LATIN_NAME], [shot])
        bed.finish()
        # A failure with the name in its message, in the very process that logs.
        crash = threading.Thread(target=lambda: fail_with(NAME), name="crash")
        logging.getLogger("library").error("cannot greet %s", NAME)
        with suppress(ValueError):
            fail_with(NAME)
        crash_quietly(crash)
        bed.until_receipted()
    after = leaks_in(files_of(tmp_path), [NAME, LATIN_NAME], [shot])

    assert mid_sitting == set()
    assert after == set()
    assert log_file.stat().st_size > 1000
    assert (tmp_path / "demo" / "store" / "store.db").stat().st_size > 100_000


def fail_with(name: str) -> None:
    """Raise an error whose message quotes a person, logged as the station logs errors."""
    try:
        raise ValueError(f"no such person: {name}")
    except ValueError:
        logging.getLogger("library").exception("while greeting %s", name)
        raise


def crash_quietly(thread: threading.Thread) -> None:
    """Run a thread to its death without pytest's own report of it."""
    before, threading.excepthook = threading.excepthook, lambda _: None
    try:
        thread.start()
        thread.join()
    finally:
        threading.excepthook = before


def files_of(folder: Path) -> list[Path]:
    """Every file that the station may have written; the scenes are the camera's, not the disk's."""
    foreign = {folder / "demo" / "camera", folder / "demo" / "centre"}
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and not foreign & set(path.parents) and os.access(path, os.R_OK)
    ]


def test_the_search_finds_every_planted_leak(tmp_path):
    """A search that finds nothing anywhere would prove nothing: each form is planted and found."""
    picture = os.urandom(3000)
    middle = picture[1490:1600]
    planted = {
        **written_forms(NAME),
        **SIGNATURES,
        "plain picture": middle,
        "hex picture": middle.hex().encode(),
        "base64 picture": base64.b64encode(middle),
        "base64 picture, shifted": base64.b64encode(b"x" + middle),
        "base64 picture, shifted twice": base64.b64encode(b"xy" + middle),
    }
    for number, text in enumerate(planted.values()):
        (tmp_path / f"{number}.bin").write_bytes(b"before " + text + b" after")
    leaks = leaks_in(sorted(tmp_path.iterdir()), [NAME], [picture])

    assert {leak.partition(":")[0] for leak in leaks} == {f"{n}.bin" for n in range(len(planted))}
