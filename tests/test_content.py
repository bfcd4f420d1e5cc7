"""Cards and lists: what the centre signed and nothing else, and nothing that harms who reads it."""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from datetime import UTC, date, datetime, timedelta

import cv2
import numpy as np
import pytest

from centre.content import TYP, sign_pack
from centre.keys import content_key, issue, listed, open_or_make_keys, signed
from edge.service import sealed_pack
from edge.service.content import Content, PackUnfit, load_pack
from edge.service.due import due_on
from edge.service.pack import PUBLIC_NUMBERS, parsed_lines, parsed_pack
from edge.service.pictures import remade
from tests.content_kit import DRAWING, OURS, PACK, SVG, TODAY, Office, open_office, qr_code, raster

OGG = b"OggS" + bytes(24) + b"OpusHead" + bytes(40)


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """One centre for all: making keys is slow."""
    return open_office(tmp_path_factory.mktemp("office"))


@pytest.fixture
def office(town, tmp_path):
    """That centre's keys, in a folder of the test's own."""
    shutil.copytree(town.centre, tmp_path / "centre")
    return Office(tmp_path)


def refused(office, place, words, today=TODAY):
    """A pack is refused in a sentence with these words."""
    with pytest.raises(PackUnfit, match=words):
        office.load(place, today)


# What a fit pack says


def test_a_pack_says_its_cards_in_both_languages(office):
    """Words, picture and what is spoken; a language that it lacks is answered in Chinese."""
    content = office.load(office.signed(more='number = "96110"'))
    (zh,), (en,) = content.cards("zh-CN"), content.cards("en")

    assert (zh.title, en.title, zh.number) == ("先问一问", "Ask first", "96110")
    assert zh.lines == ("card.ask.title", "card.ask.text")
    assert content.line(zh.lines[1], "en") == en.text == "Not sure? Ask your family."
    assert content.cards("yue") == content.cards("zh-CN")
    assert content.card("ask", "en") == en
    assert content.card("other", "en") is content.picture("other") is None
    assert content.picture("ask").media_type == "image/svg+xml"


def test_without_a_pack_there_is_nothing_and_nothing_fails():
    """A new station has no cards, no lists, and still names what is missing."""
    nothing = Content()

    assert nothing.cards("zh-CN") == nothing.businesses() == nothing.windows("en") == ()
    assert nothing.checklist("ordinary_passport", "en") is None
    assert nothing.material("household_register", "zh-CN") == "一份材料"
    assert nothing.material("household_register", "en") == "One paper"
    assert nothing.line("card.ask.title", "en") == ""
    assert nothing.voice("card.ask.title", "en") is None


@pytest.fixture(scope="module")
def ours(town):
    """What the packs say that come with the station."""
    content = Content()
    for source in sorted(OURS.iterdir()):
        place = town.folder / "ours" / source.name
        shutil.copytree(source, place)
        sign_pack(town.centre, place)
        content = content.joined([load_pack(place, town.keys(), TODAY)])
    return content


def test_our_cards_warn_in_plain_words_with_a_drawing_each(ours):
    """At least five, in both languages, and the one number that helps."""
    cards = ours.cards("zh-CN")

    assert len(cards) >= 5
    assert {card.number for card in cards} == {"", "96110"}
    assert [card.id for card in cards] == [card.id for card in ours.cards("en")]
    for card in cards:
        assert card.title
        assert card.text
        assert ours.picture(card.id).content.startswith(b"<svg ")


@pytest.mark.parametrize(
    "business",
    ["ordinary_passport", "hk_macau_permit", "taiwan_permit", "resident_id", "driving_licence"],
)
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_there_is_a_list_for_each_business(ours, business, language):
    """Who comes once brings all; what only some have is told apart."""
    listing = ours.checklist(business, language)
    always = [one for one in listing.materials if not one.if_any]

    assert listing.title
    assert listing.note
    assert 1 <= len(always) <= 3
    assert all(one.name and one.note for one in listing.materials)
    assert listing.lines[0] == f"checklist.{business}.title"
    assert listing.materials[-1].code == "reading_glasses"
    assert all(ours.line(line_id, language) for one in listing.materials for line_id in one.lines)


