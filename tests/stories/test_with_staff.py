"""Stories with an attendant: one who takes over and gives back, and one who helps from afar."""

from __future__ import annotations

from demo.badge import open_or_make_badge
from tests.stories.elder import delivered, stands, until
from tests.stories.staff import REMOTE, Attendant


def test_attendant_takes_over_and_gives_back(come, demo, chromium, before):
    """Nothing is lost on the way; the record says who acted, why, and who heard the consent."""
    elder = come(press="none")
    elder.touches("start")
    elder.sees("consent")
    with Attendant(demo, chromium, open_or_make_badge(demo.folder)) as attendant:
        attendant.does("take-over", reason="sight")
        elder.page.wait_for_selector(".banner.assisted", state="attached")
        elder.step("assisted")
        attendant.does("move:agree", told=True)
        elder.sees("portrait-ok")
        attendant.does("give-back")
        elder.page.wait_for_selector(".banner.assisted", state="detached")
    elder.touches("portrait-kept")
    elder.sees("finger")
    demo.turns("reader.press", "plain")
    elder.hands_in()
    elder.goes()
    package = delivered(demo, before)

    consent = package.part("consent.json")
    assert (consent["way"], consent["witness"]) == ("spoken", "1024")
    assert package.sitting["assisted"] == [{"role": "guide", "id": "1024", "reason": "sight"}]
    assert not package.row("finger/left_thumb.png").get("assisted_by")
    assert package.manifest["result"] == "accepted"


def test_remote_help_is_seen_agreed_to_and_ended_by_one_touch(come, demo, chromium, before):
    """Nobody sees her screen before she agrees; a banner stands while somebody does."""
    elder = come("nobody", press="none")
    elder.begins()
    elder.sees("portrait")
    elder.touches("help")
    elder.sees_over("help")
    with Attendant(demo, chromium, REMOTE) as helper:
        helper.does("remote-ask")
        elder.sees_over("remote")
        elder.touches("remote:yes")
        elder.page.wait_for_selector(".banner.remote", state="attached")
        elder.step("remote-banner")
        stands(demo, "suit")
        elder.touches("remote:no")
        elder.page.wait_for_selector(".banner.remote", state="detached")
    if elder.page.query_selector("button[value='help-done']"):
        elder.touches("help-done")
    elder.is_photographed()
    elder.sees("finger")
    demo.turns("reader.press", "plain")
    elder.hands_in()
    elder.goes()
    package = delivered(demo, before)

    assert [row["role"] for row in package.sitting["remote"]] == ["remote"]
    assert package.sitting["assisted"] == []
    assert package.manifest["result"] == "accepted"


def test_second_person_starts_at_once_after_the_first(come, demo, before):
    """Nothing of the first is on the second one's screen or in her record."""
    first = come()
    first.begins()
    first.is_photographed()
    first.hands_in()
    first.goes()
    earlier = delivered(demo, before)
    here = before | {earlier.folder.name}
    second = come()
    second.begins()
    second.is_photographed()
    second.hands_in()
    second.goes()
    package = delivered(demo, here)

    assert package.manifest["result"] == earlier.manifest["result"] == "accepted"
    assert package.manifest["sitting_id"] != earlier.manifest["sitting_id"]
    assert package.manifest["previous"] is not None
    until(lambda: {row["state"] for row in demo.packages()} == {"receipted"}, "both receipts")
