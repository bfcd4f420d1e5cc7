"""A network camera at the end of a real socket: cut, silent, noisy, late, and with a password.

The other end is a server of our own (drivers/peers/rtsp.py); the client is FFmpeg's.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

import pytest
from pydantic import ValidationError

from drivers.cameras.rtsp import Config, open_camera
from drivers.cameras.rtsp.pace import WINDOW_S, Pace
from drivers.errors import DeviceAbsent, DeviceError, DeviceTimeout, ProtocolViolation
from drivers.peers.rtp_payload import h264_payloads, nal_units
from drivers.peers.rtsp import RtspPeer

pytest.importorskip("av", reason="the extra `cameras` is missing")
TIMEOUT_S = 20.0


@pytest.fixture
def peer():
    made = RtspPeer(rate_hz=60)
    yield made
    made.close()


@pytest.fixture
def opened():
    cameras = []

    def opening(peer, **options):
        cameras.append(open_camera(Config(url=peer.url, **options)))
        return cameras[-1]

    yield opening
    for camera in cameras:
        camera.close()


def until(holds, patience_s=30.0):
    """Wait for a condition, with a ceiling that only a hung test meets."""
    end_s = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < end_s
        time.sleep(0.01)


def failure_of(camera):
    """Read until the line fails, and return how."""
    end_s = time.monotonic() + 60
    while time.monotonic() < end_s:
        try:
            camera.read(5.0)
        except DeviceError as failure:
            return failure
    return None


def test_h264_is_decoded(opened):
    """From access units that are cut into pieces of a network's size."""
    peer = RtspPeer("h264")
    frame = opened(peer).read(TIMEOUT_S)
    peer.close()

    assert frame.jpeg is None
    assert (frame.width_px, frame.height_px) == (320, 240)
    assert frame.bgr[:, :100].mean() == pytest.approx(95, abs=6)
    assert frame.bgr[:, -100:].mean() == pytest.approx(175, abs=6)


def test_a_jpeg_is_passed_through(opened, peer):
    """FFmpeg puts the head together; the scan is the camera's own."""
    frame = opened(peer).read(TIMEOUT_S)
    scans = [jpeg[-2000:] for jpeg in peer._units[False]]

    assert any(frame.jpeg.endswith(scan) for scan in scans)


def test_who_is_slow_gets_the_newest_and_never_an_old_one(opened, peer):
    """However long nobody asked: nothing is kept but one frame."""
    camera = opened(peer)
    camera.read(TIMEOUT_S)
    until(lambda: camera.dropped().get("late", 0) > 15)
    asked_at_s = time.monotonic()
    frame = camera.read(TIMEOUT_S)

    assert asked_at_s - frame.captured_at_s < 0.6


def test_frames_that_come_late_are_dropped_until_the_line_has_caught_up(opened, peer):
    """A line that hung for a second delivers that second: none of it is live any more."""
    camera = opened(peer, late_after_s=0.3, stall_s=20.0)
    camera.read(TIMEOUT_S)
    peer.held = True
    until(lambda: len(peer._backlog) > 60)
    before, let_go_at_s = camera.dropped().get("late", 0), time.monotonic()
    peer.held = False
    frame = camera.read(TIMEOUT_S)

    assert frame.captured_at_s > let_go_at_s - 0.31
    assert camera.dropped()["late"] >= before + 15


def test_a_frame_that_lies_too_long_is_not_given_out(opened, peer):
    """The stream stands, the last frame ages, and nobody gets it for a live one."""
    camera = opened(peer, late_after_s=0.2, stall_s=20.0)
    camera.read(TIMEOUT_S)
    peer.stalled = True
    asked_at_s, taken = time.monotonic() + 0.3, []
    time.sleep(0.3)
    with pytest.raises(DeviceTimeout):
        taken.extend(camera.read(0.2) for _ in range(99))

    assert all(frame.captured_at_s > asked_at_s - 0.21 for frame in taken)


