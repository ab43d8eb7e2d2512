"""The doctor's look at the box: its disk, its database, its clock, its service."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from edge_agent.adapters.sqlite_migrations import in_words, pending
from edge_agent.adapters.this_box import disk_of, says_synchronised, service_state
from edge_agent.app.finding import Finding, attention, ok, wrong
from edge_agent.errors import StoreError
from edge_agent.ports import Clock
from edge_agent.settings import Settings

UNIT = "edge-agent.service"

FIRST_YEAR = 2024
FEWEST_FILES = 10_000

NETWORK_DISKS = ("nfs", "cifs", "smb", "9p", "fuse.sshfs", "ceph", "glusterfs", "fuse.glusterfs", "afs")
PLAIN_DISKS = ("vfat", "exfat", "msdos")
MEMORY_DISKS = ("tmpfs", "ramfs")

_KEPT_BYTES = "SELECT coalesce(sum(bytes), 0) FROM evidence WHERE path IS NOT NULL"


def look_at_disk(settings: Settings) -> list[Finding]:
    """Room, the kind of file system, and whether anything can be written."""
    folder = next(each for each in settings.store.path.resolve().parents if each.exists())
    try:
        disk = disk_of(folder)
    except OSError as refusal:
        return [wrong("disk", f"{folder}: {refusal.strerror}", "is the disk mounted?", code="disk_away")]
    store = settings.store
    gb, spare_gb = disk.free_bytes / 1e9, store.spare_mb / 1e3
    said = f"{folder}: {gb:.1f} of {disk.total_bytes / 1e9:.1f} GB free ({disk.kind or 'file system not known'})"
    elsewhere = "put store.path on a disk of the box with ext4"
    if disk.kind.startswith(NETWORK_DISKS):
        return [wrong("disk", f"{said}: SQLite's log does not work on network drives", elsewhere, code="disk_kind")]
    if not os.access(folder, os.W_OK | os.X_OK):
        do = "run doctor as the agent's user, or chown"
        return [wrong("disk", f"{said}, which this user may not write to", do, code="disk_locked")]
    if gb < spare_gb:
        do = "the agent writes no pictures now and removes the oldest; make room, or lower store.most_gb"
        return [wrong("disk", f"{said}, less than store.spare_mb", do, code="disk_full")]
    worries = [
        (
            gb < spare_gb + store.most_gb - _kept_gb(store.path),
            f"{said}, less than store.most_gb lets pictures take",
            "lower store.most_gb, or use a larger disk; from store.spare_mb on the oldest pictures go",
            "disk_tight",
        ),
        (disk.kind in MEMORY_DISKS, f"{said}: it forgets all at the next start", elsewhere, "disk_kind"),
        (disk.kind in PLAIN_DISKS, f"{said}: it knows no owners", elsewhere, "disk_kind"),
        (
            disk.free_files < FEWEST_FILES,
            f"{said}, but room for {disk.free_files} files only",
            "remove small files",
            "disk_tight",
        ),
    ]
    for holds, worry, do, code in worries:
        if holds:
            return [attention("disk", worry, do, code=code)]
    return [ok("disk", said, code="disk_room")]


def _kept_gb(path: Path) -> float:
    """What pictures take already; 0 where nobody knows."""
    try:
        with closing(_opened(path)) as connection:
            (kept,) = connection.execute(_KEPT_BYTES).fetchone()
    except sqlite3.Error:
        return 0.0
    return float(kept) / 1e9


def look_at_database(path: Path) -> list[Finding]:
    """Whether it is whole, of which version, how large."""
    if not path.exists():
        return [ok("database", f"{path} is not there yet; the first start makes it", code="database_new")]
    try:
        with closing(_opened(path)) as connection:
            missing = pending(connection, path)
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as refusal:
        do = "'edge-agent restore' brings a backup back"
        return [wrong("database", in_words(path, refusal), do, code="database_damaged")]
    except StoreError as refusal:
        do = "upgrade the agent, or point store.path elsewhere"
        return [wrong("database", str(refusal), do, code="database_newer")]
    said = f"{path}, {path.stat().st_size / 1e6:.1f} MB"
    if verdict != "ok":
        do = "'edge-agent restore' brings a backup back"
        return [wrong("database", f"{said}, is damaged: {verdict}", do, code="database_damaged")]
    if missing:
        older = f"{said}, whole; the next start brings it up to date ({', '.join(missing)})"
        return [ok("database", older, code="database_whole")]
    return [ok("database", f"{said}, whole", code="database_whole")]


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)


def look_at_clock(settings: Settings, *, clock: Clock) -> list[Finding]:
    """Whether the time can be right, and follows the network."""
    now = clock.now_utc()
    here = now.astimezone(settings.zone)
    said = f"{here:%Y-%m-%d %H:%M} in {settings.timezone}"
    if now.year < FIRST_YEAR:
        do = "set it with timedatectl, or connect the box to a time server; until then nothing is removed by its age"
        return [wrong("clock", f"{said} cannot be", do, code="clock_impossible")]
    synchronised = says_synchronised()
    if synchronised is False:
        do = (
            "'sudo timedatectl set-ntp true' with a time server in reach (if it says 'NTP not supported', install "
            "systemd-timesyncd first); a battery-backed clock helps a box without one"
        )
        return [attention("clock", f"{said}, not synchronised", do, code="clock_free")]
    if settings.timezone == "UTC":
        do = "set timezone to the restaurant's, such as Europe/Berlin, if it is not UTC"
        return [attention("clock", said, do, code="clock_utc")]
    told = "synchronised" if synchronised else "nobody says whether synchronised"
    return [ok("clock", f"{said}, {told}", code="clock_right" if synchronised else "clock_untold")]


def look_at_service() -> list[Finding]:
    """What systemd says of the agent, where there is systemd."""
    state = service_state(UNIT)
    if state is None:
        return []
    if state.get("LoadState") == "not-found":
        do = "deploy/install.sh installs it, if the agent is to run unattended"
        return [attention("service", f"{UNIT} is not installed", do, code="service_none")]
    said = f"{UNIT} is {state.get('ActiveState')} ({state.get('SubState')}), {state.get('NRestarts', '0')} restarts"
    if state.get("ActiveState") == "failed":
        do = f"journalctl -u {UNIT} -e says why"
        return [wrong("service", f"{said}: {state.get('Result')}", do, code="service_failed")]
    if state.get("ActiveState") != "active":
        return [attention("service", said, f"systemctl start {UNIT}", code="service_stopped")]
    if state.get("UnitFileState") != "enabled":
        do = f"systemctl enable {UNIT}"
        return [attention("service", f"{said}, but does not start with the box", do, code="service_by_hand")]
    return [ok("service", said, code="service_runs")]
