"""The commands under `models`: a worse model does not get in by oversight, and one command goes back."""

from __future__ import annotations

import errno
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from edge_agent.app.comparing import Evidence, compare_packs
from edge_agent.errors import BadConfig
from edge_agent.formats.pack import MANIFEST_NAME, load_manifest, sha256_of
from edge_agent.formats.recordings import open_trays
from edge_agent.formats.tuning import write_tuned
from edge_agent.settings import load_settings
from edge_agent.training import card
from edge_agent.training.card import rewrite_run_card, write_run_card
from edge_agent.training.export import TO_BE_FOUND, revise_pack
from edge_agent.training.fingerprints import hash_of_photographs
from edge_agent.training.labelling import counted_trays
from tests.builders_onnx import constant_model, raw_output, write_pack
from tests.builders_tuned import tuned_for
from tests.unit import test_cli
from tests.unit.test_cli import RIGHT, SEEN, Run
from tests.videos import write_video

run = test_cli.run
here = test_cli.here

GATE = ("--trays", "trays", "--recording", "v.mp4", "--config", "edge.yaml")
CONFIG = ("--config", "edge.yaml")


@pytest.fixture
def models(here: Path) -> Path:
    """Three packs: `good` sees the plate and the bread, `same` as well, `blind` only the plate. None is active."""
    for name, seen in (("good", SEEN), ("same", SEEN), ("blind", SEEN[:1])):
        write_pack(here / "models" / name, constant_model(raw_output(seen)), "ultralytics_raw", name=name)
    (here / "edge.yaml").write_text("detector: {pack: models/active, provider: cpu}\nmenu: menu.yaml\n")
    return here / "models"


def active(models: Path) -> str | None:
    path = models / "active"
    return path.read_text().strip() if path.exists() else None


def journal(models: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (models / "activations.jsonl").read_text().splitlines()]


def test_the_first_activation_only_needs_a_pack_that_is_fit(run: Run, models: Path) -> None:
    told = run("models", "activate", "models/blind", *CONFIG)
    assert (told.status, told.err, active(models)) == (0, "", "blind")
    assert "Active: models/blind" in told.out
    assert run("check", *CONFIG, "--order", "right.json", "photo.png", "--json").json["verdict"] == "mismatch"


def test_a_pack_that_does_no_worse_is_activated_and_the_agent_runs_it(run: Run, models: Path) -> None:
    run("models", "activate", "models/blind", *CONFIG)
    told = run("models", "activate", "models/good", *GATE)
    assert (told.status, told.err, active(models)) == (0, "", "good")
    assert "passed" in told.out
    assert "c1" in told.out
    assert run("check", *CONFIG, "--order", "right.json", "photo.png", "--json").json["verdict"] == "match"
    entry = journal(models)[-1]
    assert (entry["from"], entry["to"], entry["kind"], entry["override"]) == ("blind", "good", "activate", None)
    assert entry["gate"]["passed"] is True
    assert entry["gate"]["before"]["right_match"] == 0
    assert entry["gate"]["after"]["right_match"] == 2
    assert entry["gate"]["evidence"]["recordings"] == ["v.mp4"]
    assert entry["at"].endswith("Z")


def test_a_pack_of_which_nobody_measured_the_fastest_form_says_how_to(run: Run, models: Path) -> None:
    """It would run in fp32 for good, and nobody would know that it could be faster here."""
    pack = models / "good"
    form = load_manifest(pack / MANIFEST_NAME).files["fp32"].model_dump(mode="json", exclude_none=True)
    passed = {"passed": True, "tolerance": 0, "fp32": {"caught": 9}, "scores": {"caught": 9}}
    revise_pack(pack, {"files": {"fp32": form, "int8": {**form, "gate": passed}}})
    said = (
        "Next: 'edge-agent tune --config edge.yaml' (on an installed box with sudo) measures which form is fastest here"
    )
    assert said in " ".join(run("models", "activate", "models/good", *CONFIG).out.split())
    write_tuned(tuned_for(pack), pack)
    run("models", "activate", "models/blind", *CONFIG, "--override", "a try")
    assert "edge-agent tune" not in run("models", "rollback", *CONFIG).out


def test_a_worse_pack_is_refused_and_nothing_changes(run: Run, models: Path) -> None:
    run("models", "activate", "models/good", *CONFIG)
    told = run("models", "activate", "models/blind", *GATE)
    assert (told.status, active(models), len(journal(models))) == (2, "good", 1)
    assert told.err.startswith("edge-agent: models/blind: the gate was not passed")
    assert "false alarms on right orders: 0 before, 2 now" in told.err
    assert "--override" in told.err


