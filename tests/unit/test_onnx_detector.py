"""The ONNX detector: letterbox, decoding, suppression, and what it says when pack, picture or provider do not fit."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto

from edge_agent.adapters.detector_decode import Candidates, candidates_of, complaint_about, decode, suppress
from edge_agent.adapters.letterbox import Letterbox, Letterboxer
from edge_agent.adapters.model_pack import ModelPack
from edge_agent.adapters.onnx_detector import OnnxDetector
from edge_agent.adapters.onnx_session import (
    AS_IT_COMES,
    INSTALLED,
    ProviderOptions,
    Runtime,
    Session,
    TensorInfo,
    Wish,
)
from edge_agent.domain.geometry import Box
from edge_agent.errors import BadModelPack, DetectorError
from edge_agent.formats.pack import OutputLayout, PackInput, Precision
from tests.builders_onnx import (
    ANCHORS,
    CLASSES,
    OUTPUTS,
    SIDE_PX,
    Row,
    constant_model,
    end_to_end_output,
    manifest,
    raw_output,
    write_pack,
    yolox_output,
)

LAYOUTS: tuple[OutputLayout, ...] = ("ultralytics_raw", "end_to_end", "yolox_grid")
PADDINGS = ("centre", "top_left")
UNSCALED = Letterbox.fit(SIDE_PX, SIDE_PX, PackInput(width=SIDE_PX, height=SIDE_PX))
PICTURE = np.full((48, 64, 3), 90, dtype=np.uint8)


def detector_of(folder: Path, model: bytes, layout: OutputLayout, **changes: Any) -> OnnxDetector:
    """A detector on the CPU for a network in a fresh pack."""
    return OnnxDetector(pack=ModelPack.load(write_pack(folder, model, layout, **changes)), provider="cpu", threads=1)


def near(box: Box, sides: Sequence[float], tolerance: float) -> bool:
    """Whether all four sides agree within `tolerance` pixels."""
    return np.allclose((box.left, box.top, box.right, box.bottom), sides, rtol=0, atol=tolerance)


# --- letterbox


def specs() -> st.SearchStrategy[PackInput]:
    """Inputs of every size and kind."""
    sides = st.integers(1, 10).map(lambda n: 32 * n)
    return st.builds(
        PackInput,
        width=sides,
        height=sides,
        padding=st.sampled_from(PADDINGS),
        layout=st.sampled_from(["nchw", "nhwc"]),
        fill=st.just(0),
    )


@given(specs(), st.integers(1, 5000), st.integers(1, 5000))
def test_the_letterbox_keeps_the_picture_inside_and_its_shape(spec: PackInput, width: int, height: int) -> None:
    """Things must not look squeezed: the network knows them by their shape."""
    box = Letterbox.fit(width, height, spec)
    assert 0 <= box.left <= box.left + box.width <= spec.width
    assert 0 <= box.top <= box.top + box.height <= spec.height
    assert box.width == spec.width or box.height == spec.height
    ratio = min(spec.width / width, spec.height / height)
    assert abs(box.width - max(width * ratio, 1)) <= 0.5
    assert abs(box.height - max(height * ratio, 1)) <= 0.5


@pytest.mark.parametrize(
    ("padding", "expected"),
    [("centre", Letterbox(640, 479, 0, 16, 128, 96)), ("top_left", Letterbox(640, 479, 0, 0, 128, 96))],
)
def test_the_padding_lies_where_the_network_learned_it(padding: str, expected: Letterbox) -> None:
    """The Ultralytics family pads on both sides, YOLOX to the right and below."""
    spec = PackInput.model_validate({"width": 128, "height": 128, "padding": padding})
    assert Letterbox.fit(640, 479, spec) == expected


@st.composite
def pictures_with_boxes(draw: st.DrawFn) -> tuple[int, int, tuple[float, float, float, float]]:
    """Width and height of a picture, and a box in it that stays wider and taller than a hundredth of a pixel."""
    width, height = draw(st.integers(1, 5000)), draw(st.integers(1, 5000))
    left, right = sorted((draw(st.floats(0, width)), draw(st.floats(0, width))))
    top, bottom = sorted((draw(st.floats(0, height)), draw(st.floats(0, height))))
    if right - left < 0.01 * width:
        left, right = 0.0, float(width)
    if bottom - top < 0.01 * height:
        top, bottom = 0.0, float(height)
    return width, height, (left, top, right, bottom)


@given(pictures_with_boxes(), st.sampled_from(["ultralytics_raw", "end_to_end"]), st.sampled_from(PADDINGS))
def test_a_box_comes_back_where_it_was(
    picture: tuple[int, int, tuple[float, float, float, float]], layout: OutputLayout, padding: str
) -> None:
    """The slot of a thing is judged by the centre of its box, in pixels of the camera."""
    width, height, sides = picture
    pack = manifest(layout, input={"width": SIDE_PX, "height": SIDE_PX, "padding": padding})
    letterbox = Letterbox.fit(width, height, pack.input)
    left, right = (x * letterbox.width / width + letterbox.left for x in sides[0::2])
    top, bottom = (y * letterbox.height / height + letterbox.top for y in sides[1::2])
    (seen,) = decode(OUTPUTS[layout]([(left, top, right, bottom, 0.9, 1)]), pack, letterbox)
    assert seen.class_name == "bread"
    assert near(seen.box, sides, 1.0)


@given(specs(), st.integers(1, 300), st.integers(1, 300), st.data())
def test_a_painted_rectangle_is_found_where_it_was_painted(
    spec: PackInput, width: int, height: int, data: st.DataObject
) -> None:
    """The geometry must be that of the pixels, not only the inverse of itself."""
    left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    right, bottom = data.draw(st.integers(left + 1, width)), data.draw(st.integers(top + 1, height))
    picture = np.zeros((height, width, 3), dtype=np.uint8)
    picture[top:bottom, left:right] = 255
    tensor, letterbox = Letterboxer(spec=spec).prepare(picture)
    plane = tensor[0].max(axis=0 if spec.layout == "nchw" else 2)
    rows, columns = np.nonzero(plane > 0.5)
    if not rows.size:  # too small to survive the scaling
        return
    found = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], dtype=np.float64)
    # Half a pixel of the coarser grid is lost to rounding at each side, and a resampled edge may lie in either pixel.
    tolerance = 1 + 1.5 * max(width / letterbox.width, height / letterbox.height)
    assert np.allclose(letterbox.to_picture(found)[0], (left, top, right, bottom), rtol=0, atol=tolerance)


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
@pytest.mark.parametrize("colour", ["rgb", "bgr"])
@pytest.mark.parametrize(("dtype", "scale"), [("float32", "0-1"), ("float32", "0-255"), ("uint8", "0-255")])
def test_the_tensor_is_what_the_manifest_says(layout: str, colour: str, dtype: str, scale: str) -> None:
    """A swapped colour or a wrong scale raises no error: the model only sees worse."""
    spec = PackInput.model_validate(
        {"width": 64, "height": 32, "layout": layout, "colour": colour, "dtype": dtype, "scale": scale, "fill": 114}
    )
    picture = np.empty((20, 20, 3), dtype=np.uint8)
    picture[...] = (10, 20, 30)  # blue, green, red
    tensor, letterbox = Letterboxer(spec=spec).prepare(picture)
    assert tensor.shape == spec.shape
    assert tensor.dtype == dtype
    by_channel = tensor[0] if layout == "nchw" else tensor[0].transpose(2, 0, 1)
    inside = by_channel[:, letterbox.top : 32, letterbox.left : letterbox.left + letterbox.width]
    expected = np.array([10, 20, 30] if colour == "bgr" else [30, 20, 10]) / (255 if scale == "0-1" else 1)
    assert np.allclose(inside, expected[:, None, None])
    assert np.allclose(by_channel[:, :, : letterbox.left], 114 / (255 if scale == "0-1" else 1))


@given(st.integers(1, 10), st.integers(1, 10), st.integers(1, 400), st.integers(1, 400), st.integers(0, 2**32 - 1))
def test_a_tensor_of_bytes_is_the_scaled_picture_on_grey(
    wide: int, high: int, width: int, height: int, seed: int
) -> None:
    """It is scaled straight into its place, whichever sides are padded: the same bytes as by a detour."""
    spec = PackInput(
        width=32 * wide, height=32 * high, layout="nhwc", dtype="uint8", scale="0-255", colour="bgr", fill=114
    )
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    box = Letterbox.fit(width, height, spec)
    expected = np.full(spec.shape, 114, dtype=np.uint8)
    scaled = cv2.resize(picture, (box.width, box.height), interpolation=cv2.INTER_LINEAR)
    expected[0, box.top : box.top + box.height, box.left : box.left + box.width] = scaled
    tensor, found = Letterboxer(spec=spec).prepare(picture)
    assert found == box
    assert (tensor == expected).all()


def test_a_picture_of_another_size_leaves_nothing_of_the_last_one() -> None:
    """The buffer is used again; stations have cameras of different sizes."""
    spec = PackInput(width=64, height=64)
    used, fresh = Letterboxer(spec=spec), Letterboxer(spec=spec)
    tall = np.full((100, 50, 3), 7, dtype=np.uint8)
    for picture in (np.full((50, 100, 3), 255, dtype=np.uint8), tall, np.full((64, 64, 3), 255, dtype=np.uint8)):
        used.prepare(picture)
    assert (used.prepare(tall)[0] == fresh.prepare(tall)[0]).all()


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_a_cut_out_or_mirrored_view_is_a_picture(layout: str) -> None:
    """Slots are cut out of the frame as views without a copy."""
    kind = {"dtype": "uint8", "scale": "0-255", "colour": "bgr"} if layout == "nhwc" else {}
    detector = Letterboxer(spec=PackInput.model_validate({"width": 64, "height": 64, "layout": layout, **kind}))
    wide = np.arange(100 * 200 * 3, dtype=np.uint8).reshape(100, 200, 3)
    for view in (wide[10:90, 20:150], wide[::-1, ::-1], wide[::2, ::2]):
        assert (detector.prepare(view)[0].copy() == detector.prepare(view.copy())[0]).all()


# --- decoding


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_detections(layout: OutputLayout) -> None:
    """The checker does not know which family of detectors it runs on."""
    rows: list[Row] = [(8, 8, 24, 32, 0.9, 2), (30, 20, 60, 50, 0.25, 0), (1, 50, 9, 60, 0.1, 1)]
    seen = decode(OUTPUTS[layout](rows), manifest(layout), UNSCALED)
    assert [(d.class_name, round(d.score, 3)) for d in seen] == [("hand", 0.9), ("plate", 0.25)]
    assert near(seen[0].box, (8, 8, 24, 32), 1e-3)
    assert near(seen[1].box, (30, 20, 60, 50), 1e-3)


@pytest.mark.parametrize("stride", [8, 16, 32])
def test_a_yolox_cell_is_decoded_with_its_own_stride(stride: int) -> None:
    output = yolox_output([(10, 30, 30, 60, 0.8, 1)], stride=stride)
    (seen,) = decode(output, manifest("yolox_grid"), UNSCALED)
    assert near(seen.box, (10, 30, 30, 60), 1e-3)


def test_a_yolox_score_is_objectness_times_class() -> None:
    output = yolox_output([(8, 8, 24, 24, 0.6, 1)])
    output[0, :, 4] *= 0.5
    (seen,) = decode(output, manifest("yolox_grid"), UNSCALED)
    assert seen.score == pytest.approx(0.3)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_output_with_nothing_in_it_is_no_detection(layout: OutputLayout) -> None:
    assert decode(OUTPUTS[layout]([]), manifest(layout), UNSCALED) == ()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_score_at_the_floor_is_reported_one_below_is_not(layout: OutputLayout) -> None:
    """The checker relies on seeing everything from `possible` on."""
    output = OUTPUTS[layout]([(8, 8, 24, 32, 0.25, 2), (30, 20, 60, 50, 0.2499, 0)])
    pack = manifest(layout, thresholds={"default": {"present": 0.5, "possible": 0.25}})
    assert [d.class_name for d in decode(output, pack, UNSCALED)] == ["hand"]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_none_is_an_error(layout: OutputLayout, value: float) -> None:
    """A broken provider must not look like an empty tray."""
    output = OUTPUTS[layout]([(8, 8, 24, 32, 0.9, 2)])
    output[0, 3, 2] = value
    with pytest.raises(DetectorError, match="NaN or infinity"):
        decode(output, manifest(layout), UNSCALED)


def test_scores_above_one_are_an_error() -> None:
    """Logits instead of probabilities: every threshold would be meaningless."""
    with pytest.raises(DetectorError, match=r"a score of 7\.5; is its output really ultralytics_raw"):
        decode(raw_output([(8, 8, 24, 32, 7.5, 2)]), manifest("ultralytics_raw"), UNSCALED)


def test_a_rounding_error_above_one_is_one() -> None:
    (seen,) = decode(raw_output([(8, 8, 24, 32, 1.004, 2)]), manifest("ultralytics_raw"), UNSCALED)
    assert seen.score == 1.0


@pytest.mark.parametrize("index", [3, 79, -1])
def test_an_unknown_class_index_is_an_error(index: int) -> None:
    """The output of an end-to-end model does not tell how many classes it has."""
    with pytest.raises(DetectorError, match=f"reports class {index}, but the pack names 3 classes"):
        decode(end_to_end_output([(8, 8, 24, 32, 0.9, index)]), manifest("end_to_end"), UNSCALED)


def test_a_decoded_yolox_output_is_an_error() -> None:
    """Exported with its grids decoded, widths are pixels: their exponential has no end."""
    output = yolox_output([(8, 8, 24, 32, 0.9, 2)])
    output[0, :, 2:4] = 200.0
    with pytest.raises(DetectorError, match="infinite size; is its output really yolox_grid"):
        decode(output, manifest("yolox_grid"), UNSCALED)


def test_boxes_are_cut_at_the_edges_and_dropped_outside() -> None:
    """In the padding of the letterbox lies nothing."""
    letterbox = Letterbox.fit(64, 32, PackInput(width=64, height=64))  # rows 16 to 48
    rows: list[Row] = [(-10, 10, 30, 40, 0.9, 0), (10, 0, 30, 16, 0.8, 0), (20, 20, 20, 40, 0.7, 0)]
    seen = decode(end_to_end_output(rows), manifest("end_to_end"), letterbox)
    assert [(d.class_name, d.box) for d in seen] == [("plate", Box(0, 0, 30, 24))]


def test_at_most_so_many_are_reported() -> None:
    rows: list[Row] = [(n, 0, n + 5, 5, 0.3 + n / 100, 0) for n in range(0, 60, 6)]
    seen = decode(end_to_end_output(rows), manifest("end_to_end", nms={"max_detections": 2}), UNSCALED)
    assert [d.box.left for d in seen] == [54, 48]


@pytest.mark.parametrize(("several", "expected"), [(False, ["plate"]), (True, ["plate", "bread"])])
def test_a_box_may_be_reported_for_each_of_its_classes(several: bool, expected: list[str]) -> None:
    """A second class on the same box is the evidence that the two look alike."""
    output = raw_output([(8, 8, 24, 32, 0.6, 0)])
    output[0, 5, 0] = 0.4
    pack = manifest("ultralytics_raw", nms={"several_classes_per_box": several})
    assert [d.class_name for d in decode(output, pack, UNSCALED)] == expected


@st.composite
def outputs(draw: st.DrawFn) -> npt.NDArray[np.float32]:
    """Raw outputs of a few boxes, many of them on one spot, with scores on both sides of the floor."""
    numbers = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(1, 40))
    output = np.zeros((1, 7, count), dtype=np.float32)
    output[0, :2] = numbers.uniform(0, SIDE_PX, (2, count))
    output[0, 2:4] = numbers.uniform(2, 40, (2, count))
    output[0, 4:] = numbers.uniform(0, 0.6, (3, count)) ** 2 * 2
    twins = numbers.integers(0, count, count // 2)
    output[0, :4, : len(twins)] = output[0, :4, twins].T + numbers.uniform(-1, 1, (4, len(twins)))
    return output


def read_plainly(output: npt.NDArray[np.float32], floor: float, iou: float) -> list[tuple[str, float, Box]]:
    """The raw layout with several classes per box, one number after the other; best first."""
    found = []
    for index, name in enumerate(CLASSES):
        kept: list[tuple[float, Box]] = []
        ranked = sorted(range(output.shape[2]), key=lambda n: -float(output[0, 4 + index, n]))
        for n in ranked:
            score = float(output[0, 4 + index, n])
            x, y, width, height = (float(side) for side in output[0, :4, n])
            box = Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            if score >= floor and not any(box.iou(other) > iou for _, other in kept):
                kept.append((score, box))
        found += [(name, score, box) for score, box in kept]
    return sorted(found, key=lambda each: -each[1])


@given(outputs())
def test_decoding_agrees_with_a_plain_reading(output: npt.NDArray[np.float32]) -> None:
    """What makes decoding fast must not change what is seen."""
    pack = manifest(
        "ultralytics_raw",
        thresholds={"default": {"present": 0.5, "possible": 0.25}},
        nms={"iou": 0.6, "several_classes_per_box": True, "max_detections": 1000},
    )
    seen = decode(output, pack, UNSCALED)
    expected = []
    for name, score, box in read_plainly(output, np.float32(0.25), 0.6):
        sides = [min(max(side, 0.0), SIDE_PX) for side in (box.left, box.top, box.right, box.bottom)]
        if sides[0] < sides[2] and sides[1] < sides[3]:
            expected.append((name, score, sides))
    assert [d.class_name for d in seen] == [name for name, _, _ in expected]
    for detection, (_, score, sides) in zip(seen, expected, strict=True):
        assert detection.score == pytest.approx(score)
        assert near(detection.box, sides, 1e-3)


# --- suppression


@st.composite
def candidates(draw: st.DrawFn) -> Candidates:
    """Up to thirty boxes of three classes, some left of and above the picture."""
    count = draw(st.integers(0, 30))
    numbers = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    corners = numbers.uniform(-40, 40, (count, 2))
    boxes = np.concatenate((corners, corners + numbers.uniform(5, 40, (count, 2))), axis=1)
    scores = np.sort(numbers.uniform(0.1, 1.0, count))[::-1]
    return Candidates(boxes, scores, numbers.integers(0, 3, count))


def listed(found: Candidates) -> list[tuple[float, int, Box]]:
    """The candidates as (score, class, box)."""
    return [
        (score, index, Box(*sides))
        for score, index, sides in zip(found.scores.tolist(), found.classes.tolist(), found.boxes.tolist(), strict=True)
    ]


@given(candidates(), st.sampled_from([0.3, 0.6]))
def test_suppression_keeps_the_best_of_what_overlaps_within_a_class(found: Candidates, iou: float) -> None:
    """One plate is one plate; a plate that looks like bread stays both."""
    everything, kept = listed(found), listed(suppress(found, iou=iou))
    assert kept == [one for one in everything if one in kept]  # none invented, still the best first
    for score, index, box in everything:
        better = [k for s, i, k in kept if i == index and s > score]
        covered = any(box.iou(other) > iou for other in better)
        assert ((score, index, box) in kept) is not covered


def test_suppression_leaves_other_classes_alone() -> None:
    boxes = np.array([[10.0, 10, 50, 50]] * 3)
    kept = suppress(Candidates(boxes, np.array([0.9, 0.8, 0.7]), np.array([0, 1, 0])), iou=0.5)
    assert kept.classes.tolist() == [0, 1]


def test_an_end_to_end_output_is_not_suppressed_again() -> None:
    """Two stacked plates that the network tells apart must stay two."""
    rows: list[Row] = [(10, 10, 50, 50, 0.9, 0), (10, 10, 50, 49, 0.8, 0)]
    assert len(decode(end_to_end_output(rows), manifest("end_to_end"), UNSCALED)) == 2
    assert len(decode(raw_output(rows), manifest("ultralytics_raw"), UNSCALED)) == 1


def test_candidates_are_bounded() -> None:
    """A network gone wild must not stop the inference thread for seconds."""
    output = np.tile(np.array([10.0, 10, 50, 50, 0.9, 0], dtype=np.float32), (1, 5000, 1))
    assert len(candidates_of(output, manifest("end_to_end")).scores) == 1000


# --- the pack does not fit


@pytest.mark.parametrize(
    ("layout", "shape", "said"),
    [
        ("ultralytics_raw", (1, 20, 6), "ultralytics_raw with 3 classes has (1, 7, N); this looks like end_to_end"),
        ("end_to_end", (1, 7, ANCHORS), "end_to_end with 3 classes has (1, N, 6); this looks like ultralytics_raw"),
        ("ultralytics_raw", (1, ANCHORS, 8), "has (1, 7, N); this looks like yolox_grid"),
        ("yolox_grid", (1, 7, ANCHORS), "has (1, 84, 8); this looks like ultralytics_raw"),
        ("ultralytics_raw", (1, 24, ANCHORS), "this looks like ultralytics_raw with 20 classes"),
        ("yolox_grid", (1, ANCHORS, 85), "this looks like yolox_grid with 80 classes"),
        ("ultralytics_raw", (1, 1000), "this looks like no detector's output that is known here"),
        ("ultralytics_raw", (2, 7, ANCHORS), "this looks like no detector's output that is known here"),
    ],
)
@pytest.mark.parametrize("claimed", [True, False])
def test_an_output_of_another_layout_is_named(
    tmp_path: Path, layout: OutputLayout, shape: tuple[int, ...], said: str, claimed: bool
) -> None:
    """Read in the wrong layout, a model sees rubbish with confidence; the file may also leave its shape open."""
    output_shape = None if claimed else [f"side{n}" for n in range(len(shape))]
    model = constant_model(np.zeros(shape, dtype=np.float32), output_shape=output_shape)
    with pytest.raises(BadModelPack) as caught:
        detector_of(tmp_path, model, layout)
    assert str(caught.value).startswith(f"{tmp_path / 'model.onnx'}: the model's output has the shape {shape}, but ")
    assert said in str(caught.value)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_output_of_the_right_layout_is_taken(layout: OutputLayout) -> None:
    assert complaint_about(OUTPUTS[layout]([]).shape, manifest(layout)) is None


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (constant_model(raw_output([]), input_shape=(1, 3, 96, 96)), "takes (1, 3, 96, 96) as tensor(float), but mode"),
        (constant_model(raw_output([]), input_type=TensorProto.UINT8), "as tensor(uint8), but model.yaml says (1, 3, "),
        (constant_model(raw_output([]), outputs=2), "the model has 1 inputs and 2 outputs, but a detector has one of "),
        (b"this is no network", "the model does not load: "),
        (b"", "the model does not load or run: "),
    ],
    ids=["size", "type", "two outputs", "no network", "empty"],
)
def test_a_file_that_is_another_model_or_none_is_a_bad_pack(tmp_path: Path, model: bytes, said: str) -> None:
    """Its hash fits, so whoever made the pack must hear it."""
    with pytest.raises(BadModelPack) as caught:
        detector_of(tmp_path, model, "ultralytics_raw")
    assert str(caught.value).startswith(f"{tmp_path / 'model.onnx'}: ")
    assert said in str(caught.value)


def test_an_open_batch_and_a_byte_input_run(tmp_path: Path) -> None:
    """Exports with a named batch, and networks that normalise by themselves, are common."""
    output = raw_output([(8, 8, 24, 32, 0.9, 2)])
    model = constant_model(output, input_shape=("batch", 64, 64, 3), input_type=TensorProto.UINT8)
    spec = {"width": 64, "height": 64, "layout": "nhwc", "dtype": "uint8", "scale": "0-255"}
    detector = detector_of(tmp_path, model, "ultralytics_raw", input=spec)
    assert [d.class_name for d in detector.detect(PICTURE)] == ["hand"]


# --- providers


class FakeTensor:
    """One input or output of a fake session."""

    def __init__(self, name: str, shape: Sequence[int | str | None]) -> None:
        self.name = name
        self.type = "tensor(float)"
        self.shape = shape


class FakeSession:
    """A session on given providers; its run fails as often as told."""

    def __init__(self, providers: Sequence[str], failure: Exception | None) -> None:
        self._providers = providers
        self.failure = failure

    def get_inputs(self) -> Sequence[TensorInfo]:
        return [FakeTensor("images", (1, 3, SIDE_PX, SIDE_PX))]

    def get_outputs(self) -> Sequence[TensorInfo]:
        return [FakeTensor("output", (1, 7, ANCHORS))]

    def get_providers(self) -> Sequence[str]:
        return self._providers

    def run(self, _names: Sequence[str] | None, _feed: Mapping[str, npt.NDArray[Any]], /) -> Sequence[Any]:
        if self.failure is not None:
            raise self.failure
        return [raw_output([])]


class FakeRuntime:
    """An ONNX Runtime that offers providers of which some do not start (`absent`), some fail (`broken`)."""

    def __init__(self, *offered: str, absent: Sequence[str] = (), broken: Sequence[str] = ()) -> None:
        self.offered = [f"{name}ExecutionProvider" for name in (*offered, "CPU")]
        self.absent = absent
        self.broken = broken
        self.asked: list[list[ProviderOptions]] = []
        self.session: FakeSession | None = None

    @property
    def runtime(self) -> Runtime:
        return Runtime(available=lambda: self.offered, create=self.create)

    def create(self, _: str, __: onnxruntime.SessionOptions, providers: list[ProviderOptions]) -> Session:
        self.asked.append(providers)
        names = [name for name, _ in providers if name.removesuffix("ExecutionProvider") not in self.absent]
        failure = (
            RuntimeError("out of memory\nat ...") if names[0].removesuffix("ExecutionProvider") in self.broken else None
        )
        self.session = FakeSession(names, failure)
        return self.session


@pytest.fixture
def pack(tmp_path: Path) -> ModelPack:
    return ModelPack.load(write_pack(tmp_path, b"opened by nobody", "ultralytics_raw"))


@pytest.mark.parametrize(
    ("wish", "fake", "chosen", "warned"),
    [
        ("auto", FakeRuntime(), "cpu", None),
        ("auto", FakeRuntime("Azure"), "cpu", None),
        ("cpu", FakeRuntime("CUDA"), "cpu", None),
        ("auto", FakeRuntime("CUDA"), "cuda", None),
        ("auto", FakeRuntime("CUDA", "Tensorrt"), "tensorrt", None),
        ("auto", FakeRuntime("OpenVINO"), "openvino", None),
        ("cuda", FakeRuntime("CUDA", "Tensorrt"), "cuda", None),
        ("tensorrt", FakeRuntime("CUDA", "Tensorrt"), "tensorrt", None),
        ("cuda", FakeRuntime(), "cpu", "cuda was asked for, but this onnxruntime offers only CPUExecutionProvider"),
        ("auto", FakeRuntime("CUDA", absent=["CUDA"]), "cpu", "cuda did not start for "),
        ("cuda", FakeRuntime("CUDA", absent=["CUDA"]), "cpu", "cuda did not start for "),
        ("auto", FakeRuntime("CUDA", "Tensorrt", absent=["Tensorrt"]), "cuda", "tensorrt did not start for "),
        ("openvino", FakeRuntime("OpenVINO", broken=["OpenVINO"]), "cpu", "falling back to cpu: out of memory"),
        ("auto", FakeRuntime("CUDA", "Tensorrt", broken=["Tensorrt"]), "cuda", "falling back to cuda: out of memory"),
    ],
)
def test_what_runs_is_read_back_and_a_fall_back_is_said(
    pack: ModelPack,
    caplog: pytest.LogCaptureFixture,
    wish: Wish,
    fake: FakeRuntime,
    chosen: str,
    warned: str | None,
) -> None:
    """A box that was bought with a GPU and runs on the CPU must say so."""
    with caplog.at_level(logging.INFO):
        detector = OnnxDetector(pack=pack, provider=wish, threads=2, runtime=fake.runtime)
    assert detector.provider == chosen
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == (warned is not None)
    assert warned is None or warned in warnings[0]
    assert f"runs on {chosen}, 2 threads (asked for {wish})" in caplog.records[-1].getMessage()


def test_compiled_engines_are_kept_where_told(pack: ModelPack, tmp_path: Path) -> None:
    """TensorRT compiles for minutes: not again at every start."""
    fake = FakeRuntime("CUDA", "Tensorrt")
    OnnxDetector(pack=pack, threads=1, cache_dir=tmp_path, runtime=fake.runtime)
    options = dict(fake.asked[0])
    assert list(options) == ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
    assert options["TensorrtExecutionProvider"]["trt_engine_cache_enable"] == "True"
    assert options["TensorrtExecutionProvider"]["trt_engine_cache_path"] == str(tmp_path)
    assert options["TensorrtExecutionProvider"]["trt_fp16_enable"] == "False"


def test_openvino_computes_in_bfloat16_where_that_is_the_precision(pack: ModelPack, tmp_path: Path) -> None:
    """It finds a compiled network by its file alone, which fp32 and bf16 share."""
    asked = {}
    precisions: tuple[Precision, ...] = ("fp32", "bf16")
    for precision in precisions:
        fake = FakeRuntime("OpenVINO")
        form = replace(pack, precision=precision)
        OnnxDetector(pack=form, provider="openvino", threads=3, cache_dir=tmp_path, runtime=fake.runtime)
        asked[precision] = dict(fake.asked[0])["OpenVINOExecutionProvider"]
    assert asked["fp32"] == {"device_type": "CPU", "num_of_threads": "3", "cache_dir": str(tmp_path)}
    told = json.loads(asked["bf16"].pop("load_config"))
    assert told == {"CPU": {"INFERENCE_PRECISION_HINT": "bf16"}}
    assert asked["bf16"] == {"device_type": "CPU", "num_of_threads": "3", "cache_dir": str(tmp_path / "bf16")}


def test_a_model_that_runs_nowhere_is_a_bad_pack(pack: ModelPack) -> None:
    fake = FakeRuntime(broken=["CPU"])
    with pytest.raises(BadModelPack, match=r"model\.onnx: the model does not load or run: out of memory$"):
        OnnxDetector(pack=pack, threads=1, runtime=fake.runtime)


def test_a_run_that_fails_later_is_a_detector_error(pack: ModelPack) -> None:
    """The inference thread reacts to it; nothing falls back behind its back."""
    fake = FakeRuntime()
    detector = OnnxDetector(pack=pack, threads=1, runtime=fake.runtime)
    assert fake.session is not None
    fake.session.failure = RuntimeError("device lost")
    with pytest.raises(DetectorError, match="failed on cpu: device lost"):
        detector.detect(PICTURE)


def test_the_real_session_is_the_cpu_one_here_and_says_its_classes(tmp_path: Path) -> None:
    detector = detector_of(tmp_path, constant_model(raw_output([])), "ultralytics_raw")
    assert detector.provider == "cpu"
    assert detector.classes == CLASSES


def test_threads_spin_within_a_run_and_not_between_frames(tmp_path: Path) -> None:
    """Cameras and HTTP need the cores then."""
    pack = ModelPack.load(write_pack(tmp_path, constant_model(raw_output([])), "ultralytics_raw"))
    given: list[onnxruntime.SessionOptions] = []

    def create(model: str, options: onnxruntime.SessionOptions, providers: list[ProviderOptions]) -> Session:
        given.append(options)
        return INSTALLED.create(model, options, providers)

    OnnxDetector(pack=pack, provider="cpu", threads=3, runtime=Runtime(create=create))
    (options,) = given
    assert options.intra_op_num_threads == 3
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "1"
    assert options.get_session_config_entry("session.force_spinning_stop") == "1"


def test_a_bare_session_is_what_the_library_makes_of_it(tmp_path: Path) -> None:
    """One with the agent's options would flatter the agent, which is measured against it."""
    model = write_pack(tmp_path, constant_model(raw_output([])), "ultralytics_raw") / "model.onnx"
    ours = onnxruntime.SessionOptions()
    ours.intra_op_num_threads = 2
    ours.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = AS_IT_COMES.create(str(model), ours, [("CPUExecutionProvider", {})])
    assert isinstance(session, onnxruntime.InferenceSession)
    options = session.get_session_options()
    assert options.intra_op_num_threads == 2
    for entry in ("session.intra_op.allow_spinning", "session.force_spinning_stop"):
        with pytest.raises(RuntimeError, match=entry):
            options.get_session_config_entry(entry)