def test_a_cut_line_is_absent(opened, peer):
    """The connection is reset in the middle of the stream."""
    camera = opened(peer)
    camera.read(TIMEOUT_S)
    peer.unplug()

    assert isinstance(failure_of(camera), DeviceAbsent)


def test_nothing_there_is_absent(opened, peer):
    """Nobody listens at the address."""
    peer.unplug()
    with pytest.raises(DeviceAbsent):
        opened(peer)


def test_a_silent_camera_is_a_timeout(opened, peer):
    """Connected and silent: given up after `stall_s`, not waited for."""
    camera = opened(peer, stall_s=0.5)
    camera.read(TIMEOUT_S)
    peer.stalled = True

    assert isinstance(failure_of(camera), DeviceTimeout)


def test_a_server_that_never_answers_is_a_timeout_in_time():
    """It accepts, and that is all."""
    began_s = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(DeviceTimeout):
        open_camera(Config(url=f"rtsp://127.0.0.1:{listener.getsockname()[1]}/", answer_s=0.5))

    assert time.monotonic() - began_s < 30


def test_noise_in_the_middle_of_the_stream_is_survived_or_told(opened, peer):
    """No picture is made of it, and the camera is either read again or given up."""
    camera = opened(peer, stall_s=1.0)
    camera.read(TIMEOUT_S)
    peer.garbage = True
    failure = failure_of(camera)

    assert isinstance(failure, (ProtocolViolation, DeviceAbsent, DeviceTimeout))


@pytest.mark.parametrize("codec", ["jpeg", "h264"])
def test_of_a_line_that_loses_packets_whole_frames_are_shown_alone(opened, codec):
    """To the last row; and the camera is shown again once the line is good."""
    peer = RtspPeer(codec, rate_hz=60)
    camera = opened(peer, stall_s=20.0)
    whole = camera.read(TIMEOUT_S).bgr[-8:].mean()
    peer.loses = 7
    sent = peer.sent_frames
    until(lambda: peer.sent_frames > sent + 20)
    peer.loses = 0
    for _ in range(20):
        bgr = camera.read(TIMEOUT_S).bgr
        assert bgr[-8:].mean() == pytest.approx(whole, abs=4)
    peer.close()


def test_a_camera_that_changes_its_size_is_not_shown(opened, peer):
    """The station measured and planned with the size that it had."""
    camera = opened(peer)
    camera.read(TIMEOUT_S)
    peer.large = True
    until(lambda: camera.dropped().get("wrong_size", 0) > 3)
    peer.large = False

    assert camera.read(TIMEOUT_S).width_px == 320


def test_a_password_is_given_and_stands_in_no_sentence(opened, tmp_path):
    """Signs that an address cannot hold are in it, and the wrong one is told without either."""
    peer = RtspPeer(user="kiosk")
    secret = tmp_path / "password"
    secret.write_text(peer.password + "\n")
    camera = opened(peer, user="kiosk", password_file=secret)
    assert camera.read(TIMEOUT_S).width_px == 320
    camera.close()
    secret.write_text("wrong-one")
    with pytest.raises(DeviceError, match="refuses the user or the password") as refused:
        opened(peer, user="kiosk", password_file=secret)
    peer.close()

    assert "wrong-one" not in repr(refused.value) + repr(refused.value.__cause__)
    assert refused.value.__suppress_context__


def test_a_password_in_the_address_is_refused():
    """The address is shown to technicians and stands in the settings."""
    with pytest.raises(ValidationError, match="no password in the address"):
        Config(url="rtsp://kiosk:secret@127.0.0.1/stream")


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "file:///etc/passwd", "rtsp:///nowhere", ""])
def test_another_kind_of_address_is_refused(url):
    """FFmpeg opens anything; the station does not."""
    with pytest.raises(ValidationError, match="begins with rtsp"):
        Config(url=url)


