"""Packages into a folder, for hand-over by stick or share; receipts come back the same way.

    <folder>/anxin/<station_id>/outbox/<package_id>.sealed, .seal     written by the station
    <folder>/anxin/<station_id>/receipts/<package_id>.jws             written by the centre

Names are ASCII and FAT-safe. What lies on a lost stick is ciphertext.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field

from edge.keys import sync_folder
from edge.seal import digest_of
from edge.sinks.sink import Outgoing, ReceiptPending, SinkAway

RECEIPT_BYTES_MAX: Final = 64 << 10


class Config(BaseModel):
    """Where the medium is mounted and whose folder on it is ours."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path
    station_id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


def open_sink(config: Config) -> FolderSink:
    """Return the sink; the medium may be absent now and come later."""
    return FolderSink(config)


class FolderSink:
    """A folder that another hand empties."""

    gives_receipts: ClassVar[bool] = True

    def __init__(self, config: Config) -> None:
        """Use `open_sink`."""
        self._medium = config.folder
        self._ours = config.folder / "anxin" / config.station_id

    def send(self, package: Outgoing) -> str:
        """Write it, read it back, and return its receipt if that lies there already.

        Raises:
            SinkAway: the medium is absent, full or fails.
            ReceiptPending: it is safe on the medium; the centre has not answered yet.
        """
        outbox = self._ours / "outbox"
        with self._medium_errors():
            if not self._medium.is_dir():
                raise SinkAway("medium_absent")
            outbox.mkdir(parents=True, exist_ok=True)
            sealed = outbox / f"{package.package_id}.sealed"
            if sealed.exists() and digest_of(sealed.read_bytes()) != package.digest:
                # A medium that forgets is set aside file by file, never written over.
                sealed.replace(sealed.with_suffix(".bad"))
            if not sealed.exists():
                _write(outbox / f"{package.package_id}.seal", package.statement.encode())
                _write(sealed, package.content)
                if digest_of(sealed.read_bytes()) != package.digest:
                    sealed.unlink()
                    raise SinkAway("medium_unreadable")
        receipt = self.receipt(package.package_id)
        if receipt is None:
            raise ReceiptPending("written")
        return receipt

    def receipt(self, package_id: str) -> str | None:
        """Return what the centre left for this package. Raises `SinkAway`."""
        file = self._ours / "receipts" / f"{package_id}.jws"
        with self._medium_errors():
            if not file.exists():
                return None
            with file.open("rb") as opened:
                return opened.read(RECEIPT_BYTES_MAX).decode("ascii", "replace").strip()

    def receipts_here(self) -> frozenset[str]:
        """Return for which packages the centre's word lies on the medium that is here now."""
        try:
            names = os.listdir(self._ours / "receipts")
        except OSError:
            return frozenset()
        return frozenset(name[: -len(".jws")] for name in names if name.endswith(".jws"))

    def cancel(self) -> None:
        """Do nothing: a write to a medium cannot be called off half-way."""

    def close(self) -> None:
        """Do nothing: no file stays open."""

    @contextmanager
    def _medium_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
            raise SinkAway("medium_full" if full else "medium_failed") from error


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)
