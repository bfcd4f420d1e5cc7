"""The demo station put together: its settings, its neighbours, its view."""

from __future__ import annotations

import random
import socket
import tomllib
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from api.ports import PortTaken, WantedPort, check_ports
from demo.badge import Badge, staff_file
from demo.console.knobs import Knobs
from demo.content import install_content
from demo.director import Director
from demo.finger_stories import FingerStory, cue_for
from demo.lens import BENCH, BenchBefore
from demo.neighbours import CHECKOUT, Centre, DemoError, ReaderEnd
from demo.pictures import MOVING, SUBJECTS, camera_options, compose, mask_by, plug_in
from drivers.camera import Camera
from drivers.errors import DeviceAbsent, DeviceError
from drivers.load import open_camera
from edge.calibration.session import Session
from edge.calibration.steps_fingers import LIFT
from edge.foundation import lay_foundation
from edge.settings import Settings, device_options, load_settings
from edge.station import Station, build
from edge.trust.keys import StationKey
from edge.vision.client import FrameRefused, VisionLost, VisionWorker

SETTINGS: Final = CHECKOUT / "firmware_configs" / "stations" / "demo.toml"
USUAL_KIOSK_PORT: Final = 8080
USUAL_CONSOLE_PORT: Final = 8082
USUAL_GUIDE_PORT: Final = 8083
OWN_PORTS: Final = range(20_000, 32_000)
PICTURES: Final = CHECKOUT / ".cache" / "anxin" / "pictures"


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """Where this demo keeps its state and listens; port 0 takes any free one.

    Without a `badge` nobody can sign at it; without a `story` the reader's person has its own.
    With a `quick_reader` fingers and prints come at once: else they take what they take in life.
    `other_settings` are lines `section.name = value`, as TOML. Their times may be shorter than any
    station's: whoever shows what happens when nobody comes cannot wait for minutes.
    """

    folder: Path
    subject: str
    kiosk_port: int
    v1_port: int
    centre_port: int
    badge: Badge | None = None
    story: FingerStory | None = None
    quick_reader: bool = False
    guide_port: int = 0
    other_settings: tuple[str, ...] = ()
    console_port: int = 0

    @property
    def knobs(self) -> Knobs:
        """Return the hands on both devices."""
        return Knobs(self.folder, self.subject)


def open_demo(
    plan: DemoPlan, stack: ExitStack, *at_each_sitting: Callable[[], object]
) -> tuple[Station, Centre]:
    """Open the demo station and its neighbours; closed by the stack, in reverse.

    The centre may still be on its way: pages need not wait for it, whoever announces it must.

    Args:
        plan: where.
        stack: closes what is opened here.
        at_each_sitting: called as a sitting begins, beside the reader's next person.

    Raises:
        DemoError: the centre made no keys, or there is no such subject.
        StoreError, ModelUnfit, KeyUnusable, SettingsError: as `edge.station` does.
    """
    if plan.subject not in (*SUBJECTS, MOVING):
        raise DemoError(
            f"No subject {plan.subject!r}; there are: {', '.join((*SUBJECTS, MOVING))}."
        )
    settings = demo_settings(plan)
    # The store first: whoever already runs on it owns the camera, the line and the centre as well.
    foundation = lay_foundation(settings, stack)
    plan.knobs.reset()
    reader = start_reader(plan, stack)
    centre = start_centre(plan, settings.station.id, stack)
    install_content(plan.folder / "centre", plan.folder / "store")
    station = build(foundation, stack, demo_camera(settings, plan, foundation.vision))
    control = plan.folder / "camera" / "camera.control"
    pressed = [cue_for(plan.story, plan.knobs)] if plan.story else []
    fingers = [*pressed, reader.finger]
    director = Director(
        station.desk, control, [reader.next_person, *at_each_sitting], fingers,
        calibration=lambda: _finger_of(station.wizard.session()),
        at_each_step=lambda finger: reader.finger(finger) if finger else reader.nobody(),
    )  # fmt: skip
    director.start()
    stack.callback(director.close)
    return station, centre


def _finger_of(session: Session | None) -> str | None:
    """Return whose finger a calibration asks for; "" for nobody's, None if that stays as it is."""
    if session is None or session.wanted == LIFT:
        return None
    return session.wanted.removeprefix("press_") if session.wanted.startswith("press_") else ""


def free_port() -> int:
    """Return a port of this machine that nobody listens on now.

    Not one of those that the system gives to outgoing connections: between this answer and the
    moment when somebody listens there, such a connection could take it.
    """
    ports = list(OWN_PORTS)
    random.SystemRandom().shuffle(ports)
    for port in ports:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise DemoError("No port is free.")


def usual_guide_port(kiosk_port: int) -> int:
    """Return where the attendants' console is served if nobody says: any free port beside others.

    The usual port is kept for the demo at the usual place.
    """
    if kiosk_port != USUAL_KIOSK_PORT:
        return 0
    try:
        check_ports([WantedPort("127.0.0.1", USUAL_GUIDE_PORT, "--guide-port")])
    except PortTaken:
        return 0
    return USUAL_GUIDE_PORT


