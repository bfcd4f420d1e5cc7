"""Whole sittings on real parts: photographs, serial bytes, an encrypted store, a real centre."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from drivers.peers.presses import LEFT_THUMB, RIGHT_THUMB, Press
from edge.sitting import Event, IllegalMove, Overlay, Result, StaleToken, State
from tests.station.bed import LONG_S, station_bed, with_limits


def test_a_person_is_photographed_gives_two_fingers_and_the_centre_says_stored(tmp_path, scenes):
    """The main job: every part of the package arrives, opened, and the sealed copy is gone."""
    with station_bed(tmp_path, scenes) as bed:
        bed.begin()
        bed.take_portrait()
        shown = bed.finish()

        assert shown.result is Result.ACCEPTED
        bed.until_receipted()
        rows = bed.station.store.packages()
        arrived = tmp_path / "centre" / "packages" / rows[0].package_id
        names = {str(p.relative_to(arrived)) for p in arrived.rglob("*") if p.is_file()}
        wanted = {
            "consent.json", "sitting.json", "portrait/cn_exit_entry.jpg", "portrait/master.jpg",
            "portrait/cn_resident_id.jpg", "finger/right_thumb.png", "finger/left_thumb.png",
        }  # fmt: skip
        assert wanted <= {name.removeprefix("parts/") for name in names}


def test_a_dry_press_gets_a_hint_and_the_next_press_is_kept(tmp_path, scenes):
    """A poor press costs a hint and nothing else; what each press came to is recorded."""
    right = (Press(RIGHT_THUMB, 1, "dry"), Press(RIGHT_THUMB, 2))
    presses = (*right, Press(LEFT_THUMB, 1), Press(LEFT_THUMB, 2))
    with station_bed(tmp_path, scenes, presses=presses, centre=False) as bed:
        bed.begin()
        bed.take_portrait()
        shown = bed.until(lambda s: s.finger is not None and s.finger.hint is not None, "a hint")

        assert shown.finger is not None
        assert shown.finger.hint == "finger.dry"
        bed.until_state(State.REVIEW)
        (package,) = bed.station.store.open_packages()
        rows = package.sitting["presentations"]["right_thumb"]
        assert [row["number"] for row in rows] == [1, 2]
        assert rows[0]["cause"] == "finger.dry"
        assert not {"image", "pixels"} & set(json.dumps(rows).split('"'))


def test_the_still_s_report_names_all_that_was_and_was_not_measured(tmp_path, scenes):
    """With the unretouched still goes a reading of every output, its value or its reason."""
    with station_bed(tmp_path, scenes, presses=(), centre=False) as bed:
        bed.begin()
        bed.take_portrait()
        bed.until(lambda s: s.finger is not None, "the first finger")
        (package,) = bed.station.store.open_packages()
        facts = {part.name: part.facts for part in package.parts}
        told = {row["measure"]: row for row in facts["portrait/master.jpg"]["report"]}

        ours = {"heuristic", "own"}
        assert len([row for row in told.values() if row["standing"] not in ours]) == 28
        assert told["UnifiedQualityScore"]["verdict"] == "not_assessed"
        assert "may not be shipped" in told["UnifiedQualityScore"]["reason"]
        assert told["EyesVisible"]["reason"] == "no occlusion mask"
        assert 0 <= told["DynamicRange"]["component"] <= 100


def test_hands_that_cannot_are_missing_and_the_rest_is_accepted(tmp_path, scenes):
    """Nobody is stuck at a finger: two touches, and the package says what it lacks and why."""
    with station_bed(tmp_path, scenes, presses=(), centre=False) as bed:
        bed.begin()
        bed.take_portrait()
        bed.until(lambda s: s.finger is not None, "the first finger")
        bed.ask(Event.HAND_SKIPPED)
        bed.until(lambda s: s.finger is not None and s.finger.position == "left_thumb", "the next")
        bed.ask(Event.HAND_SKIPPED)
        shown = bed.finish()

        assert shown.result is Result.ACCEPTED_WITH_MISSING
        assert {(m.what, m.reason) for m in shown.missing} == {
            ("finger:right_thumb", "not_possible"),
            ("finger:left_thumb", "not_possible"),
        }


def test_a_person_who_leaves_takes_everything_along(tmp_path, scenes):
    """Leaving wipes the screen, the memory and the parts; only audit rows stay."""
    with station_bed(tmp_path, scenes, centre=False) as bed:
        bed.begin()
        bed.take_portrait()
        token = bed.station.desk.snapshot.token
        shown = bed.ask(Event.LEAVE)

        assert shown.state is State.WELCOME
        assert (shown.sitting_id, shown.token, shown.portrait_in) == (None, "", False)
        assert bed.station.desk.portrait_jpeg(token) is None
        assert bed.station.store.counts()["open"] == 0


def test_the_portrait_under_review_is_shown_to_its_own_sitting_only(tmp_path, scenes):
    """Without the sitting's token nobody sees a picture, and no move is made."""
    with station_bed(tmp_path, scenes, centre=False) as bed:
        bed.begin()
        shown = bed.until_state(State.PORTRAIT_OK)
        desk = bed.station.desk

        assert desk.portrait_jpeg("") is None
        assert desk.portrait_jpeg("中文") is None
        assert (desk.portrait_jpeg(shown.token) or b"").startswith(b"\xff\xd8")
        with pytest.raises(StaleToken):
            desk.ask(Event.PORTRAIT_KEPT, "stale")
        with pytest.raises(IllegalMove):
            desk.ask(Event.STORED, shown.token)
        assert desk.snapshot.state is State.PORTRAIT_OK


