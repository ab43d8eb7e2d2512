"""The gate of 8-bit forms: what keeps the score of fp32 stays and is offered, on each provider for itself."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import pytest

from edge_agent.adapters.onnx_detector import OnnxDetector
from edge_agent.app import quantising
from edge_agent.app.models import Box, faults_of, list_packs
from edge_agent.app.plans import QuantisingPlan
from edge_agent.cli.showing import show_gates
from edge_agent.domain.detection import Detection
from edge_agent.errors import BadInput, BadRecording
from edge_agent.formats.pack import MANIFEST_NAME, Provider, load_manifest
from edge_agent.formats.recordings import open_trays
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.ports import Picture
from edge_agent.training.export import TO_BE_FOUND, make_pack_fast, revise_pack
from edge_agent.training.took_part import doubts_of_scores
from tests.builders import seen
from tests.builders_detect import detect_export
from tests.builders_onnx import write_pack

TRAYS = 8
"""Half of them calibrate, and four judge, each by a right order and a wrong one."""


class Overlooking(OnnxDetector):
    """Sees a plate and a bread, but overlooks both on so many of the trays that judge, by form and provider.

    A picture says by its grey which tray it shows. Every provider but those that are `missing` is there.
    """

    overlooked: ClassVar[dict[tuple[str, str], int]] = {}
    judging: ClassVar[tuple[int, ...]] = ()
    missing: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *, pack: Any, provider: Provider) -> None:
        super().__init__(pack=pack, provider="cpu", threads=1)
        self._asked: Provider = "cpu" if provider in self.missing else provider

    @property
    def provider(self) -> Provider:
        return self._asked

    def detect(self, picture: Picture) -> tuple[Detection, ...]:
        blank = self.judging[: self.overlooked.get((self.pack.precision, self._asked), 0)]
        return () if int(picture[0, 0, 0]) in blank else (seen("plate"), seen("bread", 200))


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> QuantisingPlan:
    """A pack that was not made fast yet, and the trays to judge its forms by."""
    pack = write_pack(tmp_path / "tiny", detect_export(), "ultralytics_raw")
    (tmp_path / "menu.yaml").write_text(
        "items:\n  - {sku: plate, detects_as: plate}\n  - {sku: bread, detects_as: bread}\n"
    )
    folder = trays(tmp_path / "trays")
    _, judging = quantising.split_trays(open_trays(folder), (), 96)
    monkeypatch.setattr(quantising, "OnnxDetector", Overlooking)
    monkeypatch.setattr(quantising, "cpu_flags", lambda: ("avx2", "avx_vnni"))
    monkeypatch.setattr(Overlooking, "judging", tuple(int(each.rpartition("-")[2]) for each in judging.trays))
    return QuantisingPlan(pack=pack, trays=folder, held_out=(), menu=tmp_path / "menu.yaml")


def trays(root: Path) -> Path:
    root.mkdir()
    rows, checks = [], []
    for n in range(TRAYS):
        cv2.imwrite(str(root / f"{n}.png"), np.full((64, 64, 3), n, np.uint8))
        rows.append({"tray_id": f"t-{n}", "images": [f"{n}.png"], "contents": {"plate": 1, "bread": 1}})
        for expected, skus in (("match", ("plate", "bread")), ("mismatch", ("plate",))):
            order = {"order_id": f"{n}-{expected}", "lines": [{"sku": sku} for sku in skus]}
            checks.append({"check_id": f"c-{n}-{expected}", "tray_id": f"t-{n}", "order": order, "expected": expected})
    (root / "trays.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (root / "orders.jsonl").write_text("".join(json.dumps(check) + "\n" for check in checks))
    return root


def at(plan: QuantisingPlan, tolerance: float) -> QuantisingPlan:
    return QuantisingPlan(pack=plan.pack, trays=plan.trays, held_out=plan.held_out, menu=plan.menu, tolerance=tolerance)


@pytest.mark.parametrize(
    ("tolerance", "passed"),
    [(1.0, ()), (24.9, ()), (25.0, ("int8",)), (50.0, ("int8", "int8_convs"))],
)
def test_a_form_may_be_worse_by_the_tolerance_and_not_by_one_check_more(
    plan: QuantisingPlan, monkeypatch: pytest.MonkeyPatch, tolerance: float, passed: tuple[str, ...]
) -> None:
    """The tolerance is per hundred right orders: of four, 25 forgives one tray."""
    monkeypatch.setattr(Overlooking, "overlooked", {("int8", "cpu"): 1, ("int8_convs", "cpu"): 2})
    manifest = quantising.quantise(at(plan, tolerance))
    assert manifest.offered_on("cpu") == ("fp32", *passed)
    assert set(manifest.refused) == {"int8", "int8_convs"} - set(passed)
    assert {path.name for path in plan.pack.glob("*.onnx")} == {
        "model.onnx", "model.fp32.onnx", *(f"model.{form}.onnx" for form in passed),
    }  # fmt: skip
    counts = {name: (gate.scores["caught"], gate.scores["right_match"]) for name, gate in manifest.gates.items()}
    assert counts == {"int8": (3, 3), "int8_convs": (2, 2)}
    assert {gate.fp32["caught"] for gate in manifest.gates.values()} == {4}


@pytest.mark.parametrize(("flags", "saturated"), [(("avx2",), True), (("avx2", "avx_vnni"), False)])
def test_a_gate_says_whether_it_was_held_where_sums_of_bytes_are_cut_off(
    plan: QuantisingPlan, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...], saturated: bool
) -> None:
    """Only where it was may such a form run on boxes that do so."""
    monkeypatch.setattr(quantising, "cpu_flags", lambda: flags)
    assert {gate.bytes_saturated for gate in quantising.quantise(plan).gates.values()} == {saturated}


@pytest.mark.parametrize(("matched", "said"), [(0, True), (1, False)])
def test_a_gate_beside_a_pack_that_matches_nothing_is_told_to_prove_nothing(
    capsys: pytest.CaptureFixture[str], plan: QuantisingPlan, matched: int, said: bool
) -> None:
    manifest = quantising.quantise(plan)
    forms = manifest.model_dump(mode="json", by_alias=True, exclude_none=True)["files"]
    for form in ("int8", "int8_convs"):
        forms[form]["gate"]["fp32"]["right_match"] = matched
    show_gates(revise_pack(plan.pack, {"files": forms}))
    assert ("in fp32 no right order is called match" in " ".join(capsys.readouterr().err.split())) == said


@pytest.mark.parametrize("enough", [True, False])
def test_a_gate_with_few_trays_is_warned_of(
    plan: QuantisingPlan, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, *, enough: bool
) -> None:
    """A form that overlooks one thing in ten passes there as often as not."""
    monkeypatch.setattr(quantising, "FEW_TRAYS", 4 if enough else 5)
    quantising.quantise(plan)
    assert ("4 tray(s) judge the 8-bit forms, among which a worse form may pass" in caplog.text) != enough


def test_a_pack_without_thresholds_has_no_forms_to_judge(plan: QuantisingPlan) -> None:
    """What it says is what its forms are judged by, and the thresholds that are found later void every gate."""
    revise_pack(plan.pack, {"thresholds": TO_BE_FOUND})
    with pytest.raises(BadInput, match=r"its thresholds are still to be found.*'edge-agent calibrate' comes first"):
        quantising.quantise(plan)
    assert not list(plan.pack.glob("*int8*"))


def test_a_gate_that_could_not_be_held_leaves_the_pack_as_it_was(plan: QuantisingPlan) -> None:
    """A photograph that no longer reads must not cost the forms that passed before."""
    quantising.quantise(plan)
    before = {path.name: path.read_bytes() for path in plan.pack.iterdir()}
    (plan.trays / f"{Overlooking.judging[-1]}.png").write_bytes(b"no picture")
    with pytest.raises(BadRecording, match="no picture that can be read"):
        quantising.quantise(replace(plan, calibrate_with=1))
    assert {path.name: path.read_bytes() for path in plan.pack.iterdir()} == before


def test_a_form_that_does_not_pass_any_more_goes_with_its_file(
    plan: QuantisingPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    quantising.quantise(plan)
    monkeypatch.setattr(Overlooking, "overlooked", {("int8", "cpu"): 1})
    assert quantising.quantise(plan).offered_on("cpu") == ("fp32", "int8_convs")
    assert {path.name for path in plan.pack.glob("*.onnx")} == {
        "model.onnx",
        "model.fp32.onnx",
        "model.int8_convs.onnx",
    }
    assert faults_of(plan.pack) == ()


def test_a_pack_without_its_plain_export_is_not_whole(plan: QuantisingPlan) -> None:
    quantising.quantise(plan)
    (whole,) = list_packs(Box(models=plan.pack.parent))
    (plan.pack / "model.onnx").unlink()
    (broken,) = list_packs(Box(models=plan.pack.parent))
    assert whole.fault is None
    assert broken.fault is not None
    assert "model.onnx" in broken.fault


def test_what_passed_on_the_cpu_is_judged_anew_on_another_provider(
    plan: QuantisingPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The verdict decides what runs there; nothing is taken out, since it may serve elsewhere."""
    quantising.quantise(plan)
    monkeypatch.setattr(Overlooking, "overlooked", {("int8", "openvino"): 1, ("int8_convs", "cuda"): 1})
    manifest = quantising.judge_on("openvino", plan).manifest
    assert manifest == load_manifest(plan.pack / MANIFEST_NAME)
    assert manifest.offered_on("openvino") == ("fp32", "int8_convs")
    assert manifest.offered_on("cpu") == ("fp32", "int8", "int8_convs")
    assert manifest.offered_on("cuda") == ("fp32",)
    assert manifest.files["int8"].gates_on["openvino"].scores["caught"] == 3
    card = (plan.pack / "README.md").read_text()
    assert "| int8 on openvino | 3 | 0 | 3 | 0 | not passed, not offered there |" in card
    assert quantising.judge_on("cuda", plan).manifest.offered_on("cuda") == ("fp32", "int8")
    assert quantising.judge_on("openvino", at(plan, 25.0)).manifest.offered_on("openvino") == (
        "fp32",
        "int8",
        "int8_convs",
    )


