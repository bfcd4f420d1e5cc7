"""The technician's commands about versions: install one, say how that went, go back, settle."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

# Rooms are imported by the command that needs them, so that --help answers at once.
# ruff: noqa: PLC0415

if TYPE_CHECKING:
    from edge.upkeep.slots import Update
    from edge.upkeep.update import Bench

FELL_BACK: Final = 1
CALM_S: Final = 120.0

_ROOT = click.option(
    "--root",
    type=click.Path(path_type=Path),
    default=Path("/opt/anxin-station"),
    show_default=True,
    help="Where the version folders lie.",
)
_SETTINGS = click.option(
    "--settings",
    "path",
    type=click.Path(path_type=Path),
    default=Path("/etc/anxin-station/station.toml"),
    show_default=True,
    help="The station's file.",
)
_UNIT = click.option("--unit", default="anxin-station", show_default=True, hidden=True)
_LANGUAGE = click.option(
    "--language", type=click.Choice(["zh-CN", "en"]), default="en", show_default=True
)
_WITHIN = click.option(
    "--within-s", default=180.0, show_default=True, help="Of the trial, at most."
)
_STEADY = click.option(
    "--steady-s", default=30.0, show_default=True, help="So long without a fault."
)


def _options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def dress(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return dress


_ALL = _options(_ROOT, _SETTINGS, _UNIT, _LANGUAGE, _WITHIN, _STEADY)


class SystemdService:
    """The station's unit."""

    def __init__(self, unit: str) -> None:
        self._unit = unit

    def stop(self) -> None:
        """Stop it; returns when it has ended."""
        self._tell("stop")

    def start(self) -> None:
        """Start what `current` points to, without waiting until it is ready: it may never be."""
        self._tell("start", "--no-block")

    def _tell(self, *words: str) -> None:
        try:
            # By its name: who may update is root, and root's own PATH says where it is.
            subprocess.run(["systemctl", *words, self._unit], check=True, timeout=CALM_S)  # noqa: S603, S607
        except subprocess.SubprocessError as error:
            raise OSError(f"systemctl {words[0]} {self._unit} failed") from error


@click.command("install")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--keys",
    type=click.Path(path_type=Path),
    default=Path("/etc/anxin-station/release-keys.json"),
    show_default=True,
    help="The pinned keys of who releases.",
)
@click.option("--older", is_flag=True, help="Also a version that is older than the present one.")
@_ALL
def install(file: Path, keys: Path, older: bool, language: str, **where: Any) -> None:
    """Install FILE, a signed release, beside the version that runs, and let it prove itself.

    Ends with 0 if it runs now, with 1 if it did not prove itself and the version before is back.
    """
    from edge.upkeep.release_file import ReleaseUnfit, read_release_keys
    from edge.upkeep.update import install as install_release

    bench = _bench(language, **where)
    try:
        _refuse_while_served(where["path"])
        update = install_release(bench, file, dict(read_release_keys(keys)), older=older)
    except ReleaseUnfit as unfit:
        raise _refused(f"{file} was not installed: {unfit}. Nothing changed.") from unfit
    _tell(update, language)


@click.command("back")
@_ALL
def back(language: str, **where: Any) -> None:
    """Go back to the version before, with the same trial."""
    from edge.upkeep.release_file import ReleaseUnfit
    from edge.upkeep.update import back as go_back

    try:
        _refuse_while_served(where["path"])
        _tell(go_back(_bench(language, **where)), language)
    except ReleaseUnfit as unfit:
        raise _refused(f"{unfit}. Nothing changed.") from unfit


@click.command("settle")
@_ALL
def settle(language: str, **where: Any) -> None:
    """Bring an update to its end that a power cut interrupted; the unit of the gate does this.

    Ends with 0 once nothing is left to be settled, whichever version runs then.
    """
    from edge.upkeep.update import settle as bring_to_end

    update = bring_to_end(_bench(language, **where))
    if update is not None:
        _show(update, language)


@click.command("status")
@_ROOT
@_LANGUAGE
@click.option("--json", "as_json", is_flag=True, help="For machines: JSON on standard output.")
def status(root: Path, language: str, as_json: bool) -> None:
    """Say which version runs, which one stands behind it, and how the last update ended."""
    from edge.upkeep.slots import CURRENT, PREVIOUS, Slots
    from edge.upkeep.words import line

    slots = Slots(root)
    update, links = slots.update(), {name: slots.pointed(name) for name in (CURRENT, PREVIOUS)}
    if as_json:
        told = {**links, "update": None if update is None else asdict(update)}
        click.echo(json.dumps(told, indent=2))
        return
    for name, slot in links.items():
        click.echo(f"{line(language, f'update.{name}')}: {slot or '-'}")
    if update is None:
        click.echo(line(language, "update.none"))
    else:
        _show(update, language)


UPDATE_COMMANDS: Final[list[click.Command]] = [install, status, back, settle]


def _bench(  # noqa: PLR0917 - one parameter an option
    language: str, root: Path, path: Path, unit: str, within_s: float, steady_s: float
) -> Bench:
    from edge.settings import load_settings
    from edge.upkeep.gate import Patience, StationDoor
    from edge.upkeep.slots import Slots
    from edge.upkeep.update import Bench
    from edge.upkeep.words import line

    settings = load_settings(path)
    door = StationDoor(settings.v1.port, settings.store.folder / "v1.token", settings.v1.host)
    patience = Patience(within_s, steady_s, min(1.0, steady_s / 3))
    return Bench(
        Slots(root), SystemdService(unit), door.look, patience,
        lambda code: click.echo(line(language, f"step.{code}")),
    )  # fmt: skip


def _refuse_while_served(path: Path) -> None:
    """Refuse while somebody is at the screen: a restart would stand in their way."""
    import urllib.request

    from edge.settings import load_settings

    kiosk = load_settings(path).kiosk
    try:
        address = f"http://{kiosk.host}:{kiosk.port}/screen"
        with urllib.request.urlopen(address, timeout=5) as answer:
            page = answer.read().decode("utf-8", "replace")
    except OSError:
        # Nobody can be served by a station that does not answer.
        return
    if 'name="token" value=""' not in page and 'name="token"' in page:
        raise _refused("Somebody is at the screen now: begin maintenance, or try again later.")


def _refused(sentence: str) -> Exception:
    from edge.upkeep.update import UpdateRefused

    return UpdateRefused(sentence)


def _tell(update: Update, language: str) -> None:
    _show(update, language)
    sys.exit(0 if update.state == "passed" else FELL_BACK)


def _show(update: Update, language: str) -> None:
    from edge.upkeep.words import line

    click.echo(f"{line(language, f'update.{update.state}')} ({update.version}, {update.at})")
    if update.reason:
        click.echo(f"{line(language, 'update.reason')}: {update.reason}")
    if update.state in {"fell_back", "interrupted"}:
        click.echo(line(language, f"update.{update.state}_do"))
