"""What a station and its centre show each other: a certificate request, and fingerprints.

The TLS key is of its own, apart from the key that signs packages: the one is renewed every few
weeks, the other says for years who sealed a package.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edge.durable import write_secret
from edge.trust.keys import KeyUnusable
from edge.trust.signatures import PublicKey

TLS_KEY: Final = "tls-key.pem"
GROUPS: Final = 8
URI: Final = "anxin:station:"


def fingerprint(key: PublicKey) -> str:
    """Return eight groups of four hexadecimal digits to be compared aloud.

    They are the first 128 bits of the RFC 7638 thumbprint: enough that nobody finds another key
    with the same [ours: 2^128 tries for a second preimage].
    """
    digits = bytes_of_thumbprint(key).hex()
    return " ".join(digits[4 * n : 4 * n + 4] for n in range(GROUPS))


def bytes_of_thumbprint(key: PublicKey) -> bytes:
    """Return the SHA-256 thumbprint of RFC 7638."""
    return urlsafe_b64decode(key.thumbprint() + "=")


def open_or_make_tls_key(folder: Path) -> ec.EllipticCurvePrivateKey:
    """Read the station's TLS key, or make it: P-256, mode 0600.

    Raises:
        KeyUnusable: the file holds another kind of key.
    """
    path = folder / TLS_KEY
    if not path.exists():
        pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        write_secret(path, pem)
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError) as error:
        raise KeyUnusable(f"{path} holds no private key") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise KeyUnusable(f"{path} holds no P-256 private key")
    return key


def certificate_request(
    key: ec.EllipticCurvePrivateKey, station_id: str, hosts: Sequence[str]
) -> bytes:
    """Return a PKCS 10 request, PEM, for a certificate that serves as client and as server.

    Args:
        key: the station's TLS key.
        station_id: becomes the URI name `anxin:station:<id>`.
        hosts: names and addresses under which the centre reaches this station.

    Source: RFC 2986; RFC 5280, 4.2.1.6 and 4.2.1.12.
    """
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(f"{URI}{station_id}")]
    names += [_host(host) for host in hosts]
    uses = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, station_id)]))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        .sign(key, hashes.SHA256())
    )
    return request.public_bytes(serialization.Encoding.PEM)


def request_is_by(pem: bytes, key: ec.EllipticCurvePrivateKey) -> bool:
    """Tell whether a request is whole and asks for a certificate of this key."""
    try:
        request = x509.load_pem_x509_csr(pem)
    except ValueError:
        return False
    return request.is_signature_valid and request.public_key() == key.public_key()


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
