"""Readers behind serial servers: the promises of a local line, kept over TCP."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import (
    DeviceAbsent,
    DeviceError,
    DeviceTimeout,
    ProtocolViolation,
    SpeedRefused,
)
from drivers.fingerprint import FingerImage
from drivers.peers.zfm import ZfmPeer
from drivers.serial_port import SerialPort, checked_address, open_port
from drivers.serial_tcp import CHUNK_BYTES
from drivers.telnet import SUBNEGOTIATION_MAX_BYTES, Subnegotiation, TelnetParser, Verb, Wish
from drivers.telnet import escaped as telnet_escaped
from drivers.zfm_packets import Opcode
from tests.serial_server import SerialServer
from tests.wire.glass import HEIGHT_PX, WIDTH_PX

KINDS = [pytest.param(False, id="socket"), pytest.param(True, id="rfc2217")]


def nobody(_received: int, _expected: int) -> None:
    """Look at no progress."""


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, peer: ZfmPeer) -> Iterator[SerialServer]:
    """A serial server of either kind, the simulated module behind it."""
    with SerialServer(peer.port, rfc2217=request.param) as running:
        yield running


@pytest.fixture
def rfc2217(peer: ZfmPeer) -> Iterator[SerialServer]:
    """A serial server that takes the line's speed."""
    with SerialServer(peer.port, rfc2217=True) as running:
        yield running


def until(wanted: Callable[[], bool]) -> None:
    until_s = time.monotonic() + 60
    while not wanted():
        assert time.monotonic() < until_s
        time.sleep(0.005)


def refused_until_served(opening: Callable[[], object]) -> object:
    """Open again and again, as the owner of the reader does."""
    until_s = time.monotonic() + 60
    while True:
        try:
            return opening()
        except DeviceError:
            assert time.monotonic() < until_s
            time.sleep(0.05)


def test_a_whole_image_comes_through_a_serial_server(peer, server, open_on, pixels):
    """Bit for bit, from one upload: a byte FF of the image is no telnet command."""
    assert b"\xff" in pixels
    reader = open_on(peer, port=server.address)
    image = reader.capture(5.0, nobody)

    assert image == FingerImage(pixels, WIDTH_PX, HEIGHT_PX, 500)
    assert peer.heard_opcodes()[Opcode.UP_IMAGE] == 1
    assert reader.facts.port == server.address


def test_the_speed_is_raised_over_rfc_2217(peer, rfc2217, open_on, pixels):
    """The module and the server's line both go to 115200, and the image comes there."""
    reader = open_on(peer, port=rfc2217.address, baud=115200)
    image = reader.capture(5.0, nobody)

    assert (reader.baud, peer.baud) == (115200, 115200)
    assert isinstance(image, FingerImage)
    assert image.pixels == pixels


def test_a_module_at_another_speed_is_found_over_rfc_2217(rfc2217, open_on, peer):
    """The scan turns the server's line, as it turns a local one."""
    open_on(peer, port=rfc2217.address, baud=115200).close()
    # In the module's flash now; the server's line begins at 57600 all the same.
    reader = open_on(peer, port=rfc2217.address, scan_baud=(9600, 57600, 115200))

    assert reader.baud == 115200


def test_over_a_raw_socket_nobody_asks_the_module_for_another_speed(peer, open_on, pixels):
    """The server would not follow: the module would be lost until somebody comes."""
    with SerialServer(peer.port, rfc2217=False) as server:
        reader = open_on(peer, port=server.address, baud=57600)
        reader.close()
        # A model's file that wants more than the server's line has breaks nothing.
        until(lambda: peer.heard_opcodes()[Opcode.VFY_PWD] > 0)
        reader = open_on(peer, port=server.address, baud=115200)

        assert peer.baud == 57600
        assert isinstance(reader.capture(5.0, nobody), FingerImage)
    assert not [heard for heard in peer.heard if heard.parameters[:1] == b"\x04"]


