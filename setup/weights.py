"""A network's weight file read as numbers, without running anything that it says.

A `.pth` file of the older form is a row of pickles and then raw storage. This reader knows ordered
dictionaries, tensors and their storage, and refuses every other name.

Source of the form: PyTorch 1.5, `torch/serialization.py`, `_legacy_save` (BSD-3-Clause).
"""

from __future__ import annotations

import pickle
import struct
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
FILE_BYTES_MAX: Final = 16 << 20
_MAGIC: Final = 0x1950A86A20F9469CFC6C
_PREAMBLE: Final = 3
_WIDTHS: Final = {"FloatStorage": 4, "LongStorage": 8}


class Unfit(Exception):
    """The file is not what this reader knows. The message names what it met."""


@dataclass(frozen=True, slots=True)
class _Tensor:
    key: str
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


class _Reader(pickle.Unpickler):
    """Reads tensors' places and nothing else; notes each storage's kind and length."""

    def __init__(self, file: BinaryIO, storages: dict[str, tuple[str, int]]) -> None:
        super().__init__(file)
        self._storages = storages

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda key, offset, shape, stride, *_: _Tensor(
                key, offset, tuple(shape), tuple(stride)
            )
        if module == "torch" and name in _WIDTHS:
            return name
        raise Unfit(f"it asks for {module}.{name}")

    def persistent_load(self, pid: Any) -> str:
        if not (isinstance(pid, tuple) and len(pid) >= 5 and pid[1] in _WIDTHS):
            raise Unfit("a storage of an unknown kind")
        self._storages[str(pid[2])] = (pid[1], int(pid[4]))
        return str(pid[2])


def weights(path: Path) -> dict[str, Floats]:
    """Return the network's tensors by name.

    Raises:
        Unfit: the file is too large, damaged, or asks for anything but tensors.
        OSError: it cannot be read.
    """
    if path.stat().st_size > FILE_BYTES_MAX:
        raise Unfit(f"larger than {FILE_BYTES_MAX >> 20} MiB")
    storages: dict[str, tuple[str, int]] = {}
    with path.open("rb") as file:
        try:
            magic, *_ = [_Reader(file, storages).load() for _ in range(_PREAMBLE)]
            if magic != _MAGIC:
                raise Unfit("no weight file of this kind")
            tensors, keys = _Reader(file, storages).load(), _Reader(file, storages).load()
            raw = {str(key): _storage(file, *storages[str(key)]) for key in keys}
            return {
                name.removeprefix("module."): _tensor(raw[tensor.key], tensor)
                for name, tensor in tensors.items()
                if storages[tensor.key][0] == "FloatStorage"
            }
        except Unfit:
            raise
        except Exception as error:
            raise Unfit(f"damaged ({type(error).__name__})") from error


def _storage(file: BinaryIO, kind: str, count: int) -> bytes:
    (found,) = struct.unpack("<q", file.read(8))
    content = file.read(count * _WIDTHS[kind])
    if found != count or len(content) != count * _WIDTHS[kind]:
        raise Unfit("a storage of another length than announced")
    return content


def _tensor(content: bytes, tensor: _Tensor) -> Floats:
    dense = tuple(int(np.prod(tensor.shape[n + 1 :])) for n in range(len(tensor.shape)))
    if tensor.stride != dense:
        raise Unfit("a tensor that is not dense")
    count = int(np.prod(tensor.shape))
    values = np.frombuffer(content, "<f4", count, tensor.offset * 4)
    return np.asarray(values.reshape(tensor.shape), dtype=np.float32)
