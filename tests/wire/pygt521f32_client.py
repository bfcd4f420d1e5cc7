"""PyGT521F32 0.1.6 on a port, in the environment of other people's programs; not one of our tests.

    python pygt521f32_client.py PORT BAUD > image

Prints what the module says of itself as one line of JSON, then the image's bytes. The package takes
only paths such as /dev/ttyUSB0, and imports a SCSI module that it needs for USB alone: it is given
its own serial interface on the port, and that import an empty module.
"""

from __future__ import annotations

import json
import sys
import threading
import types

sys.modules["sgio"] = types.ModuleType("sgio")

from gt521f32 import GT521F32  # noqa: E402 - after its import was made possible
from gt521f32.interfaces import SerialInterface  # noqa: E402


def main(port: str, baud: int) -> None:
    """Open, describe, wait for the finger, capture, fetch; then leave as the package does."""
    reader = GT521F32.__new__(GT521F32)
    reader._port = port
    reader._cancel = threading.Event()
    reader._interface = SerialInterface(port=port)
    opened = reader.open()
    if baud != 9600:
        reader.change_baud_rate_and_reopen(baud)
    told = reader.module_info()
    reader.set_led(True)
    reader.wait_for_finger_press()
    captured = reader.capture(best_image=True)
    reader.set_led(False)
    image = reader.get_image()
    said = {"opened": opened, "size": told[4:6], "captured": captured}
    sys.stdout.buffer.write(json.dumps(said).encode() + b"\n" + image)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
