"""A station whose tray comes and goes, known exactly: a short video, and a tiny model that sees what is bright.

The real agent runs on it with next to no work for its processor, so that tests may put their load elsewhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.builders_onnx import SIDE_PX, raw_output, write_pack
from tests.running_agent import station
from tests.videos import write_video

PLATES = 3
"""So many plates lie on the tray whenever it is there."""

WRONG = {"plate": PLATES + 1}
"""An order that the tray is nearest to, and does not fit."""

RIGHT = {"plate": PLATES}

FRAMES_PER_S = 10
THERE_S, GONE_S = 1.6, 0.8
"""The tray lies for so long, and is away for so long, again and again."""

_SIZE_PX = 128
_DARK, _BRIGHT = 60, 200
_SEEN_FROM = 0.40
"""Mean brightness (0 to 1) above which the model sees plates: of the counter it is 0.24, with the tray 0.51."""

TIMING = {"settle_s": 0.2, "gone_s": 0.2, "resume_s": 0.0, "vote_half_life_s": 0.3, "alert_after_s": 0.2}


def brightness_model() -> bytes:
    """A network that sees `PLATES` plates side by side while its picture is bright, and nothing while it is dark."""
    plates = [(4.0 + 20 * n, 10.0, 18.0 + 20 * n, 54.0, 0.95, 0) for n in range(PLATES)]
    scores = raw_output(plates)
    boxes = scores.copy()
    boxes[:, 4:], scores[:, :4] = 0.0, 0.0
    values = {"boxes": boxes, "scores": scores, "from": np.float32(_SEEN_FROM), "steep": np.float32(1000.0)}
    values |= {"none": np.float32(0.0), "all": np.float32(1.0)}
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
        helper.make_node("Sub", ["mean", "from"], ["above"]),
        helper.make_node("Mul", ["above", "steep"], ["step"]),
        helper.make_node("Clip", ["step", "none", "all"], ["seen"]),
        helper.make_node("Mul", ["scores", "seen"], ["seen_scores"]),
        helper.make_node("Add", ["boxes", "seen_scores"], ["output0"]),
    ]
    graph = helper.make_graph(
        nodes,
        "brightness",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, (1, 3, SIDE_PX, SIDE_PX))],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, scores.shape)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in values.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def write_tray_video(path: Path, *, always: bool = False) -> Path:
    """A round of the tray: there, and gone. `always`: it never goes."""
    empty, laid = _counter(), _counter()
    edge = _SIZE_PX // 8
    laid[edge:-edge, edge:-edge] = _BRIGHT
    frames = round(THERE_S * FRAMES_PER_S) * [laid] + ([] if always else round(GONE_S * FRAMES_PER_S) * [empty])
    times = [n / FRAMES_PER_S for n in range(len(frames))]
    return write_video(path, times, size=(_SIZE_PX, _SIZE_PX), pictures=frames)


def blinking(folder: Path, *names: str, always: bool = False) -> dict[str, Any]:
    """The settings of an agent whose stations, of these names, each have such a tray. Its files go to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    pack = write_pack(folder / "pack", brightness_model(), "ultralytics_raw")
    menu = folder / "menu.yaml"
    menu.write_text("items:\n- {sku: plate, detects_as: plate}\n- {sku: bread, detects_as: bread}\n")
    video = write_tray_video(folder / "tray.mp4", always=always)
    cameras = [station(name, file=str(video), loop=True) | {"timing": TIMING} for name in names or ("pass",)]
    return {"detector": {"pack": str(pack)}, "menu": str(menu), "stations": cameras}


def _counter() -> npt.NDArray[np.uint8]:
    """An empty counter, with a pattern on it: a plain grey picture might pass for a blurred one."""
    rows, columns = np.indices((_SIZE_PX, _SIZE_PX))
    pattern = _DARK + 10 * ((rows // 8 + columns // 8) % 2)
    return np.repeat(pattern[:, :, None], 3, axis=2).astype(np.uint8)
