"""A bench with a known lens and a known glass, and a wizard on it, for the tests of calibration."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

from drivers.camera import Frame
from drivers.load import reader_opener
from drivers.peers.lens_bench import Config, LensBench, Target, Truth, write_hand
from drivers.peers.zfm import ZfmPeer
from edge.calibration.aid import Aid
from edge.calibration.book import CalibrationBook
from edge.calibration.camera_controls import set_for_a_step
from edge.calibration.limits import load_limits
from edge.calibration.procedure import Bench, Measured, Memory, Scene, Step, all_unmeasured
from edge.calibration.session import StepView
from edge.calibration.steps import STEPS
from edge.calibration.wizard import Devices, Wizard, WizardParts
from edge.camera_owner import CameraOwner
from edge.fingers.examiner import load_examiner
from edge.fingers.judge import PressJudge
from edge.preset import PortraitRules
from edge.reader_owner import ReaderOwner
from edge.settings import Device, device_options, load_document, load_preset
from edge.store import Store
from edge.supervisor import Upkeep
from edge.trust.keys import StationKey
from edge.upkeep.maintenance import Maintenance
from quality.measure import CannotAssess

TECHNICIAN = "t-7"
WITNESS = "t-9"
CAMERA, READER = "cam-1", "reader-1"
KNOWN = {
    "site": "Hall 2", "camera_firmware": "1.2", "lens": "35 mm", "lamp_hours": "120",
    "screen_ppi": "92", "camera_height_mm": "1450", "reader_serial": "0042",
}  # fmt: skip
GENEROUS_S = 60.0
"""No test measures time with it: it ends one that would else hang."""
VIEWS = tuple(
    {"yaw_deg": yaw, "pitch_deg": pitch, "roll_deg": roll, "shift_x": x, "shift_y": y,
     "distance_m": metres}
    for yaw, pitch, roll, x, y, metres in (
        (20, 0, 0, 0.0, 0.0, 0.8), (-20, 0, 5, 0.1, 0.05, 0.8), (0, 20, 0, -0.1, 0, 0.8),
        (0, -20, 0, 0, 0.1, 0.8), (15, 15, 10, 0.2, 0, 0.9), (-15, 15, 0, -0.2, 0, 0.9),
        (15, -15, -10, 0, -0.1, 0.9), (-15, -15, 0, -0.15, 0.15, 0.9), (0, 0, 15, 0, 0, 0.65),
        (0, 0, -15, 0.05, 0, 0.65), (25, 0, 0, 0.2, 0.1, 0.9), (-25, 0, 0, -0.2, -0.1, 0.9),
    )
)  # fmt: skip


@dataclass
class Station:
    """A bench, its hands, and what stands on it."""

    folder: Path
    store: Store
    book: CalibrationBook
    camera: CameraOwner
    reader: ReaderOwner
    peer: ZfmPeer
    maintenance: Maintenance
    wizard: Wizard
    served: list[str] = field(default_factory=list)

    def begin(self, *devices: str, kind: str = "full", **more: Any):
        """Begin with everything filled in."""
        chosen = devices or (CAMERA, READER)
        return self.wizard.begin(kind, chosen, TECHNICIAN, WITNESS, identity=KNOWN, **more)

    def show(self, target: Target | str, **truth: Any) -> None:
        """Write what the lens sees from now on; the camera may take a frame of before."""
        write_hand(self.folder / "lens", Target(target), replace(Truth(), **truth))

    def hold_up(self, target: Target | str, **truth: Any) -> None:
        """Hold up a target, and wait until the camera has seen it."""
        self.show(target, **truth)
        after, until_s = -1, time.monotonic() + GENEROUS_S
        # The first lies there already, the second may be under way; the third is of now.
        for _ in range(3):
            seen = None
            while seen is None:
                assert time.monotonic() < until_s, "no frame came"
                seen = self.camera.wait_frame(after, 1.0)
            after = seen.sequence

    def measured(self, step: str | None = None) -> StepView:
        """Measure the present step (or that one) and return what it came to."""
        if step is not None:
            self.wizard.again(step)
        until_s = time.monotonic() + GENEROUS_S
        while True:
            present = self.wizard.measure().present
            session = self.wizard.wait(2 * GENEROUS_S)
            assert session is not None
            assert not session.measuring
            # A busy machine makes frames late, and the camera then counts as away for a while.
            if session.failure != "device_out" or time.monotonic() > until_s:
                return session.step(present)

    def of(self, step: str, target: Target | str | None = None, **truth: Any) -> dict:
        """Hold that up, measure that step, and return its results by measure."""
        if target is not None:
            self.hold_up(target, **truth)
        return {one.measure: one for one in self.measured(step).results}

    @contextmanager
    def turning(self, views: Sequence[Mapping[str, float]] = VIEWS, **truth: Any) -> Iterator[None]:
        """Show the next view whenever the wizard has taken one, as a technician would."""
        self.hold_up(Target.CHARUCO, **views[0], **truth)
        ended: list[bool] = []

        def hand() -> None:
            shown, share = 0, 0.0
            while shown + 1 < len(views) and not ended:
                session = self.wizard.session()
                now = 0.0 if session is None else session.share
                if now > share:
                    share, shown = now, shown + 1
                    self.show(Target.CHARUCO, **views[shown], **truth)
                time.sleep(0.005)

        thread = Thread(target=hand)
        thread.start()
        try:
            yield
        finally:
            ended.append(True)
            thread.join()


@contextmanager
def bench(
    folder: Path,
    steps: Sequence[Step] = STEPS,
    *,
    vision: Any = None,
    documents: Sequence[str] = ("cn_resident_id",),
    examiner: Any = "none",
    peer: ZfmPeer | None = None,
    **camera: Any,
) -> Iterator[Station]:
    """Open a wizard with its camera and its reader; everything is closed in reverse."""
    lens = folder / "lens"
    if not (lens / "control.toml").exists():
        write_hand(lens, Target.NONE)
    # Small, so that a new view is rendered in a tenth of a second.
    size = {"width_px": 640, "height_px": 360, "still_width_px": 640, "still_height_px": 360}
    config = Config(folder=lens, **{"rate_hz": 20.0, **size, **camera})
    with ExitStack() as stack:
        store = stack.enter_context(Store.open(folder / "store.db", folder / "key"))
        glass = peer or stack.enter_context(ZfmPeer())
        key = StationKey.open_or_make(folder / "station-key.pem")
        book = CalibrationBook(folder / "calibration", store, key, "st-000001")
        eye = CameraOwner(Upkeep(CAMERA, "camera", "lens_bench"), lambda: LensBench(config))
        device = Device(
            id=READER, driver="zfm", model="demo_zfm", options={"port": str(glass.port)}
        )
        finger = ReaderOwner(
            Upkeep(READER, "fingerprint", "zfm"),
            reader_opener("zfm", device_options(device, "readers")),
        )
        for owner in (eye, finger):
            owner.start()
            stack.callback(owner.close)
        judge = PressJudge(load_examiner(examiner), 45)
        stack.callback(judge.close)
        maintenance = Maintenance(store)
        served: list[str] = []
        wizard = Wizard(
            WizardParts(
                store=store,
                book=book,
                bench=Bench(
                    eye, finger, judge, vision,
                    tuple(load_document(name) for name in documents),
                    PortraitRules(load_preset("seated")),
                    seen_fields=lambda: {
                        "camera_model": "Lens bench", "reader_model": "Test ZFM"
                    },
                    lift_s=0.0, pace=0.0,
                ),
                devices=Devices(CAMERA, READER),
                steps=steps,
                limits={"camera": load_limits("camera"), "reader": load_limits("reader")},
                maintenance=maintenance,
                occupied=lambda: bool(served),
                controls=partial(set_for_a_step, eye),
                about=lambda: ({"anxin-station": "0"}, {}),
            )
        )  # fmt: skip
        stack.callback(wizard.close)
        yield Station(
            folder, store, book, eye, finger, glass, maintenance, wizard, served
        )  # fmt: skip


class LensEye:
    """The simulated lens without an owner's thread, on a clock of its own: never late, never busy.

    It is a camera's end of the wire; whoever needs the owner opens `bench`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "lens"
        self._now_s = 0.0
        write_hand(self._folder, Target.NONE)
        size = {"width_px": 640, "height_px": 360, "still_width_px": 640, "still_height_px": 360}
        self._lens = LensBench(
            Config(folder=self._folder, **size), lambda: self._now_s, self._sleep
        )
        self.scene = Scene(
            Bench(self, None, None, None, (), PortraitRules(load_preset("seated")), dict, pace=0.0),
            load_limits("camera"),
        )

    def _sleep(self, seconds: float) -> None:
        self._now_s += seconds

    def show(self, target: Target | str, **truth: Any) -> None:
        """Hold up a target."""
        write_hand(self._folder, Target(target), replace(Truth(), **truth))

    def wait_frame(self, after: int, timeout_s: float) -> Frame:
        """The next frame."""
        return self._lens.read(10.0)

    def still(self, timeout_s: float) -> Frame:
        """The next still."""
        return self._lens.still(10.0)

    def hold_exposure(self, for_s: float) -> None:
        """There is nothing that changes it."""

    def of(self, step: Step, target: Target | str | None = None, **truth: Any) -> dict:
        """Hold that up, measure the step as the wizard would, and return its results by measure."""
        if target is not None:
            self.show(target, **truth)
        try:
            self.measured = step.measure(self.scene)
        except CannotAssess as refused:
            self.measured = Measured(all_unmeasured(step.name, self.scene.limits, str(refused)))
        return {one.measure: one for one in self.measured.results}

    def aid(self, step: Step, target: Target | str | None = None, **truth: Any) -> Aid | str:
        """Return the live aid, or the code of why it has no figure."""
        if target is not None:
            self.show(target, **truth)
        scene = replace(self.scene, memory=Memory())
        try:
            return step.aim(scene, self.wait_frame(-1, 1.0))
        except CannotAssess as refused:
            return str(refused)

    def turned(self, step: Step, views: Sequence[Mapping[str, float]] = VIEWS, **truth: Any):
        """Measure a step while the next view is shown whenever one was taken."""
        waiting = list(views)
        self.show(Target.CHARUCO, **waiting.pop(0), **truth)

        def tell(share: float, wanted: str) -> None:
            if waiting:
                self.show(Target.CHARUCO, **waiting.pop(0), **truth)

        before, self.scene = self.scene, replace(self.scene, tell=tell)
        try:
            return self.of(step)
        finally:
            self.scene = before
