"""The live picture: its figures against pictures of known truth, who may see it, what stays."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from api.technician.live_desk import FRESH_S, STILL_KEPT_S, LiveDesk
from api.technician.looks import (
    AIDS,
    BINS,
    DRAWN_WIDTH_PX,
    HISTOGRAM_PX,
    drawn,
    look,
    sharpness,
    tilt_deg,
)
from drivers.camera import Frame
from edge.supervisor import DeviceStatus
from tests.browser.desk import SCENES
from tests.delivery_kit import until
from tests.technician_kit import TECHNICIAN, Workshop, workshop

SEED = 20261122


def scene(blur_px: float = 0.0) -> np.ndarray:
    """A textured scene of 640 x 480 px, blurred by a Gaussian of so many pixels."""
    chance = np.random.default_rng(SEED)
    picture = np.kron(chance.integers(30, 220, (60, 80), np.uint8), np.ones((8, 8), np.uint8))
    return cv2.GaussianBlur(picture, (0, 0), blur_px) if blur_px else picture


def grey_picture(level: int) -> np.ndarray:
    """An even picture."""
    return np.full((480, 640, 3), level, np.uint8)


def leaning(deg: float) -> np.ndarray:
    """A board's edge that leans clockwise by so many degrees."""
    picture = np.full((480, 640), 60, np.uint8)
    turn = cv2.getRotationMatrix2D((320, 240), -deg, 1.0)
    board = np.full((480, 640), 60, np.uint8)
    board[200:, :] = 190
    return cv2.warpAffine(board, turn, (640, 480), dst=picture, borderMode=cv2.BORDER_REPLICATE)


