"""The station's key in a TPM 2.0: made there, used there, and nowhere else.

We call the TPM's own tools (Debian: tpm2-tools) and link no library against it. The key is ECDSA
on P-256 with `fixedtpm|fixedparent`: the TPM gives it to nobody, and its wrapped form, which we
keep, loads in no other TPM. It also lies under a persistent handle, so that one call signs.

Source: TCG TPM 2.0 Library, part 1, section 25 (hierarchies); manual pages of tpm2-tools 5.4.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc.jwk import ECKey

from edge.durable import write_secret
from edge.trust.keys import KeyUnusable

TOOL: Final = "tpm2"
TIMEOUT_S: Final = 30.0
"""A chip needs up to some seconds for a key [ours: generous; software answers in 20 ms]."""
HANDLES: Final = range(0x81018A00, 0x81018B00)
"""Persistent objects of the owner: 81000000 to 817FFFFF. Source: TCG registry of handles, 2.3.1."""
ATTRIBUTES: Final = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign|noda"
COORDINATE_BYTES: Final = 32


class TpmAway(KeyUnusable):
    """No TPM answers, or it refuses. See to the chip, the firmware's setting or the tools."""


@dataclass(frozen=True, slots=True)
class KeptKey:
    """What we keep of a key in a TPM; nothing of it is secret.

    Attributes:
        handle: where it lies in the TPM.
        public, private: TPM2B_PUBLIC, and TPM2B_PRIVATE wrapped by the TPM's own storage key.
        kid: of the public half.
    """

    handle: int
    public: bytes
    private: bytes
    kid: str

    def to_json(self) -> bytes:
        """Return the file's content."""
        kept = {
            "v": 1,
            "handle": hex(self.handle),
            "public": base64.b64encode(self.public).decode(),
            "private": base64.b64encode(self.private).decode(),
            "kid": self.kid,
        }
        return json.dumps(kept, indent=1).encode() + b"\n"

    @classmethod
    def read(cls, path: Path) -> KeptKey:
        """Read the file. Raises `KeyUnusable`."""
        try:
            kept = json.loads(path.read_bytes())
            return cls(
                int(kept["handle"], 16),
                base64.b64decode(kept["public"]),
                base64.b64decode(kept["private"]),
                str(kept["kid"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise KeyUnusable(f"{path} names no key in a TPM") from error


class Tpm:
    """One TPM, as its tools reach it. Calls are made one after the other."""

    def __init__(self, tcti: str) -> None:
        """Use the TPM behind this address, such as "device:/dev/tpmrm0"."""
        self._tcti = tcti
        self._lock = threading.Lock()

    def answers(self) -> bool:
        """Tell whether there is a TPM that answers."""
        try:
            self._run("getcap", "properties-fixed")
        except TpmAway:
            return False
        return True

    def make_key(self) -> KeptKey:
        """Make a signing key that this TPM alone can use. Raises `TpmAway`."""
        with TemporaryDirectory(prefix="anxin-tpm-") as name:
            folder = Path(name)
            self._run(
                "create", "-Q", "-C", self._primary(folder), "-G", "ecc256:ecdsa-sha256",
                "-a", ATTRIBUTES, "-u", f"{folder}/public", "-r", f"{folder}/private",
            )  # fmt: skip
            self._make_room()
            public, private = (folder / "public").read_bytes(), (folder / "private").read_bytes()
        return self.settle(public, private)

    def settle(self, public: bytes, private: bytes, handle: int | None = None) -> KeptKey:
        """Load a key from its wrapped form and give it a lasting place.

        Raises:
            TpmAway: another TPM wrapped it, or this one has no room.
        """
        with TemporaryDirectory(prefix="anxin-tpm-") as name:
            folder = Path(name)
            (folder / "public").write_bytes(public)
            (folder / "private").write_bytes(private)
            self._run(
                "load", "-Q", "-C", self._primary(folder), "-u", f"{folder}/public",
                "-r", f"{folder}/private", "-c", f"{folder}/key",
            )  # fmt: skip
            self._make_room()
            handle = handle or self._free_handle()
            self._run("evictcontrol", "-Q", "-C", "o", "-c", f"{folder}/key", hex(handle))
            self._make_room()
        return KeptKey(handle, public, private, self.public_key(handle).thumbprint())

    def public_key(self, handle: int) -> ECKey:
        """Return the public half of the key that lies there. Raises `TpmAway`."""
        with TemporaryDirectory(prefix="anxin-tpm-") as name:
            pem = Path(name) / "pem"
            self._run("readpublic", "-Q", "-c", hex(handle), "-f", "pem", "-o", str(pem))
            try:
                return ECKey.import_key(pem.read_bytes())
            except ValueError as error:
                raise TpmAway("the TPM holds another kind of key there") from error

    def sign(self, handle: int, digest: bytes) -> bytes:
        """Return an ECDSA signature over a SHA-256 digest: DER. Raises `TpmAway`."""
        return self._run(
            "sign", "-Q", "-c", hex(handle), "-g", "sha256", "-s", "ecdsa", "-f", "plain",
            "-d", "-o", "/dev/stdout", said=digest,
        )  # fmt: skip

    def forget(self, handle: int) -> None:
        """Remove a key from its place. Raises `TpmAway`."""
        self._run("evictcontrol", "-Q", "-C", "o", "-c", hex(handle))

    def _primary(self, folder: Path) -> str:
        # The same template gives the same storage key in the same TPM, so it need not be kept.
        context = f"{folder}/primary"
        self._run("createprimary", "-Q", "-C", "o", "-G", "ecc", "-c", context)
        self._make_room()
        return context

    def _make_room(self) -> None:
        # A TPM without a resource manager holds three objects; what we need lies in saved contexts.
        self._run("flushcontext", "-t")

    def _free_handle(self) -> int:
        told = self._run("getcap", "handles-persistent").decode("ascii", "replace")
        taken = {int(found, 16) for found in re.findall(r"0x[0-9A-Fa-f]{8}", told)}
        free = next((handle for handle in HANDLES if handle not in taken), None)
        if free is None:
            raise TpmAway("The TPM has no free place for another key of ours.")
        return free

    def _run(self, *arguments: str, said: bytes = b"") -> bytes:
        tool = shutil.which(TOOL)
        if tool is None:
            raise TpmAway("The TPM's tools are not installed (Debian: apt install tpm2-tools).")
        try:
            with self._lock:
                done = subprocess.run(  # noqa: S603 - a fixed tool; no argument comes from outside
                    [tool, *arguments, "-T", self._tcti],
                    input=said,
                    capture_output=True,
                    timeout=TIMEOUT_S,
                    check=False,
                )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise TpmAway(f"The TPM does not answer ({arguments[0]}).") from error
        if done.returncode:
            raise TpmAway(f"The TPM refused {arguments[0]}, or there is none at {self._tcti}.")
        return done.stdout


class TpmSigner:
    """Signs with a key that lies in a TPM."""

    algorithm: Final = "ES256"

    def __init__(self, tpm: Tpm, kept: KeptKey) -> None:
        """Find the key in the TPM; where its place is empty, put it there again.

        Raises:
            TpmAway: no TPM, or not the one that made this key. No other key is made.
        """
        self._tpm, self._kept = tpm, kept
        try:
            public = self._found()
        except TpmAway:
            # A cleared place, as after a firmware update: the wrapped form loads where it was made.
            tpm.settle(kept.public, kept.private, kept.handle)
            public = self._found()
        self.public = public

    def _found(self) -> ECKey:
        public = self._tpm.public_key(self._kept.handle)
        if public.thumbprint() != self._kept.kid:
            raise TpmAway("The TPM holds another key in the place of the station's.")
        return public

    def sign(self, message: bytes) -> bytes:
        """Return r and s, 32 bytes each. Source: RFC 7518, 3.4. Raises `TpmAway`."""
        der = self._tpm.sign(self._kept.handle, hashlib.sha256(message).digest())
        try:
            self.public.public_key.verify(der, message, ECDSA(hashes.SHA256()))
            r, s = decode_dss_signature(der)
        except (InvalidSignature, ValueError) as error:
            # Better no package than one that the centre must refuse for ever.
            raise TpmAway("The TPM signed, but not with the station's key.") from error
        return r.to_bytes(COORDINATE_BYTES, "big") + s.to_bytes(COORDINATE_BYTES, "big")


def keep_key(path: Path, kept: KeptKey) -> None:
    """Write what we keep of a key; whole or absent, mode 0600."""
    write_secret(path, kept.to_json())
