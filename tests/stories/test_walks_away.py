"""The story of somebody who walks away: a station whose patience is short."""

from __future__ import annotations

from demo.badge import open_or_make_badge
from tests.stories.elder import delivered, stands
from tests.stories.staff import Attendant

SETTINGS = ["sitting.idle_s = 12", "sitting.still_there_s = 4"]


def test_walks_away(come, demo, chromium, before):
    """She is asked, then the screen is wiped; what was sealed waits, and staff hand it in."""
    elder = come(press="none")
    elder.begins()
    elder.sees("portrait-ok")
    elder.touches("portrait-kept")
    elder.sees("finger")
    stands(demo, "nobody")
    elder.sees_over("still-there")
    assert elder.was_told("still-there.question")
    elder.page.wait_for_selector("body[data-screen='welcome']")
    assert not elder.page.query_selector("img[src*='portrait']")
    elder.is_gone = True
    with Attendant(demo, chromium, open_or_make_badge(demo.folder)) as attendant:
        attendant.does("left-close", told=True)
        package = delivered(demo, before)

    assert package.manifest["result"] == "accepted_with_missing"
    assert set(package.missing) == {"finger:right_thumb", "finger:left_thumb"}
    assert {row["confirmed_by"] for row in package.sitting["missing"]} == {"1024"}
    assert "portrait/master.jpg" in package.names
