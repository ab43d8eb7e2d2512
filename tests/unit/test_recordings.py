"""The files beside a recording and of a folder of trays: read strictly, refused with file and line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edge_agent.errors import BadInput, BadOrder, BadRecording
from edge_agent.formats import recordings
from edge_agent.formats.recordings import MAX_LINE_BYTES, Recording, open_recording, open_trays

ORDER = {"order_id": "A-1", "lines": [{"sku": "plate"}]}
TRUTH = {"order_id": "A-1", "tray_id": "t", "enter_s": 1.0, "leave_s": 2, "contents": {"plate": 1}}
TRAY = {"tray_id": "t", "images": ["a.jpg"], "contents": {"plate": 1}}
CHECK = {"check_id": "c", "tray_id": "t", "order": ORDER, "expected": "match"}
OTHER_CHECK = {**CHECK, "check_id": "d"}


def lines(*entries: object) -> bytes:
    return b"".join((e if isinstance(e, bytes) else json.dumps(e).encode()) + b"\n" for e in entries)


def recording(tmp_path: Path, orders: bytes | None = None, truth: bytes | None = None) -> Recording:
    (tmp_path / "v.mp4").write_bytes(b"")
    for name, raw in (("orders", orders), ("truth", truth)):
        if raw is not None:
            (tmp_path / f"v.{name}.jsonl").write_bytes(raw)
    return open_recording(tmp_path / "v.mp4")


def refusal(tmp_path: Path, orders: bytes | None = None, truth: bytes | None = None) -> str:
    with pytest.raises(BadInput) as caught:
        recording(tmp_path, orders, truth)
    said = str(caught.value)
    assert "\n" not in said
    return said.removeprefix(f"{tmp_path}/")


def folder(tmp_path: Path, trays: bytes, checks: bytes) -> Path:
    (tmp_path / "a.jpg").write_bytes(b"")
    (tmp_path / "trays.jsonl").write_bytes(trays)
    (tmp_path / "orders.jsonl").write_bytes(checks)
    return tmp_path


def folder_refusal(tmp_path: Path, trays: bytes, checks: bytes) -> str:
    with pytest.raises(BadInput) as caught:
        open_trays(folder(tmp_path, trays, checks))
    return str(caught.value).removeprefix(f"{tmp_path}/")


def test_a_recording_needs_neither_orders_nor_truth(tmp_path: Path) -> None:
    assert recording(tmp_path) == Recording(tmp_path / "v.mp4")


def test_a_recording_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for name in ("none.mp4", "x" * 5_000, "."):
        with pytest.raises(BadRecording, match="there is no such video"):
            open_recording(tmp_path / name)


def test_what_the_till_sent_is_told_in_the_order_of_its_times(tmp_path: Path) -> None:
    """Two tills write one file; among equal times the file decides."""
    read = recording(
        tmp_path, lines({"at_s": 3, "cancel": "B"}, {"at_s": 1.5, "order": ORDER}, {"at_s": 3, "ready": "C"})
    )
    assert [(e.at_s, e.order and e.order.order_id, e.cancel, e.ready) for e in read.orders] == [
        (1.5, "A-1", None, None),
        (3.0, None, "B", None),
        (3.0, None, None, "C"),
    ]


def test_what_editors_do_to_a_file_does_not_matter(tmp_path: Path) -> None:
    raw = b"\xef\xbb\xbf\r\n" + lines({"at_s": 1, "order": ORDER}).replace(b"\n", b"\r\n") + b"\n  \n"
    assert len(recording(tmp_path, raw, b"").orders) == 1


def test_a_lower_revision_in_the_file_is_kept_for_the_checker_to_ignore(tmp_path: Path) -> None:
    """Whether a snapshot is old is known only when its time has come."""
    sent = [{"at_s": at_s, "order": {**ORDER, "revision": revision}} for at_s, revision in ((1, 2), (2, 1))]
    assert [event.order.revision for event in recording(tmp_path, lines(*sent)).orders if event.order] == [2, 1]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"at_s": 1}, "needs exactly one of 'order', 'cancel' and 'ready'"),
        ({"at_s": 1, "cancel": "A", "ready": "A"}, "needs exactly one of"),
        ({"cancel": "A"}, "'at_s' is missing"),
        ({"at_s": -1, "cancel": "A"}, "'at_s': "),
        ({"at_s": "1", "cancel": "A"}, "'at_s': "),
        ({"at_s": True, "cancel": "A"}, "'at_s': "),
        ({"at_s": 1e300, "cancel": "A"}, "'at_s': "),
        (b'{"at_s": NaN, "cancel": "A"}', "NaN is no number"),
        (b'{"at_s": 1e999, "cancel": "A"}', "'at_s': "),
        ({"at_s": 1, "cancel": "A", "order_id": 3}, "'order_id': "),
        ({"at_s": 1, "order": {**ORDER, "lines": [{"sku": "a", "quantity": 0}]}}, "the quantity of 'a'"),
        ({"at_s": 1, "order": {**ORDER, "lines": [{"sku": "a", "quantity": 10**9}]}}, "the quantity of 'a'"),
        ({"at_s": 1, "order": {**ORDER, "lines": [{"sku": "a", "quantity": "2"}]}}, "'lines.0.quantity'"),
        ({"at_s": 1, "order": {**ORDER, "display_number": "x" * 900_000}}, "'display_number' is 900000 characters"),
        ({"at_s": 1, "order": {**ORDER, "display_number": "x" * MAX_LINE_BYTES}}, "the line is longer than 1,000,000"),
        ({"at_s": 1, "order": [ORDER]}, "'order' should be an object"),
        (b'{"at_s": 1, "at_s": 2, "cancel": "A"}', "the key 'at_s' stands twice"),
        (b'{"at_s": 1, "cancel": "\xff"}', "the line is not UTF-8"),
        (b'{"at_s": 1, "cancel": "A"', "no valid JSON"),
        (b"[" * 50_000, "nested too deep"),
        (b"3", "the value should be an object"),
        (rb'{"at_s": 1, "cancel": "\udc00"}', "half of a character"),
    ],
)
def test_a_bad_line_of_the_till_is_named(tmp_path: Path, entry: object, said: str) -> None:
    """A day's file has thousands of lines; nobody finds the bad one by looking."""
    complaint = refusal(tmp_path, orders=lines({"at_s": 0, "order": ORDER}, b"", entry))
    assert complaint.startswith("v.orders.jsonl:3: ")
    assert said in complaint
    assert len(complaint) < 300


