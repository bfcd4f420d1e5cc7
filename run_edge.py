"""The station's command line: reads settings, opens the station, serves, closes in reverse."""

from __future__ import annotations

import errno
import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click

from demo.told import DemoCommand, greet, report
from edge.commands.audit import AUDIT_COMMANDS
from edge.commands.calibrate import CALIBRATE_COMMANDS, CalibrateRefused
from edge.commands.content import CONTENT_COMMANDS, ContentRefused
from edge.commands.custody import CUSTODY_COMMANDS, CustodyRefused
from edge.commands.portable import VISITS_COMMANDS, PortableRefused, check
from edge.commands.provision import provision
from edge.commands.staff import STAFF_COMMANDS, StaffRefused
from edge.commands.technician import TECHNICIAN_COMMANDS
from edge.commands.update import UPDATE_COMMANDS
from edge.commands.upkeep import SAFE_MODE_COMMANDS

# Rooms are imported by the command that needs them, so that --help and a refusal answer at once.
# ruff: noqa: PLC0415

if TYPE_CHECKING:
    from api.listener import Listener
    from api.technician.serve import Extension
    from demo.clerk import Clerk
    from demo.neighbours import Centre
    from demo.station import DemoPlan
    from edge.station import Station
    from edge.watchdog import Proof

DEMO_FOLDER: Final = Path(__file__).resolve().parent / "var" / "demo"
CANNOT_BEGIN: Final = 2
STORE_BROKE: Final = 75
"""EX_TEMPFAIL: whoever started us shall start us again; a restart recovers the store."""
WATCH_S: Final = 0.25
DISK_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
ROOM_MIB: Final = 300
"""Floor and both reserves of the store, as `docs/settings.md` gives them, rounded up."""


@click.group()
def cli() -> None:
    """Anxin Station: ID photographs and fingerprints, sealed and delivered."""


@cli.command()
@click.option("--settings", "path", type=click.Path(path_type=Path), required=True)
@click.option(
    "--state",
    type=click.Path(path_type=Path),
    help="As a service: never end, see docs/safe-mode.md.",
)
def run(path: Path, state: Path | None) -> None:
    """Run the station that a settings file describes.

    With --state, the folder where starts and the last good settings are remembered, a start that
    fails ends in safe mode; without it in one sentence.
    """
    stop = _stop_signal()
    with ExitStack() as stack, one_sentence():
        from api import start
        from edge.core_files import forbid_core_files
        from edge.logs import configure_logs
        from edge.station_file.restart import restart_by_keeper

        forbid_core_files()
        configure_logs()
        restart = restart_by_keeper(os.environ)
        if state is None:
            whole = start.open_whole(path, stack, restart=restart)
            _watch(whole.proofs(), stack)
            code = _serve(whole.station, stop)
        else:
            say = partial(click.echo, err=True)
            code = start.serve_on(path, state, stop, _watch, say, restart=restart)
    sys.exit(code)


