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
from edge_agent.formats.pack import Provider

SHAPE = (1, 4, 6, 3)
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
    run = runner_of(session, provider, GREY)
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
    example = GREY.copy()
    run = runner_of(session, "cuda", example)
    run(pictures(1)[0])
    assert np.array_equal(example, GREY)


def test_a_device_that_is_not_there_costs_nothing_but_a_sentence(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, session: onnxruntime.InferenceSession
) -> None:
    bind_to(monkeypatch, "cuda")
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("here it is there")
    with caplog.at_level(logging.WARNING):
        run = runner_of(session, "cuda", GREY)
    assert "no buffer of cuda is bound, every picture takes memory there anew: " in caplog.text
    assert np.array_equal(run(GREY)[..., :3], GREY)


def test_a_buffer_that_is_not_read_anew_is_not_used(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, session: onnxruntime.InferenceSession
) -> None:
    """Every tray would look like the first, and nothing would fail."""
    bind_to(monkeypatch, "cpu")
    plain = np.concatenate([GREY, GREY], axis=3).astype(np.float32)
    monkeypatch.setattr(onnx_binding, "_bound", lambda *_: lambda _: plain)
    run = runner_of(session, "cuda", GREY)
    assert "it gives other results" in caplog.text
    assert np.array_equal(run(pictures(1)[0])[..., :3], pictures(1)[0])
