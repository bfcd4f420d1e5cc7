"""The documents' files: sources, coherence, and what a broken file is told."""

from __future__ import annotations

import copy
import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from quality.document import Document, judge
from quality.face import LIVE_MEASURES, MEASURES
from quality.measure import Native, Verdict

FOLDER = Path(__file__).resolve().parent.parent / "firmware_configs" / "documents"
FILES = sorted(FOLDER.glob("*.toml"))
every_document = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def table(path=FILES[0]):
    return tomllib.loads(path.read_text(encoding="utf-8"))


def loaded(path=FILES[0]):
    return Document.model_validate(table(path))


def test_there_are_two_documents():
    """One capture serves exit-entry and the resident identity card."""
    assert [path.stem for path in FILES] == ["cn_exit_entry", "cn_resident_id"]


@every_document
def test_the_file_is_named_as_the_document(path):
    """The configured name is the file's name."""
    assert loaded(path).id == path.stem


@every_document
def test_every_number_stands_beside_its_source(path):
    """A table with a number in it, or above one, carries a `source`."""

    def unsourced(where, found):
        inner = {k: v for k, v in found.items() if isinstance(v, dict)}
        spans = all(set(v) <= {"min", "max"} for v in inner.values())
        numbers = [v for v in found.values() if isinstance(v, int | float) and v is not True]
        if where and "source" not in found and (numbers or (inner and spans)):
            yield where
        for key, value in inner.items():
            if not set(value) <= {"min", "max"}:
                yield from unsourced(f"{where}.{key}".lstrip("."), value)

    assert list(unsourced("", table(path))) == []
    assert table(path)["canvas_source"]


@every_document
def test_no_document_claims_to_be_verified(path):
    """Nobody has read the issuers' own sheets yet; the console shows it."""
    assert loaded(path).verified is False


@every_document
def test_px_mm_and_dpi_agree(path):
    """What is printed at the file's dpi has the sheet's millimetres, to half a pixel."""
    document = loaded(path)

    for px, mm in zip(document.canvas_px, document.print_mm, strict=True):
        assert px == pytest.approx(mm * document.dpi / 25.4, abs=0.5)


@every_document
def test_every_live_measure_has_a_gate(path):
    """No frame is measured in vain, and nothing is judged that nobody measures."""
    live = {measure.name for measure in LIVE_MEASURES}

    assert live <= set(loaded(path).gates) <= {measure.name for measure in MEASURES}


@every_document
def test_the_aims_hold_together(path):
    """A head at the aim satisfies all limits at once: top margin, eyes and head fit the canvas."""
    document = loaded(path)
    geometry = document.geometry
    chin = geometry.margin_top.aim + geometry.head_height.aim

    assert geometry.margin_top.aim < geometry.eye_line.aim < chin < document.canvas_px[1]


@every_document
def test_pitch_only_advises(path):
    """Without a station zero a raw pitch may not refuse anybody."""
    document = loaded(path)

    assert not document.gates["HeadPosePitch"].hard
    assert document.gates["HeadPoseYaw"].hard
    assert document.gates["SingleFacePresent"].hard


def keys(found, trail=()):
    for key, value in found.items():
        yield (*trail, key)
        if isinstance(value, dict):
            yield from keys(value, (*trail, key))


@pytest.mark.parametrize(
    "trail",
    [(), ("title",), ("geometry",), ("geometry", "eye_line"), ("file",), ("gates", "EyesOpen"),
     ("gates", "EyesOpen", "still")],
    ids=".".join,
)  # fmt: skip
def test_unknown_keys_are_refused_everywhere(trail):
    """A mistyped key is an error, at whatever depth."""
    changed = table()
    inner = changed
    for key in trail:
        inner = inner[key]
    inner["colour"] = 1
    with pytest.raises(ValidationError, match="colour"):
        Document.model_validate(changed)


