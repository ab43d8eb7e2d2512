"""A backup is one moment of the box, whole or not there; a restore proves it first and loses nothing that was there."""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

import pytest

from edge_agent.adapters.sqlite_history import SqliteHistory
from edge_agent.adapters.sqlite_store import SqliteStore, pictures_beside
from edge_agent.app.backup import back_up
from edge_agent.app.restore import restore_from
from edge_agent.domain.record import Run
from edge_agent.errors import BadInput, Conflict, StoreError, StoreTooNew
from edge_agent.ports import Evidence
from tests.fakes_store import FakeClock
from tests.store_builders import JPEG, accepted, left, reached

CONFIG = """site: corner
detector: {pack: models/active}
menu: menu.yaml
store: {path: state/edge.sqlite}
api: {tokens: state/tokens.json}
mqtt: {broker: 10.0.0.9, username: box, password_file: mqtt.password}
"""
SECRET = "hunter2-of-the-broker"


class Box:
    """A folder as an installation has it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "state").mkdir(parents=True)
        (root / "models" / "canteen").mkdir(parents=True)
        (root / "models" / "canteen" / "model.yaml").write_text("name: canteen\n")
        (root / "models" / "active").write_text("canteen\n")
        (root / "menu.yaml").write_text("items:\n  - {sku: plate, detects_as: plate}\n")
        (root / "state" / "tokens.json").write_text('{"version": 1, "tokens": []}\n')
        (root / "mqtt.password").write_text(SECRET)
        self.config.write_text(CONFIG)

    @property
    def config(self) -> Path:
        return self.root / "edge.yaml"

    @property
    def database(self) -> Path:
        return self.root / "state" / "edge.sqlite"

    def serve(self, *orders: str) -> SqliteStore:
        """A running agent's store, with these orders and a tray with a picture each."""
        store = SqliteStore(path=self.database, clock=FakeClock())
        run_id = store.begin_run(Run())
        for number, order_id in enumerate(orders):
            told = reached(f"t-{order_id}")
            picture = Evidence(session_id=f"t-{order_id}", at_s=2.0, jpeg=JPEG + bytes([number]))
            store.commit(run_id, [accepted(order_id), told, left(told)], evidence=[picture])
        return store

    def orders(self) -> set[str]:
        return {each.key.order_id for each in SqliteHistory(path=self.database).orders()}

    def pictures(self) -> list[bytes]:
        return sorted(path.read_bytes() for path in pictures_beside(self.database).rglob("*.jpg"))


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "box")


@pytest.fixture
def archive(box: Box, tmp_path: Path) -> Path:
    """A backup with pictures of a box with one order."""
    box.serve("A-1").close()
    return back_up(box.config, tmp_path / "b.tar", with_pictures=True).archive


