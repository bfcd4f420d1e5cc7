"""The certificate of a calibration as a PDF, in Chinese or English: one page, and its evidence."""

from __future__ import annotations

from edge.calibration.record import Evidence, Recorded


def draw_certificate(recorded: Recorded, evidence: Evidence, language: str) -> bytes:
    """Return the certificate: a page of figures and a page of evidence.

    Args:
        recorded: the calibration as it was kept.
        evidence: what of its pictures and curves is as it was.
        language: "zh-CN" or "en".
    """
    raise NotImplementedError