def test_a_relative_finds_what_to_bring_and_the_letter_has_a_name(ours):
    """The letter is asked for by its code wherever a relative acts."""
    codes = [one.code for one in ours.checklist("by_relative", "en").materials]

    assert codes[0] == "authorisation"
    assert ours.material("authorisation", "zh-CN") == "委托书"
    assert ours.material("household_register", "en") == "Household register"
    assert ours.windows("zh-CN")[0].name == "出入境窗口"


def test_every_line_of_ours_can_be_spoken(ours):
    """No digits, no signs: what is rendered beforehand is hanzi, or words."""
    for language in ("zh-CN", "en"):
        for pack in sorted(OURS.iterdir()):
            table = tomllib.loads((pack / f"lines.{language}.toml").read_text("utf-8"))
            for words in _leaves(table):
                assert not re.search("[0-9]", words)


def test_the_day_to_bring_something_is_the_settings_or_the_papers_own(ours):
    """A hospital's appointment takes longer than a drawer at home."""
    days = {
        what: due_on(what, TODAY, 30, ours)
        for what in ("portrait", "finger:right_thumb", "material:household_register",
                     "material:health_statement", "material:unheard_of")
    }  # fmt: skip

    assert days.pop("material:health_statement") == "2027-01-21"
    assert set(days.values()) == {"2026-12-22"}


# Whose word it is


def test_a_pack_that_nobody_signed_is_none(office):
    """The words of a stranger reach no screen."""
    refused(office, office.pack(), "content.jws cannot be read")


def test_a_pack_of_another_centre_is_refused(office, tmp_path):
    """Its key is in another list."""
    other = Office(tmp_path / "other")
    open_or_make_keys(other.centre)

    refused(office, other.signed(), "not signed by a content key of our centre")


def test_a_receipts_key_signs_no_content(office, tmp_path):
    """Each key has one use."""
    place = office.signed()
    token = (place / "content.jws").read_text()
    keys = office.keys()
    place_keys = office.centre / "keys"
    shutil.copy(place_keys / "receipt.pem", place_keys / "content.pem")
    sign_pack(office.centre, place)

    with pytest.raises(PackUnfit, match="not signed"):
        load_pack(place, keys, TODAY)
    (place / "content.jws").write_text(token)
    assert office.load(place).cards("en")


def test_a_key_that_was_struck_off_signs_nothing_any_more(office):
    """The list decides, today."""
    place = office.signed()
    issue(office.centre, [row for row in listed(office.centre)["keys"] if row["use"] != "content"])

    refused(office, place, "not signed by a content key")


def test_a_pack_signed_before_its_key_was_valid_is_refused(office):
    """As good as signed by nobody."""
    place = office.signed()
    later = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    rows = [{**row, "not_before": later} if row["use"] == "content" else row
            for row in listed(office.centre)["keys"]]  # fmt: skip
    issue(office.centre, rows)

    refused(office, place, "when its key was not valid")


@pytest.mark.parametrize("name", ["pack.toml", "cards/ask.svg", "lines.zh-CN.toml"])
def test_a_file_that_was_changed_is_noticed(office, name):
    """One byte is enough."""
    place = office.signed()
    with (place / name).open("a") as file:
        file.write(" ")

    refused(office, place, f"{name} was changed")


def test_a_file_that_is_missing_or_was_put_in_is_noticed(office):
    """The signature names them all."""
    place = office.signed()
    (place / "cards" / "more.svg").write_text(DRAWING)
    refused(office, place, "more.svg was not signed")
    (place / "cards" / "more.svg").unlink()
    (place / "cards" / "ask.svg").unlink()
    refused(office, place, "ask.svg is missing")


@pytest.mark.parametrize("what", ["file", "folder", "pipe"])
def test_no_link_is_followed_and_only_plain_files_are_read(office, tmp_path, what):
    """A pack that points elsewhere would show what lies elsewhere."""
    place = office.signed()
    drawing, elsewhere = place / "cards" / "ask.svg", tmp_path / "elsewhere"
    if what == "file":
        drawing.rename(elsewhere)
        drawing.symlink_to(elsewhere)
    elif what == "folder":
        drawing.parent.rename(elsewhere)
        (place / "cards").symlink_to(elsewhere)
    else:
        drawing.unlink()
        os.mkfifo(drawing)

    refused(office, place, "is a link or no plain file")


