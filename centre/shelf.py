"""What the centre keeps: one folder for each package, whole or absent; the registered stations."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from joserfc import jws

from centre.keys import keep, station_key, sync
from centre.opening import Opened, StationKeys

KEPT: Final = "packages"
REFUSED: Final = "refused"
STATIONS: Final = "stations"
WORD: Final = "receipt.jws"


@dataclass(frozen=True, slots=True)
class Word:
    """The centre's signed word about one package, and the digest that it was given for."""

    digest: str
    receipt: str


class Shelf:
    """Packages under `packages/<id>/`: manifest.json, statement.jws, receipt.jws, the parts."""

    def __init__(self, folder: Path) -> None:
        """Use the folder; what an earlier, interrupted start left half-written is removed."""
        self._folder = folder
        self._lock = threading.Lock()
        for name in (KEPT, REFUSED, STATIONS):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for half in (folder / KEPT).glob(".*.part"):
            shutil.rmtree(half)

    @property
    def folder(self) -> Path:
        """Where this centre keeps everything."""
        return self._folder

    def stations(self) -> dict[str, StationKeys]:
        """Return the registered stations' public keys under their kids, read afresh."""
        found: dict[str, StationKeys] = {}
        for file in (self._folder / STATIONS).glob("*.json"):
            try:
                card = json.loads(file.read_bytes())
                keys = [station_key(jwk) for jwk in card["keys"]]
                found[str(card["station_id"])] = {key.thumbprint(): key for key in keys}
            except (ValueError, KeyError, TypeError):
                # A half-copied card registers nobody; the next request reads it again.
                continue
        return found

    def word(self, package_id: str) -> Word | None:
        """Return what was said about a package that was stored; None if it was not."""
        return self._word(self._folder / KEPT / package_id)

    def refusal(self, package_id: str) -> Word | None:
        """Return what was said about a package that was refused."""
        return self._word(self._folder / REFUSED / package_id)

    def store(self, package_id: str, opened: Opened, statement: str, receipt: str) -> Word:
        """Keep the package; if another request was faster, return its word: once in effect."""
        with self._lock:
            earlier = self.word(package_id)
            if earlier:
                return earlier
            part = self._folder / KEPT / f".{package_id}.part"
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            for name, content in opened.parts.items():
                keep(part / "parts" / name, content, 0o600)
            manifest = json.dumps(opened.manifest, indent=1, ensure_ascii=False).encode()
            keep(part / "manifest.json", manifest, 0o600)
            keep(part / "statement.jws", statement.encode(), 0o600)
            keep(part / WORD, receipt.encode(), 0o600)
            for folder in part.glob("**/"):
                sync(folder)
            part.rename(self._folder / KEPT / package_id)
            sync(self._folder / KEPT)
            return _word(receipt)

    def refuse(self, package_id: str, receipt: str) -> None:
        """Remember a refusal, so that the station can ask for it."""
        with self._lock:
            keep(self._folder / REFUSED / package_id / WORD, receipt.encode(), 0o600)

    def listing(self) -> Iterator[Mapping[str, Any]]:
        """Return one row for each stored package, newest id first."""
        for folder in sorted((self._folder / KEPT).iterdir(), reverse=True):
            manifest = folder / "manifest.json"
            if not folder.name.startswith(".") and manifest.exists():
                row = json.loads(manifest.read_bytes())
                yield {**row, "bytes": sum(int(part["size"]) for part in row["parts"])}

    def _word(self, folder: Path) -> Word | None:
        try:
            return _word((folder / WORD).read_text())
        except FileNotFoundError:
            return None


def _word(receipt: str) -> Word:
    return Word(json.loads(jws.extract_compact(receipt.encode()).payload)["digest"], receipt)
