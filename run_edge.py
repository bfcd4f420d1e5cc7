"""The station's command line: reads settings, opens the station, serves, closes in reverse."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

# Rooms are imported by the command that needs them, so that --help and a refusal answer at once.
# ruff: noqa: PLC0415

if TYPE_CHECKING:
    from api.app import KioskStation, V1Station
    from api.listener import Listener
    from demo.walk import Walk
    from edge.station import Station

DEMO_FOLDER: Final = Path(__file__).resolve().parent / "var" / "demo"
CANNOT_BEGIN: Final = 2
STORE_BROKE: Final = 75
"""EX_TEMPFAIL: whoever started us shall start us again; a restart recovers the store."""
WATCH_S: Final = 0.25


@click.group()
def cli() -> None:
    """Anxin Station: ID photographs and fingerprints, sealed and delivered."""


@cli.command()
@click.option("--settings", "path", type=click.Path(path_type=Path), required=True)
def run(path: Path) -> None:
    """Run the station that a settings file describes."""
    stop = _stop_signal()
    with ExitStack() as stack, _one_sentence():
        from edge.logs import configure_logs
        from edge.settings import load_settings
        from edge.station import build, lay_foundation

        configure_logs()
        station = build(lay_foundation(load_settings(path), stack), stack)
        open_listeners(station, stack)
        code = _serve(station, stop)
    sys.exit(code)


@cli.command()
@click.option("--folder", type=click.Path(path_type=Path), default=DEMO_FOLDER)
@click.option("--subject", default="straightens", help="Who stands before the camera.")
@click.option("--kiosk-port", default=8080, help="0: any free one.")
@click.option("--v1-port", default=8081, help="0: any free one.")
@click.option("--centre-port", default=8443, help="0: any free one.")
@click.option("--once", is_flag=True, help="Walk one person through, without a browser.")
@click.option("--limit-s", default=120.0, help="With --once: give up after so many seconds.")
@click.option("--json", "as_json", is_flag=True, help="For machines: JSON on standard output.")
def demo(  # noqa: PLR0917 - one parameter an option
    folder: Path,
    subject: str,
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
    with ExitStack() as stack, _one_sentence():
        from demo.station import DemoPlan, free_port, open_demo
        from edge.logs import configure_logs

        folder.mkdir(parents=True, exist_ok=True)
        configure_logs(stack.enter_context((folder / "station.log").open("a", encoding="utf-8")))
        plan = DemoPlan(folder, subject, kiosk_port, v1_port, centre_port or free_port())
        station = open_demo(plan, stack)
        if once:
            from demo.walk import walk

            told = walk(station.desk, station.store, station.verifier, limit_s, stop.is_set)
            code = 1 if told.problem else 0
            _report(told, as_json=as_json)
        else:
            kiosk, v1 = open_listeners(station, stack)
            _greet(kiosk, v1, plan.centre_port, folder, as_json=as_json)
            code = _serve(station, stop)
    sys.exit(code)


@cli.command("demo-centre")
@click.option("--folder", type=click.Path(path_type=Path), required=True)
@click.option("--port", default=8443, help="0: any free one.")
@click.option("--attached", is_flag=True, help="End when standard input ends.")
def demo_centre(folder: Path, port: int, attached: bool) -> None:
    """Run the stand-in centre: opens what arrives and answers with signed receipts."""
    from centre.app import serve

    if attached:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    with _one_sentence():
        serve(
            folder,
            "127.0.0.1",
            port,
            None if attached else lambda bound: click.echo(f"https://127.0.0.1:{bound}/"),
        )


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


def open_listeners(station: Station, stack: ExitStack) -> tuple[Listener, Listener]:
    """Serve the kiosk pages and `/v1`; closed by the stack. Raises `OSError` for a taken port."""
    from api.app import KIOSK_STREAMS, V1_STREAMS, Listener, create_kiosk_app, create_v1_app
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
    )
    for listener in (kiosk, v1):
        listener.start()
        stack.callback(listener.close)
    return kiosk, v1


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
        registry=station.figures.registry,
    )


def _serve(station: Station, stop: threading.Event) -> int:
    """Wait for the end: a signal, or a store that only a restart can mend."""
    while not stop.wait(WATCH_S):
        if station.desk.broken.is_set():
            return STORE_BROKE
    return 0


def _stop_signal() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


@contextmanager
def _one_sentence() -> Iterator[None]:
    """End with one sentence that says what to do, where a traceback would help nobody."""
    from demo.station import DemoError
    from edge.keys import KeyUnusable
    from edge.settings import SettingsError
    from edge.store import StoreError
    from edge.vision import ModelUnfit

    try:
        yield
    except (SettingsError, StoreError, KeyUnusable, ModelUnfit, DemoError) as error:
        click.echo(str(error), err=True)
        sys.exit(CANNOT_BEGIN)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        click.echo(f"The system refused{where}: {error.strerror or error}.", err=True)
        sys.exit(CANNOT_BEGIN)


def _end_with_parent() -> None:
    # Not sys.stdin: its lock, held at the interpreter's end by a daemon thread, would be fatal.
    while os.read(0, 4096):
        continue
    os.kill(os.getpid(), signal.SIGTERM)


def _greet(kiosk: Listener, v1: Listener, centre_port: int, folder: Path, *, as_json: bool) -> None:
    if as_json:
        where = {"kiosk": kiosk.url, "v1": f"{v1.url}v1/", "centre_port": centre_port,
                 "folder": str(folder), "pid": os.getpid()}  # fmt: skip
        click.echo(json.dumps(where))
        return
    token = folder / "store" / "v1.token"
    click.echo(f"The screen of the station:  {kiosk.url}")
    click.echo(f"Its interface /v1:          {v1.url}v1/docs  (token in {token})")
    click.echo(f"What arrived at the centre: {folder / 'centre' / 'packages'}")


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
            f"{row['unit']:<4} {limits:<18} {row['verdict']}"
        )
    for row in told.fingers:
        click.echo(f"finger     {row['position']:<12} {row['value']:>3}  {row['algorithm']}")
    for row in told.missing:
        click.echo(f"missing    {row['what']}  {row['reason']}")
    for row in told.parts:
        click.echo(f"part       {row['name']:<30} {row['bytes']:>9} bytes")
    click.echo(f"package    {told.package_id}  {told.package_bytes} bytes sealed")
    if told.problem:
        click.echo(f"problem    {told.problem}")
    else:
        click.echo(f"receipt    {told.receipt['receipt_id']}  {told.receipt['outcome']}, verified")


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


if __name__ == "__main__":
    cli()
