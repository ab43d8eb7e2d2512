"""Put together what makes and measures models: bench, train, calibrate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edge_agent.adapters.model_pack import ModelPack
from edge_agent.adapters.onnx_detector import OnnxDetector
from edge_agent.adapters.onnx_session import Wish
from edge_agent.adapters.photograph import read_photograph
from edge_agent.app.steps import OnStep, nobody_looks
from edge_agent.evaluation.bench import Measured, alternate, cpu_flags, pictures_or_noise
from edge_agent.formats.pack import MANIFEST_NAME, PackManifest, load_manifest
from edge_agent.training.boxed import read_boxed
from edge_agent.training.making import TrainingPlan, calibrate_on, make_pack


def bench_detector(
    pack_folder: Path,
    photographs: Sequence[Path],
    *,
    provider: Wish,
    threads: int | None,
    rounds: int,
    on_round: OnStep = nobody_looks,
) -> Measured:
    """Measure a pack's detector beside its bare session.

    Raises:
        BadModelPack: the pack does not fit.
        BadRecording: a photograph does not read.
    """
    detector = OnnxDetector(pack=ModelPack.load(pack_folder), provider=provider, threads=threads)
    pictures = pictures_or_noise([read_photograph(path) for path in photographs])
    tensors = [detector.prepare(picture)[0].copy() for picture in pictures]
    bare_ms, detect_ms = alternate(
        lambda n: detector.run(tensors[n % len(tensors)]),
        lambda n: detector.detect(pictures[n % len(pictures)]),
        rounds,
        on_round,
    )
    return Measured(
        bare_ms=bare_ms,
        detect_ms=detect_ms,
        precision=detector.pack.precision,
        provider=detector.provider,
        input_shape=detector.pack.manifest.input.shape,
        pictures=len(pictures),
        rounds=rounds,
        cpu_flags=cpu_flags(),
    )


def train_pack(plan: TrainingPlan, command: str) -> PackManifest:
    """Fit on boxed photographs, export, calibrate, and write the pack with its cards.

    Raises:
        BadRecording: a photograph or a label does not read; names file and line.
        ModuleNotFoundError: the extra `train` is not installed.
    """
    return make_pack(plan, command, open_detector=_cpu_detector, read_photograph=read_photograph)


def calibrate_pack(pack: Path, boxes: Path, *, false_alarms: float) -> PackManifest:
    """Find a pack's thresholds anew on the `val` photographs, and write them into its manifest.

    Raises:
        BadModelPack: the pack does not fit.
        BadRecording: a photograph or a label does not read; names file and line.
    """
    classes = load_manifest(pack / MANIFEST_NAME).classes
    return calibrate_on(
        pack,
        read_boxed(boxes, "val", classes),
        false_alarms=false_alarms,
        open_detector=_cpu_detector,
        read_photograph=read_photograph,
    )


def _cpu_detector(folder: Path) -> OnnxDetector:
    return OnnxDetector(pack=ModelPack.load(folder), provider="cpu")
