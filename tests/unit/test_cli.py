"""The command line: one JSON object or words for people, status 0 for any verdict, one sentence for bad input."""

from __future__ import annotations

import itertools
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from rich.console import Console

from edge_agent import __version__
from edge_agent.cli import common, main
from edge_agent.formats.tuning import load_tuned, write_tuned
from tests.builders_onnx import CLASSES, SIDE_PX, constant_model, end_to_end_output, raw_output, write_pack
from tests.builders_tuned import pack_in, tuned_for
from tests.videos import cut, write_video

SEEN = [(4.0, 4.0, 28.0, 28.0, 0.9, 0), (36.0, 36.0, 60.0, 60.0, 0.9, 1)]  # a plate and a bread
MENU = "items:\n  - {sku: plate, detects_as: plate}\n  - {sku: bread, detects_as: bread}\n"
RIGHT: dict[str, Any] = {"order_id": "A-1", "lines": [{"sku": "plate"}, {"sku": "bread"}]}
WRONG: dict[str, Any] = {"order_id": "A-1", "lines": [{"sku": "plate", "quantity": 2}]}
SCORES = {
    *("wrong_orders", "right_orders", "rates", "exact_lines", "verdict_latency_s", "alert_lead_s"),
    *("frames_per_s", "provider"),
}


