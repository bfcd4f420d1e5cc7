"""A simulated module in a process of its own, so that its processor time is nobody's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, NamedTuple

from bench import CannotRun


class OtherEnd(NamedTuple):
    """The module's port, and the lines to and from its process."""

    port: str
    said_to: IO[str]
    heard_from: IO[str]


@contextmanager
def other_end(module: str, call: str) -> Iterator[OtherEnd]:
    """Serve until the block ends.

    Args:
        module: of `bench`, by its whole name.
        call: of a function there that prints its port first and ends when its input does.

    Raises:
        CannotRun: there is no pipe to it.
    """
    code = f"import {module} as served; served.{call}"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        if child.stdin is None or child.stdout is None:
            raise CannotRun("no pipe to the simulated module")
        try:
            yield OtherEnd(child.stdout.readline().strip(), child.stdin, child.stdout)
        finally:
            child.stdin.close()