def test_a_raw_socket_says_that_its_speed_is_set_elsewhere(peer):
    """The sentence names what the technician can do."""
    with SerialServer(peer.port, rfc2217=False) as server:
        port = open_port(server.address, 57600)
        try:
            assert port.speed_fixed
            port.baud = 57600
            with pytest.raises(SpeedRefused, match="at the serial server, or use rfc2217://"):
                port.baud = 115200
            assert port.baud == 57600
        finally:
            port.close()


def test_a_speed_that_the_servers_line_has_not_is_refused(rfc2217):
    """The server answers with what it kept (RFC 2217); we do not believe what we asked for."""
    rfc2217.knobs.speeds = (57600, 115200)
    port = open_port(rfc2217.address, 57600)
    try:
        with pytest.raises(SpeedRefused, match="28800"):
            port.baud = 28800
        assert port.baud == 57600
    finally:
        port.close()


def test_speeds_that_the_server_has_not_are_skipped_by_the_scan(peer, rfc2217, open_on):
    """A server of few speeds is as good as any, if the module's is among them."""
    rfc2217.knobs.speeds = (57600,)
    reader = open_on(peer, port=rfc2217.address, scan_baud=(28800, 19200, 57600))

    assert reader.baud == 57600


def test_a_server_that_accepts_and_says_nothing_is_told_within_its_time(
    peer, server, open_on, monkeypatch
):
    """Raw: nothing answers there. RFC 2217: the server itself does not. Nobody hangs."""
    monkeypatch.setattr("drivers.serial_rfc2217.NEGOTIATION_LIMIT_S", 0.3)
    server.knobs.mute = True
    with pytest.raises((DeviceAbsent, DeviceTimeout)):
        open_on(peer, port=server.address, scan_baud=(57600,), handshake_s=0.1)


def test_a_server_that_drips_costs_time_and_no_byte(peer, server, open_on, pixels):
    """Single bytes, late: still one upload."""
    reader = open_on(peer, port=server.address)
    server.knobs.drip_s = 0.00002
    image = reader.capture(30.0, nobody)

    assert isinstance(image, FingerImage)
    assert image.pixels == pixels
    assert peer.heard_opcodes()[Opcode.UP_IMAGE] == 1


@pytest.mark.parametrize("at_bytes", [1, 3000])
def test_a_reset_in_mid_image_is_absence_and_the_next_connection_serves(
    peer, server, open_on, pixels, at_bytes
):
    """The connection is gone at once, not after a time-out; nothing but the connection was lost."""
    reader = open_on(peer, port=server.address)
    server.knobs.reset_at_bytes = at_bytes
    # The server counts from the connection: a new one, so that the count is the image's.
    reader.close()
    with pytest.raises(DeviceAbsent):
        open_on(peer, port=server.address).capture(5.0, nobody)
    image = refused_until_served(lambda: open_on(peer, port=server.address).capture(5.0, nobody))

    assert isinstance(image, FingerImage)
    assert image.pixels == pixels


def test_a_pulled_network_cable_is_absence_and_the_reader_is_back_when_it_is_in_again(
    peer, server, open_on, pixels
):
    """At once absent, both open and anew; how soon it is back, `make proof-plugs` measures."""
    reader = open_on(peer, port=server.address)
    server.pull_cable()
    with pytest.raises(DeviceAbsent):
        reader.check()
    reader.close()
    with pytest.raises(DeviceAbsent):
        open_on(peer, port=server.address)
    server.plug_cable()
    reader = refused_until_served(lambda: open_on(peer, port=server.address))
    image = reader.capture(5.0, nobody)

    assert isinstance(image, FingerImage)
    assert image.pixels == pixels


