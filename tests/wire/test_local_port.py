"""What a technician reads when a port of this machine cannot be opened."""

from __future__ import annotations

import errno
import os

import pytest
import serial

from drivers.errors import DeviceAbsent, PermissionRefused
from drivers.serial_local import LocalPort


@pytest.mark.parametrize(
    ("number", "kind", "said"),
    [
        (errno.ENOENT, DeviceAbsent, "is it plugged in?"),
        (errno.EACCES, PermissionRefused, "is it in the group dialout?"),
        (errno.EIO, DeviceAbsent, os.strerror(errno.EIO)),
    ],
    ids=["absent", "rights", "other"],
)
def test_a_port_that_cannot_be_opened_says_so_once_and_what_to_look_at(
    monkeypatch, number, kind, said
):
    """In words, with the path once: pyserial names path and number twice."""

    def refuse(path: str, *_: object, **__: object) -> None:
        why = f"[Errno {number}] {os.strerror(number)}: {path!r}"
        raise serial.SerialException(number, f"could not open port {path}: {why}")

    monkeypatch.setattr(serial, "Serial", refuse)
    with pytest.raises(kind) as absent:
        LocalPort("/dev/ttyUSB9", 57600)

    assert str(absent.value).startswith("/dev/ttyUSB9: ")
    assert str(absent.value).endswith(said)
    assert str(absent.value).count("/dev/ttyUSB9") == 1
    assert "Errno" not in str(absent.value)


def test_what_is_no_serial_line_is_called_by_what_the_system_says(tmp_path):
    """A file of that name, as after a wrong redirection."""
    (tmp_path / "port").touch()
    with pytest.raises(DeviceAbsent, match="Could not configure port"):
        LocalPort(str(tmp_path / "port"), 57600)
