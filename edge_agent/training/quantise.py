"""Quantise a pack's network to 8 bits: static, per channel, QDQ, calibrated on photographs (extra `train`).

Kept in float, because they lose most and cost least: the first convolution, the branch of the head that scores classes
(its depthwise convolutions are no faster in bytes), the last convolutions of the other branch, all that makes boxes and
scores of them, and the products of attention.

There are two ways to place the quantisers. `int8` has them everywhere, so that ONNX Runtime's own CPU provider can
stay in bytes from one convolution to the next; `int8_convs` only before convolutions, so that OpenVINO can fuse each of
them with the activation behind it. Each is slow in the other's hands: `edge-agent tune` measures which is faster.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from edge_agent.errors import BadModelPack
from edge_agent.formats.pack import (
    MANIFEST_NAME,
    PackManifest,
    Precision,
    PrecisionGate,
    Provider,
    RefusedForm,
    load_manifest,
    sha256_of,
    write_manifest,
)
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.training.copied import CopiedNetwork
from edge_agent.training.export import drop_stale, revise_pack
from edge_agent.training.provenance import COPY

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

PLACEMENTS: tuple[Precision, ...] = ("int8", "int8_convs")

CLASS_BRANCH = "/cv3."
"""What the names of its nodes hold in Ultralytics' exports: a list of branches, one per size of cells."""

Prepare = Callable[[Path], npt.NDArray[Any]]
"""The network's input for a photograph, as the manifest says."""

BYTES_TYPES = ("Add", "Concat", "Conv", "MaxPool", "Mul", "Relu", "Resize", "Sigmoid", "Split")
"""What ONNX Runtime computes in bytes, of all that these networks are made of."""


def quantise_pack(
    folder: Path,
    photographs: Sequence[Path],
    prepare: Prepare,
    *,
    held_out: Sequence[TrayBlock] = (),
    copied: CopiedNetwork | None = None,
) -> PackManifest:
    """Add the quantised files to a pack whose fp32 file is there; their gates are still to be held.

    They are made of the network of a faster copy where one is given, else of the pack's own.

    Raises:
        BadModelPack: the pack has no fp32 file, or one that is not understood.
        BadRecording: a photograph does not read.
    """
    manifest = load_manifest(folder / MANIFEST_NAME)
    if "fp32" not in manifest.files:
        raise BadModelPack("the pack has no fp32 file to quantise", path=folder)
    if not photographs:
        raise BadModelPack("without a photograph nothing can be calibrated", path=folder)
    inputs = [prepare(path) for path in photographs]
    digest = hashlib.sha256()
    for each in inputs:
        digest.update(each.tobytes())
    told = {
        "method": "static QDQ, per channel, averaged min-max",
        "photographs": len(inputs),
        "inputs_sha256": digest.hexdigest(),
        "held_out": [str(block) for block in held_out],
        **({} if copied is None else {COPY: copied.account}),
    }
    network = folder / manifest.files["fp32"].file if copied is None else copied.path
    entries = manifest.model_dump(mode="json", by_alias=True, exclude_none=True)["files"]
    # Nothing is to be made for it; whether it keeps the score has to be seen on a CPU that has it (models judge).
    entries["bf16"] = {"file": manifest.files["fp32"].file, "sha256": manifest.files["fp32"].sha256}
    for precision in PLACEMENTS:
        target = folder / f"model.{precision}.onnx"
        quantise(network, target, inputs, precision)
        entries[precision] = {"file": target.name, "sha256": sha256_of(target), "quantised": told}
    return revise_pack(folder, {"files": entries, "refused": {}})


def keep_passed(folder: Path, gates: Mapping[Precision, PrecisionGate]) -> PackManifest:
    """Write the verdicts of the gates into a pack, and take the files that did not pass out of it."""
    manifest = load_manifest(folder / MANIFEST_NAME)
    kept, refused = {}, {}
    for precision, file in manifest.files.items():
        entry = file.model_dump(mode="json", exclude_none=True)
        gate = gates.get(precision)
        if gate is not None:
            entry["gate"] = gate.model_dump(mode="json")
        if gate is None or gate.passed:
            kept[precision] = entry
        else:
            refused[precision] = {key: value for key, value in entry.items() if key in RefusedForm.model_fields}
    # First the manifest: a file that nothing names does no harm, a name without its file does.
    revised = revise_pack(folder, {"files": kept, "refused": refused})
    drop_stale(folder, manifest, revised)
    return revised


def take_forms(folder: Path, draft: Path) -> PackManifest:
    """Put the 8-bit files of a draft, and its manifest, into the pack of which it was a copy.

    Cut off halfway, the pack still runs in fp32: nothing names the files that are being written.
    """
    had, made = load_manifest(folder / MANIFEST_NAME), load_manifest(draft / MANIFEST_NAME)
    entries = had.model_dump(mode="json", by_alias=True, exclude_none=True)["files"]
    revise_pack(folder, {"files": {name: each for name, each in entries.items() if name not in PLACEMENTS}})
    for precision in PLACEMENTS:
        if precision in made.files:
            shutil.copyfile(draft / made.files[precision].file, folder / made.files[precision].file)
    write_manifest(made, folder / MANIFEST_NAME)
    drop_stale(folder, had, made)
    return made


