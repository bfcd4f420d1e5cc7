"""An earlier photograph as it came: what the station learns of it from the vision worker.

The bytes are strangers' work. The daemon never decodes them: that happens in the worker's cell
(`edge.photos.decoding`), and what it shows is only the preview which the worker made anew.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge.photos.fault import PREVIEW_SIDE_PX, PhotoFault, PhotoUnreadable
from edge.photos.header import photo_header
from edge.vision.sight import Depth, Nonsense, Sight, sight_of
from edge.vision.wire import Message

__all__ = ["Photo", "PhotoFault", "PhotoUnreadable", "photo_of"]


@dataclass(frozen=True, slots=True)
class Photo:
    """What is seen in an earlier photo, held upright as its EXIF orientation says.

    Attributes:
        width_px: of the upright picture.
        height_px: of the upright picture.
        sight: as of a still; exactly one face.
        preview_jpeg: upright, encoded anew, at most `PREVIEW_SIDE_PX` a side: for staff to see.
    """

    width_px: int
    height_px: int
    sight: Sight
    preview_jpeg: bytes


def photo_of(reply: Message, preview_jpeg: bytes) -> Photo:
    """Return the photo that a worker's reply and the bytes beside it describe.

    Raises:
        PhotoUnreadable: the worker said why, or the photo does not show exactly one face.
        Nonsense: no honest worker answers so.
    """
    if "unreadable" in reply:
        try:
            raise PhotoUnreadable(PhotoFault(reply["unreadable"]))
        except ValueError as error:
            raise Nonsense("an unknown fault") from error
    sight = sight_of(reply, Depth.STILL, 0, 0.0)
    if sight.outline is None:
        raise PhotoUnreadable(PhotoFault.NO_FACE)
    if sight.faces > 1:
        raise PhotoUnreadable(PhotoFault.MANY_FACES)
    try:
        shown = photo_header(preview_jpeg)
    except PhotoUnreadable as error:
        raise Nonsense("a preview that is no plain picture") from error
    if max(shown.width_px, shown.height_px) > PREVIEW_SIDE_PX or shown.exif or shown.icc:
        raise Nonsense("a preview of another kind")
    return Photo(sight.outline.width_px, sight.outline.height_px, sight, preview_jpeg)