def test_a_link_that_takes_a_files_place_while_it_is_read_is_not_followed(
    office, tmp_path, monkeypatch
):
    """Between the look at the folder and the reading of a file somebody may be quick."""
    place = office.signed()
    drawing, real = place / "cards" / "ask.svg", sealed_pack._names

    def names_then_swap(folder):
        found = real(folder)
        drawing.rename(tmp_path / "elsewhere")
        drawing.symlink_to(tmp_path / "elsewhere")
        return found

    monkeypatch.setattr(sealed_pack, "_names", names_then_swap)

    refused(office, place, "ask.svg' is a link")


def test_a_seal_that_is_a_link_is_refused(office, tmp_path):
    """Also of the signature itself."""
    place = office.signed()
    (place / "content.jws").rename(tmp_path / "seal")
    (place / "content.jws").symlink_to(tmp_path / "seal")

    refused(office, place, "content.jws' is a link")


@pytest.mark.parametrize(
    "name", ["../out.svg", "cards/../../out.svg", "/etc/passwd", "run.sh", "cards/a.html", "cards"]
)
def test_a_signature_that_names_strange_files_is_refused(office, name):
    """Nothing outside of the folder, and nothing that runs."""
    place = office.pack()
    said = {"v": 1, "pack": "cards", "number": 1, "signed_at": datetime.now(UTC).isoformat(),
            "files": {name: "0" * 64}}  # fmt: skip
    seal(office, place, said)

    refused(office, place, "no part of a pack")


@pytest.mark.parametrize(
    "change",
    [{"v": 2}, {"number": "1"}, {"number": True}, {"files": []}, {"signed_at": "2026-11-22"},
     {"signed_at": "soon"}, {"files": {"pack.toml": 7}}, {"pack": None}],
    ids=["version", "number", "boolean", "list", "zone", "moment", "digest", "pack"],
)  # fmt: skip
def test_a_signature_of_another_form_is_refused(office, change):
    """Whoever signs it, it must say what it must say."""
    place = office.signed()
    said = {"v": 1, "pack": "cards", "number": 1, "signed_at": datetime.now(UTC).isoformat(),
            "files": {}, **change}  # fmt: skip
    seal(office, place, said)

    refused(office, place, "not signed|names no files|no part of a pack")


def test_the_signature_and_the_pack_name_the_same_issue(office):
    """An old pack under a new number would come back."""
    place = office.signed()
    said = {"v": 1, "pack": "cards", "number": 2, "signed_at": datetime.now(UTC).isoformat(),
            "files": digests(place)}  # fmt: skip
    seal(office, place, said)

    refused(office, place, "another issue")


@pytest.mark.parametrize(
    ("today", "words"),
    [(date(2027, 1, 2), "valid until 2027-01-01"), (date(2024, 12, 30), "begins only on")],
)
def test_a_pack_has_its_time(office, today, words):
    """Neither one that is over nor one of a far day is taken."""
    refused(office, office.signed(), words, today)


def test_a_pack_counts_from_its_first_day_to_its_last(office):
    """It can be brought before its day, and is shown on it."""
    place = office.signed(valid_from="2026-12-01", valid_until="2026-12-31")
    shown = {
        day: bool(office.load(place, day).in_force(day).cards("en"))
        for day in (date(2026, 11, 30), date(2026, 12, 1), date(2026, 12, 31))
    }

    assert list(shown.values()) == [False, True, True]


# What a pack may hold


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('number = "13800138000"', "no public one"),
        ('colour = "red"', "colour"),
        ('[[cards]]\nid = "ask me"\npicture = "ask.svg"', "cards.1.id"),
        ('[[cards]]\nid = "two"\npicture = "../../two.svg"', "cards.1.picture"),
        ('[[cards]]\nid = "two"\npicture = "two.svg"', "lacks card.two.title"),
        ('[[checklists]]\nbusiness = "passport"\nmaterials = ["x"]', "no material here"),
    ],
    ids=["private-number", "unknown-key", "odd-id", "way-out", "no-words", "no-paper"],
)
def test_a_pack_that_contradicts_itself_is_refused(office, more, words):
    """By its place, for who wrote it."""
    refused(office, office.signed(more=more), words)


