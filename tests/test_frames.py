"""What a frame is found to be before anybody sees it, and what viewers get of it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.camera import Frame, JpegPicture
from drivers.cameras.folder.delivery import torn_jpeg
from drivers.cameras.folder.scene_clock import age_s, draw_clock, read_clock
from edge.frames.darkness import Light, light_of
from edge.frames.jpeg_shape import shape_of
from edge.frames.judge import Fault, FrameJudge
from edge.frames.preview import preview_of
from edge.frames.small_look import Torn, small_look

WIDTH_PX, HEIGHT_PX = 320, 240
DICE = np.random.default_rng(4)


def picture(level: int = 120, noise: float = 2.0, size=(WIDTH_PX, HEIGHT_PX)) -> np.ndarray:
    """Return a wall with a bright half, under a sensor's noise that is new each time."""
    drawn = np.full((size[1], size[0], 3), float(level))
    drawn[:, size[0] // 2 :] *= 1.5
    return np.clip(drawn + DICE.normal(0, noise, drawn.shape), 0, 255).astype(np.uint8)


def covered() -> np.ndarray:
    return np.clip(DICE.normal(4.0, 3.0, (HEIGHT_PX, WIDTH_PX, 3)), 0, 255).astype(np.uint8)


def dark_room() -> np.ndarray:
    """Return a room lit by a screen alone: some levels of light, less than the noise."""
    drawn = np.full((HEIGHT_PX, WIDTH_PX, 3), 3.0)
    drawn[60:180, 80:240] += 6.0
    return np.clip(drawn + DICE.normal(0, 4.0, drawn.shape), 0, 255).astype(np.uint8)


def encoded(bgr: np.ndarray, quality: int = 90) -> bytes:
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def as_jpeg(bgr: np.ndarray) -> JpegPicture:
    return JpegPicture(encoded(bgr), bgr.shape[1], bgr.shape[0])


class Desk:
    """Judges pictures one after the other, a tenth of a second apart."""

    def __init__(self, pixels=picture) -> None:
        self.judge = FrameJudge()
        self.now_s = 100.0
        self.number = 0
        self.sees(pixels())
        assert self.sees(pixels()) is None

    def sees(self, pixels, age_s: float = 0.0, *, watched: bool = True) -> Fault | None:
        self.now_s += 0.1
        self.number += 1
        frame = Frame(pixels, self.number, self.now_s - age_s)
        return self.judge.judge(frame, self.now_s, watched=watched).fault


def test_whole_frames_pass():
    """As pixels and as JPEG."""
    desk = Desk()

    assert [desk.sees(picture()) for _ in range(5)] == [None] * 5
    assert [desk.sees(as_jpeg(picture())) for _ in range(5)] == [None] * 5


def test_the_first_frame_after_an_opening_is_not_trusted():
    """Drivers hand out a buffer from before; only a second one that differs is news."""
    desk = Desk()
    desk.judge.opened()

    assert desk.sees(picture()) is Fault.FROZEN
    assert desk.sees(picture()) is None


@pytest.mark.parametrize("form", [np.asarray, as_jpeg], ids=["pixels", "jpeg"])
def test_the_same_picture_again_is_withheld_also_by_a_camera_opened_anew(form):
    """To the bit: sensor noise makes it implausible. Opening does not make it new."""
    desk, stuck = Desk(), form(picture())
    assert desk.sees(stuck) is None
    assert desk.sees(stuck) is Fault.FROZEN
    desk.judge.opened()

    assert [desk.sees(stuck) for _ in range(3)] == [Fault.FROZEN] * 3
    assert desk.sees(picture()) is None


def test_another_size_is_withheld_until_somebody_says_that_it_is_another_camera():
    """A camera that comes back in half its size did not come back as it was."""
    desk = Desk()
    small = picture(size=(160, 120))
    assert desk.sees(small) is Fault.WRONG_SIZE
    desk.judge.opened()
    desk.sees(picture(size=(160, 120)))
    assert desk.sees(picture(size=(160, 120))) is Fault.WRONG_SIZE
    desk.judge.another_camera()
    desk.sees(picture(size=(160, 120)))

    assert desk.sees(picture(size=(160, 120))) is None


def test_a_header_that_speaks_of_another_size_is_withheld():
    """What the driver says and what the JPEG says must be one."""
    jpeg = encoded(picture(size=(160, 120)))

    assert Desk().sees(JpegPicture(jpeg, WIDTH_PX, HEIGHT_PX)) is Fault.WRONG_SIZE


def test_an_old_frame_is_withheld():
    """A driver that hands out its queue in its order shows the past."""
    desk = Desk()

    assert desk.sees(picture(), age_s=1.5) is Fault.OLD
    assert desk.sees(picture(), age_s=0.5) is None


@pytest.mark.parametrize("share", [0.05, 0.3, 0.67, 0.9])
@pytest.mark.parametrize(
    "end", [b"", b"\xff\xd9", b"\xff\xd9\x00\x00\x00"], ids=["cut", "end", "pad"]
)
def test_a_torn_jpeg_is_withheld_wherever_it_was_torn(share, end):
    """Also with its end mark in place, as a bus that lost packets in between delivers it."""
    jpeg = encoded(picture())
    torn = jpeg[: round(share * len(jpeg))] + end

    assert Desk().sees(JpegPicture(torn, WIDTH_PX, HEIGHT_PX)) is Fault.TORN


@settings(max_examples=40)
@given(st.binary(max_size=300))
def test_no_bytes_upset_the_look_at_a_jpeg(junk):
    """A camera may deliver anything: it is a picture or it is torn."""
    for jpeg in (junk, b"\xff\xd8" + junk, encoded(picture())[:200] + junk):
        shape_of(jpeg)
        with pytest.raises(Torn):
            small_look(Frame(JpegPicture(jpeg, WIDTH_PX, HEIGHT_PX), 1, 0.0))


def test_a_grey_wall_is_not_taken_for_a_torn_picture():
    """What a decoder draws for missing blocks is a grey that noise does not keep to."""
    wall = np.clip(DICE.normal(128, 3, (HEIGHT_PX, WIDTH_PX, 3)), 0, 255).astype(np.uint8)

    assert Desk().sees(as_jpeg(wall)) is None


@pytest.mark.parametrize("form", [np.asarray, as_jpeg], ids=["pixels", "jpeg"])
def test_a_covered_lens_is_told_from_a_dark_room(form):
    """Behind a cap there is only noise; in a room there is something, however little."""
    desk = Desk()
    assert [desk.sees(form(covered())) for _ in range(4)] == [Fault.COVERED] * 4
    desk.sees(form(dark_room()))

    assert [desk.sees(form(dark_room())) for _ in range(4)] == [None] * 4
    judged = desk.judge.judge(Frame(form(dark_room()), 99, desk.now_s), desk.now_s, watched=True)
    assert judged.dark_room


def test_a_sensor_that_gives_nought_is_covered():
    """No noise at all is no room either."""
    black = np.zeros((30, 40), np.uint8)

    assert light_of(black, black) is Light.COVERED
    assert light_of(None, black) is Light.COVERED
    assert light_of(black, np.full((30, 40), 90, np.uint8)) is Light.ENOUGH


def test_pixels_are_looked_at_five_times_a_second_while_nobody_watches():
    """Decoding is for those who see it; a lens that is covered stays so in between."""
    desk = Desk()
    looked = []
    for _ in range(20):
        desk.now_s += 0.02
        frame = Frame(as_jpeg(picture()), desk.number, desk.now_s)
        looked.append(desk.judge.judge(frame, desk.now_s, watched=False).looked_at)
        desk.number += 1

    assert sum(looked) == pytest.approx(2, abs=1)


def test_what_a_look_found_holds_until_the_next_one():
    """A camera that nobody watches is no better for it."""
    desk = Desk()
    whole = [desk.sees(as_jpeg(picture()), watched=False) for _ in range(5)]
    torn = [desk.sees(torn_jpeg(picture()), watched=False) for _ in range(8)]

    assert whole == [None] * 5
    assert torn[2:] == [Fault.TORN] * 6


def test_a_cameras_own_jpeg_is_passed_on_to_the_bit():
    """Nothing is decoded and encoded on its way to a viewer."""
    jpeg = as_jpeg(picture())

    assert preview_of(Frame(jpeg, 1, 0.0)).jpeg is jpeg.jpeg


def test_a_jpeg_without_tables_or_too_wide_is_made_anew():
    """Browsers show nothing of the first, and pay too much for the second."""
    whole = encoded(picture())
    bare = whole
    while (at := bare.find(b"\xff\xc4")) >= 0:
        bare = bare[:at] + bare[at + 2 + int.from_bytes(bare[at + 2 : at + 4], "big") :]
    wide = as_jpeg(picture(size=(1928, 240)))
    shape = shape_of(bare)
    assert shape is not None
    assert not shape.tables
    made = preview_of(Frame(wide, 1, 0.0)).jpeg

    assert made != wide.jpeg
    assert shape_of(made).width_px == 960
    assert not preview_of(Frame(picture(), 1, 0.0)).jpeg.startswith(b"\x00")


@settings(max_examples=8)
@given(st.floats(0, 1e6))
def test_the_clock_in_a_picture_is_read_as_it_was_drawn(now_s):
    """Through a JPEG of a usual quality and made smaller, to the millisecond."""
    drawn = draw_clock(picture(size=(640, 360)), now_s)
    smaller = cv2.resize(drawn, (480, 270), interpolation=cv2.INTER_AREA)
    seen = read_clock(cv2.imdecode(np.frombuffer(encoded(smaller, 80), np.uint8), 1))

    assert seen is not None
    assert min(age_s(seen, now_s), age_s(now_s, seen)) < 0.002


def test_a_picture_without_a_clock_shows_no_time():
    """A torn or another picture must not be taken for an hour."""
    torn = torn_jpeg(draw_clock(picture(), 12.0))
    pixels = cv2.imdecode(np.frombuffer(torn.jpeg, np.uint8), 1)

    assert read_clock(pixels) != 12.0