def usual_console_port() -> int:
    """Return where the technician's console is served if nobody says: any free port beside others.

    Its page of knobs belongs to every demo.
    """
    try:
        check_ports([WantedPort("127.0.0.1", USUAL_CONSOLE_PORT, "--console-port")])
    except PortTaken:
        return 0
    return USUAL_CONSOLE_PORT


def settings_copy(plan: DemoPlan) -> Path:
    """Return a copy of the demo's settings file, made anew: a change at the console changes it."""
    copy = plan.folder / "station.toml"
    copy.write_bytes(SETTINGS.read_bytes())
    return copy


def demo_settings(plan: DemoPlan) -> Settings:
    """Return the demo's settings, moved to the plan's folder and ports. Raises `SettingsError`."""
    settings = load_settings(SETTINGS, check_camera=False)
    centre = plan.folder / "centre"
    sink = settings.sinks[0]
    sink_options = {
        "url": f"https://127.0.0.1:{plan.centre_port}",
        "ca_file": centre / "tls-ca.pem",
    }
    store = {"folder": plan.folder / "store", "centre_keys": centre}
    staff = staff_file(plan.folder) if plan.badge else None
    settings = _changed(settings, plan.other_settings)
    return settings.model_copy(
        update={
            "reader": settings.reader.model_copy(
                update={"options": {"port": str(plan.folder / "reader" / "zfm")}}
            ),
            "store": settings.store.model_copy(update=store),
            "reuse": settings.reuse.model_copy(update={"staff_file": staff}),
            "vision": settings.vision.model_copy(
                update={
                    "face_landmarker": CHECKOUT / settings.vision.face_landmarker,
                    "selfie_segmentation": CHECKOUT / settings.vision.selfie_segmentation,
                }
            ),
            "kiosk": settings.kiosk.model_copy(update={"port": plan.kiosk_port}),
            "v1": settings.v1.model_copy(update={"port": plan.v1_port}),
            # Whoever can sign at it can sign in at its consoles.
            "guide": settings.guide.model_copy(
                update={"enabled": staff is not None, "port": plan.guide_port}
            ),
            "technician": settings.technician.model_copy(
                update={"enabled": staff is not None, "port": plan.console_port}
            ),
            "sinks": (sink.model_copy(update={"options": sink_options}),),
        }
    )


def _changed(settings: Settings, lines: Sequence[str]) -> Settings:
    for line in lines:
        try:
            ((section, said),) = tomllib.loads(line).items()
            present = getattr(settings, section)
            known = set(said) <= set(type(present).model_fields)
        except (tomllib.TOMLDecodeError, AttributeError, TypeError, ValueError):
            known = False
        if not known:
            raise DemoError(f"{line!r} is no setting: write section.name = value, as in TOML.")
        settings = settings.model_copy(update={section: present.model_copy(update=said)})
    return settings


def start_reader(plan: DemoPlan, stack: ExitStack) -> ReaderEnd:
    """Start the other end of the reader's line; closed by the stack."""
    reader = ReaderEnd(plan.folder / "reader", quick=plan.quick_reader)
    reader.start()
    stack.callback(reader.close)
    return reader


def start_centre(plan: DemoPlan, station_id: str, stack: ExitStack) -> Centre:
    """Start the centre and make it and the station known to each other; closed by the stack.

    Returns once the station can pin the centre's keys, which may be before the centre listens.

    Raises:
        DemoError: it made no keys.
    """
    folder = plan.folder / "centre"
    (folder / "stations").mkdir(parents=True, exist_ok=True)
    # Handed over as a file, as at a real provisioning; the centre trusts no key from the network.
    key = StationKey.open_or_make(plan.folder / "store" / "station-key.pem")
    (folder / "stations" / f"{station_id}.json").write_text(key.registration(station_id))
    centre = Centre(folder, plan.centre_port)
    stack.callback(centre.close)
    centre.await_keys()
    return centre


def demo_camera(settings: Settings, plan: DemoPlan, vision: VisionWorker) -> Callable[[], Camera]:
    """Return what opens the demo's camera; the first time, its scenes are composed before."""
    folder = plan.folder / "camera"
    options: dict[str, Any] = {
        **device_options(settings.camera, "cameras"),
        **camera_options(folder, plan.subject),
    }
    if not folder.exists():
        folder.mkdir(parents=True)
        plug_in(folder)

    def open_demo_camera() -> Camera:
        try:
            compose(PICTURES, folder, mask_by(vision))
        except (VisionLost, FrameRefused) as error:
            raise DeviceAbsent("the scenes are not composed yet") from error
        except OSError as error:
            raise DeviceError("the demo's pictures are missing: run make run") from error
        scenes = open_camera(settings.camera.driver, options)
        return BenchBefore(scenes, folder / BENCH, PICTURES / "man-35.jpg")

    return open_demo_camera
