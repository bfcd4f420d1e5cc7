"""The thread behind a simulated module's port, and the hand at its plug."""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition, Thread
from typing import Final, NoReturn

from drivers.peers.uart import Interrupted, Uart

PLUG_LIMIT_S: Final = 10.0


class Plug:
    """Runs a module behind its line for as long as it is plugged in.

    Args:
        name: of the thread.
        uart: the line's end.
        power_up: forgets what only power keeps; called before the port appears again.
        listen: waits for bytes and obeys them, once; raises `Interrupted` from the line.
    """

    def __init__(
        self, name: str, uart: Uart, power_up: Callable[[], None], listen: Callable[[], None]
    ) -> None:
        self._uart = uart
        self._power_up = power_up
        self._listen = listen
        self._turned = Condition()
        self._wanted = True
        self._closing = False
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Plug it in for the first time."""
        self._power_up()
        self._uart.plug()
        self._thread.start()

    @property
    def plugged(self) -> bool:
        """Whether the port exists and shall go on to: pulling it takes the kernel a moment."""
        return self._wanted and self._uart.plugged

    def turn(self, *, plugged: bool) -> None:
        """Pull it or put it in; returns when that is done. From any thread but its own."""
        with self._turned:
            self._wanted = plugged
            self._uart.interrupt()
            if not self._turned.wait_for(lambda: self._uart.plugged is plugged, PLUG_LIMIT_S):
                raise TimeoutError("the peer's thread does not answer")

    def pull(self) -> NoReturn:
        """Pull it in the middle of what its own thread does."""
        with self._turned:
            self._wanted = False
        raise Interrupted

    def close(self) -> bool:
        """Pull it for good and end the thread; False if that was done before."""
        if self._closing:
            return False
        self._closing = True
        self._uart.interrupt()
        self._thread.join()
        self._uart.close()
        return True

    def _run(self) -> None:
        while not self._closing:
            try:
                self._obey()
                while True:
                    self._listen()
            except Interrupted:
                continue

    def _obey(self) -> None:
        with self._turned:
            if self._wanted and not self._uart.plugged:
                self._power_up()
                self._uart.plug()
            elif self._uart.plugged and not self._wanted:
                self._uart.unplug()
            self._turned.notify_all()
