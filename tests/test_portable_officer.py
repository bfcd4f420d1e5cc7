"""What an officer does at a carried station: lists, checks, and what its power and lid stop."""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from click.testing import CliRunner

from api.v1.visit_order import read_visit_order
from edge.commands.portable import TARGETS
from edge.logs import configure_logs
from edge.portable.carried import Carried, Parts
from edge.portable.door import PLACE, Door, Refusal, knock
from edge.portable.field_state import FieldState
from edge.portable.section import PortableSettings
from edge.settings import CONFIGS
from edge.utc import rfc3339
from run_edge import cli
from tests.delivery_kit import until
from tests.order_kit import SURNAME
from tests.portable_kit import carried, visit
from tests.test_portable_check import PRESS, Reader, Retry, bench, power_files


@contextmanager
def log_aside(folder):
    """The station's log goes its own way: what a command prints is the officer's alone."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    with (folder / "station.log").open("a", encoding="utf-8") as words:
        configure_logs(words)
        yield
    root.handlers = before
    root.setLevel(level)


@pytest.fixture(autouse=True)
def _log(tmp_path):
    with log_aside(tmp_path):
        yield


@dataclass
class Officer:
    """One carried station, its devices told beforehand, and the officer at its command line."""

    folder: object
    device: object
    station: Carried
    parts: Parts
    reader: Reader
    served: list = field(default_factory=list)
    rested: list = field(default_factory=list)

    def type(self, *words: str):
        """Run a command as it is typed."""
        text = (CONFIGS / "stations" / "portable.toml").read_text("utf-8")
        file = self.folder / "station.toml"
        file.write_text(text.replace("/var/lib/anxin-station/store", str(self.folder)), "utf-8")
        return CliRunner().invoke(cli, [*words, "--settings", str(file)])

    def power(self, percent: int) -> None:
        power_files(
            self.folder / "power", BAT0__type="Battery", BAT0__capacity=str(percent),
            BAT0__status="Discharging",
        )  # fmt: skip

    def lid(self, word: str) -> None:
        power_files(self.folder / "lid", LID0__state=f"state:      {word}")


@contextmanager
def on_duty(tmp_path, receive: bool = True, **changes):
    """A station that runs; `changes` are of its section `[portable]`."""
    with duty_of(carried(tmp_path), receive, **changes) as duty:
        yield duty


@contextmanager
def duty_of(device, receive: bool = True, **changes):
    """The same, of a device that was provisioned elsewhere."""
    tmp_path = device.folder
    settings = PortableSettings(
        power_supply=tmp_path / "power", lid=tmp_path / "lid", field_check=True, **changes
    )
    reader = Reader([Retry.NO_FINGER, PRESS])
    with device.lists() as now:
        ended = []
        parts = Parts(
            folder=tmp_path,
            settings=settings,
            lists=now.lists,
            state=FieldState(tmp_path, settings.field_check_hours),
            bench=lambda stop: bench(reader=reader, stop=stop, visits=lambda: 1),
            devices_work=lambda: not ended,
            after_check=lambda: None,
            cancel_press=reader.cancel,
        )
        ended.append("until a test says so")
        station = Carried(parts, look_s=0.05)
        officer = Officer(tmp_path, device, station, parts, reader)
        if receive:
            station.receive(read_visit_order)
        station.start(lambda: bool(officer.served), lambda: officer.rested.append(1))
        try:
            yield officer, now, ended
        finally:
            station.close()


def test_an_officer_loads_a_list_and_sees_numbers_and_initials_alone(tmp_path):
    """Two commands at the station; no name is ever shown by them."""
    with on_duty(tmp_path) as (officer, now, _):
        file = tmp_path / "list"
        file.write_bytes(officer.device.make(visit(1), visit(2), hours=8, place="liuhe-village"))
        loaded = officer.type("visits", "load", str(file))
        (standing,) = now.lists.standing

        assert loaded.exit_code == 0, loaded.output
        over = rfc3339(standing.expires_at_ms)
        assert loaded.output == f"2 visits wait. The list is over at {over}.\n"
        again = officer.type("visits", "load", str(file))
        assert again.output.startswith("0 visits wait, 2 known already.")
        shown = officer.type("visits", "show")
        assert shown.output == (
            f"list 1, liuhe-village, over at {over}\n  000001  O  waiting\n  000002  O  waiting\n"
        )
        assert not any(char in shown.output for char in SURNAME)
        now.orders.end(now.orders.take().sitting_id, "accepted")
        now.orders.end(now.orders.take().sitting_id, "accepted")
        assert "No visits are to be made." in officer.type("visits", "show").output


@pytest.mark.parametrize("fault", ["changed", "foreign", "replayed", "nothing"])
def test_a_list_that_is_refused_is_refused_in_one_sentence_on_the_error_stream(tmp_path, fault):
    """The officer reads why and what to do; no traceback, and nothing waits."""
    with on_duty(tmp_path / "a") as (officer, now, _):
        older = officer.device.make(visit(1))
        content = {
            "changed": older[:-1] + bytes([older[-1] ^ 1]),
            "foreign": carried(tmp_path / "b").make(visit(1)),
            "replayed": older,
            "nothing": b"",
        }[fault]
        if fault == "replayed":
            now.load(officer.device.make(visit(2)))
        before = now.states()
        (tmp_path / "list").write_bytes(content)
        refused = officer.type("visits", "load", str(tmp_path / "list"))

        assert refused.exit_code == 2
        assert refused.stdout == ""
        assert refused.stderr.count("\n") == 1
        assert "visit list" in refused.stderr.lower()
        assert now.states() == before


def test_without_a_running_station_the_commands_say_so(tmp_path):
    """Also where a socket of a run that was killed lies about."""
    with on_duty(tmp_path) as (officer, _, _):
        pass
    assert not (tmp_path / PLACE).exists()
    assert "does not run" in officer.type("visits", "show").stderr
    dead = socket.socket(socket.AF_UNIX)
    descriptor = os.open(tmp_path / "portable", os.O_PATH)
    dead.bind(f"/proc/self/fd/{descriptor}/door.sock")
    dead.close()
    os.close(descriptor)
    assert "does not run" in officer.type("visits", "show").stderr
    with on_duty(tmp_path / "again") as (officer, _, _):
        assert officer.type("visits", "show").exit_code == 0


def test_a_list_that_comes_before_the_station_reads_orders_is_asked_for_in_a_moment(tmp_path):
    """Between its first and its last second of starting."""
    with on_duty(tmp_path, receive=False) as (officer, now, _):
        (tmp_path / "list").write_bytes(officer.device.make(visit(1)))
        assert "in a moment" in officer.type("visits", "load", str(tmp_path / "list")).stderr
        assert now.states() == []


def test_a_check_is_told_step_by_step_with_figure_limit_and_verdict(tmp_path):
    """The officer sees all thirteen figures; the exit code says whether to go."""
    with on_duty(tmp_path) as (officer, _, _):
        told = officer.type("check", "--field", "--yes")

        assert told.exit_code == 0, told.output
        assert "Press any one finger" in told.output
        lines = [line for line in told.output.splitlines() if line.startswith("  ")]
        assert len(lines) == 13
        assert all(line.split()[-1] == "passed" for line in lines)
        assert "not a certificate" in told.output
        assert "ertified" not in told.output
        assert officer.station.check_outcome == "passed"


def test_a_check_that_fails_names_the_step_and_ends_with_one(tmp_path):
    """A weak figure is told, not hidden behind a word."""
    with on_duty(tmp_path) as (officer, _, _):
        officer.reader.presses = [PRESS, PRESS]
        told = officer.type("check", "--field", "--yes")

        assert told.exit_code == 1
        assert told.output.splitlines()[-1] == "Due: glass."
        officer.reader.presses = [Retry.NO_FINGER]
        free = officer.type("check", "--field", "--hands-free")
        assert (free.exit_code, free.output.splitlines()[-1]) == (1, "Due: a hand was not lent.")
        assert officer.station.told()["due_by"] == "hands"


def test_nobody_is_interrupted_by_a_check(tmp_path):
    """While somebody is served the officer is asked to wait; and one check runs at a time."""
    with on_duty(tmp_path) as (officer, _, _):
        officer.served.append("somebody")
        refused = officer.type("check", "--field", "--yes")
        assert refused.exit_code == 2
        assert "Somebody is served" in refused.stderr
        officer.served.clear()
        officer.reader.presses = [Retry.NO_FINGER, "never"]
        asked = threading.Thread(target=officer.type, args=("check", "--field", "--yes"))
        asked.start()
        until(lambda: "field_check_running" in officer.station.reasons())
        with pytest.raises(Refusal, match="runs already"):
            officer.station.check(lambda _: None, hands=False)
        officer.served.append("somebody")
        asked.join()
        assert "field_check_running" not in officer.station.reasons()


@pytest.mark.parametrize(("policy", "blocks"), [("warn", False), ("block", True)])
def test_the_policy_decides_whether_a_check_that_is_due_stops_sittings(tmp_path, policy, blocks):
    """Either way each package says that it was due."""
    with on_duty(tmp_path, field_check_policy=policy) as (officer, _, _):
        assert ("field_check_due" in officer.station.reasons()) is blocks
        assert officer.station.about()["field_check"]["outcome"] == "due"
        assert officer.type("check", "--field", "--yes").exit_code == 0
        assert officer.station.reasons() == ()
        assert officer.station.about()["field_check"]["outcome"] == "passed"


def test_the_first_check_begins_by_itself_once_the_devices_answer(tmp_path):
    """Whoever switches the station on learns of a fault before the first visit."""
    with on_duty(tmp_path) as (officer, _, ended):
        assert officer.station.told()["steps"] == []
        ended.clear()
        until(lambda: officer.station.told()["steps"])

        assert officer.station.told()["due_by"] == "hands"


def test_a_low_battery_refuses_the_next_sitting_and_lets_the_present_one_be(tmp_path):
    """Nobody is left in the dark half-way; plugged in, the station serves again."""
    with on_duty(tmp_path) as (officer, _, _):
        officer.served.append("somebody")
        officer.power(19)
        until(lambda: officer.station.reasons() == ("battery_low",))
        assert officer.rested == []
        assert officer.station.about()["battery_percent"] == 19
        officer.power(20)
        until(lambda: officer.station.reasons() == ())


def test_a_closed_lid_stops_the_capture_and_makes_the_check_due(tmp_path):
    """The sitting rests where it is and the reader is let go; nothing new begins."""
    with on_duty(tmp_path, field_check_policy="warn") as (officer, _, _):
        assert officer.type("check", "--field", "--yes").exit_code == 0
        officer.served.append("somebody")
        officer.lid("closed")
        until(lambda: officer.station.reasons() == ("lid_closed",))
        until(lambda: officer.station.check_outcome == "due")

        assert officer.rested == [1]
        assert officer.reader.cancelled == 1
        assert officer.station.told()["due_by"] == "lid"
        officer.lid("open")
        until(lambda: officer.station.reasons() == ())
        assert officer.station.check_outcome == "due"


def test_who_is_not_the_service_s_user_cannot_reach_the_door(tmp_path):
    """Folder and socket are the service's alone: whoever may load lists may order visits."""
    with on_duty(tmp_path):
        place = tmp_path / PLACE
        assert place.parent.stat().st_mode & 0o777 == 0o700
        assert place.stat().st_mode & 0o777 == 0o600


