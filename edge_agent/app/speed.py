"""Put together what makes a pack fast and measures it: bench, tune, quantize."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge_agent.adapters.model_pack import ModelPack
from edge_agent.adapters.onnx_detector import OnnxDetector
from edge_agent.adapters.onnx_session import Provider, SessionPlan, Wish, offered_providers
from edge_agent.adapters.photograph import read_photograph
from edge_agent.adapters.this_machine import bytes_saturate, cpu_flags, cpu_name, runtime_name
from edge_agent.app.detector import cache_for, measured_for
from edge_agent.app.seeing import thresholds_of
from edge_agent.app.steps import OnStep, nobody_looks
from edge_agent.checking.gate import Tally, judge_candidate
from edge_agent.errors import BadRecording
from edge_agent.evaluation.bench import Measured, Side, alternate, pictures_or_noise, rates_of
from edge_agent.evaluation.photo_checks import TraysEvaluated, evaluate_trays
from edge_agent.formats.menu import load_menu
from edge_agent.formats.pack import MANIFEST_NAME, PackManifest, Precision, load_manifest
from edge_agent.formats.recordings import TrayFolder, open_trays
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.formats.tuning import Tuned, write_tuned
from edge_agent.ports import Detector, Picture
from edge_agent.training.export import make_pack_fast, revise_pack
from edge_agent.training.quantise import PLACEMENTS, evenly, quantise_pack
from edge_agent.training.rival import UltralyticsDetector

BENCH_PHOTOGRAPHS = 8

OnWork = Callable[[str], OnStep]
"""Told what begins; gives what is to be called with every step of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchPlan:
    """What `edge-agent bench` is to measure.

    Without photographs those of the first trays are taken, and without trays grey noise.
    """

    pack: Path
    photographs: Sequence[Path] = ()
    provider: Wish | None = None
    threads: int | None = None
    rounds: int = 60
    checkpoint: Path | None = None
    trays: Path | None = None
    only: tuple[TrayBlock, ...] = ()
    menu: Path | None = None


@dataclass(slots=True)
class _Sides:
    """The ways that are measured, by name, and what could not be."""

    agents: dict[str, OnnxDetector] = field(default_factory=dict)
    rivals: dict[str, UltralyticsDetector] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


def bench_pack(plan: BenchPlan, *, on_work: OnWork = lambda _: nobody_looks) -> Measured:
    """Measure the agent in each precision and provider beside the bare session and Ultralytics, and score each.

    Raises:
        BadModelPack: the pack does not fit.
        BadRecording: a photograph or the folder of trays does not read.
    """
    base: Wish = plan.provider if plan.provider not in (None, "auto") else "cpu"
    folder = None if plan.trays is None else open_trays(plan.trays).only(plan.only)
    photographs = plan.photographs or (() if folder is None else _first_photographs(folder))
    pictures = pictures_or_noise([read_photograph(path) for path in photographs])
    threads = SessionPlan(threads=plan.threads).thread_count
    bare = OnnxDetector(pack=ModelPack.load_plain(plan.pack), provider=base, threads=threads)
    tensors = [bare.prepare(picture)[0].copy() for picture in pictures]
    sides = _Sides()
    _add_agents(sides, plan, bare.provider, threads)
    _add_rivals(sides, plan, bare.pack, threads)
    runs: dict[str, Side] = {"bare": lambda n: bare.run(tensors[n % len(tensors)])}
    runs |= {name: _looking(agent.detect, pictures) for name, agent in sides.agents.items()}
    runs |= {f"ultralytics .{kind}": _looking(rival.predict, pictures) for kind, rival in sides.rivals.items()}
    times = alternate(runs, plan.rounds, on_work("rounds"))
    return Measured(
        bare_ms=times["bare"],
        detect_ms={name: times[name] for name in sides.agents},
        ultralytics_ms={kind: times.get(f"ultralytics .{kind}") for kind in ("pt", "onnx")},
        notes=sides.notes,
        scores=_scores(plan, folder, sides, bare.pack.manifest, on_work),
        provider=bare.provider,
        threads=threads,
        input_shape=bare.pack.manifest.input.shape,
        pictures=len(pictures),
        rounds=plan.rounds,
        runtime=runtime_name(),
        cpu=cpu_name(),
        cpu_flags=cpu_flags(),
    )


