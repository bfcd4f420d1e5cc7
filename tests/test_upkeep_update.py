"""An update ends in a running station: the new version if it proved itself, else the one before."""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
import time

import pytest

from edge.upkeep import update as updating
from edge.upkeep.gate import Look, Patience, passes
from edge.upkeep.release_file import ReleaseUnfit, verify
from edge.upkeep.update import UpdateRefused, back, install, settle
from tests.update_kit import SHORT, Base, ServiceKeeper

LONG_S = 90.0
KILLS = range(1, 200) if "ANXIN_LONG" in os.environ else (7, 8, 10, 11, 12, 13, 14)
"""Before which of the installer's writes and words the power goes; all of them with ANXIN_LONG.
7: the book; 8: the stop; 11: the switch; 12: the start; from then on the trial."""


@pytest.fixture
def base(tmp_path):
    return Base(tmp_path)


@pytest.fixture
def keeper(base):
    with ServiceKeeper(base) as keeper:
        keeper.boot()
        answers(base, "1.0.0")
        yield keeper


def answers(base, version):
    """Wait until this version answers at the station's door."""
    until_s = time.monotonic() + LONG_S
    while (seen := base.door.look()).version != version:
        assert time.monotonic() < until_s, f"{version} is wanted, {seen} is there"
        time.sleep(0.02)


@pytest.mark.usefixtures("keeper")
def test_a_good_release_runs_after_its_trial_and_the_version_before_stays_whole(base):
    """And it can be gone back to, which is a trial as well; a third version is cleared away."""
    base.slot("0.5.0")
    update = install(base.bench(), base.release("1.1.0"), base.keys, older=False)

    assert (update.state, update.reason) == ("passed", "")
    assert not (base.root / "anxin-station-0.5.0").exists()
    assert base.slots.pointed("current") == "anxin-station-1.1.0"
    assert base.slots.pointed("previous") == "anxin-station-1.0.0"
    assert not base.slots.unsettled.exists()
    answers(base, "1.1.0")
    assert back(base.bench()).state == "passed"
    answers(base, "1.0.0")


@pytest.mark.usefixtures("keeper")
@pytest.mark.parametrize(
    ("mode", "reasons"), [("dies", {"not_answering"}), ("sickens", {"service_failed"})]
)
def test_a_broken_release_falls_back_by_itself_and_says_why(base, mode, reasons):
    """One that does not start, and one that starts and turns unhealthy: the version before runs."""
    update = install(base.bench(SHORT), base.release("1.1.0", mode=mode), base.keys, older=False)

    assert update.state == "fell_back"
    assert update.reason in reasons
    assert base.slots.update() == update
    assert base.slots.pointed("current") == "anxin-station-1.0.0"
    answers(base, "1.0.0")
    assert not base.slots.unsettled.exists()


def cut_at(base, event):
    """Switch in a process that dies before its nth write or word; whether it was cut at all."""
    child = os.fork()
    if child == 0:
        left = event

        def hook(name, _):
            nonlocal left
            if name in {"os.rename", "os.symlink", "os.remove", "socket.connect"}:
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), 9)

        sys.addaudithook(hook)
        try:
            bench = base.bench()
            updating._try(
                bench, "anxin-station-1.0.0", "anxin-station-1.1.0", "1.1.0", on_copy=False
            )
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def test_a_power_cut_in_the_midst_of_a_switch_ends_in_one_whole_version(base, keeper):
    """Before whichever write: after the next boot one of the two runs, and the book says which."""
    base.slot("1.1.0")
    ends = set()
    for event in KILLS:
        base.slots.point("current", "anxin-station-1.0.0")
        shutil.rmtree(base.root / "update", ignore_errors=True)
        keeper.boot()
        answers(base, "1.0.0")
        cut = cut_at(base, event)
        # The machine starts again: the unit starts `current`, and the gate's unit if it must.
        keeper.boot()
        update = settle(base.bench()) if base.slots.unsettled.exists() else base.slots.update()
        current = base.slots.pointed("current")

        # The new version is a good one: it is either not reached or taken, and never taken back.
        assert update is None or update.state in {"passed", "interrupted"}
        assert not base.slots.unsettled.exists()
        assert current in {"anxin-station-1.0.0", "anxin-station-1.1.0"}
        # No version is current that has not proved itself.
        passed = update is not None and update.state == "passed"
        assert current == f"anxin-station-1.{int(passed)}.0"
        answers(base, current.removeprefix("anxin-station-"))
        ends.add(current)
        if not cut:
            break
    assert ends == {"anxin-station-1.0.0", "anxin-station-1.1.0"}


