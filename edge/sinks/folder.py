"""Packages into a folder, for hand-over by stick or share; receipts come back the same way.

    <folder>/anxin/<station_id>/outbox/<package_id>.sealed, .seal     written by the station
    <folder>/anxin/<station_id>/outbox/index-<utc>.jws                what lies here, signed
    <folder>/anxin/<station_id>/outbox/audit-head.jws                 the end of the audit chain
    <folder>/anxin/<station_id>/receipts/<package_id>.jws             written by the centre
    <folder>/anxin/<station_id>/inbox/keys.jws                        the centre's newest key list

Names are ASCII and FAT-safe. What lies on a lost stick is ciphertext. `docs/delivery.md` is the
page for whoever carries one.
"""

from __future__ import annotations

import base64
import errno
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final

import structlog
from pydantic import BaseModel, ConfigDict, Field

from edge.durable import sync_folder
from edge.seal import digest_of
from edge.sinks.sink import Home, Outgoing, ReceiptPending, SinkAway

TOKEN_BYTES_MAX: Final = 64 << 10
KEYS_BYTES_MAX: Final = 1 << 20
INDEX_TYP: Final = "anxin-index+jws"
SEALED: Final = ".sealed"

log = structlog.get_logger("sink")


class Config(BaseModel):
    """Where the medium is mounted and whose folder on it is ours."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path
    station_id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


def open_sink(config: Config, home: Home | None = None) -> FolderSink:
    """Return the sink; the medium may be absent now and come later. No index without a home."""
    return FolderSink(config, home)


class FolderSink:
    """A folder that another hand empties."""

    gives_receipts: ClassVar[bool] = True

    def __init__(self, config: Config, home: Home | None = None) -> None:
        """Use `open_sink`."""
        self._medium = config.folder
        self._station_id = config.station_id
        self._ours = config.folder / "anxin" / config.station_id
        self._outbox = self._ours / "outbox"
        self._home = home
        self._audit_head = ""
        self._seals: dict[str, dict[str, Any]] = {}
        self._indexed: frozenset[str] | None = None
        self._keys_seen = ""

    def send(self, package: Outgoing) -> str:
        """Write it, read it back, and return its receipt if that lies there already.

        Raises:
            SinkAway: the medium is absent, full or fails.
            ReceiptPending: it is safe on the medium; the centre has not answered yet.
        """
        with self._medium_errors():
            self._outbox.mkdir(parents=True, exist_ok=True)
            sealed = self._outbox / f"{package.package_id}{SEALED}"
            if sealed.exists() and _read_back(sealed) != package.digest:
                # A medium that forgets is set aside file by file, never written over.
                sealed.replace(sealed.with_suffix(".bad"))
            if not sealed.exists():
                _write(self._outbox / f"{package.package_id}.seal", package.statement.encode())
                _write(sealed, package.content)
                if _read_back(sealed) != package.digest:
                    sealed.unlink()
                    raise SinkAway("medium_unreadable")
        self._audit_head = package.audit_head or self._audit_head
        receipt = self.receipt(package.package_id)
        if receipt is None:
            raise SinkAway("medium_failed")
        return receipt

    def receipt(self, package_id: str) -> str | None:
        """Return what the centre left for this package; None if this medium never had it.

        Raises:
            SinkAway: the medium is absent or fails.
            ReceiptPending: it lies on the medium; the centre has not answered yet.
        """
        with self._medium_errors():
            token = _token(self._ours / "receipts" / f"{package_id}.jws", TOKEN_BYTES_MAX)
            if token is not None:
                return token
            if (self._outbox / f"{package_id}{SEALED}").exists():
                raise ReceiptPending("written")
            return None

    def receipts_here(self) -> frozenset[str]:
        """Return for which packages the centre's word lies on the medium that is here now.

        What nothing else waits for is done first: the index is brought up to date, and a newer key
        list is taken from the inbox.
        """
        try:
            with self._medium_errors():
                self._write_index()
                self._take_keys()
            names = os.listdir(self._ours / "receipts")
        except (SinkAway, OSError):
            return frozenset()
        return frozenset(name.removesuffix(".jws") for name in names if name.endswith(".jws"))

    def cancel(self) -> None:
        """Do nothing: a write to a medium cannot be called off half-way."""

    def close(self) -> None:
        """Do nothing: no file stays open."""

    def _write_index(self) -> None:
        if self._home is None or not self._outbox.is_dir():
            return
        names = os.listdir(self._outbox)
        here = frozenset(name.removesuffix(SEALED) for name in names if name.endswith(SEALED))
        earlier = [name for name in names if name.startswith("index-")]
        if here == self._indexed and (earlier or not here):
            return
        self._sweep(names)
        rows = [self._seal_of(package_id) for package_id in sorted(here)]
        at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        said = {"v": 1, "station_id": self._station_id, "at": at, "packages": rows}
        token = self._home.sign(json.dumps(said, separators=(",", ":")).encode(), INDEX_TYP)
        if self._audit_head:
            _write(self._outbox / "audit-head.jws", self._audit_head.encode())
        _write(self._outbox / f"index-{at}.jws", token.encode())
        for name in earlier:
            if name != f"index-{at}.jws":
                (self._outbox / name).unlink(missing_ok=True)
        self._indexed = here

    def _seal_of(self, package_id: str) -> dict[str, Any]:
        """Return the index's row of a package, from the statement that lies beside it."""
        if package_id not in self._seals:
            row: dict[str, Any] = {"package_id": package_id, "digest": None, "size": None}
            token = _token(self._outbox / f"{package_id}.seal", TOKEN_BYTES_MAX) or ""
            # A statement that the medium damaged: the package is listed all the same.
            with suppress(ValueError, IndexError, TypeError):
                said = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
                row |= {name: said[name] for name in ("digest", "size") if name in said}
            self._seals[package_id] = row
        return self._seals[package_id]

    def _sweep(self, names: list[str]) -> None:
        """Remove halves that a pulled stick left; their packages are written again."""
        for name in names:
            if name.startswith(".") and name.endswith(".part"):
                (self._outbox / name).unlink(missing_ok=True)

    def _take_keys(self) -> None:
        token = _token(self._ours / "inbox" / "keys.jws", KEYS_BYTES_MAX)
        if self._home is None or token is None or token == self._keys_seen:
            return
        self._keys_seen = token
        try:
            self._home.take_keys(token)
        except Exception as error:
            # Whatever lies on a stick must not stop delivery.
            log.warning("keys_refused", code=type(error).__name__)

    @contextmanager
    def _medium_errors(self) -> Iterator[None]:
        if not self._medium.is_dir():
            raise SinkAway("medium_absent")
        try:
            yield
        except OSError as error:
            full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
            raise SinkAway("medium_full" if full else "medium_failed") from error


def _token(path: Path, bytes_max: int) -> str | None:
    try:
        with path.open("rb") as opened:
            return opened.read(bytes_max).decode("ascii", "replace").strip()
    except FileNotFoundError:
        return None


def _read_back(path: Path) -> str:
    """Return the digest of what lies on the medium, not of what memory still holds of it."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return digest_of(file.read())


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)