@cli.command(cls=DemoCommand)
@click.option("--folder", type=click.Path(path_type=Path), default=DEMO_FOLDER)
@click.option("--subject", default="straightens", help="Who stands before the camera: see below.")
@click.option("--earlier-photo", help="The centre orders with an earlier photo: see below.")
@click.option("--finger-story", help="How the fingers press: see below.")
@click.option("--kiosk-port", default=8080, help="0: any free one.")
@click.option("--v1-port", default=8081, help="0: any free one.")
@click.option("--centre-port", default=8443, help="0: any free one.")
@click.option("--console-port", type=int, help="Usually 8082, or any free one.")
@click.option("--guide-port", type=int, help="Usually 8083, or any free one.")
@click.option("--quick-reader", is_flag=True, help="Fingers and prints come at once.")
@click.option("--set", "other", multiple=True, help="Another setting: section.name=value, as TOML.")
@click.option("--once", is_flag=True, help="Walk one person through, without a browser.")
@click.option("--limit-s", default=170.0, help="With --once: give up after so many seconds.")
@click.option("--json", "as_json", is_flag=True, help="For machines: JSON on standard output.")
def demo(  # noqa: PLR0917 - one parameter an option
    folder: Path,
    subject: str,
    earlier_photo: str | None,
    finger_story: str | None,
    kiosk_port: int,
    v1_port: int,
    centre_port: int,
    console_port: int | None,
    guide_port: int | None,
    quick_reader: bool,
    other: tuple[str, ...],
    once: bool,
    limit_s: float,
    as_json: bool,
) -> None:
    """Run the demo station: real photographs, a reader of real bytes, a centre that answers."""
    stop = _stop_signal()
    folder = folder.resolve()
    with ExitStack() as stack, one_sentence():
        from api.technician.serve import Extension
        from demo.badge import open_or_make_badge, open_or_make_technician
        from demo.clerk import clerk_for
        from demo.console import KNOB_WORDS, knob_pages
        from demo.finger_stories import story_for
        from demo.station import (
            DemoPlan,
            free_port,
            open_demo,
            settings_copy,
            usual_console_port,
            usual_guide_port,
        )
        from edge.core_files import forbid_core_files
        from edge.logs import configure_logs

        forbid_core_files()
        folder.mkdir(parents=True, exist_ok=True)
        configure_logs(stack.enter_context((folder / "station.log").open("a", encoding="utf-8")))
        if once:
            kiosk_port = v1_port = 0
        _check_demo_ports(kiosk_port, v1_port, centre_port, console_port or 0, guide_port or 0)
        clerk = clerk_for(earlier_photo)
        badge, technician = open_or_make_badge(folder), open_or_make_technician(folder)
        plan = DemoPlan(
            folder, subject, kiosk_port, v1_port, centre_port or free_port(), badge,
            story_for(finger_story), quick_reader,
            usual_guide_port(kiosk_port) if guide_port is None else guide_port, other,
            0 if once else usual_console_port() if console_port is None else console_port,
        )  # fmt: skip
        cues = [] if once or clerk is None else [clerk.order]
        station, centre = open_demo(plan, stack, *cues)
        if once:
            code = _walk_once(station, centre, plan, clerk, (limit_s, stop), as_json=as_json)
        else:
            knobs = knob_pages(plan.knobs, lambda: station.desk.snapshot)
            added = Extension((knobs,), (KNOB_WORDS,))
            kiosk, v1, guide, console = open_listeners(station, stack, settings_copy(plan), added)
            if clerk is not None:
                clerk.begin(f"{v1.url}v1/", folder)
                stack.callback(clerk.end)
            # Only now: the first page does not wait for the centre.
            centre.await_accepting()
            _watch(station.proofs(kiosk, v1, guide, console), stack)
            urls = (kiosk.url, v1.url, console.url, guide.url)
            greet(urls, plan, (badge, technician), as_json=as_json)
            code = _serve(station, stop)
    sys.exit(code)


def _walk_once(
    station: Station,
    centre: Centre,
    plan: DemoPlan,
    clerk: Clerk | None,
    patience: tuple[float, threading.Event],
    *,
    as_json: bool,
) -> int:
    """Walk one person through; with a clerk, an ordered one, and hold the outcome against it."""
    from demo.choices import hand_for, tell_outcome
    from demo.finger_stories import hand_for_story, hold_against
    from demo.walk import both, walk

    limit_s, stop = patience
    centre.await_accepting()
    parts = (station.desk, station.store, station.verifier, limit_s, stop.is_set)
    hands = [hand_for_story(plan.story, plan.badge)] if plan.story and plan.badge else []
    if clerk is None or plan.badge is None:
        told = walk(*parts, both(*hands))
    else:
        with ExitStack() as briefly:
            _, v1, *_ = open_listeners(station, briefly)
            clerk.begin(f"{v1.url}v1/", plan.folder)
            briefly.callback(clerk.end)
            told = walk(*parts, both(hand_for(clerk.case, plan.badge), *hands))
            tell_outcome(told, clerk, plan.folder / "centre" / "packages")
    if plan.story is not None:
        hold_against(plan.story, told)
    report(told, as_json=as_json)
    return 1 if told.problem else 0


@cli.command("demo-centre")
@click.option("--folder", type=click.Path(path_type=Path), required=True)
@click.option("--port", default=8443, help="0: any free one.")
@click.option("--attached", is_flag=True, help="End when standard input ends.")
def demo_centre(folder: Path, port: int, attached: bool) -> None:
    """Run the stand-in centre: opens what arrives and answers with signed receipts."""
    from centre.app import serve

    if attached:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    with one_sentence():
        from api.ports import WantedPort, check_ports

        check_ports([WantedPort("127.0.0.1", port, "--port")])
        serve(folder, "127.0.0.1", port, lambda bound: click.echo(f"https://127.0.0.1:{bound}/"))


@cli.command("demo-reader", hidden=True)
@click.option("--folder", type=click.Path(path_type=Path), required=True)
@click.option("--quick", is_flag=True)
def demo_reader(folder: Path, quick: bool) -> None:
    """Be the other end of the demo's serial line until standard input ends."""
    from drivers.peers.presses import DEMO_PLAN
    from drivers.peers.reader_control import CONTROL_NAME, ReaderControl
    from drivers.peers.zfm import ZfmPeer

    press_after_s = 0.1 if quick else 1.0
    # The station's own Ctrl-C reaches us too; the end of our input is what ends us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with (
        ZfmPeer(plan=DEMO_PLAN, delay_s=press_after_s, throttled=not quick, folder=folder) as peer,
        ReaderControl(folder / CONTROL_NAME, peer) as control,
    ):
        for line in sys.stdin.buffer:
            # Each line announces the next person, or the finger that the screen asks for.
            control.obey(line.decode("utf-8", "replace"))


