"""The manifest of a model pack, `model.yaml`: what the network takes and gives, and from which score on it is believed.

Everything that differs between detector families stands here, so that no code asks which family it runs: a pack of
another family is another manifest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, JsonValue, StringConstraints, ValidationInfo, field_validator, model_validator

from edge_agent.domain.said import say
from edge_agent.errors import BadModelPack
from edge_agent.formats.whole_file import write_whole
from edge_agent.formats.yaml_file import FileModel, dump_yaml, model_of, text_of

MANIFEST_NAME = "model.yaml"

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
"""A bare file name: a pack never reaches outside its folder."""
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Share = Annotated[float, Field(gt=0.0, lt=1.0)]
SidePx = Annotated[int, Field(ge=32, le=4096)]

Precision = Literal["fp32", "bf16", "fp16", "int8", "int8_convs"]
"""`bf16` is the fp32 file, of which OpenVINO rounds what it multiplies to bfloat16. `int8` quantises whole stretches of
the network, which ONNX Runtime's own CPU provider needs; `int8_convs` only what goes into convolutions, which OpenVINO
makes more of (and the CPU provider is slower with than with fp32)."""
Provider = Literal["tensorrt", "cuda", "openvino", "cpu"]
OutputLayout = Literal["ultralytics_raw", "end_to_end", "yolox_grid"]
"""How the one output tensor is read. Boxes are in pixels of the network's input.

- `ultralytics_raw`: (1, 4 + classes, N) float; rows cx, cy, width, height, then one score per class; needs NMS.
- `end_to_end`: (1, N, 6) float; columns x1, y1, x2, y2, score, class index; the network suppressed duplicates itself.
- `yolox_grid`: (1, N, 5 + classes) float; columns of one cell: offset x, offset y, log width, log height, objectness,
  one score per class; cells of strides 8, 16, 32 one after the other, not yet decoded; needs NMS.
"""


class PackInput(FileModel):
    """How a picture becomes the network's input: batch of one, three channels, letterboxed to a fixed size.

    The defaults are those of Ultralytics' exports. YOLOX wants `colour: bgr`, `scale: 0-255`, `padding: top_left`.
    A network with the normalisation in its graph takes `dtype: uint8`, `layout: nhwc`, `scale: 0-255`.
    """

    width: SidePx
    height: SidePx
    colour: Literal["rgb", "bgr"] = "rgb"
    scale: Literal["0-1", "0-255"] = "0-1"
    fill: Annotated[int, Field(ge=0, le=255)] = 114
    """The grey value (before scaling) of what the letterbox adds around the picture."""
    padding: Literal["centre", "top_left"] = "centre"
    """Where the picture lies in the letterbox: in the middle (Ultralytics) or in the upper left corner (YOLOX)."""
    layout: Literal["nchw", "nhwc"] = "nchw"
    dtype: Literal["float32", "uint8"] = "float32"

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """The shape of the input tensor."""
        if self.layout == "nchw":
            return (1, 3, self.height, self.width)
        return (1, self.height, self.width, 3)

    @model_validator(mode="after")
    def _bytes_are_not_scaled(self) -> PackInput:
        if self.dtype == "uint8" and self.scale != "0-255":
            raise ValueError(say("pack_scale", "an input of uint8 holds 0 to 255; write 'scale: 0-255'"))
        return self


class Threshold(FileModel):
    """From `present` on a thing counts; from `possible` on it makes its class unsure; below it is not mentioned.

    `absence_tells: false` marks a class that the model overlooks so often that it is never missing beyond doubt.
    """

    present: Share
    possible: Share
    absence_tells: bool = True

    @model_validator(mode="after")
    def _possible_first(self) -> Threshold:
        if self.possible > self.present:
            raise ValueError(
                say(
                    "pack_thresholds",
                    "'possible' ({possible}) must not lie above 'present' ({present})",
                    possible=self.possible,
                    present=self.present,
                )
            )
        return self


class Thresholds(FileModel):
    """The score thresholds of every class: `classes` where they were tuned, `default` for the rest."""

    default: Threshold = Threshold(present=0.5, possible=0.2)
    classes: Mapping[Name, Threshold] = {}

    def of(self, class_name: str) -> Threshold:
        """The thresholds of one class."""
        return self.classes.get(class_name, self.default)


STILL_TO_BE_FOUND = Thresholds(default=Threshold(present=0.5, possible=0.05))
"""The thresholds of a pack whose own are still to be found: nothing that could matter is cut off."""


class Suppression(FileModel):
    """Non-maximum suppression, and how many things one picture can hold.

    Suppression works within a class only: overlapping boxes of different classes are evidence that the classes look
    alike, which the checker needs. `iou` is unused by `end_to_end`.
    """

    iou: Share = 0.6
    max_detections: Annotated[int, Field(ge=1, le=1000)] = 100
    score_floor: Share | None = None
    """Scores below are dropped before suppression; without one, the lowest `possible` threshold."""
    several_classes_per_box: bool = False
    """Whether one box may be reported once for every class that reaches the floor, instead of only for its best."""


class PrecisionGate(FileModel):
    """How a precision scored beside the pack's fp32, on the same checks; counts by the names of `checking.gate`."""

    passed: bool
    tolerance: Annotated[int, Field(ge=0)]
    """By so many checks each count may be worse."""
    fp32: Mapping[Name, int]
    scores: Mapping[Name, int]
    bytes_saturated: Annotated[bool, Field(exclude_if=lambda is_so: not is_so)] = False
    """Whether it was held on a CPU that cuts sums of bytes off, as x86 without VNNI does. A form that keeps its score
    there may run on such CPUs, and on those that add exactly."""


