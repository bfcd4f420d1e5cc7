"""The technician's command that makes a station one: keys, pins, a PIN; `run_edge.py` has it.

Every step looks first whether it is done, and what it writes is whole or absent: whoever was
interrupted runs it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

# Rooms are imported by the command that needs them, so that --help answers at once.
# ruff: noqa: PLC0415

if TYPE_CHECKING:
    from edge.settings import Settings
    from edge.store import Store
    from edge.trust.keys import StationKey

UNFINISHED: Final = 1
TO_CENTRE: Final = "to-centre"
TECHNICIAN: Final = ("technician", "provision")


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of the command."""

    centre: Path | None
    fingerprint: str | None
    another_centre: bool
    hosts: tuple[str, ...]
    new_pin: bool
    next_key: bool
    known: Path | None
    new_visit_key: bool


@click.command("provision")
@click.option("--settings", "path", type=click.Path(path_type=Path), required=True,
              help="The station's file.")  # fmt: skip
@click.option("--centre", type=click.Path(path_type=Path),
              help="Folder that the centre gave you: root.json, keys.jws, tls-ca.pem.")  # fmt: skip
@click.option("--fingerprint", help="Of the centre's root, if you have it in writing; else it is"
              " shown and you compare it aloud.")  # fmt: skip
@click.option("--another-centre", is_flag=True, help="Pin another root than the one before.")
@click.option("--host", "hosts", multiple=True,
              help="Name or address under which the centre reaches this station.")  # fmt: skip
@click.option("--new-pin", is_flag=True, help="Set the technician's PIN anew.")
@click.option("--next-key", is_flag=True, help="Make the key that shall follow the station's own.")
@click.option("--new-visit-key", is_flag=True,
              help="Make another key for visit lists; the one before still opens.")  # fmt: skip
@click.option("--known", type=click.Path(path_type=Path),
              help="The centre's word that it knows the next key: it takes over.")  # fmt: skip
@click.pass_context
def provision(context: click.Context, /, path: Path, **options: Any) -> None:
    """Make this station's keys, pin its centre, set the technician's PIN; again changes nothing.

    What the centre needs lies in the folder `to-centre` beside the store afterwards. Ends with 1
    while something is still missing.
    """
    from edge.settings import load_settings
    from edge.store import Store

    settings = load_settings(path, check_camera=False)
    asked = Asked(**options)
    folder = settings.store.folder
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Whoever runs on the store would go on with the old keys: it must be stopped first.
    reserve = settings.store.reserve_mib << 20
    with Store.open(folder / "store.db", folder / "store.key", reserve_bytes=reserve) as store:
        missing = _steps(settings, asked, store)
    for line in missing:
        click.echo(f"Still missing: {line}")
    if not missing:
        click.echo("The station is provisioned.")
    context.exit(UNFINISHED if missing else 0)


def _steps(settings: Settings, asked: Asked, store: Store) -> list[str]:
    key = _station_key(settings)
    _for_the_centre(settings, key, asked.hosts)
    if settings.portable is not None:
        _visit_key(settings, key, anew=asked.new_visit_key)
    pinned = _pin(settings, asked, store)
    if asked.next_key:
        _next_key(settings, key, store)
    if asked.known is not None:
        _use_next_key(settings, asked.known, store)
    _technician_pin(settings.store.folder, store, anew=asked.new_pin)
    return [] if pinned else ["the centre; run this with --centre FOLDER, its root and key list."]


def _station_key(settings: Settings) -> StationKey:
    from edge.trust.station_key import open_or_make_station_key

    where = settings.store
    key = open_or_make_station_key(where.folder, where.station_key, where.tpm)
    if key.algorithm == "ES256":
        click.echo("The station's key lies in the TPM and cannot leave it.")
    else:
        click.echo(
            "WARNING: the station's key lies in a file, for no TPM was used."
            " Whoever takes this disk can sign as this station; no package can be opened by it."
        )
    return key


def _for_the_centre(settings: Settings, key: StationKey, hosts: Sequence[str]) -> None:
    from edge.durable import write_secret
    from edge.trust.enrolment import certificate_request, open_or_make_tls_key, request_is_by

    station_id, folder = settings.station.id, settings.store.folder
    out = folder / TO_CENTRE
    card, request = out / f"{station_id}.json", out / f"{station_id}.csr"
    said = key.registration(station_id).encode()
    if not card.exists() or card.read_bytes() != said:
        write_secret(card, said)
    tls_key = open_or_make_tls_key(folder)
    if hosts or not (request.exists() and request_is_by(request.read_bytes(), tls_key)):
        write_secret(request, certificate_request(tls_key, station_id, hosts))
    click.echo(f"For the centre, by hand and not over the network: {card} and {request}")


