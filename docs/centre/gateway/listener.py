"""A listener whose workers serve only who speaks.

cheroot shakes hands in its accept thread, where one silent peer stops all, and gives a worker to a
connection before anything came over it. Here a connection waits without a worker until its peer has
spoken, a worker shakes hands, and the connection waits again until there is a request.
"""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any, Final

from cheroot import server, wsgi
from cheroot.errors import FatalSSLAlert
from cheroot.ssl.builtin import BuiltinSSLAdapter

HANDSHAKE_S: Final = 5.0
CERTIFIED: Final = "ANXIN_STATION_ID"
"""In a request's environment: the station that the client certificate names."""
SAN: Final = "anxin:station:"
"""A station's certificate names it in a URI: `anxin:station:<station_id>`."""


class Tls(BuiltinSSLAdapter):
    """The server's certificate, and the CA of the stations' certificates if they must have one."""

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None) -> None:
        super().__init__(str(certificate), str(key), str(client_ca) if client_ca else None)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_3
        if client_ca:
            self.context.verify_mode = ssl.CERT_REQUIRED

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, str]]:
        """Wrap at once; `Connection` shakes hands."""
        wrapped = self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        return wrapped, {"wsgi.url_scheme": "https", "HTTPS": "on"}


class Server(wsgi.Server):
    """Gives a new connection to a worker when its peer has said something."""

    def process_conn(self, conn: Any) -> None:
        """Take a connection that is new or has something to read."""
        if conn.heard:
            super().process_conn(conn)
        else:
            conn.heard = True
            self.put_conn(conn)


class Connection(server.HTTPConnection):
    """A connection whose first act is the handshake, and the look at who is there."""

    heard = False
    shaken = False

    def communicate(self) -> Any:
        """Answer one request; False ends the connection."""
        try:
            if isinstance(self.socket, ssl.SSLSocket) and not self.shaken:
                self._shake_hands()
                return True
            return super().communicate()  # type: ignore[no-untyped-call]
        except (OSError, FatalSSLAlert):
            return False

    def _shake_hands(self) -> None:
        limit_s = self.socket.gettimeout()
        self.socket.settimeout(HANDSHAKE_S)
        self.socket.do_handshake()
        self.socket.settimeout(limit_s)
        self.shaken = True
        if self.socket.context.verify_mode == ssl.CERT_REQUIRED:
            names = self.socket.getpeercert().get("subjectAltName", ())
            uris = [name for kind, name in names if kind == "URI" and name.startswith(SAN)]
            # A certificate of the right CA that names no station, or two, is nobody's.
            self.ssl_env[CERTIFIED] = uris[0][len(SAN) :] if len(uris) == 1 else ""
