"""Releases of a small station, and whoever starts and stops it, as systemd would."""

from __future__ import annotations

import gzip
import io
import os
import socket
import subprocess
import tarfile
import threading
from pathlib import Path

from demo.station import free_port
from edge.upkeep.gate import Patience, StationDoor
from edge.upkeep.release_file import read_release_keys
from edge.upkeep.slots import Slots
from edge.upkeep.update import Bench
from setup.release_file import PRIVATE, make_key, pack

CHECKOUT = Path(__file__).resolve().parent.parent
SURE = Patience(within_s=60.0, steady_s=0.2, look_s=0.02)
"""For a version that will pass: long enough for any machine."""
SHORT = Patience(within_s=1.0, steady_s=0.5, look_s=0.02)
"""For a version that will not, however long it is waited for."""

PROGRAM = '''
"""A station's door and nothing else: who it is, and whether it lets people in."""
import json, pathlib, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from edge import VERSION

MODE = {mode!r}
if MODE == "dies":
    sys.exit("this version does not start")


class Door(BaseHTTPRequestHandler):
    asked = 0

    def do_GET(self):
        Door.asked += self.path == "/v1/health"
        sick = MODE == "sickens" and Door.asked > 1
        told = {{"software": VERSION, "reasons": ["service_failed"] if sick else []}}
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


HTTPServer(("127.0.0.1", int((HERE.parent / "port").read_text())), Door).serve_forever()
'''


def tree_files(version: str, schema: int = 4, mode: str = "good") -> dict[str, str]:
    """What a release's tree must have for an update to take it."""
    return {
        "run_edge.py": PROGRAM.format(mode=mode),
        "edge/__init__.py": f'VERSION = "{version}"\n',
        "edge/store/__init__.py": "",
        "edge/store/schema.py": f"SCHEMA_VERSION = {schema}\n",
        "setup/__init__.py": "",
        "setup/__main__.py": 'print("nothing is missing")\n',
        "requirements/runtime.lock": "# the same as ever\n",
    }


class Base:
    """A root with one installed version, a releaser's key, and a port."""

    def __init__(self, folder: Path, version: str = "1.0.0", schema: int = 4) -> None:
        self.folder = folder
        self.root = folder / "opt"
        self.root.mkdir(parents=True)
        self.port = free_port()
        (self.root / "port").write_text(str(self.port))
        self.keys_file = make_key(folder / "releaser")
        self.slots = Slots(self.root)
        self.slot(version, schema=schema)
        self.slots.point("current", f"anxin-station-{version}")
        self.token = folder / "v1.token"
        self.token.write_text("token\n")

    @property
    def keys(self):
        return dict(read_release_keys(self.keys_file))

    def slot(self, version: str, **what) -> Path:
        """Put a version in its folder, as an installation by hand leaves it."""
        place = self.root / f"anxin-station-{version}"
        for name, words in tree_files(version, **what).items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(words)
        (place / ".venv").symlink_to(CHECKOUT / ".venv")
        return place

    def release(self, version: str, **what) -> Path:
        """Make a signed release."""
        name = f"anxin-station-{version}"
        folder = self.folder / "dist" / name
        folder.mkdir(parents=True)
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tree:
            for path, words in tree_files(version, **what).items():
                member = tarfile.TarInfo(f"{name}/{path}")
                member.size = len(words.encode())
                tree.addfile(member, io.BytesIO(words.encode()))
        (folder / f"{name}.tar.gz").write_bytes(gzip.compress(packed.getvalue(), 1, mtime=0))
        (folder / "schema.json").write_text(f'{{"schema": {what.get("schema", 4)}}}')
        (folder / "sbom.cdx.json").write_text("{}")
        return pack(folder, self.folder / "releaser" / PRIVATE)

    def bench(self, patience: Patience = SURE) -> Bench:
        self.said: list[str] = []
        line = Line(self.folder / "keeper.sock")
        return Bench(self.slots, line, self.door.look, patience, self.said.append)

    @property
    def door(self) -> StationDoor:
        return StationDoor(self.port, self.token)


class Line:
    """Tells whoever keeps the service, from whichever process, and waits until it is done."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def stop(self) -> None:
        self._say("stop")

    def start(self) -> None:
        self._say("start")

    def _say(self, word: str) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.connect(str(self._path))
            line.sendall(word.encode())
            line.shutdown(socket.SHUT_WR)
            line.recv(16)


class ServiceKeeper:
    """Starts what `current` points to, again and again until it is told to stop."""

    def __init__(self, base: Base, *words: str) -> None:
        """Start `run_edge.py` of `current` with these words."""
        self._base = base
        self._words = words
        self._wanted = self._ending = False
        self._process: subprocess.Popen | None = None
        self._lock = threading.Lock()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(base.folder / "keeper.sock"))
        self._socket.listen(4)
        self._socket.settimeout(0.05)
        self._thread = threading.Thread(target=self._keep, name="service-keeper")

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ending = True
        self._thread.join()
        self._socket.close()
        self._end()

    def boot(self) -> None:
        """The power came back: nothing of before runs, and the unit is started."""
        with self._lock:
            self._end()
            self._wanted = True

    def _keep(self) -> None:
        while not self._ending:
            try:
                line, _ = self._socket.accept()
            except TimeoutError:
                pass
            else:
                with line:
                    self._obey(line.recv(16).decode())
                    line.sendall(b"done")
            with self._lock:
                gone = self._process is None or self._process.poll() is not None
                if self._wanted and gone:
                    self._end()
                    self._process = self._begin()

    def _obey(self, word: str) -> None:
        with self._lock:
            self._wanted = word == "start"
            if word == "stop":
                self._end()

    def _begin(self) -> subprocess.Popen:
        current = self._base.root / "current"
        # The small station of these tests needs no packages, and so starts at once.
        small = [] if self._words else ["-S"]
        words = [current / ".venv" / "bin" / "python", "-s", *small, "-B", "run_edge.py"]
        with (self._base.folder / "service.log").open("a") as said:
            return subprocess.Popen(
                [*map(os.fspath, words), *self._words], cwd=current, stderr=said
            )

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