class _RefusingGroup(click.Group):
    """Says what its commands refuse as every other refusal is said."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that was asked for."""
        with one_sentence():
            return super().invoke(ctx)


@cli.group("audit", cls=_RefusingGroup, commands=AUDIT_COMMANDS)
def audit_chain() -> None:
    """Check the record of who did what."""


@cli.group(cls=_RefusingGroup, commands=VISITS_COMMANDS)
def visits() -> None:
    """Take in the visit list of a carried station, and show it by numbers and initials."""


@cli.group(cls=_RefusingGroup, commands=STAFF_COMMANDS)
def staff() -> None:
    """Say who may sign at the station: numbers and hashed PINs, in `reuse.staff_file`."""


@cli.group("safe-mode", cls=_RefusingGroup, commands=SAFE_MODE_COMMANDS)
def safe_mode() -> None:
    """Say why the station does not run as its settings say, and let it try again."""


@cli.group("update", cls=_RefusingGroup, commands=UPDATE_COMMANDS)
def update() -> None:
    """Install a signed release into the other version folder, and go back by itself if it fails."""


@cli.group(cls=_RefusingGroup, commands=CALIBRATE_COMMANDS)
def calibrate() -> None:
    """Measure camera and reader step by step, and record a signed field check."""


@cli.group("content", cls=_RefusingGroup, commands=CONTENT_COMMANDS)
def content_packs() -> None:
    """Check and install cards and lists that the centre has signed."""


def open_listeners(
    station: Station,
    stack: ExitStack,
    settings_file: Path | None = None,
    extension: Extension | None = None,
) -> tuple[Listener, ...]:
    """Serve what the settings say, pages and `/v1` first; closed by the stack."""
    from api import serve

    return serve.open_listeners(station, stack, settings_file, extension)


def _check_demo_ports(kiosk: int, v1: int, centre: int, console: int, guide: int) -> None:
    from api.ports import WantedPort, check_ports

    wanted = {"--kiosk-port": kiosk, "--v1-port": v1, "--centre-port": centre}
    wanted |= {"--console-port": console, "--guide-port": guide}
    check_ports([WantedPort("127.0.0.1", port, option) for option, port in wanted.items()])


def _watch(proofs: Mapping[str, Proof], stack: ExitStack) -> None:
    """Tell whoever keeps the service, if anybody does, that it is ready and that it lives."""
    from edge.watchdog import Keeper, Watchdog

    # What hangs is ended by SIGABRT: then the places of all threads, no values, go to the journal.
    faulthandler.enable()
    watchdog = Watchdog(Keeper.from_environment(os.environ), proofs)
    watchdog.start()
    stack.callback(watchdog.close)


def _serve(station: Station, stop: threading.Event) -> int:
    """Wait for the end: a signal, or a store that only a restart can mend."""
    while not stop.wait(WATCH_S):
        if station.failed:
            return STORE_BROKE
    return 0


def _stop_signal() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


@contextmanager
def one_sentence() -> Iterator[None]:
    """End with one sentence that says what to do, where a traceback would help nobody."""
    from api.ports import PortTaken
    from api.security import TokenUnusable
    from api.tls import TlsUnusable
    from demo.neighbours import DemoError
    from edge.settings import SettingsError
    from edge.staff import StaffFileUnsafe
    from edge.store import StoreError, StoreFull
    from edge.trust.keys import KeyUnusable
    from edge.upkeep.update import UpdateRefused
    from edge.vision.client import ModelUnfit

    try:
        yield
    except StoreFull:
        _refuse(_disk_full(""))
    except (
        SettingsError, StoreError, KeyUnusable, ModelUnfit, DemoError, PortTaken, TokenUnusable,
        TlsUnusable, StaffFileUnsafe, StaffRefused, CustodyRefused,
        ContentRefused, CalibrateRefused, PortableRefused, UpdateRefused,
    ) as error:  # fmt: skip
        _refuse(str(error))
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        if error.errno in DISK_FULL:
            _refuse(_disk_full(where))
        _refuse(f"The system refused{where}: {error.strerror or error}.")


def _refuse(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(CANNOT_BEGIN)


def _disk_full(where: str) -> str:
    return (
        f"The disk is full{where}: free at least {ROOM_MIB} MiB there"
        f" (more if store.floor_mib or store.reserve_mib say so), then start again."
    )


def _end_with_parent() -> None:
    # Not sys.stdin: its lock, held at the interpreter's end by a daemon thread, would be fatal.
    while os.read(0, 4096):
        continue
    os.kill(os.getpid(), signal.SIGTERM)


for _command in (*TECHNICIAN_COMMANDS, *CUSTODY_COMMANDS, provision, check):
    _command.callback = one_sentence()(_command.callback) if _command.callback else None
    cli.add_command(_command)


if __name__ == "__main__":
    cli()
