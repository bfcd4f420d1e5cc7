"""Voice packs and letters: files that are whole, byte for byte or form for form."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from edge.settings import CONFIGS
from edge.upkeep.self_test.row import NO_FAULTS, Limit, Row
from edge.upkeep.self_test.scene import Scene

RELEASE: Final = CONFIGS.parent
LETTERS: Final = Limit("files", least=1, source="design: the pages bring their own letters")
_WOFF2: Final = b"wOF2"


def check_voice(scene: Scene) -> Iterator[Row]:
    """Hold every spoken line's file against the digest in its pack's manifest."""
    more = scene.settings.voice.packs
    folders = [RELEASE / "voice", *([more] if more else [])]
    manifests = sorted(path for folder in folders for path in folder.glob("*/manifest.json"))
    if not manifests:
        yield NO_FAULTS.failed("voice", "no_pack")
    for manifest in manifests:
        try:
            rows = json.loads(manifest.read_bytes())["lines"].values()
            wrong = sum(not _whole(manifest.parent / row["file"], row["sha256"]) for row in rows)
        except (OSError, ValueError, KeyError, TypeError) as error:
            said = f"{type(error).__name__}: {error}"
            yield NO_FAULTS.failed("voice", "unreadable", subject=manifest.parent.name, said=said)
            continue
        yield NO_FAULTS.held("voice", float(wrong), subject=manifest.parent.name)


def check_fonts(scene: Scene) -> Iterator[Row]:
    """Count the letters' files that are there and of their form."""
    files = sorted((RELEASE / "api" / "kiosk" / "static" / "fonts").glob("*.woff2"))
    yield LETTERS.held("fonts", float(sum(_begins(path) for path in files)))


def _whole(path: Path, sha256: str) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    except OSError:
        return False


def _begins(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_WOFF2)) == _WOFF2
