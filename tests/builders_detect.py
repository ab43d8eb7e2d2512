"""A tiny network of the form of an Ultralytics export: real convolutions, a Detect head, random but fixed weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

BINS = 16


class _Graph:
    """Nodes and constants under construction."""

    def __init__(self, seed: int) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.numbers = np.random.default_rng(seed)

    def constant(self, name: str, value: npt.NDArray[Any]) -> str:
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=f"/{output}", **attributes))
        return output

    def conv(self, name: str, source: str, channels: tuple[int, int], *, side: int = 1, stride: int = 1) -> str:
        given, made = channels
        weights = self.numbers.normal(0, 1 / np.sqrt(given * side * side), (made, given, side, side))
        inputs = [source, self.constant(f"{name}.weight", weights.astype(np.float32))]
        pads, strides = [side // 2] * 4, [stride, stride]
        return self.node("Conv", inputs, f"{name}/Conv", kernel_shape=[side, side], pads=pads, strides=strides)

    def block(self, name: str, source: str, channels: tuple[int, int], *, stride: int = 1) -> str:
        """A convolution with SiLU, as Ultralytics exports it."""
        conv = self.conv(f"{name}/conv", source, channels, side=3, stride=stride)
        sigmoid = self.node("Sigmoid", [conv], f"{name}/act/Sigmoid")
        return self.node("Mul", [conv, sigmoid], f"{name}/act/Mul")


def detect_export(*, side_px: int = 64, classes: int = 3, seed: int = 7) -> bytes:
    """A plain export: input (1, 3, side, side) float32, RGB, 0 to 1; output (1, 4 + classes, cells)."""
    g = _Graph(seed)
    features, channels = "images", 3
    distances: list[str] = []
    logits: list[str] = []
    counts: list[int] = []
    for level, stride in enumerate((2, 4, 8, 16, 32)):
        features = g.block(f"model.{level}", features, (channels, 8), stride=2)
        channels = 8
        if stride < 8:
            continue
        cells = (side_px // stride) ** 2
        counts.append(cells)
        scale = level - 2
        wide = g.block(f"model.9/cv2.{scale}/cv2.{scale}.0", features, (8, 8))
        box = g.conv(f"model.9/cv2.{scale}/cv2.{scale}.2", wide, (8, 4 * BINS))
        score = g.block(f"model.9/cv3.{scale}/cv3.{scale}.0", features, (8, 8))
        named = g.conv(f"model.9/cv3.{scale}/cv3.{scale}.2", score, (8, classes))
        for source, rows, into in ((box, 4 * BINS, distances), (named, classes, logits)):
            shape = g.constant(f"shape_{source}", np.array([1, rows, cells], dtype=np.int64))
            into.append(g.node("Reshape", [source, shape], f"{source}/Reshape"))
    _decode(g, distances, logits, side_px)
    total = sum(counts)
    graph = helper.make_graph(
        g.nodes,
        "detect",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, side_px, side_px])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, 4 + classes, total])],
        g.constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"description": "trained on /home/somebody/data.yaml", "task": "detect"})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _decode(g: _Graph, distances: list[str], logits: list[str], side_px: int) -> None:
    """Every cell's box: the softmax over distances, as in Ultralytics' Detect and DFL."""
    anchors, strides = [], []
    for stride in (8, 16, 32):
        rows, columns = np.divmod(np.arange((side_px // stride) ** 2), side_px // stride)
        anchors.append(np.stack((columns, rows)) + 0.5)
        strides.append(np.full(rows.size, stride))
    centres = np.concatenate(anchors, axis=1).astype(np.float32)[None]
    sizes = np.concatenate(strides).astype(np.float32)[None, None]
    total = sizes.size
    boxes = g.node("Concat", distances, "model.9/Concat", axis=2)
    binned = g.constant("shape_bins", np.array([1, 4, BINS, total], dtype=np.int64))
    reshaped = g.node("Reshape", [boxes, binned], "model.9/dfl/Reshape")
    turned = g.node("Transpose", [reshaped], "model.9/dfl/Transpose", perm=[0, 2, 1, 3])
    shares = g.node("Softmax", [turned], "model.9/dfl/Softmax", axis=1)
    steps = g.constant("dfl.weight", np.arange(BINS, dtype=np.float32).reshape(1, BINS, 1, 1))
    means = g.node("Conv", [shares, steps], "model.9/dfl/conv/Conv", kernel_shape=[1, 1])
    sides = g.constant("shape_sides", np.array([1, 4, total], dtype=np.int64))
    reach = g.node("Reshape", [means, sides], "model.9/dfl/Reshape_1")
    two = g.constant("two", np.array([2, 2], dtype=np.int64))
    g.nodes.append(helper.make_node("Split", [reach, two], ["before", "after"], name="/split", axis=1))
    middle = g.constant("anchors", centres)
    first = g.node("Sub", [middle, "before"], "model.9/Sub")
    last = g.node("Add", [middle, "after"], "model.9/Add_1")
    both = g.node("Add", [first, last], "model.9/Add_2")
    centre = g.node("Div", [both, g.constant("half", np.array(2, dtype=np.float32))], "model.9/Div_1")
    extent = g.node("Sub", [last, first], "model.9/Sub_1")
    joined = g.node("Concat", [centre, extent], "model.9/Concat_2", axis=1)
    pixels = g.node("Mul", [joined, g.constant("strides", sizes)], "model.9/Mul_2")
    scores = g.node("Sigmoid", [g.node("Concat", logits, "model.9/Concat_1", axis=2)], "model.9/Sigmoid")
    g.node("Concat", [pixels, scores], "output0", axis=1)