def test_a_module_unplugged_behind_the_server_is_lost_and_comes_back(peer, server, open_on, pixels):
    """What the server makes of it (it hangs up) is what we see; replugged, the module serves."""
    reader = open_on(peer, port=server.address)
    peer.unplug()
    with pytest.raises(DeviceAbsent):
        reader.check()
    reader.close()
    peer.replug()
    reader = refused_until_served(lambda: open_on(peer, port=server.address))

    image = reader.capture(5.0, nobody)
    assert isinstance(image, FingerImage)
    assert image.pixels == pixels


def test_a_server_that_takes_nothing_ends_a_write_in_its_time(monkeypatch):
    """A full window is a device that does not answer, not a thread that waits for ever."""
    monkeypatch.setattr("drivers.serial_tcp.WRITE_LIMIT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        line = open_port(f"socket://{host}:{port}", 57600)
        try:
            with pytest.raises(DeviceTimeout, match="took no bytes"):
                # More than the system buffers for one connection.
                line.write(bytes(64 << 20))
        finally:
            line.close()


def test_a_server_that_talks_of_options_for_ever_holds_nobody(rfc2217, peer, monkeypatch):
    """No byte of the line, and never silent: a read and a flush end in their time."""
    port = open_port(rfc2217.address, 57600)
    heard: list[float] = []

    def receive(limit_s: float) -> bytes:
        heard.append(limit_s)
        assert len(heard) < 100_000, "nobody stopped listening"
        return b"\xff\xf1"

    try:
        with monkeypatch.context() as wire:
            wire.setattr(port._stream, "receive", receive)
            said = port.read(0.05)
            port.drop_input()
    finally:
        port.close()

    assert said == b""


def test_what_is_no_rfc_2217_server_is_said_to_be_none():
    """Somebody's web server on that port: it refuses, or it talks of something else."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        refusal = b"".join(Wish(Verb.DONT, n).to_bytes() for n in (0, 44))
        with pytest.raises(DeviceError, match="refuses RFC 2217"):
            _connect_and_answer(listener, f"rfc2217://{host}:{port}", refusal)
        with pytest.raises(ProtocolViolation, match="does not end"):
            _connect_and_answer(listener, f"rfc2217://{host}:{port}", b"\xff\xfa" + bytes(5000))


def test_a_server_that_floods_a_raw_line_holds_no_flush(peer, monkeypatch):
    """What has arrived is forgotten, and not what arrives meanwhile for ever."""
    with SerialServer(peer.port, rfc2217=False) as server:
        port = open_port(server.address, 57600)
        heard: list[float] = []

        def receive(limit_s: float) -> bytes:
            heard.append(limit_s)
            assert len(heard) < 100_000, "nobody stopped listening"
            return b"\x00"

        try:
            with monkeypatch.context() as wire:
                wire.setattr(port._stream, "receive", receive)
                port.drop_input()
        finally:
            port.close()

    assert set(heard) == {0.0}


def test_a_server_whose_line_is_not_8n1_is_refused(rfc2217, monkeypatch):
    """Seven bits a byte would make another image of every image."""
    said = [(1, (115200).to_bytes(4)), (2, b"\x07"), (3, b"\x01"), (4, b"\x01")]
    answer = b"".join(
        Subnegotiation(44, bytes((100 + number,)) + value).to_bytes() for number, value in said
    )
    port = open_port(rfc2217.address, 57600)
    try:
        monkeypatch.setattr(port._stream, "receive", lambda _limit_s: answer)
        with pytest.raises(DeviceError, match="8N1"):
            port.baud = 115200
    finally:
        port.close()


def test_a_server_that_talks_but_never_agrees_is_told_within_its_time(monkeypatch):
    """It is never silent, and says nothing of RFC 2217."""
    monkeypatch.setattr("drivers.serial_rfc2217.NEGOTIATION_LIMIT_S", 0.3)
    enough_s = time.monotonic() + 30
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with client, suppress(OSError):
                while time.monotonic() < enough_s:
                    client.sendall(b"\xff\xf1")
                    time.sleep(0.005)

        thread = Thread(target=serve)
        thread.start()
        try:
            with pytest.raises(DeviceTimeout, match="say RFC 2217"):
                open_port(f"rfc2217://127.0.0.1:{listener.getsockname()[1]}", 57600)
        finally:
            thread.join()


def _connect_and_answer(listener: socket.socket, address: str, answer: bytes) -> None:
    def serve() -> None:
        client, _ = listener.accept()
        with client, suppress(OSError):
            client.sendall(answer)
            while client.recv(CHUNK_BYTES):
                continue

    thread = Thread(target=serve)
    thread.start()
    try:
        open_port(address, 57600)
    finally:
        thread.join()


def test_a_server_that_hangs_up_politely_is_absent_at_the_next_read():
    """The end of a stream is no silence: nobody waits for a time-out."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        line = open_port(f"socket://{host}:{port}", 57600)
        try:
            client, _ = listener.accept()
            client.sendall(b"last words")
            client.close()
            heard = b""
            while heard != b"last words":
                heard += line.read(30.0)
            with pytest.raises(DeviceAbsent, match="hung up"):
                line.read(30.0)
        finally:
            line.close()


def test_nobody_listening_is_absent():
    """Refused, at once."""
    # Bound, so that nobody else can listen there.
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        host, port = holder.getsockname()
        with pytest.raises(DeviceAbsent):
            open_port(f"socket://{host}:{port}", 57600)


def test_a_closed_port_is_absent_and_closes_twice(server, peer):
    """As a local one."""
    port: SerialPort = open_port(server.address, 57600)
    port.close()
    port.close()

    with pytest.raises(DeviceAbsent):
        port.read(0.1)
    with pytest.raises(DeviceAbsent):
        port.write(b"x")


@pytest.mark.parametrize(
    "address",
    [
        "ttyUSB0", "", "/dev/x://y", "tcp://a:1", "socket://a", "socket://:1", "socket://a:0",
        "socket://a:70000", "socket://a:1/b", "socket://a:1?logging=debug", "socket://u@a:1",
        "rfc2217://a:1#x", "AUTO", "spy:///dev/ttyUSB0", "loop://",
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_port_is_refused(address):
    """pyserial's own schemes would open a spy or a loop: only ours may stand."""
    with pytest.raises(ValueError, match=r"is none of|out of range"):
        checked_address(address)


@pytest.mark.parametrize(
    "address",
    ["auto", "/dev/ttyUSB0", "/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0",
     "socket://10.0.0.7:4001", "rfc2217://reader.local:2217", "socket://[::1]:4001"],
)  # fmt: skip
def test_what_is_an_address_stays_as_it_is(address):
    """As the settings file has it, so it is shown."""
    assert checked_address(address) == address


words = st.one_of(
    st.binary(max_size=40),
    st.builds(Wish, st.sampled_from(Verb), st.integers(0, 255)),
    st.builds(Subnegotiation, st.integers(0, 254), st.binary(max_size=40)),
)


@given(st.lists(words, max_size=6), st.data())
def test_telnet_survives_any_split(sent, data):
    """Whatever pieces TCP delivers, the same line, wishes and settings come out."""
    rest = b"".join(
        telnet_escaped(word) if isinstance(word, bytes) else word.to_bytes() for word in sent
    )
    parser, line = TelnetParser(), b""
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        line += parser.feed(rest[:size])
        rest = rest[size:]

    assert line == b"".join(word for word in sent if isinstance(word, bytes))
    assert list(parser.said) == [word for word in sent if not isinstance(word, bytes)]


@given(st.binary(max_size=3000))
def test_telnet_survives_any_bytes(noise):
    """Every outcome is the line's bytes or a violation, and what is held stays small."""
    parser = TelnetParser()
    try:
        for at in range(0, len(noise), 100):
            parser.feed(noise[at : at + 100])
    except ProtocolViolation:
        return

    assert len(parser._held) <= SUBNEGOTIATION_MAX_BYTES
