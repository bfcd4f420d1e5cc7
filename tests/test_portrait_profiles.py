"""One capture, every document asked for: each keeps its own sheet, or says what is lacking."""

from __future__ import annotations

import io
from functools import cache
from math import cos, radians, sin

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from drivers.camera import Frame
from edge.photos.checks import report
from edge.portrait import CannotCrop, crop, crop_each, sha256_of_master
from edge.settings import document_names, load_document
from quality.advice import Advice
from quality.document import Document
from quality.face.outline import HeadOutline
from quality.measure import Verdict

DOCUMENTS = {name: load_document(name) for name in document_names()}
SIZE = (2400, 2400)
MASTER = "0" * 64
LARGE = {"ca_passport_online", "gb_passport_online", "ie_passport_online", "nz_passport"}
"""Their files are slow to make; one ordinary head each is enough."""
SMALL = sorted(set(DOCUMENTS) - LARGE)
FIVE = ("cn_exit_entry", "cn_resident_id", "icao_generic", "us_visa_ds160", "de_passport")
every_document = pytest.mark.parametrize("name", DOCUMENTS)


@cache
def scene(width_px=SIZE[0], height_px=SIZE[1]) -> Frame:
    """A grainy picture that fits most files; tests of sizes in kB draw their own."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[0:height_px, 0:width_px]
    plain = 128 + 60 * np.sin(x / 37) * np.cos(y / 53)
    bgr = plain[..., None] + rng.normal(0, 6, (height_px, width_px, 3))
    return Frame(np.clip(bgr, 0, 255).astype(np.uint8), 1, 0.0)


def head(*, x=1200.0, y=1100.0, unit=400.0, roll=0.0, hair=1.22, face=0.66, side=0.74, apart=0.56):
    """A head by its proportions, in eye-to-chin distances: hair up, face and head to each side."""
    c, s = cos(radians(roll)), sin(radians(roll))
    points = [
        (x + c * a + s * b, y - s * a + c * b)
        for a, b in (
            (-apart / 2 * unit, 0.0), (apart / 2 * unit, 0.0), (0.0, unit),
            (-face * unit, 0.0), (face * unit, 0.0),
        )
    ]  # fmt: skip
    return HeadOutline(*points, y - hair * unit, x - side * unit, x + side * unit, roll, *SIZE)


heads = st.builds(
    head,
    x=st.floats(900, 1500), y=st.floats(800, 1400), unit=st.floats(230, 620),
    roll=st.floats(-9, 9), hair=st.floats(1.0, 1.45), face=st.floats(0.56, 0.74),
    side=st.floats(0.62, 0.86), apart=st.floats(0.48, 0.64),
)  # fmt: skip


def mapped(transform, point):
    (a, b, c), (d, e, f) = transform
    return a * point[0] + b * point[1] + c, d * point[0] + e * point[1] + f


def remeasured(photo, outline, crown):
    """The limits' values in photo px, from the recorded transform and the outline alone."""
    eyes = [mapped(photo.transform, p) for p in (outline.eye_left_px, outline.eye_right_px)]
    ears = [mapped(photo.transform, p) for p in (outline.ear_left_px, outline.ear_right_px)]
    chin = mapped(photo.transform, outline.chin_px)[1] + 0.5
    scale = np.hypot(photo.transform[0][0], photo.transform[1][0])
    middle_y = (outline.eye_left_px[1] + outline.eye_right_px[1]) / 2
    eye_line = (eyes[0][1] + eyes[1][1]) / 2 + 0.5
    hair = eye_line - scale * (middle_y - outline.hair_top_y_px)
    top = hair if crown == "hair" else eye_line - (chin - eye_line)
    return {
        "eye_line": eye_line,
        "eye_x": (eyes[0][0] + eyes[1][0]) / 2 + 0.5,
        "margin_top": top,
        "head_height": chin - top,
        "chin_to_bottom": photo.height_px - chin,
        "head_width": scale * (outline.head_right_x_px - outline.head_left_x_px),
        "face_width": ears[1][0] - ears[0][0],
        "eye_distance": np.hypot(eyes[1][0] - eyes[0][0], eyes[1][1] - eyes[0][1]),
    }


def yielded(photo, document):
    """Limits that gave way, by the names that they have in the document."""
    names = {c.measure.removesuffix("_from_bottom") for c in photo.checks if c.advisory}
    return {n for n, limit in document.geometry.limits().items() if n in names} - {
        n for n, limit in document.geometry.limits().items() if limit.is_bare_aim
    }


