"""What goes wrong around a sitting: the person meets a calm screen, and the sitting goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from demo.station import start_centre
from drivers.peers.line_faults import Fault, Harm
from drivers.peers.presses import LEFT_THUMB, RIGHT_THUMB, Press
from edge.settings import Settings
from edge.sitting import Event, Overlay, Result, State
from edge.store.errors import StoreBroken
from edge.trust.station_key import open_or_make_station_key
from tests.station.bed import LONG_S, station_bed


def test_a_camera_unplugged_in_the_preview_comes_back_and_the_portrait_is_taken(tmp_path, scenes):
    """The calm screen stands where the picture was; nothing is to be pressed."""
    with station_bed(tmp_path, scenes, subject="tilted", centre=False) as bed:
        bed.begin()
        bed.until(lambda s: s.hint == "portrait.straighten_head", "a hint")
        bed.unplug_camera()
        calm = bed.until(lambda s: s.overlay is Overlay.CALM, "the calm screen")

        assert calm.state is State.PORTRAIT
        assert calm.camera in {"absent", "opening"}
        assert bed.station.camera.latest() is None
        bed.play('play = "suit"')
        bed.plug_camera()
        bed.until(lambda s: s.overlay is None, "the camera's return")
        assert bed.take_portrait().state is State.FINGER


def test_a_camera_that_stays_away_is_a_reason_to_go_on_without(tmp_path, scenes):
    """A way round is open at any time, and the package names the device, not the person."""
    with station_bed(tmp_path, scenes, subject="nobody", presses=(), centre=False) as bed:
        bed.begin()
        bed.unplug_camera()
        bed.until(lambda s: s.overlay is Overlay.CALM, "the calm screen")
        shown = bed.ask(Event.PORTRAIT_GIVEN_UP)

        assert [(m.what, m.reason) for m in shown.missing] == [("portrait", "device_out")]


def test_no_sitting_begins_without_a_camera(tmp_path, scenes):
    """Told before anybody stands there, and over by itself when the camera is back."""
    with station_bed(tmp_path, scenes, centre=False) as bed:
        bed.until(lambda s: not s.out_of_service and s.revision > 0, "service")
        bed.unplug_camera()
        shown = bed.until(lambda s: s.overlay is Overlay.OUT_OF_SERVICE, "out of service")
        assert shown.out_of_service == ("device_out",)
        assert bed.station.reasons() == ("device_out",)
        bed.plug_camera()
        bed.until(lambda s: s.overlay is None, "service again")


def test_a_reader_unplugged_in_mid_image_is_found_again_and_the_finger_is_taken(tmp_path, scenes):
    """The station's fault is not a press of the person's: nothing is counted against her."""
    presses = tuple(Press(RIGHT_THUMB, number) for number in range(1, 5))
    with station_bed(tmp_path, scenes, centre=False, throttled=True, presses=presses) as bed:
        bed.begin()
        bed.take_portrait()
        bed.until(lambda s: s.finger is not None and 0.1 < s.finger.share < 0.9, "mid-image")
        bed.peer.unplug()
        calm = bed.until(lambda s: s.overlay is Overlay.CALM, "the calm screen")
        assert calm.state is State.FINGER
        bed.peer.replug()
        bed.until(lambda s: s.overlay is None, "the reader's return")
        bed.until(lambda s: bool(s.fingers_in), "the first finger")

        (package,) = bed.station.store.open_packages()
        rows = package.sitting["presentations"]["right_thumb"]
        # The press that was cut off is none: two more settled the finger.
        assert [row["cause"] for row in rows] == ["", ""]
        bed.peer.start_plan((Press(LEFT_THUMB, 1), Press(LEFT_THUMB, 2)))
        assert bed.finish().result is Result.ACCEPTED


def test_a_reader_at_another_speed_is_found(tmp_path, scenes):
    """A module that was left at 19200 baud serves like any other."""
    with station_bed(tmp_path, scenes, centre=False, baud=19200) as bed:
        bed.begin()
        bed.take_portrait()

        assert bed.finish().result is Result.ACCEPTED


def test_one_flipped_bit_in_an_image_costs_a_second_upload_and_nothing_else(tmp_path, scenes):
    """The image that is kept is the one that the glass held, bit for bit."""
    with station_bed(tmp_path, scenes, centre=False) as bed:
        bed.peer.harm(Fault(Harm.FLIP, 5000))
        bed.begin()
        bed.take_portrait()
        shown = bed.finish()

        assert shown.result is Result.ACCEPTED
        assert shown.missing == ()


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGSTOP])
def test_a_vision_worker_that_dies_or_hangs_in_a_sitting_is_replaced(tmp_path, scenes, blow):
    """The person is photographed all the same; the worker's death is on record."""
    with station_bed(tmp_path, scenes, subject="tilted", centre=False) as bed:
        bed.begin()
        bed.until(lambda s: s.hint == "portrait.straighten_head", "a hint")
        pid = bed.station.vision.pid
        assert pid is not None
        os.kill(pid, blow)
        bed.play('play = "suit"')

        assert bed.take_portrait().state is State.FINGER
        assert bed.station.vision.restarts == 1
        assert bed.station.vision.pid != pid