@dataclass(frozen=True)
class Ran:
    """What came of a command."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on standard output; a duplicate key or a second object is a failure."""
        value = json.loads(self.out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
        assert isinstance(value, dict)
        assert self.out.endswith("}\n")
        return value

    def refused(self, *words: str) -> None:
        """It ended with status 2 and one sentence that holds these words, and said nothing else."""
        assert (self.status, self.out) == (2, ""), self
        assert self.err.startswith("edge-agent: ")
        assert self.err.count("\n") == 1, self.err
        for word in words:
            assert word in self.err


Run = Callable[..., Ran]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Run]:
    """Run a command in a folder of its own; standard output and error are read as the system sees them."""
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]

    def command(*words: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["edge-agent", *map(str, words)])
        capfd.readouterr()
        status = 0
        try:
            main()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(bool(end.code))
        said = capfd.readouterr()
        return Ran(status, said.out, said.err)

    yield command
    root.setLevel(level)
    root.handlers[:] = handlers


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with a pack, a menu, a photograph, an order, a recording and a set of trays."""
    write_pack(tmp_path / "pack", constant_model(raw_output(SEEN)), "ultralytics_raw")
    (tmp_path / "menu.yaml").write_text(MENU)
    cv2.imwrite(str(tmp_path / "photo.png"), np.full((SIDE_PX, SIDE_PX, 3), 90, dtype=np.uint8))
    (tmp_path / "right.json").write_text(json.dumps(RIGHT))
    (tmp_path / "wrong.json").write_text(json.dumps(WRONG))
    write_video(
        tmp_path / "v.mp4", [n / 10 for n in range(30)], size=(SIDE_PX, SIDE_PX), options={"movflags": "faststart"}
    )
    (tmp_path / "v.orders.jsonl").write_text(json.dumps({"at_s": 0.1, "order": RIGHT}) + "\n")
    truth = {"order_id": "A-1", "tray_id": "t", "enter_s": 0, "leave_s": 3, "contents": {"plate": 1, "bread": 1}}
    (tmp_path / "v.truth.jsonl").write_text(json.dumps(truth) + "\n")
    (tmp_path / "trays").mkdir()
    tray = {"tray_id": "t", "images": ["../photo.png"], "contents": {"plate": 1, "bread": 1}}
    (tmp_path / "trays" / "trays.jsonl").write_text(json.dumps(tray) + "\n")
    checks = [
        {"check_id": "c1", "tray_id": "t", "order": RIGHT, "expected": "match"},
        {"check_id": "c2", "tray_id": "t", "order": WRONG, "expected": "mismatch"},
    ]
    (tmp_path / "trays" / "orders.jsonl").write_text("".join(json.dumps(each) + "\n" for each in checks))
    return tmp_path


EYES = ("--pack", "pack", "--menu", "menu.yaml", "--provider", "cpu")
CHECK = ("check", *EYES, "--order", "right.json", "photo.png")
REPLAY = ("replay", *EYES, "--no-report", "v.mp4")
EVALUATE = ("evaluate", *EYES, "trays")


@pytest.mark.parametrize(("order", "verdict"), [("right.json", "match"), ("wrong.json", "mismatch")])
def test_a_check_ends_well_whatever_the_verdict(run: Run, here: Path, order: str, verdict: str) -> None:
    """A mismatch is an answer, not a failure: scripts must tell it from a broken camera."""
    told = run("check", *EYES, "--order", order, "photo.png", "--json")
    assert (told.status, told.json["verdict"], told.err) == (0, verdict, "")
    assert set(told.json["lines"][0]) == {"sku", "expected", "seen", "result", "reason"}
    assert verdict in run("check", *EYES, "--order", order, "photo.png", "photo.png").out


def test_a_replay_prints_one_object_with_what_is_promised(run: Run, here: Path) -> None:
    told = run(*REPLAY, "--json")
    assert (told.status, told.err) == (0, "")
    assert {*SCORES, "sessions_found", "trays"} <= set(told.json)
    assert [(t["order_id"], t["verdict"]) for t in told.json["trays"]] == [("A-1", "match")]
    assert told.json["right_orders"]["match"] == 1
    assert sorted(path.name for path in here.iterdir() if path.name == "report") == []


def test_a_truth_that_nobody_knows_is_named_with_its_line(run: Run, here: Path) -> None:
    """Else it would count as overlooked, and the scores would be worse than the model."""
    seen = {"order_id": None, "tray_id": "t-1", "enter_s": 0.0, "leave_s": 2.0, "contents": {"plate": 1}}
    slip = {**seen, "contents": {"plat": 1}}
    (here / "v.truth.jsonl").write_text(f"{json.dumps(seen)}\n{json.dumps(slip)}\n")
    run(*REPLAY).refused("v.truth.jsonl:2: ", "'plat', which lies on 1 tray: correct the name")


def test_the_configuration_that_a_recording_brings_is_taken_where_none_is_named(run: Run, here: Path) -> None:
    (here / "v.plan.yaml").write_text("detector: {pack: pack, provider: cpu}\nmenu: menu.yaml\n")
    assert run("replay", "v.mp4", "--json").json["right_orders"]["match"] == 1
    (here / "v.plan.yaml").write_text("detector: {pack: none, provider: cpu}\nmenu: menu.yaml\n")
    assert run("replay", *EYES, "v.mp4", "--json").json["right_orders"]["match"] == 1
    run("replay", "v.mp4", "--json").refused("none")
    (here / "mine.yaml").write_text("detector: {pack: pack, provider: cpu}\nmenu: menu.yaml\n")
    assert run("replay", "v.mp4", "--json", "--config", "mine.yaml").json["right_orders"]["match"] == 1


def test_two_replays_print_the_same(run: Run, here: Path) -> None:
    first, second = (run(*REPLAY, "--json").json for _ in range(2))
    for told in (first, second):
        del told["frames_per_s"], told["times_real_time"]
    assert first == second


def test_a_replay_tells_people_the_same(run: Run, here: Path) -> None:
    told = run(*REPLAY)
    assert told.status == 0
    assert "A-1" in told.out
    assert "match" in told.out


def test_an_evaluation_prints_one_object_with_what_is_promised(run: Run, here: Path) -> None:
    told = run(*EVALUATE, "--json")
    assert (told.status, told.err) == (0, "")
    assert {*SCORES, "results"} <= set(told.json)
    assert [(r["check_id"], r["verdict"]) for r in told.json["results"]] == [("c1", "match"), ("c2", "mismatch")]
    assert told.json["item_confusion"] == {"plate": {"plate": 1}, "bread": {"bread": 1}}
    assert told.json["classes"]["plate"]["recall"][0] == 1.0
    assert told.json["macro_recall"] is None, "one tray is not enough"


def test_an_evaluation_tells_people_class_by_class(run: Run, here: Path) -> None:
    told = run(*EVALUATE)
    assert told.status == 0
    words = [line.split() for line in told.out.splitlines()]
    assert ["bread", "1", "1", "1.000", "[0.025,", "1.000]", "1.000", "1.000"] in words
    assert "macro recall: not measured" in told.out


def test_where_no_bar_can_be_drawn_long_work_tells_in_lines_how_far_it_is(
    run: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(common, "LINE_EVERY_S", 0)
    assert run(*EVALUATE).err == "trays: 1 of 1\n"
    assert run(*EVALUATE, "--json").err == ""
    monkeypatch.setattr(common, "LINE_EVERY_S", 3600)
    assert run(*EVALUATE).err == ""


def test_a_program_that_reads_the_result_gets_no_bar_on_a_terminal_either(
    run: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(common, "notes", Console(stderr=True, force_terminal=True, _environ={"TERM": "xterm"}))
    assert "trays" in run(*EVALUATE).err
    assert run(*EVALUATE, "--json").err == ""


def test_long_work_in_short_pieces_tells_of_itself_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each piece alone would be done before anything is told."""
    clock = SimpleNamespace(monotonic=itertools.count(step=10).__next__)
    monkeypatch.setattr(common, "time", clock)
    monkeypatch.setattr(common, "notes", Console(stderr=True))
    with common.pieces_of_work(hidden=False) as on_work:
        for number in range(4):
            on_work(f"form [{number}]")(1, 1)
    assert capsys.readouterr().err == "form [2]: 1 of 1\n"


