"""A station's own zero of `HeadPosePitch`: taken off in one place, and strict from then on.

The pose estimator has no zero that holds for every camera: 67 frontal, neutral portraits read a
median of +5.3 degrees, 5 to 95 % from -3.8 to +13.5 [ours]. Until a technician has measured the
zero at this station (a dummy head, or an attendant who looks straight ahead), pitch only advises.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from quality.document import MEASURE_OF, Document, Gate
from quality.measure import Native

PITCH: Final = "HeadPosePitch"


@dataclass(frozen=True, slots=True)
class PitchZero:
    """What a face reads at this station when it looks straight ahead; None until calibrated.

    Attributes:
        deg: in degrees, in the sign of `HeadPosePitch`: positive is lowered.
    """

    deg: float | None = None

    def natives(self, raw: Mapping[str, Native]) -> Mapping[str, Native]:
        """Return the values with the zero taken off the pitch; its `reason` says so.

        Args:
            raw: of one look at this station's camera, live or still, as they were measured.
        """
        pitch = raw.get(PITCH)
        if self.deg is None or pitch is None or pitch.value is None:
            return raw
        said = (MEASURE_OF[PITCH].stand_in, f"station zero {self.deg:g} deg taken off")
        # Decimal degrees as they were written: 10.3 less 5.3 is 5, at the limit and not above it.
        value = round(pitch.value - self.deg, 9)
        return {**raw, PITCH: Native(value, "; ".join(filter(None, said)))}

    def documents(self, documents: Iterable[Document]) -> tuple[Document, ...]:
        """Return the documents with the calibrated gate of the pitch, if there is a zero."""
        return tuple(map(self._judged, documents))

    def _judged(self, document: Document) -> Document:
        gate = document.gates.get(PITCH)
        if self.deg is None or gate is None or gate.calibrated is None:
            return document
        return document.with_gates({PITCH: Gate(hard=True, **dict(gate.calibrated))})


UNCALIBRATED: Final = PitchZero()
