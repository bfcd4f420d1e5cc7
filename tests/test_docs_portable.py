"""The commands of docs/portable.md, run in their order at a station with known devices."""

from __future__ import annotations

import json
import re
import shlex
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner

from centre import visits
from centre.__main__ import fingerprint
from edge.portable import device_key, list_file, visit_list
from edge.portable.field_limits import load_field_limits
from edge.settings import CONFIGS
from run_edge import cli
from tests.delivery_kit import STATION, make_kit
from tests.portable_kit import Carried, Clock, visit
from tests.test_portable_check import checked
from tests.test_portable_officer import duty_of, log_aside

PAGE = Path(__file__).resolve().parent.parent / "docs" / "portable.md"
TEXT = PAGE.read_text("utf-8")


def station_file(folder: Path) -> Path:
    """The shipped profile, moved here."""
    text = (CONFIGS / "stations" / "portable.toml").read_text("utf-8")
    text = text.replace("/var/lib/anxin-station/store", str(folder))
    text = text.replace("/var/lib/anxin-station/centre", str(folder / "pins"))
    text = text.replace("portable-000001", STATION)
    text = text.replace("[store]", '[store]\nstation_key = "file"\nreserve_mib = 1', 1)
    file = folder / "station.toml"
    file.write_text(text, "utf-8")
    return file


class Hand:
    """Types what stands on the page."""

    def __init__(self, folder: Path, centre: Path) -> None:
        self.names = {
            "$FILE": str(station_file(folder)), "$STORE": str(folder), "$CENTRE": str(centre),
            "$VISITS": str(folder / "visits.json"), "$LIST": str(folder / "today.visits"),
        }  # fmt: skip

    def type(self, line: str, typed: str = "") -> str:
        for name, value in self.names.items():
            line = line.replace(name, value)
        words = shlex.split(line)
        if words[:3] == ["python", "-m", "centre.visits"]:
            done = CliRunner().invoke(visits.main, words[3:])
        else:
            assert words[:2] == ["python", "run_edge.py"]
            done = CliRunner().invoke(cli, words[2:], input=typed)
        assert done.exit_code in {0, 1}, done.output
        return done.output


@pytest.fixture(autouse=True)
def _log(tmp_path):
    with log_aside(tmp_path):
        yield


def test_the_commands_of_the_page_do_what_it_says(tmp_path):
    """From the key to a passed check: each block's words stand in what was printed."""
    kit = make_kit(tmp_path)
    (kit.shelf.folder / "tls-ca.pem").write_text("a certificate")
    hand = Hand(tmp_path, kit.shelf.folder)
    (tmp_path / "visits.json").write_text(json.dumps([visit(1), visit(2)]))
    with redirect_stdout(StringIO()):
        by_heart = fingerprint(kit.shelf.folder)
    pin = "271828\n"
    hand.type(f'python run_edge.py provision --settings $FILE --centre $CENTRE --fingerprint '
              f'"{by_heart}"', pin + pin)  # fmt: skip
    card = (tmp_path / "to-centre" / f"{STATION}.json").read_text()
    (kit.shelf.folder / "stations" / f"{STATION}.json").write_text(card)
    (tmp_path / "keys" / "store.key").hardlink_to(tmp_path / "store.key")
    blocks = re.findall(r"(?ms)^```(sh|text)\n(.*?)^```", TEXT)
    printed = ""
    before, after = blocks[:6], blocks[6:]
    for kind, text in before:
        printed = said(hand, kind, text, printed)
    device = Carried(kit, tmp_path, Clock())
    with duty_of(device):
        for kind, text in after:
            printed = said(hand, kind, text, printed)


def said(hand: Hand, kind: str, text: str, printed: str) -> str:
    """Run a block of commands, or find a block of words in what was printed last."""
    if kind == "sh":
        return "".join(hand.type(line) for line in text.splitlines())
    for line in text.splitlines():
        assert line in printed, line
    return printed


def test_every_step_and_its_limit_stands_on_the_page():
    """What an officer reads beforehand is what the check asks."""
    steps = checked()
    rows = dict(re.findall(r"(?m)^\| `([a-z_]+)` \| [^|]+ \| ([^|]+) \|$", TEXT))
    limits = load_field_limits()

    assert set(steps) <= set(rows)
    for step, words in {
        "camera": f"{limits.frame_age.max:g} s",
        "sharpness": f"{limits.edge_width.max:g} px",
        "exposure": f"{limits.grey_card.min:g} to {limits.grey_card.max:g}",
        "clipping": f"{limits.clipped.max:.0%}".replace("%", " %"),
        "colour_cast": f"{limits.spread.max:g} levels, wall {limits.spread_wall.max:g}",
        "disk": f"{limits.disk.min:g}",
        "keys": f"{limits.keys.min:g}",
        "visits": f"{limits.visits.min:g}",
    }.items():
        assert words in rows[step]
    assert f"wall {limits.wall.min:g} to {limits.wall.max:g}" in rows["exposure"]


def test_the_form_of_a_list_stands_on_the_page():
    """A centre is written from it: names, types, bounds."""
    for words in (
        list_file.MAGIC.decode().strip(), list_file.INFO.rstrip(b"\0").decode(),
        visit_list.LIST_TYP, device_key.CARD_TYP, f"record{{1..{list_file.RECORDS_MAX}}}",
        f"{list_file.FILE_BYTES_MAX >> 20} MiB", f"{visit_list.ORDERS_MAX} orders",
        f"{visit_list.STANDS_MAX_MS // 86_400_000} days",
    ):  # fmt: skip
        assert words in TEXT
