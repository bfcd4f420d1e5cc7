"""The page of figures: made of rows, whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import re
from dataclasses import replace

import pytest
from click.testing import CliRunner

from accuracy import __main__ as command
from accuracy.agreement import Agreement, second_port, table
from accuracy.fingers.page import finger_part, with_part
from accuracy.looker import Looked
from accuracy.material import Material, MaterialMissing
from accuracy.page import Measured, Section, figures, page
from accuracy.portraits import judged
from accuracy.second_port import Scored, SecondPort
from accuracy.shares import Share
from edge.settings import load_document
from quality.face import MEASURES
from quality.face.absent import ABSENT
from quality.measure import Native, Standing

DOCUMENTS = tuple(load_document(name) for name in command.DOCUMENTS)
NOTHING = Measured((), DOCUMENTS, (), {}, ())
LABELS = {
    "file": "a.jpg", "sex": "female", "age": "63", "condition": "turned",
    "background": "plain_light", "inter_eye_px": "150",
}  # fmt: skip


def portraits(*yaws):
    def one(yaw):
        values = {"HeadPoseYaw": Native(yaw)}
        looked = Looked(1, values, None, None, (0.0, 0.0, 0.0), None)
        return judged(LABELS, looked, -35.0, DOCUMENTS)

    return tuple(map(one, yaws))


def row_of(text, *starts):
    return next(line for line in text.splitlines() if line.startswith(starts))


@pytest.fixture
def folder(tmp_path):
    """A conformance table of one image, made of our own mapping, under its manifest."""

    def write(wrong=""):
        values = {one.name: 0.5 for one in (*MEASURES, *ABSENT)}
        rows = {}
        for one in (*MEASURES, *ABSENT):
            if one in ABSENT or one.standing is Standing.OFIQ_LIKE:
                score = one.component(values[one.name]) + (1 if one.name == wrong else 0)
                rows |= {one.name: values[one.name], f"{one.name}.scalar": score}
        path = tmp_path / "ofiq" / "expected_results.csv"
        path.parent.mkdir(exist_ok=True)
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows, delimiter=";")
            writer.writeheader()
            writer.writerow(rows)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        (tmp_path / "MANIFEST.tsv").write_text(
            f"path\tsha256\nofiq/expected_results.csv\t{digest}\n"
        )
        return tmp_path

    return write


def test_a_figure_of_the_page_is_a_count_of_its_rows():
    """Another portrait, another figure: pass rates, labels, hints and other modules' rows."""
    few, more = (
        page(Measured((), DOCUMENTS, portraits(*yaws), {}, ()))
        for yaws in ((0.0, 0.0, 12.0), (0.0, 0.0, 12.0, 13.0))
    )

    assert "| `HeadPoseYaw` | 2/3 = 67 % (21-94) | 0/0 |" in few
    assert "| `HeadPoseYaw` | 2/4 = 50 % (15-85) | 0/0 |" in more
    assert row_of(few, "| turned | `HeadPoseYaw` |").endswith("| 1/3 = 33 % (6-79) | 0/0 |")
    assert row_of(more, "| turned | `HeadPoseYaw` |").endswith("| 2/4 = 50 % (15-85) | 0/0 |")
    section = Section("Coverings", ("Painted.",), [{"kind": "mask", "hits": Share(7, 8)}])
    with_section = page(Measured((), DOCUMENTS, (), {}, (section,)))
    assert "| mask | 7/8 = 88 % (53-98) |" in with_section


def test_without_rows_the_page_states_no_figure():
    """What stands in the page's own words is no result: limits and the interval's level."""
    text = "\n".join(figures(page(NOTHING)))
    # Headings and a table's header bear names of groups and licences.
    words = re.sub(r"`[^`]*`|^#.*$|^\| gate .*$|CC0", "", text, flags=re.MULTILINE)
    stated = re.findall(r"\d[\d.,e%-]*\d|\d", words)

    assert set(stated) <= {"1e-06", "1", "95", "8", "5", "0", "0/0"}


def test_a_page_of_fewer_paintings_says_so():
    """Provisional figures are never taken for all there are."""
    assert "provisional" not in page(NOTHING)
    assert "only one portrait in 6 was painted on" in page(replace(NOTHING, painted_every=6))


