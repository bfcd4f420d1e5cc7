"""The station's command line: reads settings, opens the station, serves, closes in reverse."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click

# Rooms are imported by the command that needs them, so that --help and a refusal answer at once.
# ruff: noqa: PLC0415

if TYPE_CHECKING:
    from api.app import KioskStation, V1Station
    from api.listener import Listener
    from demo.badge import Badge
    from demo.clerk import Clerk
    from demo.neighbours import Centre
    from demo.station import DemoPlan
    from demo.walk import Walk
    from edge.settings import Settings
    from edge.station import Station

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
def run(path: Path) -> None:
    """Run the station that a settings file describes."""
    stop = _stop_signal()
    with ExitStack() as stack, one_sentence():
        from edge.core_files import forbid_core_files
        from edge.logs import configure_logs
        from edge.settings import load_settings
        from edge.station import build, lay_foundation

        forbid_core_files()
        configure_logs()
        settings = load_settings(path)
        _check_listeners(settings, f"kiosk.port in {path}", f"v1.port in {path}")
        station = build(lay_foundation(settings, stack), stack)
        open_listeners(station, stack)
        code = _serve(station, stop)
    sys.exit(code)


class _DemoCommand(click.Command):
    """Ends its help with subjects and earlier photos, which are read only when somebody asks."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each subject and what the camera sees of it, and each earlier photo."""
        from demo.earlier_photos import EARLIER_PHOTOS
        from demo.pictures import MOVING, SUBJECTS

        rows = [(name, subject.title) for name, subject in SUBJECTS.items()]
        with formatter.section("Subjects"):
            formatter.write_dl([*rows, (MOVING, "a video of a man who moves")])
        cases = [(name, case.title) for name, case in EARLIER_PHOTOS.items()]
        with formatter.section("Earlier photos"):
            formatter.write_dl(cases)


@cli.command(cls=_DemoCommand)
@click.option("--folder", type=click.Path(path_type=Path), default=DEMO_FOLDER)
@click.option("--subject", default="straightens", help="Who stands before the camera: see below.")
@click.option("--earlier-photo", help="The centre orders with an earlier photo: see below.")
@click.option("--kiosk-port", default=8080, help="0: any free one.")
@click.option("--v1-port", default=8081, help="0: any free one.")
@click.option("--centre-port", default=8443, help="0: any free one.")
@click.option("--once", is_flag=True, help="Walk one person through, without a browser.")
@click.option("--limit-s", default=120.0, help="With --once: give up after so many seconds.")
@click.option("--json", "as_json", is_flag=True, help="For machines: JSON on standard output.")
def demo(  # noqa: PLR0917 - one parameter an option
    folder: Path,
    subject: str,
    earlier_photo: str | None,
    kiosk_port: int,
    v1_port: int,
    centre_port: int,
    once: bool,
    limit_s: float,
    as_json: bool,
) -> None:
    """Run the demo station: real photographs, a reader of real bytes, a centre that answers."""
    stop = _stop_signal()
    folder = folder.resolve()
    with ExitStack() as stack, one_sentence():
        from demo.badge import open_or_make_badge
        from demo.clerk import clerk_for
        from demo.station import DemoPlan, free_port, open_demo
        from edge.core_files import forbid_core_files
        from edge.logs import configure_logs

        forbid_core_files()
        folder.mkdir(parents=True, exist_ok=True)
        configure_logs(stack.enter_context((folder / "station.log").open("a", encoding="utf-8")))
        if once:
            kiosk_port = v1_port = 0
        _check_demo_ports(kiosk_port, v1_port, centre_port)
        clerk = clerk_for(earlier_photo)
        badge = open_or_make_badge(folder)
        plan = DemoPlan(folder, subject, kiosk_port, v1_port, centre_port or free_port(), badge)
        cues = [] if once or clerk is None else [clerk.order]
        station, centre = open_demo(plan, stack, *cues)
        if once:
            code = _walk_once(station, centre, plan, clerk, (limit_s, stop), as_json=as_json)
        else:
            kiosk, v1 = open_listeners(station, stack)
            if clerk is not None:
                clerk.begin(f"{v1.url}v1/", folder)
                stack.callback(clerk.end)
            # Only now: the first page does not wait for the centre.
            centre.await_accepting()
            _greet(kiosk, v1, plan, badge if clerk else None, as_json=as_json)
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
    from demo.walk import walk

    limit_s, stop = patience
    centre.await_accepting()
    parts = (station.desk, station.store, station.verifier, limit_s, stop.is_set)
    if clerk is None or plan.badge is None:
        told = walk(*parts)
    else:
        with ExitStack() as briefly:
            _, v1 = open_listeners(station, briefly)
            clerk.begin(f"{v1.url}v1/", plan.folder)
            briefly.callback(clerk.end)
            told = walk(*parts, hand_for(clerk.case, plan.badge))
            tell_outcome(told, clerk, plan.folder / "centre" / "packages")
    _report(told, as_json=as_json)
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
def demo_reader(folder: Path) -> None:
    """Be the other end of the demo's serial line until standard input ends."""
    from drivers.peers.presses import DEMO_PLAN
    from drivers.peers.zfm import ZfmPeer

    # The station's own Ctrl-C reaches us too; the end of our input is what ends us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with ZfmPeer(plan=DEMO_PLAN, throttled=True, folder=folder) as peer:
        for _ in sys.stdin.buffer:
            # Each line announces the next person.
            peer.start_plan(DEMO_PLAN)


