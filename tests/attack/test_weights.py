"""A weight file is read as numbers; whatever else it asks for is refused."""

from __future__ import annotations

import io
import pickle
import struct
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setup.weights import Unfit, weights

MAGIC = 0x1950A86A20F9469CFC6C


def torch_file(tensors, asked=("torch._utils", "_rebuild_tensor_v2"), storage="FloatStorage"):
    """Return the bytes of a weight file with these arrays, written by hand opcode by opcode."""
    out = io.BytesIO()
    for part in (MAGIC, 1001, {"little_endian": True}):
        pickle.dump(part, out, protocol=2)
    out.write(b"\x80\x02ccollections\nOrderedDict\n)R(")
    for name, array in tensors.items():
        out.write(_text(name) + f"c{asked[0]}\n{asked[1]}\n".encode() + b"(")
        out.write(b"(" + _text("storage") + f"ctorch\n{storage}\n".encode())
        out.write(_text(name) + _text("cpu") + _number(array.size) + b"NtQ")
        out.write(_number(0) + _tuple(array.shape))
        out.write(_tuple([int(np.prod(array.shape[n + 1 :])) for n in range(array.ndim)]))
        out.write(b"\x89" + b"ccollections\nOrderedDict\n)R" + b"tR")
    out.write(b"u.")
    pickle.dump(list(tensors), out, protocol=2)
    for array in tensors.values():
        out.write(struct.pack("<q", array.size) + array.astype("<f4").tobytes())
    return out.getvalue()


def _text(text: str) -> bytes:
    return b"X" + struct.pack("<I", len(text)) + text.encode()


def _number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def _tuple(values) -> bytes:
    return b"(" + b"".join(map(_number, values)) + b"t"


ARRAYS = OrderedDict(
    {
        "module.conv1.conv.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2),
        "module.conv1.bn.bias": np.array([1.5, -2.0], np.float32),
    }
)


def test_tensors_come_out_as_they_went_in(tmp_path):
    """Names lose the trainer's prefix; shapes and values stay."""
    file = tmp_path / "net.pth"
    file.write_bytes(torch_file(ARRAYS))
    found = weights(file)

    assert list(found) == ["conv1.conv.weight", "conv1.bn.bias"]
    assert all(np.array_equal(found[n.removeprefix("module.")], a) for n, a in ARRAYS.items())


@pytest.mark.parametrize(
    "asked",
    [("os", "system"), ("builtins", "eval"), ("torch._utils", "_rebuild_qtensor"),
     ("collections", "Counter"), ("torch", "load")],
    ids="-".join,
)  # fmt: skip
def test_a_file_that_asks_for_anything_else_is_refused_and_nothing_runs(tmp_path, asked):
    """The name is said, the function is not even looked up."""
    file = tmp_path / "net.pth"
    file.write_bytes(torch_file(ARRAYS, asked))
    with pytest.raises(Unfit, match=asked[1]):
        weights(file)


@given(st.data())
def test_a_damaged_file_is_refused_in_words(tmp_path_factory, data):
    """Cut or changed anywhere: `Unfit`, or numbers; never another error."""
    content = bytearray(torch_file(ARRAYS))
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    file = tmp_path_factory.getbasetemp() / "damaged.pth"
    file.write_bytes(content)
    try:
        found = weights(file)
    except Unfit:
        return
    assert all(array.dtype == np.float32 for array in found.values())


def test_an_endless_file_is_not_read(tmp_path):
    """Sixteen MiB are four times what such a network needs."""
    file = tmp_path / "net.pth"
    with file.open("wb") as handle:
        handle.truncate(1 << 30)
    with pytest.raises(Unfit, match="MiB"):
        weights(file)
