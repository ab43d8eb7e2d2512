"""What errors and findings say: by name, so that a page says it in its own language, whatever made it."""

from __future__ import annotations

import ast
import copy
import errno
import os
import pickle
import re
import ssl
from collections.abc import Callable, Mapping
from datetime import datetime, time, timezone
from enum import Enum
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal

import pytest
from pydantic import AwareDatetime, Field, ValidationError

import edge_agent
from edge_agent.adapters.sqlite_migrations import opening
from edge_agent.api.screen.texts import Texts, catalogue
from edge_agent.api.screen.views.spoken import Clock, Figure, in_words
from edge_agent.domain.access import Role
from edge_agent.domain.camera import CameraStatus
from edge_agent.domain.said import Said, listed, named, placed, reason_of, said_of, say
from edge_agent.errors import BadConfig, Conflict
from edge_agent.formats.complaints import what_is_wrong
from edge_agent.formats.yaml_file import FileModel

PACKAGE = Path(edge_agent.__file__).parent
ENGLISH, GERMAN = catalogue()["en"], catalogue()["de"]

SHOWN = (
    "api/open_port.py",
    "app/configuration.py",
    "app/doctor.py",
    "app/doctor_box.py",
    "app/faring.py",
    "app/health.py",
    "app/setting_up.py",
    "adapters/camera_address.py",
    "adapters/opencv_camera.py",
    "adapters/setup_folder.py",
    "adapters/mqtt_client.py",
    "adapters/model_pack.py",
    "domain/menu.py",
    "domain/unknown_skus.py",
    "formats/menu.py",
    "formats/menu_upload.py",
    "formats/yaml_file.py",
    "runtime/conversation.py",
    "runtime/supervisor.py",
    "settings/camera.py",
    "settings/serving.py",
    "settings/setup.py",
    "settings/station.py",
    "settings/whole.py",
)
"""What is refused or found here, people read on the screen."""

MADE_BY = (
    *("BadConfig", "BadInput", "BadModelPack", "Conflict", "MenuFault", "ValueError", "fault", "error"),
    *("BrokerLost", "BrokerRefused", "CameraLost", "CameraRefused", "CameraUnusable", "ok", "attention", "wrong"),
)
ONLY_THE_TERMINAL = {"settings/whole.py": {"BadInput"}}
"""Said where a command is given a name of no station."""


def english_in_the_program() -> dict[str, str]:
    """Every sentence that the program makes by its name, as it is written there."""
    found: dict[str, str] = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
                name, sentence = (*node.args, None)[:2]
                if isinstance(name, ast.Constant) and isinstance(sentence, ast.Constant):
                    assert found.setdefault(str(name.value), str(sentence.value)) == sentence.value, name.value
    return found


def test_the_english_of_the_catalogue_is_that_of_the_program() -> None:
    for name, sentence in english_in_the_program().items():
        assert ENGLISH.sentences[f"said.{name}"] == sentence


def test_no_sentence_of_the_catalogue_is_said_by_nobody() -> None:
    said = {f"said.{name}" for name in english_in_the_program()}
    put_together = {f"said.tokens_of_{role.value}" for role in Role} | {f"said.camera_{s.value}" for s in CameraStatus}
    by_sqlite = {f"said.{name}" for name, _ in opening._IN_WORDS.values()} | {"said.database_refused"}
    known = {text_id for text_id in ENGLISH.sentences if text_id.startswith("said.")}
    assert {
        i for i in known - said - put_together - by_sqlite if not i.startswith(("said.os_", "said.value_"))
    } == set()
    assert put_together | by_sqlite <= known


@pytest.mark.parametrize("name", SHOWN)
def test_what_people_read_on_the_screen_is_said_by_name(name: str) -> None:
    """A text that is written out where it is raised could never be translated."""
    allowed = ONLY_THE_TERMINAL.get(name, set())
    for node in ast.walk(ast.parse((PACKAGE / name).read_text())):
        if isinstance(node, ast.Call):
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if called in MADE_BY and called not in allowed:
                texts = node.args[1:] if called in ("ok", "attention", "wrong") else node.args[:1]
                written_out = [each for each in texts if isinstance(each, ast.Constant | ast.JoinedStr)]
                assert not written_out, f"{name}:{node.lineno}: say it by name: {ast.unparse(node)[:100]}"