def assert_keeps_its_sheet(photo, outline, document):
    values = remeasured(photo, outline, document.crown)
    canvas = next(c for c in document.canvases() if c.width_px == photo.width_px)
    said = {check.measure.removesuffix("_from_bottom"): check.native for check in photo.checks}
    for name, limit in document.geometry.limits().items():
        side = photo.height_px if name in {
            "head_height", "eye_line", "margin_top", "chin_to_bottom"
        } else photo.width_px  # fmt: skip
        unit = {"px": 1.0, "mm": photo.dpi / 25.4, "ratio": side}[limit.unit]
        value = values[name]
        value = (photo.height_px - value if limit.measured_from == "bottom" else value) / unit
        assert said[name] == pytest.approx(value, abs=1e-6), name
        if name in yielded(photo, document):
            continue
        assert (limit.min if limit.min is not None else -1e9) - 1e-6 <= value, name
        assert value <= (limit.max if limit.max is not None else 1e9) + 1e-6, name
    assert np.hypot(photo.transform[0][0], photo.transform[1][0]) <= 1 + 1e-12
    inverse = np.linalg.inv(np.vstack([photo.transform, [0, 0, 1]]))
    for corner in ((-0.5, -0.5), (photo.width_px - 0.5, photo.height_px - 0.5),
                   (-0.5, photo.height_px - 0.5), (photo.width_px - 0.5, -0.5)):  # fmt: skip
        x, y, _ = inverse @ (*corner, 1)
        assert -0.5 - 1e-6 <= x <= SIZE[0] - 0.5 + 1e-6
        assert -0.5 - 1e-6 <= y <= SIZE[1] - 0.5 + 1e-6
    with Image.open(io.BytesIO(photo.jpeg)) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", canvas.size_px)
        assert image.info["dpi"] == (canvas.dpi, canvas.dpi)
        assert not image.getexif()
    file, kb = document.file, len(photo.jpeg) / 1000
    assert (file.kb_min or 0) <= kb <= (file.kb_max_at_quality_min or file.kb_max or 1e9)
    assert photo.quality >= file.quality_min
    if file.compression_max:
        assert photo.width_px * photo.height_px * 3 <= len(photo.jpeg) * file.compression_max


@settings(max_examples=25, deadline=None)
@given(outline=heads, names=st.sets(st.sampled_from(SMALL), min_size=3, max_size=6))
def test_one_capture_yields_every_document_or_says_why_not(outline, names):
    """Whatever the head: each photo keeps its sheet when measured again; each refusal has words."""
    documents = [DOCUMENTS[name] for name in sorted(names)]
    crops = crop_each(scene(), outline, documents, MASTER)

    assert {photo.document_id for photo in crops.photos} | set(crops.refused) == names
    assert not {photo.document_id for photo in crops.photos} & set(crops.refused)
    for photo in crops.photos:
        assert_keeps_its_sheet(photo, outline, DOCUMENTS[photo.document_id])
    for refusal in crops.refused.values():
        assert refusal.reason
        assert refusal.short_px >= 0
        if "cannot hold" in refusal.reason or "enlarged" in refusal.reason:
            assert refusal.limit in refusal.reason


@every_document
def test_an_ordinary_head_can_become_every_document(name):
    """No profile asks for the impossible: some ordinary head meets it, on a file of its size."""
    document = DOCUMENTS[name]
    met = []
    for side, hair in ((0.74, 1.22), (0.64, 1.25), (0.58, 1.30)):
        outline = head(unit=450.0, side=side, face=side - 0.04, hair=hair)
        for grain in (softer(), scene()):
            if not met:
                crops = crop_each(grain, outline, [document], MASTER)
                met += [(photo, outline) for photo in crops.photos]

    assert met
    for photo, outline in met:
        assert_keeps_its_sheet(photo, outline, document)


@cache
def softer() -> Frame:
    """The same scene with little grain, for the sheets with small files."""
    return Frame(cv2.GaussianBlur(scene().bgr, (0, 0), 1.2), 1, 0.0)


@pytest.mark.parametrize("name", [*FIVE, "cn_passport_abroad", "us_passport", "au_passport"])
@settings(max_examples=3, deadline=None)
@given(dx=st.integers(-40, 40), dy=st.integers(-30, 30))
def test_a_head_moved_by_k_moves_the_crop_by_k(name, dx, dy):
    """The crop belongs to the head, not to the frame, whatever the sheet counts from."""
    at = {"side": 0.70, "face": 0.64, "unit": 400.0}
    before = crop(softer(), head(**at), DOCUMENTS[name], MASTER)
    after = crop(softer(), head(x=1200 + dx, y=1100 + dy, **at), DOCUMENTS[name], MASTER)

    assert mapped(after.transform, (1200 + dx, 1100 + dy)) == pytest.approx(
        mapped(before.transform, (1200, 1100))
    )
    assert after.transform[0][:2] == pytest.approx(before.transform[0][:2])


