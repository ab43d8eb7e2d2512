"""The faster graph says what the plain export says: bytes in, best cells out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest

from edge_agent.adapters.model_pack import ModelPack
from edge_agent.adapters.onnx_detector import OnnxDetector
from edge_agent.domain.detection import Detection
from edge_agent.errors import BadModelPack
from edge_agent.formats.pack import MANIFEST_NAME, PackInput, load_manifest, sha256_of
from edge_agent.training.export import FAST_NAME, make_pack_fast
from edge_agent.training.graph import _is_same, keep_best_cells, make_fast, take_bytes
from tests.builders_detect import detect_export
from tests.builders_onnx import constant_model, end_to_end_output, raw_output, write_pack

GIVEN = PackInput(width=64, height=64)


def answer(model: bytes, tensor: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    found: npt.NDArray[np.float32] = session.run(None, {"images": tensor})[0]
    return found


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(detect_export())
    return path


@pytest.fixture
def noise() -> npt.NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)


def as_floats(picture: npt.NDArray[np.uint8], given: PackInput) -> npt.NDArray[np.float32]:
    """The plain export's input for a picture."""
    coloured = picture[..., ::-1] if given.colour == "rgb" else picture
    scaled = coloured.astype(np.float32) / (255 if given.scale == "0-1" else 1)
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


@pytest.mark.parametrize("colour", ["rgb", "bgr"])
@pytest.mark.parametrize("scale", ["0-1", "0-255"])
def test_bytes_in_give_what_floats_in_gave(plain: Path, noise: npt.NDArray[np.uint8], colour: str, scale: str) -> None:
    """Swapped channels or a second division raise no error: the model would only see worse."""
    given = PackInput.model_validate({"width": 64, "height": 64, "colour": colour, "scale": scale})
    model = onnx.load(plain)
    taken = take_bytes(model, given, path=plain)
    assert (taken.colour, taken.scale, taken.layout, taken.dtype) == ("bgr", "0-255", "nhwc", "uint8")
    expected = answer(plain.read_bytes(), as_floats(noise, given))
    found = answer(model.SerializeToString(), noise)
    assert np.allclose(found, expected, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("cells", [1, 10, 83])
def test_the_cells_kept_are_the_best_ones_with_their_boxes_and_scores(
    plain: Path, noise: npt.NDArray[np.uint8], cells: int
) -> None:
    model = onnx.load(plain)
    keep_best_cells(model, GIVEN, path=plain, cells=cells)
    tensor = as_floats(noise, GIVEN)
    wanted, found = answer(plain.read_bytes(), tensor)[0], answer(model.SerializeToString(), tensor)[0]
    best = np.argsort(-wanted[4:].max(axis=0), kind="stable")[:cells]
    assert found.shape == (7, cells)
    assert np.allclose(found, wanted[:, best], rtol=1e-4, atol=1e-3)


def test_a_whole_graph_is_made_fast_where_there_are_more_cells_than_are_kept(tmp_path: Path) -> None:
    """Both changes together, as they are shipped."""
    plain = tmp_path / "model.onnx"
    plain.write_bytes(detect_export(side_px=160))
    given = PackInput(width=160, height=160)
    make_fast(plain, tmp_path / "fast.onnx", given, "ultralytics_raw")
    picture = np.random.default_rng(8).integers(0, 256, (1, 160, 160, 3), dtype=np.uint8)
    wanted = answer(plain.read_bytes(), as_floats(picture, given))[0]
    found = answer((tmp_path / "fast.onnx").read_bytes(), picture)[0]
    best = np.argsort(-wanted[4:].max(axis=0), kind="stable")[:100]
    assert (wanted.shape, found.shape) == ((7, 525), (7, 256))
    assert np.allclose(np.sort(found[4:].max(axis=0))[::-1][:100], wanted[4:, best].max(axis=0), atol=1e-4)


def test_a_graph_with_fewer_cells_is_left_as_it_is(plain: Path) -> None:
    model = onnx.load(plain)
    before = model.SerializeToString()
    keep_best_cells(model, GIVEN, path=plain, cells=84)
    assert model.SerializeToString() == before


def test_what_is_proved_is_that_both_say_the_same() -> None:
    """The proof must fail where it should: on a moved box, on another score, on a cell that is not among the best."""
    numbers = np.random.default_rng(1)
    wanted = numbers.uniform(0, 1, (7, 400))
    best = np.argsort(-wanted[4:].max(axis=0))[:256]
    assert _is_same(wanted, wanted[:, best])
    assert _is_same(wanted, wanted[:, best[::-1]])
    moved, other = wanted[:, best].copy(), wanted[:, best].copy()
    moved[0, :10] += 0.1
    other[4, :10] += 0.001
    assert not _is_same(wanted, moved)
    assert not _is_same(wanted, other)
    assert not _is_same(wanted, wanted[:, :256])
    assert not _is_same(wanted, wanted + 0.1)


def test_of_cells_with_one_score_any_may_be_kept_but_none_that_is_not_there() -> None:
    """A network of one pass gives hundreds of cells the same score, and runs that take hours end here."""
    numbers = np.random.default_rng(2)
    wanted = numbers.uniform(0, 300, (7, 400))
    wanted[4:] = np.where(np.arange(400) < 20, 0.3, 0.1)
    some, others = list(range(256)), [*range(20), *range(164, 400)]
    assert _is_same(wanted, wanted[:, some])
    assert _is_same(wanted, wanted[:, others])
    moved = wanted[:, others].copy()
    moved[0, :10] += 5
    assert not _is_same(wanted, moved)
    assert not _is_same(wanted, wanted[:, [*range(20, 276)]]), "the best ones are missing"
    assert not _is_same(wanted, wanted[:, [*range(20)] * 13][:, :256]), "one of the best many times over"


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (constant_model(raw_output([])), "not read by a single convolution"),
        (constant_model(end_to_end_output([])), "not read by a single convolution"),
    ],
)
def test_a_graph_of_another_form_is_refused(tmp_path: Path, model: bytes, said: str) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(model)
    with pytest.raises(BadModelPack, match=said):
        make_fast(path, tmp_path / "fast.onnx", GIVEN, "ultralytics_raw")
    assert not (tmp_path / "fast.onnx").exists()


