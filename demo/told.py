"""What the demo says on the terminal: its help, its greeting, and how one person's walk went."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import TYPE_CHECKING

import click

# Rooms are imported by the command that needs them, so that --help and a refusal answer at once.
# ruff: noqa: PLC0415

if TYPE_CHECKING:
    from demo.badge import Badge
    from demo.station import DemoPlan
    from demo.walk import Walk


class DemoCommand(click.Command):
    """Ends its help with subjects, photos and stories, which are read only when somebody asks."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each subject and what the camera sees of it, each earlier photo and each story."""
        from demo.earlier_photos import EARLIER_PHOTOS
        from demo.finger_stories import STORIES
        from demo.pictures import MOVING, SUBJECTS

        rows = [(name, subject.title) for name, subject in SUBJECTS.items()]
        with formatter.section("Subjects"):
            formatter.write_dl([*rows, (MOVING, "a video of a man who moves")])
        cases = [(name, case.title) for name, case in EARLIER_PHOTOS.items()]
        with formatter.section("Earlier photos"):
            formatter.write_dl(cases)
        stories = [(name, story.title) for name, story in STORIES.items()]
        with formatter.section("Finger stories"):
            formatter.write_dl(stories)


def greet(
    urls: tuple[str, str, str, str], plan: DemoPlan, badges: tuple[Badge, Badge], *, as_json: bool
) -> None:
    """Say where everything is.

    Args:
        urls: of the pages, of the interface (without `v1/`), of the technician's console and of
            the attendants'.
        plan: folder and ports.
        badges: the demo's attendant and its technician.
        as_json: for machines.
    """
    folder, centre_port = plan.folder, plan.centre_port
    kiosk, v1, console, guide = urls
    if as_json:
        where = {"kiosk": kiosk, "v1": f"{v1}v1/", "centre_port": centre_port, "console": console,
                 "guide": guide, "folder": str(folder), "pid": os.getpid()}  # fmt: skip
        click.echo(json.dumps(where))
        return
    token = folder / "store" / "v1.token"
    centre = f"https://127.0.0.1:{centre_port}/"
    click.echo(f"The screen of the station:  {kiosk}  (stop with Ctrl-C)")
    click.echo(f"Its interface /v1:          {v1}v1/docs  (token in {token})")
    click.echo(f"What arrived at the centre: {centre}  (files in {folder / 'centre' / 'packages'})")
    attendant, technician = badges
    click.echo(f"The technician's console:   {console}  (plugs, fingers and lens: its last page)")
    click.echo(f"The demo's technician:      number {technician.number}, PIN {technician.pin}")
    click.echo(f"The attendants' console:    {guide}")
    click.echo(f"The demo's attendant:       number {attendant.number}, PIN {attendant.pin}")


def report(told: Walk, *, as_json: bool) -> None:
    """Say how the walk went, a line a fact."""
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
    _report_fingers(told)
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


def _report_fingers(told: Walk) -> None:
    for row in told.fingers:
        click.echo(f"finger     {row['position']:<12} {row['value']:>3}  {row['algorithm']}")
    for row in told.finger_exceptions:
        said = " ".join(filter(None, (row["result"], row["reason"], row["permanence"])))
        signed = "signed" if row["confirmed"] else "not signed"
        click.echo(f"exception  {row['position']:<12} {said}  {signed}")
    for row in told.missing:
        click.echo(f"missing    {row['what']}  {row['reason']}")


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
