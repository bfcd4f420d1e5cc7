"""Tells the service's keeper that the station lives: only if every part has just proved it.

A timer would prove that the timer lives. Here each part is asked in turn, and one that does not
answer, or did not move since it was last asked, keeps the word back; then systemd restarts the
service (`WatchdogSec` in `firmware_configs/systemd/anxin-station.service`).

Source: sd_notify(3), sd_watchdog_enabled(3): datagrams of `KEY=value` to `$NOTIFY_SOCKET`.
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlsplit

import structlog

from edge.camera_owner import CameraOwner
from edge.reader_owner import ReaderOwner
from edge.store import Store
from edge.supervisor import DeviceState

SHARE: Final = 4
"""So many words fit into one `WatchdogSec`: one that was late kills nobody."""
ANSWER_S: Final = 3.0
FRAME_S: Final = 2.0

Proof = Callable[[], bool]


class Door(Protocol):
    """What the watchdog must know of a listener."""

    @property
    def url(self) -> str:
        """Where it listens."""

    def works(self) -> bool:
        """Tell whether a worker is free, or something was answered since this was last asked."""


log = structlog.get_logger("watchdog")


@dataclass(frozen=True, slots=True)
class Keeper:
    """Who started us and wants to be told; without an address nobody is.

    Attributes:
        address: of its datagram socket; a leading @ names an abstract one.
        patience_s: after so long without a word it restarts us; 0: it does not watch.
    """

    address: str = ""
    patience_s: float = 0.0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Keeper:
        """Read `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`, which may name another."""
        address = environment.get("NOTIFY_SOCKET", "")
        wanted = environment.get("WATCHDOG_USEC", "0")
        ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        patience_s = int(wanted) / 1e6 if ours and wanted.isdecimal() else 0.0
        return cls(address, patience_s)

    def tell(self, word: str) -> None:
        """Send "READY=1", "WATCHDOG=1" or "STOPPING=1". A keeper that is gone is none."""
        if not self.address:
            return
        name = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.settimeout(ANSWER_S)
            try:
                line.sendto(word.encode(), name)
            except OSError:
                log.warning("keeper_gone")


class Watchdog:
    """Asks the parts and passes the word on, in a thread of its own."""

    def __init__(self, keeper: Keeper, proofs: Mapping[str, Proof]) -> None:
        """Prepare; `start` begins.

        Args:
            keeper: who is told.
            proofs: by part; each is asked once a round and may block: then no word goes out.
        """
        self._keeper = keeper
        self._proofs = proofs
        self._ending = threading.Event()
        self._telling = threading.Lock()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Say that the station is ready, and from now on that it lives, if that is wanted."""
        self._keeper.tell("READY=1")
        if self._keeper.patience_s:
            self._thread.start()

    def close(self) -> None:
        """Say that the station ends, and no more that it lives. Twice is allowed."""
        with self._telling:
            if not self._ending.is_set():
                self._ending.set()
                self._keeper.tell("STOPPING=1")
        if self._thread.ident is not None:
            # A part that hangs must not hold up the end as well.
            self._thread.join(ANSWER_S)

    def _watch(self) -> None:
        while not self._ending.is_set():
            silent = self._silent()
            with self._telling:
                if self._ending.is_set():
                    return
                if silent is None:
                    self._keeper.tell("WATCHDOG=1")
                else:
                    log.error("watchdog_silent", part=silent)
            self._ending.wait(self._keeper.patience_s / SHARE)

    def _silent(self) -> str | None:
        """Return the first part that gives no proof; every part is asked, so that all move on."""
        proved = {part: self._proved(proof) for part, proof in self._proofs.items()}
        return next((part for part, alive in proved.items() if not alive), None)

    def _proved(self, proof: Proof) -> bool:
        try:
            return proof()
        except Exception as error:  # a part that fails at the question gave no proof
            log.error("watchdog_refused", exc_info=error)
            return False


def writes(store: Store) -> Proof:
    """The store's writer runs a transaction that changes nothing, and costs no flush."""

    def proof() -> bool:
        store.write(lambda db: None)
        return True

    return proof


def moves(count: Callable[[], int]) -> Proof:
    """A loop went round since it was last asked."""
    seen = -1

    def proof() -> bool:
        nonlocal seen
        before, seen = seen, count()
        return before != seen

    return proof


def sees(camera: CameraOwner) -> Proof:
    """The camera gave a fresh frame, or is out and says so. One that hangs in its driver did not.

    A still takes the frames' place for a moment, so there are `FRAME_S` to wait for one.
    """
    opening = 0

    def proof() -> bool:
        nonlocal opening
        status = camera.status
        # An opening that outlasts a whole `WatchdogSec` is a driver that never came back.
        opening = opening + 1 if status.state is DeviceState.OPENING else 0
        if not camera.alive or opening > SHARE:
            return False
        return not status.working or camera.wait_frame(-1, FRAME_S) is not None or gone(camera)

    return proof


def gone(camera: CameraOwner) -> bool:
    """Whether the camera went out while its frame was waited for."""
    return not camera.status.working


def listens(reader: ReaderOwner) -> Proof:
    """The reader's thread lives; each call to a reader has a deadline of its own."""
    return lambda: reader.alive


def answers(door: Door) -> Proof:
    """A listener answers a request, whatever it says; one that asks for certificates shakes hands.

    The handshake is not made by a worker, and an answer to us may be one of a few: so a worker must
    be free as well, or have answered somebody since.
    """
    parts = urlsplit(door.url)
    host, port = parts.hostname or "", parts.port or 0
    ask = _handshake if parts.scheme == "https" else _request

    def proof() -> bool:
        try:
            return ask(host, port) and door.works()
        except (OSError, http.client.HTTPException):
            return False

    return proof


def _request(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=ANSWER_S)
    try:
        connection.request("HEAD", "/", headers={"Connection": "close"})
        return connection.getresponse().status > 0
    finally:
        connection.close()


def _handshake(host: str, port: int) -> bool:
    # We have no certificate and need none: nothing is sent or believed here.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((host, port), ANSWER_S) as line:
        try:
            with context.wrap_socket(line):
                return True
        except ssl.SSLError:
            # An alert is an answer as well.
            return True
