"""Run by the environment that holds `iso19794`: print what it reads out of a record on stdin."""

import hashlib
import io
import json
import sys

import iso19794  # noqa: F401 - importing it teaches Pillow the format
from PIL import Image

image = Image.open(io.BytesIO(sys.stdin.buffer.read()))
header = image.header
said = {
    "size": image.size,
    "pixels": hashlib.sha256(image.tobytes()).hexdigest(),
    "position": header["position"],
    "compression": header["image_compression_algo"],
    "impression": header["impression_type"],
    "units": header["scale_units"],
    "ppi": header["horizontal_image_sampling_rate"],
    "at": header["capture_datetime"].isoformat(),
    "quality": [
        [q.score, q.algo_vendor_id.hex(), q.algo_id.hex()] for q in header["quality_records"]
    ],
}
json.dump(said, sys.stdout)