@cli.group()
def staff() -> None:
    """Say who may sign at the station: numbers and hashed PINs, in `reuse.staff_file`."""


_SETTINGS = click.option(
    "--settings", "path", type=click.Path(path_type=Path), required=True, help="The station's file."
)
_NUMBER = click.argument("number")


@staff.command("add")
@_SETTINGS
@_NUMBER
def add_attendant(path: Path, number: str) -> None:
    """Let NUMBER sign, or give it a new PIN; the PIN is asked for and never shown."""
    from edge.staff import PIN, add_staff

    with one_sentence():
        file = _staff_file(path)
        if not (number.isascii() and number.isdigit()):
            _refuse("A number has digits only: the screen's keys have nothing else.")
        pin = click.prompt("PIN, 6 to 12 digits", hide_input=True, confirmation_prompt="Once more")
        if not PIN.fullmatch(pin):
            _refuse("A PIN has 6 to 12 digits; nothing was changed.")
        file.parent.mkdir(parents=True, exist_ok=True)
        add_staff(file, number, pin)
        click.echo(f"{number} can sign now.")


@staff.command("list")
@_SETTINGS
def list_attendants(path: Path) -> None:
    """List who may sign, one number a line."""
    from edge.staff import staff_ids

    with one_sentence():
        file = _staff_file(path)
        for number in staff_ids(file) if file.exists() else ():
            click.echo(number)


@staff.command("remove")
@_SETTINGS
@_NUMBER
def remove_attendant(path: Path, number: str) -> None:
    """Strike NUMBER off; it can sign no more, at once."""
    from edge.staff import remove_staff

    with one_sentence():
        file = _staff_file(path)
        try:
            remove_staff(file, number)
        except KeyError:
            _refuse("Nobody has this number; nothing was changed.")
        click.echo(f"{number} can sign no more.")


def _staff_file(path: Path) -> Path:
    from edge.settings import load_settings

    file = load_settings(path, check_camera=False).reuse.staff_file
    if file is None:
        _refuse(f"{path} names no staff file: set reuse.staff_file there.")
    return file


def open_listeners(station: Station, stack: ExitStack) -> tuple[Listener, Listener]:
    """Serve the kiosk pages and `/v1`; closed by the stack.

    Raises:
        OSError: a port was taken since `check_ports`, or the token's file cannot be read.
        TokenUnusable: what stands in the token's file protects nothing.
    """
    from api.app import (
        KIOSK_STREAMS,
        V1_BODY_BYTES_MAX,
        V1_STREAMS,
        Listener,
        create_kiosk_app,
        create_v1_app,
    )
    from api.security import open_or_make_token

    settings = station.settings
    token = open_or_make_token(settings.store.folder / "v1.token")
    kiosk_closing, v1_closing = threading.Event(), threading.Event()
    kiosk = Listener(
        create_kiosk_app(_behind_kiosk(station), kiosk_closing),
        settings.kiosk.host,
        settings.kiosk.port,
        streams=KIOSK_STREAMS,
        closing=kiosk_closing,
    )
    v1 = Listener(
        create_v1_app(_behind_v1(station), token),
        settings.v1.host,
        settings.v1.port,
        streams=V1_STREAMS,
        closing=v1_closing,
        body_bytes_max=V1_BODY_BYTES_MAX,
    )
    for listener in (kiosk, v1):
        listener.start()
        stack.callback(listener.close)
    return kiosk, v1


