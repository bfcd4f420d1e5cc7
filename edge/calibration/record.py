"""One calibration of one device, as it is kept for good: figures, limits, sources, verdicts.

It is a field check following a named method, and never a certification. No picture of a person and
no name is in it: a technician is a staff number.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from types import MappingProxyType
from typing import Any, Final, Literal

from pydantic import TypeAdapter, ValidationError

from edge.calibration.canonical import canonical

VERSION: Final = 1
ID_BYTES: Final = 16
RECORD_BYTES_MAX: Final = 1 << 20
PICTURE_BYTES_MAX: Final = 256 << 10
PICTURES_MAX: Final = 24
CURVES_MAX: Final = 64
POINTS_MAX: Final = 2000
JPEG_BEGINS: Final = b"\xff\xd8\xff"
NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}(\.[a-z0-9_]{1,39})?")
"""Of a step, a measure, a picture, a curve, a parameter."""
DEVICE: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")


class RecordUnfit(ValueError):
    """No calibration, or not whole: its text says what is wrong. Keep nothing of it."""


class Verdict(Enum):
    """How one measure stands to its limits; the worst of them, failing first, is a device's."""

    PASS = "pass"  # noqa: S105 - a verdict
    REMARK = "remark"
    FAIL = "fail"
    NOT_ASSESSED = "not_assessed"


class Overall(Enum):
    """What a calibration came to."""

    PASS = "pass"  # noqa: S105 - a verdict
    PASS_WITH_REMARKS = "pass_with_remarks"  # noqa: S105 - a verdict
    FAIL = "fail"
    NOT_ASSESSED = "not_assessed"

    @property
    def passed(self) -> bool:
        """Whether the device may be relied on."""
        return self in {Overall.PASS, Overall.PASS_WITH_REMARKS}


Kind = Literal["full", "quick", "undo"]