def test_german_is_another_sentence_and_names_the_same_values() -> None:
    same = {"at_place", "do_run", "listed", "value_at", "disk_away", "service_failed", "camera_of_size", "clock_now"}
    same |= {"database_size", "service_state", "tokens_of_admin"}
    for text_id, sentence in ENGLISH.sentences.items():
        if text_id.startswith("said.") and text_id.partition(".")[2] not in same:
            assert GERMAN.sentences[text_id] != sentence, text_id


_ROOT_ALONE = re.compile(r"(?<!sudo )(?:systemctl|journalctl|timedatectl|chmod|chown|ss -)")
_OF_THE_AGENT = re.compile(r"[„']edge-agent [^“']+[“']")
_BY_SUDO = (" (on an installed box with sudo)", " (auf einer installierten Box mit sudo)")


def hold_sudo(advice: str) -> None:
    """Who follows advice as it stands is not refused on an installed box."""
    assert not _ROOT_ALONE.search(advice), advice
    for command in _OF_THE_AGENT.finditer(advice):
        assert advice[command.end() :].startswith(_BY_SUDO), advice


@pytest.mark.parametrize("texts", [ENGLISH, GERMAN], ids=["en", "de"])
def test_advice_names_sudo_where_an_installed_box_asks_for_it(texts: Texts) -> None:
    """In a checkout the agent's own commands need none, and it would be in the way there."""
    for text_id, sentence in texts.sentences.items():
        if text_id.startswith("said."):
            hold_sudo(str(sentence))


