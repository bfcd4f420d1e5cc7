"""The examiner's process: the only module that imports nbis-py. Prints in; score, minutiae, match.

It runs in the cell of `edge.vision.cell` and opens nothing. What it keeps of a print, the minutiae
as the extractor's own object, by the picture's digest, ends with the process: that is how the
station forgets. Everything nbis-py is told is 500 ppi: it ignores a PNG's own resolution and its
own setting alike [measured: the same score from 450 to 1000 ppi], so a picture of another
resolution is resampled first, and its minutiae are given back in the picture's own pixels.
"""

from __future__ import annotations

import ctypes
import hashlib
import mmap
import socket
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

import cv2
import nbis  # type: ignore[import-untyped]
import numpy as np
import numpy.typing as npt

from edge.vision.wire import Message, WireBroken, receive, send
from formats.finger.minutia import MinutiaKind

SCORED_PPI: Final = 500
KNOWN_MAX: Final = 32
"""Presses whose minutiae are kept; a visit has ten or so, and one that is gone is found anew."""
_KINDS: Final = {
    nbis.MinutiaKind.RIDGE_ENDING: MinutiaKind.ENDING,
    nbis.MinutiaKind.BIFURCATION: MinutiaKind.BIFURCATION,
}


@dataclass(frozen=True, slots=True)
class _Picture:
    pixels: npt.NDArray[np.uint8]
    """(height, width), as captured."""
    ppi: int

    @property
    def digest(self) -> bytes:
        """Of pixels, size and resolution."""
        height_px, width_px = self.pixels.shape
        head = f"{width_px}x{height_px}@{self.ppi}:".encode()
        return hashlib.sha256(head + self.pixels.tobytes()).digest()

    def png(self) -> tuple[bytes, float, float]:
        """Return it at 500 ppi as a file, and how many of its columns and rows one became."""
        pixels = self.pixels
        if self.ppi != SCORED_PPI:
            size = [max(1, round(side * SCORED_PPI / self.ppi)) for side in pixels.shape[::-1]]
            # Near 500 ppi averaging blurs: at 508 it moves the score by 4 points, cubic by 2.
            how = cv2.INTER_AREA if self.ppi >= 2 * SCORED_PPI else cv2.INTER_CUBIC
            pixels = np.asarray(cv2.resize(pixels, size, interpolation=how), np.uint8)
        # Fast, not small: it lives for some milliseconds.
        _, file = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])
        grown = (np.array(pixels.shape) / self.pixels.shape).tolist()
        return file.tobytes(), grown[1], grown[0]


class Examiner:
    """nbis-py with what it knows of this visit's presses."""

    def __init__(self) -> None:
        # Every extractor loads the forest anew, which takes a third of a second, wanted or not.
        self._extractor = nbis.new_nbis_extractor(
            nbis.NbisExtractorSettings(
                min_quality=0.0,
                get_center=False,
                # It passes noise too; the gates are ours.
                check_fingerprint=False,
                compute_nfiq2=True,
                ppi=float(SCORED_PPI),
            )
        )
        self._known: OrderedDict[bytes, Any] = OrderedDict()

    def examine(self, picture: _Picture) -> Message:
        """Return score and minutiae."""
        png, columns, rows = picture.png()
        found = self._extractor.extract_minutiae(png)
        self._keep(picture.digest, found)
        height_px, width_px = picture.pixels.shape
        return {
            "score": found.quality().score,
            "minutiae": [
                [
                    _own(one.x(), columns, width_px),
                    _own(one.y(), rows, height_px),
                    one.angle(),
                    _KINDS.get(one.kind(), MinutiaKind.OTHER).value,
                    min(max(round(100 * one.reliability()), 1), 100),
                ]
                for one in found.get()
            ],
        }

    def match(self, first: _Picture, second: _Picture) -> Message:
        """Return bozorth3 of two presses."""
        return {"match": self._minutiae(first).compare(self._minutiae(second))}

    def _minutiae(self, picture: _Picture) -> Any:
        digest = picture.digest
        found = self._known.get(digest)
        if found is None:
            found = self._extractor.extract_minutiae(picture.png()[0])
        self._keep(digest, found)
        return found

    def _keep(self, digest: bytes, found: Any) -> None:
        self._known[digest] = found
        self._known.move_to_end(digest)
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)


def _own(scored_px: int, grown: float, side_px: int) -> int:
    """Return a scored picture's column or row in the picture's own, centre for centre."""
    return min(max(round((scored_px + 0.5) / grown - 0.5), 0), side_px - 1)


def serve(wire_fd: int, memory_fd: int, walls: str) -> None:
    """Answer requests until the station closes its end; the first message gives the room."""
    cv2.setNumThreads(1)
    with socket.socket(fileno=wire_fd) as wire:
        setup = receive(wire)
        room_bytes = int(setup["picture_bytes_max"])
        memory = mmap.mmap(memory_fd, 2 * room_bytes)
        examiner = Examiner()
        # Loading the forest frees some 20 MiB; what is kept later would hide in them.
        ctypes.CDLL(None).malloc_trim(0)
        send(wire, {"id": setup["id"], "walls": walls})
        try:
            while True:
                request = receive(wire)
                send(wire, {"id": request["id"], **_reply(examiner, request, memory, room_bytes)})
        except (WireBroken, OSError):
            return


def _reply(examiner: Examiner, request: Message, memory: mmap.mmap, room_bytes: int) -> Message:
    try:
        pictures = [
            _picture(memory, place * room_bytes, *map(int, shape))
            for place, shape in enumerate(request["pictures"])
        ]
        return examiner.examine(*pictures) if len(pictures) == 1 else examiner.match(*pictures)
    except nbis.NbisError.Nfiq2ComputeFailed:
        return {"not_assessed": "Nfiq2ComputeFailed"}
    # The border to native code: whatever a picture provokes is an answer about that picture.
    except Exception as error:
        return {"refused": type(error).__name__}


def _picture(memory: mmap.mmap, at: int, width_px: int, height_px: int, ppi: int) -> _Picture:
    pixels = np.frombuffer(memory[at : at + width_px * height_px], np.uint8)
    return _Picture(pixels.reshape(height_px, width_px), ppi)
