"""Everything that an operator may set: typed, frozen, and refusing what it does not know.

A station file (`firmware_configs/stations/*.toml`) is read here and nowhere else. Paths in it are
relative to where the service is started. What a refused file says is meant for a technician: file,
line, key, what stands there, what may stand there.
"""

from __future__ import annotations

import difflib
import hashlib
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import ErrorDetails

from drivers.load import camera_config, camera_names, reader_config, reader_names
from edge.candidates.load import lookup_config, lookup_names
from edge.comparison.load import comparer_config, comparer_names
from edge.preset import PortraitRules, Preset
from edge.reuse_policy import ReusePolicy
from edge.sinks.load import sink_config, sink_names
from edge.toml_lines import line_of
from quality.document import Document
from quality.pitch_zero import PitchZero

CONFIGS: Final = Path(__file__).resolve().parent.parent / "firmware_configs"

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
Port = Annotated[int, Field(ge=0, le=65535)]

FingerPosition = Literal[
    "right_thumb", "right_index", "right_middle", "right_ring", "right_little",
    "left_thumb", "left_index", "left_middle", "left_ring", "left_little",
]  # fmt: skip
FINGER_POSITIONS: Final = get_args(FingerPosition)

Model = TypeVar("Model", bound=BaseModel)


class SettingsError(Exception):
    """A settings file cannot be used. The message says where, what and what instead; mend it."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    twice = next((name for n, name in enumerate(names) if name in names[:n]), None)
    if twice is not None:
        raise ValueError(f"each may stand there once, and {twice!r} stands there again")
    return names


class Station(_Section):
    """Who this station is, as packages and pages name it."""

    id: Identifier
    hotline: Annotated[str, Field(max_length=24)] = ""
    language: Literal["zh-CN", "en"] = "zh-CN"


class Device(_Section):
    """Which driver module to open, and with what."""

    id: Identifier
    driver: Name
    model: Name | None = None
    """A file in `firmware_configs/readers` or `cameras` whose values come before `options`."""
    options: dict[str, Any] = {}


class AttackNetFile(_Section):
    """A network against pictures of faces, installed by the operator."""

    file: Path
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    around: Annotated[float, Field(gt=1, le=8)]


class Vision(_Section):
    """Where the model files lie (`make run` fetches them)."""

    face_landmarker: Path
    selfie_segmentation: Path
    attack_nets: tuple[AttackNetFile, ...] = ()
    """`docs/presentation-attack.md`; none as delivered."""


class Portrait(_Section):
    """Which photo documents one portrait becomes, and how it is looked for."""

    documents: Annotated[tuple[Name, ...], Field(min_length=1), AfterValidator(_each_once)]
    preset: Name = "seated"
    """A file in `firmware_configs/presets` (`docs/guidance.md`)."""
    good_frames: Annotated[int, Field(ge=1, le=60)] | None = None
    """In place of the preset's and the documents' own number."""
    pitch_zero_deg: Annotated[float, Field(ge=-30, le=30)] | None = None
    """What `HeadPosePitch` reads here of a face that looks straight ahead; from calibration."""
    keep_master: bool = True


class Fingers(_Section):
    """Which fingers are asked for and when a press is good enough (`docs/measures.md`)."""

    positions: Annotated[
        tuple[FingerPosition, ...], Field(min_length=1), AfterValidator(_each_once)
    ] = ("right_thumb", "left_thumb")
    presses_max: Annotated[int, Field(ge=1, le=9)] = 5
    accept_score: Annotated[int, Field(ge=0, le=100)] = 45
    stop_loss_score: Annotated[int, Field(ge=0, le=100, validate_default=True)] = 25
    press_timeout_s: Annotated[float, Field(ge=3, le=120)] = 20.0

    @field_validator("stop_loss_score")
    @classmethod
    def _not_above_accept(cls, score: int, info: ValidationInfo) -> int:
        # A refused accept_score is missing here, and is refused by itself.
        accept = info.data.get("accept_score", score)
        if score > accept:
            raise ValueError(f"at most accept_score, which is {accept}")
        return score


class SittingLimits(_Section):
    """How long a sitting waits for somebody."""

    idle_s: Annotated[float, Field(ge=30, le=3600)] = 180.0
    resume_within_s: Annotated[float, Field(ge=0, le=86400)] = 1800.0


class Neighbour(_Section):
    """Which module to open, and with what."""

    driver: Name
    options: dict[str, Any] = {}


class Reuse(_Section):
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


class Store(_Section):
    """Where the journal and the keys lie, and when the disk counts as full."""

    folder: Path
    centre_keys: Path
    """The centre's public keys, pinned at provisioning (`docs/package.md`)."""
    floor_mib: Annotated[int, Field(ge=1)] = 256
    reserve_mib: Annotated[int, Field(ge=1)] = 32


