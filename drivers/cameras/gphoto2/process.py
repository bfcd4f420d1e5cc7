"""The station's end of the process that libgphoto2 runs in: questions that end in time."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import drivers
from drivers import errors
from drivers.cameras.gphoto2 import worker
from drivers.cameras.gphoto2.config import Config
from drivers.errors import DeviceAbsent, DeviceError, DeviceTimeout

OPEN_TIMEOUT_S: Final = 10.0
_ENDS_WITHIN_S: Final = 3.0
_ROOT: Final = Path(drivers.__file__).resolve().parents[1]


class Process:
    """One process with one open camera. One thread uses it.

    Attributes:
        model: how the camera names itself.
    """

    def __init__(self, config: Config) -> None:
        self._line, theirs = socket.socketpair()
        with theirs:
            self._child = subprocess.Popen(  # noqa: S603  # our own module, by our own Python
                [sys.executable, "-m", "drivers.cameras.gphoto2.worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, cwd=_ROOT,
            )  # fmt: skip
        try:
            asked = config.model_dump(mode="json")
            self.model = str(self.ask(asked, OPEN_TIMEOUT_S)[0]["model"])
        except BaseException:
            self.close()
            raise

    def ask(self, said: dict[str, Any], timeout_s: float) -> tuple[dict[str, Any], bytes]:
        """Ask one question and return its answer.

        Raises:
            DeviceTimeout: no answer in time; the process is ended, and the camera with it.
            DeviceAbsent: it was closed.
            DeviceError: what the worker met, by the same class and in the same words.
        """
        if self._child is None:
            raise DeviceAbsent("the camera was closed")
        try:
            self._line.settimeout(timeout_s)
            worker.send(self._line, said)
            answer, content = worker.receive(self._line)
        except TimeoutError:
            self._kill()
            raise DeviceTimeout(f"the camera did not answer within {timeout_s:g} s") from None
        except (EOFError, OSError, ValueError) as failure:
            self._kill()
            raise DeviceError("libgphoto2 ended in the middle of its work") from failure
        if "failure" in answer:
            kind = getattr(errors, str(answer["failure"]), DeviceError)
            raise kind(answer["sentence"])
        return answer, content

    def close(self) -> None:
        """Hang up: the worker gives the camera back and ends. Closing twice is allowed."""
        child, self._child = self._child, None  # type: ignore[assignment]
        self._line.close()
        if child is None:
            return
        try:
            child.wait(_ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def _kill(self) -> None:
        self._child.kill()
        self.close()
