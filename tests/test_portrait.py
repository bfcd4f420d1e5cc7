"""Crops: whatever head stands in the frame, an accepted photo keeps every limit of its document."""

from __future__ import annotations

import hashlib
import io
import tomllib
from dataclasses import replace
from functools import cache
from math import cos, radians, sin
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from drivers.camera import Frame
from edge.portrait import CannotCrop, crop, master_jpeg
from quality.advice import Advice
from quality.document import Document
from quality.face.outline import HeadOutline

FOLDER = Path(__file__).resolve().parent.parent / "firmware_configs" / "documents"
DOCUMENTS = {
    path.stem: Document.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    for path in sorted(FOLDER.glob("*.toml"))
}
SIZE = (1600, 1200)
every_document = pytest.mark.parametrize("name", DOCUMENTS)


@cache
def scene(width_px=SIZE[0], height_px=SIZE[1]) -> Frame:
    """A grainy picture: neither so plain nor so busy that no quality would fit."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[0:height_px, 0:width_px]
    plain = 128 + 60 * np.sin(x / 37) * np.cos(y / 53)
    bgr = plain[..., None] + rng.normal(0, 4.5, (height_px, width_px, 3))
    return Frame(np.clip(bgr, 0, 255).astype(np.uint8), 1, 0.0)


def turned(points, about, roll_deg):
    """Points after the head was tilted anticlockwise in the picture (y runs down)."""
    c, s = cos(radians(roll_deg)), sin(radians(roll_deg))
    x, y = about
    return [(x + c * (a - x) + s * (b - y), y - s * (a - x) + c * (b - y)) for a, b in points]


def head(*, x=800.0, y=560.0, apart=150.0, roll=0.0, hair=2.3, chin=1.75, ear=1.2):
    """A head by its proportions, in eye distances; hair and chin up and down, ear to each side."""
    points = turned(
        [
            (x - apart / 2, y), (x + apart / 2, y), (x, y + chin * apart),
            (x - ear * apart, y), (x + ear * apart, y),
        ],
        (x, y), roll,
    )  # fmt: skip
    side = (ear + 0.15) * apart
    return HeadOutline(*points, y - hair * apart, x - side, x + side, roll, *SIZE)


heads = st.builds(
    head,
    x=st.floats(500, 1100), y=st.floats(420, 760), apart=st.floats(115, 240),
    roll=st.floats(-9, 9), hair=st.floats(1.9, 2.6), chin=st.floats(1.5, 2.0),
    ear=st.floats(1.05, 1.35),
)  # fmt: skip


def mapped(transform, point):
    (a, b, c), (d, e, f) = transform
    return a * point[0] + b * point[1] + c, d * point[0] + e * point[1] + f


def remeasured(photo, outline):
    """The limits' values, from the recorded transform and the outline alone."""
    eyes = [mapped(photo.transform, p) for p in (outline.eye_left_px, outline.eye_right_px)]
    ears = [mapped(photo.transform, p) for p in (outline.ear_left_px, outline.ear_right_px)]
    chin = mapped(photo.transform, outline.chin_px)
    scale = np.hypot(photo.transform[0][0], photo.transform[1][0])
    middle_y = (outline.eye_left_px[1] + outline.eye_right_px[1]) / 2
    eye_line = (eyes[0][1] + eyes[1][1]) / 2 + 0.5
    hair = eye_line - scale * (middle_y - outline.hair_top_y_px)
    return {
        "eye_line": eye_line,
        "margin_top": hair,
        "head_height": chin[1] + 0.5 - hair,
        "head_width": scale * (outline.head_right_x_px - outline.head_left_x_px),
        "face_width": ears[1][0] - ears[0][0],
        "eye_distance": np.hypot(eyes[1][0] - eyes[0][0], eyes[1][1] - eyes[0][1]),
    }


@every_document
@settings(max_examples=40, deadline=None)
@given(outline=heads)
def test_an_accepted_crop_satisfies_every_limit(name, outline):
    """Measured again from the file and the recorded transform, nothing is outside the document."""
    document = DOCUMENTS[name]
    try:
        photo = crop(scene(), outline, document)
    except CannotCrop:
        return
    values = remeasured(photo, outline)
    yielded = {check.measure for check in photo.checks if check.advisory}

    for limit_name, limit in document.geometry.limits().items():
        if limit_name not in yielded:
            assert limit.min - 1e-6 <= values[limit_name] <= limit.max + 1e-6
    assert yielded <= set(document.on_conflict)
    assert np.hypot(photo.transform[0][0], photo.transform[1][0]) <= 1
    for corner in ((0, 0), (photo.width_px - 1, 0), (0, photo.height_px - 1)):
        x, y = np.linalg.solve(
            np.array(photo.transform)[:, :2], np.array(corner) - np.array(photo.transform)[:, 2]
        )
        assert 0 <= x <= SIZE[0] - 1
        assert 0 <= y <= SIZE[1] - 1
    with Image.open(io.BytesIO(photo.jpeg)) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", document.canvas_px)
        assert image.info["dpi"] == (document.dpi, document.dpi)
        assert not image.getexif()
        assert "icc_profile" not in image.info
    widest = document.file.kb_max_at_quality_min or document.file.kb_max
    assert document.file.kb_min * 1000 <= len(photo.jpeg) <= widest * 1000