def test_an_update_that_was_falling_back_goes_on_falling_back(base, keeper):
    """The power went while the version before was put back: it is put back now."""
    base.slot("1.1.0", mode="dies")
    base.slots.point("previous", "anxin-station-1.0.0")
    update = updating.Update("id", "trying", "anxin-station-1.0.0", "anxin-station-1.1.0", "1.1.0")
    base.slots.note(update, state="falling_back", reason="not_answering")
    base.slots.point("current", "anxin-station-1.1.0")
    keeper.boot()

    assert settle(base.bench()).state == "fell_back"
    assert base.slots.update().reason == "not_answering"
    answers(base, "1.0.0")
    assert settle(base.bench()) is None


def changed(file, how):
    """Return a copy of a release that somebody changed."""
    content = bytearray(file.read_bytes())
    place = file.with_name("changed.anxin")
    if how == "byte":
        with tarfile.open(file) as package:
            member = package.getmember("sbom.cdx.json")
        content[member.offset_data] ^= 1
    elif how == "signature":
        content[600] ^= 1
    elif how == "cut":
        with tarfile.open(file) as package:
            del content[package.getmember("sbom.cdx.json").offset_data + 1 :]
    place.write_bytes(content)
    if how in {"more", "link", "less"}:
        with tarfile.open(file) as source, tarfile.open(place, "w") as copy:
            for member in source.getmembers():
                if how != "less" or member.name != "sbom.cdx.json":
                    copy.addfile(member, source.extractfile(member))
            other = tarfile.TarInfo("wheels/more.whl" if how == "more" else "sbom.cdx.json")
            other.type, other.linkname = (tarfile.SYMTYPE, "/etc/passwd") if how == "link" else (
                tarfile.REGTYPE, "")  # fmt: skip
            if how != "less":
                copy.addfile(other)
    return place


@pytest.mark.parametrize("how", ["byte", "signature", "cut", "more", "link", "less"])
def test_a_tampered_release_is_refused_before_anything_is_unpacked(base, how):
    """A byte, the signature, an end that is missing, a file too many, a link, a file too few."""
    before = sorted(base.root.rglob("*"))
    file = changed(base.release("1.1.0"), how)
    with pytest.raises(ReleaseUnfit):
        install(base.bench(), file, base.keys, older=False)

    assert base.said == ["verifying"]
    left = set(base.root.rglob("*")) - set(before)
    assert left == {base.root / "update"}
    assert base.slots.pointed("current") == "anxin-station-1.0.0"


def test_a_release_of_another_key_is_refused(base, tmp_path):
    """Whoever has a key of their own has none of ours."""
    stranger = Base(tmp_path / "stranger")
    with stranger.release("1.1.0").open("rb") as file, pytest.raises(ReleaseUnfit, match="signed"):
        verify(file, base.keys)


@pytest.mark.usefixtures("keeper")
def test_an_older_version_is_refused_unless_it_is_asked_for(base):
    """And one that cannot read the store is refused even then."""
    older = base.release("0.9.0")
    with pytest.raises(UpdateRefused, match="--older"):
        install(base.bench(), older, base.keys, older=False)
    with pytest.raises(UpdateRefused, match="cannot read the store"):
        install(base.bench(), base.release("0.8.0", schema=3), base.keys, older=True)
    with pytest.raises(UpdateRefused, match="runs here already"):
        install(base.bench(), base.release("1.0.0"), base.keys, older=True)
    assert install(base.bench(), older, base.keys, older=True).state == "passed"
    answers(base, "0.9.0")


@pytest.mark.parametrize(
    ("looks", "fault"),
    [
        ([Look("2", ())] * 40, ""),
        ([Look("", ())] * 5 + [Look("2", ("update_trying", "maintenance"))] * 40, ""),
        ([Look("2", ())] * 9 + [Look("2", ("device_out",))] * 91, "device_out"),
        ([Look("2", ()), Look("", ())] * 60, "not_steady"),
        ([Look("1", ())] * 100, "other_version"),
        ([Look("", ("safe_mode",))] * 100, "safe_mode"),
    ],
    ids=["good", "late", "sickens", "comes-and-goes", "the-old-one", "safe-mode"],
)
def test_the_gate_wants_a_whole_stretch_of_good_looks_within_its_time(looks, fault):
    """By a clock that a test moves: 10 good seconds in a row, within 60."""
    now = iter(range(1000))
    seen = iter(looks)
    found = passes(
        lambda: next(seen), "2", {"maintenance"}, Patience(60.0, 10.0, 1.0),
        lambda: float(next(now)), lambda _: None,
    )  # fmt: skip
    assert found == fault or (fault == "not_steady" and found in {"not_steady", "not_answering"})
