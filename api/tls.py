"""TLS 1.3 for a listener: who may connect, and whose certificate stands behind a connection.

The handshake itself is `api.porch`'s: here is only what it needs. No session is ever resumed, so
that every connection is judged by its certificate as it is now.

Source: RFC 8446; RFC 5280, 4.2.1.6 (subject alternative names); RFC 7469, 2.4 (the digest of a
public key, which survives the renewal of its certificate).
"""

from __future__ import annotations

import hashlib
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from cheroot.errors import FatalSSLAlert
from cheroot.makefile import MakeFile
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class TlsUnusable(Exception):
    """A certificate, key or CA file cannot be used. The message says which and what to do."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a client's certificate says, read once for each connection.

    Attributes:
        names: its URI names, in order.
        spki_sha256: lower-case hex SHA-256 of its SubjectPublicKeyInfo.
        not_after_s: end of its validity, UTC epoch.
    """

    names: tuple[str, ...]
    spki_sha256: str
    not_after_s: float


def read_certificate(der: bytes) -> Certificate:
    """Read what the handshake has already verified. Raises `ValueError` if it cannot be read."""
    certificate = x509.load_der_x509_certificate(der)
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = tuple(extension.value.get_values_for_type(x509.UniformResourceIdentifier))
    except x509.ExtensionNotFound:
        names = ()
    spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Certificate(
        names, hashlib.sha256(spki).hexdigest(), certificate.not_valid_after_utc.timestamp()
    )


class TlsSocket(ssl.SSLSocket):
    """One whose `shutdown` never lets a byte out unencrypted.

    `ssl.SSLSocket.shutdown` drops TLS first and the connection second: another thread's answer, in
    between, would go out in the clear.
    """

    def shutdown(self, how: int) -> None:
        """Shut the connection down beneath TLS."""
        socket.socket.shutdown(self, how)


class TlsDoor:
    """What cheroot calls an adapter: wraps at once, shakes hands never."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context

    def bind(self, sock: socket.socket) -> socket.socket:
        """Leave the listening socket as it is."""
        return sock

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, object]]:
        """Wrap a connection without a word to the client; the environ comes with the handshake."""
        try:
            wrapped = self._context.wrap_socket(
                sock, server_side=True, do_handshake_on_connect=False
            )
        except OSError as error:
            sock.close()
            raise FatalSSLAlert(*error.args) from error
        return wrapped, {}

    makefile = staticmethod(MakeFile)


def server_context(certificate: Path, private_key: Path, client_ca: Path) -> ssl.SSLContext:
    """Return TLS 1.3 that demands a client certificate of this CA.

    Raises:
        TlsUnusable: one of the files is missing, no PEM, or the key belongs to another certificate.
    """
    context = browser_context(certificate, private_key, "v1.network")
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        context.load_verify_locations(cafile=client_ca)
    except (OSError, ssl.SSLError) as error:
        raise TlsUnusable(
            f"v1.network.client_ca ({client_ca}) cannot be used: {_why(error)};"
            f" the centre gives out the certificate of its CA for clients, as PEM."
        ) from None
    return context


def browser_context(certificate: Path, private_key: Path, section: str) -> ssl.SSLContext:
    """Return TLS 1.3 that asks no certificate of who connects: a page behind it asks for a PIN.

    Args:
        certificate: with its chain, PEM.
        private_key: of the certificate, PEM.
        section: of the settings, as a refusal names it.

    Raises:
        TlsUnusable: one of the files is missing, no PEM, or the key belongs to another certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET
    context.sslsocket_class = TlsSocket
    try:
        context.load_cert_chain(certificate, private_key)
    except (OSError, ssl.SSLError) as error:
        raise TlsUnusable(
            f"{section}.certificate ({certificate}) and {section}.private_key ({private_key})"
            f" cannot be used: {_why(error)};"
            f" `run_edge.py provision` makes a key and a request for a certificate."
        ) from None
    return context


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no PEM of what is expected").lower().replace("_", " ")
    return error.strerror or "it cannot be read"
