"""The camera as a step needs it: set by test and revert, and put back afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Protocol

from drivers.camera import Control
from drivers.errors import DeviceError


class SettingRefused(DeviceError):
    """The camera did not take a setting, or its frames went bad with it: it is as it was before."""


class Change(Protocol):
    """What came of a try: `edge.camera_owner.Changed`."""

    @property
    def kept(self) -> bool:
        """Whether the new values stand."""


class Adjustable(Protocol):
    """A camera's owner that sets by test and revert."""

    def controls(self) -> tuple[Control, ...]:
        """Return what can be set now; empty if nothing can."""

    def change(self, values: Mapping[str, int], proof_s: float = ...) -> Change:
        """Try these values; whoever watches goes on watching."""


PROOF_S = 0.5
"""[ours] Frames must go on coming whole for so long before a step measures with it."""


def set_for_a_step(camera: Adjustable, values: Mapping[str, int]) -> Callable[[], None]:
    """Set the camera, where it has such controls and they stand otherwise; return what undoes it.

    Raises:
        SettingRefused: it did not take them; nothing was changed.
        DeviceError: the camera is away.
    """
    present = {control.name: control.value for control in camera.controls()}
    wanted = {
        name: value for name, value in values.items() if present.get(name, value) != value
    }  # fmt: skip
    if not wanted:
        return lambda: None
    before = {name: present[name] for name in wanted}
    if not camera.change(wanted, PROOF_S).kept:
        raise SettingRefused("the camera did not take the step's settings")

    def put_back() -> None:
        # Whoever unplugged it meanwhile finds it as it powers up.
        with suppress(DeviceError):
            camera.change(before, PROOF_S)

    return put_back
