"""Stories before the camera: what is said on the way, and what stands in the record."""

from __future__ import annotations

import pytest

from tests.stories.elder import delivered, stands

ALL = {
    "consent.json", "sitting.json", "portrait/master.jpg", "portrait/cn_exit_entry.jpg",
    "portrait/cn_resident_id.jpg", "finger/right_thumb.png", "finger/left_thumb.png",
}  # fmt: skip
PHOTO = "portrait/cn_exit_entry.jpg"


def test_good_case(come, demo, before):
    """Four touches to the result; everything arrives, and the record says so."""
    elder = come()
    elder.begins()
    elder.is_photographed()
    elder.hands_in()
    touched = elder.touched
    elder.goes()
    package = delivered(demo, before)

    assert touched <= 4
    assert package.names >= ALL
    assert package.manifest["result"] == "accepted"
    assert package.manifest["origin"] == {"portrait": "captured"}
    assert (package.missing, package.sitting["assisted"]) == ({}, [])
    consent = package.part("consent.json")
    assert (consent["face"], consent["fingers"]) == (True, True)
    assert (consent["who"], consent["way"], consent["locale"]) == (
        "applicant", "touch", elder.language,
    )  # fmt: skip


@pytest.mark.parametrize(
    "one",
    [
        ("lids", "portrait.open_eyes", "EyesOpen"),
        ("cap", "portrait.take_off_hat", "HeadCovered"),
        ("window", "portrait.glasses_glare", "GlassesGlare"),
        ("two", "portrait.many_faces", "InterEyeDistance"),
    ],
    ids=["closes-eyes", "takes-the-hat-off", "glasses-with-glare", "grandchild-in-the-picture"],
)
def test_one_hint_then_a_portrait_like_any_other(come, demo, before, one):
    """One thing is asked for, kindly; once it is done the portrait passes every gate of it."""
    play, hint, measure = one
    elder = come(play, press="none")
    elder.begins()
    elder.sees("portrait")
    elder.until_told(hint)
    stands(demo, "bare")
    elder.is_photographed()
    elder.sees("finger")
    elder.touches("finger-more")
    elder.touches("fingers-refused")
    elder.hands_in()
    elder.goes()
    package = delivered(demo, before)

    reading = package.readings(PHOTO)[measure]
    assert reading["verdict"] == "accepted"
    assert "assisted_by" not in package.row(PHOTO) or not package.row(PHOTO)["assisted_by"]
    assert package.manifest["result"] == "accepted_with_missing"
    assert set(package.missing) == {"finger:right_thumb", "finger:left_thumb"}


def test_headscarf_is_kept_on(come, demo, before):
    """It is asked about once and kindly, never refused; the record says what was seen."""
    elder = come("scarf", press="none")
    elder.begins()
    elder.sees("portrait")
    elder.until_told("portrait.take_off_hat")
    elder.is_photographed()
    elder.sees("finger")
    elder.touches("finger-more")
    elder.touches("fingers-refused")
    elder.hands_in()
    elder.goes()
    package = delivered(demo, before)

    assert package.readings(PHOTO)["HeadCovered"]["verdict"] == "rejected"
    assert {"portrait/master.jpg", PHOTO} <= package.names


def test_stiff_neck_is_photographed_as_it_is(come, demo, before):
    """What the neck cannot do is not asked for ever: the attendant signs, the record says why."""
    elder = come("leaning", press="none")
    elder.begins()
    elder.sees("portrait")
    elder.until_told("portrait.straighten_head")
    elder.touches("help")
    elder.sees_over("help")
    elder.touches("staff:shutter")
    elder.sees_over("shutter")
    elder.touches("reason:neck_condition")
    elder.page.wait_for_selector("button[value='reason:neck_condition'][aria-pressed='true']")
    elder.signs("shutter:take")
    elder.is_photographed()
    elder.sees("finger")
    elder.touches("finger-more")
    elder.touches("fingers-refused")
    elder.hands_in()
    elder.goes()
    package = delivered(demo, before)

    row = package.row(PHOTO)
    assert row["assisted_by"]["id"] == "1024"
    assert row["assisted_by"]["reason"] == "neck_condition"
    assert abs(package.readings(PHOTO)["HeadPoseRoll"]["native"]) > 5
