"""What the pages hear: the packs' lines, and what is spoken of the present screen.

A request names which line, never what is said: texts come from the packs, from the snapshot or from
the signed content, and what is spoken of a person is made in memory and kept nowhere.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Final

from flask import Blueprint, Response, jsonify, request

from api.kiosk import speech
from api.kiosk.catalogue import SECOND, Catalogue
from api.kiosk.kiosk import Kiosk
from api.kiosk.listing import listing
from api.kiosk.missing import MissingRow
from api.kiosk.packs import VoicePacks
from api.kiosk.pad import DIGITS
from api.kiosk.view import View
from api.problems import Refused
from edge.speech.espeak import ENGLISH, MANDARIN, Espeak
from edge.speech.mandarin import day_words, digit_words, minutes_words, pinyin

MEDIA_TYPE: Final = "audio/ogg"
_HANZI: Final = ("\u3400", "\u9fff")


def voice_routes(kiosk: Kiosk, packs: VoicePacks, espeak: Espeak) -> Blueprint:
    """Return the routes of everything that is heard.

    Args:
        kiosk: whose screen is spoken of.
        packs: the rendered lines.
        espeak: speaks what no pack can hold; where it is not installed, that part is left out.
    """
    routes = Blueprint("voice", __name__)

    def line(locale: str, line_id: str) -> Response:
        wished = kiosk.station.desk.snapshot.preferences.language
        opus = packs.sound(packs.locale_of(locale, wished, kiosk.station.voice.dialect), line_id)
        if opus is None and not kiosk.catalogue.has(line_id):
            raise Refused("not-found")
        return _heard(opus)

    def captions(locale: str) -> Response:
        if locale not in kiosk.catalogue.names:
            raise Refused("not-found")
        return jsonify(_captions(kiosk.catalogue, locale))

    def now(what: str) -> Response:
        drawn = kiosk.view()
        if request.args.get("token", "") != drawn.shown.token or f"now.{what}" not in _TEXTS:
            raise Refused("not-found")
        brought = _brought(kiosk, drawn) if f"now.{what}" == speech.MATERIAL else None
        voice, text = _TEXTS[f"now.{what}"](kiosk, drawn)
        return _heard(brought or (espeak.speak(voice, text) if text else None))

    routes.add_url_rule("/voice/now/<what>.opus", view_func=now)
    routes.add_url_rule("/voice/<locale>/captions.json", view_func=captions)
    routes.add_url_rule("/voice/<locale>/<line_id>.opus", view_func=line)
    return routes


def _heard(opus: bytes | None) -> Response:
    # Silence is no fault of the page: the caption says it, and the lines around it are heard.
    return Response(opus, mimetype=MEDIA_TYPE) if opus else Response(status=204)


def _captions(catalogue: Catalogue, language: str) -> dict[str, str]:
    """Return which line says what stands on a button, so that a page need not name it there."""
    lines = {text: line_id for line_id, text in reversed([*catalogue.lines[language].items()])}
    keys = {key: f"key.{key}" for key in DIGITS}
    tongues = {name: f"tongue.{tongue}" for tongue, name in catalogue.names.items()}
    return lines | keys | tongues


Spoken = tuple[str, str]
"""A voice of espeak-ng and what it reads; "" where there is nothing to say."""


def _name(_: Kiosk, drawn: View) -> Spoken:
    name = drawn.shown.name
    if name is None or not name.surname:
        return MANDARIN, ""
    # A Chinese name is said as it is read, whatever the language of the page.
    if _is_hanzi(name.surname):
        return MANDARIN, pinyin(f"{name.surname}{name.honorific}", name.surname)
    return ENGLISH, name.surname


def _minutes(_: Kiosk, drawn: View) -> Spoken:
    call = drawn.shown.help
    if call is None or not call.minutes:
        return MANDARIN, ""
    if drawn.shown.language == SECOND:
        plural = "" if call.minutes == 1 else "s"
        return ENGLISH, f"You have waited {call.minutes} minute{plural}."
    return MANDARIN, pinyin(f"已经等了{minutes_words(call.minutes)}。")


def _digit(_: Kiosk, drawn: View) -> Spoken:
    return _digits(drawn, drawn.slip[-1:])


def _slip(_: Kiosk, drawn: View) -> Spoken:
    return _digits(drawn, drawn.slip)


def _digits(drawn: View, digits: str) -> Spoken:
    if not digits.isdecimal():
        return MANDARIN, ""
    if drawn.shown.language == SECOND:
        return ENGLISH, " ".join(digits)
    return MANDARIN, pinyin(digit_words(digits))


def _brought(kiosk: Kiosk, drawn: View) -> bytes | None:
    """Return a paper's name as its own pack says it, None if that brought no sound."""
    step = drawn.shown.material
    line_id = f"material.{step.code}.name" if step else ""
    return kiosk.station.content().voice(line_id, drawn.shown.language)


def _material(kiosk: Kiosk, drawn: View) -> Spoken:
    step = drawn.shown.material
    language = drawn.shown.language
    return _read(language, kiosk.station.content().material(step.code, language) if step else "")


def _missing(kiosk: Kiosk, drawn: View) -> Spoken:
    language = drawn.shown.language
    said = [
        f"{_thing(kiosk, language, row)}{_until(kiosk, language, row)}" for row in drawn.missing
    ]
    return _read(language, (". " if language == SECOND else "。").join(said))


def _thing(kiosk: Kiosk, language: str, row: MissingRow) -> str:
    if row.kind == "material":
        return kiosk.station.content().material(row.code, language)
    line_id = f"finger.name.{row.code}" if row.code else "review.portrait"
    return kiosk.catalogue.line(language, line_id)


def _until(kiosk: Kiosk, language: str, row: MissingRow) -> str:
    try:
        due = date.fromisoformat(row.due)
    except ValueError:
        return ""
    if language == SECOND:
        return f", by {kiosk.catalogue.line(language, f'month.{due.month}')} {due.day}"
    return f"，{kiosk.catalogue.line(language, 'result.until')}{day_words(due.month, due.day)}"


def _checklist(kiosk: Kiosk, drawn: View) -> Spoken:
    language = drawn.shown.language
    if not drawn.look.lists:
        return MANDARIN, ""
    page = listing(kiosk.station.content(), drawn.look.lists, language)
    names = [page.checklist.title] if page.checklist else [title for _, title in page.choices]
    names += [paper.name for paper in page.materials]
    if page.more:
        onward = "checklist.more" if page.checklist else "checklist.other"
        names.append(kiosk.catalogue.line(language, onward))
    return _read(language, (". " if language == SECOND else "。").join(names))


def _read(language: str, text: str) -> Spoken:
    return (ENGLISH, text) if language == SECOND else (MANDARIN, pinyin(text) if text else "")


def _is_hanzi(text: str) -> bool:
    return all(_HANZI[0] <= sign <= _HANZI[1] for sign in text)


_TEXTS: Final[dict[str, Callable[[Kiosk, View], Spoken]]] = {
    speech.NAME: _name,
    speech.MINUTES: _minutes,
    speech.MATERIAL: _material,
    speech.MISSING: _missing,
    speech.CHECKLIST: _checklist,
    speech.DIGIT: _digit,
    speech.SLIP: _slip,
}
