"""The cell that a worker with native code locks itself into before any model library is loaded.

MediaPipe 1.x tries to send usage metrics when it is used and when it is closed, and cannot be told
not to. So its process has three walls, each enough alone:

1. an environment built from nothing, whose proxy is a closed port of this machine: the library
   then neither resolves a name nor connects anywhere else;
2. a network namespace of its own, without any interface that is up;
3. in the field, `PrivateNetwork=yes` around it.

It also dies with the station, writes no file, dumps no core and has a bounded memory.
This module knows nothing of pictures; it must be imported before anything that starts a thread.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Final

# The discard port: nothing listens there, and nothing may.
CLOSED_PROXY: Final = "http://127.0.0.1:9"
OWN_NETWORK: Final = "own_network"
"""A network namespace of its own, and the closed proxy."""
PROXY_ONLY: Final = "proxy_only"
"""The closed proxy alone: the kernel gave no namespace."""

_ADDRESS_SPACE_BYTES: Final = 2 << 30
_OPEN_FILES: Final = 64
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38
_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000


def environment() -> Mapping[str, str]:
    """Return the worker's whole environment; nothing of the station's own passes into it."""
    return {
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "PATH": "/usr/bin:/bin",
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "http_proxy": CLOSED_PROXY,
        "https_proxy": CLOSED_PROXY,
        "HTTPS_PROXY": CLOSED_PROXY,
        # An inherited `no_proxy=*` would defeat the proxy; the empty one states it.
        "no_proxy": "",
        "NO_PROXY": "",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        # Each of MediaPipe's threads would otherwise reserve an arena of 64 MiB.
        "MALLOC_ARENA_MAX": "2",
        "GLOG_minloglevel": "3",
    }


def enter(station_pid: int, *, own_network: bool = True) -> str:
    """Raise the walls around this process; return the code of which of them stand.

    Must run while the process has one thread. Ends the process if the station is gone already.
    `own_network` is False only where a test proves that the proxy holds alone.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != station_pid:
        sys.exit("the station ended before its vision worker began")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    alone = own_network and _leave_network(libc)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    for limit, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_AS, _ADDRESS_SPACE_BYTES),
    ):
        resource.setrlimit(limit, (value, value))
    return OWN_NETWORK if alone else PROXY_ONLY


def _leave_network(libc: ctypes.CDLL) -> bool:
    # Root needs no user namespace; anyone else gets the network one only together with it.
    ways = (_CLONE_NEWNET, _CLONE_NEWUSER | _CLONE_NEWNET)
    return any(libc.unshare(flags) == 0 for flags in ways)


def main(arguments: list[str]) -> None:
    """Enter the cell, then serve: `module station_pid own_network wire_fd memory_fd`."""
    module, *numbers = arguments
    station_pid, own_network, wire_fd, memory_fd = (int(number) for number in numbers)
    walls = enter(station_pid, own_network=bool(own_network))
    # Not imported above: its libraries start threads, and a namespace is left by one thread only.
    import_module(module).serve(wire_fd, memory_fd, walls)


if __name__ == "__main__":
    main(sys.argv[1:])
