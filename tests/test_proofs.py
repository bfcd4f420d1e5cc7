"""The proofs' own frame: what counts as held, what is kept of it, and what the page says."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
from click.testing import CliRunner

from proofs import CannotRun, Proof, Tally, each_of, trial_run
from proofs.__main__ import main
from proofs.custody import judge
from proofs.page import FIGURES, PAGE, figures_of, keep_figures, page
from proofs.premises import make_premises, open_store
from proofs.sitters import SMALL, said_kept, steps
from proofs.trial_run import Outcome, module_names, proofs_of, run_proof

CHECKOUT = Path(__file__).resolve().parent.parent
DOCS = CHECKOUT / "docs"
HELD = Tally("It holds", 1000, 0, 1.5, "5 counted")
FOUND_OUT = Tally("It holds", 25, 7, 0.5, "7 lost")
PASSED = Tally("It holds", 25, 0, 0.5)


def test_no_failure_in_n_trials_allows_for_three_in_n():
    """The bound is given where nothing failed, and nowhere else."""
    assert HELD.bound == pytest.approx(0.003)
    assert FOUND_OUT.bound is None
    assert Tally("one long run", 1, 0, 600.0).bound is None
    assert Tally("never run", 0, 0, 0.0).bound is None


@pytest.mark.parametrize(
    ("tally", "control", "verdict"),
    [
        (HELD, FOUND_OUT, "holds"),
        (FOUND_OUT, FOUND_OUT, "broken"),
        (HELD, PASSED, "blind"),
        (HELD, Tally("It holds", 0, 0, 0.0), "blind"),
        (Tally("It holds", 0, 0, 0.0), FOUND_OUT, "blind"),
    ],
    ids=["held", "a trial failed", "the control passed", "no control ran", "no trial ran"],
)
def test_a_proof_holds_only_beside_a_control_that_was_found_out(tally, control, verdict):
    """Whatever could not have failed proves nothing."""
    assert Outcome("x", tally, control).verdict == verdict


def test_one_control_that_passes_makes_all_of_them_pass():
    """Several controls count as the one that was found out least."""
    some = each_of({"loud": lambda n, seed: FOUND_OUT, "quiet": lambda n, seed: PASSED})
    all_found = each_of({"loud": lambda n, seed: FOUND_OUT, "faint": _faint})

    assert some(25, 0).failures == 0
    assert "quiet: 0 of 25" in some(25, 0).note
    assert all_found(25, 0).failures == 1


def _faint(trials: int, seed: int) -> Tally:
    return Tally("It holds", trials, 1, 0.1)


def test_the_long_form_has_the_long_sizes():
    """A control may have a size of its own; a size that was asked for holds for both."""
    asked: list[tuple[str, int]] = []

    def noting(name: str, tally: Tally):
        return lambda trials, seed: (asked.append((name, trials)), tally)[1]

    proof = Proof("It holds", noting("run", HELD), noting("control", FOUND_OUT), 3, 1000, 25)
    run_proof("x", proof)
    run_proof("x", proof, long=True)
    run_proof("x", proof, long=True, trials=7)

    assert [size for name, size in asked if name == "run"] == [3, 1000, 7]
    assert [size for name, size in asked if name == "control"] == [3, 25, 7]


def test_figures_are_kept_one_by_one_with_their_day_and_commit(tmp_path):
    """What was not run again stays as it was."""
    keep_figures(tmp_path, Outcome("a.x", HELD, FOUND_OUT).flat())
    first = figures_of(tmp_path)["a.x"]
    keep_figures(tmp_path, Outcome("b.y", FOUND_OUT, FOUND_OUT).flat())
    kept = figures_of(tmp_path)

    assert kept["a.x"] == first
    assert {"day", "commit", "machine", "versions"} <= first.keys()
    assert kept["b.y"]["verdict"] == "broken"


@pytest.fixture
def named(monkeypatch):
    """Let one proof stand in the place of all, and return how to say what it comes to."""

    def stand(run, control):
        proofs = {"made_up.one": Proof("It holds", run, control, 3, 1000)}
        monkeypatch.setattr(trial_run, "module_names", lambda: ["made_up"])
        monkeypatch.setattr(trial_run, "proofs_of", lambda module: proofs)

    return stand


def _cannot(trials: int, seed: int) -> Tally:
    raise CannotRun("no such tool")


@pytest.mark.parametrize(
    ("run", "control", "status"),
    [
        (lambda n, seed: HELD, lambda n, seed: FOUND_OUT, 0),
        (lambda n, seed: FOUND_OUT, lambda n, seed: FOUND_OUT, 1),
        (lambda n, seed: HELD, lambda n, seed: PASSED, 1),
        (_cannot, lambda n, seed: FOUND_OUT, 2),
    ],
    ids=["held", "broken", "blind", "could not run"],
)
def test_the_exit_status_tells_held_broken_and_not_tried_apart(
    named, tmp_path, run, control, status
):
    """A build stops for a broken promise and for a blind proof, and says aloud what was not tried;
    a short run keeps no figures.
    """
    named(run, control)
    done = CliRunner().invoke(main, ["made_up.one", "--json", "--docs", str(tmp_path)])

    assert done.exit_code == status
    assert list(tmp_path.iterdir()) == []
    if status == 2:
        assert "NOT TESTED: no such tool" in done.output
    else:
        assert json.loads(done.output)["name"] == "made_up.one"


def test_an_unknown_name_is_refused_with_those_there_are():
    """Before anything runs."""
    done = subprocess.run(
        [sys.executable, "-m", "proofs", "powder"],
        cwd=CHECKOUT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 2
    assert "there are: " in done.stderr
    assert "power" in done.stderr


def test_every_proof_has_sizes_a_control_and_a_place_on_the_page():
    """And its module says what it does and what it cannot see, which is what the page prints."""
    text = page({})
    for module in module_names():
        proofs = proofs_of(module)
        assert proofs, module
        for name, proof in proofs.items():
            assert 0 < proof.short <= proof.long, name
            assert f"| {proof.promise} | `{name}` | not run yet |" in text
        assert f"## {module}" in text


def test_the_page_is_what_the_kept_figures_say():
    """Nobody types a figure in by hand: `python -m proofs --page-only` writes the page again."""
    kept = figures_of(DOCS)
    wanted = {line for line in page(kept).splitlines() if line.startswith("| ") and "`" in line}
    written = set((DOCS / PAGE).read_text(encoding="utf-8").splitlines())

    assert (DOCS / FIGURES).exists()
    assert {row for row in wanted if "not run yet" not in row} <= written
    for name, figures in kept.items():
        assert figures["verdict"] == "holds", name


def test_the_promises_of_the_issue_were_tried_often_enough():
    """A thousand cuts of each kind, none lost: the figures on the page are of long runs."""
    kept = figures_of(DOCS)
    for name in ("power.vfs", "power.ext4", "killed.sitting"):
        assert kept[name]["trials"] >= 1000
        assert kept[name]["failures"] == 0
        assert kept[name]["control_failures"] > 0


KEPT_WORDS = (
    ("what is there", {}, 0),
    ("a part that is not there", {"kept": {"finger/left_thumb.png": ""}}, 1),
    ("a part with another digest", {"kept": {"consent.json": "00" * 32}}, 1),
    ("a package that is not closed", {"closed": "none"}, 1),
    ("a receipt that is not recorded", {"receipted": True}, 1),
)


@pytest.mark.parametrize(("word", "said", "lost"), KEPT_WORDS, ids=[row[0] for row in KEPT_WORDS])
def test_the_judge_takes_no_word_for_true_that_is_not(tmp_path, word, said, lost):
    """A sitting with a portrait is in the journal; each further word is held against that."""
    premises = make_premises(tmp_path)
    store_folder = tmp_path / "store"
    words: list[str] = []
    with open_store(store_folder) as store:
        record = premises.rooms(store).begin("zh-CN")
        for step in islice(steps(record, SMALL, "label"), 2):
            step.do()
        (package,) = store.open_packages()
        package_id = package.package_id
        words.append(said_kept(package_id, {p.name: p.record_sha256 for p in package.parts}))
    if "kept" in said:
        words.append(said_kept(package_id, said["kept"]))
    if "closed" in said:
        words.append(json.dumps({"closed": package_id, "digest": said["closed"]}))
    if "receipted" in said:
        words.append(json.dumps({"receipted": package_id}))
    verdict = judge(premises, store_folder, words)

    assert verdict.lost == lost
    assert verdict.ok == (lost == 0), verdict