@dataclass(frozen=True, slots=True)
class StepResult:
    """One measure of one step; `value` is None exactly if it was not assessed.

    Attributes:
        step: "framing", "focus", "exposure", "colour", "uniformity", "distortion", "noise",
            "flicker", "latency", "portrait", "blank", "geometry", "contrast", "grey", "live", ...
        measure: such as "mtf50_centre"; a trend follows it by this name.
        value: in `unit`.
        unit: as it is printed: "cy/px", "deg", "%", "dE00", "ms", "1", ...
        least, most: the limits, None where there is none on that side.
        source: where the limits come from, a whole sentence or reference.
        standing: of the limits: "house", "official", "unverified", ...
        n: how many frames or presses the value stands on.
        spread: standard deviation over them, in `unit`; None for a single one.
        uncertainty: standard uncertainty of the value, in `unit`; None where nobody knows it.
        reason: a code: why it was not assessed, or skipped; "" else.
        details: further figures in JSON: {"zones": 5x5 shares of the brightest}, {"patches":
            [{"name", "measured": [L, a, b], "reference": [L, a, b], "delta_e"}]}, ...
        frames_sha256: of the raw frames, in hex.
    """

    step: str
    measure: str
    value: float | None
    unit: str
    least: float | None
    most: float | None
    source: str
    standing: str
    verdict: Verdict
    n: int = 0
    spread: float | None = None
    uncertainty: float | None = None
    reason: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    frames_sha256: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.value is None) != (self.verdict is Verdict.NOT_ASSESSED):
            raise RecordUnfit(f"{self.measure}: a value exactly if it was assessed")
        if not NAME.fullmatch(self.step) or not NAME.fullmatch(self.measure):
            raise RecordUnfit("a step or a measure without a name of ours")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What can be looked at afterwards; the record holds a digest of each.

    Attributes:
        pictures: small JPEGs by step, such as "framing", "focus", "colour"; never of a person.
        curves: points (x, y) by name: "mtf.centre", "mtf.top_left", "banding", ...; of an MTF x is
            in cycles a pixel and y the contrast, 0 to 1.
    """

    pictures: Mapping[str, bytes] = field(default_factory=dict)
    curves: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.pictures) > PICTURES_MAX or len(self.curves) > CURVES_MAX:
            raise RecordUnfit("too many pictures or curves")
        if not all(NAME.fullmatch(name) for name in (*self.pictures, *self.curves)):
            raise RecordUnfit("a picture or curve without a name of ours")
        for name, jpeg in self.pictures.items():
            if not jpeg.startswith(JPEG_BEGINS) or len(jpeg) > PICTURE_BYTES_MAX:
                raise RecordUnfit(f"{name} is no JPEG of {PICTURE_BYTES_MAX >> 10} KiB at most")
        if any(len(points) > POINTS_MAX for points in self.curves.values()):
            raise RecordUnfit("a curve of too many points")

    def curves_json(self) -> bytes:
        """Return the curves as they are kept."""
        return canonical(dict(self.curves))

    def files(self) -> dict[str, bytes]:
        """Return what is kept, by file."""
        pictures = {f"{name}.jpg": jpeg for name, jpeg in self.pictures.items()}
        return {**pictures, **({"curves.json": self.curves_json()} if self.curves else {})}

    def digests(self) -> dict[str, str]:
        """Return the SHA-256 of each file, in hex, by its name."""
        return {name: hashlib.sha256(kept).hexdigest() for name, kept in self.files().items()}


NO_EVIDENCE: Final = Evidence()


@dataclass(frozen=True, slots=True)
class Calibration:
    """One calibration of one device. `number` and what follows is the book's to fill in.

    Attributes:
        device_id: as in health and packages.
        kind: "full", "quick" (never lengthens what a full one gave), "undo" (the book's own).
        began_at_ms, ended_at_ms: UTC.
        technician, witness: staff numbers; "" without a witness.
        identity: model, firmware, lens, serial number, lamp hours, site, ...: what a technician
            read off or the device says.
        environment: temperature, lamp, ISO, shutter, white balance, ...
        steps: in the order of the procedure.
        parameters: what the station goes by from now on, by name: "pitch_zero_deg", ...
        overall: what it came to.
        valid_until: the last day, "2027-05-21" in UTC; None unless it is full and passed.
        software: versions by package.
        profile: name of the limits' file; profile_sha256: of its bytes, in hex.
        method: what it follows, as it is printed after "field check following".
        previous_id: the record before it, of the same device.
        station_id: where.
        number: rises by one from record to record of a station, from 1.
        restores: of an undo the calibration that is in force again; None: none is.
        evidence: digests of pictures and curves by file.
    """

    device_id: str
    kind: Kind
    began_at_ms: int
    ended_at_ms: int
    technician: str
    witness: str
    identity: Mapping[str, str]
    environment: Mapping[str, str | float]
    steps: tuple[StepResult, ...]
    parameters: Mapping[str, float]
    overall: Overall
    valid_until: str | None
    software: Mapping[str, str]
    profile: str
    profile_sha256: str
    method: str = ""
    previous_id: str | None = None
    station_id: str = ""
    number: int = 0
    restores: str | None = None
    evidence: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not DEVICE.fullmatch(self.device_id):
            raise RecordUnfit("no name of a device")
        if self.ended_at_ms < self.began_at_ms:
            raise RecordUnfit("it ended before it began")
        if self.kind == "quick" and self.valid_until is not None:
            raise RecordUnfit("a quick check gives no validity")
        if self.kind == "full" and (self.valid_until is not None) != self.overall.passed:
            raise RecordUnfit("a last day exactly if it passed")
        if self.valid_until is not None and not DAY.fullmatch(self.valid_until):
            raise RecordUnfit("the last day is written 2027-05-21")
        if not all(NAME.fullmatch(name) for name in self.parameters):
            raise RecordUnfit("a parameter without a name of ours")

    def step(self, measure: str) -> StepResult | None:
        """Return what was found of a measure; None if it was not looked at."""
        return next((one for one in self.steps if one.measure == measure), None)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A calibration as it was kept."""

    id: str
    sha256: str
    calibration: Calibration


_WHOLE: Final = TypeAdapter(Calibration)


def record_json(calibration: Calibration) -> bytes:
    """Return the canonical JSON of a calibration: what is signed. Raises `RecordUnfit`."""
    said = {one.name: getattr(calibration, one.name) for one in fields(calibration)}
    said["steps"] = [_row(step) for step in calibration.steps]
    said["overall"] = calibration.overall.value
    try:
        content = canonical({"v": VERSION, **said})
    except ValueError as error:
        raise RecordUnfit(f"it cannot be written: {error}") from error
    if len(content) > RECORD_BYTES_MAX:
        raise RecordUnfit("more than 1 MiB of figures")
    return content


def calibration_id(calibration: Calibration) -> str:
    """Return the id: the first 16 bytes of the SHA-256 of the canonical JSON, in hex."""
    return id_of(record_json(calibration))


def id_of(content: bytes) -> str:
    """Return the id of a record's very bytes."""
    return hashlib.sha256(content).hexdigest()[: 2 * ID_BYTES]


def read_record(content: bytes) -> Recorded:
    """Return the calibration in a file.

    Raises:
        RecordUnfit: it is none, of another version, or not written as we write.
    """
    if len(content) > RECORD_BYTES_MAX:
        raise RecordUnfit("more than 1 MiB")
    try:
        said = _SAID.validate_json(content)
        if said.pop("v", None) != VERSION:
            raise RecordUnfit("of another version")
        found = _WHOLE.validate_python(said)
        again = record_json(found)
    except (ValidationError, TypeError, RecursionError) as error:
        raise RecordUnfit("no calibration") from error
    # Whatever was not understood, or said twice, would be missing here.
    if again != content:
        raise RecordUnfit("not in the form in which we write")
    return Recorded(id_of(content), hashlib.sha256(content).hexdigest(), _frozen(found))


_SAID: Final = TypeAdapter(dict[str, Any])


def _row(step: StepResult) -> dict[str, Any]:
    row = {one.name: getattr(step, one.name) for one in fields(step)}
    return {**row, "verdict": step.verdict.value}


def _frozen(calibration: Calibration) -> Calibration:
    return replace(
        calibration,
        identity=MappingProxyType(dict(calibration.identity)),
        parameters=MappingProxyType(dict(calibration.parameters)),
    )
