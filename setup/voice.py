"""`python3.11 -m setup voice [LOCALE ...]`: speak every line that changed into the voice packs.

For whoever writes the screens' words, not for a station: stations carry the finished files. The
environment and the network lie below `.cache/` and are never committed. A second run with the same
words speaks nothing.
"""

from __future__ import annotations

import subprocess
from typing import Final

from setup import environment, files, system
from setup.commands import CACHE, CHECKOUT, Stop

ENVIRONMENT: Final = CACHE / "voice"
LOCK: Final = CHECKOUT / "requirements" / "voice.lock"
MODELS: Final = CACHE / "voice-models"
LIST: Final = CHECKOUT / "setup" / "voice.toml"


def speak_lines(*locales: str) -> None:
    """Prepare what speaks, and let it speak; all locales unless some are named.

    Raises:
        Stop: a step cannot be done; a line that cannot be spoken was already named.
        OSError: the disk or the account refuses.
    """
    wanted = [one for one in files.listed(MODELS, LIST) if not one.is_here()]
    if packages := system.missing(system.RUN + (system.PICTURES if wanted else ())):
        system.install(packages)
    environment.install_tools()
    files.fetch(wanted, environment.TOOLS / "bin" / "pip")
    if not environment.holds(ENVIRONMENT, LOCK):
        environment.install(LOCK, ENVIRONMENT)
    # Shown as it goes, for it takes minutes; the CPU is left to whoever else wants it.
    render = ["nice", "-n", "19", str(ENVIRONMENT / "bin" / "python"), "-m", "setup.voice_render"]
    if subprocess.run([*render, *locales], cwd=CHECKOUT, check=False).returncode != 0:
        raise Stop("The packs are not complete: correct what is named above and run this again")
