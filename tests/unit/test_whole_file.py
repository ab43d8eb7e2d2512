"""A file is written as a whole, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge_agent.formats.whole_file import whole_file, write_whole


class PowerCut(Exception):
    """Nothing after this point happens."""


def cut_off(path: Path) -> None:
    """A writer that is stopped half way, and says where it wrote."""
    with whole_file(path) as file:
        file.write(b"half of")
        (beside,) = (each for each in path.parent.iterdir() if each != path)
        raise PowerCut(beside)


@pytest.mark.parametrize("content", ["crème brûlée\n", b"\xff\xd8", "", b""])
def test_what_is_written_takes_the_place_of_what_was_there(tmp_path: Path, content: str | bytes) -> None:
    path = tmp_path / "file"
    path.write_text("something much longer than what comes after it")
    write_whole(path, content)
    assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert list(tmp_path.iterdir()) == [path]


def test_a_writer_that_fails_half_way_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("before")
    with pytest.raises(PowerCut):
        cut_off(path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "file"
    path.write_text("before")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, "after")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_the_content_is_on_the_disk_before_the_name_and_the_name_before_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a power cut leaves an empty file under the right name, or the old one after the caller was told."""
    path, happened = tmp_path / "file", list[str]()
    fsync, replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        is_folder = os.fstat(descriptor).st_ino == tmp_path.stat().st_ino
        happened.append("folder" if is_folder else f"{os.fstat(descriptor).st_size} bytes")
        fsync(descriptor)

    def replaced(fresh: Path, target: Path) -> Path:
        happened.append("name")
        return replace(fresh, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    write_whole(path, "after")
    assert happened == ["5 bytes", "name", "folder"]


def test_what_a_kill_left_is_in_nobodys_way(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with pytest.raises(PowerCut) as stopped:
        cut_off(path)
    (left,) = stopped.value.args
    left.write_text("half of what a killed writer had to say, which was long")
    write_whole(path, "after")
    assert path.read_text() == "after"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_laid_in_the_way_is_not_followed(tmp_path: Path) -> None:
    """What root writes for the service goes into no file that the service chose."""
    path, elsewhere = tmp_path / "file", tmp_path / "elsewhere"
    with whole_file(path):
        (beside,) = tmp_path.iterdir()
    elsewhere.write_text("somebody else's")
    beside.symlink_to(elsewhere)
    write_whole(path, "after")
    assert (elsewhere.read_text(), path.read_text()) == ("somebody else's", "after")
    assert not path.is_symlink()


def test_nobody_else_reads_a_secret_at_any_moment(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with whole_file(path, mode=0o600) as file:
        assert os.fstat(file.fileno()).st_mode & 0o777 == 0o600
    assert path.stat().st_mode & 0o777 == 0o600
