"""Which detector runs: the pack's precision, the provider and the threads that the settings and a measurement give."""

from __future__ import annotations

import hashlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from edge_agent.adapters.model_pack import ModelPack
from edge_agent.adapters.onnx_detector import OnnxDetector
from edge_agent.adapters.onnx_session import Wish, offered_providers
from edge_agent.adapters.this_machine import computed_otherwise, cpu_flags, cpu_name, runtime_name
from edge_agent.errors import BadModelPack
from edge_agent.formats.pack import MANIFEST_NAME, Precision, load_manifest
from edge_agent.formats.tuning import Tuned, TunedFor, load_tuned
from edge_agent.ports.cores import usable_cores
from edge_agent.settings import DetectorSettings

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A way to run a pack; `threads` None means all cores."""

    precision: Precision | None
    provider: Wish
    threads: int | None


def open_detector(folder: Path, settings: DetectorSettings) -> OnnxDetector:
    """The detector of a pack, run as the settings say; what they leave open is as `edge-agent tune` measured it.

    Nothing is measured here: a start must be fast.

    Raises:
        BadModelPack: the pack does not fit, or lacks the precision asked for.
    """
    choice = choose(folder, settings)
    pack = ModelPack.load(folder, precision=choice.precision)
    detector = OnnxDetector(
        pack=pack, provider=choice.provider, threads=choice.threads, cache_dir=cache_for(folder, choice.provider)
    )
    if (why := computed_otherwise(pack.precision, detector.provider, cpu_flags())) is not None:
        logger.warning("%s: %s on %s: %s", folder, pack.precision, detector.provider, why)
    if pack.precision not in pack.manifest.offered_on(detector.provider):
        said = "%s: nobody has measured that %s keeps the score of fp32 on %s (its gate was not held, or not passed)"
        logger.warning(said, folder, pack.precision, detector.provider)
    return detector


def choose(folder: Path, settings: DetectorSettings) -> Choice:
    """How the pack is to run: what is written in the settings first, then what was measured, then the pack's first."""
    asked = None if settings.precision == "auto" else settings.precision
    plain = Choice(precision=asked, provider=settings.provider, threads=settings.threads or None)
    tuned = None if asked is not None else _valid_tuning(folder)
    if tuned is None or settings.provider not in ("auto", tuned.provider):
        return plain
    return Choice(
        precision=tuned.precision,
        provider=tuned.provider,
        threads=settings.threads or min(tuned.threads, usable_cores()),
    )


def measured_for(folder: Path) -> TunedFor:
    """What a measurement of this pack, made here and now, holds for.

    Raises:
        BadModelPack: the manifest does not read.
    """
    manifest = load_manifest(folder / MANIFEST_NAME)
    # A pack that is scored once more runs no slower for it.
    runs = manifest.model_dump_json(by_alias=True, exclude={"metrics", "provenance"})
    sha256 = hashlib.sha256(runs.encode()).hexdigest()
    return TunedFor(cpu=cpu_name(), runtime=runtime_name(), manifest_sha256=sha256)


def tuned_here(folder: Path, wish: Wish = "auto") -> Tuned | None:
    """What was measured for this pack as it is, on this machine and its ONNX Runtime; None where nothing was.

    A measurement says nothing where another provider is wished for, or its precision has lost its gate.

    Raises:
        BadModelPack: the manifest does not read.
    """
    try:
        tuned = load_tuned(folder)
    except BadModelPack:
        return None
    if tuned is None or tuned.measured_for != measured_for(folder) or wish not in ("auto", tuned.provider):
        return None
    offered = load_manifest(folder / MANIFEST_NAME).offered_on(tuned.provider)
    return tuned if tuned.precision in offered else None


def unmeasured_forms(folder: Path, settings: DetectorSettings) -> tuple[Precision, ...]:
    """The precisions among which nobody has measured the fastest; empty where there is no choice, or it was made.

    Raises:
        BadModelPack: the manifest does not read.
    """
    manifest = load_manifest(folder / MANIFEST_NAME)
    providers = offered_providers() if settings.provider == "auto" else (settings.provider,)
    offered = ((form, provider) for provider in providers for form in manifest.offered_on(provider))
    forms = tuple(dict.fromkeys(form for form, on in offered if computed_otherwise(form, on, cpu_flags()) is None))
    is_open = settings.precision == "auto" and len(forms) > 1 and tuned_here(folder, settings.provider) is None
    return forms if is_open else ()


def _valid_tuning(folder: Path) -> Tuned | None:
    """What was measured for this pack on this machine; None, with a line in the log, where nothing was."""
    if not (folder / MANIFEST_NAME).is_file():
        return None  # loading the pack will say so
    try:
        tuned = load_tuned(folder)
    except BadModelPack as damage:
        logger.warning("%s; running the pack's first precision instead, measure again with 'edge-agent tune'", damage)
        return None
    if tuned is None:
        logger.info("%s was not tuned for this machine: its first precision runs; see 'edge-agent tune'", folder)
        return None
    if tuned.measured_for != measured_for(folder):
        said = "%s was tuned for another CPU, ONNX Runtime or pack: its first precision runs; run 'edge-agent tune'"
        logger.warning(said, folder)
        return None
    if tuned.precision not in load_manifest(folder / MANIFEST_NAME).offered_on(tuned.provider):
        said = "%s: %s has not passed its gate on %s; the pack's first precision runs"
        logger.warning(said, folder, tuned.precision, tuned.provider)
        return None
    return tuned


def cache_for(folder: Path, provider: Wish) -> Path | None:
    """Where providers that compile a network keep the result: beside the manifest, where that can be written."""
    if provider == "cpu" or not os.access(folder, os.W_OK):
        return None
    return folder / "engines"