def test_a_portrait_can_be_taken_again_as_often_as_one_likes(tmp_path, scenes):
    """The newest accepted portrait is the one in the package, and it is there once."""
    with station_bed(tmp_path, scenes, centre=False) as bed:
        bed.begin()
        bed.until_state(State.PORTRAIT_OK)
        bed.ask(Event.PORTRAIT_AGAIN)
        bed.take_portrait()
        bed.until_state(State.REVIEW)
        bed.ask(Event.PORTRAIT_AGAIN)
        bed.take_portrait()
        shown = bed.until_state(State.REVIEW)

        (package,) = bed.station.store.open_packages()
        names = [part.name for part in package.parts]
        assert len(names) == len(set(names))
        assert set(shown.fingers_in) == {"right_thumb", "left_thumb"}


@pytest.mark.parametrize(
    ("subject", "hint"),
    [
        ("nobody", "portrait.no_face"),
        ("two", "portrait.many_faces"),
        ("tilted", "portrait.straighten_head"),
        ("elder", "portrait.too_far"),
    ],
)
def test_who_cannot_be_photographed_yet_is_told_one_true_thing(tmp_path, scenes, subject, hint):
    """Nobody, two people, a tilted head, too far away: one hint, no capture, no dead end."""
    with station_bed(tmp_path, scenes, subject=subject, centre=False) as bed:
        bed.begin()
        shown = bed.until(lambda s: s.hint == hint, hint)

        assert shown.state is State.PORTRAIT
        assert bed.ask(Event.PORTRAIT_GIVEN_UP).state is State.FINGER


def test_help_and_rest_stop_the_sitting_where_it_is(tmp_path, scenes):
    """An overlay moves nothing: when it goes, the sitting stands where it stood."""
    with station_bed(tmp_path, scenes, subject="nobody", centre=False) as bed:
        bed.begin()
        desk = bed.station.desk

        assert desk.call_help(True).overlay is Overlay.HELP
        assert desk.snapshot.state is State.PORTRAIT
        assert desk.call_help(False).overlay is None
        assert desk.rest(True).overlay is Overlay.REST
        assert desk.set_language("en").language == "en"
        assert desk.rest(False).state is State.PORTRAIT


def test_a_sitting_that_nobody_answers_is_left_for_an_attendant(tmp_path, scenes):
    """After the idle time the screen is wiped; what was accepted stays, and not for the next."""
    with station_bed(
        tmp_path,
        scenes,
        presses=(),
        centre=False,
        # Below what a settings file may say: a test need not wait half a minute.
        change=lambda settings: with_limits(settings, idle_s=1.0, still_there_s=0.5),
    ) as bed:
        bed.begin()
        bed.until_state(State.PORTRAIT_OK)
        bed.ask(Event.PORTRAIT_KEPT)
        bed.play('play = "nobody"')
        bed.until_state(State.WELCOME)

        (package,) = bed.station.store.open_packages()
        assert package.sitting["left_alone"] is True
    with station_bed(tmp_path, scenes, centre=False) as bed:
        shown = bed.until(lambda s: not s.out_of_service and s.revision > 0, "service")
        assert shown.state is State.WELCOME
        assert not shown.resumed


def test_a_result_makes_room_for_the_next_person(tmp_path, scenes):
    """The second person starts at once and sees nothing of the first."""
    with station_bed(tmp_path, scenes, subject="nobody", presses=(), centre=False) as bed:
        bed.until(lambda s: not s.out_of_service and s.revision > 0, "service")
        first = bed.ask(Event.START)
        declined = bed.ask(Event.DECLINE)
        assert declined.result is Result.CANCELLED
        welcome = bed.ask(Event.FINISH)
        second = bed.ask(Event.START)

        assert welcome.result is None
        assert second.sitting_id != first.sitting_id
        assert second.token != first.token
        assert bed.station.store.counts()["open"] == 1


def test_the_newest_frame_is_never_older_than_a_second(tmp_path, scenes):
    """A lens that stalls or freezes shows no picture at all, and the calm screen instead."""
    with station_bed(tmp_path, scenes, subject="nobody", centre=False) as bed:
        bed.begin()
        camera = bed.station.camera
        until_s = time.monotonic() + LONG_S
        while camera.latest() is None and time.monotonic() < until_s:
            time.sleep(0.05)
        for lens in ("stalled", "frozen"):
            bed.play(f'play = "nobody"\nlens = "{lens}"')
            shown = bed.until(lambda s: s.overlay is Overlay.CALM, f"calm with a {lens} lens")
            seen = camera.latest()
            assert seen is None or time.monotonic() - seen.captured_at_s < 1.0
            assert shown.camera != "ready"
            bed.play('play = "nobody"')
            bed.until(lambda s: s.overlay is None, f"service after a {lens} lens")


def test_every_sitting_is_counted_once_by_its_result(tmp_path: Path, scenes: Path):
    """The service figures tell accepted, missing, window and cancelled apart."""
    with station_bed(tmp_path, scenes, subject="nobody", presses=(), centre=False) as bed:
        bed.until(lambda s: not s.out_of_service and s.revision > 0, "service")
        bed.ask(Event.START)
        bed.ask(Event.DECLINE)

        value = bed.station.figures.registry.get_sample_value
        assert value("anxin_sittings_total", {"result": "cancelled"}) == 1.0
        assert value("anxin_sittings_total", {"result": "accepted"}) == 0.0
