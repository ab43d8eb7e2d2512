"""The doctor's look at the box: its disk, its database, its clock, its service."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from edge_agent.adapters.sqlite_migrations import in_words, pending
from edge_agent.adapters.this_box import Disk, disk_of, says_synchronised, service_state
from edge_agent.app.finding import Finding, attention, ok, wrong
from edge_agent.domain.said import reason_of, said_of, say
from edge_agent.errors import StoreError
from edge_agent.ports import Clock
from edge_agent.settings import Settings, StoreSettings

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
        return [
            wrong(
                "disk",
                say("disk_away", "{folder}: {why}", folder=folder, why=reason_of(refusal)),
                say("do_mount", "is the disk mounted?"),
                code="disk_away",
            )
        ]
    said = say(
        "disk_room",
        "{folder}: {gb:.1f} of {all:.1f} GB free ({kind})",
        folder=folder,
        gb=disk.free_bytes / 1e9,
        all=disk.total_bytes / 1e9,
        kind=disk.kind or say("disk_unknown", "file system not known"),
    )
    return [
        _unfit_disk(said, folder, disk, settings.store)
        or _worrying_disk(said, disk, settings.store)
        or ok("disk", said, code="disk_room")
    ]


def _unfit_disk(said: str, folder: Path, disk: Disk, store: StoreSettings) -> Finding | None:
    """Why the agent cannot keep anything there, if it cannot."""
    if disk.kind.startswith(NETWORK_DISKS):
        worry = say("disk_network", "{said}: SQLite's log does not work on network drives", said=said)
        return wrong("disk", worry, _do_elsewhere(), code="disk_kind")
    if not os.access(folder, os.W_OK | os.X_OK):
        do = say("do_as_user", "run doctor as the agent's user, or sudo chown")
        worry = say("disk_locked", "{said}, which this user may not write to", said=said)
        return wrong("disk", worry, do, code="disk_locked")
    if disk.free_bytes / 1e9 < store.spare_mb / 1e3:
        do = say(
            "do_make_room", "the agent writes no pictures now and removes the oldest; make room, or lower store.most_gb"
        )
        return wrong(
            "disk", say("disk_below_spare", "{said}, less than store.spare_mb", said=said), do, code="disk_full"
        )
    return None


def _worrying_disk(said: str, disk: Disk, store: StoreSettings) -> Finding | None:
    """What may go wrong with it some day, the nearest first."""
    if disk.free_bytes / 1e9 < store.spare_mb / 1e3 + store.most_gb - _kept_gb(store.path):
        worry = say("disk_below_most", "{said}, less than store.most_gb lets pictures take", said=said)
        do = say(
            "do_lower_most",
            "lower store.most_gb, or use a larger disk; from store.spare_mb on the oldest pictures go",
        )
        return attention("disk", worry, do, code="disk_tight")
    if disk.kind in MEMORY_DISKS:
        worry = say("disk_forgets", "{said}: it forgets all at the next start", said=said)
        return attention("disk", worry, _do_elsewhere(), code="disk_kind")
    if disk.kind in PLAIN_DISKS:
        worry = say("disk_ownerless", "{said}: it knows no owners", said=said)
        return attention("disk", worry, _do_elsewhere(), code="disk_kind")
    if disk.free_files < FEWEST_FILES:
        worry = say("disk_files", "{said}, but room for {n} files only", said=said, n=disk.free_files)
        return attention("disk", worry, say("do_remove_files", "remove small files"), code="disk_tight")
    return None


def _do_elsewhere() -> str:
    return say("do_disk_elsewhere", "put store.path on a disk of the box with ext4")


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
        return [
            ok(
                "database",
                say("database_new", "{path} is not there yet; the first start makes it", path=path),
                code="database_new",
            )
        ]
    try:
        with closing(_opened(path)) as connection:
            missing = pending(connection, path)
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as refusal:
        do = say("do_restore", "'edge-agent restore' (on an installed box with sudo) brings a backup back")
        return [wrong("database", in_words(path, refusal), do, code="database_damaged")]
    except StoreError as refusal:
        do = say("do_upgrade", "upgrade the agent, or point store.path elsewhere")
        return [wrong("database", said_of(refusal), do, code="database_newer")]
    said = say("database_size", "{path}, {mb:.1f} MB", path=path, mb=path.stat().st_size / 1000000.0)
    if verdict != "ok":
        do = say("do_restore", "'edge-agent restore' (on an installed box with sudo) brings a backup back")
        return [
            wrong(
                "database",
                say("database_damaged", "{said}, is damaged: {verdict}", said=said, verdict=verdict),
                do,
                code="database_damaged",
            )
        ]
    if missing:
        older = say(
            "database_older",
            "{said}, whole; the next start brings it up to date ({missing})",
            said=said,
            missing=", ".join(missing),
        )
        return [ok("database", older, code="database_whole")]
    return [ok("database", say("database_whole", "{said}, whole", said=said), code="database_whole")]


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)


def look_at_clock(settings: Settings, *, clock: Clock) -> list[Finding]:
    """Whether the time can be right, and follows the network."""
    now = clock.now_utc()
    here = now.astimezone(settings.zone)
    said = say("clock_now", "{now:%Y-%m-%d %H:%M} in {timezone}", now=here, timezone=settings.timezone)
    if now.year < FIRST_YEAR:
        do = say(
            "do_set_clock",
            "set it with sudo timedatectl, or connect the box to a time server; until then nothing is removed by its "
            "age",
        )
        return [wrong("clock", say("clock_impossible", "{said} cannot be", said=said), do, code="clock_impossible")]
    synchronised = says_synchronised()
    if synchronised is False:
        do = say(
            "do_synchronise",
            "'sudo timedatectl set-ntp true' with a time server in reach (if it says 'NTP not supported', install "
            "systemd-timesyncd first); a battery-backed clock helps a box without one",
        )
        return [attention("clock", say("clock_free", "{said}, not synchronised", said=said), do, code="clock_free")]
    if settings.timezone == "UTC":
        do = say("do_timezone", "set timezone to the restaurant's, such as Europe/Berlin, if it is not UTC")
        return [attention("clock", said, do, code="clock_utc")]
    if synchronised:
        return [ok("clock", say("clock_right", "{said}, synchronised", said=said), code="clock_right")]
    untold = say("clock_untold", "{said}, nobody says whether synchronised", said=said)
    return [ok("clock", untold, code="clock_untold")]


def look_at_service() -> list[Finding]:
    """What systemd says of the agent, where there is systemd."""
    state = service_state(UNIT)
    return [] if state is None else service_findings(state)


def service_findings(state: Mapping[str, str]) -> list[Finding]:
    """What is to be said of the agent's service in this state."""
    if state.get("LoadState") == "not-found":
        do = say("do_install_service", "deploy/install.sh installs it, if the agent is to run unattended")
        return [
            attention("service", say("service_none", "{unit} is not installed", unit=UNIT), do, code="service_none")
        ]
    said = say(
        "service_state",
        "{unit} is {active} ({sub}), {restarts} restarts",
        unit=UNIT,
        active=state.get("ActiveState"),
        sub=state.get("SubState"),
        restarts=state.get("NRestarts", "0"),
    )
    return [_stopped_service(said, state) or _service_by_hand(said, state) or ok("service", said, code="service_runs")]


def _stopped_service(said: str, state: Mapping[str, str]) -> Finding | None:
    """What is to be said of a service that does not run."""
    active = state.get("ActiveState")
    if active == "failed":
        do = say("do_journal", "sudo journalctl -u {unit} -e says why", unit=UNIT)
        failed = say("service_failed", "{said}: {why}", said=said, why=state.get("Result"))
        return wrong("service", failed, do, code="service_failed")
    if active != "active":
        do = say("do_run", "{command}", command=f"sudo systemctl start {UNIT}")
        return attention("service", said, do, code="service_stopped")
    return None


def _service_by_hand(said: str, state: Mapping[str, str]) -> Finding | None:
    """What is to be said of a service that somebody must start."""
    if state.get("UnitFileState") == "enabled":
        return None
    do = say("do_run", "{command}", command=f"sudo systemctl enable {UNIT}")
    by_hand = say("service_by_hand", "{said}, but does not start with the box", said=said)
    return attention("service", by_hand, do, code="service_by_hand")