@pytest.mark.parametrize(
    ("trail", "wrong", "told"),
    [
        (("dpi",), 350, "mm at 350 dpi"),
        (("geometry", "eye_line", "aim"), 300, "outside its own limits"),
        (("geometry", "eye_line", "min"), 250, "above max"),
        (("geometry", "eye_line", "source"), "", "at least 8"),
        (("file", "kb_min"), 50, "kb_min < kb_max"),
        (("file", "quality_aim"), 70, "above quality_aim"),
        (("gates", "EyesOpen", "live_leave"), {"min": 0.05}, "must enclose"),
        (("gates", "EyesOpen", "still"), {}, "give min, max"),
        (("crown",), "forehead", "hair"),
        (("on_conflict",), ["hat"], "is no limit"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(trail, wrong, told):
    """The message says which two things do not fit."""
    changed = copy.deepcopy(table())
    inner = changed
    for key in trail[:-1]:
        inner = inner[key]
    inner[trail[-1]] = wrong
    with pytest.raises(ValidationError, match=told):
        Document.model_validate(changed)


def test_a_gate_for_an_unknown_measure_is_refused():
    """The message lists the measures that there are."""
    changed = table()
    changed["gates"]["Beauty"] = changed["gates"]["EyesOpen"]
    with pytest.raises(ValidationError, match="'Beauty'; there are: BackgroundColourSpread"):
        Document.model_validate(changed)


def with_gate(measure, **spans):
    changed = table()
    changed["gates"][measure] = {"hard": False, "source": "this test", **spans}
    return changed


def test_a_measure_of_stills_is_judged_on_stills_only():
    """Its gate is silent live, where nobody measures it, instead of holding everybody."""
    limits = {"max": 80.0}
    document = Document.model_validate(with_gate("BackgroundGradient", still=limits))
    natives = {"BackgroundGradient": Native(120.0)}
    still = {r.measure: r for r in judge(document, natives, live=False)}
    live = {r.measure: r for r in judge(document, natives, live=True)}

    assert still["BackgroundGradient"].verdict is Verdict.REJECTED
    assert "BackgroundGradient" not in live
    assert live.keys() == still.keys() - {m.name for m in MEASURES if m.still_only}


@pytest.mark.parametrize(
    ("measure", "spans", "told"),
    [
        ("BackgroundGradient", ("still", "live_enter", "live_leave"), "measured live, and only"),
        ("EyesOpen", ("still",), "measured live, and only"),
        ("EyesOpen", ("still", "live_enter"), "or neither"),
    ],
)
def test_live_limits_stand_where_something_is_measured_live(measure, spans, told):
    """A limit that nothing is held against would be a promise to nobody."""
    with pytest.raises(ValidationError, match=told):
        Document.model_validate(with_gate(measure, **{span: {"min": 0.04} for span in spans}))


def verdicts(natives, **how):
    return {reading.measure: reading for reading in judge(loaded(), natives, **how)}


def test_the_preview_is_judged_more_strictly_than_it_is_left():
    """Five degrees of yaw do not enter, but do not leave either."""
    natives = {"HeadPoseYaw": Native(5.0)}

    assert verdicts(natives, live=True)["HeadPoseYaw"].verdict is Verdict.REJECTED
    stays = verdicts(natives, live=True, passed={"HeadPoseYaw"})["HeadPoseYaw"]
    assert stays.verdict is Verdict.ACCEPTED
    assert verdicts(natives, live=False)["HeadPoseYaw"].verdict is Verdict.ACCEPTED


def test_what_was_not_measured_is_not_assessed():
    """A missing value never passes for a good one."""
    readings = verdicts({}, live=False)

    assert {reading.verdict for reading in readings.values()} == {Verdict.NOT_ASSESSED}
    assert readings["HeadPosePitch"].advisory
    assert not readings["EyesOpen"].advisory


def test_a_sheet_s_own_numbers_for_the_wall_are_judged_and_refuse_nobody():
    """Below the sheet's mean or above its spread the record says so; the person goes on."""
    changed = table()
    sheet = {"colour": "white", "rgb_mean_min": 250, "rgb_spread_max": 4.0, "source": "design: x"}
    document = Document.model_validate(changed | {"background": sheet})
    natives = {"BackgroundLightness": Native(226.0), "BackgroundColourSpread": Native(3.0)}
    still = {r.measure: r for r in judge(document, natives, live=False)}
    live = {r.measure for r in judge(document, natives, live=True)}

    assert still["background_rgb_mean"].verdict is Verdict.REJECTED
    assert still["background_rgb_mean"].accept.low == 250
    assert still["background_rgb_spread"].verdict is Verdict.ACCEPTED
    assert still["background_rgb_mean"].advisory
    assert still["BackgroundLightness"].verdict is Verdict.ACCEPTED
    assert not {"background_rgb_mean", "background_rgb_spread"} & live