@pytest.mark.parametrize(
    "name", ["app/doctor_box.py", "app/doctor_seeing.py", "app/doctor_talking.py", "adapters/file_in_use.py"]
)
def test_advice_that_no_catalogue_has_names_sudo_too(name: str) -> None:
    for node in ast.walk(ast.parse((PACKAGE / name).read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            hold_sudo(node.value)


def text_of(language: str, said: str) -> str:
    words = in_words(catalogue()[language], said)
    return "".join(piece if isinstance(piece, str) else piece.text for piece in words.pieces)


def test_it_is_plain_english_to_whoever_knows_nothing_of_names() -> None:
    said = say(
        "csv_strange_column", "the column '{column}' is not known; known are {known}", column="x{y}", known="sku"
    )
    assert str(BadConfig(said, path="menu.csv", line=3)) == "menu.csv:3: the column 'x{y}' is not known; known are sku"
    assert text_of("de", said) == "Die Spalte „x{y}“ gibt es nicht. Es gibt: sku"


def test_a_sentence_within_a_sentence_is_said_in_the_language_too() -> None:
    inner = say("csv_no_item", "the file holds no item")
    assert text_of("de", placed(BadConfig(inner, path="menu.csv"))) == "menu.csv: In der Datei steht kein Artikel."
    assert placed(BadConfig(inner, path="menu.csv")) == "menu.csv: the file holds no item"
    assert placed(BadConfig(inner)) is inner
    both = listed([say("tokens_of_pos", "{n} of role {role}", n=2, role="pos"), inner])
    assert both == "2 of role pos, the file holds no item"
    assert text_of("de", both) == "Kasse: 2, In der Datei steht kein Artikel."


def test_an_error_keeps_the_name_of_what_it_says() -> None:
    said = say("trial_over", "the trial has ended already")
    assert said_of(Conflict(said)) is said
    assert said_of(BadConfig(said, path="a", line=1)) is said
    assert said_of(KeyError(3)) == "3"


def test_what_has_no_name_stays_as_it_is_and_is_called_english() -> None:
    words = in_words(GERMAN, "the driver says no")
    assert (words.pieces, words.foreign) == (("the driver says no",), True)
    assert in_words(GERMAN, named("of_a_later_version", "unheard of", {})).foreign
    assert not in_words(GERMAN, "")


def test_numbers_and_times_in_it_are_left_to_the_browser() -> None:
    size = say("database_size", "{path}, {mb:.1f} MB", path="edge.sqlite", mb=1234.56)
    assert size == "edge.sqlite, 1234.6 MB"
    assert in_words(GERMAN, size).pieces == ("edge.sqlite", ", ", Figure(1234.56, "number", "1234.6", digits=1), " MB")
    at = datetime(2026, 1, 31, 18, 5, tzinfo=timezone.utc)
    clock = in_words(GERMAN, say("clock_now", "{now:%Y-%m-%d %H:%M} in {timezone}", now=at, timezone="UTC"))
    assert clock.pieces[0] == Clock("2026-01-31T18:05:00Z", "wall", "2026-01-31 18:05")
    area = say(
        "slot_too_small",
        "the slot takes {area:.2%} of the picture; it needs {least:.0%} at least",
        area=0.001,
        least=0.01,
    )
    assert Figure(0.001, "percent", "0.10%", digits=2) in in_words(GERMAN, area).pieces


def test_a_value_holds_on_to_nothing() -> None:
    """An error that is kept would keep what hangs on it, such as a socket, or an address with a password."""
    said = say("broker_unreachable", "{host}:{port} cannot be reached: {why}", host="h", port=1, why=OSError("no"))
    assert isinstance(said.values["why"], str)


@pytest.mark.parametrize("number", ["ENOENT", "EACCES", "ENOSPC", "EROFS", "ECONNREFUSED", "EHOSTUNREACH"])
def test_why_the_operating_system_refused_is_said_in_the_language(number: str) -> None:
    code = getattr(errno, number)
    reason = reason_of(OSError(code, os.strerror(code)))
    assert reason == os.strerror(code)
    assert text_of("en", reason) == reason
    assert text_of("de", reason) != reason
    assert reason_of(ValueError("a port")) == "a port"


def test_a_connection_that_nobody_answered_is_said_in_the_language() -> None:
    """A socket's own time-out has no number."""
    reason = reason_of(TimeoutError("timed out"))
    assert reason == os.strerror(errno.ETIMEDOUT)
    assert text_of("de", reason) == "keine Antwort"


def test_what_tls_refuses_is_no_lack_of_permission() -> None:
    """TLS numbers its errors for itself, and its 1 is EPERM to the operating system."""
    reason = reason_of(ssl.SSLError(1, "wrong version number"))
    assert reason == "wrong version number"
    assert not isinstance(reason, Said)


def test_the_text_of_an_error_is_its_sentence_and_not_its_first_part() -> None:
    assert said_of(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")).endswith("invalid start byte")


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda said: pickle.loads(pickle.dumps(said))])
def test_a_sentence_that_is_copied_keeps_its_name_and_values(again: Callable[[Said], Said]) -> None:
    """Findings and errors are values, and values are copied and sent to other processes."""
    said = say("tokens_open", "{said}; others may read {path}", said=say("tokens_none", "there is none"), path="a.json")
    copied = again(said)
    assert isinstance(copied, Said)
    assert (copied, copied.name, copied.values) == (said, said.name, said.values)
    assert isinstance(copied.values["said"], Said)
    assert text_of("de", copied) == text_of("de", said)


class _Kind(Enum):
    A = "a"
    B = "b"


class _Every(FileModel):
    """A field for each way in which a value of our files can be wrong."""

    text: Annotated[str, Field(min_length=2, max_length=3, pattern="^[a-z]+$")] = "abc"
    whole: Annotated[int, Field(ge=1, le=5)] = 1
    above: Annotated[float, Field(gt=0, lt=1)] = 0.5
    yes: bool = False
    kind: _Kind = _Kind.A
    word: Literal["x", "y"] = "x"
    many: Annotated[tuple[int, ...], Field(min_length=1, max_length=2)] = (1,)
    inner: _Every | None = None
    mapping: Mapping[str, int] = {}
    at: time = time(4)
    moment: AwareDatetime | None = None
    path: Path = Path()


@pytest.mark.parametrize(
    "given",
    [
        {"text": 1},
        {"text": "a"},
        {"text": "abcd"},
        {"text": "A1"},
        {"whole": 0},
        {"whole": 6},
        {"whole": "x"},
        {"whole": 1.5},
        {"whole": []},
        {"above": 0},
        {"above": 1},
        {"above": "x"},
        {"above": []},
        {"above": float("inf")},
        {"yes": "perhaps"},
        {"yes": []},
        {"kind": "c"},
        {"word": "z"},
        {"many": []},
        {"many": [1, 2, 3]},
        {"many": 1},
        {"inner": 1},
        {"mapping": 1},
        {"at": "late"},
        {"moment": "2026-01-31T12:00:00"},
        {"path": 1},
        {"strange": 1},
    ],
    ids=str,
)
def test_whatever_pydantic_finds_has_a_sentence_in_each_language(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        _Every.model_validate(given)
    said = what_is_wrong(refused.value.errors()[0])
    assert isinstance(said, Said)
    for texts in (ENGLISH, GERMAN):
        sentence = str(texts.sentences[f"said.{said.name}"])
        assert {place for _, place, _, _ in Formatter().parse(sentence) if place} <= said.values.keys()
        assert not in_words(texts, said).foreign
