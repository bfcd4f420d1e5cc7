"""The release: of a commit, whole, and the same bytes for the same commit."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
import tomllib

import pytest

from setup import release
from setup.commands import CHECKOUT, Stop


def test_two_releases_of_a_commit_are_the_same_bytes():
    """The packed tree names no hour, so that anybody can make it again and compare."""
    first, second = (release._archive("anxin-station-0") for _ in range(2))
    assert hashlib.sha256(first).digest() == hashlib.sha256(second).digest()
    with tarfile.open(fileobj=io.BytesIO(first)) as tree:
        names = tree.getnames()
    committed = subprocess.run(
        ["git", "ls-tree", "-r", "--name-only", "HEAD"],
        cwd=CHECKOUT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert {f"anxin-station-0/{name}" for name in committed} <= set(names)


def test_a_changed_tree_is_not_released(monkeypatch):
    """What nobody can check out again is refused before anything is written."""
    monkeypatch.setattr(release, "run", lambda name, words: " M edge/seal.py\n")
    with pytest.raises(Stop, match="not committed"):
        release.release()


def test_every_model_file_is_listed_with_digest_and_licence():
    """Model files are no packages and would be missed by a list of packages."""
    named = tomllib.loads((CHECKOUT / "setup" / "models.toml").read_text())["file"]
    listed = {model["name"]: model for model in release._models()}
    for model in named:
        found = listed[model["file"]]
        assert found["hashes"] == [{"alg": "SHA-256", "content": model["sha256"]}]
        assert found["licenses"] == [{"license": {"name": model["licence"]}}]


def test_the_sums_are_what_the_usual_tool_checks(tmp_path):
    """`sha256sum --check` accepts the file, and refuses it once a byte was changed."""
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "a.whl").write_bytes(b"wheel")
    (tmp_path / "tree.tar.gz").write_bytes(b"tree")
    release._sum_up(tmp_path)
    words = ["sha256sum", "--check", "--quiet", "SHA256SUMS"]
    assert subprocess.run(words, cwd=tmp_path, check=False).returncode == 0
    (tmp_path / "tree.tar.gz").write_bytes(b"tred")
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode != 0