def test_a_centre_that_is_down_all_day_gets_its_package_in_the_evening(tmp_path, scenes):
    """Delivery has no part in the sitting: the person is done, the package waits."""
    with station_bed(tmp_path, scenes, centre=False) as bed:
        bed.begin()
        bed.take_portrait()
        assert bed.finish().result is Result.ACCEPTED
        until_s = time.monotonic() + LONG_S
        while not bed.station.outboxes[0].status.failures and time.monotonic() < until_s:
            time.sleep(0.05)
        assert bed.station.store.counts()["ready"] == 1

        start_centre(bed.plan, bed.station.settings.station.id, bed.stack)
        bed.station.outboxes[0].retry_now()
        bed.until_receipted()


def test_a_restart_goes_on_where_the_person_was(tmp_path, scenes):
    """The portrait is in; after the restart the same sitting asks for the fingers."""
    with station_bed(tmp_path, scenes, presses=(), centre=False) as bed:
        bed.begin()
        sitting_id = bed.take_portrait().sitting_id
    with station_bed(tmp_path, scenes, centre=False) as bed:
        shown = bed.until(lambda s: s.resumed, "the resumed sitting")

        assert (shown.sitting_id, shown.portrait_in) == (sitting_id, True)
        assert shown.state in {State.FINGER, State.REVIEW}
        assert bed.finish().result is Result.ACCEPTED


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of 24 MiB that can really be full."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder], check=False
    )
    if mounted.returncode:
        pytest.skip("mounting is not allowed here, so no disk can be filled")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def on(folder: Path):
    """Return a change of settings that puts the store there, with a floor that fits."""

    def change(settings: Settings) -> Settings:
        update = {"folder": folder / "store", "floor_mib": 6, "reserve_mib": 4}
        # Provisioned as well: a station makes no key by itself.
        (folder / "store").mkdir(exist_ok=True)
        open_or_make_station_key(folder / "store", "file", settings.store.tpm)
        return settings.model_copy(update={"store": settings.store.model_copy(update=update)})

    return change


def fill(folder: Path, leave_bytes: int) -> None:
    """Fill the disk but for so many bytes."""
    with (folder / "other-peoples-files").open("ab") as file:
        room = os.statvfs(folder)
        file.write(b"\0" * max(0, room.f_bavail * room.f_frsize - leave_bytes))


def test_a_full_disk_refuses_the_next_person_before_she_stands_there(tmp_path, scenes, small_disk):
    """Out of service, with its reason; over when there is room again."""
    with station_bed(tmp_path, scenes, centre=False, change=on(small_disk)) as bed:
        bed.until(lambda s: not s.out_of_service and s.revision > 0, "service")
        fill(small_disk, 0)
        shown = bed.until(lambda s: "store_full" in s.out_of_service, "store_full")
        assert shown.overlay is Overlay.OUT_OF_SERVICE
        (small_disk / "other-peoples-files").unlink()
        bed.until(lambda s: s.overlay is None, "service again")


def test_a_running_sitting_completes_on_a_disk_that_fills_up(tmp_path, scenes, small_disk):
    """The reserve is there for the person who stands at the camera."""
    with station_bed(tmp_path, scenes, centre=False, change=on(small_disk)) as bed:
        bed.begin()
        fill(small_disk, 0)
        bed.take_portrait()
        shown = bed.finish()

        assert shown.result is Result.ACCEPTED
        assert bed.station.store.counts()["ready"] == 1


