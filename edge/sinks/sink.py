"""What the outbox needs of a way out, and the ways in which one can fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol


class SinkError(Exception):
    """Base of what a sink may raise. `code` is short, for the record; it never holds content."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class SinkAway(SinkError):
    """Nobody answers, or says: later. Back off; the package waits.

    Attributes:
        unclear: it may have arrived all the same: ask for the receipt before sending again.
        retry_after_s: the other side's wish; a lower bound.
        further: the try before this one had brought part of the package across.
    """

    def __init__(
        self,
        code: str,
        *,
        unclear: bool = False,
        retry_after_s: float = 0.0,
        further: bool = False,
    ) -> None:
        super().__init__(code)
        self.unclear = unclear
        self.retry_after_s = retry_after_s
        self.further = further


class SinkClosed(SinkError):
    """It will not talk to this station as it is set up: TLS, rights, address. Stop and alarm."""


class PackageRefused(SinkError):
    """It will never take this package. Quarantine it and go on with the next."""


class PackageConflict(SinkError):
    """It holds another package of this id: an incident. Quarantine, alarm, go on."""


class AlreadyThere(SinkError):
    """It has a package of this id already. Ask for the receipt."""


class ReceiptPending(SinkError):
    """It took the package and has not yet said more. Ask for the receipt later."""

    def __init__(self, code: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(code)
        self.retry_after_s = retry_after_s


def _nothing() -> None:
    """There is nothing to be done meanwhile."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One package on its way.

    Attributes:
        digest: of `content`, RFC 9530.
        statement: the signed seal statement.
        content: the whole file.
        audit_head: the signed end of the audit chain; empty if none is sent along.
        meanwhile: may be called, more than once too, while the other side thinks; raises nothing.
    """

    package_id: str
    station_id: str
    digest: str
    statement: str
    content: bytes
    audit_head: str = ""
    meanwhile: Callable[[], None] = _nothing


@dataclass(frozen=True, slots=True)
class Home:
    """What a sink may ask of the station that it belongs to.

    Attributes:
        sign: returns the compact JWS over a payload, under a `typ`, by the station's key.
        take_keys: keeps a newer key list of the centre; raises what makes it unfit.
    """

    sign: Callable[[bytes, str], str]
    take_keys: Callable[[str], None]


class Sink(Protocol):
    """One way out. One thread uses it; only `cancel` may come from another."""

    gives_receipts: ClassVar[bool]
    """Whether it can be of role "custody"."""

    def send(self, package: Outgoing) -> str:
        """Return what the other side answered, a receipt in its own words; twice is once.

        Raises:
            SinkError: one of its kinds.
        """

    def receipt(self, package_id: str) -> str | None:
        """Return the receipt of a package sent earlier, None if it was never seen there.

        Raises:
            SinkError: one of its kinds, `ReceiptPending` among them.
        """

    def receipts_here(self) -> frozenset[str]:
        """Return for which packages a receipt lies ready; none where only asking shows it.

        Asked when nothing is left to send: what the other side needs to see the whole is left now.
        """

    def cancel(self) -> None:
        """Make a running `send` or `receipt` end soon. Harmless if none runs."""

    def close(self) -> None:
        """Release everything. Closing twice is allowed."""
