"""The demo's cards and lists: signed by the demo's centre, and installed as at any station."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from centre.content import sign_pack
from edge.service.pack import PACK_FILE, parsed_pack
from edge.service.shelf import FOLDER, ContentShelf
from edge.trust.centre import read_key_list

PACKS: Final = Path(__file__).resolve().parent.parent / "firmware_configs" / "content"


def install_content(centre: Path, store: Path) -> None:
    """Let the centre sign each pack that the station does not have yet, and take it over.

    Args:
        centre: its folder; its list names a content key from here on.
        store: the station's folder.

    Raises:
        PackUnfit, OSError: a pack of ours cannot be used.
    """
    shelf = ContentShelf(store / FOLDER, lambda: read_key_list(centre).content())
    here = {(head.pack, head.number) for head in shelf.content.heads}
    for source in sorted(one for one in PACKS.iterdir() if one.is_dir()):
        head = parsed_pack((source / PACK_FILE).read_bytes())
        if (head.pack, head.number) in here:
            continue
        signed = centre / FOLDER / source.name
        if signed.exists():
            shutil.rmtree(signed)
        shutil.copytree(source, signed)
        sign_pack(centre, signed)
        shelf.install(signed)
