"""Earlier photos through the real worker: honest ones are seen, hostile ones refused by name."""

from __future__ import annotations

import io
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from drivers.camera import Frame
from edge.photos.fault import (
    PHOTO_BYTES_MAX,
    PHOTO_PIXELS_MAX,
    PHOTO_SIDE_PX_MIN,
    PREVIEW_SIDE_PX,
    PhotoFault,
    PhotoUnreadable,
)
from edge.photos.header import SCANS_MAX, SEGMENTS_MAX, photo_header
from edge.vision.client import Depth, ModelFiles, VisionWorker
from tests import hostile_photos as hostile

PATIENCE_S = 60.0
"""For answers that must come: a busy machine is no failure."""


@pytest.fixture(scope="module")
def eyes(models):
    worker = VisionWorker(ModelFiles(models.face_landmarker, models.selfie_segmentation))
    worker.start()
    yield worker
    worker.close()


@pytest.fixture(scope="module")
def person(pictures):
    """One real person, smaller than the file it comes from, upright."""
    with Image.open(pictures / "man-35.jpg") as image:
        return image.convert("RGB").resize((640, 640)).crop((40, 0, 600, 640))


@pytest.fixture(scope="module")
def photo(person):
    return hostile.jpeg(person)


@pytest.fixture
def still_well(eyes, person):
    """After the test: the same worker process as before looks at the next frame as ever."""
    eyes.wait_ready(PATIENCE_S)
    before = eyes.pid, eyes.restarts
    yield
    bgr = np.asarray(person)[:, :, ::-1].copy()
    seen = eyes.look(Frame(bgr, 1, 0.0), Depth.LIVE, PATIENCE_S)

    assert seen.faces == 1
    assert (eyes.pid, eyes.restarts) == before


def fault(eyes, content: bytes) -> PhotoFault:
    with pytest.raises(PhotoUnreadable) as caught:
        eyes.read_photo(content, PATIENCE_S)
    assert str(caught.value) == caught.value.code.value
    return caught.value.code


def test_a_photo_is_seen_as_the_same_pixels_are_in_a_still(eyes, photo):
    """Read from a file or looked at as a frame: the same faces, measures and outline."""
    read = eyes.read_photo(photo, PATIENCE_S)
    bgr = cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR)
    seen = eyes.look(Frame(bgr, 5, 1.0), Depth.STILL, PATIENCE_S)

    assert (read.width_px, read.height_px) == (560, 640)
    assert read.sight.natives == seen.natives
    assert read.sight.outline == seen.outline
    assert (read.sight.faces, read.sight.frame_sequence) == (1, 0)


@pytest.mark.parametrize("orientation", sorted(hostile.TRANSPOSED))
@pytest.mark.usefixtures("still_well")
def test_a_photo_is_judged_upright(eyes, person, orientation):
    """All eight EXIF orientations are the same picture; unmirrored, with the head up."""
    read = eyes.read_photo(hostile.lying(person, orientation), PATIENCE_S)
    shown = cv2.imdecode(np.frombuffer(read.preview_jpeg, np.uint8), cv2.IMREAD_COLOR)
    wanted = np.asarray(person)[:, :, ::-1].astype(np.int16)

    assert (read.width_px, read.height_px) == person.size
    assert abs(read.sight.natives["HeadPoseRoll"].value) < 5
    assert np.abs(shown.astype(np.int16) - wanted).mean() < 4


