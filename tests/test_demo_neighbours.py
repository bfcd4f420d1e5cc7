"""The demo's neighbours: a centre that says when it accepts, a reader's end that comes back."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from demo.neighbours import Centre, DemoError, ReaderEnd
from demo.station import free_port

LONG_S = 60.0


def until(holds: Callable[[], bool]) -> None:
    """Wait for a truth; fail if it does not come."""
    until_s = time.monotonic() + LONG_S
    while not holds():
        assert time.monotonic() < until_s, "waited in vain"
        time.sleep(0.02)


def test_the_centre_is_awaited_until_it_accepts_and_a_taken_port_is_an_error(tmp_path, capfd):
    """Keys of an earlier start are no sign that this centre runs."""
    port = free_port()
    with closing(Centre(tmp_path, port)) as centre:
        centre.await_keys()
        centre.await_accepting()
        centre.await_accepting()
        socket.create_connection(("127.0.0.1", port), timeout=LONG_S).close()

        with closing(Centre(tmp_path, port)) as second:
            second.await_keys()
            with pytest.raises(DemoError, match="did not start"):
                second.await_accepting()
    assert f"Port {port} is in use" in capfd.readouterr().err


def test_a_centre_that_ends_before_it_has_keys_is_an_error(tmp_path, capfd):
    """A file where its folder should be: the wait ends at once."""
    (tmp_path / "centre").write_text("in the way")
    with closing(Centre(tmp_path / "centre", 0)) as centre, pytest.raises(DemoError):
        centre.await_keys()
    assert capfd.readouterr().err


def test_a_killed_reader_end_is_started_again_on_the_same_link(tmp_path):
    """The station finds the line again where it was."""
    with closing(ReaderEnd(tmp_path / "reader", again_after_s=0)) as reader:
        reader.start()
        until(reader.link.is_symlink)
        first = reader.pid
        os.kill(first, signal.SIGKILL)
        until(lambda: reader.pid != first)
        until(reader.link.is_symlink)
        reader.next_person()


def test_a_killed_reader_end_leaves_no_link_behind(tmp_path):
    """Another program's terminal may get the same number: nobody must find it as the reader."""
    stale = tmp_path / "zfm"
    stale.symlink_to("/dev/pts/no-such")
    with closing(ReaderEnd(tmp_path, again_after_s=3600)) as reader:
        reader.start()
        until(lambda: stale.is_symlink() and stale.readlink() != Path("/dev/pts/no-such"))
        os.kill(reader.pid, signal.SIGKILL)
        until(lambda: not stale.is_symlink())

        with pytest.raises(OSError, match="away"):
            reader.next_person()
    reader.close()
