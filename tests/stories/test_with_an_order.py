"""Stories that begin with a slip: earlier photos, relatives, papers, and who cannot hear or see."""

from __future__ import annotations

from tests.stories.elder import delivered
from tests.stories.orders import order

NUMBER_ONLY = ['sitting.begin = "number"']
SETTINGS = NUMBER_ONLY


def shows(elder, slip):
    """Hold the slip under the scanner, which types what it reads."""
    # In one go: through the browser's driver a busy machine types like a hand.
    elder.page.evaluate(
        """(keys) => { for (const key of keys) document.body.dispatchEvent(
          new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true})); }""",
        [*f"anxin:{slip}", "Enter"],
    )


def types(elder, slip):
    """Type the number of the slip on the pad."""
    elder.touches("enter-number")
    elder.sees("number")
    for place, digit in enumerate(slip, 1):
        elder.touches(f"digit:{digit}")
        elder.page.wait_for_selector(f"[data-slip='{slip[:place]}']")
    elder.touches("number-done")


def refuses_fingers(elder):
    """No fingers today, with two touches."""
    elder.sees("finger")
    elder.touches("finger-more")
    elder.touches("fingers-refused")


def test_changes_her_mind_at_consent(come, demo, before):
    """She says no and is thanked; the next person's sitting is the only one that arrives."""
    elder = come()
    shows(elder, order(demo))
    elder.sees("name")
    elder.touches("name-right")
    elder.sees("consent")
    elder.touches("decline")
    elder.sees("result")
    assert elder.was_told("result.cancelled.question")
    elder.goes()

    assert [row["state"] for row in demo.packages() if row["state"] != "receipted"] == []


def test_materials_missing_can_follow(come, demo, before):
    """What she did not bring is noted with a day; the photograph is not lost for it."""
    elder = come(press="none")
    types(elder, order(demo, materials=["resident_id_card", "household_register"]))
    elder.sees("name")
    elder.touches("name-right")
    elder.sees("consent")
    elder.touches("agree")
    elder.sees("materials")
    elder.touches("material-here")
    elder.page.wait_for_selector(".count:has-text('2 / 2')")
    elder.step("materials-second")
    elder.touches("material-later")
    elder.is_photographed()
    refuses_fingers(elder)
    elder.hands_in()
    elder.goes()
    package = delivered(demo, before)

    assert package.manifest["result"] == "accepted_with_missing"
    states = {row["code"]: row["state"] for row in package.sitting["materials"]}
    assert states == {"resident_id_card": "here", "household_register": "later"}
    (paper,) = [row for row in package.sitting["missing"] if row["what"].startswith("material:")]
    assert paper["what"] == "material:household_register"
    assert paper["due"] > package.sitting["opened_at"][:10]


def test_deaf_with_sound_off_and_captions_only(come, demo, before):
    """Everything that is read aloud stands on the screen; the look is noted for the next visit."""
    elder = come(press="none")
    slip = order(demo, preferences={"voice": False, "text_scale": 1.25}, keep_preferences=True)
    shows(elder, slip)
    elder.sees("name")
    assert elder.page.get_attribute("#stage", "data-voice") == "off"
    elder.touches("name-right")
    elder.sees("consent")
    elder.touches("agree")
    elder.is_photographed()
    refuses_fingers(elder)
    elder.hands_in()
    elder.goes()
    package = delivered(demo, before)

    used = package.sitting["preferences"]["used"]
    assert (used["voice"], used["text_scale"]) == ("off", "1.25")
    assert package.sitting["preferences"]["ordered"]["voice"] is False


def test_blind_with_a_relative(come, demo, before):
    """The screen may be dark: keys and voice lead on; the letter is photographed and sealed."""
    elder = come(press="none")
    shows(elder, order(demo, proxy={"relation": "daughter"}, preferences={"voice": True}))
    elder.sees("name")
    # Arrows and Enter alone: what is lit up says its own name.
    press_by_keys(elder, "name-relative")
    elder.sees("proxy")
    press_by_keys(elder, "letter-shown")
    elder.sees("consent")
    press_by_keys(elder, "agree")
    elder.is_photographed()
    refuses_fingers(elder)
    elder.hands_in()
    elder.goes()
    package = delivered(demo, before)

    consent, proxy = package.part("consent.json"), package.part("proxy.json")
    assert consent["who"] == "proxy"
    assert (proxy["relation"], len(proxy["authorisation_sha256"])) == ("daughter", 64)
    assert "proxy/letter.jpg" in package.names
    assert {"name.question", "proxy.question", "consent.question"} <= set(elder.words.spoken)


def press_by_keys(elder, action):
    """Go from target to target with an arrow until the wanted one is lit, and press Enter."""
    elder.hears()
    elder.page.wait_for_selector(f"button[value='{action}']")
    for _ in range(40):
        elder.page.keyboard.press("ArrowDown")
        if elder.page.evaluate("() => document.activeElement?.value") == action:
            break
    else:
        raise AssertionError(f"no arrow leads to {action}")
    elder.page.wait_for_timeout(800)
    elder.page.keyboard.press("Enter")