def test_a_benchmark_runs(run: Run, here: Path) -> None:
    told = run("bench", "--pack", "pack", "--provider", "cpu", "--rounds", 3, "--json", "photo.png")
    assert (told.status, set(told.json) >= {"bare_fp32_ms", "detect_ms", "added_share"}) == (0, True)
    assert "bare session" in run("bench", "--pack", "pack", "--rounds", 3).out


def test_a_video_that_breaks_off_is_reported_as_far_as_it_goes(run: Run, here: Path) -> None:
    """Nothing is lost: the trays of the part that could be read have their verdicts, and the output says so."""
    path = here / "w.mp4"
    write_video(path, [n / 10 for n in range(60)], size=(160, 128), noise=True, options={"movflags": "faststart"})
    short = cut(path)
    (here / f"{short.stem}.orders.jsonl").write_text(json.dumps({"at_s": 0.1, "order": RIGHT}) + "\n")
    told = run("replay", *EYES, "--no-report", short.name, "--json")
    assert told.status == 0
    assert "breaks off" in told.json["problem"]
    assert told.json["trays"][0]["verdict"] == "match"
    people = run("replay", *EYES, "--no-report", short.name)
    assert "breaks off" in people.err
    assert "A-1" in people.out


def test_a_lower_revision_is_ignored_and_reported(run: Run, here: Path) -> None:
    sent = [{"at_s": at_s, "order": {**RIGHT, "revision": number}} for at_s, number in ((0.1, 2), (0.2, 1))]
    (here / "v.orders.jsonl").write_text("".join(json.dumps(each) + "\n" for each in sent))
    told = run(*REPLAY, "--json").json
    assert [(each["order_id"], each["revision"]) for each in told["orders_ignored"]] == [("A-1", 1)]


@pytest.mark.parametrize(
    ("quantity", "words"),
    [
        ("0", "between 1 and 999"),
        ("-1", "between 1 and 999"),
        ("1000000000", "between 1 and 999"),
        ("NaN", "NaN"),
        ('"2"', "whole number|valid integer"),
        ("1.0", "whole number|valid integer"),
        ("true", "whole number|valid integer"),
    ],
)
def test_an_order_that_no_till_can_mean_is_refused(run: Run, here: Path, quantity: str, words: str) -> None:
    bad = '{"order_id": "A",\n"lines": [\n{"sku": "plate", "quantity": QUANTITY}]}'.replace("QUANTITY", quantity)
    (here / "bad.json").write_text(bad)
    told = run("check", *EYES, "--order", "bad.json", "photo.png", "--json")
    told.refused("bad.json:3: ")
    assert any(word in told.err for word in words.split("|"))
    (here / "v.orders.jsonl").write_text('\n{"at_s": 0.1, "order": ' + bad.replace("\n", " ") + "}\n")
    run(*REPLAY, "--json").refused("v.orders.jsonl:2: ")