class Kiosk(_Section):
    """The pages for the person. Loopback only."""

    host: Literal["127.0.0.1", "::1"] = "127.0.0.1"
    port: Port = 8080
    screen_ppi: Annotated[float, Field(ge=50, le=400)] = 102.46


class V1(_Section):
    """The interface for the central system. Until client certificates: loopback and a token."""

    host: Literal["127.0.0.1", "::1"] = "127.0.0.1"
    port: Port = 8081


class Sink(_Section):
    """One way out. `custody`: its receipt allows deletion; `copy`: it does not."""

    name: Identifier
    driver: Name
    role: Literal["custody", "copy"] = "custody"
    first_wait_max_s: Annotated[float, Field(ge=0, le=3600)] = 300.0
    """The first try after a start waits up to this, so that a city's power return is no rush."""
    options: dict[str, Any] = {}


class Settings(_Section):
    """One station file."""

    station: Station
    camera: Device
    reader: Device
    vision: Vision
    portrait: Portrait
    fingers: Fingers = Fingers()
    sitting: SittingLimits = SittingLimits()
    reuse: Reuse = Reuse()
    store: Store
    kiosk: Kiosk = Kiosk()
    v1: V1 = V1()
    sinks: Annotated[tuple[Sink, ...], Field(min_length=1)]


def load_settings(path: Path, *, check_camera: bool = True) -> Settings:
    """Read one station file and hold every device's and sink's options against its driver.

    Args:
        path: the file.
        check_camera: False for who brings the camera's options himself, as the demo does.

    Raises:
        SettingsError: one sentence with file, line, key and what may stand there.
    """
    settings = _validated(Settings, path, _table(path))
    named = [
        ("camera.driver", settings.camera.driver, camera_names()),
        ("reader.driver", settings.reader.driver, reader_names()),
        *(("portrait.documents", name, document_names()) for name in settings.portrait.documents),
        ("portrait.preset", settings.portrait.preset, preset_names()),
        *((f"{key}.driver", one.driver, names) for key, one, names, _ in _neighbours(settings)),
    ]
    for key, name, names in named:
        if name not in names:
            raise _refusal(path, key.split("."), f"is {name!r}", _one_of(name, names))
    _check_sinks(path, settings.sinks)
    optioned = [
        (
            "reader",
            reader_config(settings.reader.driver),
            device_options(settings.reader, "readers"),
        ),
        *((key, config(one.driver), one.options) for key, one, _, config in _neighbours(settings)),
    ]
    if check_camera:
        options = device_options(settings.camera, "cameras")
        optioned.append(("camera", camera_config(settings.camera.driver), options))
    for key, config, options in optioned:
        _validated(config, path, options, (*key.split("."), "options"))
    return settings


def _neighbours(
    settings: Settings,
) -> list[tuple[str, Sink | Neighbour, list[str], Callable[[str], type[BaseModel]]]]:
    """Return everything but devices that is opened by its module's name: key, names, options."""
    reuse = settings.reuse
    sinks = [
        (f"sinks.{n}", sink, sink_names(), sink_config) for n, sink in enumerate(settings.sinks)
    ]
    others = [
        ("reuse.lookup", reuse.lookup, lookup_names(), lookup_config),
        ("reuse.comparer", reuse.comparer, comparer_names(), comparer_config),
    ]
    return [*sinks, *((key, one, names, config) for key, one, names, config in others if one)]


def _check_sinks(path: Path, sinks: Sequence[Sink]) -> None:
    """Refuse two sinks of one name, whose deliveries would be one, and a station without custody.

    Raises:
        SettingsError: one sentence.
    """
    names = [sink.name for sink in sinks]
    for n, name in enumerate(names):
        if name in names[:n]:
            taken = "another sink has that name; each needs its own"
            raise _refusal(path, ["sinks", str(n), "name"], f"is {name!r}", taken)
    if not any(sink.role == "custody" for sink in sinks):
        why = "one sink at least must be 'custody', or nothing is ever deleted"
        raise _refusal(path, ["sinks", "0", "role"], "is 'copy', as everywhere", why)


def document_names() -> list[str]:
    """Return the ids of the photo documents that this station knows, in whichever folder."""
    return sorted(path.stem for path in (CONFIGS / "documents").rglob("*.toml"))


