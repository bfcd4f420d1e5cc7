"""Is the earlier photo that of the person who stands here? One live look, and whoever vouches.

Who vouches is the policy's word: an attendant who sees both pictures and signs, a matcher, or both,
the matcher first. Nothing here knows an order, a screen or a record.
"""

from __future__ import annotations

from typing import Final

import structlog

from drivers.camera import Frame
from edge.comparison import Comparer, ComparisonFailed, NotComparable
from edge.photos.earlier import EarlierPhoto
from edge.reuse.live_look import LiveLook, LookView
from edge.reuse.rule import Comparison

COMPARE_TIMEOUT_S: Final = 3.0
"""A touch waits 8 s at most, and this is the longest step of a check."""
COMPARE_TRIES: Final = 3

log = structlog.get_logger("reuse")


class ReuseCheck:
    """One check of one earlier photo, a step at a time; holds the live frame, in memory only.

    Attributes:
        live: the frame that is compared, None until there is a good one.
        given_up: the matcher gave no answer so often, or for such a reason, that none will come.
    """

    def __init__(
        self,
        earlier: EarlierPhoto,
        look: LiveLook,
        comparer: Comparer | None,
        *,
        attendant: bool,
    ) -> None:
        """Prepare; `attendant`: somebody works here who can sign."""
        self.live: Frame | None = None
        self.given_up = False
        self._earlier = earlier
        self._look = look
        wanted = earlier.offer.same_person
        self._comparer = comparer if wanted in {"matcher", "both"} else None
        self._asks_attendant = wanted in {"attendant", "both"}
        self._attendant = attendant
        self._matched: Comparison | None = None
        self._tries = 0

    @property
    def needs_staff(self) -> bool:
        """The machine's part is done; an attendant is asked to look and to sign."""
        compared = self._comparer is None or self._matched is not None
        return self._asks_attendant and self.live is not None and compared

    def look(self) -> LookView:
        """Look once more for the live frame. Raises as `LiveLook.step`."""
        seen = self._look.step()
        self.live = seen.frame
        return seen

    def compare(self) -> Comparison | None:
        """Let the matcher compare; return the outcome if it is one, None if more has to come.

        What more: another look, another try, an attendant's signature, or nothing (`given_up`).
        """
        if self._comparer is None or self.live is None or self._matched is not None:
            return None
        try:
            found = self._comparer.compare(self.live, self._earlier.content, COMPARE_TIMEOUT_S)
        except ComparisonFailed as failure:
            self._note(failure)
            return None
        self._matched = Comparison(
            found.method, found.agrees, value=found.value, threshold=found.threshold
        )
        if not found.agrees:
            # The policy wants the matcher's yes, and a new photo does nobody any harm.
            return self._matched
        # A threshold that was not found on this site's own faces decides nothing alone.
        self._asks_attendant |= not found.calibrated
        if not self._asks_attendant:
            return self._matched
        self.given_up = not self._attendant
        return None

    def signed(self, staff_id: str, same: bool) -> Comparison:
        """Return the outcome with an attendant's word; a matcher's value stays beside it."""
        if self._matched is None:
            return Comparison("attendant", same, staff_id)
        matched = self._matched
        method = f"attendant+{matched.method}"
        return Comparison(method, same, staff_id, matched.value, matched.threshold)

    def _note(self, failure: ComparisonFailed) -> None:
        self._tries += 1
        hopeless = isinstance(failure, NotComparable) and failure.picture == "photo"
        self.given_up = hopeless or self._tries >= COMPARE_TRIES
        log.warning("not_compared", attempts=self._tries, exc_info=failure)
        if isinstance(failure, NotComparable):
            # Another try needs another look; a comparer that was lost may have this one again.
            self.live = None
