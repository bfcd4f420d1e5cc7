"""The certificate of a calibration as a PDF, in Chinese or English: one page, and its evidence."""

from __future__ import annotations

from edge.calibration.certificate_evidence import draw_evidence
from edge.calibration.certificate_front import LEFT, WIDE, draw_front
from edge.calibration.certificate_sheet import SOFT, Sheet
from edge.calibration.certificate_words import Words, words_of
from edge.calibration.record import Evidence, Recorded

NUMBER_MM = 291.0


def draw_certificate(recorded: Recorded, evidence: Evidence, language: str) -> bytes:
    """Return the certificate: a page of figures, and a page of evidence where there is any.

    The same record, evidence and language give the same bytes.

    Args:
        recorded: the calibration as it was kept.
        evidence: what of its pictures and curves is as it was.
        language: "zh-CN" or "en".

    Raises:
        ValueError: there is no such language.
    """
    words = words_of(language)
    sheet = Sheet(
        f"{words.line('head.title')} {recorded.calibration.device_id}",
        f"{words.line('head.subtitle')} {recorded.id}",
    )
    pages = 2 if recorded.calibration.evidence else 1
    draw_front(sheet, recorded, words)
    _number(sheet, 1, pages, words)
    sheet.end_page()
    if pages == 2:
        draw_evidence(sheet, recorded, evidence, words)
        _number(sheet, 2, pages, words)
        sheet.end_page()
    return sheet.content()


def _number(sheet: Sheet, page: int, pages: int, words: Words) -> None:
    told = words.line("head.page", page=page, pages=pages)
    sheet.text(LEFT + WIDE, NUMBER_MM, told, 7.0, SOFT, "right")
