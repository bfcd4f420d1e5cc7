"""One whole finger: from its landing on the simulated glass to the verdict of our own score."""

from __future__ import annotations

import sys
import time
from typing import Final

from bench import CannotRun
from bench.other_end import other_end
from drivers.fingerprint import FingerImage
from drivers.peers.presses import RIGHT_THUMB
from drivers.peers.synthetic_prints import grow, press
from drivers.peers.zfm import ZfmPeer
from drivers.readers.zfm import Config, open_reader
from drivers.zfm_packets import pack_4bit, stream_line_bytes, unpack_4bit
from edge.fingers.judge import PressJudge

WIDTH_PX: Final = 256
HEIGHT_PX: Final = 288
PACKET_BYTES: Final = 256
BAUD: Final = 115200
ACCEPT_SCORE: Final = 45
LANDS_AFTER_S: Final = 0.33
"""Not a multiple of the poll's pause: a finger lands whenever it lands."""

LINE_S: Final = stream_line_bytes(WIDTH_PX * HEIGHT_PX // 2, PACKET_BYTES) * 10 / BAUD


def seconds_over_line(presses: int) -> list[float]:
    """Return what each whole good press took beyond the line's own time for its image.

    Raises:
        CannotRun: the driver brought no image, or the print was not accepted.
    """
    judge = PressJudge(None, ACCEPT_SCORE)
    took = []
    expected = unpack_4bit(pack_4bit(_print()))
    with other_end(__name__, "serve_glass()") as (port, child_input, child_output):
        reader = open_reader(
            Config(
                port=port, model="bench", width_px=WIDTH_PX, height_px=HEIGHT_PX,
                resolution_ppi=500, baud=BAUD, packet_bytes=PACKET_BYTES,
            )
        )  # fmt: skip
        try:
            for number in range(presses):
                # A third of the poll's pause later each time, so that no phase is favoured.
                child_input.write(f"{LANDS_AFTER_S + number * 0.05}\n")
                child_input.flush()
                child_output.readline()
                image = reader.capture(30.0, lambda *_: None)
                if not isinstance(image, FingerImage) or image.pixels != expected:
                    raise CannotRun("our own driver brought another picture than lies there")
                judged = judge.judge(image, (), {}).result()
                ended_s = time.monotonic()
                if judged.score is None or judged.cause is not None:
                    raise CannotRun(f"the good print was not accepted: {judged.cause}")
                took.append(ended_s - float(child_output.readline()) - LINE_S)
        finally:
            reader.close()
            judge.close()
    return took


def serve_glass() -> None:
    """Be the module; for each line of input clear the glass, and lay the print on it so much later.

    Writes the port's path; then, for each press, a line when the glass is clear and the time on
    the machine's monotonic clock at which the print lay there.
    """
    with ZfmPeer(baud=BAUD, packet_bytes=PACKET_BYTES, throttled=True) as peer:
        pixels = _print()
        print(peer.port, flush=True)
        for line in sys.stdin:
            peer.lift()
            print("clear", flush=True)
            time.sleep(float(line))
            landed_s = time.monotonic()
            peer.put(pixels)
            print(landed_s, flush=True)


def _print() -> bytes:
    return press(grow(RIGHT_THUMB, WIDTH_PX, HEIGHT_PX), 1).tobytes()
