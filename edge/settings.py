"""Everything that an operator may set: typed, frozen, and refusing what it does not know.

A station file (`firmware_configs/stations/*.toml`) and the files that it names are read here and
nowhere else. Paths in it are relative to where the service is started. What a refused file says is
meant for a technician: file, line, key, what stands there, what may stand there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel

from drivers.load import camera_config, camera_names, reader_config, reader_names
from edge.candidates.load import lookup_config, lookup_names
from edge.comparison.load import comparer_config, comparer_names
from edge.fingers.profile import FingerProfile
from edge.preset import PortraitRules, Preset
from edge.reuse.policy import ReusePolicy
from edge.settings_file import SettingsError, one_of, refusal, toml_table, validated
from edge.settings_sections import (
    EXTRA_PARTS_MAX,
    FINGER_POSITIONS,
    AttackNetFile,
    Device,
    FingerPosition,
    Fingers,
    Neighbour,
    Portrait,
    RecordKind,
    Service,
    Settings,
    Sink,
    SittingLimits,
    Store,
    Vision,
    Voice,
)
from edge.sinks.load import PULL, sink_config, sink_names
from quality.document import Document
from quality.pitch_zero import PitchZero

__all__ = [
    "CONFIGS",
    "EXTRA_PARTS_MAX",
    "FINGER_POSITIONS",
    "AttackNetFile",
    "Device",
    "FingerPosition",
    "Fingers",
    "Neighbour",
    "Portrait",
    "RecordKind",
    "Service",
    "Settings",
    "SettingsError",
    "Sink",
    "SittingLimits",
    "Store",
    "Vision",
    "Voice",
    "device_options",
    "document_names",
    "finger_profile_names",
    "load_document",
    "load_finger_profile",
    "load_preset",
    "load_reuse_policy",
    "load_settings",
    "portrait_rules",
    "preset_names",
]

CONFIGS: Final = Path(__file__).resolve().parent.parent / "firmware_configs"


def load_settings(path: Path, *, check_camera: bool = True) -> Settings:
    """Read one station file and hold every device's and sink's options against its driver.

    Args:
        path: the file.
        check_camera: False for who brings the camera's options himself, as the demo does.

    Raises:
        SettingsError: one sentence with file, line, key and what may stand there.
    """
    settings = validated(Settings, path, toml_table(path))
    named = [
        ("camera.driver", settings.camera.driver, camera_names()),
        ("reader.driver", settings.reader.driver, reader_names()),
        *(("portrait.documents", name, document_names()) for name in settings.portrait.documents),
        ("portrait.preset", settings.portrait.preset, preset_names()),
        ("fingers.profile", settings.fingers.profile, finger_profile_names()),
        *((f"{key}.driver", one.driver, names) for key, one, names, _ in _neighbours(settings)),
    ]
    for key, name, names in named:
        if name not in names:
            raise refusal(path, key.split("."), f"is {name!r}", one_of(name, names), "not_one_of")
    _check_sinks(path, settings.sinks)
    _check_fingers(path, settings.fingers)
    _check_console(path, settings, "guide")
    _check_console(path, settings, "technician")
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
        validated(config, path, options, (*key.split("."), "options"))
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
            raise refusal(
                path, ["sinks", str(n), "name"], f"is {name!r}", taken, "sink_named_twice"
            )
    ours = (PULL, PULL, "custody")
    for n, sink in enumerate(sinks):
        if PULL in (sink.name, sink.driver) and (sink.name, sink.driver, sink.role) != ours:
            why = "the sink that clients collect from is 'pull' by name and driver, with custody"
            raise refusal(
                path, ["sinks", str(n), "driver"], f"is {sink.driver!r}", why, "sink_pull"
            )
    if not any(sink.role == "custody" for sink in sinks):
        why = "one sink at least must be 'custody', or nothing is ever deleted"
        raise refusal(
            path, ["sinks", "0", "role"], "is 'copy', as everywhere", why, "custody_missing"
        )


def _check_fingers(path: Path, fingers: Fingers) -> None:
    """Refuse a minimum that is more than the fingers wanted, and records that have no room.

    Raises:
        SettingsError: one sentence.
    """
    wanted = len(fingers.positions or load_finger_profile(fingers.profile).slots)
    if fingers.minimum is not None and fingers.minimum > wanted:
        most = f"at most {wanted}, for so many fingers are asked for"
        raise refusal(
            path, ["fingers", "minimum"], f"is {fingers.minimum}", most, "fingers_minimum"
        )
    if len(fingers.records) * wanted > EXTRA_PARTS_MAX:
        most = f"at most {EXTRA_PARTS_MAX} records in a package, fingers times kinds"
        raise refusal(path, ["fingers", "records"], "is too much", most, "fingers_records")


def _check_console(path: Path, settings: Settings, name: Literal["guide", "technician"]) -> None:
    """Refuse a console for nobody, and one that a PIN would cross the network to in the clear.

    Raises:
        SettingsError: one sentence.
    """
    console = settings.guide if name == "guide" else settings.technician
    if not console.enabled:
        return
    if settings.reuse.staff_file is None:
        why = "only with reuse.staff_file: nobody could sign in"
        raise refusal(path, [name, "enabled"], "is true", why, "console_for_nobody")
    if not console.host.is_loopback and not (console.certificate and console.private_key):
        why = f"a loopback address, or {name}.certificate and {name}.private_key beside it"
        raise refusal(path, [name, "host"], f"is {str(console.host)!r}", why, "console_without_tls")


def document_names() -> list[str]:
    """Return the ids of the photo documents that this station knows, in whichever folder."""
    return sorted(path.stem for path in (CONFIGS / "documents").rglob("*.toml"))


def load_document(name: str) -> Document:
    """Read one photo document's file, with the gates that it takes over from another.

    Raises:
        SettingsError: the file, or the one that `gates_of` names, cannot be used.
    """
    path = _document_path(name)
    table = toml_table(path)
    shared = table.get("gates_of")
    if shared is not None:
        lenders = sorted(path.stem for path in (CONFIGS / "documents").glob("*.toml"))
        if shared not in lenders:
            raise refusal(path, ["gates_of"], f"is {shared!r}", one_of(str(shared), lenders))
        lent = toml_table(_document_path(shared)).get("gates", {})
        table["gates"] = {**lent, **table.get("gates", {})}
    return validated(Document, path, table)


def finger_profile_names() -> list[str]:
    """Return the ids of the finger profiles that this station knows."""
    return sorted(path.stem for path in (CONFIGS / "fingers").glob("*.toml"))


def load_finger_profile(name: str) -> FingerProfile:
    """Read which fingers are asked for, and what stands in for what. Raises `SettingsError`."""
    path = CONFIGS / "fingers" / f"{name}.toml"
    return validated(FingerProfile, path, toml_table(path))


def preset_names() -> list[str]:
    """Return the ids of the presets that this station knows."""
    return sorted(path.stem for path in (CONFIGS / "presets").glob("*.toml"))


def load_preset(name: str) -> Preset:
    """Read how patiently a portrait is looked for. Raises `SettingsError`."""
    path = CONFIGS / "presets" / f"{name}.toml"
    return validated(Preset, path, toml_table(path))


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
    table = toml_table(path)
    if "sha256" in table:
        raise refusal(path, ["sha256"], "is not known", "it is counted over the file, not read")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return validated(ReusePolicy, path, {**table, "sha256": digest})


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
    return {**toml_table(CONFIGS / kind / f"{device.model}.toml"), **device.options}
