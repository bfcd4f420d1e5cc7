"""A centre's CA for clients and all the certificates that a listener may be shown."""

from __future__ import annotations

import datetime
import hashlib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW: Final = datetime.datetime.now(datetime.UTC)
DAY: Final = datetime.timedelta(days=1)
CLIENT: Final = (ExtendedKeyUsageOID.CLIENT_AUTH,)
SERVER: Final = (ExtendedKeyUsageOID.SERVER_AUTH,)


def new_key() -> ec.EllipticCurvePrivateKey:
    """Return a fresh P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def pin_of(key: ec.EllipticCurvePrivateKey) -> str:
    """Return the digest that settings pin a client's key by."""
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).hexdigest()


@dataclass(frozen=True, slots=True)
class Leaf:
    """A certificate's file, with its key in it, and the key."""

    file: Path
    key: ec.EllipticCurvePrivateKey


class Ca:
    """One CA; its certificate lies in `file`."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        folder.mkdir(parents=True, exist_ok=True)
        self.key = new_key()
        self.file = folder / f"{name}.pem"
        certificate = (
            self._builder(name, self.key, NOW - DAY, NOW + 900 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        self.file.write_bytes(certificate.public_bytes(Encoding.PEM))

    def leaf(
        self,
        name: str,
        sans: Sequence[x509.GeneralName],
        *,
        usage: Sequence[x509.ObjectIdentifier] = CLIENT,
        begin: datetime.datetime = NOW - DAY,
        end: datetime.datetime = NOW + 30 * DAY,
        key: ec.EllipticCurvePrivateKey | None = None,
    ) -> Leaf:
        """Give out a certificate with these names."""
        key = key or new_key()
        builder = self._builder(name, key, begin, end).add_extension(
            x509.ExtendedKeyUsage(usage), critical=False
        )
        if sans:
            builder = builder.add_extension(x509.SubjectAlternativeName(sans), critical=False)
        certificate = builder.sign(self.key, hashes.SHA256())
        file = self.folder / f"{self.name}-{certificate.serial_number:x}.pem"
        file.write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            + certificate.public_bytes(Encoding.PEM)
        )
        return Leaf(file, key)

    def client(
        self,
        name: str,
        *more: str,
        usage: Sequence[x509.ObjectIdentifier] = CLIENT,
        begin: datetime.datetime = NOW - DAY,
        end: datetime.datetime = NOW + 30 * DAY,
        key: ec.EllipticCurvePrivateKey | None = None,
    ) -> Leaf:
        """Give out a certificate for the client of this name, with further URI names."""
        sans = [x509.UniformResourceIdentifier(uri) for uri in (f"anxin:client:{name}", *more)]
        return self.leaf("client", sans, usage=usage, begin=begin, end=end, key=key)

    def server(self, address: str = "127.0.0.1") -> Leaf:
        """Give out a certificate for a listener."""
        sans = (x509.IPAddress(ip_address(address)), x509.DNSName("localhost"))
        return self.leaf("server", sans, usage=SERVER)

    def _builder(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        begin: datetime.datetime,
        end: datetime.datetime,
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
        )


def client_context(server_ca: Ca, leaf: Leaf | None = None) -> ssl.SSLContext:
    """Return what a client connects with; without a leaf it shows none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=server_ca.file)
    if leaf is not None:
        context.load_cert_chain(leaf.file)
    return context
