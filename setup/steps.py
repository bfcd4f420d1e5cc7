"""The steps in their order; each asks first whether it is done."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

from setup import environment, files, system
from setup.commands import CACHE, Stop, say

_ENOUGH: Final = {
    "run": (
        environment.RUNTIME,
        environment.FINGERPRINTS,
        environment.COMPARISON,
        environment.CAMERAS,
        environment.DEV,
    ),
    "fingerprints": (environment.FINGERPRINTS, environment.COMPARISON, environment.DEV),
    "comparison": (environment.COMPARISON, environment.DEV),
    "cameras": (environment.CAMERAS, environment.DEV),
    "test": (environment.DEV,),
}
"""What each purpose is installed from, and what else contains it."""
PURPOSES: Final = tuple(_ENOUGH)


def prepare(purpose: str) -> None:
    """Do what is missing for this purpose, one of `PURPOSES`.

    Raises:
        Stop: a step cannot be done.
        OSError: the disk or the account refuses.
    """
    if purpose not in PURPOSES:
        raise Stop(f"Say what for: {', '.join(PURPOSES)}")
    if _is_ready(purpose):
        return
    with _alone():
        _do_missing(purpose)
    say("done")


def _is_ready(purpose: str) -> bool:
    environments = _environment_is_ready(purpose) and _others_are_ready(purpose)
    return environments and not _files(purpose) and not _packages(purpose)


def _do_missing(purpose: str) -> None:
    if packages := _packages(purpose):
        system.install(packages)
    wanted = _files(purpose)
    if wanted or not (_environment_is_ready(purpose) and _others_are_ready(purpose)):
        environment.install_tools()
    with ThreadPoolExecutor(max_workers=1) as pool:
        # The network waits for neither: the carriers come while the environment is unpacked.
        fetching = pool.submit(files.fetch, wanted, environment.TOOLS / "bin" / "pip")
        if not _environment_is_ready(purpose):
            environment.install(_ENOUGH[purpose][0])
        if not _others_are_ready(purpose):
            environment.install(environment.OTHERS, environment.OUTSIDE)
        fetching.result()


def _environment_is_ready(purpose: str) -> bool:
    return any(environment.holds(environment.VENV, lock) for lock in _ENOUGH[purpose])


def _others_are_ready(purpose: str) -> bool:
    return purpose != "test" or environment.holds(environment.OUTSIDE, environment.OTHERS)


def _files(purpose: str) -> list[files.Wanted]:
    return files.missing(comparison=purpose in ("comparison", "test"))


def _packages(purpose: str) -> list[str]:
    needs = system.RUN + (system.TEST if purpose == "test" else ())
    if any(wanted.carrier.kind == "npm" for wanted in _files(purpose)):
        needs += system.PICTURES
    return system.missing(needs)


@contextmanager
def _alone() -> Iterator[None]:
    """Let one set-up at a time work on this checkout."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another set-up of this checkout")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