def test_five_documents_come_from_one_still_and_name_it():
    """Five sheets, three of them with another crown or unit; all carry the master's digest."""
    documents = [DOCUMENTS[name] for name in FIVE]
    crops = crop_each(softer(), head(), documents)

    assert [photo.document_id for photo in crops.photos] == list(FIVE)
    assert {photo.master_sha256 for photo in crops.photos} == {sha256_of_master(softer())}
    assert len({photo.transform for photo in crops.photos}) >= 4


def test_skull_and_hair_crop_the_same_head_differently():
    """Big hair counts in China and the United States, and not where the skull is measured."""
    flat, big = (head(hair=hair, unit=420) for hair in (1.15, 1.40))
    for name in ("de_passport", "us_dv"):
        scales = [
            np.hypot(*np.array(crop(softer(), o, DOCUMENTS[name], MASTER).transform)[:, 0])
            for o in (flat, big)
        ]
        assert (scales[0] == pytest.approx(scales[1])) == (DOCUMENTS[name].crown == "skull")


def test_hair_beyond_a_skull_sheets_edge_is_said_not_refused():
    """The sheet counts from the skull; that hair is cut is in the record all the same."""
    photo = crop(softer(), head(hair=1.6), DOCUMENTS["de_passport"], MASTER)
    hair = next(check for check in photo.checks if check.measure == "hair_margin")

    assert hair.verdict is Verdict.REJECTED
    assert hair.advisory


def test_an_open_size_shrinks_before_anything_is_enlarged():
    """A head with fewer pixels gets a smaller canvas of the same millimetres."""
    document = DOCUMENTS["us_visa_ds160"]
    near = crop(scene(), head(unit=450), document, MASTER)
    far = crop(scene(), head(unit=195, apart=0.64), document, MASTER)

    assert near.width_px == 900
    # 50 % of the canvas at least: 433 px of head suffice for 866 px; the largest size below.
    head_px = (1 + 1.22) * 195
    fitting = [c.width_px for c in document.canvases() if c.height_px * 0.5 <= head_px]
    assert far.width_px == max(fitting) > 600
    for photo in (near, far):
        assert photo.width_px == photo.height_px
        assert photo.width_px / photo.dpi * 25.4 == pytest.approx(50.8, abs=0.1)


def test_a_head_too_small_even_for_the_least_size_is_told_to_come_nearer():
    """Refused rather than enlarged, with the pixels that are lacking."""
    with pytest.raises(CannotCrop, match="ca_passport_online crop would have to be enlarged") as no:
        crop(softer(), head(unit=235), DOCUMENTS["ca_passport_online"], MASTER)

    assert no.value.advice is Advice.TOO_FAR
    assert no.value.limit == "head_height"
    # 45 % of the least canvas, 1800 px; the head is twice the skull's half.
    assert no.value.short_px == pytest.approx(1800 * 0.45 - 2 * 235, abs=0.5)


def test_an_eye_line_from_the_bottom_is_reported_so():
    """The report reads like the sheet: share of the height, from the bottom."""
    photo = crop(scene(), head(), DOCUMENTS["us_visa_ds160"], MASTER)
    check = next(c for c in photo.checks if c.measure == "eye_line_from_bottom")
    eyes = remeasured(photo, head(), "hair")["eye_line"]

    assert check.unit == "1"
    assert check.native == pytest.approx(1 - eyes / photo.height_px)
    assert (check.accept.low, check.accept.high) == (0.56, 0.69)


def test_a_refusal_names_the_limit_and_the_pixels():
    """Hair too high by a known amount: the margin is what fails, by so many px."""
    document = DOCUMENTS["cn_exit_entry"]
    with pytest.raises(CannotCrop) as refusal:
        crop(softer(), head(hair=1.9, side=0.74), document, MASTER)

    assert refusal.value.limit in document.geometry.limits()
    assert refusal.value.short_px > 1
    assert f"{refusal.value.short_px:.1f} px" in refusal.value.reason


def test_the_lacking_pixels_are_what_is_really_lacking():
    """Give the named limit that much more room, and the same head is met; a little less: not."""
    document = DOCUMENTS["cn_exit_entry"]
    outline = head(side=0.95, face=0.85)
    with pytest.raises(CannotCrop) as refusal:
        crop(softer(), outline, document, MASTER)
    name, short = refusal.value.limit, refusal.value.short_px
    for more, met in ((short + 0.2, True), (short - 0.2, False)):
        limit = getattr(document.geometry, name)
        wider = limit.model_copy(
            update={"min": limit.min and limit.min - more, "max": limit.max and limit.max + more}
        )
        geometry = document.geometry.model_copy(update={name: wider})
        crops = crop_each(
            softer(), outline, [document.model_copy(update={"geometry": geometry})], MASTER
        )
        lacking = crops.refused.get(document.id)
        assert (lacking is None or lacking.limit == "") == met