class PackFile(FileModel):
    """One ONNX file of the pack, and what its bytes must hash to."""

    file: FileName
    sha256: Sha256
    quantised: Mapping[str, JsonValue] | None = None
    """How it was quantised: by what, and on which photographs it was calibrated."""
    gate: PrecisionGate | None = None
    """Whether it keeps the score of fp32 on the CPU provider; without a gate nobody has measured that."""
    gates_on: Mapping[Provider, PrecisionGate] = {}
    """The same on other providers, which round otherwise: a form that keeps its score on one may lose it on another."""

    def gate_on(self, provider: Provider) -> PrecisionGate | None:
        """The gate that was held on this provider; None where nobody has measured it."""
        return self.gate if provider == "cpu" else self.gates_on.get(provider)

    def passed_on(self, provider: Provider) -> bool:
        """Whether somebody has measured that it keeps the score of fp32 on this provider."""
        gate = self.gate_on(provider)
        return gate is not None and gate.passed


class RefusedForm(FileModel):
    """A form of the network that did not keep the score of fp32: what was measured stays, its file does not."""

    quantised: Mapping[str, JsonValue] | None = None
    gate: PrecisionGate


class PlainExport(FileModel):
    """The network as its framework exported it. It never runs: benchmarks measure against it."""

    file: FileName
    sha256: Sha256
    input: PackInput