def test_an_override_activates_it_and_stands_in_the_journal(run: Run, models: Path) -> None:
    run("models", "activate", "models/good", *CONFIG)
    told = run("models", "activate", "models/blind", *GATE, "--override", "the bread is sold out")
    assert (told.status, active(models)) == (0, "blind")
    assert "Overridden: the bread is sold out" in told.out
    entry = journal(models)[-1]
    assert entry["override"] == "the bread is sold out"
    assert entry["gate"]["passed"] is False
    assert len({entry["from_sha256"], entry["to_sha256"]}) == 2


def test_a_pack_whose_thresholds_were_never_found_is_warned_of(run: Run, models: Path) -> None:
    """An override would let it in, and it would say of every tray that it cannot tell."""
    revise_pack(models / "good", {"thresholds": TO_BE_FOUND})
    assert "its thresholds are still to be found" in run("models", "activate", "models/good", *CONFIG).err


def test_a_pack_that_was_in_service_once_is_not_written_over(run: Run, models: Path) -> None:
    """`rollback` would bring another model back than the one that ran."""
    (models.parent / "groups.yaml").write_text("classes: {crockery: [plate, bread]}\n")
    merge = ("merge", "models/same", "--groups", "groups.yaml", *CONFIG, "--pack")
    run("models", "activate", "models/blind", *CONFIG)
    run("models", "activate", "models/good", *GATE)
    before = (models / "blind" / "model.yaml").read_bytes()
    (models.parent / "link").symlink_to(models / "blind")
    for named in ("models/blind", "link"):
        run(*merge, named).refused(f"{named}: a pack of this name was in service once")
    assert (models / "blind" / "model.yaml").read_bytes() == before
    assert run(*merge, "models/new").status == 0
    assert run(*merge, "models/new").status == 0


def test_the_first_pack_that_served_is_not_written_over_either(run: Run, models: Path) -> None:
    """Of a pack that was shipped as the active one the journal knows only that another took its place."""
    (models.parent / "groups.yaml").write_text("classes: {crockery: [plate, bread]}\n")
    (models / "active").write_text("blind\n")
    run("models", "activate", "models/good", *GATE)
    merge = ("merge", "models/same", "--groups", "groups.yaml", *CONFIG, "--pack", "models/blind")
    run(*merge).refused("models/blind: a pack of this name was in service once")


def test_an_override_that_was_not_needed_is_not_recorded(run: Run, models: Path) -> None:
    """The journal says when the gate was passed over, not when somebody was careful."""
    run("models", "activate", "models/good", *CONFIG)
    run("models", "activate", "models/same", *GATE, "--override", "anyway")
    assert active(models) == "same"
    assert journal(models)[-1]["override"] is None


def test_a_tolerance_lets_some_checks_be_worse(run: Run, models: Path) -> None:
    run("models", "activate", "models/good", *CONFIG)
    assert run("models", "activate", "models/blind", *GATE, "--tolerance", 1).status == 2
    assert run("models", "activate", "models/blind", *GATE, "--tolerance", 2).status == 0
    assert journal(models)[-1]["gate"]["tolerance"] == 2


def test_without_checks_the_gate_cannot_be_passed(run: Run, models: Path) -> None:
    run("models", "activate", "models/good", *CONFIG)
    run("models", "activate", "models/same", *CONFIG).refused("without --trays or --recording", "--override")
    assert active(models) == "good"
    assert run("models", "activate", "models/same", *CONFIG, "--override", "tried by hand").status == 0
    assert active(models) == "same"


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_an_override_without_a_reason_is_refused(run: Run, models: Path, reason: str) -> None:
    run("models", "activate", "models/good", *CONFIG, "--override", reason).refused("--override needs a reason")
    assert active(models) is None


def test_rolling_back_twice_goes_two_steps_back_and_then_no_further(run: Run, models: Path) -> None:
    for name in ("good", "blind", "same"):
        run("models", "activate", f"models/{name}", *CONFIG, "--override", "a test")
    for name in ("blind", "good"):
        assert run("models", "rollback", *CONFIG).status == 0
        assert active(models) == name
    run("models", "rollback", *CONFIG).refused("no pack to go back to")
    assert [entry["kind"] for entry in journal(models)] == ["activate"] * 3 + ["rollback"] * 2


def test_no_rollback_to_a_pack_that_is_broken_by_now(run: Run, models: Path) -> None:
    run("models", "activate", "models/good", *CONFIG)
    run("models", "activate", "models/same", *GATE)
    (models / "good" / "model.onnx").write_bytes(b"no model")
    run("models", "rollback", *CONFIG).refused("models/good: the pack is not fit to run", "sha256")
    assert active(models) == "same"


def test_a_rollback_to_a_pack_that_was_changed_meanwhile_says_so(run: Run, models: Path) -> None:
    run("models", "activate", "models/good", *CONFIG)
    run("models", "activate", "models/same", *GATE)
    write_pack(models / "good", constant_model(raw_output(SEEN[:1])), "ultralytics_raw", name="good")
    told = run("models", "rollback", *CONFIG)
    assert (told.status, active(models)) == (0, "good")
    assert "'good' was changed since" in told.err