@pytest.mark.parametrize("name", ["pack.toml", "lines.en.toml"])
@pytest.mark.parametrize(
    "text",
    ["x = ", "\udc80", f"x = {'9' * 5000}"],
    ids=["no-toml", "no-utf8", "number-without-end"],
)
def test_a_file_that_cannot_be_read_is_refused_by_its_name(office, name, text):
    """Also one that was signed so."""
    place = office.signed()
    (place / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    said = {"v": 1, "pack": "cards", "number": 1, "signed_at": datetime.now(UTC).isoformat(),
            "files": digests(place)}  # fmt: skip
    seal(office, place, said)

    refused(office, place, f"{name} is not valid TOML")


def test_lines_in_tables_without_end_are_refused():
    """Whoever reads them is the sitting's own thread: nothing of a pack may end it."""
    with pytest.raises(PackUnfit, match="without end"):
        parsed_lines(f"a{'.a' * 5000} = ''".encode(), "lines.en.toml")


def test_a_pack_that_ends_before_it_begins_is_refused(office):
    """A slip of the pen, found before a station has it."""
    refused(office, office.signed(valid_until="2025-12-31"), "valid_until is before")


def test_chinese_is_the_first_language_of_every_pack(office):
    """It stands in where another is missing."""
    head = PACK.format(number=1, valid_from="2026-01-01", valid_until="2027-01-01", more="")
    refused(office, office.signed(head=head.replace('"zh-CN", "en"', '"en"')), "zh-CN comes first")


def test_only_public_numbers_are_known():
    """Police, fire, ambulance, the city, immigration, and the line against fraud."""
    assert {"110", "119", "120", "12345", "12367", "96110"} == PUBLIC_NUMBERS


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("今天优惠，快来买。", "adverts"),
        ("扫一扫，加微信。", "adverts"),
        ("请上网址看一看。", "adverts"),
        ("请打13800138000。", "number"),
        ("请到人民路12号来。", "address"),
        ("请看 www。", "characters"),
        ("Call us。", "characters"),
        ("看这里█▀▄。", "characters"),
        ("翻过来\u202e念。", "characters"),
        ("中间有\u200b空。", "characters"),
        ("这一句话实在是太长了长到谁也记不住它到底说了些什么。", "sentence of more than 20"),
        ("一。二。三。四。五。", "more than 4 sentences"),
        ("。", "none or more"),
    ],
    ids=["advert", "scan", "web", "phone", "street", "latin", "english", "blocks", "turned",
         "invisible", "long", "many", "empty"],
)  # fmt: skip
def test_chinese_words_that_must_not_be_on_a_screen(office, words, why):
    """No advert, no address, no number, no foreign letter, no long sentence."""
    refused(office, office.signed(zh={"card.ask.text": words}), why)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("Special offer for you.", "adverts"),
        ("Click the link below.", "adverts"),
        ("Scan this.", "adverts"),
        ("See example.com now.", "address"),
        ("Go to https of ours.", "address"),
        ("Call 555123.", "number"),
        ("请问一问。", "characters"),
        ("<b>Ask</b>", "characters"),
        (f"{'very ' * 17}long.", "more than 16"),
    ],
    ids=["offer", "click", "scan", "domain", "link", "number", "hanzi", "markup", "long"],
)
def test_english_words_that_must_not_be_on_a_screen(office, words, why):
    """As in Chinese."""
    refused(office, office.signed(en={"card.ask.text": words}), why)


def test_a_title_is_short(office):
    """It stands in letters of twelve millimetres."""
    too_long = "这个标题写得实在太长了老人看不完"
    refused(office, office.signed(zh={"card.ask.title": too_long}), "more than 14")
    long = {"card.ask.title": "These are many more words than any title can have"}
    refused(office, office.signed(en=long), "more than 9")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ({"zh": {"card.other.title": "别的"}}, "card.other.title, which nothing uses"),
        ({"en": {"card.ask.number": "one"}}, "card.ask.number, which nothing uses"),
    ],
    ids=["other-card", "other-part"],
)
def test_lines_that_nothing_uses_are_refused(office, lines, words):
    """A typo would else leave a card without its words."""
    refused(office, office.signed(**lines), words)