@every_document
@settings(max_examples=40, deadline=None)
@given(drawn=st.data())
def test_whatever_fits_is_found(name, drawn):
    """A head that keeps all limits at some scale is never refused."""
    document = DOCUMENTS[name]
    scale = drawn.draw(st.floats(0.55, 0.62))
    value = {
        limit_name: drawn.draw(st.floats(limit.min + 1, limit.max - 1))
        for limit_name, limit in document.geometry.limits().items()
    }
    apart = value.get("eye_distance", 90) / scale
    face = value.get("face_width", 200) / scale
    side = value.get("head_width", 230) / scale / 2
    above = (value["eye_line"] - value["margin_top"]) / scale
    chin = 560 + value["head_height"] / scale - above
    outline = HeadOutline(
        (800 - apart / 2, 560.0), (800 + apart / 2, 560.0), (800.0, chin),
        (800 - face / 2, 560.0), (800 + face / 2, 560.0),
        560 - above, 800 - side, 800 + side, 0.0, *SIZE,
    )  # fmt: skip
    photo = crop(scene(), outline, document)

    assert [check.measure for check in photo.checks if check.advisory] == []


@every_document
@settings(max_examples=8, deadline=None)
@given(dx=st.integers(-60, 60), dy=st.integers(-30, 30))
def test_a_head_moved_by_k_moves_the_crop_by_k(name, dx, dy):
    """The crop belongs to the head, not to the frame."""
    before = crop(scene(), head(), DOCUMENTS[name])
    after = crop(scene(), head(x=800 + dx, y=560 + dy), DOCUMENTS[name])

    assert mapped(after.transform, (800 + dx, 560 + dy)) == pytest.approx(
        mapped(before.transform, (800, 560))
    )
    assert after.transform[0][:2] == pytest.approx(before.transform[0][:2])


def marked(points, size=SIZE):
    """A grainy scene with a coloured dot at each point: red, green, blue, ..."""
    bgr = scene().bgr.copy()
    colours = ((0, 0, 255), (0, 255, 0), (255, 0, 0))
    for (x, y), colour in zip(points, colours, strict=False):
        cv2.circle(bgr, (round(x), round(y)), 10, colour, -1)
    return Frame(bgr, 1, 0.0)


def spot(photo, channel):
    """Where the photo is most of one colour: (x, y)."""
    with Image.open(io.BytesIO(photo.jpeg)) as image:
        rgb = np.asarray(image.convert("RGB"), np.int16)
    others = [c for c in range(3) if c != channel]
    found = rgb[:, :, channel] - rgb[:, :, others].max(axis=2) > 60
    rows, columns = np.nonzero(found)
    return float(columns.mean()), float(rows.mean())


@every_document
@pytest.mark.parametrize("roll", [-7.0, 0.0, 7.0])
def test_the_pixels_are_where_the_transform_says(name, roll):
    """Not mirrored, not shifted, turned the right way: dots at eyes and chin are found again."""
    outline = head(roll=roll)
    photo = crop(
        marked([outline.eye_left_px, outline.eye_right_px, outline.chin_px]),
        outline,
        DOCUMENTS[name],
    )
    red, green, blue = (spot(photo, channel) for channel in range(3))

    for found, point in (
        (red, outline.eye_left_px), (green, outline.eye_right_px), (blue, outline.chin_px)
    ):  # fmt: skip
        assert found == pytest.approx(mapped(photo.transform, point), abs=1.0)
    assert red[0] + 40 < green[0]
    assert red[1] == pytest.approx(green[1], abs=1.5)
    assert (red[0] + green[0]) / 2 == pytest.approx((photo.width_px - 1) / 2, abs=1.0)


