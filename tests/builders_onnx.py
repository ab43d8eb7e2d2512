"""Tiny ONNX networks and model packs whose output is written into the graph: what they see is known exactly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from edge_agent.formats.pack import MANIFEST_NAME, OutputLayout, PackFile, PackManifest, sha256_of, write_manifest

Array = npt.NDArray[np.float32]
SIDE_PX = 64
ANCHORS = 64 + 16 + 4  # the cells of strides 8, 16 and 32 in 64 x 64 pixels
CLASSES = ("plate", "bread", "hand")

Row = tuple[float, float, float, float, float, int]
"""left, top, right, bottom in input pixels, score, class index."""


def raw_output(rows: Sequence[Row], *, classes: int = len(CLASSES)) -> Array:
    """An output of layout `ultralytics_raw` that holds these rows and otherwise nothing."""
    output = np.zeros((1, 4 + classes, ANCHORS), dtype=np.float32)
    for place, (left, top, right, bottom, score, index) in enumerate(rows):
        output[0, :4, place] = ((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)
        output[0, 4 + index, place] = score
    return output


def end_to_end_output(rows: Sequence[Row], *, slots: int = 20) -> Array:
    """An output of layout `end_to_end` that holds these rows and otherwise nothing."""
    output = np.zeros((1, slots, 6), dtype=np.float32)
    for place, row in enumerate(rows):
        output[0, place] = row
    return output


def yolox_output(rows: Sequence[Row], *, classes: int = len(CLASSES), stride: int = 8) -> Array:
    """An output of layout `yolox_grid`: each row in the cell of `stride` that holds its centre (one row per cell)."""
    output = np.zeros((1, ANCHORS, 5 + classes), dtype=np.float32)
    first = {8: 0, 16: 64, 32: 80}[stride]
    for left, top, right, bottom, score, index in rows:
        x, y = (left + right) / 2 / stride, (top + bottom) / 2 / stride
        cell = first + int(y) * (SIDE_PX // stride) + int(x)
        width, height = np.log((right - left) / stride), np.log((bottom - top) / stride)
        output[0, cell, :5] = (x - int(x), y - int(y), width, height, 1.0)
        output[0, cell, 5 + index] = score
    return output


OUTPUTS: Mapping[str, Callable[[Sequence[Row]], Array]] = {
    "ultralytics_raw": raw_output,
    "end_to_end": end_to_end_output,
    "yolox_grid": yolox_output,
}


def constant_model(
    output: npt.NDArray[Any],
    *,
    input_shape: Sequence[int | str] = (1, 3, SIDE_PX, SIDE_PX),
    input_type: int = TensorProto.FLOAT,
    output_shape: Sequence[int | str] | None = None,
    outputs: int = 1,
) -> bytes:
    """A network that answers every picture with `output`; `output_shape` is what the file claims it to be."""
    claimed = output.shape if output_shape is None else output_shape
    names = [f"output{number}" for number in range(outputs)]
    value = numpy_helper.from_array(output.astype(np.float32))
    graph = helper.make_graph(
        [helper.make_node("Constant", [], [name], value=value) for name in names],
        "constant",
        [helper.make_tensor_value_info("images", input_type, input_shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, claimed) for name in names],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def manifest(layout: OutputLayout, *, sha256: str = "0" * 64, **changes: Any) -> PackManifest:
    """A manifest for 64 x 64 pixels and `CLASSES`; `changes` by the names that stand in the file."""
    fields: dict[str, Any] = {
        "schema": 1,
        "name": "tiny",
        "version": "1",
        "classes": CLASSES,
        "occluders": ("hand",),
        "input": {"width": SIDE_PX, "height": SIDE_PX},
        "output": layout,
        "files": {"fp32": PackFile(file="model.onnx", sha256=sha256)},
    }
    return PackManifest.model_validate(fields | changes)


def write_pack(folder: Path, model: bytes, layout: OutputLayout, **changes: Any) -> Path:
    """Write a pack of that network; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "model.onnx"
    path.write_bytes(model)
    write_manifest(manifest(layout, sha256=sha256_of(path), **changes), folder / MANIFEST_NAME)
    return folder