def test_the_active_pack_is_not_activated_again(run: Run, models: Path) -> None:
    run("models", "activate", "models/good", *CONFIG)
    told = run("models", "activate", "models/good", *CONFIG)
    assert told.status == 0
    assert "active already" in told.out
    assert len(journal(models)) == 1


def test_a_pack_that_is_damaged_is_not_activated_whatever_the_reason(run: Run, models: Path) -> None:
    (models / "good" / "model.onnx").write_bytes(b"no model")
    told = run("models", "activate", "models/good", *CONFIG, "--override", "I know")
    told.refused("models/good: the pack is not fit to run", "sha256")
    assert active(models) is None


def test_a_pack_that_does_not_know_the_menu_is_not_activated(run: Run, models: Path, here: Path) -> None:
    """The agent would not start with it."""
    changes = {"classes": ("plate", "soup", "hand"), "name": "soup"}
    write_pack(models / "soup", constant_model(raw_output(SEEN)), "ultralytics_raw", **changes)
    run("models", "activate", "models/soup", *CONFIG, "--override", "I know").refused("menu.yaml:3: ", "bread")
    assert active(models) is None


def test_a_broken_active_pack_is_left_by_an_override(run: Run, models: Path) -> None:
    run("models", "activate", "models/good", *CONFIG)
    (models / "good" / "model.yaml").unlink()
    run("check", *CONFIG, "--order", "right.json", "photo.png").refused("models/active: it names 'good'")
    run("models", "activate", "models/same", *GATE).refused("cannot be compared with")
    assert run("models", "activate", "models/same", *GATE, "--override", "good is lost").status == 0
    assert active(models) == "same"


def test_a_pack_from_elsewhere_is_not_activated(run: Run, models: Path, here: Path) -> None:
    run("models", "activate", "pack", *CONFIG).refused("pack: ", "copy the folder there first")


def test_a_pack_that_is_configured_directly_is_the_first_to_beat(run: Run, models: Path, here: Path) -> None:
    """It runs, so it is what a candidate must not fall behind; and the way back leads to it."""
    (here / "edge.yaml").write_text("detector: {pack: models/good, provider: cpu}\nmenu: menu.yaml\n")
    assert run("models", "activate", "models/blind", *GATE).status == 2
    told = run("models", "activate", "models/same", *GATE)
    assert (told.status, active(models)) == (0, "same")
    assert "let its 'detector.pack' lead to models/active" in told.err
    assert run("check", *CONFIG, "--order", "right.json", "photo.png", "--json").json["verdict"] == "match"
    assert run("models", "rollback", *CONFIG).status == 0
    assert active(models) == "good"


def test_nothing_active_is_a_sentence_for_the_agent(run: Run, models: Path) -> None:
    run("check", *CONFIG, "--order", "right.json", "photo.png").refused("models/active: no pack is active yet")


def test_the_list_shows_what_is_active_and_what_is_damaged(run: Run, models: Path) -> None:
    run("models", "activate", "models/good", *CONFIG)
    (models / "blind" / "model.onnx").write_bytes(b"no model")
    (models / "torn").mkdir()
    (models / "torn" / "model.yaml").write_text("name: x\n")
    told = run("models", "list", "--models", "models", "--json")
    assert (told.status, told.err) == (0, "")
    packs = {Path(pack["folder"]).name: pack for pack in told.json["packs"]}
    assert told.json["active"] == "models/good"
    assert [name for name, pack in packs.items() if pack["active"]] == ["good"]
    assert {name: pack["fault"] is None for name, pack in packs.items()} == {
        "blind": False, "good": True, "same": True, "torn": False,
    }  # fmt: skip
    assert packs["good"]["precisions"] == ["fp32"]
    assert packs["good"]["input"] == {"width": 64, "height": 64}
    people = run("models", "list", *CONFIG)
    assert people.status == 0
    for word in ("active", "good", "whole", "damaged"):
        assert word in people.out
    assert "sha256" in people.err


def test_the_list_shows_scores_and_cuts_no_name(run: Run, here: Path) -> None:
    """In a pipe, too, where it is a script that reads."""
    name = "a-model-with-a-name-that-needs-more-than-the-eighty-columns-of-a-terminal-for-itself-alone"
    scored = {"scored_caught": "0.904 [0.826, 0.955]", "scored_macro_recall": "0.945", "val_map50": 0.7}
    write_pack(
        here / "models" / name, constant_model(raw_output(SEEN)), "ultralytics_raw", name=name[:60], metrics=scored
    )
    told = run("models", "list", "--models", "models")
    assert (told.status, told.err) == (0, "")
    for word in (f" {name} ", f" {name[:60]} 1 ", "caught 0.904 [0.826, 0.955]", "macro recall 0.945"):
        assert word in told.out


