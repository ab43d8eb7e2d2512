"""Let a pack that knows fine items report coarser ones: croissant and baguette become bread (extra `train`).

Fine items look alike among themselves, so they are learned better than a drawer full of different things; a menu that
does not tell them apart wants the drawer. The chance that a box is any of some items is one minus the product of the
chances that it is none of them (a noisy or); it is computed in the graph, so nothing else knows of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from edge_agent.errors import BadInput, BadModelPack
from edge_agent.formats.pack import (
    MANIFEST_NAME,
    Name,
    PackFile,
    PackManifest,
    load_manifest,
    sha256_of,
    write_manifest,
)
from edge_agent.formats.yaml_file import FileModel, find_line, load_yaml
from edge_agent.training.export import TO_BE_FOUND, drop_stale, manifest_there, refuse_damaged, revised
from edge_agent.training.provenance import named, without_thresholds

NEARLY_ONE = 1 - 1e-6


class Groups(FileModel):
    """A file that says which fine classes each coarse one is made of."""

    classes: Annotated[Mapping[Name, Annotated[tuple[Name, ...], Field(min_length=1)]], Field(min_length=1)]
    """In the order that the merged pack reports them."""


def load_groups(path: Path) -> dict[str, tuple[str, ...]]:
    """Read a file of groups.

    Raises:
        BadInput: it does not read; the text names file and line.
    """
    return dict(load_yaml(path, Groups, error=BadInput).classes)


def refuse_groups(groups: Mapping[str, tuple[str, ...]], classes: Sequence[str], *, path: Path | None = None) -> None:
    """Whether groups are made of a pack's classes, each in one of them.

    Args:
        groups: the fine classes that each coarse one is made of.
        classes: those of the pack.
        path: the file that says so, for the error.

    Raises:
        BadInput: a group names a class that the pack lacks, or two groups share one.
    """
    group_of: dict[str, str] = {}
    for group, members in groups.items():
        line = None if path is None else find_line(path, ["classes", group])
        for name in members:
            if name not in classes:
                said = f"'{name}', of '{group}', is no class of the pack; its classes are {', '.join(classes)}"
                raise BadInput(said, path=path, line=line)
            if name in group_of:
                said = f"'{name}' stands in '{group_of[name]}' and in '{group}'; what is seen would count twice"
                raise BadInput(said, path=path, line=line)
            group_of[name] = group


def merge_pack(source: Path, groups: Mapping[str, tuple[str, ...]], target: Path, *, version: str) -> PackManifest:
    """Write a pack whose classes are groups of another pack's classes; only in fp32, its thresholds still to be found.

    Raises:
        BadInput: a group names a class that the pack lacks, two groups share one, or the folder cannot be written to.
        BadModelPack: the source has no fp32 file, a damaged one, or its output is no `ultralytics_raw`.
    """
    before = load_manifest(source / MANIFEST_NAME)
    refuse_groups(groups, before.classes)
    if before.output != "ultralytics_raw":
        raise BadModelPack(f"classes of the layout {before.output} cannot be merged", path=source)
    fp32 = _whole_fp32(source, before)
    was_there = manifest_there(target)
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as refusal:
        raise BadInput(f"the folder cannot be written to: {refusal.strerror}", path=target) from refusal
    table = np.array([[name in group for name in before.classes] for group in groups.values()], np.float32)
    # Quantised files are made anew (edge-agent quantize). Every gate was held with other classes, that of fp32 on
    # another provider too.
    network = fp32.model_dump(mode="json", exclude={"gate", "gates_on"}, exclude_none=True)
    plain = None if before.plain is None else before.plain.model_dump(mode="json")
    for entry in (network, plain):
        if entry is not None:
            _merge(source / entry["file"], table, target / entry["file"])
            entry["sha256"] = sha256_of(target / entry["file"])
    changes = {
        "name": target.name,
        "version": version,
        "classes": list(groups),
        "occluders": [name for name in before.occluders if name in groups],
        "thresholds": TO_BE_FOUND,
        "files": {"fp32": network},
        "refused": {},
        "plain": plain,
        "metrics": {},
        "provenance": {
            # What set the thresholds of the finer classes sets none of these.
            **without_thresholds(before),
            "merged_from": named(before),
            "groups": {name: list(group) for name, group in groups.items()},
        },
    }
    manifest = revised(before, changes)
    write_manifest(manifest, target / MANIFEST_NAME)
    drop_stale(target, was_there, manifest)
    if (notice := source / "LICENSE").exists():
        shutil.copyfile(notice, target / notice.name)
    return manifest


def _whole_fp32(source: Path, manifest: PackManifest) -> PackFile:
    """The fp32 file of a pack of which this and the plain export are what the manifest names."""
    fp32 = manifest.files.get("fp32")
    if fp32 is None:
        raise BadModelPack("the pack has no fp32 file; a quantised one cannot be merged", path=source)
    refuse_damaged(source, fp32)
    if manifest.plain is not None:
        refuse_damaged(source, manifest.plain)
    return fp32


def _merge(source: Path, table: np.ndarray[tuple[int, ...], np.dtype[np.float32]], target: Path) -> None:
    """Append the merging of the class rows to a graph whose output is (1, 4 + classes, cells)."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(source)
    graph = model.graph
    output = graph.output[0]
    shape = [side.dim_value for side in output.type.tensor_type.shape.dim]
    groups, classes = table.shape
    if shape[1] != 4 + classes:
        raise BadModelPack(f"its output has {shape[1]} rows, not the {4 + classes} of its classes", path=source)
    before = f"{output.name}_fine"
    for node in graph.node:
        node.output[:] = [before if name == output.name else name for name in node.output]
        node.input[:] = [before if name == output.name else name for name in node.input]
    graph.initializer.extend(
        [
            numpy_helper.from_array(np.array([4, classes], np.int64), "merge_rows"),
            numpy_helper.from_array(table, "merge_table"),
            numpy_helper.from_array(np.array(1.0, np.float32), "merge_one"),
            numpy_helper.from_array(np.array(NEARLY_ONE, np.float32), "merge_most"),
        ]
    )
    graph.node.extend(
        [
            helper.make_node("Split", [before, "merge_rows"], ["merge_boxes", "merge_fine"], "merge/split", axis=1),
            helper.make_node("Min", ["merge_fine", "merge_most"], ["merge_below_one"], "merge/min"),
            helper.make_node("Sub", ["merge_one", "merge_below_one"], ["merge_not"], "merge/not"),
            helper.make_node("Log", ["merge_not"], ["merge_logs"], "merge/log"),
            helper.make_node("MatMul", ["merge_table", "merge_logs"], ["merge_none_logs"], "merge/matmul"),
            helper.make_node("Exp", ["merge_none_logs"], ["merge_none"], "merge/exp"),
            helper.make_node("Sub", ["merge_one", "merge_none"], ["merge_any"], "merge/any"),
            helper.make_node("Concat", ["merge_boxes", "merge_any"], [output.name], "merge/concat", axis=1),
        ]
    )
    kind = output.type.tensor_type.elem_type
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(output.name, kind, [1, 4 + groups, shape[2]]))
    onnx.checker.check_model(model)
    onnx.save(model, target)