BAD_DRAWINGS = {
    "script": "<script>alert(1)</script>",
    "handler": '<rect width="1" height="1" onload="x()"/>',
    "image": '<image href="cards/other.png"/>',
    "remote": '<use href="https://evil.example/x.svg#a"/>',
    "foreign": "<foreignObject/>",
    "style": "<style>svg{background:url(x)}</style>",
    "style-attribute": '<rect style="fill:url(x)"/>',
    "paint-server": '<rect fill="url(#a)"/>',
    "link": "<a><rect/></a>",
    "text": "<text>加微信</text>",
    "loose-words": "call me",
    "animation": '<animate attributeName="x"/>',
    "gradient": "<linearGradient/>",
    "dashes": '<line stroke-dasharray="1 2"/>',
    "id": '<rect id="x"/>',
    "other-namespace": '<x:rect xmlns:x="urn:x"/>',
    "comment": "<!-- hidden -->",
    "entity": "&lt;",
    "data": "<![CDATA[x]]>",
    "processing": "<?php x ?>",
    "unclosed": "<g>",
}


@pytest.mark.parametrize("name", list(BAD_DRAWINGS))
def test_a_drawing_is_plain_shapes_and_nothing_else(name):
    """What can run, load, link, move or speak is refused, not cut out."""
    with pytest.raises(PackUnfit, match=re.escape("ask.svg")):
        remade("ask.svg", SVG.format(BAD_DRAWINGS[name]).encode())


def test_a_doctype_and_a_foreign_root_are_refused():
    """Entities that grow, and pages that say that they are drawings."""
    for text in (
        f'<!DOCTYPE svg [<!ENTITY a "aaaa">]>{DRAWING}',
        '<html xmlns="http://www.w3.org/1999/xhtml"><body/></html>',
        "<svg/>",
        "",
        "\0",
    ):
        with pytest.raises(PackUnfit):
            remade("ask.svg", text.encode())


def code_like(kind: str) -> str:
    """The 21 rows of the smallest code that telephones read, drawn in some way."""
    code = cv2.QRCodeEncoder.create().encode("1")
    dark = [(x, y) for y, row in enumerate(code) for x, level in enumerate(row) if not level]
    if kind == "squares":
        return "".join(f'<rect x="{x}" y="{y}" width="1" height="1"/>' for x, y in dark)
    if kind == "dots":
        return "".join(f'<circle cx="{x}" cy="{y}" r="0.5"/>' for x, y in dark)
    if kind == "subpaths":
        return '<path d="' + "".join(f"M{x} {y}h1v1h-1z" for x, y in dark) + '"/>'
    if kind == "steps":
        return '<path d="M0 0' + "".join(f"L{x} {y}H{x + 1}V{y + 1}" for x, y in dark) + '"/>'
    if kind == "relative":
        return '<path d="m0 0l' + " ".join("1 0 0 1" for _ in dark) + '"/>'
    return '<polygon points="' + " ".join(f"{x},{y} {x + 1},{y}" for x, y in dark) + '"/>'


@pytest.mark.parametrize("kind", ["squares", "dots", "subpaths", "steps", "relative", "polygon"])
def test_a_drawing_of_so_many_pieces_that_it_could_be_a_code_is_refused(kind):
    """However it is drawn."""
    with pytest.raises(PackUnfit, match=r"could be a code|elements"):
        remade("ask.svg", SVG.format(code_like(kind)).encode())


def test_a_deep_or_large_drawing_is_refused():
    """Neither takes the station's stack or its memory."""
    for inside in ("<g>" * 5000 + "</g>" * 5000, " " * (49 << 10)):
        with pytest.raises(PackUnfit):
            remade("ask.svg", SVG.format(inside).encode())


def test_a_drawing_is_written_anew():
    """It fills the place that the page gives it, and keeps its shapes."""
    told = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" viewBox="0 0 4 4"><g/></svg>'
    )
    anew = remade("ask.svg", told.encode()).content

    assert anew == b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 4"><g /></svg>'
    assert remade("ask.svg", anew).content == anew


