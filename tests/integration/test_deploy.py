"""The unit, held to systemd's own judgement; the scripts, held to shellcheck and to what they say they would do."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
UNIT = DEPLOY / "systemd" / "edge-agent.service"
PROGRAM = "/opt/edge-agent/current/bin/edge-agent"
MOST_EXPOSED = 2.0

Program = Callable[[str], str]


@pytest.fixture
def installed_unit(tmp_path: Path) -> Path:
    """The unit beside a program that exists: systemd asks for that."""
    agent = tmp_path / "edge-agent"
    agent.write_text("#!/bin/sh\n")
    agent.chmod(0o755)
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace(PROGRAM, str(agent)))
    return unit


def test_systemd_takes_the_unit_without_a_word(program: Program, installed_unit: Path) -> None:
    told = subprocess.run(
        [program("systemd-analyze"), "verify", "--man=no", str(installed_unit)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")


def test_the_unit_is_hardened(program: Program, installed_unit: Path) -> None:
    """The kitchen's network is nobody's friend: a fault in the agent must not become one of the box."""
    told = subprocess.run(
        [program("systemd-analyze"), "security", "--offline=yes", "--no-pager", str(installed_unit)],
        check=True,
        capture_output=True,
        text=True,
    )
    rated = re.search(r"exposure level for \S+: ([0-9.]+)", told.stdout)
    assert rated, told.stdout
    assert float(rated.group(1)) <= MOST_EXPOSED


def test_cameras_and_the_local_network_stay_open() -> None:
    """Hardening that blinds the agent would pass the test above."""
    lines = set(UNIT.read_text().splitlines())
    assert {"DeviceAllow=char-video4linux rw", "SupplementaryGroups=video", "Restart=always", "Type=notify"} <= lines
    assert not {"PrivateDevices=yes", "PrivateNetwork=yes"} & lines
    assert any(line.startswith("IPAddressAllow=") and "192.168.0.0/16" in line for line in lines)


def test_the_scripts_are_clean(program: Program) -> None:
    scripts = sorted(map(str, DEPLOY.glob("*.sh")))
    told = subprocess.run([program("shellcheck"), "-x", *scripts], check=False, capture_output=True, text=True)
    assert told.stdout == ""


def tried(script: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["/bin/sh", DEPLOY / script, *options], check=False, capture_output=True, text=True)


@pytest.mark.parametrize("script", ["install.sh", "upgrade.sh"])
def test_a_script_explains_itself_and_refuses_what_it_does_not_know(script: str) -> None:
    told = tried(script, "--help")
    assert (told.returncode, told.stdout.startswith("usage:")) == (0, True)
    for wrong in (["--wheel"], ["--wheels"], ["--wheels", "/nowhere"], ["--extra", "all"]):
        refused = tried(script, *wrong)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr.startswith(f"{script}: ")


def test_a_dry_run_says_all_and_does_nothing(tmp_path: Path) -> None:
    told = tried("install.sh", "--dry-run", "--wheels", str(tmp_path))
    assert (told.returncode, told.stderr) == (0, "")
    assert f"--no-index --find-links {tmp_path} edge-agent[cpu]==" in told.stdout
    assert not re.search(r"[0-9a-f]{48}", told.stdout), "no password is shown"
    assert not Path("/opt/edge-agent").exists() or "is installed already" in told.stdout


def test_where_nothing_is_installed_an_upgrade_is_not_tried_out_either() -> None:
    """It would end as if it had gone well, and the real one be refused."""
    told = tried("upgrade.sh", "--dry-run")
    refused = (1, "", "upgrade.sh: the agent is not installed here: use deploy/install.sh\n")
    assert Path("/opt/edge-agent/current").is_symlink() or (told.returncode, told.stdout, told.stderr) == refused


@pytest.mark.parametrize("address", ["0.0.0.0; rm -rf /", "$(id)", "", "a b", "any"])
def test_where_mosquitto_listens_is_an_address_and_nothing_else(address: str) -> None:
    assert tried("install.sh", "--dry-run", "--mqtt-listen", address).returncode == 1


@pytest.mark.parametrize(
    ("remembered", "installed", "extra"),
    [
        ("openvino", "onnxruntime_gpu", "openvino"),
        ("", "onnxruntime_gpu", "gpu"),
        ("", "onnxruntime_openvino", "openvino"),
        ("", "onnxruntime", "cpu"),
        ("", "", "cpu"),
    ],
)
def test_an_environment_says_with_which_extra_it_was_installed(
    tmp_path: Path, remembered: str, installed: str, extra: str
) -> None:
    """One of an older version remembers nothing, and an upgrade must not take the GPU out of its box."""
    if remembered:
        (tmp_path / "extra").write_text(f"{remembered}\n")
    if installed:
        about = tmp_path / "site" / f"{installed}-1.23.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {installed}\nVersion: 1.23\n")
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path / "site"} exec {sys.executable} -S "$@"\n')
    python.chmod(0o755)
    asked = ["/bin/sh", "-euc", '. "$1"; extra_in "$2"', "asked", str(DEPLOY / "lib.sh"), str(tmp_path)]
    told = subprocess.run(asked, check=True, capture_output=True, text=True)
    assert (told.stdout, told.stderr) == (f"{extra}\n", "")
