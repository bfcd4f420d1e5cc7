"""The camera's owner, at a camera with hands on it: states, pictures, settings by trial."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drivers.camera import Frame
from drivers.errors import DeviceAbsent, DeviceError, DeviceTimeout, PasswordLocked, SettingsRefused
from drivers.load import open_camera
from drivers.peers.folder import Peer
from edge.camera_owner import CameraOwner
from edge.supervisor import DeviceState, DeviceWarning, PictureFault, Upkeep
from tests.test_frames import dark_room, picture

LONG_S = 30.0
PROOF_S = 0.6


@pytest.fixture
def peer(tmp_path: Path) -> Peer:
    return Peer(tmp_path / "camera")


@pytest.fixture
def owner(peer: Peer) -> Iterator[CameraOwner]:
    """Own the folder camera; it works when the test begins."""
    owned = CameraOwner(
        Upkeep("camera-1", "camera", "folder"), lambda: open_camera("folder", peer.options)
    )
    owned.start()
    try:
        until(lambda: owned.status.state is DeviceState.READY)
        yield owned
    finally:
        owned.close()


def until(wanted: Callable[[], object]) -> None:
    until_s = time.monotonic() + LONG_S
    while not wanted():
        assert time.monotonic() < until_s
        time.sleep(0.01)


class Watcher:
    """Takes every preview; knows the longest time without one. A context manager."""

    def __init__(self, owner: CameraOwner) -> None:
        self._owner = owner
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.seen = 0

    def __enter__(self) -> Watcher:
        self._thread.start()
        until(lambda: self.seen)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        after = -1
        while not self._over.is_set():
            preview = self._owner.wait_preview(after, 0.2)
            if preview is not None:
                after = preview.sequence
                self.seen += 1


@pytest.mark.parametrize(
    ("lens", "reason"),
    [("black", "lens_covered"), ("frozen", "frozen"), ("torn", "torn"),
     ("wrong_size", "wrong_size")],
)  # fmt: skip
def test_a_camera_whose_pictures_are_of_no_use_says_why_and_shows_none(owner, peer, lens, reason):
    """It stays open, so the next whole picture brings it back at once."""
    peer.control.write_text(f'lens = "{lens}"')
    until(lambda: owner.status.state is DeviceState.DEGRADED)
    status = owner.status
    assert status.reason == reason
    assert status.next_try_at_ms is not None
    assert owner.latest() is None
    assert owner.wait_frame(-1, 0.0) is None
    with pytest.raises(PictureFault):
        owner.still(LONG_S)
    peer.control.write_text('lens = "clear"')
    until(lambda: owner.status.state is DeviceState.READY)

    assert owner.wait_preview(-1, LONG_S) is not None
    states = [(move.state.value, move.reason) for move in owner.transitions()]
    assert states[:4] == [
        ("opening", "opening"),
        ("ready", ""),
        ("degraded", reason),
        ("ready", ""),
    ]


def test_a_camera_that_falls_silent_is_back_as_soon_as_its_plug_was_turned(owner, peer):
    """Its back-off may be long: whoever puts the plug in does not wait for it."""
    peer.control.write_text('lens = "stalled"')
    until(lambda: owner.status.state is DeviceState.DEGRADED)
    assert owner.status.reason == "no_answer"
    peer.unplug()
    until(lambda: owner.status.state is DeviceState.ABSENT)
    peer.control.write_text('lens = "clear"')
    peer.plug()

    until(lambda: owner.status.state is DeviceState.READY)


def test_who_holds_the_camera_is_told(owner, peer):
    """It is there, so it is not absent; the sentence says what to do."""
    peer.control.write_text("held = true")
    until(lambda: owner.status.state is DeviceState.DEGRADED)

    assert owner.status.reason == "device_held"
    assert "another program" in owner.status.detail


def test_a_dark_room_is_a_warning_and_no_fault():
    """The camera works; somebody should put the light on."""
    camera = _Fed(dark_room)
    owner = CameraOwner(Upkeep("camera-1", "camera", "fed"), lambda: camera)
    owner.start()
    try:
        until(lambda: owner.status.warnings == (DeviceWarning.DARK_ROOM,))

        assert owner.status.state is DeviceState.READY
    finally:
        owner.close()


def test_only_a_technician_clears_what_failed():
    """However often the plug is turned meanwhile: it waits for a word."""
    opened, mended = [], [False]

    def opening():
        opened.append(time.monotonic())
        if not mended[0]:
            raise PasswordLocked("the camera has a password")
        return _Fed(picture)

    owner = CameraOwner(Upkeep("camera-1", "camera", "fed"), opening)
    owner.start()
    try:
        until(lambda: owner.status.state is DeviceState.FAILED)
        mended[0] = True
        time.sleep(0.5)
        assert (owner.status.state, len(opened)) == (DeviceState.FAILED, 1)
        assert owner.status.next_try_at_ms is None
        owner.clear()

        until(lambda: owner.status.state is DeviceState.READY)
    finally:
        owner.close()


def test_a_still_that_takes_too_long_fails_alone(owner, peer):
    """Preview and still take turns on one thread, and the preview goes on."""
    peer.control.write_text("slow_still = true")
    with Watcher(owner) as watcher:
        with pytest.raises(DeviceTimeout):
            owner.still(0.5)
        before = watcher.seen
        until(lambda: watcher.seen > before + 3)

        assert owner.status.state is DeviceState.READY
        assert all(move.state is not DeviceState.DEGRADED for move in owner.transitions())


def test_stills_are_taken_one_at_a_time(owner):
    """Two who ask at once: one gets its still, the other is told that one is being taken."""
    told: list[Frame | DeviceError] = []

    def ask() -> None:
        try:
            told.append(owner.still(LONG_S))
        except DeviceError as refused:
            told.append(refused)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert any(isinstance(one, Frame) for one in told)
    assert all(isinstance(one, Frame) or "already" in str(one) for one in told)


def test_a_setting_is_kept_if_whole_pictures_go_on_coming(owner, peer):
    """And written again when the camera was away: it forgets its settings with its power."""
    with Watcher(owner) as watcher:
        before = watcher.seen
        changed = owner.change({"white_balance_auto": 0, "white_balance_k": 4000}, PROOF_S)
        assert watcher.seen > before
    assert (changed.kept, changed.reason) == (True, "")
    assert _values(changed.before)["white_balance_k"] == 5000
    assert _values(changed.after)["white_balance_k"] == 4000
    peer.unplug()
    until(lambda: owner.status.state is DeviceState.ABSENT)
    with pytest.raises(DeviceAbsent):
        owner.controls()
    peer.plug()
    until(lambda: owner.status.state is DeviceState.READY)

    assert _values(owner.controls())["white_balance_k"] == 4000


@pytest.mark.parametrize(
    ("values", "reasons"),
    [
        ({"exposure_auto": 0, "exposure_100us": 5000}, {"slow_frames", "no_frames"}),
        ({"exposure_auto": 0, "exposure_100us": 10_000}, {"no_frames"}),
        ({"exposure_auto": 0, "exposure_100us": 1}, {"lens_covered"}),
        ({"gain": 50, "focus": 3}, {"refused"}),
        ({"shutter": 1}, {"unknown_control"}),
    ],
    ids=["slow", "silent", "dark", "refused", "unknown"],
)
def test_a_setting_that_breaks_the_stream_is_put_back_while_others_watch(owner, values, reasons):
    """Everything stands as before; the stream of those who watch did not end."""
    with Watcher(owner) as watcher:
        changed = owner.change(values, PROOF_S)
        assert changed.reason in reasons
        assert not changed.kept
        assert _values(owner.controls()) == _values(changed.before)
        before = watcher.seen
        until(lambda: watcher.seen > before + 3)

    assert owner.status.state is DeviceState.READY
    assert all(move.reason != "no_answer" for move in owner.transitions())


def test_a_change_under_which_the_plug_is_pulled_is_not_kept(owner, peer):
    """Nobody knows whether it would have worked: what was before is written at the next opening."""
    outcome = []
    trying = threading.Thread(
        target=lambda: outcome.append(owner.change({"gain": 40}, proof_s=LONG_S))
    )
    trying.start()
    until(lambda: _values(owner.controls())["gain"] == 40)
    peer.unplug()
    trying.join()
    peer.plug()
    until(lambda: owner.status.state is DeviceState.READY)

    assert (outcome[0].kept, outcome[0].reason) == (False, "not_connected")
    assert _values(owner.controls())["gain"] == 0


def test_one_change_is_tried_at_a_time(owner):
    """The second is told so at once."""
    trying = threading.Thread(target=lambda: owner.change({"gain": 10}, proof_s=1.0))
    trying.start()
    until(lambda: _values(owner.controls())["gain"] == 10)
    with pytest.raises(DeviceError, match="another change"):
        owner.change({"gain": 20})
    trying.join()


def test_a_camera_without_settings_says_so_and_one_that_refuses_its_own_is_failed():
    """What a technician set and the camera does not take any more is hers to mend."""
    owner = CameraOwner(Upkeep("camera-1", "camera", "fed"), lambda: _Fed(picture))
    owner.start()
    try:
        until(lambda: owner.status.state is DeviceState.READY)
        assert owner.controls() == ()
        assert owner.change({"gain": 1}).reason == "no_controls"
    finally:
        owner.close()
    upkeep = Upkeep("camera-1", "camera", "fed")
    upkeep.ready("fed")
    upkeep.lost(SettingsRefused("gain"))

    assert upkeep.status.state is DeviceState.FAILED


def _values(controls) -> dict[str, int]:
    return {control.name: control.value for control in controls}


class _Fed:
    """The other end of the Camera protocol: one picture after the other."""

    model = "fed"

    def __init__(self, picture_of) -> None:
        self._picture_of = picture_of
        self._sequence = 0

    def read(self, timeout_s: float) -> Frame:
        time.sleep(0.01)
        self._sequence += 1
        return Frame(self._picture_of(), self._sequence, time.monotonic())

    still = read

    def close(self) -> None:
        """Nothing to release."""
