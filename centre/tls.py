"""The centre's TLS: a small CA of its own, a server certificate, no handshake in the accept path.

A station pins `tls-ca.pem`. cheroot shakes hands in its accept thread, where one silent peer holds
up every new one; here the worker does it, with a limit.
"""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
from pathlib import Path
from typing import Any, Final

from cheroot import server
from cheroot.errors import FatalSSLAlert
from cheroot.ssl.builtin import BuiltinSSLAdapter
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from centre.keys import keep

CA_FILE: Final = "tls-ca.pem"
HANDSHAKE_S: Final = 3.0
DAYS: Final = 3650


class LazyAdapter(BuiltinSSLAdapter):
    """TLS 1.3 whose handshake is left to the worker."""

    def __init__(self, certificate: Path, private_key: Path) -> None:
        """Read the server's certificate and key."""
        super().__init__(str(certificate), str(private_key))
        self.context.minimum_version = ssl.TLSVersion.TLSv1_3

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, str]]:
        """Wrap at once, shake hands later."""
        wrapped = self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        return wrapped, {"wsgi.url_scheme": "https", "HTTPS": "on"}


class ShakingConnection(server.HTTPConnection):
    """A connection whose first act, on the worker, is the handshake."""

    shaken = False

    def communicate(self) -> Any:
        """Shake hands once, then answer a request; False ends the connection."""
        try:
            if not self.shaken:
                limit_s = self.socket.gettimeout()
                self.socket.settimeout(HANDSHAKE_S)
                self.socket.do_handshake()
                self.socket.settimeout(limit_s)
                self.shaken = True
        except OSError:
            return False
        try:
            return super().communicate()  # type: ignore[no-untyped-call]
        except FatalSSLAlert:
            return False


def open_or_make_tls(folder: Path, host: str) -> LazyAdapter:
    """Return TLS for `host` and the loopback names; `folder`/tls-ca.pem is what stations pin.

    The server's certificate is made afresh at every start, the CA only once.
    """
    ca_key_file = folder / "keys" / "tls-ca.key"
    if not ca_key_file.exists():
        keep(ca_key_file, _private_pem(ec.generate_private_key(ec.SECP256R1())), 0o600)
    ca_key = serialization.load_pem_private_key(ca_key_file.read_bytes(), None)
    if not isinstance(ca_key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{ca_key_file} is not the key of a CA")
    # Published last: a station may pin it at once, and a cut before the key is kept would leave
    # that station with a CA that nobody can sign for again.
    if not (folder / CA_FILE).exists():
        keep(folder / CA_FILE, _pem(_ca(ca_key)), 0o644)
    ca = x509.load_pem_x509_certificate((folder / CA_FILE).read_bytes())
    key = ec.generate_private_key(ec.SECP256R1())
    certificate_file, key_file = folder / "keys" / "tls.pem", folder / "keys" / "tls.key"
    keep(certificate_file, _pem(_server(key, host, ca, ca_key)), 0o600)
    keep(key_file, _private_pem(key), 0o600)
    return LazyAdapter(certificate_file, key_file)


def _builder(name: str, issuer: str, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    # A day back: a station's clock may be a little behind.
    begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=DAYS))
    )


def _ca(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    public = key.public_key()
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return (
        _builder("Anxin stand-in centre CA", "Anxin stand-in centre CA", public)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )


def _server(
    key: ec.EllipticCurvePrivateKey,
    host: str,
    ca: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    names = dict.fromkeys(_general_name(name) for name in ("localhost", "127.0.0.1", "::1", host))
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    issuer = ca.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    return (
        _builder("Anxin stand-in centre", str(issuer), key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(list(names)), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(authority, critical=False)
        .sign(ca_key, hashes.SHA256())
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
