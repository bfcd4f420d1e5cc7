"""CheekLightRatio: how evenly a lamp lights the two halves of a face."""

from __future__ import annotations

from quality.face.cheeks import cheek_zones
from quality.face.face import Face
from quality.measure import CannotAssess, Measure, Range, Standing


def cheek_light_ratio(face: Face) -> float:
    """Return the darker cheek's mean linear light over the brighter one's: 1 even, unit "1".

    A ratio of one skin to itself under two lights: the tone of the skin falls out. The standard's
    `IlluminationUniformity` compares whole histograms, which fine wrinkles and beards part too.

    Raises:
        CannotAssess: the face cannot be aligned, has no cheeks, or no light on them.

    Source: ours; the zones are OFIQ 1.0.3's.
    """
    aligned = face.aligned
    means = []
    for zone in cheek_zones(aligned, whole_px=face.whole_px):
        counted = aligned.light_in(zone)
        if not counted.size:
            raise CannotAssess("the cheeks lie outside the face")
        means.append(float(counted.mean()))
    if not max(means) > 0:
        raise CannotAssess("no light on the face")
    return min(means) / max(means)


MEASURE = Measure(
    "CheekLightRatio", "1", Range(0.0, 1.0), cheek_light_ratio, Standing.OWN,
)  # fmt: skip