@pytest.mark.parametrize(
    "changes",
    [
        {"contents": {"plate": -1}},
        {"contents": {"plate": 1.5}},
        {"contents": {"plate": "1"}},
        {"contents": {"plate": True}},
        {"contents": {"plate": 10**9}},
        {"contents": ["plate"]},
        {"leave_s": 0.5},
        {"enter_s": "1"},
        {"order_id": 3},
        {"orders": "A-1"},
    ],
)
def test_a_truth_that_cannot_be_true_is_named(tmp_path: Path, changes: dict[str, Any]) -> None:
    """A mistake in the truth makes every number wrong, silently."""
    assert refusal(tmp_path, truth=lines(TRUTH, {**TRUTH, **changes})).startswith("v.truth.jsonl:2: ")


def test_a_truth_reads_also_for_nobodys_tray(tmp_path: Path) -> None:
    [mine, nobodys] = recording(tmp_path, truth=lines(TRUTH, {**TRUTH, "order_id": None, "contents": {}})).truth
    assert (mine.order_id, mine.leave_s, mine.contents, nobodys.order_id) == ("A-1", 2.0, {"plate": 1}, None)


def test_a_file_without_an_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded: the file may be a log of another program."""
    monkeypatch.setattr(recordings, "MAX_ENTRIES", 5)
    assert "more than 5 lines" in refusal(tmp_path, orders=lines(*[{"at_s": 1, "cancel": "A"}] * 6))
    (tmp_path / "v.orders.jsonl").unlink()
    (tmp_path / "v.orders.jsonl").symlink_to("/dev/zero")
    assert recording(tmp_path).orders == (), "a device is no file of orders"


def test_a_folder_of_trays_is_read(tmp_path: Path) -> None:
    read = open_trays(folder(tmp_path, lines(TRAY), lines(CHECK, {**OTHER_CHECK, "expected": "mismatch"})))
    assert [(check.check_id, check.expected, check.order.order_id) for check in read.checks] == [
        ("c", "match", "A-1"),
        ("d", "mismatch", "A-1"),
    ]
    assert read.trays["t"].images == ("a.jpg",)


def test_photographs_may_lie_in_another_folder(tmp_path: Path) -> None:
    """One set of photographs serves several folders of labels."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "b.jpg").write_bytes(b"")
    (tmp_path / "trays").mkdir()
    root = folder(tmp_path / "trays", lines({**TRAY, "images": ["../photos/b.jpg"]}), lines(CHECK))
    assert len(open_trays(root).trays) == 1


