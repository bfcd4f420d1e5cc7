"""The process that libgphoto2 runs in: one camera, one question at a time, answered over a socket.

`python -m drivers.cameras.gphoto2.worker NUMBER`, with the socket as that descriptor. The library
is kept out of the station's own process for what was seen with libgphoto2 2.5.34 and its binding
2.6.4: ending a session over a network closes descriptor 0, whosever it is by then; ending one and
deleting a file keep the whole interpreter waiting for the camera; and nothing ends a call that the
camera does not answer, but the end of its process.

Each message is two lengths of 4 bytes, then JSON, then bytes.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
from dataclasses import asdict
from typing import Any, Final

from drivers.cameras.gphoto2 import settings
from drivers.cameras.gphoto2.library import GENERAL_ERROR, failures, library, open_device
from drivers.errors import DeviceError, WrongModel

LONGEST_BYTES: Final = 256 << 20
_LENGTHS: Final = struct.Struct(">II")


def send(line: socket.socket, said: dict[str, Any], content: bytes = b"") -> None:
    """Send one message. Raises `OSError`."""
    words = json.dumps(said).encode()
    line.sendall(_LENGTHS.pack(len(words), len(content)) + words + content)


def receive(line: socket.socket) -> tuple[dict[str, Any], bytes]:
    """Return the next message. Raises `EOFError` once the other end is gone, else `OSError`."""
    words, content = _LENGTHS.unpack(_exactly(line, _LENGTHS.size))
    if words + content > LONGEST_BYTES:
        raise OSError("a message longer than any")
    said: dict[str, Any] = json.loads(_exactly(line, words))
    return said, _exactly(line, content)


def _exactly(line: socket.socket, length: int) -> bytes:
    got = bytearray()
    while len(got) < length:
        piece = line.recv(min(length - len(got), 1 << 20))
        if not piece:
            raise EOFError("the other end is gone")
        got += piece
    return bytes(got)


class Session:
    """One open camera, for one question after the other."""

    def __init__(self, said: dict[str, Any]) -> None:
        self._gp = library()
        self._keep_on_card = bool(said["keep_on_card"])
        self._device = open_device(said["port"])
        with failures(self._gp, "asking who it is"):
            self.model = self._recognised(said["serial_number"])
            settings.apply(self._gp, self._device, said["controls"])

    def answer(self, said: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """Do what is asked. Raises `DeviceError`."""
        match said["do"]:
            case "preview":
                return {}, self._preview()
            case "still":
                return self._still()
            case "controls":
                with failures(self._gp, "reading its settings"):
                    found = settings.listed(self._gp, self._device)
            case _:
                with failures(self._gp, f"setting {said['name']}"):
                    found = (settings.write(self._gp, self._device, said["name"], said["value"]),)
        return {"controls": [asdict(control) for control in found]}, b""

    def close(self) -> None:
        """Give the camera back; one that is gone is what was wanted."""
        try:
            self._device.exit()
        except self._gp.GPhoto2Error:
            return

    def _preview(self) -> bytes:
        """Return a live picture; nothing for one that the library found no end in."""
        with failures(self._gp, "taking a live picture"):
            try:
                return _content(self._device.capture_preview())
            except self._gp.GPhoto2Error as failure:
                if failure.code == GENERAL_ERROR:
                    return b""
                raise

    def _still(self) -> tuple[dict[str, Any], bytes]:
        with failures(self._gp, "releasing the shutter"):
            place = self._device.capture(self._gp.GP_CAPTURE_IMAGE)
            file = self._device.file_get(place.folder, place.name, self._gp.GP_FILE_TYPE_NORMAL)
            content = _content(file)
        if not self._keep_on_card:
            # Nobody's face stays in a camera.
            with failures(self._gp, "taking the picture off the card"):
                self._device.file_delete(place.folder, place.name)
        return {"name": place.name}, content

    def _recognised(self, serial_number: str) -> str:
        abilities = self._device.get_abilities()
        if not abilities.operations & self._gp.GP_OPERATION_CAPTURE_IMAGE:
            raise WrongModel(f"{abilities.model} can release no shutter from here")
        widgets = settings.widgets(self._device.get_config())
        if serial_number:
            seen = widgets["serialnumber"].get_value() if "serialnumber" in widgets else "?"
            if seen != serial_number:
                raise WrongModel(f"another camera is there: {seen}, not {serial_number}")
        # Over a network the library only knows that it is a camera: it says itself which.
        named = widgets.get("cameramodel")
        return str(named.get_value() if named is not None else abilities.model)


def _content(file: Any) -> bytes:
    # Copied while the file is held: the library's memory goes with it, and the binding knows not.
    return bytes(file.get_data_and_size())


def serve(line: socket.socket) -> None:
    """Open the camera that the first message names and answer until the other end is gone."""
    said, _ = receive(line)
    try:
        session = Session(said)
    except DeviceError as failure:
        send(line, _failed(failure))
        return
    try:
        send(line, {"model": session.model})
        while True:
            said, _ = receive(line)
            try:
                answer, content = session.answer(said)
            except DeviceError as failure:
                answer, content = _failed(failure), b""
            send(line, answer, content)
    except EOFError:
        return
    finally:
        session.close()


def _failed(failure: DeviceError) -> dict[str, Any]:
    return {"failure": type(failure).__name__, "sentence": str(failure)}


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as station:
        serve(station)
