"""A reflex camera behind libgphoto2: its own library, over a real socket and over its virtual USB.

The library's ptp2 driver talks to a peer of ours (drivers/peers/gphoto2.py) and to the virtual
camera that libgphoto2 brings for its own tests. Neither is a camera that somebody can hold.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import cv2
import numpy as np
import pytest

from drivers.cameras.gphoto2 import Config, holders, library, settings
from drivers.cameras.gphoto2 import open_camera as open_config
from drivers.errors import DeviceAbsent, DeviceError, DeviceHeld, DeviceTimeout
from drivers.load import open_camera
from drivers.peers.gphoto2 import Peer
from tests.delivery_kit import until

gphoto2 = pytest.importorskip("gphoto2", reason="the extra `cameras` is missing")
TIMEOUT_S = 20.0


@pytest.fixture
def peer(tmp_path):
    made = Peer(tmp_path)
    yield made
    made.close()


@pytest.fixture
def opened(peer):
    cameras = []

    def opening(**options):
        cameras.append(open_camera("gphoto2", {**peer.options, **options}))
        return cameras[-1]

    yield opening
    for camera in cameras:
        camera.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One peer and one open camera for whatever leaves both as they were."""
    made = Peer(tmp_path_factory.mktemp("shared"))
    camera = open_camera("gphoto2", made.options)
    yield made, camera
    camera.close()
    made.close()


def test_preview_still_and_settings_come_through_one_owner_without_a_fight(shared):
    """In any order, as the station mixes them, and the session is opened once."""
    peer, camera = shared
    for _ in range(3):
        assert camera.read(TIMEOUT_S).width_px == 320
        assert camera.still(TIMEOUT_S).width_px == 960
        assert camera.set_control("iso", 400).value == 400
        assert camera.set_control("iso", 100).value == 100
        assert camera.read(TIMEOUT_S).still_scale == 3.0

    assert camera.model == "Anxin PTP peer"
    assert peer.asked.count(0x1002) == 1


def test_no_face_stays_on_the_cameras_card(shared):
    """Taken, fetched, deleted; unless the station says otherwise."""
    peer, camera = shared
    camera.still(TIMEOUT_S)
    assert peer.objects == {}


def test_stills_may_be_kept_on_the_card(opened, peer):
    """For whoever has to and says so."""
    opened(keep_on_card=True).still(TIMEOUT_S)
    assert len(peer.objects) == 1


def test_settings_have_the_houses_names_and_units(opened, peer):
    """8 ms is 80 units of 100 us, f/5.6 is 56 tenths: on every maker's camera."""
    camera = opened(controls={"exposure_100us": 160})
    found = {control.name: control for control in camera.controls()}

    assert found["exposure_100us"].value == 160
    assert peer.settings[0x500D].value == 160
    assert found["aperture_tenths"].choices == {28: "f/2.8", 40: "f/4", 56: "f/5.6", 80: "f/8"}
    assert found["aperture_tenths"].value == 56
    assert sorted(found["iso"].choices) == [100, 200, 400, 800]


def test_a_setting_that_the_camera_does_not_keep_is_told(shared):
    """It says yes and stays as it was."""
    peer, camera = shared
    peer.stubborn = True
    with pytest.raises(DeviceError, match="iso was set to 800, but the camera kept 100"):
        camera.set_control("iso", 800)
    peer.stubborn = False


@pytest.mark.parametrize("knob", ["torn", "spliced"])
def test_a_torn_live_picture_is_dropped_and_counted(shared, knob):
    """Cut off, which the library refuses; or run into the next one, which it passes on."""
    peer, camera = shared
    before = camera.dropped().get("torn", 0)
    setattr(peer, knob, True)
    end_s = time.monotonic() + 30
    while camera.dropped().get("torn", 0) < before + 3 and time.monotonic() < end_s:
        with pytest.raises(DeviceTimeout):
            camera.read(0.1)
    setattr(peer, knob, False)

    assert camera.dropped()["torn"] >= before + 3
    assert camera.read(TIMEOUT_S).width_px == 320


def test_a_raw_still_says_what_to_set(shared):
    """The most frequent slip: the camera saves no JPEG."""
    peer, camera = shared
    peer.raw = True
    with pytest.raises(DeviceError, match="set its format to JPEG"):
        camera.still(TIMEOUT_S)
    peer.raw = False

    assert camera.still(TIMEOUT_S).width_px == 960


def test_another_camera_at_the_same_port_is_refused(opened):
    """By its serial number, since ports and names are shared."""
    with pytest.raises(DeviceError, match="another camera is there: ANXIN-PEER-1, not 4711"):
        opened(serial_number="4711")


def test_a_camera_that_answers_nothing_is_given_up_in_time(peer, opened):
    """Nothing ends libgphoto2's call but the end of its process: the caller waits no longer."""
    camera = opened()
    camera.read(TIMEOUT_S)
    peer.shutter_s = 30.0
    began_s = time.monotonic()
    with pytest.raises(DeviceTimeout, match="did not answer within"):
        camera.still(0.5)
    waited_s = time.monotonic() - began_s
    peer.shutter_s = 0.0

    assert waited_s < 20
    # Else the next question would get this one's answer.
    with pytest.raises(DeviceAbsent, match="was closed"):
        camera.read(TIMEOUT_S)


