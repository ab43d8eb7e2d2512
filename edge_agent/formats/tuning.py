"""What was measured to be fastest on a machine, `tuned.yaml` beside a pack's manifest: written by `edge-agent tune`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from edge_agent.errors import BadModelPack
from edge_agent.formats.pack import Name, Precision, Provider, Sha256
from edge_agent.formats.whole_file import write_whole
from edge_agent.formats.yaml_file import FileModel, dump_yaml, load_yaml

TUNED_NAME = "tuned.yaml"


class TunedFor(FileModel):
    """What a measurement holds for: with another CPU, ONNX Runtime or pack it says nothing."""

    cpu: Annotated[str, Field(max_length=200)]
    runtime: Annotated[str, Field(max_length=400)]
    """ONNX Runtime's version and its providers."""
    manifest_sha256: Sha256
    """Over the manifest without `metrics` and `provenance`; it holds the hashes of the pack's files."""


class Tuned(FileModel):
    """The fastest way to run a pack on this machine."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    measured_for: TunedFor
    precision: Precision
    provider: Provider
    threads: Annotated[int, Field(ge=1, le=1024)]
    median_ms: Mapping[Name, float]
    """Every way that was measured, milliseconds per picture."""


def load_tuned(folder: Path) -> Tuned | None:
    """What was measured for the pack in the folder; None where nothing was.

    Raises:
        BadModelPack: the file does not read; the text names file and line.
    """
    path = folder / TUNED_NAME
    return load_yaml(path, Tuned, error=BadModelPack) if path.exists() else None


def write_tuned(tuned: Tuned, folder: Path) -> Path:
    """Write it so that `load_tuned` reads the same value back.

    Raises:
        BadModelPack: the folder cannot be written to.
    """
    path = folder / TUNED_NAME
    try:
        write_whole(path, dump_yaml(tuned.model_dump(mode="json", by_alias=True)))
    except OSError as refusal:
        raise BadModelPack(f"the file cannot be written: {refusal.strerror}", path=path) from refusal
    return path
