"""What the operating system says of the box: its disk, its clock, its service."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")
SYSTEMD = Path("/run/systemd/system")
"""There is where systemd runs the machine (sd_booted(3))."""

ASK_TIMEOUT_S = 5.0

_ESCAPES = {"\\040": " ", "\\011": "\t", "\\012": "\n", "\\134": "\\"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """The disk that a folder is on. `kind` is that of its file system, empty where nobody says."""

    free_bytes: int
    total_bytes: int
    free_files: int
    kind: str


def disk_of(folder: Path, *, mounts: Path = MOUNTS) -> Disk:
    """The disk under an existing folder. Raises OSError."""
    found = os.statvfs(folder)
    return Disk(
        free_bytes=found.f_bavail * found.f_frsize,
        total_bytes=found.f_blocks * found.f_frsize,
        # Some file systems count no files (btrfs): then there is no limit to them.
        free_files=found.f_favail if found.f_files else 10**9,
        kind=_kind_of(folder.resolve(), mounts),
    )


def says_synchronised() -> bool | None:
    """Whether systemd says that the clock follows the network; None where nobody is asked."""
    said = _asked("timedatectl", "show", "--property=NTPSynchronized", "--value")
    return None if said is None else said.strip() == "yes"


def service_state(unit: str) -> Mapping[str, str] | None:
    """What systemd says of a unit: LoadState, ActiveState, SubState, UnitFileState, NRestarts; None without systemd."""
    names = "LoadState,ActiveState,SubState,UnitFileState,NRestarts,Result"
    said = _asked("systemctl", "show", f"--property={names}", unit)
    return None if said is None else dict(line.split("=", 1) for line in said.splitlines() if "=" in line)


def _asked(*command: str) -> str | None:
    if not SYSTEMD.is_dir():
        return None
    try:
        done = subprocess.run(  # noqa: S603  the words are ours
            command, check=True, capture_output=True, text=True, timeout=ASK_TIMEOUT_S, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def _kind_of(folder: Path, mounts: Path) -> str:
    """The file system of the mount that is nearest above the folder; of two mounted there, of the later (proc(5))."""
    kind, depth = "", -1
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    for line in lines:
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) < 5 or not after:  # noqa: PLR2004  the mount point is the fifth
            continue
        point = fields[4]
        for escape, character in _ESCAPES.items():
            point = point.replace(escape, character)
        if folder.is_relative_to(point) and len(Path(point).parts) >= depth:
            kind, depth = after.split()[0], len(Path(point).parts)
    return kind