def test_the_station_runs_on_while_the_camera_is_closed(opened, peer):
    """The binding keeps the interpreter waiting: in its own process, not in ours."""
    camera = opened()
    camera.read(TIMEOUT_S)
    ticks = []
    stop = threading.Event()
    clock = threading.Thread(target=lambda: [ticks.append(stop.wait(0.005)) for _ in range(2000)])
    clock.start()
    before = len(ticks)
    camera.close()
    passed = len(ticks) - before
    stop.set()
    clock.join()

    assert passed > 0


def test_a_worker_that_dies_is_told_and_leaves_nothing(opened):
    """Native code crashes now and then; the next opening starts another."""
    camera = opened()
    camera.read(TIMEOUT_S)
    camera._process._child.kill()
    with pytest.raises(DeviceError, match="ended in the middle"):
        [camera.read(TIMEOUT_S) for _ in range(3)]
    with pytest.raises(DeviceAbsent, match="was closed"):
        camera.read(TIMEOUT_S)

    assert opened().read(TIMEOUT_S).width_px == 320


def test_no_camera_at_all_is_absent():
    """The bus is looked at, and nothing is there: this machine has no camera."""
    with pytest.raises(DeviceAbsent, match="no camera is connected"):
        open_config(Config())


def test_a_port_that_changes_with_every_plug_is_refused():
    """usb:001,004 is another device tomorrow."""
    with pytest.raises(DeviceError, match="serial_number tells which"):
        library.open_device("usb:001,004")


def test_a_folder_is_no_camera(tmp_path):
    """libgphoto2's own driver for folders opens, and releases no shutter: said, not tried."""
    with pytest.raises(DeviceError, match="Directory Browse can release no shutter from here"):
        open_config(Config(port=f"disk:{tmp_path}"))


def test_the_librarys_own_virtual_camera_is_found_and_takes_a_still(tmp_path, monkeypatch):
    """A Nikon D750 over a virtual USB, driven by ptp2: detected, shot, its settings written."""
    noise = np.random.default_rng(1).integers(0, 255, (300, 400, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "a.jpg"), noise)
    monkeypatch.setenv("VCAMERADIR", str(tmp_path))
    camera = open_config(Config(keep_on_card=True))
    still = camera.still(TIMEOUT_S)
    written = camera.set_control("exposure_100us", 1000)
    with pytest.raises(DeviceError, match="cannot do it: taking a live picture"):
        camera.read(TIMEOUT_S)
    camera.close()

    assert still.jpeg == (tmp_path / "a.jpg").read_bytes()
    assert (written.value, written.choices[1000]) == (1000, "0.1000s")


def test_the_desktops_service_is_named_with_its_cure():
    """A real process of that name, as GNOME starts it, on this machine."""
    with subprocess.Popen(
        ["gvfs-gphoto2-volume-monitor", "600"], executable="/bin/sleep"
    ) as service:
        # A process has its name a moment after it has begun.
        until(holders.who)
        held = library.named(-53, "Could not claim the USB device", "opening it")
        service.terminate()

    assert isinstance(held, DeviceHeld)
    assert f"gvfs-gphoto2-volume-monitor of the desktop has it (process {service.pid})" in str(held)
    assert "mask gvfs-gphoto2-volume-monitor.service" in str(held)


def test_its_child_and_other_programs_are_named_too(tmp_path):
    """What holds the camera is gvfsd-gphoto2; or gphoto2, forgotten on a terminal."""
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "cmdline").write_bytes(b"/usr/libexec/gvfsd-gphoto2\0--spawner\0:1.11\0")
    (tmp_path / "8").mkdir()
    (tmp_path / "8" / "cmdline").write_bytes(b"gphoto2\0--capture-movie\0")

    assert holders.who(proc=tmp_path).startswith("gvfsd-gphoto2 of the desktop has it (process 7)")
    (tmp_path / "7" / "cmdline").unlink()
    assert holders.who(proc=tmp_path) == "gphoto2 has it (process 8); end that program"
    (tmp_path / "8" / "cmdline").unlink()
    assert holders.who(proc=tmp_path) == ""


@pytest.mark.parametrize(
    ("code", "kind"),
    [(-53, DeviceHeld), (-60, DeviceHeld), (-7, DeviceAbsent), (-52, DeviceAbsent),
     (-105, DeviceAbsent), (-10, DeviceTimeout), (-110, DeviceTimeout), (-6, DeviceError)],
)  # fmt: skip
def test_the_librarys_errors_are_told_apart(code, kind):
    """By what the caller can do: wait for it, free it, open it again, call staff."""
    assert type(library.named(code, "words", "opening it")) is kind


@pytest.mark.parametrize(
    ("word", "key"),
    [("1/125", 80), ("0.0080s", 80), ("1", 10_000), ("1.3", 13_000), ("Bulb", None), ("", None),
     ("1/0", 10_000), ("-1", None), ("1/2/3", None)],
)  # fmt: skip
def test_a_shutter_time_is_read_as_makers_write_it(word, key):
    """As a fraction, with an s, in whole seconds; what is none is left out."""
    assert settings.KNOWN[1].read(word) == key


def test_a_camera_without_the_extra_says_how_to_get_it(monkeypatch):
    """libgphoto2 is not part of a station's own installation."""
    monkeypatch.setitem(sys.modules, "gphoto2", None)
    with pytest.raises(DeviceError, match=r"python3\.11 -m setup cameras"):
        library.library()