@pytest.mark.parametrize(
    ("name", "raw", "words"),
    [
        ("right.json", b"\xef\xbb\xbf{", ("right.json:1: ", "JSON")),
        ("right.json", b'{"order_id": "\xff"}', ("right.json:1: ", "UTF-8")),
        ("right.json", b'{"order_id": "A", "name": "' + b"x" * 1_000_000 + b'"}', ("right.json: ", "larger")),
        ("right.json", b'{"order_id": "A", "order_id": "B", "lines": []}', ("right.json:1: ", "twice")),
        ("right.json", b"[" * 100_000, ("right.json: ", "nested")),
        ("photo.png", b"no picture", ("photo.png: ", "no picture")),
        ("photo.png", b"", ("photo.png: ", "no picture")),
        ("menu.yaml", MENU.replace("plate}", "dish}").encode(), ("menu.yaml:2: ", "dish", "plate, bread, hand")),
        ("menu.yaml", (MENU + "  - {sku: plate, detects_as: bread}\n").encode(), ("menu.yaml:4: ", "two items")),
        ("menu.yaml", (MENU + "colour: red\n").encode(), ("menu.yaml:4: ", "unknown key 'colour'")),
        ("menu.yaml", b"items: [", ("menu.yaml:",)),
        ("pack/model.onnx", b"no model", ("model.yaml:", "sha256")),
        ("pack/model.yaml", b"name: x\n", ("model.yaml:1: ",)),
    ],
)
def test_a_bad_file_is_named(run: Run, here: Path, name: str, raw: bytes, words: tuple[str, ...]) -> None:
    (here / name).write_bytes(raw)
    run(*CHECK).refused(*words)
    run(*CHECK, "--json").refused(*words)


@pytest.mark.parametrize("name", ["right.json", "photo.png", "menu.yaml", "pack/model.onnx", "pack/model.yaml"])
def test_a_file_that_is_not_there_is_named(run: Run, here: Path, name: str) -> None:
    (here / name).unlink()
    run(*CHECK, "--json").refused(name.rpartition("/")[2])


def test_a_pack_that_is_not_there_is_named(run: Run, here: Path) -> None:
    run("check", "--pack", "nowhere", "--menu", "menu.yaml", "--order", "right.json", "photo.png").refused("nowhere: ")
    run("bench", "--pack", "nowhere", "--rounds", 3).refused("nowhere: ")


def test_a_network_of_another_layout_is_refused(run: Run, here: Path) -> None:
    """Read with the wrong layout, boxes would be noise, and verdicts too."""
    write_pack(here / "pack", constant_model(end_to_end_output(SEEN)), "ultralytics_raw")
    run(*CHECK, "--json").refused("model.onnx")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("detektor: {}\n", ("edge.yaml:1: ", "unknown key 'detektor'; did you mean 'detector'?")),
        ("stations:\n- timing:\n    settle: 1\n", ("edge.yaml:3: ", "did you mean 'settle_s'?")),
        ("stations:\n- slots:\n    - polygon: [[0, 0], [1, 0], [0.5, 0]]\n", ("edge.yaml:3: ", "no area")),
        ("stations:\n- slots:\n    - polygon: [[0, 0], [0.01, 0], [0, 0.01]]\n", ("edge.yaml:3: ", "of the picture")),
        ("a: &x 1\nb: *x\n", ("edge.yaml:2: ", "aliases")),
    ],
)
def test_a_bad_configuration_is_named(run: Run, here: Path, text: str, words: tuple[str, ...]) -> None:
    (here / "edge.yaml").write_text(text)
    run("replay", "--config", "edge.yaml", *EYES, "v.mp4", "--json").refused(*words)


@pytest.mark.parametrize("raw", [b"", b"text\n" * 99, bytes(range(256)) * 40], ids=["empty", "text", "garbage"])
def test_what_is_no_video_is_refused_in_one_sentence(run: Run, here: Path, raw: bytes) -> None:
    """The libraries below have much to say on standard error; the installer reads one sentence."""
    (here / "v.mp4").write_bytes(raw)
    run(*REPLAY, "--json").refused("v.mp4: this is no video")


