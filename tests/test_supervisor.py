"""The six states: what each failure leads to, when it is tried again, and what is kept of it."""

from __future__ import annotations

import os
import threading
import time
from itertools import pairwise

import pytest
from pydantic import BaseModel, ValidationError

import edge.device_moves
from drivers.errors import (
    DeviceAbsent,
    DeviceError,
    DeviceHeld,
    DeviceTimeout,
    PasswordLocked,
    PermissionRefused,
    PortHeld,
    SettingsRefused,
    WrongModel,
)
from edge.device_moves import KEPT
from edge.plug_stamp import stamp_of
from edge.reopening import Reopening
from edge.supervisor import DeviceState, Upkeep

LONG_S = 30.0


class Options(BaseModel):
    """What a driver's options must fit."""

    rate_hz: float


def bad_options() -> ValidationError:
    with pytest.raises(ValidationError) as refused:
        Options.model_validate({"rate_hz": "fast"})
    return refused.value


def upkeep(chance: float = 1.0) -> Upkeep:
    return Upkeep("camera-1", "camera", "wired", lambda: chance)


def states(kept: Upkeep) -> list[str]:
    return [move.state.value for move in kept.transitions()]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (WrongModel("another"), "wrong_model"),
        (SettingsRefused("gain"), "settings_refused"),
        (PasswordLocked("locked"), "password_locked"),
        (bad_options(), "configuration"),
    ],
    ids=["model", "settings", "password", "options"],
)
def test_what_only_a_technician_mends_is_failed_and_not_tried_again(error, reason):
    """No time is told for a next try, because there is none."""
    device = upkeep()
    device.ready("wired")

    assert device.lost(error) is None
    status = device.status
    assert (status.state, status.reason) == (DeviceState.FAILED, reason)
    assert status.next_try_at_ms is None


@pytest.mark.parametrize(
    "error",
    [DeviceAbsent("gone"), PortHeld("getty"), DeviceHeld("gvfs"), DeviceTimeout("silent"),
     DeviceError("fault"), ZeroDivisionError("a bug"), ValueError("a bug")],
    ids=["absent", "port", "held", "timeout", "fault", "bug", "value"],
)  # fmt: skip
def test_everything_else_is_tried_again_for_ever(error):
    """Nobody has to come because a cable was loose or a program had the camera for a while."""
    device = upkeep()
    pauses_s = [device.lost(error) for _ in range(30)]

    assert all(pause_s is not None for pause_s in pauses_s)
    assert device.status.state is not DeviceState.FAILED
    assert device.status.next_try_at_ms is not None
    assert device.status.attempts == 30


def test_a_node_that_fails_to_open_is_degraded_at_the_third_try():
    """The first two are its start: modules need a moment after power-up."""
    device, seen = upkeep(), []
    for _ in range(4):
        device.opening()
        device.lost(DeviceTimeout("silent"))
        seen.append(device.status.state)

    assert seen == [
        DeviceState.OPENING, DeviceState.OPENING, DeviceState.DEGRADED, DeviceState.DEGRADED
    ]  # fmt: skip


def test_what_worked_and_falls_silent_is_degraded_at_once():
    """It is no start: who waits for it is told so."""
    device = upkeep()
    device.ready("wired")
    device.lost(DeviceTimeout("silent"))

    assert device.status.state is DeviceState.DEGRADED


def test_rights_that_come_late_are_no_reason_to_call_anybody():
    """udev gives a node to its group a moment after it appears; what stays refused is failed."""
    late, never = upkeep(), upkeep()
    assert late.lost(PermissionRefused("root")) is not None
    late.ready("wired")
    for _ in range(2):
        assert late.lost(PermissionRefused("root")) is not None
        assert never.lost(PermissionRefused("root")) is not None

    assert never.lost(PermissionRefused("root")) is None
    assert never.status.state is DeviceState.FAILED


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_back_off_grows_from_two_to_twenty_seconds_with_jitter(chance):
    """What stays broken is asked ever less; jitter takes a fifth at most and adds nothing."""
    device = upkeep(chance)
    device.ready("wired")
    pauses_s = [device.lost(DeviceError("fault")) for _ in range(8)]

    share = 0.8 + 0.2 * chance
    wanted_s = (2.0, 4.0, 8.0, 16.0, 20.0, 20.0, 20.0, 20.0)
    assert pauses_s == pytest.approx([share * wanted for wanted in wanted_s])