def test_the_list_says_on_how_many_orders_scores_were_made_and_whether_those_taught(run: Run, models: Path) -> None:
    """Beside each other stand packs that were scored on other trays, one perhaps on what it remembers."""
    scored = {"scored_caught": "1.000", "scored_wrong_orders": 18, "scored_right_orders": 9}
    revise_pack(models / "good", {"metrics": scored})
    revise_pack(models / "same", {"metrics": {**scored, "scored_took_part": 24}})
    told = run("models", "list", "--models", "models").out
    assert told.count("on 18 wrong and 9 right orders") == 2
    assert told.count("24 of these trays taught it, or set its thresholds") == 1


def test_a_list_of_nothing_says_where_packs_may_lie(run: Run, models: Path) -> None:
    (models / "empty").mkdir()
    told = run("models", "list", "--models", "models/empty", *CONFIG)
    assert (told.status, "no model pack in models/empty: name the folder of packs with --models" in told.err) == (
        0,
        True,
    )


@pytest.mark.parametrize("command", ["list", "verify", "rollback"])
def test_a_pack_is_no_folder_of_packs(run: Run, models: Path, command: str) -> None:
    """It is named easily, where its folder is meant."""
    told = run("models", command, "--models", "models/good", *CONFIG)
    told.refused("models/good: this is a model pack itself: name the folder that it lies in with --models")


def test_the_list_shows_an_active_pack_that_is_gone(run: Run, models: Path) -> None:
    run("models", "activate", "models/good", *CONFIG)
    (models / "good" / "model.yaml").unlink()
    packs = run("models", "list", *CONFIG, "--json").json["packs"]
    assert [(Path(p["folder"]).name, p["fault"] is None) for p in packs if p["active"]] == [("good", False)]


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        (("--trays", "trays"), "only photographs were looked at; how it follows trays that move, a --recording"),
        (("--recording", "v.mp4"), "only recordings were played, and photographed trays are far more"),
        (("--trays", "trays", "--recording", "v.mp4"), ""),
    ],
)
def test_a_gate_that_saw_one_kind_alone_says_what_that_leaves_open(
    run: Run, models: Path, evidence: tuple[str, ...], said: str
) -> None:
    run("models", "activate", "models/good", *CONFIG)
    told = run("models", "activate", "models/same", *CONFIG, *evidence, "--override", "to see")
    assert told.status == 0
    assert said in " ".join(told.err.split())
    assert ("only " in told.err) == bool(said)


def test_scores_go_into_manifest_and_card_with_what_was_mistaken_and_the_failures_into_a_report(
    run: Run, models: Path, here: Path
) -> None:
    """In the card nobody would find which photographs they were."""
    two_plates = [(*row[:5], 0) for row in SEEN]
    write_pack(models / "odd", constant_model(raw_output(two_plates)), "ultralytics_raw", name="odd")
    told = run("models", "score", "models/odd", "--trays", "trays", *CONFIG, "--report", "seen")
    assert told.status == 0, told
    assert "Every failure as a picture: seen/index.html" in told.out
    assert "mistaken: bread seen as plate: 1\n" in told.out
    assert len(list((here / "seen").glob("**/*.jpg"))) == 1
    scored = load_manifest(models / "odd" / "model.yaml").metrics
    assert (scored["scored_right_orders"], scored["scored_item_bread->plate"]) == (1, 1.0)
    assert (scored["scored_number_plate"], scored["scored_number_bread"]) == (1, 1)
    assert (scored["scored_precision_plate"], scored["scored_macro_recall_surely"]) == (
        "0.500 [0.013, 0.987]",
        "not measured",
    )
    card = (models / "odd" / "README.md").read_text()
    assert "| bread | plate | 1 |" in card
    assert "| plate | 1 | 1.000 [0.025, 1.000] | 0.500 [0.013, 0.987] | not measured |" in card
    assert "Fewer than 10 lay there of: plate (1), bread (1)." in card
    assert "Whether these trays took part in its making is not known" in card


