"""The technician's commands about readers and support; `run_edge.py` has them."""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

# Rooms are imported by the command that needs them, so that --help answers at once.
# ruff: noqa: PLC0415

if TYPE_CHECKING:
    from edge.reader_survey import Seen
    from edge.settings import Settings

NONE_ANSWERS: Final = 1

_SETTINGS = click.option(
    "--settings", "path", type=click.Path(path_type=Path), help="The station's file."
)


@click.command("readers")
@click.argument("ports", nargs=-1, metavar="[PORT]...")
@_SETTINGS
@click.option("--model", help="A file of firmware_configs/readers, such as r307.")
@click.option("--json", "as_json", is_flag=True, help="For machines: JSON on standard output.")
def list_readers(
    ports: tuple[str, ...], path: Path | None, model: str | None, as_json: bool
) -> None:
    """List the ports and the fingerprint reader that answers on each; changes nothing on it.

    PORT is a path, socket://host:port or rfc2217://host:port; without any, all ports of this
    machine that a reader may be on are asked. Ends with 0 if a reader answers, 1 if none does.
    """
    from drivers.find_reader import candidate_ports
    from drivers.serial_port import AUTO, checked_address
    from edge.reader_survey import same_port, survey
    from edge.settings import SettingsError, load_settings

    try:
        addresses = [checked_address(port) for port in ports if port != AUTO]
    except ValueError as refused:
        raise SettingsError(f"{refused}.") from None
    settings = None if path is None else load_settings(path, check_camera=False)
    own = _own_reader(settings) if settings else None
    if not addresses:
        named = str(settings.reader.options.get("port", AUTO)) if settings else AUTO
        addresses = candidate_ports()
        if named != AUTO and not any(same_port(named, port) for port in addresses):
            addresses.insert(0, named)
    found = [own] if own else []
    left = [port for port in addresses if own is None or not same_port(port, own.port)]
    if not as_json:
        for seen in found:
            click.echo(_described(seen))
    for seen in survey(left, _ways(settings, model)):
        found.append(seen)
        if not as_json:
            click.echo(_described(seen))
    if as_json:
        click.echo(json.dumps([asdict(seen) for seen in found], ensure_ascii=False, indent=2))
    elif not found:
        click.echo("No serial port that a reader may be on. Is its cable in?")
    sys.exit(0 if any(seen.driver for seen in found) else NONE_ANSWERS)


@click.command("support")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--settings", "path", type=click.Path(path_type=Path), required=True, help="The station's file."
)
def make_bundle(file: Path, path: Path) -> None:
    """Write FILE, a zip for support: versions, settings without secrets, devices, last words.

    A running station is asked; it goes on working. No image, key, PIN or name is in it.
    """
    from edge.settings import SettingsError, load_settings
    from edge.support import write_bundle

    if file.is_dir():
        said = "this is a folder; name the file, such as support.zip in it"
        raise IsADirectoryError(errno.EISDIR, said, str(file))
    settings, why_none = None, ""
    try:
        settings = load_settings(path, check_camera=False)
    except SettingsError as refused:
        why_none = str(refused)
    for name in write_bundle(settings, why_none, file):
        click.echo(name)


TECHNICIAN_COMMANDS: Final[list[click.Command]] = [list_readers, make_bundle]


def _own_reader(settings: Settings) -> Seen | None:
    """Ask the running station for its reader; None if none runs, or its reader is away."""
    import http.client

    from edge.reader_survey import told_by_station
    from edge.support import ask_station

    try:
        devices: list[Mapping[str, Any]] = ask_station(settings)["devices"]
    except (OSError, http.client.HTTPException, ValueError):
        return None
    return next((seen for device in devices if (seen := told_by_station(device))), None)


def _ways(settings: Settings | None, model: str | None) -> list[Any]:
    from edge.reader_survey import probes
    from edge.settings import CONFIGS, SettingsError, device_options
    from edge.settings_file import toml_table

    if model is not None:
        file = CONFIGS / "readers" / f"{model}.toml"
        options = toml_table(file)
        driver = _driver_of(options)
        if not driver:
            raise SettingsError(
                f"No reader driver takes what stands in {file}: see docs/add-a-reader.md."
            )
        return probes(driver, options)
    if settings is None:
        return probes()
    return probes(settings.reader.driver, device_options(settings.reader, "readers"))


def _driver_of(options: Mapping[str, Any]) -> str:
    """Return the driver whose options a model's file holds; "" if none takes them."""
    from drivers.load import reader_config, reader_names

    for name in reader_names():
        try:
            reader_config(name).model_validate({**options, "port": "/dev/null"})
        except ValueError:
            continue
        return name
    return ""


def _described(seen: Seen) -> str:
    if not seen.driver:
        return f"{seen.port}\n  {'in use' if seen.held else 'no reader'}: {seen.trouble}"
    packets = f", packets of {seen.packet_bytes} bytes" if seen.packet_bytes else ""
    ppi = f" at {seen.resolution_ppi} ppi" if seen.resolution_ppi else ""
    size = (
        f"{seen.width_px} x {seen.height_px} px{ppi}"
        if seen.width_px
        else "its size is not told; name the model"
    )
    lines = [
        seen.port,
        f"  answers: {seen.driver}{f', {seen.model}' if seen.model else ''}",
        f"  line: {seen.baud} baud{packets}",
        f"  image: {size}",
        *([f"  warning: {seen.warning}"] if seen.warning else []),
        *(["  warning: it reports a finger on an empty glass"] if seen.finger_at_opening else []),
        *(["  the running station has it and told this"] if seen.told_by_station else []),
    ]
    return "\n".join(lines)
