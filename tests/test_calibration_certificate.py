"""The certificate: what stands in it, how anybody checks it, and that a changed byte is refused."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey

from edge.calibration.aid import BY_REASON
from edge.calibration.book import CalibrationBook
from edge.calibration.certificate import draw_certificate
from edge.calibration.certificate_evidence import draw_evidence
from edge.calibration.certificate_figures import figure, limits_of
from edge.calibration.certificate_front import draw_front
from edge.calibration.certificate_sheet import Sheet
from edge.calibration.certificate_words import FOLDER, words_of
from edge.calibration.limits import load_limits
from edge.calibration.plot import ticks
from edge.calibration.plot_letters import FILE, printable, width_of, wrapped
from edge.calibration.record import Evidence, Overall, Recorded, Verdict, read_record, record_json
from edge.store import Store
from edge.trust.keys import StationKey
from tests.calibration_kit import READER, calibration, evidence, result

PAGE = Path(__file__).resolve().parent.parent / "docs" / "certificate.md"
STATION = "kiosk-0317"
LANGUAGES = ("zh-CN", "en")


class P256:
    """Signs as a key in a TPM does: r and s, 32 bytes each."""

    algorithm = "ES256"

    def __init__(self) -> None:
        self.public = ECKey.generate_key("P-256")

    def sign(self, message: bytes) -> bytes:
        r, s = decode_dss_signature(self.public.private_key.sign(message, ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@dataclass(frozen=True)
class Handed:
    """What an auditor was given."""

    folder: Path
    calibration_id: str

    def run(self, *command: str, said: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, input=said, capture_output=True, text=True, cwd=self.folder, timeout=60,
            check=False, env={"PATH": "/usr/bin:/bin"},
        )  # fmt: skip

    def openssl(self) -> subprocess.CompletedProcess[str]:
        return self.run("bash", "-euo", "pipefail", said=block("sh"))

    def python(self, file: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-c", block("python"), "card.json", file)


def block(kind: str) -> str:
    return "".join(re.findall(rf"(?ms)^```{kind}\n(.*?)^```", PAGE.read_text("utf-8")))


def handed(folder: Path, key: StationKey) -> Handed:
    """Calibrate once, and hand over what the page names."""
    with Store.open(folder / "store.db", folder / "store.key") as store:
        book = CalibrationBook(folder / "calibration", store, key, STATION)
        found = book.record(calibration(), evidence())
        given = folder / "given"
        given.mkdir()
        (given / "card.json").write_text(key.registration(STATION))
        (given / "calibration.json").write_bytes(book.certificate_json(found))
        (given / "calibration.json.jws").write_text(book.signature(found))
        (given / "certificate-en.pdf").write_bytes(book.pdf(found, "en"))
        (given / "certificate-en.pdf.jws").write_text(book.pdf_signature(found, "en"))
    return Handed(given, found)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Handed:
    folder = tmp_path_factory.mktemp("handed")
    return handed(folder, StationKey.open_or_make(folder / "station-key.pem"))


@pytest.fixture
def given(once: Handed, tmp_path: Path) -> Handed:
    return replace(once, folder=shutil.copytree(once.folder, tmp_path / "given"))


def test_the_page_s_commands_check_record_and_pdf_without_our_code(given: Handed):
    """openssl and a few lines of Python say the same."""
    done = given.openssl()

    verified = "Signature Verified Successfully\n"
    assert (done.returncode, done.stdout) == (0, 2 * verified + given.calibration_id + "\n")
    for file in ("calibration.json", "certificate-en.pdf"):
        told = given.python(file)
        digest = hashlib.sha256((given.folder / file).read_bytes()).hexdigest()
        assert told.stdout.startswith(f"signed by {STATION} as anxin-")
        assert told.stdout.endswith(f"{digest}\n")


@pytest.mark.parametrize(
    ("file", "at"),
    [("calibration.json", 700), ("calibration.json.jws", -40), ("calibration.json.jws", 20),
     ("certificate-en.pdf", 5000), ("certificate-en.pdf.jws", -40)],
)  # fmt: skip
def test_one_changed_byte_is_refused_by_both_commands(given: Handed, file: str, at: int):
    """In the record, in the PDF, in either signature, in its header."""
    changed = bytearray((given.folder / file).read_bytes())
    changed[at] = ord("A") if changed[at] != ord("A") else ord("B")
    (given.folder / file).write_bytes(changed)

    done, told = given.openssl(), given.python(file.removesuffix(".jws"))

    assert done.returncode != 0
    assert told.returncode != 0
    assert "signed by" not in told.stdout


def test_a_certificate_of_a_key_in_a_tpm_is_checked_by_the_page_s_python(tmp_path: Path):
    """ES256: r and s as a JWS carries them."""
    given = handed(tmp_path, StationKey(P256()))

    assert given.python("calibration.json").returncode == 0
    content = (given.folder / "calibration.json").read_bytes()
    (given.folder / "calibration.json").write_bytes(content.replace(b"7001", b"7002"))
    assert given.python("calibration.json").returncode != 0


# What stands on the pages


def kept(**changes: object) -> Recorded:
    values = changes.pop("values", None)
    found = calibration(values=values, **changes)  # type: ignore[arg-type]
    whole = replace(found, station_id=STATION, number=3, evidence=evidence().digests())
    return read_record(record_json(whole))


def test_both_languages_have_every_line_and_every_measure_that_is_delivered():
    """Nobody meets a code in place of a word."""
    lines = {language: set(words_of(language)._lines) for language in LANGUAGES}
    assert lines["zh-CN"] == lines["en"]
    assert {path.stem for path in FOLDER.glob("*.toml")} == set(LANGUAGES)
    for kind in ("camera", "reader"):
        for step, measures in load_limits(kind).steps.items():
            assert f"step.{step}" in lines["en"]
            assert {f"measure.{step}.{one}" for one in measures} <= lines["en"]
    assert {f"reason.{one}" for one in BY_REASON} <= lines["en"]
    told = [words_of(language)._lines[one] for language in LANGUAGES for one in lines[language]]
    glyphs = "".join(told)
    assert printable(glyphs) == glyphs


def test_no_line_claims_more_than_a_field_check():
    """Never certified, never compliant; and each certificate says what it follows."""
    for language in LANGUAGES:
        words = words_of(language)
        told = " ".join(words._lines.values()).lower()
        assert not re.search(r"\bcertified\b|compliant|accredited|认证|通过认证|符合标准", told)
        assert "docs/calibration.md" in words.line("head.following", method="docs/calibration.md")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_certificate_is_one_page_and_its_evidence_and_the_same_bytes_each_time(language: str):
    """Nothing of the moment of drawing is in it; a letter is embedded only if it stands there."""
    pdf = draw_certificate(kept(), evidence(), language)

    assert pdf == draw_certificate(kept(), evidence(), language)
    assert pdf.startswith(b"%PDF-1.")
    assert pdf.count(b"/Type /Page\n") == 2
    assert b"/FontFile2" in pdf
    assert len(pdf) < FILE.stat().st_size / 3


def test_a_record_without_evidence_is_one_page_and_damaged_evidence_is_left_out():
    """What is not as it was is said to be missing, and never drawn."""
    bare = read_record(record_json(calibration(READER)))
    one = draw_certificate(bare, Evidence(), "en")
    whole = draw_certificate(kept(), evidence(), "en")
    lacking = draw_certificate(kept(), Evidence(), "en")

    assert one.count(b"/Type /Page\n") == 1
    assert lacking.count(b"/Type /Page\n") == 2
    assert whole.count(b"/Subtype /Image") == 7
    assert lacking.count(b"/Subtype /Image") == 0


class Read(Sheet):
    """A page that remembers its lines: in the file they are numbers of letters."""

    def __init__(self) -> None:
        super().__init__("", "")
        self.lines: list[str] = []

    def text(self, x, y, words, *rest, **more) -> None:  # type: ignore[no-untyped-def]
        self.lines.append(words)
        super().text(x, y, words, *rest, **more)


def test_the_page_says_all_that_an_auditor_asks_for():
    """Serial number, technician, dates, expiry, each value with its uncertainty and limit."""
    found, words = kept(values={"focus.mtf50_centre": 0.31}), words_of("en")
    page = Read()
    draw_front(page, found, words)
    told = "\n".join(page.lines)

    for part in (
        "053072001234", "EF-S 35mm f/2.8", "7001", "2026-11-22 17:52 UTC",
        "Valid until  2027-05-21", "0.3100 ± 0.0040 cy/px", "≥ 0.2", "Annex E",
        "our own choice", "named text not read by us",
        found.id, found.sha256, "Field check following docs/calibration.md",
        "zero of pitch, °: -1.25",
        "PASSED", "camera@1",
    ):  # fmt: skip
        assert part in told, part


def test_what_of_the_evidence_is_missing_is_said_to_be():
    """Once for each picture; nothing stands in its place."""
    words, page = words_of("zh-CN"), Read()
    draw_evidence(page, kept(), Evidence(), words)
    assert page.lines.count(words.line("evidence.missing")) == 7
    whole = Read()
    draw_evidence(whole, kept(), evidence(), words)
    assert whole.lines.count(words.line("evidence.missing")) == 0
    assert {"92", "100", words.line("evidence.mtf")} <= set(whole.lines)


def test_every_outcome_has_a_certificate_also_a_quick_check_and_an_undoing():
    """And a step that nobody has named is printed by its code rather than not at all."""
    odd = replace(result("focus", "mtf50_centre"), step="newstep", measure="newmeasure")
    found = [replace(kept(overall=one).calibration, steps=(odd,) * 60, evidence={})
             for one in Overall]  # fmt: skip
    others = (replace(found[0], kind="undo"), replace(found[0], kind="quick", valid_until=None))
    for one in (*found, *others):
        assert draw_certificate(read_record(record_json(one)), Evidence(), "en")


@pytest.mark.parametrize(
    ("value", "uncertainty", "told"),
    [(0.29834, 0.0021, "0.2983 ± 0.0021"), (412.3, 12.0, "412 ± 12"), (1.0, None, "1"),
     (0.12345, None, "0.1235"), (-1.25, 0.3, "-1.25 ± 0.30"), (0.0, 0.0, "0"), (3.0, 0.0, "3"),
     (0.0, None, "0"), (2100.0, 150.0, "2100 ± 150"), (-0.0002, 0.16, "0.00 ± 0.16"),
     (0.000184, 2e-9, "0.000184 ± 2e-09")],
)  # fmt: skip
def test_a_value_has_as_many_digits_as_its_uncertainty_is_worth(value, uncertainty, told):
    """Two digits of the uncertainty, and the value to the same place."""
    assert figure(value, uncertainty) == told


def test_limits_are_said_whole():
    """One end, both, none."""
    words = words_of("en")
    both = result("framing", "tilt_pitch")
    assert limits_of(both, words) == "-1.5 to 1.5"
    assert limits_of(replace(both, least=None), words) == "≤ 1.5"
    assert limits_of(replace(both, most=None), words) == "≥ -1.5"
    assert limits_of(replace(both, least=None, most=None), words) == "shown, no limit"


def test_lines_break_within_their_width_and_lose_no_letter():
    """Also where hanzi, digests and Latin words stand side by side; rare letters are named."""
    text = "限值出处（本站自定） ISO/IEC 39794-5 D " + "a1" * 40 + " 鼻与耳。"
    lines = wrapped(text, 7.0, 120.0)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(width_of(line, 7.0) <= 132.0 for line in lines)
    assert printable("龘A") == "[U+9F98]A"
    assert wrapped("", 7.0, 10.0) == [""]


def test_ticks_are_round_and_inside():
    """Nothing between 1, 2 and 5 times a power of ten."""
    assert ticks(0.0, 0.5) == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert ticks(-3.0, 14.0) == [0.0, 5.0, 10.0]
    assert ticks(2.0, 2.0) == [2.0]


def test_a_measure_that_was_not_assessed_says_why_and_has_no_figure():
    """Not a nought that somebody could take for one."""
    from edge.calibration.certificate_figures import value_of  # noqa: PLC0415

    step = result("noise", "flash")
    assert step.verdict is Verdict.NOT_ASSESSED
    assert value_of(step, words_of("en")) == "no flash"


def test_the_record_names_every_member_that_the_page_explains():
    """And the page explains every member of it."""
    said: Mapping[str, object] = json.loads(record_json(calibration()))
    page = PAGE.read_text("utf-8")
    assert {name for name in said if f"`{name}`" not in page} == set()