@pytest.mark.parametrize(("name", "kind"), [("a.png", "image/png"), ("a.jpg", "image/jpeg")])
def test_a_picture_is_made_anew_from_its_pixels(name, kind):
    """What was hidden behind or beside the pixels stays behind."""
    content = raster(name[1:])
    hidden = content[:-12] + png_chunk(b"tEXt", b"Author\0Chen") + content[-12:]
    picture = remade(name, hidden if kind.endswith("png") else content)
    seen = cv2.imdecode(np.frombuffer(picture.content, np.uint8), cv2.IMREAD_COLOR)

    assert picture.media_type == kind
    assert b"Chen" not in picture.content
    before = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(seen.astype(int) - before).mean() < 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.png", raster(".jpg")),
        ("a.jpg", raster(".png")),
        ("a.png", raster()[:300]),
        ("a.png", b""),
        ("a.png", raster()[:20]),
        ("a.jpg", b"GIF89a"),
        ("a.png", raster(".png", (8, 2001))),
        ("a.jpg", raster(".jpg")[:-900]),
    ],
    ids=["jpeg-as-png", "png-as-jpeg", "cut", "empty", "cut-in-head", "gif", "wide", "cut-jpeg"],
)
def test_a_picture_that_is_not_what_it_says_is_refused(name, content):
    """By its header, before anything is decoded, where that can be told."""
    with pytest.raises(PackUnfit, match=re.escape(name)):
        remade(name, content)


def test_a_picture_that_says_where_it_was_taken_is_refused():
    """It goes to no screen; whoever signs the pack sees that it is in there."""
    exif = b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"
    plain = raster(".jpg")
    assert remade("a.jpg", plain)
    told = plain[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2) + exif + plain[2:]
    with pytest.raises(PackUnfit, match="EXIF"):
        remade("a.jpg", told)


def test_a_picture_with_a_code_for_telephones_is_refused():
    """A person must not need a telephone, and must not be led anywhere by one."""
    with pytest.raises(PackUnfit, match="code for telephones"):
        remade("a.png", qr_code())


def test_a_pack_may_bring_the_voice_of_its_lines(office):
    """Ogg Opus of a line that there is; nothing else is played."""
    place = office.pack()
    (place / "voice" / "zh-CN").mkdir(parents=True)
    spoken = place / "voice" / "zh-CN" / "card.ask.title.opus"
    spoken.write_bytes(OGG)
    sign_pack(office.centre, place)
    content = office.load(place)

    assert content.voice("card.ask.title", "zh-CN") == OGG
    assert content.voice("card.ask.title", "en") is None
    spoken.write_bytes(b"RIFF" + OGG)
    sign_pack(office.centre, place)
    refused(office, place, "no Ogg Opus")
    spoken.rename(spoken.with_name("card.other.title.opus"))
    sign_pack(office.centre, place)
    refused(office, place, "a line that there is not")


def test_a_pack_is_not_larger_than_a_station_needs(office):
    """A stick's slip must not fill a disk or the memory."""
    place = office.pack()
    (place / "cards" / "more.png").write_bytes(bytes((1 << 20) + 1))
    sign_pack(office.centre, place)

    refused(office, place, "larger than 1024 KiB")


def test_a_file_that_nothing_uses_is_refused(office):
    """It would lie on every station for nothing."""
    place = office.pack()
    (place / "cards" / "more.svg").write_text(DRAWING)
    sign_pack(office.centre, place)

    refused(office, place, "nothing uses it")


def test_every_pack_of_ours_has_a_head_that_can_be_read():
    """Also before anybody signed it."""
    heads = [parsed_pack((one / "pack.toml").read_bytes()) for one in sorted(OURS.iterdir())]

    assert [head.pack for head in heads] == ["anti_fraud", "materials"]


def seal(office, place, said):
    (place / "content.jws").write_text(signed(said, TYP, content_key(office.centre)))


def digests(place):
    import hashlib  # noqa: PLC0415 - one place needs it

    return {
        file.relative_to(place).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in place.rglob("*")
        if file.is_file() and file.name != "content.jws"
    }


def png_chunk(kind: bytes, payload: bytes) -> bytes:
    import struct  # noqa: PLC0415 - one place needs it
    import zlib  # noqa: PLC0415

    check = zlib.crc32(kind + payload)
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", check)


def _leaves(table):
    for value in table.values():
        if isinstance(value, dict):
            yield from _leaves(value)
        else:
            yield value
