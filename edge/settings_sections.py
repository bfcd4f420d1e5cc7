"""The sections of a station file: what an operator may set, typed and frozen.

`docs/settings.md` is the operator's page. Whether a named driver, document or preset exists is not
known here (`edge/settings.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from edge.calibration.section import CalibrationSettings
from edge.delivery.pace import Hours
from edge.door_sections import V1, Guide, Kiosk, Technician
from edge.portable.section import PortableSettings
from edge.section import Identifier, Name, Section, each_once

FingerPosition = Literal[
    "right_thumb", "right_index", "right_middle", "right_ring", "right_little",
    "left_thumb", "left_index", "left_middle", "left_ring", "left_little",
]  # fmt: skip
FINGER_POSITIONS: Final = get_args(FingerPosition)
EXTRA_PARTS_MAX: Final = 30
"""Records and further views of all fingers: beside ten PNGs and a portrait for sixteen documents, a
package of 63 parts has room for no more."""
RecordKind = Literal["fir-2005", "fir-2011", "fmr-2005", "wsq"]
ExaminerChoice = Literal["auto", "nbis", "none"]
"""auto: where it is installed; nbis: also, but its absence is a warning; none: never."""


class Station(Section):
    """Who this station is, as packages and pages name it."""

    id: Identifier
    hotline: Annotated[str, Field(max_length=24)] = ""
    language: Literal["zh-CN", "en"] = "zh-CN"


class Device(Section):
    """Which driver module to open, and with what."""

    id: Identifier
    driver: Name
    model: Name | None = None
    """A file in `firmware_configs/readers` or `cameras` whose values come before `options`."""
    options: dict[str, Any] = Field(default_factory=dict)


class AttackNetFile(Section):
    """A network against pictures of faces, installed by the operator."""

    file: Path
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    around: Annotated[float, Field(gt=1, le=8)]


class Vision(Section):
    """Where the model files lie (`make run` fetches them)."""

    face_landmarker: Path
    selfie_segmentation: Path
    attack_nets: tuple[AttackNetFile, ...] = ()
    """`docs/presentation-attack.md`; none as delivered."""


class Portrait(Section):
    """Which photo documents one portrait becomes, and how it is looked for."""

    documents: Annotated[tuple[Name, ...], Field(min_length=1), AfterValidator(each_once)]
    preset: Name = "seated"
    """A file in `firmware_configs/presets` (`docs/guidance.md`)."""
    good_frames: Annotated[int, Field(ge=1, le=60)] | None = None
    """In place of the preset's and the documents' own number."""
    pitch_zero_deg: Annotated[float, Field(ge=-30, le=30)] | None = None
    """What `HeadPosePitch` reads here of a face that looks straight ahead; from calibration."""
    keep_master: bool = True


class Fingers(Section):
    """Which fingers are asked for and when a press is good enough (`docs/fingers.md`)."""

    profile: Name = "cn_two_fingers"
    """A file in `firmware_configs/fingers`: order, number, and what stands in for what."""
    positions: (
        Annotated[tuple[FingerPosition, ...], Field(min_length=1), AfterValidator(each_once)] | None
    ) = None
    """In place of the profile's own; what stands in for them stays the profile's word."""
    minimum: Annotated[int, Field(ge=0, le=10)] | None = None
    """With so many fingers nothing of fingers counts as missing; None: each that is not given."""
    records: Annotated[tuple[RecordKind, ...], AfterValidator(each_once)] = ()
    """Beside the PNG, which is always there."""
    keep_all_views: bool = False
    """All presses that agree are delivered, not the best alone."""
    presses_max: Annotated[int, Field(ge=3, le=9)] = 5
    accept_score: Annotated[int, Field(ge=0, le=100)] = 45
    stop_loss_score: Annotated[int, Field(ge=0, le=100, validate_default=True)] = 25
    press_timeout_s: Annotated[float, Field(ge=3, le=120)] = 20.0
    lift_s: Annotated[float, Field(ge=0, le=10)] = 1.0
    """From "you may lift your finger" to the look for the next press, at least: a finger that still
    lies there is no second one."""
    examiner: ExaminerChoice = "auto"
    """What scores and matches presses; without one, our own score and no matching."""

    @field_validator("stop_loss_score")
    @classmethod
    def _not_above_accept(cls, score: int, info: ValidationInfo) -> int:
        # A refused accept_score is missing here, and is refused by itself.
        accept = info.data.get("accept_score", score)
        if score > accept:
            raise ValueError(f"at most accept_score, which is {accept}")
        return score


class SittingLimits(Section):
    """How a sitting begins, and how long it waits for somebody."""

    begin: Literal["next", "number"] = "number"
    """What a touch on "begin" takes: nobody's order, or the one that has waited longest: only where
    a queue of its own sends one person at a time, else a walk-in would get another one's order."""
    walk_in: bool = True
    """A sitting may begin without an order."""
    idle_s: Annotated[float, Field(ge=30, le=3600)] = 90.0
    """Without touch, face or finger for so long, it is asked whether somebody is there."""
    still_there_s: Annotated[float, Field(ge=20, le=600)] = 30.0
    """So long the question stands; then the screen is wiped."""
    rest_ticket_s: Annotated[float, Field(ge=60, le=7200)] = 600.0
    help_again_s: Annotated[float, Field(ge=15, le=3600)] = 60.0
    rating_s: Annotated[float, Field(ge=10, le=120)] = 15.0
    idle_cards_s: Annotated[float, Field(ge=10, le=3600)] = 60.0
    missing_due_days: Annotated[int, Field(ge=1, le=365)] = 30
    """Until when what is missing may be brought: days after the sitting."""
    resume_within_s: Annotated[float, Field(ge=0, le=86400)] = 1800.0


