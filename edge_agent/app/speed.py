"""Put together what measures how fast a pack is: bench, tune."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge_agent.adapters.model_pack import ModelPack
from edge_agent.adapters.onnx_detector import OnnxDetector
from edge_agent.adapters.onnx_session import AS_IT_COMES, SessionPlan, Wish, offered_providers
from edge_agent.adapters.photograph import read_photograph
from edge_agent.adapters.this_machine import bytes_saturate, computed_otherwise, cpu_flags, cpu_name, runtime_name
from edge_agent.app.detector import cache_for, measured_for
from edge_agent.app.scored_trays import menu_of_checks, scored_on
from edge_agent.domain.menu import Menu
from edge_agent.errors import BadInput
from edge_agent.evaluation.bench import Measured, Side, alternate, pictures_or_noise, rates_of, restlessness
from edge_agent.formats.pack import MANIFEST_NAME, PackFile, PackManifest, Precision, Provider, load_manifest
from edge_agent.formats.recordings import TrayFolder, open_trays
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.formats.tuning import Tuned, write_tuned
from edge_agent.ports import Detector, Picture
from edge_agent.ports.steps import OnWork, nobody_looks
from edge_agent.training.rival import UltralyticsDetector

BENCH_PHOTOGRAPHS = 8


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
    classes = ModelPack.manifest_of(plan.pack).classes
    menu = None if folder is None or plan.menu is None else menu_of_checks(plan.menu, classes, folder)
    photographs = plan.photographs or (() if folder is None else _first_photographs(folder))
    pictures = pictures_or_noise([read_photograph(path) for path in photographs])
    threads = SessionPlan(threads=plan.threads).thread_count
    plain = ModelPack.load_plain(plan.pack)
    bare = OnnxDetector(pack=plain, provider=base, threads=threads, runtime=AS_IT_COMES)
    tensors = [bare.prepare(picture)[0].copy() for picture in pictures]
    sides = _Sides()
    _add_agents(sides, plan, bare.provider, threads)
    _add_rivals(sides, plan, plain, threads)
    runs: dict[str, Side] = {"bare": lambda n: bare.run(tensors[n % len(tensors)])}
    runs |= {name: _looking(agent.detect, pictures) for name, agent in sides.agents.items()}
    runs |= {f"ultralytics .{kind}": _looking(rival.predict, pictures) for kind, rival in sides.rivals.items()}
    times = alternate(runs, plan.rounds, on_work("rounds"))
    return Measured(
        bare_ms=times["bare"].median_ms,
        detect_ms={name: times[name].median_ms for name in sides.agents},
        ultralytics_ms={
            kind: times[f"ultralytics .{kind}"].median_ms if kind in sides.rivals else None for kind in ("pt", "onnx")
        },
        spreads={name: timing.spread for name, timing in times.items()},
        notes=sides.notes,
        scores=_scores(menu, folder, sides, plain.manifest, on_work),
        provider=bare.provider,
        threads=threads,
        input_shape=plain.manifest.input.shape,
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
            if (why := computed_otherwise(precision, provider, cpu_flags())) is not None:
                sides.notes[name] = why
                continue
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
    menu: Menu | None, folder: TrayFolder | None, sides: _Sides, manifest: PackManifest, on_work: OnWork
) -> Mapping[str, Mapping[str, float | None] | None]:
    """The score of every way on the trays; without trays each is None: not measured."""
    everyone: dict[str, Detector] = {**sides.agents}
    everyone |= {f"ultralytics .{kind}": rival for kind, rival in sides.rivals.items()}
    if folder is None or menu is None:
        return dict.fromkeys(everyone)
    return {
        name: rates_of(scored_on(detector, manifest, folder, menu, on_work(f"score of {name}")).scores)
        for name, detector in everyone.items()
    }


@dataclass(frozen=True, slots=True)
class Tuning:
    """What was measured and stored, a sentence for each way that was left out, and one where the machine was busy."""

    tuned: Tuned
    left_out: tuple[str, ...] = ()
    unrest: tuple[str, ...] = ()


def tune(
    folder: Path,
    photographs: Sequence[Path],
    *,
    rounds: int,
    wish: Wish = "auto",
    on_work: OnWork = lambda _: nobody_looks,
) -> Tuning:
    """Measure every offered precision on every provider, with all cores and with half, and store the fastest way.

    With a wish for one provider only what runs there is measured: nothing else would be believed.

    Raises:
        BadInput: nothing runs on the provider that was wished for.
        BadModelPack: the pack does not fit, or its folder cannot be written to.
        BadRecording: a photograph does not read.
    """
    pictures = pictures_or_noise([read_photograph(path) for path in photographs])
    manifest = load_manifest(folder / MANIFEST_NAME)
    left_out = []
    all_cores = SessionPlan().thread_count
    ways: dict[str, tuple[Precision, Provider, int]] = {}
    agents: dict[str, Side] = {}
    for precision, file in manifest.files.items():
        pack = ModelPack.load(folder, precision=precision)
        for provider in offered_providers() if wish == "auto" else (wish,):
            if (why := computed_otherwise(precision, provider, cpu_flags())) is not None:
                left_out.append(f"{precision} on {provider}: {why}")
                continue
            if precision not in manifest.offered_on(provider):
                left_out.append(f"{precision} has not passed its gate on {provider}")
                continue
            if (
                precision.startswith("int8")
                and bytes_saturate(provider, cpu_flags())
                and not _passed_saturated(file, provider)
            ):
                said = "this CPU has no VNNI and cuts sums of bytes off, and nobody has held its gate on such a one"
                left_out.append(f"{precision} on {provider}: {said}")
                continue
            for threads in sorted({all_cores, (all_cores + 1) // 2}):
                name = f"{precision} on {provider}, {threads} threads"
                cache = cache_for(folder, provider)
                agent = OnnxDetector(pack=pack, provider=provider, threads=threads, cache_dir=cache)
                if agent.provider != provider:
                    left_out.append(f"{name}: {provider} did not start")
                    continue
                ways[name] = (precision, provider, threads)
                agents[name] = _looking(agent.detect, pictures)
    if not ways:
        do = f"install the libraries of {wish}, or set detector.provider to auto"
        raise BadInput(f"nothing of this pack can run on {wish} here ({'; '.join(left_out)}): {do}", path=folder)
    times = alternate(agents, rounds, on_work("rounds"))
    precision, provider, threads = ways[min(times, key=lambda name: times[name].median_ms)]
    tuned = Tuned(
        measured_for=measured_for(folder),
        precision=precision,
        provider=provider,
        threads=threads,
        median_ms={name: round(timing.median_ms, 3) for name, timing in times.items()},
    )
    write_tuned(tuned, folder)
    spreads = {name: timing.spread for name, timing in times.items()}
    return Tuning(tuned, left_out=tuple(left_out), unrest=tuple(restlessness(spreads)))


def _passed_saturated(file: PackFile, provider: Provider) -> bool:
    gate = file.gate_on(provider)
    return gate is not None and gate.bytes_saturated