def test_a_disk_without_any_room_sends_to_the_window_and_says_no_done(tmp_path, scenes, small_disk):
    """Never "done" for what is not there; what was acknowledged before is still there."""
    with station_bed(tmp_path, scenes, centre=False, change=on(small_disk)) as bed:
        bed.begin()
        fill(small_disk, 0)
        # The reserves are gone as well: somebody wrote into the room that they gave up.
        for reserve in (small_disk / "store").glob("reserve*"):
            reserve.unlink()
        fill(small_disk, 0)
        bed.until_state(State.PORTRAIT_OK)
        shown = bed.ask(Event.PORTRAIT_KEPT)

        assert (shown.state, shown.result) == (State.RESULT, Result.TO_WINDOW)
        assert bed.station.store.counts()["ready"] == 0
        assert not bed.station.desk.broken.is_set()


def end_the_thread_at(store, name: str) -> None:
    """Cut the power, as far as the sitting can tell, when this part is about to be committed."""
    committed = store.add_parts

    def cut(package_id, parts, sitting=None):
        if any(part.name == name for part in parts):
            raise SystemExit
        committed(package_id, parts, sitting)

    store.add_parts = cut


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_cut_while_the_portrait_is_kept_leaves_it_whole_or_not_there(tmp_path, scenes):
    """No package says accepted and lacks one of its documents."""
    with station_bed(tmp_path, scenes, presses=(), centre=False) as bed:
        bed.begin()
        bed.until_state(State.PORTRAIT_OK)
        end_the_thread_at(bed.station.store, "portrait/cn_resident_id.jpg")
        with pytest.raises(TimeoutError):
            bed.ask(Event.PORTRAIT_KEPT)
    with station_bed(tmp_path, scenes, centre=False) as bed:
        shown = bed.until(lambda s: s.resumed, "the resumed sitting")

        assert (shown.state, shown.portrait_in) == (State.PORTRAIT, False)
        bed.take_portrait()
        assert bed.finish().result is Result.ACCEPTED


def test_who_was_sent_to_the_window_is_not_resumed_for_the_next_person(
    tmp_path, scenes, small_disk
):
    """A restart leads nobody into another person's sitting."""
    with station_bed(tmp_path, scenes, presses=(), centre=False, change=on(small_disk)) as bed:
        bed.begin()
        bed.take_portrait()
        bed.until(lambda s: s.finger is not None, "the first finger")
        fill(small_disk, 0)
        for reserve in (small_disk / "store").glob("reserve*"):
            reserve.unlink()
        fill(small_disk, 0)
        shown = bed.ask(Event.FINGER_SKIPPED)
        if shown.state is State.FINGER:
            # The row still fitted into a page that was there; a print does not.
            shown = bed.ask(Event.LEAVE)
        else:
            assert shown.result is Result.TO_WINDOW
            bed.ask(Event.FINISH)
        (small_disk / "other-peoples-files").unlink()
        bed.until(lambda s: s.overlay is None, "service again")
        bed.ask(Event.START)
        bed.ask(Event.LEAVE)
    with station_bed(tmp_path, scenes, centre=False, change=on(small_disk)) as bed:
        shown = bed.until(lambda s: not s.out_of_service and s.revision > 0, "service")

        assert (shown.state, shown.resumed) == (State.WELCOME, False)


def test_a_failure_in_the_review_ends_at_the_window_and_a_broken_store_ends_the_service(
    tmp_path, scenes
):
    """Wherever a write fails, the loop lives on or the service says that it must be restarted."""
    with station_bed(tmp_path, scenes, centre=False) as bed:
        bed.begin()
        bed.take_portrait()
        bed.until_state(State.REVIEW)

        def broken(*_: object) -> None:
            raise StoreBroken("the disk is gone")

        bed.station.store.drop_package = broken
        shown = bed.ask(Event.LEAVE)

        assert (shown.state, shown.result) == (State.RESULT, Result.TO_WINDOW)
        assert bed.station.desk.broken.is_set()
        assert bed.station.failed
        assert "service_failed" in bed.station.reasons()


def test_a_worker_that_hangs_while_it_begins_does_not_stop_the_buttons(tmp_path, scenes):
    """Help is answered, the calm screen comes, and the next worker serves."""
    with station_bed(tmp_path, scenes, subject="tilted", centre=False) as bed:
        bed.begin()
        bed.until(lambda s: s.hint == "portrait.straighten_head", "a hint")
        first = bed.station.vision.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        until_s = time.monotonic() + LONG_S
        while (pid := bed.station.vision.pid) in {None, first} and time.monotonic() < until_s:
            time.sleep(0.005)
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)

        assert bed.station.desk.call_help(True).overlay is Overlay.HELP
        assert bed.station.desk.call_help(False).overlay is None
        bed.play('play = "suit"')
        assert bed.take_portrait().state is State.FINGER
