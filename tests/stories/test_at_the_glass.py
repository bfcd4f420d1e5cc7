"""Stories of fingers: dry ones, and a hand that is not there."""

from __future__ import annotations

from tests.stories.elder import delivered


def to_the_fingers(elder):
    """Come to the first finger without a photograph."""
    elder.begins()
    elder.sees("portrait")
    elder.touches("portrait-given-up")
    elder.sees("finger")


def test_dry_fingers_are_helped(come, demo, before):
    """A breath on the finger is asked for; the good presses count, the dry ones are told apart."""
    elder = come("nobody", press="none")
    to_the_fingers(elder)
    demo.turns("reader.press", "dry")
    elder.until_told("finger.dry")
    demo.turns("reader.press", "plain")
    elder.hands_in()
    elder.goes()
    package = delivered(demo, before)

    presses = [row for rows in package.sitting["presentations"].values() for row in rows]
    assert "finger.dry" in {row["cause"] for row in presses}
    assert {name for name in package.names if name.startswith("finger/")} >= {
        "finger/left_thumb.png"
    }


def test_no_right_hand_is_one_touch_and_one_signature(come, demo, before):
    """Two fingers of the left hand are given; nobody asks for the other hand again."""
    elder = come("nobody", press="none")
    to_the_fingers(elder)
    elder.touches("finger-more")
    elder.touches("hand-skipped")
    elder.page.wait_for_selector("[data-finger^='left_']")
    elder.step("left-hand")
    elder.touches("help")
    elder.sees_over("help")
    elder.touches("staff:exception")
    elder.sees_over("exception")
    elder.touches("why:amputated")
    elder.page.wait_for_selector("button[value='why:amputated'][aria-pressed='true']")
    elder.touches("until:permanent")
    elder.page.wait_for_selector("button[value='until:permanent'][aria-pressed='true']")
    elder.signs("exception:one")
    elder.sees("finger")
    demo.turns("reader.press", "plain")
    elder.hands_in()
    elder.goes()
    package = delivered(demo, before)

    rows = {row["position"]: row for row in package.sitting["fingers"]["exceptions"]}
    assert rows["right_thumb"]["reason"] == "amputated"
    assert rows["right_thumb"]["permanence"] == "permanent"
    assert rows["right_thumb"]["confirmed_by"] == "1024"
    assert "finger/left_thumb.png" in package.names
    assert not [name for name in package.names if "right" in name]
