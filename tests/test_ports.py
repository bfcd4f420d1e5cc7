"""Ports that are asked for before anything is started."""

from __future__ import annotations

import socket

import pytest

from api.ports import PortTaken, WantedPort, check_ports


def test_a_port_in_use_is_named_with_what_to_do():
    """One sentence: which port, what to stop or to give."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken) as refused:
            check_ports([WantedPort("127.0.0.1", port, "--kiosk-port")])

    assert str(refused.value) == (
        f"Port {port} is in use: stop what uses it, or give another with --kiosk-port"
        f" (0: any free one)."
    )


def test_one_number_for_two_listeners_is_refused():
    """Neither is in use yet, but one would find the other there."""
    with socket.create_server(("127.0.0.1", 0)) as once:
        port = once.getsockname()[1]
    wanted = [WantedPort("127.0.0.1", port, "--kiosk-port"), WantedPort("127.0.0.1", port, "--v1")]
    with pytest.raises(PortTaken, match=f"--kiosk-port and --v1 are both {port}"):
        check_ports(wanted)


def test_an_address_that_is_not_ours_is_refused():
    """Whatever the system says, the sentence says where another may be given."""
    with pytest.raises(PortTaken, match=r"cannot be listened on \(Cannot assign .*kiosk.port"):
        check_ports([WantedPort("192.0.2.1", 8080, "kiosk.port in st.toml")])


def test_free_ports_pass_and_stay_free():
    """0 may stand twice; a port that just served somebody is free."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()
    zero = WantedPort("::1", 0, "--v1-port")
    check_ports([zero, WantedPort("127.0.0.1", 0, "--x"), WantedPort("127.0.0.1", port, "--y")])
    socket.create_server(("127.0.0.1", port)).close()
