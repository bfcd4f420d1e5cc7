"""The story of a power cut: a station of its own, for it does not survive it."""

from __future__ import annotations

from demo.badge import open_or_make_badge
from tests.browser.persons import running_demo
from tests.stories.elder import arrives, delivered


def test_power_cut_after_the_portrait(tmp_path, scenes, chromium, language, pictures_of):
    """The portrait is in: after the cut the same sitting asks for the fingers and nothing else."""
    open_or_make_badge(tmp_path)
    arguments = ("--subject", "suit", "--quick-reader")
    with running_demo(tmp_path, scenes, *arguments) as demo:
        demo.turns("reader.press", "none")
        elder = arrives(demo, chromium, "power-cut", language, pictures_of)
        elder.begins()
        elder.is_photographed()
        elder.sees("finger")
        demo.process.kill()
        demo.process.wait()
        elder.was_met_kindly()
        elder.page.close()
    with running_demo(tmp_path, scenes, *arguments) as demo:
        page = chromium.new_page()
        page.goto(demo.kiosk)
        page.wait_for_selector("body[data-screen='finger'], body[data-screen='review']")
        page.close()
        after = arrives(demo, chromium, "power-cut-after", language, pictures_of, "review")
        after.touches("hand-in")
        after.sees("result")
        after.goes()
        package = delivered(demo, set())
        after.was_met_kindly()
        after.page.close()

    assert package.manifest["result"] == "accepted"
    prints = {"finger/right_thumb.png", "finger/left_thumb.png"}
    assert prints | {"portrait/master.jpg"} <= package.names
