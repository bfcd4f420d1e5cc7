"""`python -m setup.release_file`: a release as one signed file, which a station installs.

    key FOLDER                  make a key pair: release-key.pem stays with who releases,
                                release-keys.json is pinned at each station
    pack FOLDER --key KEY.pem   sign what setup.release wrote, and pack it into one .anxin

Runs in the station's own environment, wherever the key is: the folder is all that it needs.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import sys
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from joserfc.jwk import OKPKey

from edge.durable import write_secret
from edge.trust.keys import KeyUnusable, StationKey
from edge.upkeep.release_file import SEAL, TYP, numbered

PUBLIC: Final = "release-keys.json"
PRIVATE: Final = "release-key.pem"
_SCHEMA: Final = "schema.json"


def make_key(folder: Path) -> Path:
    """Make a key pair, the private half with mode 0600; return where the public half lies.

    Raises:
        FileExistsError: there is a key already.
    """
    private = folder / PRIVATE
    if private.exists():
        raise FileExistsError(17, "a key is there already", str(private))
    key = OKPKey.generate_key("Ed25519")
    write_secret(private, key.as_pem(private=True))
    public = {"keys": [key.as_dict(private=False)]}
    write_secret(folder / PUBLIC, json.dumps(public, indent=1).encode(), 0o644)
    return folder / PUBLIC


def pack(folder: Path, key_file: Path, made_at: str | None = None) -> Path:
    """Sign a release's folder and pack it; return the one file, which lies beside the folder.

    Args:
        folder: as `setup.release` wrote it: `<name>.tar.gz`, `schema.json` and what else came.
        key_file: the private key.
        made_at: RFC 3339; None: now.

    Raises:
        KeyUnusable: no such key.
        ValueError: the folder is no release.
    """
    version = folder.name.removeprefix("anxin-station-")
    numbered(version)
    schema = int(json.loads((folder / _SCHEMA).read_bytes())["schema"])
    left_out = {_SCHEMA, "SHA256SUMS"}
    files = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in left_out
    }
    said = {
        "v": 1,
        "version": version,
        "schema": schema,
        "made_at": made_at or datetime.now(UTC).isoformat(timespec="seconds"),
        "files": {name: _listed(path) for name, path in files.items()},
    }
    seal = StationKey.open(key_file).sign_jws(json.dumps(said).encode(), TYP)
    packed = folder.parent / f"{folder.name}.anxin"
    with tarfile.open(packed, "w:", format=tarfile.PAX_FORMAT) as release:
        _add(release, SEAL, seal.encode())
        for name, path in files.items():
            member = _member(name, path.stat().st_size)
            with path.open("rb") as content:
                release.addfile(member, content)
    return packed


def _listed(path: Path) -> dict[str, str | int]:
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return {"sha256": digest, "bytes": path.stat().st_size}


def _add(release: tarfile.TarFile, name: str, content: bytes) -> None:
    release.addfile(_member(name, len(content)), io.BytesIO(content))


def _member(name: str, size: int) -> tarfile.TarInfo:
    # Without hour and owner: the same release is the same bytes.
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    return member


def main(words: list[str]) -> int:
    """Do what the command line says; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m setup.release_file")
    acts = parser.add_subparsers(dest="act", required=True)
    acts.add_parser("key").add_argument("folder", type=Path)
    packing = acts.add_parser("pack")
    packing.add_argument("folder", type=Path)
    packing.add_argument("--key", type=Path, required=True)
    told = parser.parse_args(words)
    try:
        made = make_key(told.folder) if told.act == "key" else pack(told.folder, told.key)
    except (KeyUnusable, ValueError, KeyError, OSError) as error:
        print(f"release: {error}", file=sys.stderr)  # noqa: T201 - this is its only voice
        return 1
    print(made)  # noqa: T201 - the same
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
