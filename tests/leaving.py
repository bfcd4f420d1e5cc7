"""A person who leaves while the reader waits for her, at whatever moment that is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def leaving(cancel: Callable[[], None]) -> Iterator[None]:
    """Cancel until the block ends: a single cancel may come before the press, and is none of its.

    Args:
        cancel: of the reader that is pressed in the block.
    """
    gone = threading.Event()

    def leave() -> None:
        while not gone.wait(0.05):
            cancel()

    person = threading.Thread(target=leave, name="leaving")
    person.start()
    try:
        yield
    finally:
        gone.set()
        person.join()
