"""A photo that somebody has already, judged by a document's sheet before anybody comes.

The one vision worker looks at it, and only while nobody stands at the station: a person who is
served is never slowed by it. The bytes stay in memory for the time of the call.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from edge.photos.header import photo_header
from edge.photos.recheck import recheck
from edge.vision.client import VisionLost, VisionWorker
from quality.advice import Advice, advise
from quality.document import MEASURE_OF, Document
from quality.measure import Reading, Verdict

LOOK_TIMEOUT_S: Final = 2.0
"""As for an earlier photo within a sitting: the longest that whoever comes meanwhile could wait for
her first look."""


class StationBusy(Exception):
    """Somebody is served now, or another photo is looked at. Ask again in a few seconds."""


@dataclass(frozen=True, slots=True)
class Precheck:
    """What a photo is by a document's sheet.

    Attributes:
        document: its id.
        verdict: rejected if any hard limit is, else not assessed if any hard one is.
        advice: the first thing to do about it, None if nothing hinders.
        readings: each limit's outcome.
    """

    document: str
    verdict: Verdict
    advice: Advice | None
    readings: tuple[Reading, ...]


class Prechecks:
    """Looks at photos, one at a time. Any thread may call it."""

    def __init__(
        self,
        vision: VisionWorker,
        documents: Mapping[str, Document],
        occupied: Callable[[], bool],
        timeout_s: float = LOOK_TIMEOUT_S,
    ) -> None:
        """Prepare.

        Args:
            vision: shared with the sittings.
            documents: by id.
            occupied: tells whether somebody is served now, or the worker is not ready to look.
            timeout_s: of one look; the worker is replaced after it.
        """
        self._vision = vision
        self._documents = documents
        self._occupied = occupied
        self._timeout_s = timeout_s
        self._one = threading.Lock()

    def knows(self, document: str) -> bool:
        """Whether photos can be judged by this document's sheet."""
        return document in self._documents

    def check(self, content: bytes, document: str) -> Precheck:
        """Judge a photo's file.

        Args:
            content: JPEG, as it came.
            document: an id that is known here.

        Raises:
            StationBusy: ask again.
            PhotoUnreadable: its code says why; by the header alone where the header says enough.
            KeyError: no such document.
        """
        sheet = self._documents[document]
        # Before anything else: what its header refuses costs the worker nothing.
        photo_header(content)
        if not self._one.acquire(blocking=False):
            raise StationBusy
        try:
            if self._occupied():
                raise StationBusy
            photo = self._vision.read_photo(content, self._timeout_s)
        except VisionLost:
            raise StationBusy from None
        finally:
            self._one.release()
        readings = recheck(photo, sheet, waived=False)
        # The sheet's geometry has no advice of its own: it is the crop's business, not the pose's.
        posed = [reading for reading in readings if reading.measure in MEASURE_OF]
        return Precheck(document, _verdict(readings), advise(photo.sight, posed), readings)


def _verdict(readings: tuple[Reading, ...]) -> Verdict:
    found = {reading.verdict for reading in readings if not reading.advisory}
    for verdict in (Verdict.REJECTED, Verdict.NOT_ASSESSED):
        if verdict in found:
            return verdict
    return Verdict.ACCEPTED