@every_document
@pytest.mark.parametrize("roll", [-7.0, 7.0])
@pytest.mark.parametrize("aside_px", [-20.0, 20.0])
def test_a_chin_off_the_axis_is_straightened_the_right_way(name, roll, aside_px):
    """The head's height is that of the turned picture, as another library turns it."""
    outline = head(roll=roll)
    chin = (outline.chin_px[0] + aside_px, outline.chin_px[1])
    photo = crop(scene(), replace(outline, chin_px=chin), DOCUMENTS[name])
    # The head leans anticlockwise by `roll`, OpenCV's positive sense: it is turned back by -roll.
    turn = cv2.getRotationMatrix2D((800.0, 560.0), -roll, 1.0)
    straight_y = float((turn @ (*chin, 1.0))[1])
    scale = np.hypot(photo.transform[0][0], photo.transform[1][0])
    checks = {check.measure: check.native for check in photo.checks}

    assert checks["head_height"] == pytest.approx(scale * (straight_y - outline.hair_top_y_px))


@pytest.mark.parametrize(
    ("outline", "advice"),
    [
        (head(roll=8.5), Advice.STRAIGHTEN_HEAD),
        (head(roll=-8.5), Advice.STRAIGHTEN_HEAD),
        (head(apart=118), Advice.TOO_FAR),
        (head(x=200), Advice.MOVE_LEFT),
        (head(x=1400), Advice.MOVE_RIGHT),
        (head(y=330), Advice.MOVE_DOWN),
        (head(y=1000), Advice.MOVE_UP),
        (head(apart=270), Advice.TOO_NEAR),
    ],
    ids=["left tilt", "right tilt", "far", "left", "right", "high", "low", "near"],
)
@every_document
def test_what_cannot_be_cropped_says_what_to_do(name, outline, advice):
    """Never padded, never enlarged: refused, with the person's own way to cure it."""
    with pytest.raises(CannotCrop) as refusal:
        crop(scene(), outline, DOCUMENTS[name])

    assert refusal.value.advice is advice


def test_unseen_hair_is_refused():
    """A crown above the picture's edge cannot be measured: the person comes down."""
    unseen = HeadOutline(
        (725.0, 560.0), (875.0, 560.0), (800.0, 820.0), (620.0, 560.0), (980.0, 560.0),
        None, None, None, 0.0, *SIZE,
    )  # fmt: skip
    with pytest.raises(CannotCrop) as refusal:
        crop(scene(), unseen, DOCUMENTS["cn_exit_entry"])

    assert refusal.value.advice is Advice.MOVE_DOWN


def test_nothing_is_ever_enlarged():
    """A head that would need more pixels than there are is too far away."""
    small = head(hair=1.0, chin=0.9, ear=0.6)
    with pytest.raises(CannotCrop) as refusal:
        crop(scene(), small, DOCUMENTS["cn_resident_id"])

    assert refusal.value.advice is Advice.TOO_FAR


def test_high_hair_gives_way_where_the_sheet_says_so():
    """Resident identity: the face's width and the eye line hold, the head's height gives way."""
    photo = crop(scene(), head(hair=2.75, ear=1.15), DOCUMENTS["cn_resident_id"])
    checks = {check.measure: check for check in photo.checks}

    assert checks["head_height"].advisory
    assert not checks["eye_line"].advisory
    assert checks["eye_line"].native <= 234


def test_exit_entry_refuses_what_no_crop_can_satisfy():
    """There every limit is firm; the reason names the one that cannot hold."""
    with pytest.raises(CannotCrop, match=r"cn_exit_entry: .* cannot hold") as refusal:
        crop(scene(), head(hair=3.6), DOCUMENTS["cn_exit_entry"])

    assert refusal.value.advice is Advice.WAIT


def test_a_picture_too_busy_for_its_kilobytes_is_refused():
    """Rather refused than below the least quality."""
    noise = np.random.default_rng(1).integers(0, 256, (1200, 1600, 3), np.uint8)
    with pytest.raises(CannotCrop, match="kB"):
        crop(Frame(noise, 1, 0.0), head(), DOCUMENTS["cn_resident_id"])


def test_a_picture_too_plain_for_its_kilobytes_is_refused():
    """No filler bytes: a blank picture is no portrait anyway."""
    blank = np.full((1200, 1600, 3), 230, np.uint8)
    with pytest.raises(CannotCrop, match="kB"):
        crop(Frame(blank, 1, 0.0), head(), DOCUMENTS["cn_exit_entry"])


def test_the_photo_names_its_master():
    """The digest is that of the very bytes that go into the package, and both are repeatable."""
    photo, again = (crop(scene(), head(), DOCUMENTS["cn_exit_entry"]) for _ in range(2))

    assert photo.master_sha256 == hashlib.sha256(master_jpeg(scene())).hexdigest()
    assert photo == again


def test_the_master_keeps_the_whole_still():
    """Every pixel, full size, unmirrored, close to what the camera gave."""
    with Image.open(io.BytesIO(master_jpeg(scene()))) as image:
        rgb = np.asarray(image, np.int16)

    assert rgb.shape == scene().bgr.shape
    assert np.abs(rgb[:, :, ::-1] - scene().bgr).mean() < 3
