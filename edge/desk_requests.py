"""What web threads ask of the sitting's loop, one at a time, each with the answer it waits for."""

from __future__ import annotations

import queue
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, Generic, TypeVar

Answer = TypeVar("Answer")

REQUEST_TIMEOUT_S: Final = 8.0


class Requests(Generic[Answer]):
    """Actions on their way to the loop; whoever put one gets what the loop shows after it.

    Args:
        answer: what stands after an action; asked on the loop's thread.
    """

    def __init__(self, answer: Callable[[], Answer]) -> None:
        self._answer = answer
        self._waiting: queue.SimpleQueue[tuple[Callable[[], None], Future[Answer]]]
        self._waiting = queue.SimpleQueue()

    def ask(self, action: Callable[[], None]) -> Answer:
        """Let the loop do it and return the answer; from any thread but the loop's.

        Raises:
            TimeoutError: the loop did not come to it in time; it will not be done any more.
            Exception: what the action raised.
        """
        done: Future[Answer] = Future()
        self._waiting.put((action, done))
        try:
            return done.result(REQUEST_TIMEOUT_S)
        except TimeoutError:
            # Nobody waits for it any more: a touch must not take effect long after.
            done.cancel()
            raise

    def serve(
        self,
        run: Callable[[Callable[[], None]], None],
        refusals: tuple[type[Exception], ...],
        wait_s: float,
    ) -> None:
        """Do the next action, if one comes in time; on the loop's thread.

        Args:
            run: does an action and sees to what may fail in it.
            refusals: errors that are an answer; any other is raised here as well.
            wait_s: how long to wait for an action, 0 for not at all.
        """
        try:
            action, done = self._waiting.get(block=wait_s > 0, timeout=wait_s or None)
        except queue.Empty:
            return
        if not done.set_running_or_notify_cancel():
            return
        try:
            run(action)
        except refusals as refusal:
            done.set_exception(refusal)
        except Exception as mistake:
            done.set_exception(mistake)
            raise
        else:
            done.set_result(self._answer())