def _visit_key(settings: Settings, key: StationKey, *, anew: bool) -> None:
    from edge.durable import write_secret
    from edge.portable.device_key import change_device_key, device_card, open_or_make_device_key

    folder, station_id = settings.store.folder, settings.station.id
    out = folder / TO_CENTRE / f"{station_id}.visit-key.jws"
    ours = change_device_key(folder) if anew else open_or_make_device_key(folder)
    # Signed anew each time: the station's own key may be another one by now.
    write_secret(out, device_card(ours, station_id, key).encode() + b"\n")
    click.echo(f"The centre seals visit lists to this device once it has {out}")


def _pin(settings: Settings, asked: Asked, store: Store) -> bool:
    from edge.trust.audit import Actor
    from edge.trust.centre import PinnedCentre, read_key_list
    from edge.trust.enrolment import fingerprint
    from edge.trust.keys import KeyUnusable
    from edge.trust.signed_list import ROOT_FILE, pin_root, pinned_root, read_root

    pins = settings.store.centre_keys
    if asked.centre is None:
        if not (pins / ROOT_FILE).exists():
            return False
        PinnedCentre.open(pins, store, settings.store.folder)
        return True
    root = read_root(asked.centre)
    # Before anything is changed: what is pinned shall be of use.
    read_key_list(asked.centre)
    kept = store.read(pinned_root)
    if kept is None or kept.thumbprint() != root.thumbprint():
        _compare(fingerprint(root), asked.fingerprint)
    elif asked.fingerprint and not _same(asked.fingerprint, fingerprint(root)):
        raise KeyUnusable("That is not the fingerprint of the centre that is pinned here.")
    pin_root(store, root, Actor(*TECHNICIAN), anew=asked.another_centre)
    _copy_pins(asked.centre, pins)
    PinnedCentre.open(pins, store, settings.store.folder)
    click.echo(f"The centre is pinned: {fingerprint(root)}")
    return True


def _compare(shown: str, written: str | None) -> None:
    from edge.trust.keys import KeyUnusable

    if written is not None:
        if not _same(written, shown):
            raise KeyUnusable(
                f"The root has the fingerprint {shown}, not the one that you gave:"
                " nothing was pinned. Ask the centre."
            )
        return
    click.echo(f"The centre's root has the fingerprint\n\n    {shown}\n")
    click.echo("Call the centre on a number that you knew before, and let them read theirs aloud.")
    if not click.confirm("Is it the same, digit by digit?", default=False):
        raise KeyUnusable("Not the same fingerprint: nothing was pinned. Ask the centre.")


def _same(written: str, shown: str) -> bool:
    return "".join(written.split()).lower() == "".join(shown.split())


def _copy_pins(source: Path, pins: Path) -> None:
    from edge.durable import write_secret
    from edge.trust.centre import KEYS_FILE
    from edge.trust.signed_list import ROOT_FILE

    if source.resolve() == pins.resolve():
        return
    for name in (KEYS_FILE, "tls-ca.pem", ROOT_FILE):
        if (source / name).exists():
            write_secret(pins / name, (source / name).read_bytes())


def _next_key(settings: Settings, key: StationKey, store: Store) -> None:
    from edge.durable import write_secret
    from edge.trust.station_key import make_next_key

    where, station_id = settings.store, settings.station.id
    card = make_next_key(where.folder, where.station_key, where.tpm, station_id, key)
    file = where.folder / TO_CENTRE / f"{station_id}.next-key.jws"
    write_secret(file, card.encode())
    _note(store, "station-key.make", key.kid)
    click.echo(f"The next key is made and signed by the present one. For the centre: {file}")
    click.echo("Once it answers, run this again with --known FILE; until then nothing changes.")


def _use_next_key(settings: Settings, file: Path, store: Store) -> None:
    from edge.trust.centre import PinnedCentre
    from edge.trust.station_key import use_next_key

    where = settings.store
    keys = dict(PinnedCentre(store).receipts())
    word = file.read_text("ascii", "replace").strip()
    key = use_next_key(where.folder, where.tpm, settings.station.id, word, keys)
    _note(store, "station-key.use", key.kid)
    _for_the_centre(settings, key, ())
    click.echo("The station signs with its new key from now on.")


def _technician_pin(folder: Path, store: Store, *, anew: bool) -> None:
    from edge.commands.staff import StaffRefused
    from edge.staff import PIN
    from edge.trust.pin import PIN_FILE, set_technician_pin

    if (folder / PIN_FILE).exists() and not anew:
        return
    pin = click.prompt(
        "The technician's PIN, 6 to 12 digits", hide_input=True, confirmation_prompt="Once more"
    )
    if not PIN.fullmatch(pin):
        raise StaffRefused("A PIN has 6 to 12 digits; it was not set. Run this again.")
    set_technician_pin(folder, pin)
    _note(store, "technician-pin.set", "")
    click.echo("The technician's PIN is set.")


def _note(store: Store, act: str, kid: str) -> None:
    from edge.trust import audit
    from edge.utc import now_ms, rfc3339

    about = {"kid": kid} if kid else {}
    actor = audit.Actor(*TECHNICIAN)
    store.write(lambda db: audit.append(db, rfc3339(now_ms()), actor, act, about, "ok"))
