"""A buffer that is bound once gives what the plain way gives, for every picture anew; else the plain way is taken."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from edge_agent.adapters import onnx_binding
from edge_agent.adapters.onnx_binding import runner_of
from edge_agent.formats.pack import PackInput, Provider

BYTES = PackInput(width=64, height=32, layout="nhwc", scale="0-255", dtype="uint8")
SHAPE = BYTES.shape
GREY = np.full(SHAPE, 114, dtype=np.uint8)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> onnxruntime.InferenceSession:
    """A network that gives back each byte as a number, and twice."""
    given = helper.make_tensor_value_info("images", TensorProto.UINT8, SHAPE)
    wanted = helper.make_tensor_value_info("output0", TensorProto.FLOAT, (*SHAPE[:3], 6))
    nodes = [
        helper.make_node("Cast", ["images"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Concat", ["numbers", "numbers"], ["output0"], axis=3),
    ]
    model = helper.make_model(
        helper.make_graph(nodes, "twice", [given], [wanted]), opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    path = tmp_path_factory.mktemp("model") / "twice.onnx"
    path.write_bytes(model.SerializeToString())
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def bind_to(monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    """The processor's memory stands for that of a GPU: ONNX Runtime binds it in the same way."""
    monkeypatch.setattr(onnx_binding, "DEVICES", {"cuda": device})


def pictures(number: int) -> list[Any]:
    return [np.random.default_rng(seed).integers(0, 256, SHAPE, dtype=np.uint8) for seed in range(number)]


@pytest.mark.parametrize("provider", ["cuda", "cpu"])
def test_every_picture_gives_its_own_result_and_those_before_stay(
    monkeypatch: pytest.MonkeyPatch, session: onnxruntime.InferenceSession, provider: Provider
) -> None:
    bind_to(monkeypatch, "cpu")
    calls: list[object] = []
    bound = session.run_with_iobinding

    def counted(binding: onnxruntime.IOBinding) -> None:
        calls.append(binding)
        bound(binding)

    monkeypatch.setattr(session, "run_with_iobinding", counted)
    run = runner_of(session, provider, BYTES)
    calls.clear()
    given = pictures(5)
    results = [run(picture) for picture in given]
    for picture, result in zip(given, results, strict=True):
        assert np.array_equal(result, np.concatenate([picture, picture], axis=3))
    assert len(calls) == (5 if provider == "cuda" else 0), "only what runs on a GPU is bound"
    assert len({id(binding) for binding in calls}) <= 1


def test_what_is_given_is_not_kept(monkeypatch: pytest.MonkeyPatch, session: onnxruntime.InferenceSession) -> None:
    """The letterbox writes the next picture over it."""
    bind_to(monkeypatch, "cpu")
    run = runner_of(session, "cuda", BYTES)
    first, second = pictures(2)
    kept = first.copy()
    run(first)
    run(second)
    assert np.array_equal(first, kept)


def test_a_device_that_is_not_there_costs_nothing_but_a_sentence(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, session: onnxruntime.InferenceSession
) -> None:
    bind_to(monkeypatch, "npu")
    with caplog.at_level(logging.WARNING):
        run = runner_of(session, "cuda", BYTES)
    assert "no buffer of cuda is bound, every picture is handed over anew: " in caplog.text
    assert np.array_equal(run(GREY)[..., :3], GREY)


def test_a_buffer_that_is_not_read_anew_is_not_used(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, session: onnxruntime.InferenceSession
) -> None:
    """Every tray would look like the first, and nothing would fail."""
    bind_to(monkeypatch, "cpu")
    plain = np.zeros((*SHAPE[:3], 6), np.float32)
    monkeypatch.setattr(onnx_binding, "_bound", lambda *_: lambda _: plain)
    run = runner_of(session, "cuda", BYTES)
    assert "it gives other results" in caplog.text
    assert np.array_equal(run(pictures(1)[0])[..., :3], pictures(1)[0])


@pytest.mark.parametrize(
    "wanted", [BYTES, PackInput(width=64, height=32), PackInput(width=64, height=32, scale="0-255")]
)
@pytest.mark.parametrize("fill", [0, 114, 255])
def test_the_proof_looks_at_more_than_one_shade_whatever_surrounds_a_picture(wanted: PackInput, fill: int) -> None:
    noise = onnx_binding._noise(wanted.model_copy(update={"fill": fill}))
    assert (noise.shape, noise.dtype) == (wanted.shape, np.dtype(wanted.dtype))
    brightest = 1 if wanted.scale == "0-1" else 255
    assert 0.9 * brightest < float(noise.max()) <= brightest
    assert float(noise.std()) > 0.2 * brightest