def _add_agents(sides: _Sides, plan: BenchPlan, base: Provider, threads: int) -> None:
    """Every precision of the pack, on every provider that this ONNX Runtime offers or on the one asked for."""
    asked = plan.provider not in (None, "auto")
    providers = (base,) if asked else tuple(dict.fromkeys((base, *offered_providers())))
    for precision in load_manifest(plan.pack / MANIFEST_NAME).files:
        for provider in providers:
            name = precision if provider == base else f"{precision} on {provider}"
            pack = ModelPack.load(plan.pack, precision=precision)
            agent = OnnxDetector(pack=pack, provider=provider, threads=threads)
            if agent.provider == provider:
                sides.agents[name] = agent
            else:
                sides.notes[name] = f"{provider} did not start"


def _add_rivals(sides: _Sides, plan: BenchPlan, plain: ModelPack, threads: int) -> None:
    weights = {"pt": plan.checkpoint, "onnx": plain.model_path}
    for kind, path in weights.items():
        name = f"ultralytics .{kind}"
        if path is None:
            sides.notes[name] = "no --checkpoint was given"
        elif kind == "onnx" and threads != SessionPlan().thread_count:
            sides.notes[name] = "Ultralytics gives ONNX Runtime all cores; measure with --threads 0"
        else:
            try:
                sides.rivals[kind] = UltralyticsDetector(weights=path, manifest=plain.manifest, threads=threads)
            except ModuleNotFoundError as missing:
                sides.notes[name] = f"{missing.name} is not installed (extra 'train')"


def _looking(look: Callable[[Picture], object], pictures: Sequence[Picture]) -> Side:
    return lambda n: look(pictures[n % len(pictures)])


def _first_photographs(folder: TrayFolder) -> tuple[Path, ...]:
    images = [folder.root / image for tray in folder.trays.values() for image in tray.images]
    return tuple(images[:BENCH_PHOTOGRAPHS])


def _scores(
    plan: BenchPlan, folder: TrayFolder | None, sides: _Sides, manifest: PackManifest, on_work: OnWork
) -> Mapping[str, Mapping[str, float | None] | None]:
    """The score of every way on the trays; without trays each is None: not measured."""
    everyone: dict[str, Detector] = {**sides.agents}
    everyone |= {f"ultralytics .{kind}": rival for kind, rival in sides.rivals.items()}
    if folder is None or plan.menu is None:
        return dict.fromkeys(everyone)
    return {
        name: rates_of(_scored(detector, manifest, folder, plan.menu, on_work(f"score of {name}")).scores)
        for name, detector in everyone.items()
    }


@dataclass(slots=True)
class _Counting:
    """Counts trays for whoever looks."""

    on_step: OnStep
    total: int
    done: int = 0

    def __call__(self, _tray_id: str) -> None:
        self.done += 1
        self.on_step(self.done, self.total)