def test_a_recording_or_folder_that_is_not_there_is_named(run: Run, here: Path) -> None:
    run("replay", *EYES, "none.mp4").refused("none.mp4: there is no such video")
    run("evaluate", *EYES, "nowhere").refused("nowhere/trays.jsonl: ", "trays.jsonl and orders.jsonl")


@pytest.mark.parametrize("name", ["trays.jsonl", "orders.jsonl"])
def test_a_bad_line_of_a_folder_of_trays_is_named(run: Run, here: Path, name: str) -> None:
    path = here / "trays" / name
    path.write_text(path.read_text() + "{]\n")
    run(*EVALUATE, "--json").refused(f"{name}:{len(path.read_text().splitlines())}: ")


def test_a_message_shows_what_the_file_says_and_obeys_none_of_it(run: Run, here: Path) -> None:
    """Square brackets are markup to the library that prints; a file must not vanish from its own complaint."""
    (here / "bad.json").write_text('{"order_id": "A", "lines": [{"sku": "[red]x[/red]", "quantity": 0}]}')
    run("check", *EYES, "--order", "bad.json", "photo.png").refused("'[red]x[/red]'")


def test_the_configured_pack_and_menu_serve_where_none_is_named(run: Run, here: Path) -> None:
    (here / "configs").mkdir()
    (here / "configs" / "edge.yaml").write_text("detector: {pack: ../pack, provider: cpu}\nmenu: ../menu.yaml\n")
    assert run("check", "--order", "right.json", "photo.png", "--json").json["verdict"] == "match"