def note_gates(folder: Path, provider: Provider, gates: Mapping[Precision, PrecisionGate]) -> PackManifest:
    """Write into a pack what the gates said of its forms on a provider.

    On the CPU's own that takes the place of the gate that was held where the forms were made. A gate that was held on
    the other kind of CPU stays where it tells more: what passed where sums of bytes are cut off, or exactly, is not
    forgotten because of the other.
    """
    manifest = load_manifest(folder / MANIFEST_NAME)
    files = {}
    for precision, file in manifest.files.items():
        entry = file.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
        gate, before = gates.get(precision), file.gate_on(provider)
        if gate is not None and (before is None or _tells_more(gate, before)):
            told = gate.model_dump(mode="json")
            entry |= (
                {"gate": told} if provider == "cpu" else {"gates_on": {**entry.get("gates_on", {}), provider: told}}
            )
        files[precision] = entry
    return revise_pack(folder, {"files": files})


def _tells_more(gate: PrecisionGate, before: PrecisionGate) -> bool:
    """Whether a gate takes the place of an earlier one, which may have been held on the other kind of CPU.

    A form is offered where sums are exact by a gate of either kind, and where they are cut off only by one of that
    kind: so a failure there takes nothing from the first, and a success on the first proves nothing new.
    """
    if gate.bytes_saturated == before.bytes_saturated:
        return True
    if gate.bytes_saturated:
        return gate.passed == before.passed
    return not (gate.passed and before.passed)


def quantise(source: Path, target: Path, inputs: Iterable[npt.NDArray[Any]], precision: Precision) -> None:
    """Write a quantised form of an fp32 network.

    Args:
        source: a graph that `graph.make_fast` made.
        target: the file to write.
        inputs: calibration inputs, as the graph takes them.
        precision: where the quantisers stand, one of PLACEMENTS.
    """
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    model = onnx.load(source)
    name = model.graph.input[0].name

    class Reader(CalibrationDataReader):  # type: ignore[misc]  # the library has no types
        """Feeds the inputs one by one."""

        def __init__(self) -> None:
            self._left = iter(inputs)

        def get_next(self) -> dict[str, npt.NDArray[Any]] | None:
            found = next(self._left, None)
            return None if found is None else {name: found}

    # Averaged over the photographs: one glaring lamp then does not coarsen every step of a layer.
    options: dict[str, Any] = {"CalibMovingAverage": True}
    if precision == "int8_convs":
        options["OpTypesToExcludeOutputQuantization"] = ["Conv"]
    with tempfile.TemporaryDirectory() as folder:
        inferred = Path(folder) / "inferred.onnx"
        quant_pre_process(str(source), str(inferred), skip_optimization=True, skip_symbolic_shape=True)
        quantize_static(
            str(inferred),
            str(target),
            Reader(),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"] if precision == "int8_convs" else list(BYTES_TYPES),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=sorted(kept_in_float(model.graph)),
            extra_options=options,
        )


def kept_in_float(graph: GraphProto) -> set[str]:
    """The names of the nodes that are not quantised."""
    made_by = {name: node for node in graph.node for name in node.output}
    read_by: dict[str, list[NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            read_by.setdefault(name, []).append(node)
    kept = {node.name for node in graph.node if "/attn/" in node.name and node.op_type != "Conv"}
    kept |= {node.name for node in graph.node if CLASS_BRANCH in node.name}
    kept |= _first_convolution(graph, read_by)
    waiting = [output.name for output in graph.output]
    while waiting:
        found = made_by.get(waiting.pop())
        if found is None or found.name in kept:
            continue
        kept.add(found.name)
        if found.op_type != "Conv" or "/dfl/" in found.name:
            waiting += found.input
    return kept


def _first_convolution(graph: GraphProto, read_by: dict[str, list[NodeProto]]) -> set[str]:
    """All from the input up to the first convolution, and the activation behind that."""
    kept: set[str] = set()
    waiting, is_behind = [graph.input[0].name], False
    while waiting:
        readers = [node for name in waiting for node in read_by.get(name, [])]
        if is_behind:
            readers = [node for node in readers if node.op_type in ("Mul", "Sigmoid")]
        kept |= {node.name for node in readers}
        is_behind = is_behind or any(node.op_type == "Conv" for node in readers)
        waiting = [] if any(node.op_type == "Mul" for node in readers) else [n for r in readers for n in r.output]
    return kept


def evenly(photographs: Sequence[Path], wanted: int) -> tuple[Path, ...]:
    """So many of the photographs, spread evenly over all; all where there are no more."""
    if len(photographs) <= wanted:
        return tuple(photographs)
    return tuple(photographs[i] for i in np.linspace(0, len(photographs) - 1, wanted).round().astype(int))