class Service(Section):
    """What surrounds the sittings: rating, help from afar, and the content pack."""

    rating: bool = False
    """How it was is asked after the result."""
    remote: bool = False
    """Somebody far away may ask to see the screen and to help."""
    content: Path | None = None
    """Where installed content packs lie; None: `content` in the store's folder."""


class Voice(Section):
    """What is heard beside what is shown."""

    volume: Annotated[int, Field(ge=0, le=100)] = 80
    """Of the pages, in percent of what the loudspeaker is set to."""
    dialect: Annotated[str, Field(pattern=r"^([a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4})?$")] = ""
    """Whose pack speaks the pages of zh-CN, "" for zh-CN's own."""
    packs: Path | None = None
    """A folder of more packs."""


class Neighbour(Section):
    """Which module to open, and with what."""

    driver: Name
    options: dict[str, Any] = Field(default_factory=dict)


class Reuse(Section):
    """Whether an earlier photo may be taken over, and who can sign that it is the person's.

    When it may be is not set here but in the policy, `firmware_configs/policies/reuse.toml`.
    """

    enabled: bool = True
    staff_file: Path | None = None
    """Ids and hashed PINs of the attendants (`edge/staff.py`), mode 0600; without it nobody can
    sign, neither here nor for a portrait by hand."""
    photo_timeout_s: Annotated[float, Field(gt=0, le=20)] = 5.0
    lookup: Neighbour | None = None
    """Where earlier photos are asked for that did not come with their order."""
    comparer: Neighbour | None = None
    """What compares faces where the policy asks for a matcher; without it, nothing does."""


class Store(Section):
    """Where the journal and the keys lie, and when the disk counts as full."""

    folder: Path
    centre_keys: Path
    """The folder with the centre's root and keys, pinned at provisioning (`docs/provision.md`)."""
    station_key: Literal["auto", "tpm", "file"] = "auto"
    """Where `provision` makes the station's own key; auto: in the TPM, if one answers."""
    tpm: Annotated[str, Field(max_length=256)] = "device:/dev/tpmrm0"
    """How the TPM's tools reach it (TCTI)."""
    floor_mib: Annotated[int, Field(ge=1)] = 256
    reserve_mib: Annotated[int, Field(ge=1)] = 32
    unsent_days_max: Annotated[float, Field(gt=0, le=3650)] = 14.0
    unsent_max: Annotated[int, Field(ge=1)] = 10_000
    persons_max: Annotated[int, Field(ge=1)] = 100_000
    free_share_min: Annotated[float, Field(ge=0, lt=1)] = 0.2
    """These four warn (`docs/backup.md`); nothing is deleted because of them."""


class Sink(Section):
    """One way out. `custody`: its receipt allows deletion; `copy`: it does not."""

    name: Identifier
    driver: Name
    role: Literal["custody", "copy"] = "custody"
    first_wait_max_s: Annotated[float, Field(ge=0, le=3600)] = 300.0
    """The first try after a start waits up to this, so that a city's power return is no rush."""
    hours: tuple[str, ...] = ()
    """Spans of local time in which packages leave that are not urgent; none: at any time."""
    options: dict[str, Any] = Field(default_factory=dict)

    @field_validator("hours")
    @classmethod
    def _spans(cls, hours: tuple[str, ...]) -> tuple[str, ...]:
        Hours.parse(hours)
        return hours


class Settings(Section):
    """One station file."""

    station: Station
    camera: Device
    reader: Device
    vision: Vision
    portrait: Portrait
    fingers: Fingers = Fingers()
    sitting: SittingLimits = SittingLimits()
    service: Service = Service()
    voice: Voice = Voice()
    reuse: Reuse = Reuse()
    store: Store
    kiosk: Kiosk = Kiosk()
    v1: V1 = V1()
    guide: Guide = Guide()
    technician: Technician = Technician()
    portable: PortableSettings | None = None
    calibration: CalibrationSettings = CalibrationSettings()
    sinks: Annotated[tuple[Sink, ...], Field(min_length=1)]
