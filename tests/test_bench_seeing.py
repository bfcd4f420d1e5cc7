"""The benchmarks of seeing: their arithmetic, their comparison's fairness, the worker's memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accuracy.made_up import made_up_face
from accuracy.second_port import Scored, SecondPort
from bench import CannotRun, guidance, memory, still
from bench.frames import live_frames, model_files
from bench.live_station import CAMERA_FPS, Rates, SteadyCamera
from bench.memory import Resident
from quality.measure import Native

MEMORY_MAX_MIB = 450
GROWTH_MAX_MIB = 30
"""Of 200 looks: the allocator's own ups and downs; the soak run asks for less over 10,000."""


def test_a_frames_ratio_is_its_time_over_the_bare_calls(monkeypatch):
    """Twice the landmarker's time is a ratio of two; the warm-up is in no figure."""
    warm_up = [1000.0] * guidance._WARM_UP
    timed = {
        "whole": [*warm_up, 20.0, 30.0, 40.0], "bare": [*warm_up, 15.0, 15.0, 15.0],
        "whole_cpu": [*warm_up, 12.0], "bare_cpu": [*warm_up, 10.0],
    }  # fmt: skip
    monkeypatch.setattr(guidance, "_timed", lambda *_: timed)
    monkeypatch.setattr(guidance, "rates", lambda *_: Rates(26.0, 29.0))
    figures = guidance.measure(long=False)

    assert figures["ratio"] == 2.0
    assert figures["ratio_cpu"] == pytest.approx(1.2)
    assert figures["frame_ms_p95"] == pytest.approx(39.0)
    assert (figures["frames_per_s"], figures["preview_frames_per_s"]) == (26.0, 29.0)
    assert figures["frames"] == 3


def test_ofiqpy_and_ours_are_timed_on_the_same_faces_in_turn(monkeypatch):
    """As many times of each; a speedup above one means that ours is the faster."""
    ticks = iter([1.0, 6.0, 2.0, 8.0, 1.0, 6.0, 2.0, 8.0])
    worked = []
    monkeypatch.setattr(still, "_ms", lambda work: (worked.append(work()), next(ticks))[1])
    ours, theirs = still.compared([made_up_face(1), made_up_face(2)], rounds=2)

    assert [type(one["HeadSize"]) for one in worked] == [Native, Scored] * 4
    assert ours == [1.0, 2.0, 1.0, 2.0]
    assert theirs == [6.0, 8.0, 6.0, 8.0]


def test_times_of_different_values_are_not_compared(monkeypatch):
    """Whoever is fast at something else is not faster."""
    measured = SecondPort.measure

    def astray(port, face):
        found = measured(port, face)
        return found | {"HeadSize": Scored(found["HeadSize"].native * 1.001, 0)}

    monkeypatch.setattr(SecondPort, "measure", astray)

    with pytest.raises(CannotRun, match="another HeadSize"):
        still.compared([made_up_face(1)], rounds=1)


def test_growth_is_the_last_tenth_above_the_first():
    """A leak shows, a peak in between does not."""
    leaking = Resident(tuple(100 + n for n in range(100)), 199)
    flat = Resident((*[100.0] * 50, 180.0, *[100.0] * 49), 180)

    assert leaking.growth == pytest.approx(90)
    assert (flat.begin, flat.end, flat.growth, flat.peak) == (100, 100, 0, 180)
    assert replace(flat, readings=(100.0,)).growth == 0


def test_a_camera_that_is_read_late_shows_the_newest_frame():
    """Frames missed meanwhile are lost, as a real camera loses them."""
    camera = SteadyCamera(live_frames(2))
    first = camera.read(1.0)
    camera._began_s -= 10 / CAMERA_FPS
    late = camera.read(1.0)

    assert late.sequence >= first.sequence + 10
    assert camera.read(1.0).sequence > late.sequence


def test_the_worker_holds_no_more_after_two_hundred_frames(models):
    """Its memory is bounded and flat; `make soak-vision` looks at ten thousand."""
    resident = memory.watched(model_files(), live_frames(), _small_still(), frames=200, stills=4)

    assert len(resident.readings) == 40
    assert resident.peak <= MEMORY_MAX_MIB
    assert resident.growth <= GROWTH_MAX_MIB


def _small_still():
    return live_frames(1)[0].repeat(2, axis=0).repeat(2, axis=1)
