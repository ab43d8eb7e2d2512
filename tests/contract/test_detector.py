"""What every Detector promises: the checker is tested with the fake, so the fake must keep the real one's promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_agent.adapters.model_pack import ModelPack
from edge_agent.adapters.onnx_detector import OnnxDetector
from edge_agent.domain.detection import Detection
from edge_agent.domain.geometry import Box
from edge_agent.errors import DetectorError
from edge_agent.ports import Detector, Picture
from tests.builders_onnx import CLASSES, OUTPUTS, Row, constant_model, write_pack
from tests.fakes import ScriptedDetector

ROWS: list[Row] = [
    (4.0, 4.0, 28.0, 28.0, 0.4, 1),
    (10.0, 20.0, 50.0, 44.0, 0.9, 0),
    (40.0, 40.0, 70.0, 70.0, 0.6, 2),  # reaches out of the picture
]
PICTURE: Picture = np.full((48, 64, 3), 90, dtype=np.uint8)


class DetectorContract:
    """Inherited by one test class per Detector; each gives a `detector` that sees three things."""

    def test_names_its_classes_once(self, detector: Detector) -> None:
        """Two classes of one name would be counted as one thing."""
        assert detector.classes
        assert len(set(detector.classes)) == len(detector.classes)

    def test_reports_the_best_first(self, detector: Detector) -> None:
        """Later stages cut the list off at its end."""
        seen = detector.detect(PICTURE)
        assert isinstance(seen, tuple)
        assert len(seen) == 3
        assert [d.score for d in seen] == sorted((d.score for d in seen), reverse=True)

    def test_reports_only_its_own_classes(self, detector: Detector) -> None:
        """The menu is checked against `classes` once, at the start."""
        assert {d.class_name for d in detector.detect(PICTURE)} <= set(detector.classes)

    def test_reports_boxes_inside_the_picture(self, detector: Detector) -> None:
        """Evidence pictures are cut out by these boxes."""
        for detection in detector.detect(PICTURE):
            assert 0 <= detection.box.left < detection.box.right <= 64
            assert 0 <= detection.box.top < detection.box.bottom <= 48

    def test_says_the_same_of_the_same_picture(self, detector: Detector) -> None:
        """A replay must give the same verdicts twice."""
        assert detector.detect(PICTURE) == detector.detect(PICTURE)

    def test_leaves_the_picture_as_it_was(self, detector: Detector) -> None:
        """The same array becomes the evidence."""
        picture = PICTURE.copy()
        detector.detect(picture)
        assert (picture == PICTURE).all()

    @pytest.mark.parametrize(
        "picture",
        [
            np.zeros((48, 64), dtype=np.uint8),
            np.zeros((48, 64, 4), dtype=np.uint8),
            np.zeros((48, 64, 3), dtype=np.float32),
            np.zeros((0, 64, 3), dtype=np.uint8),
            None,
        ],
        ids=["grey", "four channels", "floats", "no rows", "nothing"],
    )
    def test_refuses_what_is_no_picture(self, detector: Detector, picture: Picture) -> None:
        """A camera that gives rubbish must not end the inference thread with a stray exception."""
        with pytest.raises(DetectorError, match="a picture must be"):
            detector.detect(picture)


class TestScriptedDetector(DetectorContract):
    """The fake."""

    @pytest.fixture
    def detector(self) -> Detector:
        seen = [
            Detection(CLASSES[index], score, Box(left, top, min(right, 64.0), min(bottom, 48.0)))
            for left, top, right, bottom, score, index in ROWS
        ]
        return ScriptedDetector(classes=CLASSES, script=[seen])


class TestOnnxDetector(DetectorContract):
    """The real one, in each layout of the output."""

    @pytest.fixture(params=["ultralytics_raw", "end_to_end", "yolox_grid"])
    def detector(self, request: pytest.FixtureRequest, tmp_path: Path) -> Detector:
        model = constant_model(OUTPUTS[request.param](ROWS))
        return OnnxDetector(pack=ModelPack.load(write_pack(tmp_path, model, request.param)), provider="cpu", threads=1)
