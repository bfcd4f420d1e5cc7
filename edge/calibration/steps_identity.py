"""Step 0: which devices, where, and whose hands: what no camera can see, filled in by somebody."""

from __future__ import annotations

from typing import Final

from edge.calibration.procedure import Figure, Measured, Scene, Step, held_against
from edge.calibration.session import DeviceKind

CAMERA_FIELDS: Final = (
    "site", "camera_model", "camera_firmware", "lens", "lamp_hours", "screen_ppi",
    "camera_height_mm",
)  # fmt: skip
READER_FIELDS: Final = ("site", "reader_model", "reader_serial")
FIELD_CHARS_MAX: Final = 80


def fields_of(device: DeviceKind) -> tuple[str, ...]:
    """Return what is to be known of such a device."""
    return CAMERA_FIELDS if device == "camera" else READER_FIELDS


def known_fields(scene: Scene) -> dict[str, str]:
    """Return what the station sees by itself, and over it what was filled in."""
    known = {**scene.bench.seen_fields(), **scene.identity}
    return {field: value.strip()[:FIELD_CHARS_MAX] for field, value in known.items() if value}


def _identity(name: str, device: DeviceKind) -> Step:
    def measure(scene: Scene) -> Measured:
        known = known_fields(scene)
        missing = [field for field in fields_of(device) if not known.get(field)]
        figure = Figure(float(len(missing)), details={"missing": missing})
        return Measured(
            (held_against(name, "missing", scene.limits.limit(name, "missing"), figure),)
        )

    return Step(name, device, "", measure)


CAMERA_IDENTITY: Final = _identity("identity", "camera")
READER_IDENTITY: Final = _identity("reader_identity", "reader")