def test_an_unknown_stream_is_told(peer):
    """The machine is right and the end of the address is not."""
    with pytest.raises(DeviceError, match="no such stream") as refused:
        open_camera(Config(url=f"rtsp://127.0.0.1:{peer.port}/other"))

    assert not isinstance(refused.value, DeviceAbsent)


def test_closing_ends_its_thread_though_the_camera_is_silent(opened, peer):
    """Within `stall_s`, since FFmpeg cannot be woken."""
    camera = opened(peer, stall_s=0.5)
    camera.read(TIMEOUT_S)
    peer.stalled = True
    camera.close()

    assert "rtsp" not in {thread.name for thread in threading.enumerate()}


def test_a_camera_without_the_extra_says_how_to_get_it(opened, peer, monkeypatch):
    """PyAV is not part of a station's own installation."""
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(DeviceError, match=r"python3\.11 -m setup cameras"):
        opened(peer)


SDP = b"v=0\r\nm=video 0 RTP/AVP 26\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0" * 4096,
        b"HTTP/1.1 200 OK\r\n\r\n<html>",
        b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: -1\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 99999999999\r\n\r\n" + SDP,
        b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n" + b"X-Long: " + b"y" * 100_000 + b"\r\n\r\n",
        b"RTSP/1.0 302 Moved\r\nCSeq: 1\r\nLocation: file:///etc/passwd\r\n\r\n",
        b"$\0\xff\xff" + b"z" * 500,
    ],
    ids=["nothing", "zeros", "web", "negative", "endless", "long", "sent-on", "data-first"],
)
def test_an_answer_of_any_kind_ends_in_an_error_of_the_house(answer):
    """And in time, whatever the machine at that address is."""

    def answering(listener):
        line, _ = listener.accept()
        # The client may have heard enough before all is said.
        with line, suppress(OSError):
            line.recv(4096)
            line.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=answering, args=(listener,))
        server.start()
        with pytest.raises(DeviceError):
            open_camera(Config(url=f"rtsp://127.0.0.1:{listener.getsockname()[1]}/", answer_s=1))
        server.join()


def test_a_frame_is_as_old_as_it_came_behind_the_quickest():
    """By the camera's stamps: 0.2 s late means 0.2 s old, whatever its clock began with."""
    pace = Pace()
    ages = [pace.age_s(1000 + n / 25, 7 + n / 25 + late) for n, late in enumerate([0.01, 0, 0.2])]

    assert ages == [pytest.approx(0), pytest.approx(0), pytest.approx(0.2)]


@pytest.mark.parametrize("ppm", [-200, 200])
def test_a_clock_that_runs_wrong_makes_no_frame_old(ppm):
    """A day of it would be 17 s."""
    pace = Pace()
    ages = [pace.age_s(n / 25 * (1 + ppm / 1e6), n / 25) for n in range(25 * 3600)]

    assert max(ages) < WINDOW_S * 201 / 1e6


def test_a_camera_that_began_anew_is_measured_anew():
    """Its stamps begin with another moment, and its frames are not hours old."""
    pace = Pace()
    pace.age_s(50_000.0, 10.0)

    assert pace.age_s(0.0, 10.04) == 0
    assert pace.age_s(0.04, 10.28) == pytest.approx(0.2)


def test_the_peers_pieces_are_the_picture():
    """What the server cuts is what was coded: else driver and peer could be wrong alike."""
    units = [bytes([0x65]) + bytes(range(256)) * 20, bytes([0x41, 1, 2])]
    pieces = h264_payloads(b"".join(b"\0\0\0\1" + unit for unit in units))
    long = [piece for piece in pieces if piece[0] & 0x1F == 28]
    joined = bytes([(long[0][0] & 0xE0) | (long[0][1] & 0x1F)])
    joined += b"".join(piece[2:] for piece in long)

    assert nal_units(b"\0\0\0\1" + units[1]) == [units[1]]
    assert [joined, pieces[-1]] == units
    assert (long[0][1] & 0xC0, long[-1][1] & 0xC0) == (0x80, 0x40)