def noisy(picture: np.ndarray, sigma: float) -> np.ndarray:
    """With the noise of a sensor, in grey levels."""
    chance = np.random.default_rng(SEED)
    return np.clip(picture + chance.normal(0, sigma, picture.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("sigma", [0, 2, 4])
def test_the_figure_falls_with_every_further_blur(sigma: float):
    """Whoever turns a lens sees the way, in good light and in noise: no step reads sharper."""
    figures = [sharpness(noisy(scene(blur), sigma)) for blur in (0, 0.6, 1, 1.5, 2, 3, 5, 8)]

    assert None not in figures
    assert all(a - b > 1 for a, b in itertools.pairwise(figures))
    assert figures[0] > 2.5 * figures[-1]


def test_the_figure_is_the_slope_that_was_drawn():
    """A wave of 40 px has an rms slope of 2 pi / 40 of its contrast a pixel: 15.7 %."""
    wave = 120 + 90 * np.sin(2 * np.pi * np.arange(400) / 40)
    across = np.tile(wave, (400, 1)).round().astype(np.uint8)

    assert sharpness(across) == pytest.approx(100 * 2 * np.pi / 40, rel=0.02)
    assert sharpness(across.T) == pytest.approx(sharpness(across), rel=1e-4)


@pytest.mark.parametrize("gain", [0.5, 0.8])
def test_the_figure_hardly_moves_with_the_light(gain: float):
    """Half the light is not half the sharpness."""
    dim = sharpness((scene(1.5) * gain).astype(np.uint8))

    assert dim == pytest.approx(sharpness(scene(1.5)), rel=0.02)


def test_a_picture_that_moved_reads_less_sharp():
    """Along one way only is blurred enough to be seen."""
    assert sharpness(cv2.blur(scene(), (15, 1))) < 0.8 * sharpness(scene())


def test_where_there_is_nothing_there_is_no_figure():
    """A bare wall with the noise of a sensor is neither sharp nor blurred."""
    noise = np.random.default_rng(SEED).normal(120, 1, (200, 200)).astype(np.uint8)

    assert sharpness(noise) is None
    assert sharpness(np.zeros((0, 0), np.uint8)) is None


@pytest.mark.parametrize("deg", [-8, -3, -0.5, 0, 0.5, 2, 7])
def test_a_lean_is_read_to_three_tenths_of_a_degree(deg: float):
    """Clockwise counts up; against an edge drawn at a known angle."""
    assert tilt_deg(leaning(deg)) == pytest.approx(deg, abs=0.3)


def test_without_a_straight_edge_there_is_no_lean():
    """A wall and a noise of leaves have none; nor does a steep diagonal."""
    assert tilt_deg(np.full((480, 640), 128, np.uint8)) is None
    assert tilt_deg(leaning(30)) is None


@pytest.mark.parametrize(("level", "lightness"), [(0, 0.0), (119, 50.0), (188, 76.2), (255, 100.0)])
def test_the_lightness_is_that_of_the_standard(level: int, lightness: float):
    """L* of sRGB greys: 119 is 50, 188 is 76.2 (half of full light), white is 100."""
    assert look(grey_picture(level)).lightness == pytest.approx(lightness, abs=0.3)


def test_what_is_burnt_out_or_black_is_counted_as_its_share():
    """A quarter white, an eighth black: 25 % and 12.5 %; the histogram holds every pixel."""
    picture = grey_picture(120)
    picture[:240, :320], picture[240:, :160] = 255, 0
    looks = look(picture)

    assert looks.clipped_percent == pytest.approx(25, abs=0.1)
    assert looks.black_percent == pytest.approx(12.5, abs=0.1)
    assert sum(looks.histogram) == pytest.approx(1)
    assert (looks.histogram[-1], looks.histogram[0]) == pytest.approx((0.25, 0.125))
    assert len(looks.histogram) == BINS


def test_one_burnt_channel_is_burnt():
    """A red lamp that clips red alone has lost what no other channel brings back."""
    picture = grey_picture(120)
    picture[..., 2] = 255

    assert look(picture).clipped_percent == 100


def decoded(jpeg: bytes) -> np.ndarray:
    """The pixels of a picture that was sent."""
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


def test_aids_are_drawn_where_they_belong_and_nothing_else_is_changed():
    """Stripes in the burnt part alone, a cross in the middle, the histogram below."""
    picture = grey_picture(120)
    picture[:, 400:] = 255
    looks = look(picture)
    plain, zebra = (decoded(drawn(picture, looks, frozenset(a))) for a in ((), ("zebra",)))
    cross = decoded(drawn(picture, looks, frozenset({"cross"})))
    below = decoded(drawn(picture, looks, frozenset({"histogram"})))

    assert np.abs(plain.astype(int) - picture).max() < 12
    assert np.abs(zebra[:, :390].astype(int) - plain[:, :390]).max() < 12
    assert zebra[:, 410:].reshape(-1, 3).std(axis=0).max() > 40
    assert np.abs(cross[240, 320].astype(int) - 120).max() > 60
    assert np.abs(cross[100, 100].astype(int) - 120).max() < 12
    assert below.shape[0] == picture.shape[0] + HISTOGRAM_PX
    assert picture[0, 500].tolist() == [255] * 3


def test_a_large_picture_is_sent_small():
    """A phone needs no 12 megapixels, and none leaves by this way."""
    picture = np.zeros((1500, 2000, 3), np.uint8)

    assert decoded(drawn(picture, look(picture), frozenset(AIDS))).shape[1] == DRAWN_WIDTH_PX


# ---- the desk, on a clock of its own ----


@dataclass
class Eye:
    """A camera's owner at its border: hands out the frame that a test put there."""

    frame: Frame | None = None
    status: DeviceStatus = field(default_factory=lambda: DeviceStatus("c", "camera", "d"))
    asked: int = 0

    def transitions(self) -> tuple:
        """Nothing happened."""
        return ()

    def clear(self) -> None:
        """Nothing to mend."""

    def wait_frame(self, after: int, timeout_s: float) -> Frame | None:
        """Return it, if it is newer."""
        self.asked += 1
        return self.frame if self.frame and self.frame.sequence > after else None

    def still(self, timeout_s: float) -> Frame:
        """Return the same."""
        assert self.frame
        return self.frame


@dataclass
class Bench:
    """A desk over such a camera, its clock, and whether somebody is there."""

    eye: Eye = field(default_factory=Eye)
    now_s: float = 100.0
    hidden: bool = False

    def __post_init__(self) -> None:
        self.desk = LiveDesk(self.eye, lambda: self.hidden, lambda: self.now_s)

    def put(self, sequence: int, blur_px: float) -> None:
        """Put a frame there that was taken now."""
        bgr = cv2.cvtColor(scene(blur_px), cv2.COLOR_GRAY2BGR)
        self.eye.frame = Frame(bgr, sequence, self.now_s)
        self.now_s += 0.2


def test_the_best_figure_is_held_until_it_is_reset():
    """Past the best focus the number stands: whoever turned too far knows where to go back to."""
    bench = Bench()
    seen = []
    for n, blur in enumerate((5, 2, 1, 3)):
        bench.put(n, blur)
        live = bench.desk.next(-1, frozenset(), 0.0)
        assert live
        seen.append((live.looks.sharpness, live.best))
    bench.desk.reset_best()

    assert seen[-1][1] == max(figure for figure, _ in seen) == seen[2][0]
    assert seen[-1][0] < seen[-1][1]
    assert bench.desk.best is None


def test_no_picture_older_than_a_second_is_handed_out():
    """Whatever stands in the slot: also when the camera says nothing more."""
    bench = Bench()
    bench.put(1, 0)
    assert bench.desk.next(-1, frozenset(), 0.0)
    bench.now_s += FRESH_S

    assert bench.desk.next(-1, frozenset(), 0.0) is None


def test_the_same_picture_is_not_handed_out_twice_and_counted_once():
    """Two who look share what was counted; aids are drawn for each choice once."""
    bench = Bench()
    bench.put(1, 0)
    first = bench.desk.next(-1, frozenset({"cross"}), 0.0)
    assert first
    again = bench.desk.next(-1, frozenset({"cross"}), 0.0)

    assert again
    assert again.looks is first.looks
    assert again.jpeg is first.jpeg
    assert bench.desk.next(1, frozenset(), 0.0) is None


def test_a_camera_that_was_opened_anew_counts_from_the_beginning():
    """Its numbers fall: the page goes on all the same."""
    bench = Bench()
    bench.put(900, 0)
    assert bench.desk.next(-1, frozenset(), 0.0)
    bench.put(3, 0)
    live = bench.desk.next(900, frozenset(), 0.0)

    assert live
    assert live.sequence == 3


def test_whoever_comes_to_the_screen_is_not_seen_and_nothing_before_is_kept():
    """Hidden at once; the still of the shutter is gone for good, not only for as long."""
    bench = Bench()
    bench.put(1, 0)
    assert bench.desk.next(-1, frozenset(), 0.0)
    bench.desk.shoot()
    assert bench.desk.still()
    bench.hidden = True
    hidden = (bench.desk.next(-1, frozenset(), 0.0), bench.desk.still())
    bench.hidden = False

    assert hidden == (None, None)
    assert bench.desk.still() is None


def test_a_picture_that_was_being_counted_when_somebody_came_is_not_shown():
    """The look before the answer is asked again after it."""
    bench = Bench()
    bench.put(1, 0)
    answers = iter([False, True])
    bench.desk = LiveDesk(bench.eye, lambda: next(answers), lambda: bench.now_s)

    assert bench.desk.next(-1, frozenset(), 0.0) is None


def test_the_still_is_kept_for_a_minute():
    """And no longer: nobody finds it the next morning."""
    bench = Bench()
    bench.put(1, 0)
    bench.desk.shoot()
    bench.now_s += STILL_KEPT_S
    kept = bench.desk.still()
    bench.now_s += 1

    assert kept is not None
    assert bench.desk.still() is None


# ---- on the wire ----


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """One console whose camera sees something."""
    sight = cv2.cvtColor(cv2.resize(scene(), (1280, 720)), cv2.COLOR_GRAY2BGR)
    with workshop(tmp_path_factory.mktemp("shop"), bgr=sight) as found:
        found.until_ready()
        yield found


def picture(shop: Workshop, after: int = -1) -> tuple[int, dict[str, str]]:
    """Ask for the next picture until one comes or it is refused; a busy machine is slow."""
    notebook = shop.again()
    end_s = time.monotonic() + 30
    while True:
        answer = notebook.ask("GET", f"/live/picture.jpg?after={after}&aids=cross", Accept="*/*")
        if answer.status != 204 or time.monotonic() > end_s:
            return answer.status, answer.headers


def test_a_picture_comes_with_its_number_its_age_and_its_figures(shop: Workshop):
    """What the page shows in large letters is what the station counted of this very picture."""
    status, headers = picture(shop)
    figures = json.loads(headers["X-Figures"])

    assert status == 200
    assert headers["Content-Type"] == "image/jpeg"
    assert int(headers["X-Frame-Age-Ms"]) < 1000
    assert set(figures) == {"sharpness", "best", "lightness", "clipped", "black", "tilt"}
    assert figures["best"] >= figures["sharpness"] > 0


def test_while_somebody_is_at_the_screen_there_is_no_picture_and_no_shutter(shop: Workshop):
    """Refused in words and as a problem; afterwards it goes on by itself."""
    shop.shown[0] = SCENES["portrait"]
    try:
        notebook = shop.again()
        page = notebook.sees("/live")
        status = notebook.ask("GET", "/live/picture.jpg?after=-1", Accept="*/*").status
        before = shop.acts()
        notebook.does("/live/shutter")
        still = notebook.ask("GET", "/live/still.jpg", Accept="*/*").status
    finally:
        shop.shown[0] = replace(SCENES["welcome"])

    assert "屏幕前有人" in page
    assert (status, still) == (503, 404)
    assert shop.acts() == before
    assert picture(shop)[0] == 200


def test_the_remote_shutter_takes_a_picture_that_is_noted_and_stored_nowhere(shop: Workshop):
    """One touch; the page shows it with its figures; the chain has the device and who."""
    notebook = shop.again()
    notebook.sees("/live")
    assert notebook.does("/live/shutter").status == 303
    page = notebook.sees("/live")
    still = notebook.ask("GET", "/live/still.jpg")

    assert 'id="still"' in page
    assert decoded(still.body).shape == (540, 960, 3)
    assert shop.acts()[-1] == ("technician", TECHNICIAN, "technician.shutter", "ok")
    assert shop.store.counts()["open"] == 0
    files = [path.suffix for path in Path(shop.store.folder).rglob("*") if path.is_file()]
    assert not {".jpg", ".jpeg", ".png"} & set(files)


def test_too_many_who_look_are_told_so_and_the_others_go_on(shop: Workshop):
    """Places are given back: whoever stops looking makes room."""
    shop.camera.unplugged = False
    notebook = shop.again()
    answers: list[int] = []
    look_at = "/live/picture.jpg?after=-1"

    def ask() -> None:
        answers.append(notebook.ask("GET", look_at, Accept="*/*").status)

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert set(answers) <= {200, 204, 503}
    until(lambda: notebook.ask("GET", look_at, Accept="*/*").status == 200)
