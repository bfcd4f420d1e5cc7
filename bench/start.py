"""Start of the demo station: seconds to the first page and to ready, memory of its two processes.

The first start composes the demo's pictures and makes its keys; the second one, on the same folder,
is measured: it is what a technician waits for after a power cut.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from bench import CannotRun, Figures
from demo.station import free_port

CHECKOUT: Final = Path(__file__).resolve().parent.parent
PATIENCE_S: Final = 40.0
POLL_S: Final = 0.02
WATCHED_S: Final = 4.0
"""After ready a person sits there so long: the worker has looked, the page has shown frames."""
FRAMES_MIN: Final = 10
NEXT_FRAME_S: Final = 0.3


@dataclass(frozen=True, slots=True)
class _Demo:
    process: subprocess.Popen[bytes]
    began_s: float
    kiosk: str
    ready: str


def measure(long: bool) -> Figures:
    """Start the demo twice, or with `long` six times; the first start is not counted.

    Raises:
        CannotRun: the demo ended, or did not get ready.
    """
    starts: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory(prefix="anxin-start-") as folder:
        _one_start(Path(folder))
        starts.extend(_one_start(Path(folder)) for _ in range(5 if long else 1))
    slowest = {key: max(start[key] for start in starts) for key in starts[0]}
    floor_s = _imports_s()
    return {
        **{key: round(value, 3) for key, value in slowest.items()},
        "imports_s": round(floor_s, 3),
        "ratio": round(slowest["first_page_s"] / floor_s, 1),
        "starts": len(starts),
    }


def _one_start(folder: Path) -> dict[str, float]:
    with _demo(folder) as demo, httpx.Client(trust_env=False, timeout=2) as client:
        first_page_s = _seconds_until(demo, client, demo.kiosk, _is_good)
        # Written before anything listens; whoever may read the folder may ask.
        token = (folder / "store" / "v1.token").read_text(encoding="ascii").strip()
        client.headers["Authorization"] = f"Bearer {token}"
        ready_s = _seconds_until(demo, client, demo.ready, _may_photograph)
        _watch_a_sitting(client, demo.kiosk)
        daemon_mib = resident_mib(demo.process.pid)
        worker_mib = resident_mib(_worker(demo.process.pid))
        # Else the next start would resume it instead of standing at the welcome.
        _touch(client, demo.kiosk, "leave", "welcome")
    return {
        "first_page_s": first_page_s,
        "ready_s": ready_s,
        "daemon_rss_mib": daemon_mib,
        "worker_rss_mib": worker_mib,
        "total_rss_mib": daemon_mib + worker_mib,
    }


@contextmanager
def _demo(folder: Path) -> Iterator[_Demo]:
    # Chosen here, not by the demo: its first answer is waited for before it could name them.
    kiosk, v1 = free_port(), free_port()
    ports = ["--kiosk-port", str(kiosk), "--v1-port", str(v1), "--centre-port", "0"]
    command = [sys.executable, "run_edge.py", "demo", "--folder", str(folder), *ports, "--json"]
    began_s = time.monotonic()
    process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL)
    try:
        ready = f"http://127.0.0.1:{v1}/v1/health"
        yield _Demo(process, began_s, f"http://127.0.0.1:{kiosk}/", ready)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _is_good(answer: httpx.Response) -> bool:
    return answer.status_code == 200


def _may_photograph(answer: httpx.Response) -> bool:
    # A sitting may begin while a device is still opening; a photograph may not.
    return _is_good(answer) and set(answer.json()["devices"].values()) == {"ready"}


def _seconds_until(
    demo: _Demo, client: httpx.Client, url: str, holds: Callable[[httpx.Response], bool]
) -> float:
    while (waited_s := time.monotonic() - demo.began_s) < PATIENCE_S:
        if demo.process.poll() is not None:
            raise CannotRun(f"the demo ended with {demo.process.returncode}")
        try:
            if holds(client.get(url)):
                return time.monotonic() - demo.began_s
        except httpx.TransportError:
            pass
        time.sleep(POLL_S)
    raise CannotRun(f"no good answer from {url} in {waited_s:.0f} s")


def _watch_a_sitting(client: httpx.Client, kiosk: str) -> None:
    """Begin a sitting and draw its preview, as a page does: then the memory is that of work."""
    _touch(client, kiosk, "start", "consent")
    _touch(client, kiosk, "agree", "portrait")
    token = _hidden(client.get(kiosk).text, "token")
    frame, frames = -1, 0
    until_s = time.monotonic() + WATCHED_S
    while time.monotonic() < until_s:
        asked: dict[str, int | str] = {"after": frame, "token": token}
        answer = client.get(f"{kiosk}preview/camera", params=asked, timeout=10)
        if answer.status_code == 200:
            frame, frames = int(answer.headers["X-Frame"]), frames + 1
        else:
            time.sleep(NEXT_FRAME_S)
    if frames < FRAMES_MIN:
        raise CannotRun(f"only {frames} frames of the preview came in {WATCHED_S:g} s")


def _touch(client: httpx.Client, kiosk: str, action: str, screen: str) -> None:
    """Touch a choice on the page as it stands; a page that went on meanwhile is touched again."""
    ours = {"Origin": kiosk.rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s:
        page = client.get(kiosk).text
        form = {name: _hidden(page, name) for name in ("token", "mark")}
        client.post(f"{kiosk}act", data={"action": action, **form}, headers=ours)
        if f'data-screen="{screen}' in client.get(kiosk).text:
            return
        time.sleep(POLL_S)
    raise CannotRun(f"the demo's sitting did not come from {action} to its {screen} screen")


def _hidden(page: str, name: str) -> str:
    found = re.search(f'name="{name}" value="([^"]*)"', page)
    if found is None:
        raise CannotRun(f"the demo's page has no {name}")
    return found[1]


def resident_mib(pid: int) -> float:
    """Return what a process holds in memory, pages that it shares included."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1]) / 1024
    raise CannotRun("this system does not say how much memory a process holds")


def _worker(daemon: int) -> int:
    """Return the process id of the daemon's vision worker."""
    for task in Path(f"/proc/{daemon}/task").iterdir():
        for child in (task / "children").read_text(encoding="ascii").split():
            if b"edge.vision.worker" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
    raise CannotRun("the demo has no vision worker")


def _imports_s() -> float:
    """Return the least time of a start: the same libraries loaded, doing nothing."""
    libraries = "cv2, numpy, flask, cheroot.wsgi, spectree, cryptography, apsw, httpx, structlog"
    began_s = time.monotonic()
    subprocess.run([sys.executable, "-c", f"import {libraries}"], cwd=CHECKOUT, check=True)
    return time.monotonic() - began_s
