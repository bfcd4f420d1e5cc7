"""Would this photo do? Judged by the real worker beside a station, and nothing of it is kept."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PIL import Image

from api.app import V1Station, create_v1_app
from edge.camera_owner import CameraOwner
from edge.photos.fault import PHOTO_BYTES_MAX, PHOTO_PIXELS_MAX
from edge.photos.precheck import Prechecks, StationBusy
from edge.settings import load_document
from edge.sitting import State
from edge.store import Store
from edge.supervisor import Upkeep
from edge.vision.client import ModelFiles, VisionWorker
from tests import hostile_photos as hostile
from tests.delivery_kit import SINK, STATION, make_kit, until
from tests.order_kit import digest
from tests.sitting_kit import sittings
from tests.test_device_owners import WiredCamera
from tests.test_v1 import BEARER, CAMERA, TOKEN, slug

JPEG = "image/jpeg"
SHEET = "cn_exit_entry"
PATIENCE_S = 60.0


class Desk:
    """One station's `/v1` that looks at photos, and whether somebody is served."""

    def __init__(self, store: Store, verifier, vision: VisionWorker) -> None:
        self.served = False
        documents = {name: load_document(name) for name in (SHEET, "cn_resident_id")}
        self.prechecks = Prechecks(vision, documents, lambda: self.served, PATIENCE_S)
        station = V1Station(
            STATION, "0.1.0", "0" * 64, store, verifier, lambda: [CAMERA], list, (SINK,),
            prechecks=self.prechecks,
        )  # fmt: skip
        self.client = create_v1_app(station, TOKEN).test_client()

    def post(self, content: bytes, query: str = f"document={SHEET}", kind: str = JPEG, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(
            f"/v1/photo-checks?{query}", data=content, content_type=kind,
            headers={**BEARER, **named},
        )  # fmt: skip


@pytest.fixture(scope="module")
def model_files(models) -> ModelFiles:
    return ModelFiles(models.face_landmarker, models.selfie_segmentation)


@pytest.fixture(scope="module")
def vision(model_files) -> Iterator[VisionWorker]:
    worker = VisionWorker(model_files)
    worker.start()
    worker.wait_ready(PATIENCE_S)
    yield worker
    worker.close()


@pytest.fixture(scope="module")
def station(tmp_path_factory) -> Iterator[tuple[Store, object]]:
    folder = tmp_path_factory.mktemp("photo-checks")
    with Store.open(folder / "store.db", folder / "store.key") as store:
        yield store, make_kit(folder / "kit").verifier


@pytest.fixture(scope="module")
def desk(station, vision: VisionWorker) -> Desk:
    return Desk(*station, vision)


@pytest.fixture(scope="module")
def asleep(station, model_files) -> Desk:
    """A station whose worker was never started: whatever reaches it is lost."""
    return Desk(*station, VisionWorker(model_files))


@pytest.fixture(scope="module")
def photo(pictures) -> bytes:
    """One person, cut about as a sheet wants it."""
    with Image.open(pictures / "man-35.jpg") as image:
        return hostile.jpeg(image.convert("RGB").resize((640, 640)).crop((100, 0, 540, 550)))


def test_a_photo_is_judged_by_the_sheet_that_is_named(desk: Desk, photo: bytes):
    """Verdict, advice and every limit with its value; of a size that is no sheet's: rejected."""
    answer = desk.post(photo, Content_Digest=digest(photo))
    said = answer.get_json()
    readings = {row["measure"]: row for row in said["readings"]}

    assert (answer.status_code, said["document"], said["verdict"]) == (200, SHEET, "rejected")
    assert set(said) == {"document", "verdict", "advice", "readings"}
    assert readings["width"] == {
        "measure": "width", "native": 440.0, "component": None, "unit": "px",
        "verdict": "rejected", "advisory": False,
    }  # fmt: skip
    assert readings["HeadPoseYaw"]["verdict"] in {"accepted", "rejected"}
    assert all((row["native"] is None) == (row["verdict"] == "not_assessed")
               for row in said["readings"])  # fmt: skip
    other = desk.post(photo, "document=cn_resident_id").get_json()
    assert other["document"] == "cn_resident_id"
    assert "photo-checks" in desk.client.get("/v1/station", headers=BEARER).get_json()["features"]


def test_nothing_of_a_photo_is_kept(desk: Desk, station, vision, photo, capfd):
    """Neither in the journal nor in a log, nor in the memory that the worker shares."""
    store, _ = station
    before = store.read(lambda db: db.execute("select count(*) from audit").get)
    assert desk.post(photo).status_code == 200
    shared = vision._memory[:]

    assert shared.count(0) == len(shared)
    assert store.read(lambda db: db.execute("select count(*) from audit").get) == before
    assert store.read(lambda db: db.execute("select count(*) from event").get) == 0
    assert store.read(lambda db: db.execute("select count(*) from idempotency").get) == 0
    written = capfd.readouterr()
    assert (written.out, written.err) == ("", "")


BLANK = hostile.jpeg(Image.new("RGB", (400, 500), "white"))


def bomb(width_px: int, height_px: int) -> bytes:
    """A header that promises so many pixels."""
    at = hostile.frame_header(BLANK)
    size = height_px.to_bytes(2, "big") + width_px.to_bytes(2, "big")
    return BLANK[: at + 5] + size + BLANK[at + 9 :]


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (400, 500)).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "status", "problem", "code"),
    [
        (bomb(65500, 65500), 413, "too-large", "too_many_pixels"),
        (bomb(PHOTO_PIXELS_MAX // 1000, 1001), 413, "too-large", "too_many_pixels"),
        (bomb(40, 500), 422, "photo-unreadable", "too_small"),
        (bomb(400, 0), 422, "photo-unreadable", "unusual_coding"),
        (png(), 422, "photo-unreadable", "wrong_type"),
        (b"no picture", 422, "photo-unreadable", "not_jpeg"),
        (BLANK[:300], 422, "photo-unreadable", "truncated"),
        (BLANK + b"PK\x03\x04 more", 422, "photo-unreadable", "trailing_bytes"),
        (hostile.jpeg(Image.new("L", (400, 500))), 422, "photo-unreadable", "not_rgb"),
    ],
    ids=["square-bomb", "one-row-too-many", "narrow", "no-height", "png", "text", "cut", "tail",
         "grey"],
)  # fmt: skip
def test_what_the_header_shows_to_be_unfit_costs_the_worker_nothing(
    asleep: Desk, content: bytes, status: int, problem: str, code: str
):
    """Image bombs and strangers' files are refused before anything could decode them."""
    answer = asleep.post(content)

    assert (answer.status_code, slug(answer)) == (status, problem)
    assert answer.get_json()["errors"] == [{"pointer": "#", "code": code}]


def test_what_only_seeing_shows_is_said_by_its_code(desk: Desk):
    """A wall without a face is no photo that could be judged."""
    answer = desk.post(BLANK)

    assert (answer.status_code, slug(answer)) == (422, "photo-unreadable")
    assert answer.get_json()["errors"] == [{"pointer": "#", "code": "no_face"}]


def test_a_request_that_is_none_is_refused_by_its_name(asleep: Desk, photo: bytes):
    """Type, digest, document, size, length: each with its own problem."""
    for answer, status, problem in (
        (asleep.post(photo, kind="image/png"), 415, "media-type"),
        (asleep.post(photo, kind="application/json"), 415, "media-type"),
        (asleep.post(photo, Content_Digest=digest(b"x")), 422, "digest-mismatch"),
        (asleep.post(photo, Content_Digest="rubbish"), 422, "digest-mismatch"),
        (asleep.post(photo, "document=moon_id"), 422, "invalid-request"),
        (asleep.post(photo, ""), 422, "invalid-request"),
        (asleep.post(photo, f"document={SHEET}&keep=1"), 422, "invalid-request"),
        (asleep.post(bytes(PHOTO_BYTES_MAX + 1)), 413, "too-large"),
        (asleep.post(b""), 411, "length-required"),
    ):
        assert (answer.status_code, slug(answer)) == (status, problem)


def test_whoever_is_served_comes_first(desk: Desk, photo: bytes):
    """503 with patience while somebody stands there, and none of her frames waits for it."""
    desk.served = True
    answer = desk.post(photo)
    desk.served = False

    assert (answer.status_code, slug(answer)) == (503, "station-busy")
    assert answer.headers["Retry-After"] == "5"
    assert desk.post(photo).status_code == 200


def test_a_worker_that_is_not_there_is_no_fault_of_the_photo(asleep: Desk, photo: bytes):
    """It is being replaced, or still loads: ask again."""
    assert slug(asleep.post(photo)) == "station-busy"


def test_one_photo_is_looked_at_at_a_time(model_files, photo: bytes):
    """A second one is told to wait at once: a queue would stand before whoever comes next."""
    inside, go_on = threading.Event(), threading.Event()

    def occupied() -> bool:
        inside.set()
        go_on.wait(PATIENCE_S)
        return False

    prechecks = Prechecks(
        VisionWorker(model_files), {SHEET: load_document(SHEET)}, occupied
    )  # fmt: skip
    seen: list[str] = []

    def first() -> None:
        try:
            prechecks.check(photo, SHEET)
        except StationBusy:
            seen.append("the worker was never started")

    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(PATIENCE_S)
    with pytest.raises(StationBusy):
        prechecks.check(photo, SHEET)
    assert seen == []
    go_on.set()
    thread.join()
    assert seen == ["the worker was never started"]


def test_whoever_comes_meanwhile_never_waits_for_the_look(vision: VisionWorker, tmp_path):
    """Is somebody there? The loop that takes her touches does not stand behind a photo for that."""
    camera = CameraOwner(
        Upkeep("camera-1", "camera", "wired"), lambda: WiredCamera(lambda: None)
    )  # fmt: skip
    camera.start()
    looking, done = threading.Event(), threading.Event()

    def look() -> None:
        with vision._turn:
            looking.set()
            done.wait(PATIENCE_S)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        assert looking.wait(PATIENCE_S)
        with sittings(tmp_path) as found:
            found.room = replace(found.room, camera=camera, vision=vision)
            loop, screen = found.begin()
            until(lambda: camera.wait_frame(-1, 0.0) is not None, PATIENCE_S)
            # The worker's turn is taken for as long as this test likes; a round goes on.
            loop._timers._presence._looked_at_s = float("-inf")
            loop._round()
            assert vision.occupied
            assert loop._timers._presence._looked_at_s > float("-inf")
            assert screen.snapshot.state is State.CONSENT
    finally:
        done.set()
        thread.join()
        camera.close()
