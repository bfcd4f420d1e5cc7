"""Stories of the earlier photo: taken over beside an attendant, or not wanted."""

from __future__ import annotations

from tests.stories.elder import delivered


def test_reuse_accepted(come, demo, before):
    """Both pictures side by side, the attendant signs; no new portrait, the fingers as ever."""
    clerk = demo.order("accepted")
    elder = come(press="none")
    elder.begins()
    elder.sees("reuse")
    elder.touches("reuse-chosen")
    elder.page.wait_for_selector("button[value='staff:sign']")
    elder.step("reuse-check")
    elder.touches("staff:sign")
    elder.sees_over("sign")
    elder.signs("sign:same")
    elder.sees("finger")
    demo.turns("reader.press", "plain")
    elder.hands_in()
    elder.goes()
    package = delivered(demo, before)

    assert package.manifest["origin"] == {"portrait": "reused"}
    assert package.manifest["result"] == "accepted"
    assert package.part("reuse.json")["comparison"]["attendant_id"] == "1024"
    assert clerk.fate(clerk.ordered[0]).photo == "used"


def test_reuse_declined(come, demo, before):
    """A new one is one touch away; the choice is recorded and no reason asked for."""
    clerk = demo.order("declined")
    elder = come()
    elder.begins()
    elder.sees("reuse")
    elder.touches("reuse-declined")
    elder.is_photographed()
    elder.hands_in()
    elder.goes()
    package = delivered(demo, before)

    assert package.manifest["origin"] == {"portrait": "captured"}
    assert clerk.fate(clerk.ordered[0]).photo == "declined"
    assert package.part("reuse.json")["reuse"] == "declined"
