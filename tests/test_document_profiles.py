"""Every photo document that ships: loads, names its sources, agrees with itself."""

from __future__ import annotations

import copy
import csv
import re
import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from edge.settings import SettingsError, document_names, load_document
from quality.document import Document
from quality.framing import room_of
from quality.limits import standings

CHECKOUT = Path(__file__).resolve().parent.parent
FOLDER = CHECKOUT / "firmware_configs" / "documents"
FILES = sorted(FOLDER.rglob("*.toml"))
DOCUMENTS = {name: load_document(name) for name in document_names()}
every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
every_document = pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
IN_MM = {name: document for name, document in DOCUMENTS.items() if document.print_mm}

ASKED_FOR = [
    "cn_exit_entry", "cn_resident_id", "cn_social_security", "cn_residence_permit",
    "cn_exit_entry_a", "cn_exit_entry_b", "cn_passport_abroad", "cn_visa_cova", "cn_visa_print",
    "icao_generic", "schengen_visa", "de_passport", "de_id", "fr_passport", "fr_cni",
    "nl_passport_id", "us_visa_ds160", "us_dv", "us_passport", "gb_passport_online",
    "ca_passport_print", "ca_passport_online", "ca_visa", "au_passport", "in_passport_seva",
    "ng_passport", "br_visa", "ie_passport_print", "ie_passport_online", "nz_passport", "sg_ica",
    "sa_evisa",
]  # fmt: skip


def table(name):
    """A document's file with its gates, as it goes to the model."""
    path = next(FOLDER.rglob(f"{name}.toml"))
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    if "gates_of" in found:
        found["gates"] = {**table(found["gates_of"])["gates"], **found.get("gates", {})}
    return found


def sourced(found, trail=()):
    """Trails of every table and key that carries a source."""
    for key, value in found.items():
        if key in {"source", "canvas_source"}:
            yield (*trail, key)
        elif isinstance(value, dict):
            yield from sourced(value, (*trail, key))


def inner(found, trail):
    for key in trail[:-1]:
        found = found[key]
    return found


def test_every_profile_is_here():
    """All that the reference names, but not the old exit-entry sheet, whose figures do not fit."""
    assert sorted(DOCUMENTS) == sorted(ASKED_FOR)
    assert len({path.stem for path in FILES}) == len(FILES)


@every_file
def test_the_id_is_the_files_name(path):
    """The configured name is the file's name, with underscores."""
    assert DOCUMENTS[path.stem].id == path.stem


@every_document
def test_both_languages_name_it(document):
    """The pages show a title in either language."""
    assert re.search(r"[\u4e00-\u9fff]", document.title.zh)
    assert document.title.en.isascii()


@every_document
def test_nothing_claims_to_be_verified(document):
    """No sheet was signed off by us yet, however good the copy."""
    assert not document.verified


@every_file
def test_a_number_without_its_source_is_refused(path):
    """Take any source away, and the file does not load: neither empty, nor vague, nor absent."""
    whole = table(path.stem)
    trails = list(sourced(whole))

    assert len(trails) >= 5
    for trail in trails:
        for wrong in (None, "", "somewhere on the web" if trail[0] != "gates" else "short"):
            changed = copy.deepcopy(whole)
            holder = inner(changed, trail)
            del holder[trail[-1]]
            if wrong is not None:
                holder[trail[-1]] = wrong
            with pytest.raises(ValidationError, match=trail[-1]):
                Document.model_validate(changed)