def test_a_head_of_another_form_is_refused(plain: Path, tmp_path: Path) -> None:
    """A YOLO26 has no distribution of distances; half an understanding would give wrong boxes."""
    model = onnx.load(plain)
    next(node for node in model.graph.node if node.op_type == "Softmax").name = "/another"
    plain.write_bytes(model.SerializeToString())
    with pytest.raises(BadModelPack, match="no distribution of distances"):
        make_fast(plain, tmp_path / "fast.onnx", GIVEN, "ultralytics_raw")


def seen_by(pack: ModelPack, picture: npt.NDArray[np.uint8]) -> tuple[Detection, ...]:
    return OnnxDetector(pack=pack, provider="cpu", threads=1).detect(picture)


def test_a_fast_pack_sees_what_the_plain_one_saw_and_keeps_the_plain_export(tmp_path: Path) -> None:
    """The benchmark needs the plain export, and the checker the very same detections."""
    folder = write_pack(
        tmp_path / "tiny",
        detect_export(),
        "ultralytics_raw",
        thresholds={"default": {"present": 0.5, "possible": 0.3}},
        nms={"several_classes_per_box": True},
    )
    picture = np.random.default_rng(5).integers(0, 256, (48, 60, 3), dtype=np.uint8)
    before = seen_by(ModelPack.load(folder), picture)
    manifest = make_pack_fast(folder)
    after = seen_by(ModelPack.load(folder), picture)
    assert before
    assert [d.class_name for d in after] == [d.class_name for d in before]
    for a, b in zip(after, before, strict=True):
        assert a.score == pytest.approx(b.score, abs=1e-4)
        found, wanted = ((d.box.left, d.box.top, d.box.right, d.box.bottom) for d in (a, b))
        assert np.allclose(found, wanted, atol=0.05)
    assert manifest.files["fp32"].file == FAST_NAME
    assert manifest.input.dtype == "uint8"
    assert manifest.plain is not None
    assert manifest.plain.file == "model.onnx"
    assert ModelPack.load_plain(folder).manifest.input == GIVEN
    assert seen_by(ModelPack.load_plain(folder), picture) == before


def test_making_a_pack_fast_again_gives_the_same_bytes(tmp_path: Path) -> None:
    """A pack is made by a command, not by hand: whoever repeats it gets the same pack."""
    folder = write_pack(tmp_path / "tiny", detect_export(), "ultralytics_raw")
    first = make_pack_fast(folder)
    assert make_pack_fast(folder) == first
    assert sha256_of(folder / FAST_NAME) == first.files["fp32"].sha256


def test_a_fast_form_that_was_lost_is_made_again(tmp_path: Path) -> None:
    folder = write_pack(tmp_path / "tiny", detect_export(), "ultralytics_raw")
    first = make_pack_fast(folder)
    (folder / FAST_NAME).write_bytes(b"torn")
    assert make_pack_fast(folder) == first
    assert sha256_of(folder / FAST_NAME) == first.files["fp32"].sha256


@pytest.mark.parametrize("made_fast", [False, True])
def test_another_network_does_not_get_the_name_of_this_one(tmp_path: Path, *, made_fast: bool) -> None:
    """With new hashes it would look whole, under thresholds and scores that were never its own."""
    folder = write_pack(tmp_path / "tiny", detect_export(), "ultralytics_raw")
    if made_fast:
        make_pack_fast(folder)
    before = (folder / MANIFEST_NAME).read_bytes()
    model = onnx.load(folder / "model.onnx")
    model.producer_name = "another"
    onnx.save(model, folder / "model.onnx")
    with pytest.raises(BadModelPack, match=r"tiny/model\.onnx: .*copy the whole pack once more"):
        make_pack_fast(folder)
    assert (folder / MANIFEST_NAME).read_bytes() == before


def test_quantised_files_of_an_older_network_do_not_stay(tmp_path: Path) -> None:
    folder = write_pack(tmp_path / "tiny", detect_export(), "ultralytics_raw")
    manifest = load_manifest(folder / MANIFEST_NAME)
    (folder / "old.onnx").write_bytes(b"old")
    text = (folder / MANIFEST_NAME).read_text()
    entry = f"  int8:\n    file: old.onnx\n    sha256: {sha256_of(folder / 'old.onnx')}\n"
    (folder / MANIFEST_NAME).write_text(text.replace("files:\n", "files:\n" + entry))
    assert set(make_pack_fast(folder).files) == {"fp32"} == set(manifest.files)
    assert not (folder / "old.onnx").exists()


def test_the_pack_does_not_tell_where_it_was_trained(tmp_path: Path) -> None:
    """Exporters write the paths of the machine into the file."""
    folder = write_pack(tmp_path / "tiny", detect_export(), "ultralytics_raw")
    make_pack_fast(folder)
    for path in folder.glob("*.onnx"):
        assert b"somebody" not in path.read_bytes()
        assert [prop.key for prop in onnx.load(path).metadata_props] == ["task"]