def test_day_machine_and_versions_alone_may_change():
    """A page of yesterday with today's figures is up to date."""
    text = page(NOTHING)
    yesterday = re.sub(r"Measured on .*", "Measured on another day and machine.", text)

    assert yesterday != text
    assert figures(yesterday) == figures(text)
    assert figures(text.replace("None.", "Some.")) != figures(text)


def test_agreement_is_shown_with_what_is_apart():
    """A value that does not agree is named, not averaged away."""
    shown = page(
        Measured((Agreement("x", Share(1, 2), 0.25, ("Sharpness",)),), DOCUMENTS, (), {}, ())
    )

    assert row_of(shown, "| x |") == "| x | 1/2 | 2.5e-01 | Sharpness |"


def test_a_wrong_component_of_the_table_is_found_and_named(folder):
    """All 28 are compared; one that is off by one is one apart."""
    right, wrong = table(Material(folder())), table(Material(folder("HeadSize")))

    assert (right.equal, right.apart) == (Share(28, 28), ())
    assert (wrong.equal, wrong.apart) == (Share(27, 28), ("HeadSize at 0.5",))


def test_a_value_off_by_more_than_a_millionth_is_found_and_named(monkeypatch):
    """Against the other port too: in value, in score, or where one of the two has none."""
    measured = SecondPort.measure

    def astray(port, face):
        found = measured(port, face)
        size, mouth = found["HeadSize"], found["MouthClosed"]
        return found | {
            "HeadSize": Scored(size.native + 1e-5, size.component),
            "MouthClosed": Scored(mouth.native, mouth.component + 1),
            "EyesOpen": None,
        }

    monkeypatch.setattr(SecondPort, "measure", astray)
    found = second_port(faces=1)

    assert found.equal == Share(18, 21)
    assert {name.split()[0] for name in found.apart} == {"HeadSize", "MouthClosed", "EyesOpen"}
    assert found.furthest == pytest.approx(1e-5, rel=1e-3)


@pytest.mark.parametrize("check", [[], ["--check"]])
def test_without_the_material_one_sentence_says_so(tmp_path, monkeypatch, check):
    """Exit status 2, and a page that is there stays as it is."""
    written = tmp_path / "accuracy.md"
    written.write_text("as it was")
    monkeypatch.setattr(command, "PAGE", written)
    ran = CliRunner().invoke(command.main, [*check, "--material", str(tmp_path / "nowhere")])

    assert ran.exit_code == 2
    assert ran.stderr.count("\n") == 1
    assert "reference material is not beside this checkout" in ran.stderr
    assert written.read_text() == "as it was"


def test_a_part_of_the_material_makes_no_part_of_a_page(folder, tmp_path, monkeypatch):
    """What is missing in the middle stops it before anything is written."""
    written = tmp_path / "accuracy.md"
    monkeypatch.setattr(command, "PAGE", written)
    ran = CliRunner().invoke(command.main, ["--material", str(folder())])

    assert ran.exit_code == 2
    assert "lacks ofiq/vectors/case_00.json" in ran.stderr
    assert not written.exists()


def test_a_file_that_is_not_the_manifests_is_refused(folder):
    """Figures are of the material they name, byte for byte."""
    place = folder()
    (place / "ofiq" / "expected_results.csv").write_text("other")

    with pytest.raises(MaterialMissing, match="not what its manifest lists"):
        table(Material(place))


@pytest.mark.parametrize(("word", "status"), [("None.", 0), ("Some.", 1)])
def test_check_compares_and_writes_nothing(folder, tmp_path, monkeypatch, word, status):
    """0 if the committed page's figures are those of a new run, 1 and the lines if not."""
    written = tmp_path / "accuracy.md"
    committed = with_part(page(NOTHING).replace("None.", word), finger_part(()))
    written.write_text(committed)
    monkeypatch.setattr(command, "PAGE", written)
    monkeypatch.setattr(command, "measure", lambda *_: NOTHING)
    monkeypatch.setattr(command, "finger_sections", tuple)
    ran = CliRunner().invoke(command.main, ["--check", "--material", str(folder())])

    assert ran.exit_code == status
    assert ("+None." in ran.stdout) is bool(status)
    assert written.read_text() == committed