def test_boxes_that_were_drawn_score_a_pack_and_leave_what_trays_said(run: Run, models: Path, here: Path) -> None:
    for folder in ("images", "labels"):
        (here / "boxes" / folder / "val").mkdir(parents=True)
    shutil.copy(here / "photo.png", here / "boxes" / "images" / "val" / "a-1.png")
    (here / "boxes" / "labels" / "val" / "a-1.txt").write_text("0 0.25 0.25 0.375 0.375\n")
    run("models", "score", "models/good", "--trays", "trays", *CONFIG)
    before = load_manifest(models / "good" / "model.yaml").metrics
    told = run("models", "score", "models/good", "--boxes", "boxes")
    assert told.status == 0, told
    assert "boxed on: other boxed photographs: 1 of 1 tray\nboxed map50: 1.000\n" in told.out
    after = load_manifest(models / "good" / "model.yaml").metrics
    assert {name: value for name, value in after.items() if not name.startswith("boxed_")} == before
    assert after["boxed_ap50_plate"] == "1.000, 1 box on 1 tray"
    assert "AP50 is of the other boxed photographs: 1 of 1 tray" in (models / "good" / "README.md").read_text()
    (here / "runs").mkdir()
    write_run_card(here / "runs", {"weights_sha256": "w"})
    run("models", "score", "models/good", "--boxes", "boxes", "--run", "runs").refused("does not say of which weights")


def test_what_an_earlier_scoring_said_goes_with_it(run: Run, models: Path) -> None:
    """It was of other trays: that those had taught the pack, say."""
    stale = {"scored_took_part": 24, "scored_recall_soup": "1.000", "val_map50": 0.7}
    revise_pack(models / "good", {"metrics": stale})
    run("models", "score", "models/good", "--trays", "trays", *CONFIG)
    after = load_manifest(models / "good" / "model.yaml").metrics
    assert after["val_map50"] == 0.7
    assert not {"scored_took_part", "scored_recall_soup"} & set(after)


def test_what_can_be_scored_must_be_named(run: Run, models: Path) -> None:
    run("models", "score", "models/good").refused("nothing to score it on; name photographed trays with --trays")
    run("models", "score", "models/good", "--boxes", "boxes", "--report", "r").refused("name their folder with --trays")
    run("models", "score", "models/good", "--boxes", "boxes").refused("there is no photograph in this folder")


def test_scores_go_into_the_card_of_the_run_that_made_the_weights_and_its_report_has_the_failures(
    run: Run, models: Path, here: Path
) -> None:
    """Two packs can be made of one run's weights: the fine one, and the one that is merged from it."""
    two_plates = [(*row[:5], 0) for row in SEEN]
    write_pack(models / "odd", constant_model(raw_output(two_plates)), "ultralytics_raw", name="odd")
    for name in ("odd", "good"):
        revise_pack(models / name, {"provenance": {"weights_sha256": "w"}})
    kept = {"weights_sha256": "w", "seed": 20}
    (here / "runs").mkdir()
    write_run_card(here / "runs", kept)
    of_run = ("--trays", "trays", *CONFIG, "--run", "runs")
    told = run("models", "score", "models/odd", *of_run)
    assert "Every failure as a picture: runs/report/odd/index.html" in told.out
    assert len(list((here / "runs" / "report" / "odd").glob("**/*.jpg"))) == 1
    run("models", "score", "models/good", *of_run)
    run("models", "score", "models/odd", *of_run, "--report", "elsewhere")
    assert (here / "elsewhere" / "index.html").exists()
    card = json.loads((here / "runs" / "card.json").read_text())
    scores = card.pop("scores")
    assert card == kept
    scored = {name: load_manifest(models / name / "model.yaml") for name in ("odd", "good")}
    assert scores == {
        f"{manifest.name} 1": {
            **{key: value for key, value in manifest.metrics.items() if key.startswith("scored_")},
            "thresholds": manifest.thresholds.model_dump(mode="json"),
        }
        for manifest in scored.values()
    }
    assert scores["odd 1"]["scored_item_bread->plate"] == 1


