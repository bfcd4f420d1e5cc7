"""The stand-in centre's keys and stations by hand: `python -m centre COMMAND FOLDER …`."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from base64 import urlsafe_b64decode
from pathlib import Path

from joserfc.jwk import OKPKey

from centre.audit_heads import HeadBook
from centre.content import sign_pack
from centre.keys import CURVES, issue, listed, open_keys, renew
from centre.registry import know_next_key, register
from centre.shelf import Shelf


def main(arguments: list[str] | None = None) -> int:
    """Do one command; 2 and one sentence on what cannot be done."""
    parser = ArgumentParser(prog="python -m centre", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    asked = {
        "fingerprint": ("show the root's fingerprint, to be read aloud", ()),
        "renew": ("make the next key of a use and list it beside the present one", ("use",)),
        "deny": ("turn a client away at every station that gets the new list", ("client",)),
        "sign-content": ("sign a content pack, in its folder", ("pack",)),
        "register": ("take the card of a new station", ("card",)),
        "know": ("take a station's next key, and print our word about it", ("card",)),
        "incidents": ("show what did not fit in a station's audit heads", ("station",)),
    }
    for name, (text, words) in asked.items():
        command = commands.add_parser(name, help=text)
        command.add_argument("folder", type=Path)
        for word in words:
            command.add_argument(word, choices=tuple(CURVES) if word == "use" else None)
    options = vars(parser.parse_args(arguments))
    try:
        _do(options.pop("command"), options.pop("folder"), *options.values())
    except OSError as error:
        return _refuse(f"{error.filename} cannot be used: {error.strerror}.")
    except ValueError as error:
        return _refuse(str(error))
    return 0


def fingerprint(folder: Path) -> str:
    """Return eight groups of four digits: the first half of the root's RFC 7638 thumbprint."""
    root = OKPKey.import_key((folder / "keys" / "root.pem").read_bytes())
    digits = _hex(root.thumbprint())
    return " ".join(digits[at : at + 4] for at in range(0, 32, 4))


def _do(command: str, folder: Path, word: str = "") -> None:
    keyring = open_keys(folder)
    said = ""
    if command == "fingerprint":
        said = fingerprint(folder)
    elif command == "renew":
        renew(folder, word)
        said = f"list {listed(folder)['seq']}"
    elif command == "deny":
        before = listed(folder)
        issue(folder, before["keys"], {*before["deny_clients"], word})
        said = f"list {before['seq'] + 1}"
    elif command == "sign-content":
        said = f"{sign_pack(folder, Path(word))} files"
    elif command == "register":
        said = register(folder, Path(word))
    elif command == "know":
        said = know_next_key(folder, keyring, Path(word).read_text("ascii", "replace").strip())
    elif command == "incidents":
        if word not in Shelf(folder).stations():
            raise ValueError(f"No station {word} is known here: register its card first.")
        said = "\n".join(str(row) for row in HeadBook(folder).incidents(word)) or "none"
    print(said)  # noqa: T201 - a command speaks so


def _refuse(sentence: str) -> int:
    print(sentence, file=sys.stderr)  # noqa: T201 - a command speaks so
    return 2


def _hex(thumbprint: str) -> str:
    return urlsafe_b64decode(thumbprint + "=").hex()


if __name__ == "__main__":
    sys.exit(main())