def test_the_door_outlives_visitors_who_talk_nonsense(tmp_path):
    """Half a request, none at all, a wrong size: the next one is served."""
    long = tmp_path / ("x" * 120)
    long.mkdir()
    heard = []
    door = Door(long, lambda asked, content, tell: heard.append((asked["ask"], content)) or {})
    door.start()
    try:
        folder = os.open(long / PLACE.parent, os.O_PATH)
        for words in (
            b"", b"{", b"\n", b'{"ask": "x", "size": -1}\n', b'{"size": 99999999999}\n',
            b'{"size": 1e999}\n', b"[" * 4000 + b"\n",
        ):  # fmt: skip
            with socket.socket(socket.AF_UNIX) as visitor:
                visitor.connect(f"/proc/self/fd/{folder}/{PLACE.name}")
                visitor.sendall(words)
                visitor.shutdown(socket.SHUT_WR)
                assert visitor.recv(10) == b""
        with socket.socket(socket.AF_UNIX) as visitor:
            visitor.connect(f"/proc/self/fd/{folder}/{PLACE.name}")
            visitor.sendall(b'{"ask": "text", "size": "2"}\nab')
            assert visitor.recv(100) == b'{"done":{}}\n'
        os.close(folder)

        assert knock(long, {"ask": "show"}, b"abc", lambda _: None) == {}
        assert heard == [("text", b"ab"), ("show", b"abc")]
    finally:
        door.close()
    door.close()