@pytest.mark.parametrize("words", [("doctor",), ("replay", "v.mp4")])
def test_where_there_is_no_configuration_it_is_said_where_one_was_looked_for(
    run: Run, here: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setattr(common, "DEFAULT_CONFIG", here / "nowhere.yaml")
    monkeypatch.setattr(common, "INSTALLED_CONFIG", here / "nowhere.yaml")
    run(*words).refused("on an installed box /etc/edge-agent/edge.yaml, else configs/edge.yaml", "--config")


def test_the_json_does_not_depend_on_the_language_of_the_system(here: Path) -> None:
    """A service starts without a locale; a dish called crème must not end it. Warnings go to standard error."""
    (here / "menu.yaml").write_text(MENU.replace("plate, d", "plate, name: Crème, d"), encoding="utf-8")
    for kind in ("mp4", "orders.jsonl"):
        (here / f"v.{kind}").rename(here / f"Küche.{kind}")
    environment = {
        **os.environ,
        "LC_ALL": "C",
        "PYTHONIOENCODING": "ascii",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONUTF8": "0",
    }
    words = ["replay", *EYES[:-1], "cuda", "--no-report", str(here / "Küche.mp4"), "--json"]
    done = subprocess.run(
        [sys.executable, "-c", "from edge_agent.cli import main; main()", *words],
        cwd=here, env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    told = Ran(done.returncode, done.stdout, done.stderr)
    assert told.status == 0, told
    assert told.json["trays"][0]["verdict"] == "match"
    assert "cuda" in told.err.lower()


@pytest.mark.parametrize(
    ("words", "default"),
    [
        (("train",), "(90 if left out)"),
        (("train",), "(yolo11n.yaml if left out)"),
        (("train",), "(one of 24 if left out)"),
        (("evaluate",), "(on an installed box /etc/edge-agent/edge.yaml, else configs/edge.yaml, if left out)"),
        (("models", "list"), "(that of the configured pack if left out)"),
        (("tokens", "create"), "(for ever if left out)"),
    ],
)
def test_help_says_what_is_taken_where_nothing_is_given(run: Run, words: tuple[str, ...], default: str) -> None:
    """In square brackets it would be taken for a style, and not be shown."""
    told = run(*words, "--help").out
    assert default in " ".join(told.replace("│", " ").split())


def test_tune_takes_the_configured_pack_and_measures_it_once(run: Run, tmp_path: Path) -> None:
    """The installation types it on every box, and again when it is typed again."""
    config = tmp_path / "edge.yaml"
    config.write_text("detector: {pack: pack}\n")
    folder = pack_in(tmp_path / "pack")
    words = ("tune", "--if-needed", "--rounds", 3, "--config", config, "--json")
    first = run(*words).json
    assert any(name.startswith("fp32 on cpu") for name in first["median_ms"])
    held = {"int8 on cpu, 1 threads": 1.5}
    write_tuned(tuned_for(folder, median_ms=held), folder)
    assert run(*words).json["median_ms"] == held, "what holds is left alone"
    assert run("tune", folder, "--rounds", 3, "--json").json["median_ms"] != held


def test_tune_keeps_to_the_configured_provider_but_for_a_pack_that_is_named(run: Run, tmp_path: Path) -> None:
    """A measurement of another provider is none: at the next start nobody would believe it."""
    config = tmp_path / "edge.yaml"
    config.write_text("detector: {pack: pack, provider: cuda}\n")
    folder = pack_in(tmp_path / "pack")
    held = tuned_for(folder)
    write_tuned(held, folder)
    for more in ((), ("--if-needed",)):
        told = run("tune", "--rounds", 3, "--config", config, *more)
        assert (told.status, told.out) == (2, ""), told
        assert "nothing of this pack can run on cuda here" in told.err
    assert load_tuned(folder) == held
    assert run("tune", folder, "--rounds", 3, "--config", config, "--json").json["provider"] == "cpu"


def test_tune_without_a_configuration_asks_for_the_pack(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DEFAULT_CONFIG", "INSTALLED_CONFIG"):
        monkeypatch.setattr(common, name, tmp_path / "nowhere.yaml")
    run("tune").refused("--config", "or name the pack's folder")
    assert run("tune", pack_in(tmp_path / "pack"), "--rounds", 3).status == 0


def test_help_teaches(run: Run, here: Path) -> None:
    """Whoever types the name alone finds every command, and what the exit status means."""
    told = run("--help")
    assert told.status == 0
    for command in ("check", "replay", "evaluate", "bench", "train"):
        assert command in told.out
        assert run(command, "--help").status == 0
    assert "Exit status" in told.out
    assert "check" in run().out


def test_the_version_is_told(run: Run, here: Path) -> None:
    assert run("--version").out.strip() == __version__


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("chek",), ("no such command 'chek'", "'check'", "'edge-agent --help'")),
        (("check",), ("missing argument 'PHOTO...'", "'edge-agent check --help'")),
        (("check", "--ordr", "x"), ("no such option: --ordr", "--order")),
        (("bench", "--provider", "gpu"), ("invalid value for '--provider': 'gpu' is not one of", "'tensorrt'")),
        (("bench", "--rounds", "0"), ("'--rounds'", "3", "'edge-agent bench --help'")),
        (("models", "actvate"), ("no such command 'actvate'", "'activate'", "'edge-agent models --help'")),
        (("replay", "v.mp4", "--report"), ("'--report' requires an argument",)),
    ],
)
def test_a_mistyped_command_is_refused_in_one_sentence(
    run: Run, here: Path, words: tuple[str, ...], said: tuple[str, ...]
) -> None:
    """A script that logs the last line of standard error must have all of it."""
    run(*words).refused(*said)


def test_a_table_in_a_pipe_is_as_wide_as_its_words(run: Run, here: Path) -> None:
    """A pipe has no edge, so nothing may be cut there."""
    name = "a very long name of a dish " * 6
    (here / "menu.yaml").write_text(MENU.replace("sku: plate, d", f"sku: plate, name: '{name.strip()}', d"))
    assert name.strip() in run(*CHECK).out


def test_the_classes_of_the_tiny_model_are_those_of_the_menu() -> None:
    assert CLASSES[:2] == ("plate", "bread")


def test_a_file_that_is_no_database_is_bad_input(run: Run, here: Path) -> None:
    """Somebody named the wrong file: say so, and leave the file as it is."""
    notes = here / "notes.txt"
    notes.write_text("shopping list: buns, fries, napkins and a new bulb for the lamp over the pass\n" * 20)
    before = notes.read_bytes()
    run(*REPLAY, "--db", "notes.txt", "--json").refused("notes.txt")
    assert notes.read_bytes() == before
