"""Which precision runs: what the settings say, then what was measured here, then the pack's first."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from edge_agent.adapters.onnx_detector import OnnxDetector
from edge_agent.adapters.onnx_session import AS_IT_COMES, Runtime
from edge_agent.app import speed
from edge_agent.app.detector import choose, measured_for, open_detector, tuned_here, unmeasured_forms
from edge_agent.app.plans import QuantisingPlan
from edge_agent.app.quantising import check_quantising, split_trays
from edge_agent.app.speed import BenchPlan, bench_pack, tune
from edge_agent.errors import BadInput, BadModelPack, BadRecording
from edge_agent.evaluation.bench import Timing
from edge_agent.formats.pack import MANIFEST_NAME, load_manifest, sha256_of
from edge_agent.formats.recordings import PhotographedTray, TrayCheck, TrayFolder
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.formats.tuning import TUNED_NAME, load_tuned, write_tuned
from edge_agent.settings import DetectorSettings
from edge_agent.training.export import revise_pack
from tests.builders import order
from tests.builders_onnx import constant_model, raw_output
from tests.builders_tuned import GATE, pack_in, tuned_for, with_bfloat16


def test_what_was_measured_is_what_runs(tmp_path: Path) -> None:
    folder = pack_in(tmp_path)
    write_tuned(tuned_for(folder), folder)
    detector = open_detector(folder, DetectorSettings())
    assert detector.pack.precision == "int8"
    assert detector.provider == "cpu"
    assert choose(folder, DetectorSettings()).threads == 1


def test_without_a_measurement_the_first_precision_runs_and_the_log_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Measuring at every start would cost the seconds in which the first tray comes."""
    with caplog.at_level(logging.INFO):
        detector = open_detector(pack_in(tmp_path), DetectorSettings())
    assert detector.pack.precision == "fp32"
    assert "was not tuned for this machine" in caplog.text


@pytest.mark.parametrize(
    ("settings", "precision", "provider", "threads"),
    [
        ({}, "int8", "cpu", 1),
        ({"provider": "cpu"}, "int8", "cpu", 1),
        ({"threads": 3}, "int8", "cpu", 3),
        ({"provider": "openvino"}, None, "openvino", None),
        ({"precision": "fp32"}, "fp32", "auto", None),
        ({"precision": "int8", "threads": 2}, "int8", "auto", 2),
    ],
)
def test_what_is_written_in_the_settings_comes_first(
    tmp_path: Path, settings: dict[str, Any], precision: str | None, provider: str, threads: int | None
) -> None:
    """A measurement fills in what was left open, and says nothing of another provider."""
    folder = pack_in(tmp_path)
    write_tuned(tuned_for(folder), folder)
    chosen = choose(folder, DetectorSettings.model_validate(settings))
    assert (chosen.precision, chosen.provider, chosen.threads) == (precision, provider, threads)


@pytest.mark.parametrize("key", ["cpu", "runtime", "manifest_sha256"])
def test_a_measurement_of_another_machine_runtime_or_pack_is_not_believed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, key: str
) -> None:
    """A box's disk is copied to other boxes."""
    folder = pack_in(tmp_path)
    other = measured_for(folder).model_copy(update={key: "0" * 64})
    write_tuned(tuned_for(folder, measured_for=other), folder)
    assert choose(folder, DetectorSettings()).precision is None
    assert "was tuned for another CPU, ONNX Runtime or pack" in caplog.text


def test_a_precision_that_lost_its_gate_does_not_run_by_itself(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = pack_in(tmp_path, passed=False)
    write_tuned(tuned_for(folder), folder)
    assert open_detector(folder, DetectorSettings()).pack.precision == "fp32"
    assert "int8 has not passed its gate" in caplog.text


@pytest.mark.parametrize("passed", [False, None])
def test_a_precision_without_a_gate_runs_when_told_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, passed: bool | None
) -> None:
    """The operator decides, knowing it."""
    folder = pack_in(tmp_path, passed=passed)
    assert open_detector(folder, DetectorSettings(precision="int8")).pack.precision == "int8"
    assert "nobody has measured that int8 keeps the score" in caplog.text


