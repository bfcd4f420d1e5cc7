"""Turn MiniFASNet weight files into ONNX, without running anything that a file says.

`python -m setup.attack_models WEIGHTS... --to FOLDER`, once, by an operator who may use them; the
station ships none. Batch normalisation is folded into the convolutions: what runs at the station
is convolution, PReLU, sum and softmax alone.

Source of the network's form: minivision-ai, Silent-Face-Anti-Spoofing, Apache-2.0.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from setup.weights import Floats, Unfit, weights

SIDE_PX: Final = 80
CLASSES: Final = 3
_BN_EPSILON: Final = 1e-5
_OPSET: Final = 13
_IR: Final = 8


@dataclass
class _Graph:
    """The ONNX graph as it grows: `top` is the name of the last value."""

    tensors: Mapping[str, Floats]
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)
    top: str = "picture"

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, [self.top, *inputs], [name], **attributes))
        self.top = name
        return name

    def constant(self, values: npt.NDArray[Any]) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def convolution(self, kernel_name: str, bn: str, *, stride: int = 1, pad: int = 0) -> None:
        """Add a convolution with its batch normalisation folded in."""
        kernel = self.tensors[f"{kernel_name}.weight"]
        scale, shift = self._normalisation(bn)
        whole = self.constant(kernel * scale.reshape(-1, 1, 1, 1))
        groups = 1 if kernel.shape[1] > 1 or kernel.shape[0] == 1 else kernel.shape[0]
        self.add(
            "Conv", whole, self.constant(shift),
            kernel_shape=kernel.shape[2:], strides=[stride] * 2, pads=[pad] * 4, group=groups,
        )  # fmt: skip

    def _normalisation(self, bn: str) -> tuple[Floats, Floats]:
        weight, bias, mean, variance = (
            self.tensors[f"{bn}.{part}"]
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = weight / np.sqrt(variance + _BN_EPSILON)
        return np.asarray(scale, np.float32), np.asarray(bias - mean * scale, np.float32)

    def prelu(self, name: str) -> None:
        self.add("PRelu", self.constant(self.tensors[f"{name}.weight"].reshape(-1, 1, 1)))

    def block(self, name: str, *, stride: int = 1) -> None:
        """Add convolution, normalisation and, where the file has one, PReLU."""
        pad = self.tensors[f"{name}.conv.weight"].shape[-1] // 2
        self.convolution(f"{name}.conv", f"{name}.bn", stride=stride, pad=pad)
        if f"{name}.prelu.weight" in self.tensors:
            self.prelu(f"{name}.prelu")

    def depthwise(self, name: str, *, stride: int = 1, residual: bool = False) -> None:
        before = self.top
        self.block(f"{name}.conv")
        self.block(f"{name}.conv_dw", stride=stride)
        self.block(f"{name}.project")
        if f"{name}.se_module.fc1.weight" in self.tensors:
            self._attend(f"{name}.se_module")
        if residual:
            self.add("Add", before)

    def _attend(self, name: str) -> None:
        whole = self.top
        self.add("GlobalAveragePool")
        self.convolution(f"{name}.fc1", f"{name}.bn1")
        self.add("Relu")
        self.convolution(f"{name}.fc2", f"{name}.bn2")
        self.add("Sigmoid")
        self.add("Mul", whole)

    def classify(self) -> None:
        """Add the last 5 x 5 block, both linear layers and the softmax."""
        self.convolution("conv_6_dw.conv", "conv_6_dw.bn")
        self.add("Flatten", axis=1)
        scale, shift = self._normalisation("bn")
        self.add("MatMul", self.constant((self.tensors["linear.weight"] * scale[:, None]).T))
        self.add("Add", self.constant(shift))
        self.add("MatMul", self.constant(self.tensors["prob.weight"].T))
        self.add("Softmax", axis=1)


def network(tensors: Mapping[str, Floats]) -> onnx.ModelProto:
    """Return the network: (1, 3, 80, 80) BGR 0..255 to (1, 3) shares; class 1 is a live face.

    Raises:
        Unfit: the tensors are of another network.
    """
    graph = _Graph(tensors)
    try:
        graph.block("conv1", stride=2)
        graph.block("conv2_dw")
        for stage, chain in (("conv_23", "conv_3"), ("conv_34", "conv_4"), ("conv_45", "conv_5")):
            graph.depthwise(stage, stride=2)
            for n in range(_links(tensors, chain)):
                graph.depthwise(f"{chain}.model.{n}", residual=True)
        graph.block("conv_6_sep")
        graph.classify()
    except KeyError as missing:
        raise Unfit(f"no tensor {missing}") from None
    picture = helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, SIDE_PX, SIDE_PX])
    shares = helper.make_tensor_value_info(graph.top, TensorProto.FLOAT, [1, CLASSES])
    model = helper.make_model(
        helper.make_graph(graph.nodes, "minifasnet", [picture], [shares], graph.constants),
        opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR,
    )  # fmt: skip
    onnx.checker.check_model(model)
    return model


def _links(tensors: Mapping[str, Floats], chain: str) -> int:
    found = {int(m[1]) for name in tensors if (m := re.match(rf"{chain}\.model\.(\d+)\.", name))}
    return len(found)


def main() -> int:
    """Convert what the command line names; return the exit status."""
    asked = argparse.ArgumentParser(description="MiniFASNet weights (.pth) to ONNX")
    asked.add_argument("weights", nargs="+", type=Path)
    asked.add_argument("--to", required=True, type=Path, help="folder for the .onnx files")
    given = asked.parse_args()
    given.to.mkdir(parents=True, exist_ok=True)
    for path in given.weights:
        try:
            onnx.save(network(weights(path)), given.to / f"{path.stem}.onnx")
        except (Unfit, OSError) as reason:
            print(f"{path}: {reason}.", file=sys.stderr)  # noqa: T201 - a command line
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