def rewritten(archive: Path, change: Callable[[dict[str, bytes]], None], *, refresh: bool = True) -> Path:
    """The archive with other members, whose manifest agrees with them if it is refreshed."""
    with tarfile.open(archive) as tar:
        members = {each.name: (tar.extractfile(each) or io.BytesIO()).read() for each in tar}
    change(members)
    manifest = json.loads(members.pop("manifest.json"))
    if refresh:
        manifest["members"] = {
            name: {"bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()} for name, raw in members.items()
        }
    members["manifest.json"] = json.dumps(manifest).encode()
    with tarfile.open(archive, "w") as tar:
        for name, raw in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(raw)
            tar.addfile(info, io.BytesIO(raw))
    return archive


def everything_in(root: Path) -> dict[str, bytes]:
    """All files but those that SQLite makes and takes away by itself."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file() and not path.name.endswith(("-shm", "-wal")))
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


# Writing


def test_a_running_agents_last_commit_is_in_the_backup(box: Box, tmp_path: Path) -> None:
    """It lies in the write-ahead log, which a copy of the file alone would miss."""
    with box.serve("A-1", "A-2") as store:
        done = back_up(box.config, tmp_path / "b.tar", with_pictures=True)
        assert store.is_alive
    with tarfile.open(done.archive) as tar:
        tar.extract("edge.sqlite", tmp_path, filter="data")
    with closing(sqlite3.connect(tmp_path / "edge.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (2,)
    assert done.as_json()["pictures"] == 2
    assert done.archive.stat().st_mode & 0o077 == 0


def test_no_secret_is_in_a_backup_and_it_says_so(box: Box, tmp_path: Path) -> None:
    done = back_up(box.config, tmp_path / "b.tar", with_pictures=True)
    assert SECRET.encode() not in done.archive.read_bytes()
    assert str(box.root / "mqtt.password") in done.as_lines()[-1]


def test_a_folder_gets_an_archive_named_by_site_and_time(box: Box, tmp_path: Path) -> None:
    done = back_up(box.config, tmp_path, with_pictures=False)
    assert done.archive.parent == tmp_path
    assert done.archive.name.startswith("edge-agent-corner-2")
    assert done.as_json()["files"] == ["edge.yaml", "menu.yaml", "tokens.json", "active"], "no database yet"


def test_a_folder_that_is_not_there_is_no_name_for_a_file(box: Box, tmp_path: Path) -> None:
    """From cron there would be one archive of that name, and failures ever after."""
    with pytest.raises(BadInput, match=r"none: there is no such folder: make it, or name a file that ends in \.tar"):
        back_up(box.config, tmp_path / "none", with_pictures=False)
    assert not (tmp_path / "none").exists()


def test_a_backup_replaces_nothing(box: Box, tmp_path: Path) -> None:
    (tmp_path / "b.tar").write_text("the only copy of last year")
    with pytest.raises(BadInput, match="never replaces"):
        back_up(box.config, tmp_path / "b.tar", with_pictures=False)
    assert (tmp_path / "b.tar").read_text() == "the only copy of last year"


def test_a_backup_that_fails_leaves_nothing_behind(box: Box, tmp_path: Path) -> None:
    box.database.write_text("this is no database, whatever its name says\n" * 100)
    target = tmp_path / "backups"
    target.mkdir()
    with pytest.raises(StoreError, match="no SQLite database"):
        back_up(box.config, target / "b.tar", with_pictures=False)
    assert list(target.iterdir()) == []


def test_a_picture_that_expired_meanwhile_is_counted_not_fatal(box: Box, tmp_path: Path) -> None:
    box.serve("A-1", "A-2").close()
    next(pictures_beside(box.database).rglob("*.jpg")).unlink()
    done = back_up(box.config, tmp_path / "b.tar", with_pictures=True)
    assert (done.manifest.pictures_missing, done.as_json()["pictures"]) == (1, 1)


# Putting back


def test_a_new_box_becomes_the_old_one(box: Box, archive: Path, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    (fresh / "models" / "canteen").mkdir(parents=True)
    (fresh / "models" / "canteen" / "model.yaml").write_text("name: canteen\n")
    done = restore_from(archive, fresh / "edge.yaml")
    new = Box.__new__(Box)
    new.root = fresh
    assert (new.orders(), new.pictures()) == (box.orders(), box.pictures())
    for name in ("edge.yaml", "menu.yaml", "state/tokens.json", "models/active"):
        assert (fresh / name).read_bytes() == (box.root / name).read_bytes()
    assert done.aside == []
    assert (fresh / "state" / "tokens.json").stat().st_mode & 0o777 == 0o600


def test_what_is_replaced_is_kept_aside(box: Box, archive: Path) -> None:
    box.serve("A-2", "A-3").close()
    box.config.write_text(CONFIG + "shadow: false\n")
    done = restore_from(archive, box.config)
    assert box.orders() == {"A-1"}
    assert box.config.read_text() == CONFIG
    kept = {path.name.partition(".before-restore-")[0]: path for path in done.aside if not path.name.endswith("-shm")}
    assert set(kept) == {"edge.yaml", "edge.sqlite"}, "what was the same is not copied"
    assert {each.key.order_id for each in SqliteHistory(path=kept["edge.sqlite"]).orders()} == {"A-1", "A-2", "A-3"}
    assert len(box.pictures()) == 3, "the pictures of the days since stay with the database kept aside"


def test_a_rehearsal_changes_nothing(box: Box, archive: Path) -> None:
    box.serve("A-2").close()
    before = everything_in(box.root)
    done = restore_from(archive, box.config, dry_run=True)
    assert everything_in(box.root) == before
    assert "edge.sqlite would go to" in "\n".join(done.as_lines())


def test_a_configuration_is_named_from_where_one_stands(
    box: Box, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.serve("A-2").close()
    monkeypatch.chdir(box.root)
    restore_from(archive, box.config.relative_to(box.root))
    assert box.orders() == {"A-1"}


def test_a_running_agent_is_noticed(box: Box, archive: Path) -> None:
    """Another process holds the database open, idle: nothing may be put in its place."""
    code = (
        "import sys; from pathlib import Path; from edge_agent.adapters.sqlite_store import SqliteStore\n"
        "from edge_agent.adapters.system_clock import SystemClock\n"
        f"store = SqliteStore(path=Path({str(box.database)!r}), clock=SystemClock()); print('open', flush=True)\n"
        "sys.stdin.read(); store.close()"
    )
    before = everything_in(box.root)
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as agent:
        assert agent.stdout is not None
        assert agent.stdout.readline() == b"open\n"
        with pytest.raises(Conflict, match="stop the agent"):
            restore_from(archive, box.config)
        assert restore_from(archive, box.config, dry_run=True).is_rehearsal
        agent.communicate(b"")
    assert everything_in(box.root) == before
    restore_from(archive, box.config)


def test_a_damaged_database_can_be_replaced(box: Box, archive: Path) -> None:
    """That is what a backup is for: whether the agent runs is known without reading the file."""
    box.database.write_bytes(b"\xff" * 10_000)
    done = restore_from(archive, box.config)
    assert box.orders() == {"A-1"}
    assert done.aside[0].read_bytes() == b"\xff" * 10_000


def test_a_log_of_the_old_database_is_not_written_into_the_new_one(box: Box, archive: Path) -> None:
    """SQLite replays what lies beside a database under its name."""
    box.database.write_bytes(b"\xff" * 10_000)
    log = box.database.with_name("edge.sqlite-wal")
    log.write_bytes(b"an old log")
    done = restore_from(archive, box.config)
    assert box.orders() == {"A-1"}
    assert any(path.name.endswith("-wal") and path.read_bytes() == b"an old log" for path in done.aside)


def test_a_pack_that_is_not_here_is_not_pointed_at(archive: Path, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    done = restore_from(archive, fresh / "edge.yaml")
    assert not (fresh / "models" / "active").exists()
    assert "copy it there" in done.as_lines()[-1]


# What is refused


def _cut(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])


def _flip(archive: Path) -> None:
    raw = archive.read_bytes()
    at = raw.index(b"hidden") if b"hidden" in raw else raw.index(b"sku: plate")
    archive.write_bytes(raw[:at] + b"X" + raw[at + 1 :])


def _other_bytes(archive: Path) -> None:
    rewritten(archive, lambda m: m.update({"menu.yaml": b"items: []\n"}), refresh=False)


def _one_too_many(archive: Path) -> None:
    rewritten(archive, lambda m: m.update({"pictures/2026-01-31/7.jpg": b"x"}), refresh=False)


def _one_too_few(archive: Path) -> None:
    def without_menu(members: dict[str, bytes]) -> None:
        del members["menu.yaml"]

    rewritten(archive, without_menu, refresh=False)


def _text(archive: Path) -> None:
    archive.write_text("shopping list\n" * 100)


def _gone(archive: Path) -> None:
    archive.unlink()


@pytest.mark.parametrize("harm", [_cut, _flip, _other_bytes, _one_too_many, _one_too_few, _text, _gone])
def test_a_damaged_archive_changes_nothing(box: Box, archive: Path, harm: Callable[[Path], None]) -> None:
    harm(archive)
    before = everything_in(box.root)
    with pytest.raises(BadInput, match=archive.name):
        restore_from(archive, box.config)
    assert everything_in(box.root) == before


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "pictures/../../../etc/cron.d/x.jpg",
        "pictures/2026-01-31/../../x.jpg",
        "pictures/2026-01-31/.hidden.jpg",
        "pictures/2026-01-31/x.sh",
        "sitecustomize.py",
        "models/active",
    ],
)
def test_a_member_that_leads_elsewhere_is_refused(box: Box, archive: Path, name: str) -> None:
    rewritten(archive, lambda members: members.update({name: b"x"}))
    before = everything_in(box.root.parent)
    with pytest.raises(BadInput, match="no member of a backup"):
        restore_from(archive, box.config)
    assert everything_in(box.root.parent) == before


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_folders_and_devices_are_refused(box: Box, archive: Path, kind: bytes) -> None:
    """A link called menu.yaml would make the next member overwrite whatever it leads to."""
    with tarfile.open(archive, "w") as tar:
        info = tarfile.TarInfo("menu.yaml")
        info.type, info.linkname = kind, "/etc/passwd"
        tar.addfile(info)
    with pytest.raises(BadInput, match="no plain file"):
        restore_from(archive, box.config)


def test_a_database_of_a_newer_agent_is_refused(box: Box, archive: Path, tmp_path: Path) -> None:
    def newer(members: dict[str, bytes]) -> None:
        path = tmp_path / "newer.sqlite"
        path.write_bytes(members["edge.sqlite"])
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(
                "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('edge_agent', 'm999', '')"
            )
        members["edge.sqlite"] = path.read_bytes()

    with pytest.raises(StoreTooNew):
        restore_from(rewritten(archive, newer), box.config)
    assert box.orders() == {"A-1"}


def test_the_time_of_the_backup_is_told(archive: Path, box: Box) -> None:
    done = restore_from(archive, box.config, dry_run=True)
    assert datetime.fromisoformat(done.created_at).tzinfo == timezone.utc


CHOSEN = {
    "setup.yaml": "schema: 1\nmenu:\n  at: 2026-01-31T12:00:00Z\n  by: admin\n"
    f"  over: {'0' * 64}\n  file: menu-0123456789ab.yaml\n",
    "menu-0123456789ab.yaml": "items:\n  - {sku: soup, detects_as: plate}\n",
}


def choose(box: Box) -> Path:
    """Something was chosen on the Set-up pages."""
    folder = box.root / "state" / "setup"
    folder.mkdir()
    for name, text in CHOSEN.items():
        (folder / name).write_text(text)
    return folder


def test_what_was_set_up_comes_back_with_the_configured_menu_beside_it(box: Box, tmp_path: Path) -> None:
    box.serve("A-1").close()
    folder = choose(box)
    archive = back_up(box.config, tmp_path / "b.tar", with_pictures=False).archive
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    (box.root / "menu.yaml").write_text("items:\n  - {sku: other, detects_as: plate}\n")
    restore_from(archive, box.config)
    assert {path.name: path.read_text() for path in folder.iterdir()} == CHOSEN
    assert "sku: plate" in (box.root / "menu.yaml").read_text()


def test_a_backup_from_before_anything_was_set_up_sets_it_aside(box: Box, archive: Path) -> None:
    folder = choose(box)
    restore_from(archive, box.config)
    assert not (folder / "setup.yaml").exists()
    assert [path.read_text() for path in folder.glob("setup.yaml.before-restore-*")] == [CHOSEN["setup.yaml"]]


def test_an_archive_holds_only_so_much_of_the_set_up(box: Box, archive: Path) -> None:
    many = {f"setup/menu-{number:012x}.yaml": b"x" for number in range(60)}
    with pytest.raises(BadInput, match="more of the Set-up pages"):
        restore_from(rewritten(archive, lambda members: members.update(many)), box.config)


@pytest.mark.parametrize(
    "name", ["setup/../x.yaml", "setup/menu-x.yaml", "setup/notes.txt", "setup/.setup.yaml.partial"]
)
def test_a_name_that_the_set_up_never_gives_is_refused(box: Box, archive: Path, name: str) -> None:
    with pytest.raises(BadInput, match="no member of a backup"):
        restore_from(rewritten(archive, lambda members: members.update({name: b"x"})), box.config)