def test_a_gate_can_be_held_anew_on_a_cpu_that_adds_bytes_otherwise(
    plan: QuantisingPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else forms that were made elsewhere would run on no box without VNNI, however well they keep their score."""
    monkeypatch.setattr(quantising, "cpu_flags", lambda: ("avx2", "avx_vnni"))
    made = quantising.quantise(plan)
    monkeypatch.setattr(quantising, "cpu_flags", lambda: ("avx2",))
    monkeypatch.setattr(Overlooking, "overlooked", {("int8_convs", "cpu"): 1})
    judged = quantising.judge_on("cpu", plan)
    manifest = judged.manifest
    assert {name: gate.passed for name, gate in judged.gates.items()} == {"int8": True, "int8_convs": False}
    assert manifest.offered_on("cpu") == ("fp32", "int8", "int8_convs"), "on the other kind it keeps its score"
    assert {name: file.sha256 for name, file in manifest.files.items()} == {
        name: file.sha256 for name, file in made.files.items()
    }
    saturated = {name: file.gate and file.gate.bytes_saturated for name, file in manifest.files.items()}
    assert saturated == {"fp32": None, "bf16": None, "int8": True, "int8_convs": False}
    card = (plan.pack / "README.md").read_text()
    assert "| int8 | 4 | 0 | 4 | 0 | passed (held on x86 without VNNI) |" in card
    assert "| int8_convs | 4 | 0 | 4 | 0 | passed |" in card


EXACT, CUT_OFF = ("avx2", "avx_vnni"), ("avx2",)


@pytest.mark.parametrize(
    ("first", "then", "passed", "saturated"),
    [
        ((EXACT, True), (CUT_OFF, True), True, True),
        ((EXACT, True), (CUT_OFF, False), True, False),
        ((EXACT, False), (CUT_OFF, True), False, False),
        ((CUT_OFF, True), (EXACT, True), True, True),
        ((CUT_OFF, True), (EXACT, False), False, False),
        ((CUT_OFF, False), (EXACT, True), True, False),
        ((CUT_OFF, True), (CUT_OFF, False), False, True),
    ],
)
def test_of_gates_on_two_kinds_of_cpu_the_pack_keeps_what_tells_more(
    plan: QuantisingPlan,
    monkeypatch: pytest.MonkeyPatch,
    first: tuple[tuple[str, ...], bool],
    then: tuple[tuple[str, ...], bool],
    passed: bool,
    saturated: bool,
) -> None:
    """Typed on the other kind, `judge` must not take what was proved on the first from the boxes that are like it."""
    quantising.quantise(plan)
    for flags, passes in (first, then):
        monkeypatch.setattr(quantising, "cpu_flags", lambda flags=flags: flags)
        monkeypatch.setattr(Overlooking, "overlooked", {} if passes else {("int8", "openvino"): 1})
        judged = quantising.judge_on("openvino", plan)
        assert judged.gates["int8"].passed is passes
    kept = load_manifest(plan.pack / MANIFEST_NAME).files["int8"].gate_on("openvino")
    assert kept is not None
    assert (kept.passed, kept.bytes_saturated) == (passed, saturated)


def test_a_gate_is_held_anew_by_the_trays_that_calibrated_nothing(plan: QuantisingPlan) -> None:
    """One tray calibrated, and seven judged; asked for as many as are usual, four would judge now."""
    quantising.quantise(replace(plan, calibrate_with=1))
    gates = quantising.judge_on("cpu", plan).gates
    assert {gate.fp32["right"] for gate in gates.values()} == {TRAYS - 1}
    assert list(gates) == ["int8", "int8_convs"], "the first form is not held against itself"
    with pytest.raises(BadInput, match=r"was made with other trays held out.* \(without --held-out\)"):
        quantising.judge_on("cpu", replace(plan, held_out=(TrayBlock.parse("t-0:t-1"),)))


def test_a_pack_of_one_form_has_no_gate_to_hold_on_the_cpu(plan: QuantisingPlan) -> None:
    with pytest.raises(BadInput, match="it has one form only"):
        quantising.judge_on("cpu", plan)


def test_a_provider_that_does_not_run_the_pack_judges_nothing(
    plan: QuantisingPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fallen back to the CPU, every form would pass."""
    quantising.quantise(plan)
    before = (plan.pack / MANIFEST_NAME).read_bytes()
    monkeypatch.setattr(Overlooking, "missing", ("openvino",))
    with pytest.raises(BadInput, match="openvino does not run fp32 here"):
        quantising.judge_on("openvino", plan)
    assert (plan.pack / MANIFEST_NAME).read_bytes() == before


def test_the_first_form_is_held_on_another_provider_against_itself_on_the_cpu(
    plan: QuantisingPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Held against itself there, a provider that computes wrongly would pass with every form."""
    monkeypatch.setattr(Overlooking, "overlooked", dict.fromkeys([("fp32", "cuda"), ("int8", "cuda")], 1))
    quantising.quantise(plan)
    files = quantising.judge_on("cuda", plan).manifest.files
    assert {name: file.gates_on["cuda"].passed for name, file in files.items() if file.gates_on} == {
        "fp32": False,
        "int8": False,
        "int8_convs": True,
    }


@pytest.mark.parametrize(
    ("provider", "flags", "is_held"),
    [
        ("openvino", ("avx2", "avx512f", "avx512_bf16"), True),
        ("openvino", ("avx2", "avx512f"), False),
        ("cpu", ("avx2", "avx512f", "avx512_bf16"), False),
        ("cuda", ("avx512_bf16",), False),
    ],
)
def test_the_gate_of_bfloat16_is_held_where_it_is_computed(
    plan: QuantisingPlan, monkeypatch: pytest.MonkeyPatch, provider: Provider, flags: tuple[str, ...], is_held: bool
) -> None:
    """Elsewhere it would be fp32 that passes, under another name."""
    monkeypatch.setattr(quantising, "cpu_flags", lambda: flags)
    quantising.quantise(plan)
    judged = quantising.judge_on(provider, plan)
    assert ("bf16" in judged.gates, "bf16" in judged.left_out) == (is_held, not is_held)
    assert ("bf16" in judged.manifest.offered_on(provider)) is is_held
    assert ("bf16 on openvino" in (plan.pack / "README.md").read_text()) is is_held


def test_bfloat16_that_loses_the_score_is_not_offered(plan: QuantisingPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantising, "cpu_flags", lambda: ("avx512_bf16",))
    monkeypatch.setattr(Overlooking, "overlooked", {("bf16", "openvino"): 1})
    quantising.quantise(plan)
    manifest = quantising.judge_on("openvino", plan).manifest
    assert manifest.offered_on("openvino") == ("fp32", "int8", "int8_convs")
    assert faults_of(plan.pack) == ()


COPIED = {"from": {"name": "tiny", "version": "1"}, "weights_sha256": "c", "apart": ["t-6:t-7"]}


@pytest.fixture
def copy(plan: QuantisingPlan) -> Path:
    """What learned from the pack, with weights of its own, and was shown no tray from the sixth on."""
    revise_pack(plan.pack, {"provenance": {"weights_sha256": "w"}})
    told = {"weights_sha256": "w", "distilled": COPIED}
    folder = write_pack(
        plan.pack.parent / "copy", detect_export(seed=8), "ultralytics_raw", name="quick", provenance=told
    )
    make_pack_fast(folder)
    return folder


def test_forms_of_a_faster_copy_are_of_its_network_and_all_else_stays_the_packs(
    plan: QuantisingPlan, copy: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """fp32 keeps the score as it is, and what is to be quick is of a network that is made for it."""
    make_pack_fast(plan.pack)
    before = load_manifest(plan.pack / MANIFEST_NAME)
    made = quantising.quantise(replace(plan, copy=copy))
    quantising.quantise(replace(plan, pack=copy))
    for form in ("model.int8.onnx", "model.int8_convs.onnx"):
        assert (plan.pack / form).read_bytes() == (copy / form).read_bytes()
    told = {name: file.quantised and file.quantised.get("copy") for name, file in made.files.items()}
    account = {"name": "quick", "version": "1", "weights_sha256": "c", "apart": ["t-6:t-7"], "photographs_sha256": None}
    assert told == {"fp32": None, "bf16": None, "int8": account, "int8_convs": account}
    assert (made.files["fp32"], made.plain, made.thresholds) == (before.files["fp32"], before.plain, before.thresholds)
    assert faults_of(plan.pack) == ()
    card = " ".join((plan.pack / "README.md").read_text().split())
    assert "int8 and int8_convs: of the network of quick 1, a faster copy of this pack" in card
    assert "may have been shown" not in caplog.text


def test_forms_of_a_faster_copy_have_to_keep_the_score_of_the_packs_own_fp32(
    plan: QuantisingPlan, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Overlooking, "overlooked", {("int8", "cpu"): 1})
    assert quantising.quantise(replace(plan, copy=copy)).offered_on("cpu") == ("fp32", "int8_convs")


@pytest.mark.parametrize("held_out", ["t-6:t-7", "t-5:t-7"])
def test_trays_that_a_faster_copy_was_shown_are_not_held_out(
    plan: QuantisingPlan, copy: Path, caplog: pytest.LogCaptureFixture, held_out: str
) -> None:
    """A score of the form on them would be no score on what nobody has seen."""
    made = quantising.quantise(replace(plan, copy=copy, held_out=(TrayBlock.parse(held_out),)))
    shown = held_out == "t-5:t-7"
    assert (f"trays of {held_out} are held out here, and the copy may have been shown them" in caplog.text) == shown
    scored = made.model_copy(update={"metrics": {"scored_on": held_out}})
    assert ("its 8-bit forms were made without holding them out" in doubts_of_scores(scored)) == shown


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"provenance": {"weights_sha256": "w"}}, "it is no faster copy of tiny 1"),
        ({"provenance": {"weights_sha256": "x", "distilled": COPIED}}, "it is no faster copy of tiny 1"),
        ({"classes": ["bread", "plate", "hand"]}, "it reports other classes than tiny 1"),
        ({"plain": None}, "it takes or gives something else than tiny 1"),
    ],
)
def test_of_no_other_network_are_forms_made(
    plan: QuantisingPlan, copy: Path, changes: dict[str, Any], said: str
) -> None:
    revise_pack(copy, changes)
    before = {path.name: path.read_bytes() for path in plan.pack.iterdir()}
    with pytest.raises(BadInput, match=said):
        quantising.quantise(replace(plan, copy=copy))
    assert {path.name: path.read_bytes() for path in plan.pack.iterdir()} == before
