"""The demo's reader obeys a small file, while it runs, and says what it does not understand."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
import time
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from drivers.errors import DeviceAbsent, DeviceTimeout
from drivers.fingerprint import FingerImage, Retry
from drivers.peers.presses import DEMO_PLAN, LEFT_THUMB, RIGHT_THUMB, Press
from drivers.peers.reader_control import (
    PRESSES,
    Controls,
    ReaderControl,
    finger_at,
    plan_of,
    read_controls,
)

CHECKOUT = Path(__file__).parents[2]
WITHIN_S = 60.0


def nobody(_received: int, _expected: int) -> None:
    """Look at no progress."""


@pytest.fixture
def hand(peer, tmp_path):
    """A control whose file is looked at when the test says so."""
    control = ReaderControl(tmp_path / "reader.control", peer)

    def turn(text: str) -> ReaderControl:
        (tmp_path / "reader.control").write_text(text, encoding="utf-8")
        control.look()
        return control

    return turn


def test_every_knob_is_read():
    """What the demo console writes is what the reader does."""
    controls, complaints = read_controls(
        'press = "dry"\nlatent = true\nunplugged = true\nnoise_per_megabyte = 20\n'
        "silent = true\nfinger_always = true\n"
    )

    assert controls == Controls("dry", True, True, 20, True, True)
    assert complaints == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour = 1", "colour is no knob"),
        ('press = "hard"', "means nothing"),
        ("silent = 1", "means nothing"),
        ("noise_per_megabyte = true", "means nothing"),
        ("noise_per_megabyte = -1", "means nothing"),
        ("press = ", "no TOML"),
    ],
    ids=["unknown", "press", "flag", "noise-flag", "noise-negative", "no-toml"],
)
def test_a_mistake_is_said_and_changes_nothing(text, said):
    """A demo goes on; whoever wrote the file reads why nothing happened."""
    controls, complaints = read_controls(text)

    assert controls == Controls()
    assert len(complaints) == 1
    assert said in complaints[0]


def test_a_mistake_beside_a_knob_is_said_in_the_log_once(hand, peer, caplog):
    """The knob is turned all the same."""
    caplog.set_level(logging.WARNING, logger="drivers.peers")
    hand("silent = true\ncolour = 1").look()

    assert peer.deaf
    assert sum("colour" in one.message for one in caplog.records) == 1


def test_the_plug_is_pulled_and_put_back(hand, peer, open_on):
    """The station sees the port go and come."""
    reader = open_on(peer)
    hand("unplugged = true")
    with pytest.raises(DeviceAbsent):
        reader.check()
    reader.close()
    hand("")

    open_on(peer).check()


def test_a_module_stays_silent_over_a_plug_until_the_file_says_otherwise(hand, peer, open_on):
    """What the file says holds, whatever else it turns."""
    reader = open_on(peer, answer_s=0.1)
    hand("silent = true\nunplugged = true")
    hand("silent = true")
    assert peer.deaf
    reader.close()
    with pytest.raises((DeviceTimeout, DeviceAbsent)):
        open_on(peer, answer_s=0.1, handshake_s=0.1)
    hand("")

    open_on(peer).check()


def test_an_empty_glass_can_report_a_finger_always(hand, peer, open_on):
    """AS608 and R503 do (Adafruit_CircuitPython_Fingerprint issue 52): a blank frame comes."""
    peer.lift()
    hand("finger_always = true")
    image = open_on(peer).capture(2.0, nobody)

    assert isinstance(image, FingerImage)
    assert set(image.pixels) == {255}


def test_an_empty_glass_can_show_what_the_last_finger_left(hand, peer, open_on, pixels):
    """The last image, faded to 35 % of its contrast, as 4 bits a pixel hold it."""
    reader = open_on(peer)
    reader.capture(2.0, nobody)
    peer.lift()
    hand("latent = true")
    image = reader.capture(2.0, nobody)

    assert isinstance(image, FingerImage)
    expected = [round(255 - 0.35 * (255 - grey)) // 16 * 17 for grey in pixels]
    assert list(image.pixels) == expected


def test_noise_hits_the_line_and_goes_again(hand, peer, open_on, pixels):
    """So many bytes of a million."""
    reader = open_on(peer)
    hand("noise_per_megabyte = 5000")
    assert peer.noise is not None
    assert peer.noise.per_byte == 0.005
    hand("")
    assert peer.noise is None

    assert reader.capture(2.0, nobody).pixels == pixels


@pytest.mark.parametrize("press", PRESSES)
def test_every_press_is_a_plan(press):
    """The person gives both thumbs, or the finger that the screen asks for, or nothing."""
    untold, told = plan_of(press, None), plan_of(press, 7)
    conditions = {one.condition for one in told}

    assert bool(untold) is bool(told) is (press != "none")
    assert {one.finger for one in told} <= {finger_at(7)}
    assert conditions == {"plan": {"plain"}, "none": set()}.get(press, {press})


def test_the_person_follows_the_plan_or_the_screen(peer):
    """Both thumbs by themselves; told a finger, that one; the next person begins anew."""
    plans: list[tuple[Press, ...]] = []
    peer.start_plan = plans.append
    control = ReaderControl(Path("none"), peer)
    for line in ("next", "finger 6", "finger 6", "finger 1", "next", "nobody", "finger 1"):
        control.obey(line)

    assert plans[0] == plans[3] == DEMO_PLAN
    assert {one.finger for one in plans[1]} == {LEFT_THUMB}
    assert {one.finger for one in plans[2]} == {RIGHT_THUMB}
    assert plans[4] == ()
    assert plans[5] == plans[2]
    assert len(plans) == 6


def test_the_page_shows_every_knob():
    """What `docs/wire.md` tells to write is understood, all of it."""
    page = (CHECKOUT / "docs" / "wire.md").read_text(encoding="utf-8")
    example = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)[0]
    controls, complaints = read_controls(example)

    assert complaints == []
    assert {field.name for field in fields(Controls)} == set(tomllib.loads(example))
    assert all(press in example for press in PRESSES)
    assert controls.noise_per_megabyte > 0


def test_the_demos_reader_obeys_its_file_while_it_runs(tmp_path, open_on):
    """As the demo starts it: another process, the file beside its port."""
    command = [sys.executable, "run_edge.py", "demo-reader", "--folder", str(tmp_path)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE) as process:
        _until((tmp_path / "zfm").exists)
        _write(tmp_path / "reader.control", "unplugged = true")
        _until(lambda: not (tmp_path / "zfm").is_symlink())
        _write(tmp_path / "reader.control", 'press = "none"')
        _until((tmp_path / "zfm").exists)
        shown = _Port(tmp_path / "zfm")
        seen = open_on(shown, width_px=256, height_px=288).capture(0.1, nobody)
        process.stdin.close()

    assert seen is Retry.NO_FINGER
    assert process.returncode == 0


class _Port:
    def __init__(self, port: Path) -> None:
        self.port = port


def _write(control: Path, text: str) -> None:
    # In one step, as the console does: half a file would be obeyed too.
    fresh = control.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(control)


def _until(true) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
