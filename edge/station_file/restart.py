"""Whether somebody starts the station anew when it ends, and how it is asked to."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping

from edge.watchdog import Keeper


def restart_by_keeper(environment: Mapping[str, str]) -> Callable[[], None] | None:
    """Return what ends this process so that its keeper starts it anew; None where nobody keeps it.

    The service's unit says `Restart=always`: a clean end is followed by a start. Without
    `NOTIFY_SOCKET` nobody keeps us, and the end would be the end.
    """
    if not Keeper.from_environment(environment).address:
        return None
    return lambda: os.kill(os.getpid(), signal.SIGTERM)