def load_document(name: str) -> Document:
    """Read one photo document's file, with the gates that it takes over from another.

    Raises:
        SettingsError: the file, or the one that `gates_of` names, cannot be used.
    """
    path = _document_path(name)
    table = _table(path)
    shared = table.get("gates_of")
    if shared is not None:
        lenders = sorted(path.stem for path in (CONFIGS / "documents").glob("*.toml"))
        if shared not in lenders:
            raise _refusal(path, ["gates_of"], f"is {shared!r}", _one_of(str(shared), lenders))
        lent = _table(_document_path(shared)).get("gates", {})
        table["gates"] = {**lent, **table.get("gates", {})}
    return _validated(Document, path, table)


def preset_names() -> list[str]:
    """Return the ids of the presets that this station knows."""
    return sorted(path.stem for path in (CONFIGS / "presets").glob("*.toml"))


def load_preset(name: str) -> Preset:
    """Read how patiently a portrait is looked for. Raises `SettingsError`."""
    path = CONFIGS / "presets" / f"{name}.toml"
    return _validated(Preset, path, _table(path))


def portrait_rules(portrait: Portrait) -> PortraitRules:
    """Return what the search for a portrait goes by at this station. Raises `SettingsError`."""
    zero = PitchZero(portrait.pitch_zero_deg)
    return PortraitRules(load_preset(portrait.preset), portrait.good_frames, zero)


def load_reuse_policy() -> ReusePolicy:
    """Read when an earlier photo may be taken over, with the file's digest for the records.

    Raises:
        SettingsError: the file cannot be used, or claims a digest itself.
    """
    path = CONFIGS / "policies" / "reuse.toml"
    table = _table(path)
    if "sha256" in table:
        raise _refusal(path, ["sha256"], "is not known", "it is counted over the file, not read")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return _validated(ReusePolicy, path, {**table, "sha256": digest})


def _document_path(name: str) -> Path:
    folder = CONFIGS / "documents"
    return next(folder.rglob(f"{name}.toml"), folder / f"{name}.toml")


def device_options(device: Device, kind: Literal["cameras", "readers"]) -> dict[str, Any]:
    """Return a device's options: its model's file, overlaid by the station's own.

    Raises:
        SettingsError: the model's file is missing or cannot be read.
    """
    if device.model is None:
        return dict(device.options)
    return {**_table(CONFIGS / kind / f"{device.model}.toml"), **device.options}


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not valid TOML: {error}.") from None


def _validated(
    model: type[Model], path: Path, table: Mapping[str, Any], prefix: Sequence[str] = ()
) -> Model:
    try:
        return model.model_validate(table)
    except ValidationError as error:
        raise _explained(model, path, error.errors(include_url=False)[0], prefix) from None


def _explained(
    model: type[BaseModel], path: Path, refused: ErrorDetails, prefix: Sequence[str]
) -> SettingsError:
    """Return the first thing that pydantic refused, as a sentence for a technician."""
    loc = [str(part) for part in refused["loc"]]
    keys = [*prefix, *loc]
    words = refused["msg"].removeprefix("Value error, ")
    allowed = words[:1].lower() + words[1:]
    if refused["type"] == "extra_forbidden":
        return _refusal(path, keys, "is not known", _one_of(loc[-1], _known_keys(model, loc[:-1])))
    if refused["type"] == "missing":
        return _refusal(path, keys, "is missing", allowed)
    return _refusal(path, keys, f"is {refused['input']!r}", allowed)


def _known_keys(model: type[BaseModel], keys: Sequence[str]) -> list[str]:
    """Return the keys that may stand in the table that these keys lead to."""
    for key in keys:
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        if key not in fields:
            # A place in a list, or a name that the file's author chose.
            continue
        inner = _model_in(fields[key].annotation)
        if inner is None:
            return []
        model = inner
    return sorted(field.alias or name for name, field in model.model_fields.items())


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the section that a field's type holds, also inside tuples, options and annotations."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inside = (_model_in(part) for part in getattr(annotation, "__args__", ()))
    return next((found for found in inside if found), None)


def _one_of(given: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(given, names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}allowed: {', '.join(names)}"


def _refusal(path: Path, keys: Sequence[str], fault: str, allowed: str) -> SettingsError:
    line = line_of(path, keys)
    where = f"{path}, line {line}" if line else str(path)
    return SettingsError(f"{where}: {'.'.join(keys)} {fault}; {allowed}.")
