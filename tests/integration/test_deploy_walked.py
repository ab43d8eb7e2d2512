"""The scripts of `deploy/`, walked: they run as they are, over copies of the folders that they change.

The kernel lays a layer over `/etc`, `/opt` and the like, which only the script sees. What takes minutes, or needs a
booted system, is played: systemd, pip, and the agent that pip would install.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, missing
from tests.mosquitto import mosquitto_program
from tests.small_disk import small_disk

SERVICE = "edge-agent.service"
ENTER = """
set -e
layers=$1; shift
for place in etc opt usr/local var/lib; do
    mkdir -p "$layers/$place/changed" "$layers/$place/work"
    mount -t overlay overlay -o "lowerdir=/$place,upperdir=$layers/$place/changed,workdir=$layers/$place/work" "/$place"
done
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system
exec "$@"
"""
STUBS = {
    "systemctl": """
        printf '%s\\n' "$*" >>"$NOTES/systemctl"
        fault=$(cat /opt/edge-agent/current/fault 2>/dev/null || true)
        case "$*" in
        "start edge-agent.service") [ "$fault" != "does not start" ] ;;
        "is-active --quiet edge-agent.service") [ "$fault" != "falls over" ] ;;
        "show --property NRestarts "*) [ "$fault" = "was started again" ] && echo 1 || echo 0 ;;
        esac
    """,
    "journalctl": "echo 'its last words'",
    "sleep": "",
    "dpkg-query": "echo 'ii '",
    "python3": """
        [ "$1 $2" = "-m venv" ] || exit 0
        mkdir -p "$3/bin"
        cp "$STUBS/pip" "$3/bin/pip"
    """,
    "pip": """
        for last in "$@"; do :; done
        source=${last%\\[*}
        made=$(dirname "$(dirname "$0")")
        echo "$last" >>"$NOTES/pip"
        cp "$STUBS/edge-agent" "$made/bin/edge-agent"
        cp "$source/edge_agent/__init__.py" "$made/version"
        [ ! -e "$source/fault" ] || cp "$source/fault" "$made/fault"
    """,
    "edge-agent": """
        made=$(dirname "$(dirname "$(readlink -f "$0")")")
        case $1 in
        --version) cat "$made/version" ;;
        backup) touch "$2" ;;
        restore) echo "restore $2" >>"$NOTES/agent" ;;
        tune)
            [ "$(cat "$made/fault" 2>/dev/null)" != "cannot measure" ]
            cp "$made/version" /var/lib/edge-agent/models/small/tuned.yaml
            ;;
        doctor) ! grep -q "$(cat "$made/version")" /var/lib/edge-agent/unreadable-by 2>/dev/null ;;
        tokens) echo '{}' >/var/lib/edge-agent/tokens.json; echo "the-token" ;;
        esac
    """,
}
PLACES = (
    "/opt/edge-agent /etc/edge-agent /etc/mosquitto /etc/systemd/system "
    "/usr/local/bin /usr/local/sbin /var/lib/edge-agent"
)
SEEN = r"find {0} -printf '%m %u:%g %p %l\n' | sort; find {0} -type f -exec sha256sum {{}} + | sort"


@dataclass(frozen=True)
class Box:
    """A box on which the scripts may do what they want. What they tell systemd is noted."""

    folder: Path

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Something, by root on the box."""
        stubs = self.folder / "stubs"
        changed = {
            **os.environ,
            "PATH": f"{stubs}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "STUBS": str(stubs),
            "NOTES": str(self.folder / "notes"),
        }
        enter = ["unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", ENTER, "enter"]
        enter.append(str(self.folder / "layers"))
        return subprocess.run([*enter, *command], check=False, capture_output=True, text=True, env=changed)

    def said(self, *command: str) -> str:
        """What something says that does not fail."""
        done = self.run(*command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def seen(self) -> str:
        """All that the scripts put there: modes, owners, names, contents."""
        return self.said("/bin/sh", "-c", SEEN.format(PLACES))

    def in_service(self) -> tuple[str, str]:
        """The version that runs, and the one before."""
        asked = "readlink /opt/edge-agent/current; readlink /opt/edge-agent/previous || echo none"
        now, before = self.said("/bin/sh", "-c", asked).split()
        return now, before

    def notes(self, name: str) -> list[str]:
        path = self.folder / "notes" / name
        return path.read_text().splitlines() if path.exists() else []


def sources(folder: Path, version: str, *, fault: str = "", pack: str = "'1'") -> Path:
    """The sources of a version, as far as the scripts read them; each has a unit that names it."""
    shutil.copytree(REPOSITORY / "deploy", folder / "deploy")
    shutil.copytree(REPOSITORY / "configs" / "menus", folder / "configs" / "menus")
    unit = folder / "deploy" / "systemd" / SERVICE
    unit.write_text(f"# of {version}\n{unit.read_text()}")
    for name, text in {
        "edge_agent/__init__.py": f'__version__ = "{version}"\n',
        "constraints.txt": "",
        "models/small/model.yaml": f"schema: 1\nname: small\nversion: {pack}\nclasses:\n- plate\n",
        "models/active": "small\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    if fault:
        (folder / "fault").write_text(fault)
    return folder


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """A box with nothing on it."""
    mosquitto_program("mosquitto_passwd")
    for folder in ("stubs", "notes"):
        (tmp_path / folder).mkdir()
    for name, text in STUBS.items():
        stub = tmp_path / "stubs" / name
        stub.write_text("#!/bin/sh\nset -e\n" + text)
        stub.chmod(0o755)
    tmp_path.chmod(0o755)
    with small_disk(tmp_path / "layers", size_mb=16):
        bare = Box(tmp_path)
        tried = bare.run("rm", "-rf", "/opt/edge-agent", "/etc/edge-agent", "/var/lib/edge-agent")
        if tried.returncode:
            missing(f"no layer can be laid over a folder here: {tried.stderr}")
        yield bare


@pytest.fixture
def installed(box: Box, tmp_path: Path) -> Box:
    """A box on which version 1.0.0 runs."""
    box.said("/bin/sh", str(sources(tmp_path / "first", "1.0.0") / "deploy" / "install.sh"))
    (tmp_path / "notes" / "systemctl").unlink()
    return box


def install(box: Box, source: Path) -> str:
    return box.said("/bin/sh", str(source / "deploy" / "install.sh"))


def test_install_typed_twice_changes_nothing_that_is_there_and_completes_what_is_missing(
    box: Box, tmp_path: Path
) -> None:
    source = sources(tmp_path / "first", "1.0.0")
    assert install(box, source).count("the-token") == 1
    before = box.seen()
    assert box.in_service() == ("versions/1.0.0", "none")
    assert "the-token" not in install(box, source), "there is a token already"
    assert box.seen() == before

    own = "echo 'site: corner' >/etc/edge-agent/edge.yaml; echo own >/etc/edge-agent/mqtt.password"
    lost = "rm /usr/local/bin/edge-agent /etc/systemd/system/edge-agent.service"
    menu = "echo 'items: []' >/etc/edge-agent/menus/canteen.yaml; rm /etc/edge-agent/menus/canteen-dishes.yaml"
    box.said("/bin/sh", "-c", f"{own}; {menu}")
    own_now = box.seen()
    box.said("/bin/sh", "-c", lost)
    install(box, source)
    after = box.seen()
    assert set(own_now.splitlines()) <= set(after.splitlines()), "what the restaurant wrote stays"
    assert "/etc/edge-agent/menus/canteen-dishes.yaml" in after, "what was lost is there again"


@pytest.mark.parametrize("fault", ["does not start", "falls over", "was started again"])
def test_a_new_version_that_does_not_get_ready_or_stay_so_is_switched_back_and_the_command_fails(
    installed: Box, tmp_path: Path, fault: str
) -> None:
    before = installed.seen()
    done = installed.run("/bin/sh", str(sources(tmp_path / "new", "2.0.0", fault=fault) / "deploy" / "upgrade.sh"))
    assert done.returncode == 1
    assert "version 2.0.0 does not get ready" in done.stderr
    assert "its last words" in done.stderr
    assert done.stderr.endswith("upgrade.sh: the old version is back in service: versions/1.0.0\n")
    assert installed.in_service() == ("versions/1.0.0", "none")
    lost = set(before.splitlines()) - set(installed.seen().splitlines())
    assert lost == set(), "the old unit, tools, configuration and models are all there"
    asked = [words for words in installed.notes("systemctl") if words.split()[0] in ("start", "stop")]
    assert asked == [f"{verb} {SERVICE}" for verb in ("stop", "start", "stop", "start")]
    assert installed.notes("agent") == [], "the database was not touched"


def test_a_mended_version_is_installed_anew_and_rollback_leads_to_the_one_that_ran(
    installed: Box, tmp_path: Path
) -> None:
    upgrade = ["/bin/sh", str(sources(tmp_path / "broken", "2.0.0", fault="falls over") / "deploy" / "upgrade.sh")]
    assert installed.run(*upgrade).returncode == 1
    mended = installed.said("/bin/sh", str(sources(tmp_path / "mended", "2.0.0") / "deploy" / "upgrade.sh"))
    assert "in service: 2.0.0" in mended
    assert installed.in_service() == ("versions/2.0.0", "versions/1.0.0")
    assert "# of 2.0.0" in installed.said("cat", f"/etc/systemd/system/{SERVICE}")
    for now, before in (("1.0.0", "2.0.0"), ("2.0.0", "1.0.0")):
        assert f"back in service: versions/{now}" in installed.said("edge-agent-upgrade", "--rollback")
        assert installed.in_service() == (f"versions/{now}", f"versions/{before}")
        assert f"# of {now}" in installed.said("cat", f"/etc/systemd/system/{SERVICE}")


def test_where_the_new_version_changed_the_database_the_backup_from_before_is_put_back(
    installed: Box, tmp_path: Path
) -> None:
    new = sources(tmp_path / "new", "2.0.0", fault="does not start")
    changed = "touch /var/lib/edge-agent/edge.sqlite; grep 1.0.0 /opt/edge-agent/current/version"
    installed.said("/bin/sh", "-c", f"{changed} >/var/lib/edge-agent/unreadable-by")
    done = installed.run("/bin/sh", str(new / "deploy" / "upgrade.sh"))
    assert done.returncode == 1
    assert installed.in_service()[0] == "versions/1.0.0"
    assert installed.notes("agent") == ["restore /var/lib/edge-agent/backups/before-2.0.0.tar"]


def test_a_version_that_runs_already_and_a_box_without_the_agent_are_refused(box: Box, tmp_path: Path) -> None:
    source = sources(tmp_path / "first", "1.0.0")
    refused = box.run("/bin/sh", str(source / "deploy" / "upgrade.sh"))
    assert (refused.returncode, "is not installed here" in refused.stderr) == (1, True)
    install(box, source)
    refused = box.run("/bin/sh", str(source / "deploy" / "upgrade.sh"))
    assert (refused.returncode, "in service already" in refused.stderr) == (1, True)
    newer = box.run("/bin/sh", str(sources(tmp_path / "newer", "1.1.0") / "deploy" / "install.sh"))
    assert newer.returncode == 1
    assert re.search(r"versions/1\.0\.0 is installed here: .*upgrade\.sh", newer.stderr)


TUNED = "/var/lib/edge-agent/models/small/tuned.yaml"


def test_how_the_model_runs_fastest_is_measured_before_a_version_starts_and_belongs_to_the_agent(
    installed: Box, tmp_path: Path
) -> None:
    """A measurement names its ONNX Runtime: without a new one the box would fall back to the slow form, unnoticed."""
    seen = f"stat -c '%U:%G' {TUNED}; cat {TUNED}"
    assert installed.said("/bin/sh", "-c", seen).split("\n")[:2] == ["edge-agent:edge-agent", '__version__ = "1.0.0"']
    installed.said("/bin/sh", str(sources(tmp_path / "new", "2.0.0") / "deploy" / "upgrade.sh"))
    assert "2.0.0" in installed.said("cat", TUNED)
    installed.said("edge-agent-upgrade", "--rollback")
    assert "1.0.0" in installed.said("cat", TUNED)


@pytest.mark.parametrize("script", ["install.sh", "upgrade.sh"])
def test_a_model_that_cannot_be_measured_is_said_and_stops_nothing(box: Box, tmp_path: Path, script: str) -> None:
    if script == "upgrade.sh":
        install(box, sources(tmp_path / "first", "1.0.0"))
    new = sources(tmp_path / "new", "2.0.0", fault="cannot measure")
    done = box.run("/bin/sh", str(new / "deploy" / script))
    assert (done.returncode, "that was not measured" in done.stderr) == (0, True)
    assert "sudo -u edge-agent edge-agent tune" in done.stderr
    assert box.in_service()[0] == "versions/2.0.0"
    assert f"start {SERVICE}" in box.notes("systemctl")


def test_an_upgrade_takes_the_build_of_onnx_runtime_that_the_box_was_installed_with(box: Box, tmp_path: Path) -> None:
    """A box with a GPU must not become one without, because nobody typed the option again."""
    first = sources(tmp_path / "first", "1.0.0")
    box.said("/bin/sh", str(first / "deploy" / "install.sh"), "--extra", "openvino")
    assert "is installed already, for openvino" in install(box, first)
    for version, options in (("2.0.0", ()), ("3.0.0", ()), ("4.0.0", ("--extra", "cpu")), ("5.0.0", ())):
        box.said("/bin/sh", str(sources(tmp_path / version, version) / "deploy" / "upgrade.sh"), *options)
    taken = [each.partition("[")[2] for each in box.notes("pip")]
    assert taken == ["openvino]", "openvino]", "openvino]", "cpu]", "cpu]"]


def test_a_newer_shipped_pack_comes_beside_the_one_that_is_there(installed: Box, tmp_path: Path) -> None:
    """What runs is not replaced unasked; and nobody believes to have the new one."""
    before = installed.seen()
    upgrade = ["/bin/sh", str(sources(tmp_path / "same", "2.0.0") / "deploy" / "upgrade.sh")]
    assert "another version of a model pack" not in installed.said(*upgrade)
    newer = sources(tmp_path / "newer", "3.0.0", pack="'2'")
    said = installed.said("/bin/sh", str(newer / "deploy" / "upgrade.sh"))
    assert "another version of a model pack lies in /var/lib/edge-agent/models/small-2" in said
    assert "another version" not in install(installed, newer), "it is there"
    assert "version: '2'" in installed.said("cat", "/var/lib/edge-agent/models/small-2/model.yaml")
    packs = [line for line in before.splitlines() if "/models/" in line and "tuned.yaml" not in line]
    assert set(packs) <= set(installed.seen().splitlines()), "the old pack and what is active stay"
