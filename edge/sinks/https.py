"""Packages by HTTPS PUT, as `docs/package.md` says: TLS 1.3, a pinned CA, one live connection.

The table of answers is the contract: what an answer means is decided here, what is done about it
in `edge/delivery/outbox.py`. An upload that broke is gone on with where it broke, if the centre
kept what had arrived and says so (`docs/delivery.md`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from edge.delivery.https_line import Answer, HttpsLine
from edge.delivery.pinned_tls import pinned
from edge.seal import MEDIA_TYPE
from edge.sinks.sink import (
    AlreadyThere,
    Home,
    Outgoing,
    PackageConflict,
    PackageRefused,
    ReceiptPending,
    SinkAway,
    SinkClosed,
)

RETRY_AFTER_MAX_S: Final = 3600.0
REFUSING: Final = frozenset({400, 411, 413, 415, 422})
NO_GOING_ON: Final = frozenset({404, 405, 412, 416, 501})
"""To a PATCH: what had arrived is gone, or was never kept. The whole is sent again."""

GONE_ON_MAX: Final = 64
FURTHER_BYTES: Final = 64 << 10
"""So much more at the centre is a line that is weak, and not one that is down."""
GOING_ON_IN_VAIN_MAX: Final = 3
"""A centre may notice late how far a cut upload came: its first word of it may be an old one."""


class Config(BaseModel):
    """Where the centre listens, whom to trust there, and how much of the link is ours."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, Field(pattern=r"^https://[^/?#\s@]+$")]
    ca_file: Path
    certificate_file: Path | None = None
    key_file: Path | None = None
    connect_timeout_s: Annotated[float, Field(gt=0, le=60)] = 5.0
    stall_timeout_s: Annotated[float, Field(gt=0, le=600)] = 30.0
    rate_kbit_s: Annotated[float, Field(ge=8, le=10_000_000)] | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> Config:
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file belong together: set both, or none")
        return self


def open_sink(config: Config, _home: Home | None = None) -> HttpsSink:
    """Return the sink; nothing is connected yet. Raises `OSError` for an unreadable file."""
    return HttpsSink(config)


class HttpsSink:
    """One centre behind HTTPS."""

    gives_receipts: ClassVar[bool] = True

    def __init__(self, config: Config) -> None:
        """Use `open_sink`."""
        tls = pinned(config.ca_file)
        if config.certificate_file is not None:
            tls.load_cert_chain(config.certificate_file, config.key_file)
        rate = config.rate_kbit_s
        self._line = HttpsLine(
            config.url,
            tls,
            connect_timeout_s=config.connect_timeout_s,
            # No total limit: 2 MB at 64 kbit/s take 250 s. Thirty seconds without progress end it.
            stall_timeout_s=config.stall_timeout_s,
            rate_bytes_s=None if rate is None else rate * 125,
        )
        self._arrived: tuple[str, int] | None = None
        self._gone_on: dict[str, tuple[int, int]] = {}
        """From where a package was gone on with at the furthest, and how often in vain."""
        self._further = False

    def send(self, package: Outgoing) -> str:
        """Put the package there; the answer claims to be a receipt. Raises as `Sink.send`."""
        arrived, self._arrived = self._arrived, None
        if arrived is not None and arrived[0] == package.package_id:
            answer = self._go_on(package, arrived[1])
            if answer is not None:
                return _receipt(answer)
        self._gone_on.pop(package.package_id, None)
        headers = {
            **_about(package),
            "Content-Length": str(len(package.content)),
            "Content-Digest": package.digest,
            "If-None-Match": "*",
        }
        answer = self._line.ask(
            "PUT", _path(package.package_id), headers, package.content, package.meanwhile
        )
        if answer.status == 412:
            raise AlreadyThere("http_412")
        return _receipt(answer)

    def receipt(self, package_id: str) -> str | None:
        """Ask for the receipt again: a lost answer costs 1 KB, not the upload."""
        answer = self._line.ask("GET", f"{_path(package_id)}/receipt", {}, b"")
        if answer.status == 404:
            self._arrived = package_id, _offset(answer)
            return None
        return _receipt(answer)

    def receipts_here(self) -> frozenset[str]:
        """None: only asking shows it."""
        return frozenset()

    def cancel(self) -> None:
        """Cut the connection under a running request."""
        self._line.cancel()

    def close(self) -> None:
        """Close the connection."""
        self._line.close()

    def _go_on(self, package: Outgoing, offset: int) -> Answer | None:
        """Send what has not arrived; None if the centre cannot go on."""
        for _ in range(2):
            if not 0 < offset < len(package.content) or self._is_futile(package, offset):
                return None
            rest = package.content[offset:]
            headers = {
                **_about(package),
                "Content-Length": str(len(rest)),
                "Upload-Offset": str(offset),
                "Repr-Digest": package.digest,
            }
            try:
                answer = self._line.ask("PATCH", _path(package.package_id), headers, rest)
            except SinkAway as away:
                away.further = self._further
                raise
            if answer.status not in NO_GOING_ON:
                return answer
            # The centre may have noticed only now how far the last try came.
            offset = _offset(answer)
        return None

    def _is_futile(self, package: Outgoing, offset: int) -> bool:
        """Tell whether going on led no further so often that the whole is to be sent.

        A proxy that lets no PATCH through would else be asked for ever, where a PUT passes.
        """
        furthest, times = self._gone_on.pop(package.package_id, (0, 0))
        further = offset > furthest
        self._further = offset - furthest >= FURTHER_BYTES
        times = 1 if further else times + 1
        # The last one noted comes last; of those that were given up, no more than some are kept.
        self._gone_on[package.package_id] = max(offset, furthest), times
        if len(self._gone_on) > GONE_ON_MAX:
            del self._gone_on[next(iter(self._gone_on))]
        return times > GOING_ON_IN_VAIN_MAX


def _offset(answer: Answer) -> int:
    said = answer.headers.get("Upload-Offset", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 10 else 0


def _path(package_id: str) -> str:
    return f"/ingest/v1/packages/{package_id}"


def _about(package: Outgoing) -> dict[str, str]:
    head = {"Anxin-Audit-Head": package.audit_head} if package.audit_head else {}
    return {"Content-Type": MEDIA_TYPE, "Anxin-Seal": package.statement, **head}


def _receipt(answer: Answer) -> str:
    code, retry_after_s = f"http_{answer.status}", _retry_after_s(answer)
    if answer.status == 202:
        raise ReceiptPending(code, retry_after_s=retry_after_s)
    if 200 <= answer.status < 300:
        return answer.text
    if answer.status in REFUSING:
        raise PackageRefused(code)
    if answer.status == 409:
        raise PackageConflict(code)
    if answer.status in {408, 429} or (answer.status >= 500 and answer.status != 501):
        # 5xx may come from a proxy that lost an answer of the centre.
        raise SinkAway(code, unclear=answer.status >= 500, retry_after_s=retry_after_s)
    raise SinkClosed(code)


def _retry_after_s(answer: Answer) -> float:
    try:
        asked_s = float(answer.headers.get("Retry-After", "0"))
    except ValueError:
        return 0.0
    # Not `min` first: a NaN would pass it.
    return min(asked_s, RETRY_AFTER_MAX_S) if asked_s > 0 else 0.0
