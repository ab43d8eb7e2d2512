"""The docs are complete: what can be typed is described, and what is linked exists."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from edge_agent.ports import ModelInUse, StationStatus

REPOSITORY = Path(__file__).resolve().parent.parent.parent
CLI_PAGE = REPOSITORY / "docs" / "reference" / "cli.md"
INSTALL_PAGE = REPOSITORY / "docs" / "install.md"
PAGES = sorted({*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md"), *REPOSITORY.glob("[!.]*/README.md")})

# A link in Markdown to something in this repository: [text](target), not an address and not a place on the same page.
LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)\s]*)?\)")


def commands(command: Any, words: tuple[str, ...] = ("edge-agent",)) -> Iterator[tuple[str, Any]]:
    """Every command below this one that can be typed, with its words."""
    children = getattr(command, "commands", {})
    if not children:
        yield " ".join(words), command
    for name, child in children.items():
        if not child.hidden:
            yield from commands(child, (*words, name))


def argument_name(parameter: Any) -> str:
    """As the help shows it: its metavar, or its name in capitals."""
    return str(getattr(parameter, "metavar", None) or parameter.name.upper())


def sections(page: str) -> dict[str, str]:
    """The page's sections by the command that their heading names: "## `edge-agent replay`"."""
    pieces = re.split(r"(?m)^#+ +`(edge-agent[^`]*)`.*$", page)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def test_every_command_and_option_is_in_the_reference() -> None:
    """An option that is not written down does not exist for the installer."""
    import typer

    from edge_agent.cli import app

    described = sections(CLI_PAGE.read_text())
    missing = []
    for words, command in commands(typer.main.get_command(app)):
        if words not in described:
            missing.append(words)
            continue
        for parameter in command.params:
            if parameter.name == "help" or getattr(parameter, "hidden", False):
                continue
            is_option = parameter.param_type_name == "option"
            names = [*parameter.opts, *parameter.secondary_opts] if is_option else [argument_name(parameter)]
            missing += [f"{words}: {name}" for name in names if not _names(described[words], name)]
    assert missing == []


def test_the_reference_describes_no_command_that_does_not_exist() -> None:
    import typer

    from edge_agent.cli import app

    existing = {words for words, _ in commands(typer.main.get_command(app))}
    assert {words for words in sections(CLI_PAGE.read_text()) if words != "edge-agent"} - existing == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = [target for target in LINK.findall(page.read_text()) if not (page.parent / target).exists()]
    assert broken == []


def test_what_the_installation_takes_from_the_sources_lies_in_them() -> None:
    """Who installs has these sources and nothing else: no recording of ours, no file beside the repository."""
    typed = "\n".join(re.findall(r"(?m)^    (.*)$", INSTALL_PAGE.read_text()))
    named = set(re.findall(r"(?<![\w/.-])[\w-]+(?:/[\w.-]+)*\.(?:sh|txt|mp4|yaml)\b", typed))
    assert {"deploy/install.sh", "constraints.txt", "sample_videos/lunch-rush.mp4"} <= named
    in_etc = {"menus/fastfood.yaml"}
    assert sorted(name for name in named - in_etc if not (REPOSITORY / name).exists()) == []
    assert (REPOSITORY / "configs" / "menus" / "fastfood.yaml").exists()


def test_the_installation_s_changes_of_the_configuration_take_hold(tmp_path: Path) -> None:
    """`sed` that finds nothing says nothing: the reader would wait for an alert that cannot come."""
    from edge_agent.settings import load_settings

    config = tmp_path / "edge.yaml"
    config.write_text((REPOSITORY / "deploy" / "edge.yaml").read_text())
    changes = re.findall(r"(?m)^    sudo (sed -i .*) /etc/edge-agent/edge\.yaml$", INSTALL_PAGE.read_text())
    assert len(changes) >= 4
    for change in changes:
        before = config.read_text()
        subprocess.run([*shlex.split(change), str(config)], check=True)
        assert config.read_text() != before, change
    settings = load_settings(config)
    camera = settings.station().camera
    assert camera is not None
    assert (str(camera.file), camera.loop, settings.shadow) == ("/var/lib/edge-agent/lunch-rush.mp4", True, False)
    assert (settings.detector.pack.name, settings.menu) == ("fastfood", tmp_path / "menus" / "fastfood.yaml")


def test_every_page_is_found_from_the_index() -> None:
    """A page that no index names is a page that nobody reads."""
    index = REPOSITORY / "docs" / "README.md"
    linked = {(index.parent / target).resolve() for target in LINK.findall(index.read_text())}
    pages = {page for page in (REPOSITORY / "docs").rglob("*.md") if page != index}
    assert {str(page.relative_to(REPOSITORY)) for page in pages - linked} == set()


def test_every_room_is_on_the_map() -> None:
    """A stranger finds every room from the README."""
    readme = (REPOSITORY / "README.md").read_text()
    rooms = [
        path.name + ("/" if path.is_dir() else "")
        for path in (REPOSITORY / "edge_agent").iterdir()
        if not path.name.startswith(("_", "."))
    ]
    assert [room for room in rooms if f"`{room}`" not in readme and f"edge_agent/{room}" not in readme] == []


def settings_below(model: Any, place: str = "") -> Iterator[str]:
    """Every setting by its path: `stations.camera.url`."""
    from pydantic import BaseModel

    def models(annotation: Any) -> Iterator[Any]:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield annotation
        for inner in get_args(annotation):
            yield from models(inner)

    for name, field in model.model_fields.items():
        yield place + name
        for inner in models(field.annotation):
            yield from settings_below(inner, f"{place}{name}.")


def test_every_setting_is_in_the_reference_below_the_heading_of_its_group() -> None:
    from edge_agent.settings import Settings

    page = (REPOSITORY / "docs" / "reference" / "settings.md").read_text()
    pieces = re.split(r"(?m)^#+ +(.*)$", page)
    by_heading = dict(zip(pieces[1::2], pieces[2::2], strict=True))
    missing = []
    for setting in settings_below(Settings):
        *groups, name = setting.split(".")
        heading = f"`{': '.join(groups)}`" if groups else "Settings"
        if setting.startswith(("stations.slots.", "api.tls.")):  # told of in the table of their group
            heading = f"`{groups[0]}`"
        told = by_heading.get(heading, "") + ("" if groups else page)
        if not _names(told, name):
            missing.append(setting)
    assert missing == []


def test_every_metric_is_in_the_reference() -> None:
    from edge_agent.runtime.numbers import Facts, Numbers

    model = ModelInUse(name="m", version="1", sha256="0", precision="fp32", provider="cpu", classes=(), stations=())
    station = StationStatus(station_id="pass", camera="online", can_decide=True, frame_age_s=0.1)
    facts = Facts(
        stations=(station,),
        dropped={},
        stale={},
        outbox_pending=0,
        disk_free_bytes=0,
        events_waiting=0,
        models=(model,),
    )
    page = (REPOSITORY / "docs" / "reference" / "metrics.md").read_text()
    families = {metric.name: metric.type for metric in Numbers(facts=lambda: facts).registry.collect()}
    names = {f"{name}_total" if kind == "counter" else name for name, kind in families.items()}
    assert names == set(re.findall(r"(?m)^\| `(edge_agent_\w+)`", page))


def _names(text: str, name: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) is not None
