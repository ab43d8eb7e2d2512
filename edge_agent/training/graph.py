"""Make an exported network cheaper to feed and to read, without changing what it says (extra `train`).

Two changes to a plain export, both proved against it before the result is written:

- **Bytes in.** The input becomes uint8, (1, height, width, 3), blue, green, red: what a camera gives, letterboxed. The
  division by 255 and the order of the channels go into the weights of the first convolution.
- **Best cells out.** The plain graph decodes a box for every cell (1,680 of them at 320 x 256), by a softmax over 64
  numbers each: a tenth of the whole network's time (ONNX Runtime's profile, CPU provider). Here the classes are looked
  at first, and boxes are decoded for the best cells alone. The layout stays `ultralytics_raw`; only its N is smaller.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from edge_agent.errors import BadModelPack
from edge_agent.formats.pack import OutputLayout, PackInput

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

KEPT_CELLS = 256
"""Cells whose boxes are decoded. On photographs of 370 trays (`models/canteen` version 2) at most 101 cells reached a
score of 0.05, 128 one of 0.02 and 163 one of 0.01, before suppression: what is cut off is below every threshold."""

STRIDES = (8, 16, 32)
"""The cells' sizes in pixels, in the order of the output (Ultralytics' detection heads)."""

BOX_SLACK_PX, SCORE_SLACK = 1e-2, 1e-4
"""By so much rounding may move a box (pixels) or a score; on photographs it is a hundredth of it."""

Array = npt.NDArray[Any]


def make_fast(plain: Path, target: Path, given: PackInput, output: OutputLayout) -> PackInput:
    """Write a plain export with bytes in and, for `ultralytics_raw`, the best cells out; prove that it says the same.

    Args:
        plain: an export of a detector with a float32 input.
        target: the file to write.
        given: the input of the plain export, as its manifest says.
        output: the layout of its output, as its manifest says.

    Returns:
        The input as the manifest of the new file must say it.

    Raises:
        BadModelPack: the graph has no such form, or the result would say something else.
    """
    import onnx

    model = onnx.load(plain)
    taken = take_bytes(model, given, path=plain)
    if output == "ultralytics_raw":
        keep_best_cells(model, given, path=plain)
    onnx.checker.check_model(model)
    written = model.SerializeToString()
    _prove_same(plain, written, given)
    target.write_bytes(written)
    return taken


def forget_origin(path: Path) -> None:
    """Remove what the exporter notes of its machine (paths, the hour): the same weights then give the same bytes."""
    import onnx

    model = onnx.load(path)
    kept = [each for each in model.metadata_props if each.key not in ("description", "date")]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    path.write_bytes(model.SerializeToString())


def take_bytes(model: ModelProto, given: PackInput, *, path: Path) -> PackInput:
    """Give the graph a uint8 NHWC BGR input, in place; returns the manifest's description of it.

    Raises:
        BadModelPack: the input is not float32 NCHW, or more than one convolution reads it.
    """
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    readers = [node for node in graph.node if graph.input[0].name in node.input]
    weights = next((w for w in graph.initializer if readers and w.name == readers[0].input[1]), None)
    if given.dtype != "float32" or given.layout != "nchw" or len(readers) != 1 or readers[0].op_type != "Conv":
        raise BadModelPack("its input is not read by a single convolution of floats; export it plainly", path=path)
    if weights is None:
        raise BadModelPack("its first convolution has no constant weights; export it plainly", path=path)
    kernel = numpy_helper.to_array(weights)
    if given.colour == "rgb":
        kernel = kernel[:, ::-1]
    if given.scale == "0-1":
        kernel = kernel / np.float32(255)
    weights.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(kernel, dtype=np.float32), weights.name))
    taken = given.model_copy(update={"colour": "bgr", "scale": "0-255", "layout": "nhwc", "dtype": "uint8"})
    name = graph.input[0].name
    del graph.input[:]
    graph.input.append(helper.make_tensor_value_info(name, TensorProto.UINT8, taken.shape))
    readers[0].input[0] = f"{name}_planes"
    into = [
        helper.make_node("Cast", [name], [f"{name}_floats"], name="as_floats", to=TensorProto.FLOAT),
        helper.make_node("Transpose", [f"{name}_floats"], [f"{name}_planes"], name="as_planes", perm=[0, 3, 1, 2]),
    ]
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend([*into, *rest])
    del graph.value_info[:]
    return taken


def keep_best_cells(model: ModelProto, given: PackInput, *, path: Path, cells: int = KEPT_CELLS) -> None:
    """Replace the head's decoding of every cell by one of the best cells, in place.

    As in Ultralytics' `Detect`: a side's distance from the cell's centre is the mean of a distribution over 0 to 15
    cells (Li et al. 2020, arXiv 2006.04388).

    Raises:
        BadModelPack: the end of the graph is not that of an Ultralytics export.
    """
    from onnx import helper

    graph = model.graph
    logits, distances = _head_of(graph, path)
    anchors, strides = _cells(given.width, given.height)
    if cells >= anchors.shape[1]:
        return
    output = graph.output[0]
    rows = output.type.tensor_type.shape.dim[1].dim_value
    tail = _tail(graph, logits, distances, output.name, (anchors, strides), cells)
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(output.name, output.type.tensor_type.elem_type, [1, rows, cells]))
    for node in [n for n in graph.node if output.name in n.output]:
        graph.node.remove(node)
    graph.node.extend(tail)
    del graph.value_info[:]
    _drop_unused(graph)


def _head_of(graph: GraphProto, path: Path) -> tuple[str, str]:
    """The names of the class logits (1, classes, cells) and of the distributions of distances (1, 64, cells)."""
    made_by = {name: node for node in graph.node for name in node.output}

    def back(name: str, *kinds: str) -> NodeProto:
        node = made_by.get(name)
        if node is None or node.op_type != kinds[0]:
            found = "nothing" if node is None else node.op_type
            said = f"the end of the graph is not that of an Ultralytics export: {kinds[0]} expected, {found} found"
            raise BadModelPack(said, path=path)
        return node if len(kinds) == 1 else back(node.input[0], *kinds[1:])

    end = back(graph.output[0].name, "Concat")
    sigmoid = back(end.input[1], "Sigmoid")
    back(end.input[0], "Mul")
    softmax = next((node for node in graph.node if node.op_type == "Softmax" and "/dfl/" in node.name), None)
    if softmax is None:
        raise BadModelPack("the graph has no distribution of distances (DFL); is it a YOLO26?", path=path)
    reshape = back(softmax.input[0], "Transpose", "Reshape")
    return sigmoid.input[0], reshape.input[0]


def _tail(
    graph: GraphProto, logits: str, distances: str, output: str, grid: tuple[Array, Array], cells: int
) -> list[NodeProto]:
    """Nodes from the head's two tensors to the output; their constants are added to the graph."""
    from onnx import helper, numpy_helper

    anchors, strides = grid
    bins = 16
    constants: dict[str, Array] = {
        "best_count": np.array([cells], dtype=np.int64),
        "best_bins": np.array([4 * cells, bins], dtype=np.int64),
        "best_steps": np.arange(bins, dtype=np.float32).reshape(bins, 1),
        "best_sides": np.array([1, cells, 4], dtype=np.int64),
        "best_two": np.array([2, 2], dtype=np.int64),
        "best_half": np.array(0.5, dtype=np.float32),
        "best_anchors": anchors[None],
        "best_strides": strides[None, None],
    }
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())

    def node(kind: str, inputs: list[str], outputs: list[str], **attributes: Any) -> NodeProto:
        made: NodeProto = helper.make_node(kind, inputs, outputs, name=f"best/{outputs[-1]}", **attributes)
        return made

    return [
        node("ReduceMax", [logits], ["best_score"], axes=[0, 1], keepdims=0),
        node("TopK", ["best_score", "best_count"], ["best_value", "best_index"], axis=0, largest=1, sorted=1),
        node("Gather", [logits, "best_index"], ["best_logits"], axis=2),
        node("Sigmoid", ["best_logits"], ["best_scores"]),
        # Rows are gathered in one piece each; columns, number by number, took four times as long.
        node("Transpose", [distances], ["best_rows"], perm=[0, 2, 1]),
        node("Gather", ["best_rows", "best_index"], ["best_distances"], axis=1),
        node("Reshape", ["best_distances", "best_bins"], ["best_binned"]),
        node("Softmax", ["best_binned"], ["best_shares"], axis=1),
        node("MatMul", ["best_shares", "best_steps"], ["best_means"]),
        node("Reshape", ["best_means", "best_sides"], ["best_reach_rows"]),
        node("Transpose", ["best_reach_rows"], ["best_reach"], perm=[0, 2, 1]),
        node("Split", ["best_reach", "best_two"], ["best_before", "best_after"], axis=1),
        node("Gather", ["best_anchors", "best_index"], ["best_centres"], axis=2),
        node("Gather", ["best_strides", "best_index"], ["best_sizes"], axis=2),
        node("Sub", ["best_centres", "best_before"], ["best_first"]),
        node("Add", ["best_centres", "best_after"], ["best_last"]),
        node("Add", ["best_first", "best_last"], ["best_sum"]),
        node("Mul", ["best_sum", "best_half"], ["best_middle"]),
        node("Sub", ["best_last", "best_first"], ["best_extent"]),
        node("Concat", ["best_middle", "best_extent"], ["best_boxes"], axis=1),
        node("Mul", ["best_boxes", "best_sizes"], ["best_pixels"]),
        node("Concat", ["best_pixels", "best_scores"], [output], axis=1),
    ]