def test_the_report_of_a_run_has_a_folder_for_each_pack_and_no_failure_of_an_earlier_scoring(
    run: Run, models: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_plates = [(*row[:5], 0) for row in SEEN]
    write_pack(models / "odd", constant_model(raw_output(two_plates)), "ultralytics_raw", name="odd")
    revise_pack(models / "odd", {"provenance": {"weights_sha256": "w"}})
    runs = here / "runs"
    runs.mkdir()
    write_run_card(runs, {"weights_sha256": "w", "scores": "edited by hand"})
    monkeypatch.chdir(models / "odd")
    score = ("models", "score", ".", "--trays", "../../trays", "--config", "../../edge.yaml", "--run", str(runs))
    assert f"Every failure as a picture: {runs}/report/odd/index.html" in run(*score).out
    (old,) = (runs / "report" / "odd").glob("**/*.jpg")
    old.rename(old.with_name("of-yesterday.jpg"))
    run(*score)
    assert [path.name for path in (runs / "report" / "odd").glob("**/*.jpg")] == [old.name]
    assert set(json.loads((runs / "card.json").read_text())["scores"]) == {"odd 1"}


def test_a_run_card_that_cannot_be_written_is_said_and_the_pack_has_its_scores(
    run: Run, models: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    revise_pack(models / "good", {"provenance": {"weights_sha256": "w"}})
    (here / "runs").mkdir()
    write_run_card(here / "runs", {"weights_sha256": "w"})

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(card, "write_run_card", full)
    told = run("models", "score", "models/good", "--trays", "trays", *CONFIG, "--run", "runs")
    told.refused("runs/card.json: the scores cannot be written here: No space left on device; the pack has them")
    assert "scored_right_orders" in load_manifest(models / "good" / "model.yaml").metrics


def test_scores_of_a_pack_that_says_of_no_weights_go_into_no_card(run: Run, models: Path, here: Path) -> None:
    (here / "runs").mkdir()
    write_run_card(here / "runs", {"seed": 20})
    told = run("models", "score", "models/good", "--trays", "trays", *CONFIG, "--run", "runs")
    told.refused("model.yaml of good 1 does not say of which weights it was made")


@pytest.mark.parametrize("weights", ["w", "v"])
def test_a_run_that_makes_its_pack_anew_keeps_the_scores_of_the_same_weights(
    models: Path, here: Path, weights: str
) -> None:
    """Those of a pack that was merged from it, too: that one still says them."""
    revise_pack(models / "good", {"provenance": {"weights_sha256": weights}})
    write_run_card(here, {"weights_sha256": "w", "old": 1, "scores": {"merged 1": {"scored_caught": "1.000"}}})
    rewrite_run_card(here, load_manifest(models / "good" / "model.yaml"))
    made = json.loads((here / "card.json").read_text())
    assert "old" not in made
    assert made.get("scores") == ({"merged 1": {"scored_caught": "1.000"}} if weights == "w" else None)


@pytest.mark.parametrize(
    ("card", "said"),
    [
        (None, "runs/card.json: there is no run card that reads"),
        ("{", "runs/card.json: there is no run card that reads"),
        ("[]", "runs/card.json: this run did not make the weights of good 1"),
        ('{"weights_sha256": "v"}', "runs/card.json: this run did not make the weights of good 1"),
    ],
)
def test_scores_of_other_weights_go_into_no_card(
    run: Run, models: Path, here: Path, card: str | None, said: str
) -> None:
    revise_pack(models / "good", {"provenance": {"weights_sha256": "w"}})
    (here / "runs").mkdir()
    if card is not None:
        (here / "runs" / "card.json").write_text(card)
    before = (models / "good" / "model.yaml").read_bytes()
    run("models", "score", "models/good", "--trays", "trays", *CONFIG, "--run", "runs").refused(said)
    assert (models / "good" / "model.yaml").read_bytes() == before
    assert [path.name for path in (here / "runs").iterdir()] == ["card.json"] * (card is not None)


def test_the_pack_that_the_pointer_names_is_scored(run: Run, models: Path) -> None:
    (models / "active").write_text("good\n")
    told = run("models", "score", "models/active", "--trays", "trays", *CONFIG)
    assert "Written into models/good, and its card." in told.out
    assert "scored_right_orders" in load_manifest(models / "good" / "model.yaml").metrics


@pytest.mark.parametrize("named", ["models/active", "models"])
def test_what_the_pointer_names_is_active_already(run: Run, models: Path, named: str) -> None:
    """It was refused as a pack that lies elsewhere."""
    (models / "active").write_text("good\n")
    told = run("models", "activate", named, *CONFIG)
    assert (told.status, "models/good is active already; nothing was changed." in told.out) == (0, True)


def test_a_pack_that_is_scored_on_what_taught_it_says_so(run: Run, models: Path, here: Path) -> None:
    """It is what one types first: the folder that was trained with."""
    digest = hash_of_photographs(counted_trays(open_trays(here / "trays"), apart=()))
    told = {"rounds": [{"apart": []}], "photographs_sha256": digest, "held_out": [], "calibrated_on": []}
    revise_pack(models / "good", {"provenance": told})
    scored = run("models", "score", "models/good", "--trays", "trays", *CONFIG)
    assert "took part: 1" in scored.out
    assert "1 of these trays taught it, or set its thresholds: the scores say what it remembers" in scored.err
    assert "**1 of these trays taught it, or set its thresholds**" in (models / "good" / "README.md").read_text()


def test_scores_on_what_taught_a_pack_do_not_take_the_place_of_others(run: Run, models: Path, here: Path) -> None:
    """Those of trays that it never saw would be gone from its card, for better ones that say less."""
    run("models", "score", "models/good", "--trays", "trays", *CONFIG)
    digest = hash_of_photographs(counted_trays(open_trays(here / "trays"), apart=()))
    revise_pack(models / "good", {"provenance": {"rounds": [{"apart": []}], "photographs_sha256": digest}})
    before = (models / "good" / "model.yaml").read_bytes()
    told = run("models", "score", "models/good", "--trays", "trays", *CONFIG)
    told.refused("models/good: 1 of these trays taught it, or set its thresholds", "--only", "edge-agent evaluate")
    assert (models / "good" / "model.yaml").read_bytes() == before


def test_a_pack_that_is_held_against_another_on_what_taught_it_says_so(run: Run, models: Path, here: Path) -> None:
    digest = hash_of_photographs(counted_trays(open_trays(here / "trays"), apart=()))
    revise_pack(models / "good", {"provenance": {"rounds": [{"apart": []}], "photographs_sha256": digest}})
    two = ("models", "compare", "models/good", "models/blind", *GATE)
    assert "1 of these trays are known to have taken part in making good" in run(*two).err
    said = run(*two, "--json").json
    assert (said["before"]["took_part"], said["after"]["took_part"]) == (1, 0)


def test_a_pack_is_scored_with_its_own_thresholds_however_eager_the_house_is(
    run: Run, models: Path, here: Path
) -> None:
    """The card would else hold the scores of another detector."""
    faint = [(*row[:4], 0.45, row[5]) for row in SEEN]
    write_pack(models / "faint", constant_model(raw_output(faint)), "ultralytics_raw", name="faint")
    eager = "detector: {pack: models/active, provider: cpu, eagerness: 2}\nmenu: menu.yaml\n"
    (here / "edge.yaml").write_text(eager)
    run("models", "score", "models/faint", "--trays", "trays", *CONFIG)
    assert run("evaluate", "trays", "--pack", "models/faint", *CONFIG, "--json").json["right_orders"]["match"] == 1
    metrics = load_manifest(models / "faint" / "model.yaml").metrics
    assert str(metrics["scored_right_match"]).startswith("0.000")


def test_packs_are_scored_and_compared_in_their_first_form_whatever_runs_here(
    run: Run, models: Path, here: Path
) -> None:
    """Else a candidate in fp32 is held against the 8-bit form in service, and loses the difference when it is tuned."""
    folder = models / "good"
    (folder / "int8.onnx").write_bytes(constant_model(raw_output(SEEN[:1])))
    files = load_manifest(folder / "model.yaml").model_dump(mode="json", exclude_none=True)["files"]
    passed = {"passed": True, "tolerance": 1, "fp32": {"caught": 9}, "scores": {"caught": 9}}
    int8 = {"file": "int8.onnx", "sha256": sha256_of(folder / "int8.onnx"), "gate": passed}
    revise_pack(folder, {"files": {**files, "int8": int8}})
    write_tuned(tuned_for(folder), folder)
    as_it_runs = run("evaluate", "trays", "--pack", folder, *CONFIG, "--json").json
    assert (as_it_runs["precision"], as_it_runs["right_orders"]["match"]) == ("int8", 0)
    exact = run("evaluate", "trays", "--pack", folder, *CONFIG, "--precision", "fp32", "--json").json
    assert (exact["precision"], exact["right_orders"]["match"]) == ("fp32", 1)
    assert "int8 on cpu" in run("evaluate", "trays", "--pack", folder, *CONFIG).out
    assert "int8 on cpu" in run("replay", "v.mp4", "--pack", folder, *CONFIG, "--no-report").out
    replayed = run("replay", "v.mp4", "--pack", folder, *CONFIG, "--precision", "fp32", "--json").json
    assert replayed["precision"] == "fp32"
    compared = run("models", "compare", folder, "models/same", *GATE, "--json").json
    assert compared["before"]["right_orders"] == compared["after"]["right_orders"]
    run("models", "score", folder, "--trays", "trays", *CONFIG)
    scored = load_manifest(folder / "model.yaml").metrics
    assert (scored["scored_form"], str(scored["scored_right_match"])[:5]) == ("fp32", "1.000")
    assert " in fp32." in " ".join((folder / "README.md").read_text().split())


def test_verify_finds_every_fault(run: Run, models: Path) -> None:
    told = run("models", "verify", "--models", "models")
    assert (told.status, told.err, told.out.count("is fit to run")) == (0, "", 3)
    (models / "blind" / "model.onnx").write_bytes(b"no model")
    write_pack(models / "same", constant_model(raw_output(SEEN, classes=7)), "ultralytics_raw")
    told = run("models", "verify", *CONFIG)
    assert (told.status, told.out.count("is fit to run")) == (2, 1)
    assert "models/blind is not fit: " in told.err
    assert "models/same is not fit: " in told.err
    assert run("models", "verify", "models/good").status == 0
    assert run("models", "verify", "models/nowhere").status == 2
    (models / "active").write_text("good\n")
    told = run("models", "verify", "models")
    assert (told.status, told.out.count("is fit to run")) == (2, 1), "the active one alone says nothing of the others"
    assert run("models", "verify", "models/active").status == 0


def test_a_comparison_is_one_object(run: Run, models: Path) -> None:
    told = run("models", "compare", "models/good", "models/blind", *GATE, "--json")
    assert (told.status, told.err) == (0, "")
    said = told.json
    assert said["before"]["rates"]["right_match"][0] == 1.0
    assert said["after"]["rates"]["right_match"][0] == 0.0
    assert said["difference"]["right_match"] == -1.0
    assert said["difference"]["caught"] == 0.0
    assert said["checks"] == 3
    assert [(each["check_id"], each["before"], each["after"]) for each in said["changed"]] == [
        ("c1", "match", "mismatch"),
        ("v.mp4:t", "match", "mismatch"),
    ]
    assert said["changed_total"] == 2
    assert said["gate"]["passed"] is False
    assert active(models) is None


def test_a_comparison_tells_people_the_same(run: Run, models: Path) -> None:
    told = run("models", "compare", "models/blind", "models/good", *GATE)
    assert told.status == 0
    for word in ("blind", "good", "+1.000", "c1: mismatch -> match", "false alarm -> match", "The gate: passed"):
        assert word in told.out


def test_a_comparison_can_follow_the_pointer(run: Run, models: Path) -> None:
    run("models", "activate", "models/good", *CONFIG)
    said = run("models", "compare", "models/active", "models/blind", *GATE, "--json").json
    assert (said["before"]["pack"], said["after"]["pack"]) == ("models/good", "models/blind")


def test_a_comparison_needs_something_to_compare_on(run: Run, models: Path, here: Path) -> None:
    two = ("models", "compare", "models/good", "models/blind", *CONFIG)
    run(*two).refused("--trays", "--recording")
    run(*two, "--only", "t-1:t-2", "--recording", "v.mp4").refused("--only", "--trays")
    write_video(here / "untold.mp4", [0.0, 0.1], options={"movflags": "faststart"})
    run(*two, "--recording", "untold.mp4").refused("untold.mp4: there is no untold.truth.jsonl")


def test_a_second_pack_that_does_not_fit_is_told_of_before_the_first_looks_at_a_tray(models: Path, here: Path) -> None:
    """Scoring takes minutes on a folder of real trays, and all of it would be for nothing."""
    changes = {"classes": ("plate", "soup", "hand"), "name": "soup"}
    write_pack(models / "soup", constant_model(raw_output(SEEN)), "ultralytics_raw", **changes)
    settings, looked = load_settings(here / "edge.yaml"), list[int]()
    with pytest.raises(BadConfig, match="bread"):
        compare_packs(
            settings,
            models / "good",
            models / "soup",
            Evidence(trays=here / "trays"),
            on_step=lambda done, _: looked.append(done),
        )
    assert looked == []


def test_checks_of_right_orders_alone_do_not_pass_the_gate(run: Run, models: Path, here: Path) -> None:
    check = {"check_id": "c1", "tray_id": "t", "order": RIGHT, "expected": "match"}
    (here / "trays" / "orders.jsonl").write_text(json.dumps(check) + "\n")
    run("models", "activate", "models/good", *CONFIG)
    told = run("models", "activate", "models/same", *GATE)
    assert (told.status, active(models)) == (2, "good")
    assert "too little is compared" in told.err


def test_no_folder_of_packs_is_a_sentence(run: Run, here: Path) -> None:
    run("models", "list", "--models", "nowhere").refused("nowhere: the folder of model packs cannot be read")
    run("models", "verify", "--models", "trays").refused("no model pack here")


def test_calibrate_as_takes_over_the_thresholds_of_what_a_pack_copies_and_says_so_in_its_card(
    run: Run, here: Path
) -> None:
    network = constant_model(raw_output([]))
    limits = {"default": {"present": 0.61, "possible": 0.21}}
    told = {"calibrated_on": ["other boxed photographs", "t-1:t-3"], "weights_sha256": "a"}
    found = {"calibration_trays": 6}
    write_pack(
        here / "slow", network, "ultralytics_raw", name="slow", thresholds=limits, provenance=told, metrics=found
    )
    copied = {"distilled": {"from": {"name": "slow", "version": "1"}}, "weights_sha256": "a"}
    write_pack(here / "fast", network, "ultralytics_raw", name="fast", provenance=copied)
    done = run("calibrate", "fast", "--as", "slow")
    assert done.status == 0, done
    assert "its thresholds are those of slow 1 now" in done.out
    assert "edge-agent quantize" in done.out
    assert load_manifest(here / "fast" / MANIFEST_NAME).thresholds.default.present == 0.61
    card_of_fast = " ".join((here / "fast" / "README.md").read_text().split())
    assert "Its thresholds are those of slow 1" in card_of_fast
    seen = "on 6 labelled trays (whether the weights saw them is not known): other boxed photographs, t-1:t-3."
    assert seen in card_of_fast
    assert "Thresholds rest on 6 trays" in card_of_fast
    run("calibrate", "slow", "--as", "fast").refused("it is no faster copy of fast 1")