def test_eye_distance_wins_where_the_sheet_says_so():
    """Sheet (b): at least 82 px between the eyes has priority, other limits give way and say so."""
    sheet = DOCUMENTS["cn_exit_entry_b"]
    outline = head(apart=0.44, hair=1.3, side=0.74)
    photo = crop(softer(), outline, sheet, MASTER)
    checks = {check.measure: check for check in photo.checks}

    assert checks["eye_distance"].verdict is Verdict.ACCEPTED
    assert not checks["eye_distance"].advisory
    assert any(checks[n].verdict is Verdict.REJECTED for n in ("head_height", "margin_top"))
    table = sheet.model_dump(by_alias=True)
    table["geometry"] = {k: v for k, v in table["geometry"].items() if v is not None}
    table["geometry"]["eye_distance"]["priority"] = False
    with pytest.raises(CannotCrop, match="cannot hold"):
        crop(softer(), outline, Document.model_validate(table), MASTER)


def test_priority_excuses_nothing_else():
    """Where the eyes are not the trouble, the other limits stay firm."""
    with pytest.raises(CannotCrop, match="cannot hold"):
        crop(softer(), head(hair=2.2), DOCUMENTS["cn_exit_entry_b"], MASTER)


def test_a_childs_limits_change_the_crop():
    """What an adult's sheet refuses, the child's may allow: a smaller head on a German photo."""
    document = DOCUMENTS["de_passport"]
    adult, child = (crop(softer(), head(), d, MASTER) for d in (document, document.for_age(6)))
    heights = [
        next(c for c in photo.checks if c.measure == "head_height") for photo in (adult, child)
    ]

    assert [check.accept.low for check in heights] == [32, 22]
    assert heights[1].native < heights[0].native


@pytest.mark.parametrize("level", [60, 230])
def test_the_faces_colour_is_advice_and_never_a_refusal(level):
    """Dark or light, the photo is made; the reading says how the sheet's range stands to it."""
    bgr = np.clip(softer().bgr.astype(np.int16) - 128 + level, 0, 255).astype(np.uint8)
    photo = crop(Frame(bgr, 1, 0.0), head(), DOCUMENTS["cn_exit_entry_b"], MASTER)
    lab = [check for check in photo.checks if check.measure.startswith("face_lab")]

    assert [check.measure for check in lab] == ["face_lab_l", "face_lab_a", "face_lab_b"]
    assert all(check.advisory for check in lab)
    assert lab[0].verdict is Verdict.REJECTED
    assert (lab[0].native < 59) == (level == 60)


def test_the_report_has_value_limit_verdict_and_source_for_every_rule():
    """One row a rule, with where the limit was read and how that stands."""
    document = DOCUMENTS["cn_exit_entry_b"]
    rows = report(document, crop(softer(), head(), document, MASTER).checks)
    by_rule = {row["rule"]: row for row in rows}

    assert set(document.geometry.limits()) <= set(by_rule)
    assert {"file_size", "dpi_x", "width", "face_lab_l"} <= set(by_rule)
    assert all(row["source"] and row["standing"] for row in rows)
    assert by_rule["margin_top"]["standing"] == ["secondary", "design"]
    assert "30-45 kB" in by_rule["file_size"]["source"]
    assert by_rule["head_height"]["verdict"] == "accepted"
    assert (by_rule["head_height"]["min"], by_rule["head_height"]["max"]) == (331, 390)


def test_compression_is_bounded_where_the_sheet_says_so():
    """Twenty to one at most: a blank picture is refused rather than filled up."""
    blank = Frame(np.full((*SIZE, 3), 230, np.uint8), 1, 0.0)
    with pytest.raises(CannotCrop, match=r"us_visa_ds160: no file of 121\.5 to 240 kB"):
        crop(blank, head(unit=620), DOCUMENTS["us_visa_ds160"], MASTER)


def test_limits_that_contradict_each_other_are_told_apart():
    """A head half as wide as wanted: the width is what fails, by exactly what it lacks."""
    document = DOCUMENTS["cn_exit_entry_b"]
    outline = head(side=0.40, face=0.34)
    with pytest.raises(CannotCrop) as refusal:
        crop(softer(), outline, document, MASTER)

    assert refusal.value.limit == "head_width"
    # The largest allowed head, 390 px, is 2.22 units high and 0.8 wide.
    assert refusal.value.short_px == pytest.approx(230 - 390 / 2.22 * 0.8, abs=0.1)