def test_bfloat16_is_not_measured_where_it_would_be_fp32(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Its time and its score would be those of fp32, and whoever asked for it would not know."""
    folder = with_bfloat16(pack_in(tmp_path))
    assert unmeasured_forms(folder, DetectorSettings(provider="cpu")) == ("fp32", "int8")
    tuning = tune(folder, [], rounds=3)
    assert "bf16" not in {name.split()[0] for name in tuning.tuned.median_ms}
    why = "here it is fp32: OpenVINO alone computes bfloat16, on a CPU with AVX-512 BF16"
    assert f"bf16 on cpu: {why}" in tuning.left_out
    measured = bench_pack(BenchPlan(pack=folder, provider="cpu", threads=1, rounds=3))
    assert (set(measured.detect_ms), measured.notes["bf16"]) == ({"fp32", "int8"}, why)
    assert open_detector(folder, DetectorSettings(precision="bf16", provider="cpu")).provider == "cpu"
    assert f"bf16 on cpu: {why}" in caplog.text


def test_a_damaged_measurement_does_not_stop_the_agent(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = pack_in(tmp_path)
    (folder / TUNED_NAME).write_text("precision: fast\n")
    assert open_detector(folder, DetectorSettings()).pack.precision == "fp32"
    assert f"{TUNED_NAME}:1:" in caplog.text


def test_a_precision_that_the_pack_lacks_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(BadModelPack, match="the pack has no fp16 file; it has fp32, int8"):
        open_detector(pack_in(tmp_path), DetectorSettings(precision="fp16"))


def test_a_written_measurement_reads_back(tmp_path: Path) -> None:
    folder = pack_in(tmp_path)
    assert load_tuned(folder) is None
    write_tuned(tuned_for(folder), folder)
    assert load_tuned(folder) == tuned_for(folder)


def test_the_bare_session_that_bench_measures_is_opened_with_the_librarys_own_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[str, Runtime | None]] = []

    class Noted(OnnxDetector):
        def __init__(self, **given: Any) -> None:
            opened.append((given["pack"].precision, given.get("runtime")))
            super().__init__(**given)

    monkeypatch.setattr(speed, "OnnxDetector", Noted)
    bench_pack(BenchPlan(pack=pack_in(tmp_path), provider="cpu", threads=1, rounds=3))
    assert opened == [("fp32", AS_IT_COMES), ("fp32", None), ("int8", None)]


def test_a_busy_machine_is_told_of_where_it_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One would run a form for a year that only lost because a backup ran."""
    monkeypatch.setattr(speed, "alternate", lambda sides, *_: dict.fromkeys(sides, Timing(10.0, 2.0)))
    assert "measure again when it rests" in " ".join(tune(pack_in(tmp_path), [], rounds=3).unrest)
    measured = bench_pack(BenchPlan(pack=pack_in(tmp_path), provider="cpu", threads=1, rounds=3))
    assert measured.spreads == {"bare": 2.0, "fp32": 2.0, "int8": 2.0}
    monkeypatch.setattr(speed, "alternate", lambda sides, *_: dict.fromkeys(sides, Timing(10.0, 1.2)))
    assert tune(pack_in(tmp_path), [], rounds=3).unrest == ()


def test_a_gate_that_says_nothing_of_sums_of_bytes_leaves_a_measurement_as_good_as_it_was(tmp_path: Path) -> None:
    """The manifest's hash is what a measurement holds for, and older agents know no such key."""
    folder = pack_in(tmp_path)
    revise_pack(folder, {"metrics": {"val_map50": 0.9}})
    assert "bytes_saturated" not in (folder / MANIFEST_NAME).read_text()
    gate = load_manifest(folder / MANIFEST_NAME).files["int8"].gate
    assert gate is not None
    assert "bytes_saturated" not in gate.model_dump_json()
    assert "bytes_saturated" in gate.model_copy(update={"bytes_saturated": True}).model_dump_json()


@pytest.fixture
def vnni(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor that adds up bytes exactly, whatever runs the tests."""
    monkeypatch.setattr(speed, "cpu_flags", lambda: ("avx2", "avx_vnni"))


@pytest.mark.usefixtures("vnni")
def test_tuning_measures_every_offered_way_and_stores_the_fastest(tmp_path: Path) -> None:
    folder = pack_in(tmp_path, passed=False)
    tuning = tune(folder, [], rounds=3)
    tuned, left_out = tuning.tuned, tuning.left_out
    assert load_tuned(folder) == tuned
    assert tuned.precision == "fp32"
    assert all(name.startswith("fp32 on cpu") for name in tuned.median_ms)
    assert min(tuned.median_ms, key=lambda name: tuned.median_ms[name]) == f"fp32 on cpu, {tuned.threads} threads"
    assert "int8 has not passed its gate on cpu" in left_out


@pytest.mark.parametrize(
    ("passed", "settings", "forms"),
    [
        (True, {}, ("fp32", "int8")),
        (True, {"provider": "cpu"}, ("fp32", "int8")),
        (True, {"precision": "fp32"}, ()),
        (False, {}, ()),
        (None, {}, ()),
    ],
)
def test_a_choice_that_nobody_measured_is_found(
    tmp_path: Path, passed: bool | None, settings: dict[str, Any], forms: tuple[str, ...]
) -> None:
    """A pack with one form, or settings that name one, leave nothing to be measured."""
    folder = pack_in(tmp_path, passed=passed)
    assert unmeasured_forms(folder, DetectorSettings.model_validate(settings)) == forms
    write_tuned(tuned_for(folder), folder)
    assert unmeasured_forms(folder, DetectorSettings.model_validate(settings)) == ()


@pytest.mark.parametrize(
    ("settings", "passed", "forms"),
    [({"provider": "openvino"}, True, ("fp32", "int8")), ({}, False, ()), ({"provider": "openvino"}, False, ())],
)
def test_a_measurement_that_cannot_be_used_is_none(
    tmp_path: Path, settings: dict[str, Any], passed: bool, forms: tuple[str, ...]
) -> None:
    """Whoever believed it would run the first form, and nobody would know that it may be the slower one."""
    folder = pack_in(tmp_path, passed=True)
    write_tuned(tuned_for(folder), folder)
    pack_in(tmp_path, passed=passed)
    files = load_manifest(folder / MANIFEST_NAME).model_dump(mode="json", exclude_none=True)["files"]
    if passed:
        for form in files.values():
            form["gates_on"] = {"openvino": {"passed": True, **GATE}}
        revise_pack(folder, {"files": files})
    write_tuned(tuned_for(folder), folder)
    wanted = DetectorSettings.model_validate(settings)
    assert (tuned_here(folder, wanted.provider), unmeasured_forms(folder, wanted)) == (None, forms)
    assert choose(folder, wanted).precision is None


def test_a_gate_that_was_passed_on_the_cpu_does_not_keep_a_measurement_of_another_provider(tmp_path: Path) -> None:
    folder = pack_in(tmp_path, passed=True)
    write_tuned(tuned_for(folder, provider="openvino"), folder)
    assert tuned_here(folder) is None
    assert tuned_here(folder, "openvino") is None


def test_a_pack_that_is_scored_once_more_needs_no_new_measurement(tmp_path: Path) -> None:
    folder = pack_in(tmp_path)
    write_tuned(tuned_for(folder), folder)
    revise_pack(folder, {"metrics": {"scored_caught": "1.000"}, "provenance": {"held_out": []}})
    assert tuned_here(folder) == load_tuned(folder)
    revise_pack(folder, {"thresholds": {"default": {"present": 0.6, "possible": 0.1}}})
    assert tuned_here(folder) is None, "with other thresholds more boxes may have to be looked through"


def test_a_pack_whose_network_was_made_anew_needs_a_new_measurement(tmp_path: Path) -> None:
    """Its thresholds may be the same, as after `quantize`; what was fastest was another file."""
    folder = pack_in(tmp_path)
    write_tuned(tuned_for(folder), folder)
    files = load_manifest(folder / MANIFEST_NAME).model_dump(mode="json", exclude_none=True)["files"]
    (folder / "int8.onnx").write_bytes(constant_model(raw_output([(8, 8, 24, 32, 0.7, 0)])))
    files["int8"]["sha256"] = sha256_of(folder / "int8.onnx")
    revise_pack(folder, {"files": files})
    assert tuned_here(folder) is None


@pytest.mark.parametrize(
    ("flags", "gate", "is_measured"),
    [
        (("avx2",), {}, False),
        (("avx2",), {"bytes_saturated": True}, True),
        (("avx2", "avx_vnni"), {}, True),
        (("avx2", "avx_vnni"), {"bytes_saturated": True}, True),
        (("asimd",), {}, True),
    ],
)
def test_bytes_whose_sums_are_cut_off_on_this_cpu_are_left_out_unless_their_gate_was_held_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...], gate: dict[str, bool], is_measured: bool
) -> None:
    monkeypatch.setattr(speed, "cpu_flags", lambda: flags)
    folder = pack_in(tmp_path)
    files = load_manifest(folder / MANIFEST_NAME).model_dump(mode="json", exclude_none=True)["files"]
    files["int8"]["gate"] |= gate
    revise_pack(folder, {"files": files})
    tuning = tune(folder, [], rounds=3)
    tuned, left_out = tuning.tuned, tuning.left_out
    assert any(name.startswith("int8 on cpu") for name in tuned.median_ms) is is_measured
    assert any("this CPU has no VNNI" in reason for reason in left_out) is not is_measured


@pytest.mark.usefixtures("vnni")
def test_tuning_keeps_to_the_provider_that_is_wished_for(tmp_path: Path) -> None:
    """What is fastest elsewhere would not be believed at the next start."""
    folder = pack_in(tmp_path)
    tuning = tune(folder, [], rounds=3, wish="cpu")
    tuned, left_out = tuning.tuned, tuning.left_out
    assert (tuned.provider, left_out) == ("cpu", ())
    (folder / TUNED_NAME).unlink()
    with pytest.raises(BadInput, match=r"nothing of this pack can run on cuda here .* detector\.provider to auto"):
        tune(folder, [], rounds=3, wish="cuda")
    assert not (folder / TUNED_NAME).exists()


def test_a_measurement_that_is_damaged_or_of_another_runtime_is_none(tmp_path: Path) -> None:
    folder = pack_in(tmp_path)
    assert tuned_here(folder) is None
    write_tuned(tuned_for(folder), folder)
    assert tuned_here(folder) == tuned_for(folder)
    older = measured_for(folder).model_copy(update={"runtime": "1.0.0 CPUExecutionProvider"})
    write_tuned(tuned_for(folder, measured_for=older), folder)
    assert tuned_here(folder) is None
    (folder / TUNED_NAME).write_text("precision: fast\n")
    assert tuned_here(folder) is None


# --- which trays calibrate, and which judge


def trays(count: int, *, sure: bool = True) -> TrayFolder:
    """So many trays of one noon, each with a right order."""
    found = {
        f"noon-{n}": PhotographedTray(tray_id=f"noon-{n}", images=(f"{n}.jpg",), contents={"plate": 1}, sure=sure)
        for n in range(count)
    }
    checks = [
        TrayCheck(check_id=f"c{n}", tray_id=f"noon-{n}", order=order(f"A-{n}", "plate"), expected="match")
        for n in range(count)
    ]
    return TrayFolder(Path("trays"), found, tuple(checks))


def test_no_tray_calibrates_and_judges_and_none_that_is_held_out_does_either() -> None:
    """A gate on the photographs that calibrated would flatter."""
    calibrating, judging = split_trays(trays(20), (TrayBlock("noon", 5, 9),), 4)
    used = {f"noon-{path.stem}" for path in calibrating}
    held_out = {f"noon-{n}" for n in range(5, 10)}
    assert len(used) == 4
    assert used | set(judging.trays) == set(trays(20).trays) - held_out
    assert used.isdisjoint(judging.trays)
    assert {check.tray_id for check in judging.checks} == set(judging.trays)


def test_at_most_half_of_the_trays_calibrate() -> None:
    calibrating, judging = split_trays(trays(6), (), 96)
    assert (len(calibrating), len(judging.trays)) == (3, 3)


@pytest.mark.parametrize("folder", [trays(0), trays(1), trays(8, sure=False)])
def test_too_few_trays_are_a_clear_error(folder: TrayFolder) -> None:
    with pytest.raises(BadRecording, match="too few sure trays with checks"):
        split_trays(folder, (), 4)


@pytest.mark.parametrize(("ordered", "lacking"), [("plate", "wrong"), ("bread", "right")])
def test_trays_on_which_no_form_could_pass_are_refused_before_any_is_made(
    tmp_path: Path, ordered: str, lacking: str
) -> None:
    """A gate without a wrong order shuts for every form, and that looks like forms that lost their score."""
    rows = [{"tray_id": f"own-{n}", "images": [f"{n}.jpg"], "contents": {"plate": 1}} for n in range(4)]
    wanted = {"order_id": "a", "lines": [{"sku": ordered}]}
    checks = [{"check_id": f"c{n}", "tray_id": f"own-{n}", "order": wanted, "expected": "match"} for n in range(4)]
    for name, entries in (("trays.jsonl", rows), ("orders.jsonl", checks)):
        (tmp_path / name).write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    for n in range(4):
        (tmp_path / f"{n}.jpg").touch()
    menu = tmp_path / "menu.yaml"
    menu.write_text("items:\n  - {sku: plate, detects_as: plate}\n  - {sku: bread, detects_as: bread}\n")
    plan = QuantisingPlan(pack=tmp_path, trays=tmp_path, held_out=(), menu=menu)
    with pytest.raises(BadRecording, match=rf"of the 2 checks on trays that judge none is a {lacking} order"):
        check_quantising(plan, ("plate", "bread"))


def test_an_order_that_nobody_can_judge_is_not_taken_for_a_right_one(tmp_path: Path) -> None:
    """With wrong orders alone a form that calls all orders wrong would keep the score."""
    contents: tuple[dict[str, int], ...] = ({"plate": 1}, {})
    skus = ("bread", "napkins")
    rows = [{"tray_id": f"own-{n}", "images": [f"{n}.jpg"], "contents": contents[n % 2]} for n in range(8)]
    orders = [{"order_id": "a", "lines": [{"sku": skus[n % 2]}]} for n in range(8)]
    checks = [
        {"check_id": f"c{n}", "tray_id": f"own-{n}", "order": wanted, "expected": "mismatch"}
        for n, wanted in enumerate(orders)
    ]
    for name, entries in (("trays.jsonl", rows), ("orders.jsonl", checks)):
        (tmp_path / name).write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    for n in range(8):
        (tmp_path / f"{n}.jpg").touch()
    menu = tmp_path / "menu.yaml"
    hidden = "  - {sku: napkins, visibility: hidden}\n"
    menu.write_text(f"items:\n  - {{sku: plate, detects_as: plate}}\n  - {{sku: bread, detects_as: bread}}\n{hidden}")
    plan = QuantisingPlan(pack=tmp_path, trays=tmp_path, held_out=(), menu=menu)
    with pytest.raises(BadRecording, match="none is a right order"):
        check_quantising(plan, ("plate", "bread"))
