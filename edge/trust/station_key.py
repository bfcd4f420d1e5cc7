"""Where the station's own key lies: in the TPM if there is one, else in a file; and its successor.

    station-key.tpm.json    the key lies in a TPM; goes before
    station-key.pem         the key itself, mode 0600
    next-station-key.*      made, signed by the present key, not yet known to the centre
    former-station-keys.json    public halves of those before: what they signed must stay checkable

No key is ever made in the place of one that does not answer: the centre would refuse everything
that it signs, and nobody would know why.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from edge.durable import sync_folder, write_secret
from edge.trust.key_list import ListedKey
from edge.trust.keys import KeyUnusable, StationKey
from edge.trust.signatures import PublicKey, SignatureInvalid, public_key, verified
from edge.trust.tpm import KeptKey, Tpm, TpmAway, TpmSigner, keep_key
from edge.utc import now_ms, rfc3339

Kept = Literal["auto", "tpm", "file"]
IN_TPM: Final = "station-key.tpm.json"
IN_FILE: Final = "station-key.pem"
NEXT: Final = "next-"
FORMER: Final = "former-station-keys.json"
SUCCESSOR_TYP: Final = "anxin-station-key+jws"
KNOWN_TYP: Final = "anxin-station-key-known+jws"


def open_station_key(folder: Path, tcti: str) -> StationKey:
    """Open the station's key; none is made.

    Raises:
        KeyUnusable: there is none yet, it is damaged, or the TPM that holds it does not answer.
    """
    key = _open(folder, "", tcti)
    if key is None:
        raise KeyUnusable("This station has no key yet: run run_edge.py provision --settings FILE.")
    return key


def open_or_make_station_key(folder: Path, kept: Kept, tcti: str) -> StationKey:
    """Open the station's key, or make its first. Raises `KeyUnusable`."""
    return _open(folder, "", tcti) or _make(folder, "", kept, tcti)


def open_next_key(folder: Path, tcti: str) -> StationKey | None:
    """Return the key that shall follow, None if none was made."""
    return _open(folder, NEXT, tcti)


def make_next_key(folder: Path, kept: Kept, tcti: str, station_id: str, present: StationKey) -> str:
    """Make the key that shall follow, and return its card, signed by the present key.

    Doing it again signs the same next key again. The centre checks the card by the key that it
    knows, so it may travel on any way.

    Raises:
        KeyUnusable: either key does not answer.
    """
    if (folder / IN_TPM).exists():
        # Back into a file would be a step down, and could not be made in one move.
        kept = "tpm"
    following = open_next_key(folder, tcti) or _make(folder, NEXT, kept, tcti)
    said = {
        "v": 1,
        "station_id": station_id,
        "jwk": following.public_jwk(),
        "at": rfc3339(now_ms()),
    }
    return present.sign_jws(json.dumps(said, separators=(",", ":")).encode(), SUCCESSOR_TYP)


def use_next_key(
    folder: Path, tcti: str, station_id: str, word: str, keys: dict[str, ListedKey]
) -> StationKey:
    """Let the next key take over, once the centre has said that it knows it. Twice is once.

    Args:
        folder: of the keys.
        tcti: the TPM's address.
        station_id: ours.
        word: the centre's signed word: compact JWS by a receipt key.
        keys: its receipt keys, by kid.

    Raises:
        KeyUnusable: there is no next key, or the word is not about it.
    """
    following = open_next_key(folder, tcti)
    try:
        said, _ = verified(word, KNOWN_TYP, {kid: key.key for kid, key in keys.items()})
    except SignatureInvalid as error:
        raise KeyUnusable("This is no word of the centre about a key; nothing changed.") from error
    present = open_station_key(folder, tcti)
    if said.get("station_id") != station_id:
        raise KeyUnusable("The centre's word is about another station; nothing changed.")
    if following is None and said.get("kid") == present.kid:
        # Cut short after the move, before the key that it replaced was destroyed.
        _one_kind_only(folder)
        return present
    if following is None or said.get("kid") != following.kid:
        raise KeyUnusable("The centre's word is about another key; nothing changed.")
    _remember(folder, present)
    _take_over(folder, tcti)
    return following


def former_keys(folder: Path) -> tuple[PublicKey, ...]:
    """Return the public halves of this station's earlier keys. Raises `KeyUnusable`."""
    return tuple(public_key(jwk) for jwk in _former(folder))


def _former(folder: Path) -> list[Mapping[str, Any]]:
    file = folder / FORMER
    try:
        listed: list[Mapping[str, Any]] = json.loads(file.read_bytes())["keys"]
        return [dict(jwk) for jwk in listed]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KeyUnusable(f"{file} is damaged: bring it back, or move it away.") from error


def _remember(folder: Path, present: StationKey) -> None:
    kept = {str(jwk["kid"]): jwk for jwk in (*_former(folder), present.public_jwk())}
    said = json.dumps({"v": 1, "keys": list(kept.values())}, indent=1)
    write_secret(folder / FORMER, said.encode() + b"\n")


def _take_over(folder: Path, tcti: str) -> None:
    before = folder / IN_TPM
    old = KeptKey.read(before) if before.exists() else None
    in_tpm = (folder / f"{NEXT}{IN_TPM}").exists()
    name = IN_TPM if in_tpm else IN_FILE
    (folder / f"{NEXT}{name}").replace(folder / name)
    sync_folder(folder)
    # The other kind goes only now: at every moment one whole key stands here.
    _one_kind_only(folder)
    if old is not None:
        Tpm(tcti).forget(old.handle)


def _one_kind_only(folder: Path) -> None:
    # A TPM's key goes before a file's and never gives way to one: the file is the older.
    if (folder / IN_TPM).exists():
        (folder / IN_FILE).unlink(missing_ok=True)
        sync_folder(folder)


def _open(folder: Path, prefix: str, tcti: str) -> StationKey | None:
    in_tpm, in_file = folder / f"{prefix}{IN_TPM}", folder / f"{prefix}{IN_FILE}"
    if in_tpm.exists():
        try:
            return StationKey(TpmSigner(Tpm(tcti), KeptKey.read(in_tpm)))
        except TpmAway as error:
            raise TpmAway(
                f"The station's key lies in a TPM ({in_tpm}), and it cannot be used: {error}"
                " No other key is made in its place: see docs/provision.md."
            ) from error
    if not in_file.exists():
        return None
    if stat.S_IMODE(in_file.stat().st_mode) & 0o077:
        raise KeyUnusable(f"Others may read or write {in_file}: chmod 600, or make a new key.")
    return StationKey.open(in_file)


def _make(folder: Path, prefix: str, kept: Kept, tcti: str) -> StationKey:
    tpm = Tpm(tcti)
    if kept == "file" or (kept == "auto" and not tpm.answers()):
        return StationKey.open_or_make(folder / f"{prefix}{IN_FILE}")
    key = tpm.make_key()
    keep_key(folder / f"{prefix}{IN_TPM}", key)
    return StationKey(TpmSigner(tpm, key))