def test_the_preview_is_a_small_new_file(eyes, pictures):
    """Staff's browser never gets the stranger's bytes: no EXIF, no profile, no thumbnail."""
    with Image.open(pictures / "man-35.jpg") as image:
        large = hostile.jpeg(image.resize((1600, 1200)), icc_profile=hostile.srgb_profile())
    secret = b"somewhere at home"
    read = eyes.read_photo(hostile.after_start(large, 0xFE, secret), PATIENCE_S)
    with Image.open(io.BytesIO(read.preview_jpeg)) as shown:
        size, left = shown.size, set(shown.info)

    assert size == (PREVIEW_SIDE_PX, PREVIEW_SIDE_PX * 3 // 4)
    assert secret not in read.preview_jpeg
    assert not left & {"icc_profile", "exif", "comment"}


def apng(image):
    return hostile.other(image, "PNG", save_all=True, append_images=[image.rotate(3)])


REFUSED = {
    "empty": (lambda i, j: b"", PhotoFault.NOT_JPEG),
    "text": (lambda i, j: b"<svg onload='alert(1)'/>", PhotoFault.NOT_JPEG),
    "first half": (lambda i, j: j[: len(j) // 2], PhotoFault.TRUNCATED),
    "without its end": (lambda i, j: j[:-2], PhotoFault.TRUNCATED),
    "start only": (lambda i, j: j[:2], PhotoFault.TRUNCATED),
    "cmyk": (lambda i, j: hostile.jpeg(i.convert("CMYK")), PhotoFault.NOT_RGB),
    "grey": (lambda i, j: hostile.jpeg(i.convert("L")), PhotoFault.NOT_RGB),
    "one pixel": (lambda i, j: hostile.jpeg(i.resize((1, 1))), PhotoFault.TOO_SMALL),
    "one row": (lambda i, j: hostile.jpeg(i.resize((640, 1))), PhotoFault.TOO_SMALL),
    "200 megapixels": (lambda i, j: hostile.claiming(j, 20000, 10000), PhotoFault.TOO_MANY_PIXELS),
    "largest there is": (
        lambda i, j: hostile.claiming(j, 65535, 65535), PhotoFault.TOO_MANY_PIXELS
    ),
    "no height": (lambda i, j: hostile.claiming(j, 640, 0), PhotoFault.UNUSUAL_CODING),
    "higher than its rows": (lambda i, j: hostile.claiming(j, 560, 2000), PhotoFault.DAMAGED),
    "png": (lambda i, j: hostile.other(i, "PNG"), PhotoFault.WRONG_TYPE),
    "png of 16 bits": (
        lambda i, j: hostile.other(Image.new("I;16", (200, 200), 9000), "PNG"),
        PhotoFault.WRONG_TYPE,
    ),
    "tiff of 16 bits": (
        lambda i, j: hostile.other(Image.new("I;16", (200, 200), 9000), "TIFF"),
        PhotoFault.WRONG_TYPE,
    ),
    "webp": (lambda i, j: hostile.other(i, "WEBP"), PhotoFault.WRONG_TYPE),
    "gif": (lambda i, j: hostile.other(i, "GIF"), PhotoFault.WRONG_TYPE),
    "bmp": (lambda i, j: hostile.other(i.resize((300, 300)), "BMP"), PhotoFault.WRONG_TYPE),
    "heic": (lambda i, j: b"\0\0\0\x18ftypheic" + bytes(40), PhotoFault.WRONG_TYPE),
    "pdf": (lambda i, j: hostile.other(i, "PDF"), PhotoFault.WRONG_TYPE),
    "animated gif": (
        lambda i, j: hostile.other(i, "GIF", save_all=True, append_images=[i.rotate(3)], loop=0),
        PhotoFault.ANIMATED,
    ),
    "animated png": (lambda i, j: apng(i), PhotoFault.ANIMATED),
    "animated webp": (
        lambda i, j: hostile.other(i, "WEBP", save_all=True, append_images=[i.rotate(3)]),
        PhotoFault.ANIMATED,
    ),
    "png bomb": (
        lambda i, j: hostile.other(Image.new("1", (9000, 9000)), "PNG"), PhotoFault.WRONG_TYPE
    ),
    "jpeg bomb": (
        lambda i, j: hostile.jpeg(Image.new("RGB", (5000, 5000)), quality=30),
        PhotoFault.TOO_MANY_PIXELS,
    ),
    "two mebibytes and one": (
        lambda i, j: j + bytes(PHOTO_BYTES_MAX + 1 - len(j)), PhotoFault.TOO_LARGE
    ),
    "12 bits": (lambda i, j: hostile.with_precision(j, 12), PhotoFault.UNUSUAL_CODING),
    "arithmetic": (lambda i, j: hostile.with_coding(j, 0xC9), PhotoFault.UNUSUAL_CODING),
    "lossless": (lambda i, j: hostile.with_coding(j, 0xC3), PhotoFault.UNUSUAL_CODING),
    "scan bomb": (
        lambda i, j: hostile.with_scans(hostile.jpeg(i, progressive=True), SCANS_MAX + 1),
        PhotoFault.UNUSUAL_CODING,
    ),
    "segment bomb": (
        lambda i, j: j[:2] + b"\xff\xfe\0\2" * SEGMENTS_MAX + j[2:], PhotoFault.UNUSUAL_CODING
    ),
    "codes that do not exist": (lambda i, j: hostile.with_noise_in_scan(j), PhotoFault.DAMAGED),
    "no tables": (
        lambda i, j: j.replace(b"\xff\xdb", b"\xff\xfe"), PhotoFault.DAMAGED
    ),
    "a length of nothing": (lambda i, j: j[:2] + b"\xff\xe1\0\1" + j[2:], PhotoFault.DAMAGED),
    "two frames": (
        lambda i, j: hostile.after_start(j, 0xC0, j[hostile.frame_header(j) + 4 :][:15]),
        PhotoFault.DAMAGED,
    ),
    "a zip behind": (lambda i, j: j + b"PK\3\4" + bytes(60), PhotoFault.TRAILING_BYTES),
    "a second picture behind": (lambda i, j: j + j, PhotoFault.TRAILING_BYTES),
    "adobe rgb by profile": (
        lambda i, j: hostile.jpeg(i, icc_profile=hostile.adobe_rgb_profile()),
        PhotoFault.NOT_SRGB,
    ),
    "a profile of noise": (
        lambda i, j: hostile.jpeg(i, icc_profile=bytes(range(256)) * 300), PhotoFault.NOT_SRGB
    ),
    "no face": (
        lambda i, j: hostile.jpeg(Image.new("RGB", (300, 400), (90, 120, 150))),
        PhotoFault.NO_FACE,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.usefixtures("still_well")
def test_a_hostile_photo_is_refused_by_its_name(eyes, person, photo, name):
    """Each is told apart by its code, and the worker is the same afterwards."""
    make, wanted = REFUSED[name]

    assert fault(eyes, make(person, photo)) is wanted


@pytest.mark.usefixtures("still_well")
def test_adobe_rgb_by_the_camera_s_word_is_refused(eyes, person):
    """A camera without a profile says it in EXIF: the tag, or the rule R03."""
    tagged, ruled = Image.Exif(), Image.Exif()
    tagged.get_ifd(0x8769)[0xA001] = 2
    ruled.get_ifd(0x8769)[0xA005] = {1: "R03"}

    assert fault(eyes, hostile.jpeg(person, exif=tagged)) is PhotoFault.NOT_SRGB
    assert fault(eyes, hostile.jpeg(person, exif=ruled)) is PhotoFault.NOT_SRGB


@pytest.mark.usefixtures("still_well")
def test_two_people_are_not_one(eyes, person):
    """Nobody guesses which of two faces is meant."""
    both = Image.new("RGB", (person.width * 2, person.height))
    both.paste(person, (0, 0))
    both.paste(person, (person.width, 0))

    assert fault(eyes, hostile.jpeg(both)) is PhotoFault.MANY_FACES


ACCEPTED = {
    "progressive": lambda i, j: hostile.jpeg(i, progressive=True),
    "restarts": lambda i, j: hostile.jpeg(i, restart_marker_rows=1),
    "full chroma": lambda i, j: hostile.jpeg(i, subsampling=0),
    "padded": lambda i, j: j + bytes(4096) + b"\xff" * 512,
    "srgb by profile": lambda i, j: hostile.jpeg(i, icc_profile=hostile.srgb_profile()),
    "thumbnail of another": lambda i, j: hostile.after_start(
        j, 0xE1, b"Exif\0\0" + hostile.jpeg(Image.new("RGB", (160, 120), "red"))
    ),
    "exif bomb": lambda i, j: hostile.after_start(j, 0xE1, hostile.exif_bomb()),
    "comment with an end in it": lambda i, j: hostile.after_start(j, 0xFE, b"\xff\xd9\xff\xda"),
}


@pytest.mark.parametrize("name", ACCEPTED)
@pytest.mark.usefixtures("still_well")
def test_an_unusual_but_honest_photo_is_read(eyes, person, photo, name):
    """What libraries and cameras really write is no reason for a refusal."""
    read = eyes.read_photo(ACCEPTED[name](person, photo), PATIENCE_S)

    assert (read.width_px, read.height_px) == person.size
    assert abs(read.sight.natives["HeadPoseRoll"].value) < 5


@pytest.mark.usefixtures("still_well")
def test_the_largest_photo_is_read_in_bounded_memory(eyes, person):
    """As many pixels as are allowed, then one row more."""
    width_px, height_px = 5000, PHOTO_PIXELS_MAX // 5000
    wall = Image.new("RGB", (width_px, height_px + 1), (180, 180, 180))
    wall.paste(person.resize((2400, 2742)), (1200, 1000))
    tall = hostile.jpeg(wall, quality=70)
    read = eyes.read_photo(
        hostile.jpeg(wall.crop((0, 0, width_px, height_px)), quality=70), PATIENCE_S
    )
    status = Path(f"/proc/{eyes.pid}/status").read_text()
    peak_kib = int(status.split("VmHWM:")[1].split()[0])

    assert read.width_px * read.height_px == PHOTO_PIXELS_MAX
    assert fault(eyes, tall) is PhotoFault.TOO_MANY_PIXELS
    assert peak_kib < 450 * 1024


@pytest.mark.parametrize("side", [PHOTO_SIDE_PX_MIN - 1, PHOTO_SIDE_PX_MIN])
def test_a_side_has_its_least_length(person, side):
    """One pixel less is too small, for width and height alike."""
    for size in ((side, 300), (300, side)):
        content = hostile.jpeg(person.resize(size))
        if side < PHOTO_SIDE_PX_MIN:
            with pytest.raises(PhotoUnreadable, match="too_small"):
                photo_header(content)
        else:
            assert photo_header(content).width_px == size[0]


def test_the_header_is_read_in_a_moment(photo):
    """Two mebibytes of the worst bytes cost no noticeable time, and no pixel is decoded."""
    begin = hostile.scan_start(photo)
    worst = photo[:begin] + b"\xff\0" * ((PHOTO_BYTES_MAX - begin) // 2)
    began_s = time.process_time()
    with pytest.raises(PhotoUnreadable, match="truncated"):
        photo_header(worst)

    assert time.process_time() - began_s < 5


def test_the_header_keeps_profile_and_exif_apart(person):
    """A profile in pieces is put together again, and only the first EXIF block counts."""
    profile = bytes(70_000)
    first, second = b"Exif\0\0MM\0*first", b"Exif\0\0MM\0*second"
    content = hostile.jpeg(person, icc_profile=profile, exif=second)
    content = hostile.after_start(content, 0xE1, first)
    header = photo_header(hostile.after_start(content, 0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>"))

    assert header.icc == profile
    assert header.exif == b"MM\0*first"


def test_a_picture_has_one_size(photo):
    """A second frame header could promise less than the decoder then takes from the first."""
    at = hostile.frame_header(photo)
    length = int.from_bytes(photo[at + 2 : at + 4], "big")
    small = hostile.claiming(photo, 100, 100)[at + 4 : at + 2 + length]
    with pytest.raises(PhotoUnreadable, match="damaged"):
        photo_header(hostile.after_start(photo, 0xC0, small))
