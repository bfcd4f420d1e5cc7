"""Keep the memory of this process, which holds plain pictures, out of files and of strangers."""

from __future__ import annotations

import ctypes
import resource
from typing import Final

_PR_SET_DUMPABLE: Final = 4


def forbid_core_files() -> None:
    """Let no crash write this process's memory down, and no other process of its user read it.

    Raises:
        OSError: the kernel refused.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # A core pattern that pipes to a program ignores the limit; this it does not ignore.
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "the process could not be made undumpable")
