"""What a technician types about safe mode and updates, and what it answers."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from click.testing import CliRunner

from edge.commands.update import _refuse_while_served, status
from edge.commands.upkeep import retry, show
from edge.upkeep.fault import Fault, keep_fault
from edge.upkeep.slots import Slots, Update
from edge.upkeep.starts import Level, Starts
from edge.upkeep.update import UpdateRefused
from edge.upkeep.ways import ASK
from tests.upkeep_kit import new_home

FAULT = Fault("start_died", "The last 3 starts ended without a word.", "/e/s.toml", 9, "2026-11-22")


def typed(command, *words):
    return CliRunner().invoke(command, [str(word) for word in words])


def test_show_says_what_is_wrong_where_and_what_to_do(tmp_path):
    """In both languages and as JSON; it ends with 0 only where nothing is wrong."""
    whole = typed(show, "--state", tmp_path)
    assert (whole.exit_code, whole.output) == (0, "The station is not in safe mode.\n")
    Starts(tmp_path).begin("subject", Level.DELIVERY)
    keep_fault(tmp_path, FAULT)
    english, chinese = (
        typed(show, "--state", tmp_path, "--language", one) for one in ("en", "zh-CN")
    )
    assert english.exit_code == chinese.exit_code == 1
    for words in (FAULT.sentence, "Where: /e/s.toml", "Line: 9", "What to do: Look at the cables"):
        assert words in english.output
    assert "怎么办: 查设备的接线" in chinese.output
    told = json.loads(typed(show, "--state", tmp_path, "--json").output)
    assert (told["level"], told["fault"]["line"]) == ("delivery", 9)


def test_retry_leaves_a_word_for_the_station_that_runs(tmp_path):
    """Which looks for it several times a second."""
    assert typed(retry, "--state", tmp_path).exit_code == 0
    assert (tmp_path / ASK).exists()


def test_status_says_which_version_runs_and_how_the_last_update_ended(tmp_path):
    """With the reason and what to do; as JSON for machines."""
    slots = Slots(tmp_path)
    slots.point("current", "anxin-station-1.0.0")
    assert "No update was made yet." in typed(status, "--root", tmp_path).output
    slots.note(Update("id", "fell_back", "a", "b", "1.1.0", reason="not_answering"))
    said = typed(status, "--root", tmp_path).output
    for words in ("anxin-station-1.0.0", "did not prove itself", "not_answering", "docs/update.md"):
        assert words in said
    told = json.loads(typed(status, "--root", tmp_path, "--json").output)
    assert (told["current"], told["previous"]) == ("anxin-station-1.0.0", None)
    assert told["update"]["state"] == "fell_back"


@contextmanager
def page(port, token):
    """The kiosk's page, as somebody in a sitting, or nobody, has it."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            body = f'<input type="hidden" name="token" value="{token}">'.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words):
            pass

    with HTTPServer(("127.0.0.1", port), Page) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def test_an_update_is_refused_while_somebody_is_at_the_screen(tmp_path):
    """A restart would stand in their way; a station that does not answer serves nobody."""
    home = new_home(tmp_path)
    home.file.write_text(home.settings())
    _refuse_while_served(home.file)
    with page(home.kiosk, ""):
        _refuse_while_served(home.file)
    with page(home.kiosk, "7f3a"), pytest.raises(UpdateRefused, match="at the screen"):
        _refuse_while_served(home.file)