class PackManifest(FileModel):
    """All of `model.yaml`."""

    schema_version: Literal[1] = Field(alias="schema")
    name: Name
    version: Name
    classes: Annotated[tuple[Name, ...], Field(min_length=1, max_length=1000)]
    """In the order of the network's class indices."""
    occluders: tuple[Name, ...] = ()
    """Classes that are no item but cover items, such as a hand."""
    input: PackInput
    output: OutputLayout
    thresholds: Thresholds = Thresholds()
    nms: Suppression = Suppression()
    files: Annotated[Mapping[Precision, PackFile], Field(min_length=1)]
    """A file for each precision, all with the same input and output; the first is taken when none is asked for."""
    refused: Mapping[Precision, RefusedForm] = {}
    """Forms that were made, and left out because they did not pass their gate."""
    plain: PlainExport | None = None
    metrics: Mapping[str, float | int | str] = {}
    provenance: Mapping[str, JsonValue] = {}
    """Where the model comes from: hashes of the data, the recipe, the licence."""

    def offered_on(self, provider: Provider) -> tuple[Precision, ...]:
        """The precisions that may be chosen for their speed on a provider: the first, and those that passed there."""
        first = next(iter(self.files))
        return tuple(name for name, file in self.files.items() if name == first or file.passed_on(provider))

    @property
    def gates(self) -> dict[Precision, PrecisionGate]:
        """How each form scored beside fp32, those that were left out among them."""
        kept = {name: file.gate for name, file in self.files.items() if file.gate is not None}
        return kept | {name: form.gate for name, form in self.refused.items()}

    @cached_property
    def score_floor(self) -> float:
        """The lowest score that is reported at all."""
        if self.nms.score_floor is not None:
            return self.nms.score_floor
        return min(self.thresholds.of(name).possible for name in self.classes)

    @field_validator("classes")
    @classmethod
    def _each_class_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise ValueError(say("pack_class_twice", "the class {name} stands there twice", name=repr(twice[0])))
        return names

    @field_validator("occluders")
    @classmethod
    def _occluders_are_classes(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        _refuse_strangers(names, info)
        return names

    @field_validator("input")
    @classmethod
    def _fits_the_strides(cls, value: PackInput) -> PackInput:
        # The three layouts all come from networks whose coarsest cells are 32 pixels wide.
        if value.width % 32 or value.height % 32:
            raise ValueError(
                say(
                    "pack_size",
                    "width and height must be multiples of 32, not {width} and {height}",
                    width=value.width,
                    height=value.height,
                )
            )
        return value

    @field_validator("thresholds")
    @classmethod
    def _thresholds_name_classes(cls, value: Thresholds, info: ValidationInfo) -> Thresholds:
        _refuse_strangers(tuple(value.classes), info)
        return value

    @field_validator("nms")
    @classmethod
    def _floor_below_thresholds(cls, value: Suppression, info: ValidationInfo) -> Suppression:
        thresholds: Thresholds = info.data.get("thresholds", Thresholds())
        lowest = min((thresholds.of(name).possible for name in info.data.get("classes", ())), default=1.0)
        if value.score_floor is not None and value.score_floor > lowest:
            raise ValueError(
                say(
                    "pack_floor",
                    "score_floor ({floor}) hides scores from the lowest 'possible' ({lowest}) on",
                    floor=value.score_floor,
                    lowest=lowest,
                )
            )
        return value


def _refuse_strangers(names: tuple[str, ...], info: ValidationInfo) -> None:
    known = info.data.get("classes")
    strangers = [name for name in names if known is not None and name not in known]
    if strangers:
        raise ValueError(
            say(
                "pack_no_class",
                "{name} is no class of this model; its classes are {known}",
                name=repr(strangers[0]),
                known=", ".join(known or ()),
            )
        )


def load_manifest(path: Path) -> PackManifest:
    """Read a `model.yaml`.

    Raises:
        BadModelPack: it does not read; the text names file and line.
    """
    return _manifest_in(text_of(path, error=BadModelPack), path)


@lru_cache(maxsize=4)
def _manifest_in(text: str, path: Path) -> PackManifest:
    """The same text is read once: a start asks for a manifest up to five times, and it may have two thousand lines."""
    return model_of(text, PackManifest, path=path, error=BadModelPack)


def write_manifest(manifest: PackManifest, path: Path) -> None:
    """Write a manifest so that `load_manifest` reads the same value back.

    Raises:
        BadModelPack: it cannot be written; what was there before is still there.
    """
    data = manifest.model_dump(mode="json", by_alias=True, exclude_none=True)
    try:
        write_whole(path, dump_yaml(data))
    except OSError as refusal:
        raise BadModelPack(f"the manifest cannot be written: {refusal.strerror}", path=path) from refusal


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in lower-case hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
