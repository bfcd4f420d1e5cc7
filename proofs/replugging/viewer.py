"""Somebody who watches a station's live picture over HTTP and reads the clock that stands in it.

``python -m proofs.replugging.viewer URL``: a process of its own, as a browser is. It asks as the
page does (`api/kiosk/static/preview.mjs`), shows a picture as long as the page would, and tells one
JSON line a picture. The clock in the picture is the machine's, so its age is known whatever the
station says of it.
"""

from __future__ import annotations

import http.client
import json
import re
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Final
from urllib.parse import urlsplit

import cv2
import numpy as np

from drivers.cameras.folder.scene_clock import age_s, read_clock

HIDDEN_AFTER_S: Final = 0.85
"""As the page: a picture is taken away when it is so old by what the station said of it."""
ASK_LIMIT_S: Final = 6.0
PAUSE_S: Final = 0.2
_TOKEN: Final = re.compile(r'name="token" value="([\w-]+)"')


@dataclass(frozen=True, slots=True)
class Sighting:
    """One picture that was shown as live.

    Attributes:
        at_s: when it came, by the machine's monotonic clock.
        sequence: as the station numbers it.
        age_s: by its own clock, when it came.
        age_hidden_s: by its own clock, when the page takes it away if no newer one comes.
        clock_s: what its own clock shows.
    """

    at_s: float
    sequence: int
    age_s: float
    age_hidden_s: float
    clock_s: float


class Viewer:
    """Asks for one picture after the other."""

    def __init__(self, url: str) -> None:
        """Prepare to watch the page at this address."""
        parts = urlsplit(url)
        self._place = (parts.hostname or "", parts.port or 0)
        self._token = ""
        self._after = -1
        self._ahead_s = float("inf")

    def look(self) -> Sighting | None:
        """Return the next picture that the page would show; None if there is none now."""
        status, headers, body = self._get(
            f"/preview/camera?after={self._after}&token={self._token}"
        )
        if status != http.client.OK:
            self._after = -1
            found = _TOKEN.search(self._get("/")[2].decode("utf-8", "replace"))
            self._token = found.group(1) if found else ""
            return None
        at_s = time.monotonic()
        self._after = int(headers["X-Frame"])
        taken_s, said_s = (
            int(headers["X-Frame-At-Ms"]) / 1000,
            int(headers["X-Frame-Age-Ms"]) / 1000,
        )
        # As the page: the quickest answer says best how far apart the two clocks are.
        self._ahead_s = min(self._ahead_s, at_s - taken_s - said_s)
        said_s = at_s - taken_s - self._ahead_s
        pixels = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)
        clock_s = None if pixels is None else read_clock(np.asarray(pixels, np.uint8))
        if said_s >= HIDDEN_AFTER_S or clock_s is None:
            return None
        age = age_s(clock_s, at_s)
        return Sighting(at_s, self._after, age, age + HIDDEN_AFTER_S - said_s, clock_s)

    def _get(self, path: str) -> tuple[int, dict[str, str], bytes]:
        line = http.client.HTTPConnection(*self._place, timeout=ASK_LIMIT_S)
        try:
            line.request("GET", path)
            answer = line.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            line.close()


def main() -> None:
    """Watch until killed, or until nobody listens to us."""
    viewer = Viewer(sys.argv[1])
    with suppress(BrokenPipeError, KeyboardInterrupt):
        while True:
            seen = None
            with suppress(OSError, http.client.HTTPException):
                seen = viewer.look()
            if seen is None:
                time.sleep(PAUSE_S)
            else:
                sys.stdout.write(json.dumps(asdict(seen)) + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