@every_file
def test_every_number_stands_in_a_table_with_a_source(path):
    """The model could forget a source; this looks at the files themselves."""

    def bare(found, trail=(), covered=False):
        covered = covered or "source" in found
        for key, value in found.items():
            if isinstance(value, dict):
                yield from bare(value, (*trail, key), covered)
            elif trail and not covered and isinstance(value, int | float):
                yield (*trail, key)

    assert list(bare(tomllib.loads(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize("document", IN_MM.values(), ids=IN_MM)
def test_px_mm_and_dpi_agree_on_every_canvas(document):
    """What is printed at the file's density has the sheet's millimetres, on any size."""
    for canvas in document.canvases():
        for px, mm in zip(canvas.size_px, document.print_mm, strict=True):
            assert px == pytest.approx(mm * canvas.dpi / 25.4, abs=0.51)


@every_document
def test_every_canvas_lies_within_the_sheet(document):
    """Sizes run from the preferred one down to the least, in one form."""
    canvases = document.canvases()
    width, height = document.canvas_px

    assert canvases[0].size_px == document.canvas_px
    assert canvases[-1].size_px == (document.canvas_min_px or document.canvas_px)
    assert [c.width_px for c in canvases] == sorted({c.width_px for c in canvases}, reverse=True)
    for canvas in canvases:
        assert canvas.width_px / width == pytest.approx(canvas.height_px / height, abs=0.002)


@every_document
def test_the_aims_hold_together(document):
    """A head at the aims has its crown and chin on the canvas, in order."""
    for canvas in document.canvases():
        aims = {name: limit.aim for name, limit in document.limits_px(canvas).items()}
        above = {"hair": 1.25 / 2.25, "skull": 0.5}[document.crown] * aims["head_height"]
        top = aims.get("margin_top", aims["eye_line"] - above)

        assert 0 < top < aims["eye_line"] < top + aims["head_height"] < canvas.height_px
        if "chin_to_bottom" in aims:
            chin = canvas.height_px - top - aims["head_height"]
            assert chin == pytest.approx(aims["chin_to_bottom"], abs=4)


@every_document
def test_a_head_at_the_aims_has_room_in_a_live_picture(document):
    """Live framing understands every sheet's units: as much room as the canvas, no more."""
    room = room_of([document])

    assert 1.0 <= room.above < 4
    assert 0.8 < room.below < 4
    assert 0.7 < room.beside < 3


def test_a_bare_aim_says_that_it_is_ours():
    """A limit cannot lose its ends by a slip: only what is marked as design may have none."""
    changed = table("cn_exit_entry_b")
    del changed["geometry"]["margin_top"]["min"], changed["geometry"]["margin_top"]["max"]
    changed["geometry"]["margin_top"]["source"] = "secondary: the sheet"
    with pytest.raises(ValidationError, match="an aim alone is our design"):
        Document.model_validate(changed)


def test_children_have_their_own_limits():
    """Germany: 22 to 36 mm up to the tenth year, 32 to 36 from eleven on."""
    adult = DOCUMENTS["de_passport"]

    assert adult.for_age(10).geometry.head_height.min == 22
    assert adult.for_age(11) == adult
    assert adult.geometry.head_height.min == 32
    assert DOCUMENTS["cn_exit_entry_a"].for_age(4).geometry.eye_line.max == 0.62
    assert DOCUMENTS["nl_passport_id"].for_age(0).geometry.head_height.min == 19


def test_units_become_pixels_from_the_top_left():
    """A ratio, millimetres, and an eye line that counts from below."""
    ds160, passport = DOCUMENTS["us_visa_ds160"], DOCUMENTS["us_passport"]
    eyes, head = (ds160.limits_px()[name] for name in ("eye_line", "head_height"))

    assert (eyes.min, eyes.max) == pytest.approx((900 * 0.31, 900 * 0.44))
    assert (head.min, head.max) == pytest.approx((450, 621))
    mm = passport.limits_px()["eye_line"]
    assert (mm.min, mm.max) == pytest.approx((602 - 35 * 300 / 25.4, 602 - 28 * 300 / 25.4))
    across = DOCUMENTS["icao_generic"].limits_px()["head_width"]
    assert (across.min, across.max) == pytest.approx((413 * 0.5, 413 * 0.75))
    below = ds160.geometry.eye_line
    assert below.in_own_unit("eye_line", eyes.min, ds160.canvas) == pytest.approx(0.69)


def test_a_source_says_how_it_stands():
    """Official, a copy, or ours: the strongest first, whatever the order of the words."""
    assert standings("secondary copies; aim is design") == ("secondary", "design")
    assert standings("Design, over an official text") == ("official", "design")
    assert standings("the web") == ()


@pytest.mark.parametrize(
    ("name", "trail", "wrong", "told"),
    [
        ("us_visa_ds160", ("canvas_px",), [900, 800], "mm at 450 dpi"),
        ("us_visa_ds160", ("canvas_max_px",), [800, 800], "not from 600 to 800"),
        ("nz_passport", ("aspect",), [1, 1], "is not 1:1"),
        ("au_passport", ("canvas_max_px",), [480, 591], "canvas_max_px: 480 px are not 40 mm"),
        ("cn_exit_entry_b", ("on_conflict",), ["eye_distance"], "cannot give way"),
        ("cn_exit_entry_b", ("verified",), True, "secondary copies are among"),
        ("cn_exit_entry_b", ("crown",), "hat", "'hair' or 'skull'"),
        ("cn_exit_entry_b", ("geometry", "margin_top", "from"), "bottom", "only eye_line may"),
        ("cn_exit_entry_b", ("geometry", "margin_top", "unit"), "inch", "'px', 'mm' or 'ratio'"),
        ("de_passport", ("geometry", "head_height", "children", "aim"), 40, "outside its own"),
        ("us_visa_ds160", ("file", "compression_max"), 1, "greater than 1"),
        ("cn_exit_entry_b", ("file", "kb_min"), 46, "kb_min < kb_max"),
    ],
)
def test_a_profile_that_contradicts_itself_is_refused(name, trail, wrong, told):
    """The message says which two things do not fit."""
    changed = table(name)
    inner(changed, trail)[trail[-1]] = wrong
    with pytest.raises(ValidationError, match=told):
        Document.model_validate(changed)


def test_a_missing_crown_is_refused():
    """Head height means nothing without it."""
    changed = table("de_passport")
    del changed["crown"]
    with pytest.raises(ValidationError, match="crown"):
        Document.model_validate(changed)


def test_gates_are_lent_and_may_be_named_again():
    """One place for the gates; a sheet with more room around the head has its own head size."""
    lent, own = DOCUMENTS["cn_exit_entry"].gates, DOCUMENTS["us_dv"].gates

    assert set(own) == set(lent)
    assert own["HeadPoseYaw"] == lent["HeadPoseYaw"]
    assert own["HeadSize"].still.max < lent["HeadSize"].still.max


def test_gates_of_nobody_are_refused(tmp_path, monkeypatch):
    """The technician is told who could lend."""
    for path in FOLDER.glob("*.toml"):
        (tmp_path / "documents").mkdir(exist_ok=True)
        (tmp_path / "documents" / path.name).write_bytes(path.read_bytes())
    text = (FOLDER / "world" / "us_dv.toml").read_text(encoding="utf-8")
    wrong = text.replace('gates_of = "cn_exit_entry"', 'gates_of = "cn_exit_entri"')
    (tmp_path / "documents" / "us_dv.toml").write_text(wrong, encoding="utf-8")
    monkeypatch.setattr("edge.settings.CONFIGS", tmp_path)
    with pytest.raises(SettingsError, match="gates_of is 'cn_exit_entri'; did you mean"):
        load_document("us_dv")


ORACLE = {
    "us-passport": "us_passport", "us-visa-ds-160-nonimmigrant": "us_visa_ds160",
    "us-diversity-visa-dv-lottery": "us_dv", "gb-passport-online": "gb_passport_online",
    "ca-passport-print": "ca_passport_print", "ca-passport-online-renewal": "ca_passport_online",
    "ca-visa-ircc-temporary-resident": "ca_visa", "au-passport": "au_passport",
    "in-passport-passport-seva-upload": "in_passport_seva",
    "ng-passport-online-upload": "ng_passport", "de-passport": "de_passport",
    "de-id-card-personalausweis": "de_id", "fr-passport": "fr_passport",
    "fr-id-card-cni": "fr_cni", "nl-passport-id-card": "nl_passport_id", "cn-visa": "cn_visa_print",
    "br-visa-e-visa-consular": "br_visa", "ie-passport-print": "ie_passport_print",
    "ie-passport-online": "ie_passport_online", "nz-passport-digital": "nz_passport",
    "sg-passport-ic-e-services": "sg_ica", "sa-visa-tourist-evisa": "sa_evisa",
}  # fmt: skip


def span(text):
    low, _, high = re.sub(r"[^\d.-]", "", text).partition("-")
    return float(low), float(high or low)


def test_the_country_profiles_agree_with_the_open_data_set(shared_data):
    """Sizes and heads are those that its editors read at the issuers'."""
    path = shared_data / "photo_specs" / "specs.csv"
    if not path.exists():
        pytest.skip("the data set is not beside this checkout")
    with path.open(encoding="utf-8", newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}

    assert set(ORACLE) == set(rows)
    for row_id, name in ORACLE.items():
        row, document = rows[row_id], DOCUMENTS[name]
        head = document.geometry.head_height
        if row["width_mm"]:
            for side, mm in zip(("width_mm", "height_mm"), document.print_mm, strict=True):
                assert mm == pytest.approx(span(row[side])[0], abs=0.3), (name, side)
        if row["width_px"]:
            assert document.canvas_px == (int(row["width_px"]), int(row["height_px"])), name
        for key, ours in (("min_px", document.canvas_min_px), ("max_px", document.canvas_max_px)):
            if row[key]:
                assert ours == tuple(map(int, row[key].split("x"))), (name, key)
        if head.unit == "mm" and row["head_height_mm"]:
            assert (head.min, head.max) == span(row["head_height_mm"]), name
        if head.unit == "ratio" and row["head_height_pct"]:
            assert (head.min * 100, head.max * 100) == pytest.approx(
                span(row["head_height_pct"])
            ), name
        assert head.is_bare_aim == (not row["head_height_mm"] and not row["head_height_pct"]), name


def test_the_page_lists_every_profile_as_it_is():
    """Canvas, density, crown and standing in docs/documents.md are those of the files."""
    page = (CHECKOUT / "docs" / "documents.md").read_text(encoding="utf-8")
    rows = {
        cells[1].strip("`"): cells[2:-1]
        for cells in ([cell.strip() for cell in line.split("|")] for line in page.splitlines())
        if len(cells) == 12 and cells[1].startswith("`")
    }

    assert sorted(rows) == sorted(DOCUMENTS)
    for name, (canvas, mm, dpi, crown, _, _, _, standing, lacks) in rows.items():
        document = DOCUMENTS[name]
        assert canvas.partition(",")[0] == f"{document.canvas_px[0]}x{document.canvas_px[1]}"
        assert (mm == "-") == (document.print_mm is None)
        assert dpi == str(document.dpi)
        assert crown == document.crown + ("" if document.crown_verified else " ?")
        assert (standing, bool(lacks)) == (document.standing, True)