def test_what_cannot_be_seen_to_be_plugged_in_is_tried_within_five_seconds():
    """Nobody wakes the wait of a device across a network; an absent one is looked for as often."""
    blind, absent = upkeep(), upkeep()
    blind.ready("wired")
    blind_s = [blind.lost(DeviceError("fault"), blind=True) for _ in range(12)]
    absent_s = [absent.lost(DeviceAbsent("gone")) for _ in range(12)]

    assert max(blind_s) <= 3.0
    assert max(absent_s) <= 2.0
    assert all(a <= b for a, b in pairwise(absent_s))


def test_faulty_pictures_are_a_state_with_a_next_try():
    """The stream stays open meanwhile; a whole picture ends it, and the next fault begins anew."""
    device = upkeep()
    device.ready("wired")
    first_s, second_s = device.degraded("torn"), device.degraded("torn")
    assert (device.status.state, device.status.reason) == (DeviceState.DEGRADED, "torn")
    assert device.status.next_try_at_ms is not None
    device.ready()

    assert (first_s, second_s) == (2.0, 4.0)
    assert device.degraded("frozen") == 2.0


def test_a_night_without_a_cable_is_two_moves():
    """A try that ends where it began is none, and since when it is so stays what it was."""
    device = upkeep()
    device.opening()
    device.ready("wired")
    device.lost(DeviceAbsent("gone"))
    since_at_ms = device.status.since_at_ms
    for _ in range(KEPT):
        device.opening()
        device.lost(DeviceAbsent("gone"))
    assert states(device) == ["opening", "ready", "absent"]
    assert device.status.since_at_ms == since_at_ms
    device.opening()
    device.ready()
    for _ in range(5):
        device.busy()
        device.ready()

    assert states(device) == ["opening", "ready", "absent", "opening", "ready"]


def test_two_hundred_moves_of_seven_days_are_kept(monkeypatch):
    """The console and the support bundle need no more; older ones are nobody's business."""
    device, now_ms = upkeep(), [1_000_000_000_000]
    monkeypatch.setattr(edge.device_moves, "now_ms", lambda: now_ms[0])
    for number in range(KEPT):
        now_ms[0] += 1000
        device.degraded("torn" if number % 2 else "frozen")
        device.ready()
    assert len(device.transitions()) == KEPT
    now_ms[0] += 7 * 24 * 3600 * 1000 + 1

    assert device.transitions() == ()


def waited(reopening: Reopening, pause_s: float | None) -> threading.Thread:
    thread = threading.Thread(target=reopening.wait, args=(pause_s,), daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize("end", ["plug", "word", "closing"])
def test_a_wait_of_an_hour_ends_with_the_plug_with_a_word_and_with_the_station(end):
    """That is what brings a replugged device back, however rarely it is asked."""
    stamp = [1]
    reopening = Reopening(lambda: stamp[0])
    reopening.note_plug()
    waiting = waited(reopening, 3600.0)
    if end == "plug":
        stamp[0] = 2
    elif end == "word":
        reopening.try_now()
    else:
        reopening.close()
    waiting.join(LONG_S)

    assert not waiting.is_alive()


def test_only_a_word_ends_the_wait_for_a_technician():
    """Another cable is no answer to a password."""
    stamp = [1]
    reopening = Reopening(lambda: stamp[0])
    reopening.note_plug()
    waiting = waited(reopening, None)
    stamp[0] = 2
    waiting.join(0.5)
    assert waiting.is_alive()
    reopening.try_now()
    waiting.join(LONG_S)

    assert not waiting.is_alive()


def test_a_plug_that_changed_during_the_try_is_not_missed():
    """Pulled and put back while the driver still asked: the wait ends at once."""
    stamp = [1]
    reopening = Reopening(lambda: stamp[0])
    reopening.note_plug()
    stamp[0] = 2
    began_s = time.monotonic()
    reopening.wait(3600.0)

    assert time.monotonic() - began_s < LONG_S


def test_a_link_that_udev_made_anew_is_another_plug(tmp_path):
    """By-id names are links: the node behind may even be the same."""
    node, link = tmp_path / "ttyUSB0", tmp_path / "by-id"
    node.touch()
    link.symlink_to(node)
    before = stamp_of(link)
    assert before == stamp_of(link)
    other = tmp_path / "other"
    other.symlink_to(node)
    os.replace(other, link)
    again = stamp_of(link)
    node.unlink()

    assert again not in {None, before}
    assert stamp_of(link) is None