def _check_listeners(settings: Settings, kiosk: str, v1: str) -> None:
    from api.ports import WantedPort, check_ports

    check_ports(
        [
            WantedPort(settings.kiosk.host, settings.kiosk.port, kiosk),
            WantedPort(settings.v1.host, settings.v1.port, v1),
        ]
    )


def _check_demo_ports(kiosk: int, v1: int, centre: int) -> None:
    from api.ports import WantedPort, check_ports

    wanted = {"--kiosk-port": kiosk, "--v1-port": v1, "--centre-port": centre}
    check_ports([WantedPort("127.0.0.1", port, option) for option, port in wanted.items()])


def _behind_kiosk(station: Station) -> KioskStation:
    from api.app import KioskStation

    settings = station.settings
    return KioskStation(
        desk=station.desk,
        camera=station.camera,
        number=settings.station.id,
        hotline=settings.station.hotline,
        screen_ppi=settings.kiosk.screen_ppi,
    )


def _behind_v1(station: Station) -> V1Station:
    from api.app import V1Station
    from edge import VERSION

    return V1Station(
        station_id=station.settings.station.id,
        software=VERSION,
        settings_sha256=station.settings_sha256,
        store=station.store,
        verifier=station.verifier,
        devices=station.devices,
        reasons=station.reasons,
        sinks=tuple(sink.name for sink in station.settings.sinks),
        outboxes=station.queues,
        registry=station.figures.registry,
        orders=station.orders,
        step=lambda sitting_id: _step(station, sitting_id),
    )


def _step(station: Station, sitting_id: str) -> str | None:
    shown = station.desk.snapshot
    return shown.state.value if shown.sitting_id == sitting_id else None


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
    from demo.neighbours import DemoError
    from edge.keys import KeyUnusable
    from edge.settings import SettingsError
    from edge.staff import StaffFileUnsafe
    from edge.store import StoreError, StoreFull
    from edge.vision import ModelUnfit

    try:
        yield
    except StoreFull:
        _refuse(_disk_full(""))
    except (
        SettingsError, StoreError, KeyUnusable, ModelUnfit, DemoError, PortTaken, TokenUnusable,
        StaffFileUnsafe,
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


def _greet(
    kiosk: Listener, v1: Listener, plan: DemoPlan, badge: Badge | None, *, as_json: bool
) -> None:
    folder, centre_port = plan.folder, plan.centre_port
    if as_json:
        where = {"kiosk": kiosk.url, "v1": f"{v1.url}v1/", "centre_port": centre_port,
                 "folder": str(folder), "pid": os.getpid()}  # fmt: skip
        click.echo(json.dumps(where))
        return
    token = folder / "store" / "v1.token"
    centre = f"https://127.0.0.1:{centre_port}/"
    click.echo(f"The screen of the station:  {kiosk.url}  (stop with Ctrl-C)")
    click.echo(f"Its interface /v1:          {v1.url}v1/docs  (token in {token})")
    click.echo(f"What arrived at the centre: {centre}  (files in {folder / 'centre' / 'packages'})")
    if badge is not None:
        click.echo(f"The demo's attendant:       number {badge.number}, PIN {badge.pin}")


def _report(told: Walk, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(told), ensure_ascii=False))
        return
    click.echo(f"sitting    {told.sitting_id}  {told.result}")
    for name, seconds in told.steps_s.items():
        click.echo(f"step       {name:<12} {seconds:7.2f} s")
    for hint in told.hints:
        click.echo(f"hint       {hint}")
    for row in told.readings:
        limits = f"{_shown(row['min'])} .. {_shown(row['max'])}"
        click.echo(
            f"reading    {row['document']:<15} {row['measure']:<18} {_shown(row['native']):>9} "
            f"{row['unit']:<4} {limits:<18} {row['verdict']:<12} {row['standing']}"
        )
    for row in told.fingers:
        click.echo(f"finger     {row['position']:<12} {row['value']:>3}  {row['algorithm']}")
    for row in told.missing:
        click.echo(f"missing    {row['what']}  {row['reason']}")
    for row in told.parts:
        click.echo(f"part       {row['name']:<30} {row['bytes']:>9} bytes")
    click.echo(f"package    {told.package_id}  {told.package_bytes} bytes sealed")
    if told.earlier_photo:
        said = ", ".join(f"{name} {value}" for name, value in told.earlier_photo.items() if value)
        click.echo(f"earlier    {said}")
    if told.problem:
        click.echo(f"problem    {told.problem}")
    else:
        click.echo(f"receipt    {told.receipt['receipt_id']}  {told.receipt['outcome']}, verified")


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


if __name__ == "__main__":
    cli()