def _scored(
    detector: Detector, manifest: PackManifest, folder: TrayFolder, menu: Path, on_step: OnStep
) -> TraysEvaluated:
    return evaluate_trays(
        folder,
        detector=detector,
        menu=load_menu(menu, model_classes=manifest.classes).menu,
        thresholds=thresholds_of(manifest),
        occluders=manifest.occluders,
        read_photograph=read_photograph,
        on_tray=_Counting(on_step, len({check.tray_id for check in folder.checks})),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantisingPlan:
    """What `edge-agent quantize` is to do.

    Attributes:
        pack: the pack, with a plain fp32 export.
        trays: photographed trays; some calibrate, the checks on the others are the gate.
        held_out: blocks of trays that are not looked at.
        menu: the menu of the checks.
        calibrate_with: so many trays calibrate, with one photograph each.
        tolerance: by so many per 100 right orders each count of the gate may be worse.
    """

    pack: Path
    trays: Path
    held_out: tuple[TrayBlock, ...]
    menu: Path
    calibrate_with: int = 96
    tolerance: float = 1.0


def quantise(plan: QuantisingPlan, *, on_work: OnWork = lambda _: nobody_looks) -> PackManifest:
    """Make a pack fast: bytes in, best cells out, and 8-bit files, each with the verdict of its gate in the manifest.

    Raises:
        BadModelPack: the pack has no plain export, or one whose graph is not understood.
        BadRecording: the folder of trays or a photograph does not read, or no check is left for the gate.
        ModuleNotFoundError: the extra `train` is not installed.
    """
    calibrating, judging = split_trays(open_trays(plan.trays), plan.held_out, plan.calibrate_with)
    make_pack_fast(plan.pack)
    exact = OnnxDetector(pack=ModelPack.load(plan.pack), provider="cpu")
    quantise_pack(
        plan.pack,
        calibrating,
        lambda path: exact.prepare(read_photograph(path))[0].copy(),
        held_out=plan.held_out,
    )
    manifest = load_manifest(plan.pack / MANIFEST_NAME)

    def tally(detector: Detector, name: str) -> Tally:
        on_step = on_work(f"gate: {name}")
        return Tally.of(_scored(detector, manifest, judging, plan.menu, on_step).scores)

    before = tally(exact, "fp32")
    files = manifest.model_dump(mode="json", exclude_none=True)["files"]
    for precision in PLACEMENTS:
        pack = ModelPack.load(plan.pack, precision=precision)
        after = tally(OnnxDetector(pack=pack, provider="cpu"), precision)
        decision = judge_candidate(before, after, tolerance=int(plan.tolerance / 100 * before.right))
        files[precision]["gate"] = {
            "passed": decision.passed,
            "tolerance": decision.tolerance,
            "fp32": before.counts,
            "scores": after.counts,
        }
    return revise_pack(plan.pack, {"files": files})


def split_trays(
    folder: TrayFolder, held_out: Sequence[TrayBlock], calibrate_with: int
) -> tuple[tuple[Path, ...], TrayFolder]:
    """The photographs that calibrate, and the trays with checks that judge: no tray does both, and none is held out.

    Raises:
        BadRecording: too few trays are left for both.
    """
    free = [tray for tray in folder.trays.values() if tray.sure and not any(tray.tray_id in b for b in held_out)]
    photographed = {folder.root / tray.images[0]: tray.tray_id for tray in free if tray.images}
    # At most half of the trays calibrate, so that a small folder still has a gate.
    calibrating = evenly(tuple(photographed), min(calibrate_with, len(photographed) // 2))
    used = {photographed[path] for path in calibrating}
    trays = {tray.tray_id: tray for tray in free if tray.tray_id not in used}
    judging = TrayFolder(folder.root, trays, tuple(check for check in folder.checks if check.tray_id in trays))
    if not calibrating or not judging.checks:
        said = (
            "too few sure trays with checks are left outside the held-out blocks: some calibrate, others are the gate"
        )
        raise BadRecording(said, path=folder.root)
    return calibrating, judging


def tune(
    folder: Path, photographs: Sequence[Path], *, rounds: int, on_work: OnWork = lambda _: nobody_looks
) -> tuple[Tuned, tuple[str, ...]]:
    """Measure every offered precision on every provider, with all cores and with half, and store the fastest way.

    Returns:
        What was stored, and one sentence for each way that was left out.

    Raises:
        BadModelPack: the pack does not fit, or its folder cannot be written to.
        BadRecording: a photograph does not read.
    """
    pictures = pictures_or_noise([read_photograph(path) for path in photographs])
    manifest = load_manifest(folder / MANIFEST_NAME)
    left_out = [f"{name} has not passed its gate" for name in manifest.files if name not in manifest.offered]
    all_cores = SessionPlan().thread_count
    ways: dict[str, tuple[Precision, Provider, int]] = {}
    agents: dict[str, Side] = {}
    for precision in manifest.offered:
        if precision.startswith("int8") and bytes_saturate(cpu_flags()):
            left_out.append(f"{precision}: this CPU has no VNNI, and would round sums of bytes off")
            continue
        pack = ModelPack.load(folder, precision=precision)
        for provider in offered_providers():
            for threads in sorted({all_cores, (all_cores + 1) // 2}):
                name = f"{precision} on {provider}, {threads} threads"
                cache = cache_for(folder, provider)
                agent = OnnxDetector(pack=pack, provider=provider, threads=threads, cache_dir=cache)
                if agent.provider != provider:
                    left_out.append(f"{name}: {provider} did not start")
                    continue
                ways[name] = (precision, provider, threads)
                agents[name] = _looking(agent.detect, pictures)
    times = alternate(agents, rounds, on_work("rounds"))
    precision, provider, threads = ways[min(times, key=lambda name: times[name])]
    tuned = Tuned(
        measured_for=measured_for(folder),
        precision=precision,
        provider=provider,
        threads=threads,
        median_ms={name: round(ms, 3) for name, ms in times.items()},
    )
    write_tuned(tuned, folder)
    return tuned, tuple(left_out)