def test_a_request_that_fails_inside_is_refused_and_the_door_stays_open(tmp_path):
    """A fault of ours is told in the log; the officer gets a sentence."""

    def serve(asked, content, tell):
        if asked["ask"] == "break":
            raise KeyError("a person's name")
        return {"well": True}

    door = Door(tmp_path, serve)
    door.start()
    try:
        with pytest.raises(Refusal) as refused:
            knock(tmp_path, {"ask": "break"}, b"", lambda _: None)
        assert "name" not in str(refused.value)
        assert knock(tmp_path, {"ask": "well"}, b"", lambda _: None) == {"well": True}
    finally:
        door.close()


def test_an_unknown_request_is_refused_and_a_plain_check_is_no_field_check(tmp_path):
    """A newer command at an older station; without its option the command asks for no hand."""
    with on_duty(tmp_path) as (officer, _, _):
        with pytest.raises(Refusal, match="does not know"):
            knock(tmp_path, {"ask": "dance"}, b"", lambda _: None)
        plain = officer.type("check")
        assert "vision worker" in plain.stdout
        assert not any(words in plain.stdout for words in TARGETS.values())


def test_what_is_said_in_every_package_is_plain_and_names_nobody(tmp_path):
    """Place, list, clock, battery, check: ids, codes and figures."""
    with on_duty(tmp_path) as (officer, now, _):
        now.load(officer.device.make(visit(1), place="liuhe-village"))
        said = officer.station.about()

        assert (said["place"], said["visit_list"]) == (
            "liuhe-village",
            now.lists.standing[0].list_id,
        )
        assert SURNAME not in json.dumps(said, ensure_ascii=False)