def _cells(width: int, height: int) -> tuple[Array, Array]:
    """The cells' centres (2, n), x and y in cells, and their sizes (n,) in pixels."""
    centres, sizes = [], []
    for stride in STRIDES:
        rows, columns = np.divmod(np.arange((height // stride) * (width // stride)), width // stride)
        centres.append(np.stack((columns, rows)) + 0.5)
        sizes.append(np.full(rows.size, stride))
    return np.concatenate(centres, axis=1).astype(np.float32), np.concatenate(sizes).astype(np.float32)


def _drop_unused(graph: GraphProto) -> None:
    """Remove nodes and constants that no output needs."""
    needed = {output.name for output in graph.output}
    kept = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            kept.append(node)
    del graph.node[:]
    graph.node.extend(reversed(kept))
    constants = [constant for constant in graph.initializer if constant.name in needed]
    del graph.initializer[:]
    graph.initializer.extend(constants)


def _prove_same(plain: Path, fast: bytes, given: PackInput) -> None:
    """Run both graphs on noise and on an even grey: what the fast one says must be what the plain one says."""
    import onnxruntime

    before = onnxruntime.InferenceSession(str(plain), providers=["CPUExecutionProvider"])
    after = onnxruntime.InferenceSession(fast, providers=["CPUExecutionProvider"])
    noise = np.random.default_rng(0)
    for low, high in ((0, 256), (100, 130), (114, 115)):
        picture = noise.integers(low, high, (1, given.height, given.width, 3), dtype=np.uint8)
        floats = picture.astype(np.float32) / (255 if given.scale == "0-1" else 1)
        planes = (floats[..., ::-1] if given.colour == "rgb" else floats).transpose(0, 3, 1, 2)
        [wanted] = before.run(None, {before.get_inputs()[0].name: np.ascontiguousarray(planes)})
        [found] = after.run(None, {after.get_inputs()[0].name: picture})
        if not _is_same(wanted[0], found[0]):
            raise BadModelPack("the faster graph would say something else than the plain one", path=plain)


def _is_same(wanted: Array, found: Array) -> bool:
    """Whether the outputs agree; where the second has fewer columns, whether they are the best ones of the first.

    Which of several cells of one score come first, and which are the last ones kept, is open: a network that has
    learned little gives hundreds of cells the very same one. One cell in a hundred may differ by rounding.
    """
    if wanted.shape == found.shape:
        return bool(np.allclose(wanted, found, rtol=1e-3, atol=BOX_SLACK_PX))
    best_wanted, best_found = wanted[4:].max(axis=0), found[4:].max(axis=0)
    kept = np.sort(best_wanted)[::-1][: found.shape[1]]
    is_best = np.abs(np.sort(best_found)[::-1] - kept) <= SCORE_SLACK
    slack = np.full((len(wanted), 1), SCORE_SLACK)
    slack[:4] = BOX_SLACK_PX
    of_the_best = wanted[:, best_wanted >= kept[-1] - SCORE_SLACK]
    nearest = np.abs((of_the_best / slack).T[:, None] - (found / slack).T[None]).max(axis=2).min(axis=0)
    return bool(min(is_best.mean(), (nearest <= 1.0).mean()) >= 0.99)  # noqa: PLR2004
