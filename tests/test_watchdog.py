"""The word to the service's keeper: it goes out only while every part of the station moves."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import contextmanager

import pytest

from api.listener import SPARE_THREADS, Listener
from drivers.errors import DeviceAbsent
from edge.camera_owner import CameraOwner
from edge.supervisor import DeviceState, Upkeep
from edge.watchdog import Keeper, Watchdog, answers, moves, sees, writes
from tests.delivery_kit import make_kit, until

PATIENCE_S = 0.4


class Word:
    """The other end: a keeper's socket, and what it was told."""

    def __init__(self, folder):
        self.address = str(folder / "notify")
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._line.bind(self.address)
        self._line.setblocking(False)

    def heard(self):
        words = []
        while True:
            try:
                words.append(self._line.recv(64).decode())
            except BlockingIOError:
                return words

    def hears(self, word):
        until(lambda: word in self.heard())

    def close(self):
        self._line.close()


@pytest.fixture
def word(tmp_path):
    word = Word(tmp_path)
    yield word
    word.close()


@contextmanager
def watching(word, **proofs):
    watchdog = Watchdog(Keeper(word.address, PATIENCE_S), proofs)
    watchdog.start()
    try:
        yield watchdog
    finally:
        watchdog.close()


def silent(word, rounds=4):
    """Whether no word comes for longer than the keeper's patience, many times a healthy pause."""
    word.heard()
    threading.Event().wait(PATIENCE_S * rounds)
    return "WATCHDOG=1" not in word.heard()


def test_a_keeper_is_told_of_readiness_life_and_end(word):
    """READY=1 first, WATCHDOG=1 while all is well, STOPPING=1 at the end, and nothing after it."""
    with watching(word, always=lambda: True):
        word.hears("READY=1")
        word.hears("WATCHDOG=1")
    assert "STOPPING=1" in word.heard()
    assert silent(word, rounds=1)


def test_the_end_is_the_last_word_however_close_the_word_of_life_came(tmp_path):
    """Two hundred ends, each amid words of life: nobody is told that it lives after that."""
    for number in range(200):
        folder = tmp_path / str(number)
        folder.mkdir()
        word = Word(folder)
        watchdog = Watchdog(Keeper(word.address, 1e-5), {"always": lambda: True})
        watchdog.start()
        word.hears("WATCHDOG=1")
        watchdog.close()
        last = word.heard()[-1]
        word.close()
        assert last == "STOPPING=1"


def test_a_store_whose_writer_hangs_keeps_the_word_back(tmp_path, word):
    """A transaction that does not end silences the station; when it ends, the word comes again."""
    held = threading.Event()
    with make_kit(tmp_path).open_store() as store, watching(word, store=writes(store)):
        word.hears("WATCHDOG=1")
        hanging = threading.Thread(target=lambda: store.write(lambda db: held.wait()))
        hanging.start()
        try:
            until(lambda: silent(word))
        finally:
            held.set()
            hanging.join()
        word.hears("WATCHDOG=1")


def test_a_listener_whose_threads_all_hang_gives_no_proof():
    """A request that is answered proves a listener, be it with 404; one that is not, a closed port,
    or workers that are all taken and answer nobody, do not.
    """
    held = threading.Event()

    def app(environ, start):
        if environ["REQUEST_METHOD"] == "GET":
            held.wait()
        start("404 Not Found", [("Content-Length", "0")])
        return []

    listener = Listener(app, "127.0.0.1", 0, streams=0, closing=threading.Event())
    listener.start()
    proof = answers(listener)
    lines = []
    try:
        assert proof()
        for _ in range(SPARE_THREADS):
            line = socket.create_connection(("127.0.0.1", listener.port))
            line.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            lines.append(line)
        until(lambda: not proof())
        until(lambda: not listener.works())
        held.set()
        until(proof)
        assert listener.works()
    finally:
        held.set()
        for line in lines:
            line.close()
        listener.close()
    assert not proof()


class HangingCamera:
    """A camera whose driver does not come back from one call."""

    model = "hanging"

    def __init__(self, held):
        self._held = held

    def read(self, timeout_s):
        self._held.wait()
        raise DeviceAbsent("gone")

    def close(self):
        pass


def test_a_camera_that_is_out_is_no_reason_to_restart_but_one_that_hangs_in_its_driver_is():
    """An unplugged camera is declared and waits for its plug; an opening that never ends is not."""
    held = threading.Event()
    camera = CameraOwner(Upkeep("camera-1", "camera", "test"), lambda: HangingCamera(held))
    proof = sees(camera)
    assert not proof()
    camera.start()
    try:
        until(lambda: camera.status.state is DeviceState.OPENING)
        until(lambda: not proof())
        held.set()
        until(lambda: camera.status.reason == "not_connected")
        until(proof)
    finally:
        held.set()
        camera.close()
    assert not proof()


def test_a_loop_that_stands_still_gives_no_proof():
    """The sitting's rounds must have grown since they were last asked for."""
    rounds = iter((1, 2, 2, 3))
    proof = moves(lambda: next(rounds))
    assert [proof() for _ in range(4)] == [True, True, False, True]


def test_one_silent_part_is_enough_whatever_the_others_say(word):
    """A part that refuses by an error counts as silent; a word by the clock alone would go out."""

    def refuses():
        raise OSError

    with watching(word, good=lambda: True, bad=refuses):
        until(lambda: silent(word))
    with watching(word):
        # The control: what only a timer says comes while everything hangs.
        word.hears("WATCHDOG=1")


def test_who_is_not_watched_is_not_asked(word):
    """Without WATCHDOG_USEC, or with another process's WATCHDOG_PID, READY=1 is all."""
    for environment in ({}, {"WATCHDOG_USEC": "400000", "WATCHDOG_PID": str(os.getpid() + 1)}):
        keeper = Keeper.from_environment({"NOTIFY_SOCKET": word.address, **environment})
        watchdog = Watchdog(keeper, {"part": lambda: pytest.fail("was asked")})
        watchdog.start()
        watchdog.close()
        assert word.heard() == ["READY=1", "STOPPING=1"]


def test_abstract_sockets_and_a_keeper_that_went_are_borne():
    """`@name` is an abstract socket; one that nobody listens on ends nothing."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(f"\0anxin-test-{os.getpid()}")
        line.settimeout(10)
        Keeper(f"@anxin-test-{os.getpid()}").tell("READY=1")
        assert line.recv(64) == b"READY=1"
    Keeper(f"@anxin-test-{os.getpid()}").tell("READY=1")
    Keeper().tell("READY=1")