@pytest.mark.parametrize(
    ("tray", "said"),
    [
        ({**TRAY, "tray_id": "u", "images": ["b.jpg"]}, "the photograph 'b.jpg' is not there"),
        ({**TRAY, "tray_id": "u", "images": ["x" * 9_000]}, "is not there"),
        ({**TRAY, "tray_id": "u", "images": ["a\0.jpg"]}, "is not there"),
        ({**TRAY, "tray_id": "u", "images": []}, "'images'"),
        ({**TRAY, "tray_id": "u", "images": ["a.jpg"] * 65}, "'images'"),
        ({**TRAY, "tray_id": "u", "images": "a.jpg"}, "'images'"),
        (TRAY, "the tray 't' stands twice"),
        ({**TRAY, "tray_id": "../u"}, "'tray_id'"),
        ({**TRAY, "tray_id": "u", "contents": {"plate": -1}}, "'contents.plate'"),
        ({**TRAY, "tray_id": "u", "contents": {"plate": 51}}, "'contents.plate'"),
        ({**TRAY, "tray_id": "u", "sureness": 1}, "'sureness'"),
    ],
)
def test_a_bad_tray_is_named(tmp_path: Path, tray: dict[str, Any], said: str) -> None:
    complaint = folder_refusal(tmp_path, lines(TRAY, tray), lines(CHECK))
    assert complaint.startswith("trays.jsonl:2: ")
    assert said in complaint
    assert len(complaint) < 400


@pytest.mark.parametrize(
    ("check", "said"),
    [
        (CHECK, "the check 'c' stands twice"),
        ({**OTHER_CHECK, "tray_id": "ghost"}, "the tray 'ghost' is not in trays.jsonl"),
        ({**OTHER_CHECK, "expected": "unsure"}, "'expected'"),
        ({**OTHER_CHECK, "order": {**ORDER, "lines": [{"sku": "a", "quantity": 0}]}}, "the quantity of 'a'"),
        ({**OTHER_CHECK, "order": None}, "'order'"),
    ],
)
def test_a_bad_check_is_named(tmp_path: Path, check: dict[str, Any], said: str) -> None:
    complaint = folder_refusal(tmp_path, lines(TRAY), lines(CHECK, check))
    assert complaint.startswith("orders.jsonl:2: ")
    assert said in complaint


@pytest.mark.parametrize(("trays", "checks"), [(b"", lines(CHECK)), (lines(TRAY), b"\n")])
def test_a_folder_that_lists_nothing_is_refused(tmp_path: Path, trays: bytes, checks: bytes) -> None:
    """A score of no checks at all looks like one of a perfect model."""
    assert "the file lists no " in folder_refusal(tmp_path, trays, checks)


def test_a_folder_without_its_files_is_refused(tmp_path: Path) -> None:
    for root in (tmp_path, tmp_path / "none", tmp_path / ("x" * 5_000)):
        with pytest.raises(BadRecording, match=r"needs trays\.jsonl and orders\.jsonl"):
            open_trays(root)


def test_a_bad_order_is_a_bad_order_wherever_it_stands(tmp_path: Path) -> None:
    with pytest.raises(BadOrder):
        recording(tmp_path, lines({"at_s": 1, "order": {"order_id": "", "lines": []}}))


@pytest.mark.parametrize("name", ["canteen-short", "canteen-rush", "canteen-mixed"])
def test_the_shared_recordings_read(real_data: Path, name: str) -> None:
    read = open_recording(real_data / "videos" / f"{name}.mp4")
    known = {event.order.order_id for event in read.orders if event.order}
    assert {true.order_id for true in read.truth if true.order_id} <= known
