"""A station's own zero of `HeadPosePitch` and `HeadPoseYaw`, taken off in one place.

The pose estimator has no zero that holds for every camera: 67 frontal, neutral portraits read a
median of +5.3 degrees, 5 to 95 % from -3.8 to +13.5 [ours]. Until a technician has measured the
zero at this station (a dummy head, or an attendant who looks straight ahead), pitch only advises.
A board that hangs plumb tells how the camera hangs, and nothing of the estimator: that is taken
off, too, but makes nothing strict.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from quality.document import MEASURE_OF, Document, Gate
from quality.measure import Native

PITCH: Final = "HeadPosePitch"
YAW: Final = "HeadPoseYaw"


@dataclass(frozen=True, slots=True)
class PitchZero:
    """What a face reads at this station when it looks straight ahead; None until calibrated.

    Attributes:
        deg: in degrees, in the sign of `HeadPosePitch`: positive is lowered.
        yaw_deg: in the sign of `HeadPoseYaw`: positive is to the picture's right.
        of_a_head: the pitch was read of a head, by the very estimator, and is strict from then on.
    """

    deg: float | None = None
    yaw_deg: float | None = None
    of_a_head: bool = True

    def natives(self, raw: Mapping[str, Native]) -> Mapping[str, Native]:
        """Return the values with the zeros taken off; their `reason` says so.

        Args:
            raw: of one look at this station's camera, live or still, as they were measured.
        """
        zeros = {PITCH: self.deg, YAW: self.yaw_deg}
        return {**raw, **{name: _less(name, raw[name], zero) for name, zero in zeros.items()
                          if zero is not None and name in raw}}  # fmt: skip

    def documents(self, documents: Iterable[Document]) -> tuple[Document, ...]:
        """Return the documents with the calibrated gate of the pitch, if there is a zero."""
        return tuple(map(self._judged, documents))

    def _judged(self, document: Document) -> Document:
        gate = document.gates.get(PITCH)
        if self.deg is None or not self.of_a_head or gate is None or gate.calibrated is None:
            return document
        return document.with_gates({PITCH: Gate(hard=True, **dict(gate.calibrated))})


def _less(name: str, raw: Native, zero_deg: float) -> Native:
    if raw.value is None:
        return raw
    said = (MEASURE_OF[name].stand_in, f"station zero {zero_deg:g} deg taken off")
    # Decimal degrees as they were written: 10.3 less 5.3 is 5, at the limit and not above it.
    return Native(round(raw.value - zero_deg, 9), "; ".join(filter(None, said)))


UNCALIBRATED: Final = PitchZero()
