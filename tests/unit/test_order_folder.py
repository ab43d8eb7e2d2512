"""Orders as files: taken once, whole, and a bad one is set aside with its reason."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.adapters import order_folder
from edge_agent.adapters.order_folder import OrderFolder
from edge_agent.domain.order import OrderLine
from edge_agent.errors import BadInput, BadOrder, OrderVolatile, StoreBusy
from edge_agent.formats.order_files import MAX_FILE_BYTES, entries_from
from tests.fakes_api import FakeOrderBook
from tests.fakes_store import FakeClock

ORDER = '{"order_id": "A-1", "lines": [{"sku": "plate"}]}'


class Counter:
    """A watched folder, its book, and a clock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.book = FakeOrderBook()
        self.watch()

    def watch(self) -> None:
        """As after a start."""
        self.watched = OrderFolder(folder=self.folder, book=self.book, clock=self.clock)

    def drop(self, text: str | bytes, name: str = "a.json") -> Path:
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def wait(self) -> list[tuple[str, int, str]]:
        """Two looks, a second and more apart."""
        taken = self.watched.poll()
        self.clock.advance(1.5)
        return [(each.name, each.entries, each.reason) for each in (*taken, *self.watched.poll())]

    def held(self, place: str) -> list[str]:
        return sorted(path.name for path in (self.folder / place).iterdir())

    @property
    def orders(self) -> list[str]:
        return [key.order_id for key in self.book.standing]


@pytest.fixture
def counter(tmp_path: Path) -> Counter:
    return Counter(tmp_path / "orders")


def test_a_file_is_taken_once_also_over_a_restart(counter: Counter) -> None:
    counter.drop(ORDER)
    assert counter.wait() == [("a.json", 1, "")]
    counter.watch()
    assert counter.wait() == []
    assert (counter.orders, counter.held("taken"), counter.held("taking")) == (["A-1"], ["a.json"], [])


def test_a_file_that_still_grows_is_waited_for(counter: Counter) -> None:
    for size in (10, 20, 30, len(ORDER)):
        counter.drop(ORDER[:size])
        assert counter.watched.poll() == ()
        counter.clock.advance(5.0)
    assert counter.wait() == [("a.json", 1, "")]


@pytest.mark.parametrize("name", ["a.json.tmp", ".a.json", "a.txt", "a.json.part", "readme"])
def test_what_is_no_order_file_is_left_alone(counter: Counter, name: str) -> None:
    path = counter.drop(ORDER, name)
    assert counter.wait() == []
    assert path.exists()


def test_what_is_no_plain_file_is_left_alone(counter: Counter, tmp_path: Path) -> None:
    """A link may lead anywhere, and a pipe has no end."""
    (tmp_path / "elsewhere.json").write_text(ORDER)
    (counter.folder / "link.json").symlink_to(tmp_path / "elsewhere.json")
    (counter.folder / "folder.json").mkdir()
    os.mkfifo(counter.folder / "pipe.json")
    assert counter.wait() == []
    (counter.folder / "taking" / "link.json").symlink_to(tmp_path / "elsewhere.json")
    assert counter.wait() == []
    assert counter.orders == []


@pytest.mark.parametrize(
    ("text", "name", "reason"),
    [
        ("{", "a.json", "no valid JSON"),
        ('{"order_id": "A-1"}', "a.json", "'lines' is missing"),
        ("[]", "a.json", "no order"),
        ('[{"cancel": "A", "lines": []}]', "a.json", "stands nothing else"),
        (b"\xff\xfe", "a.json", "UTF-8"),
        (b" " * (MAX_FILE_BYTES + 1), "a.json", "larger"),
        ("order_id;sku\nA;plate\nA;\n", "a.csv", "line 3: 'sku' is empty"),
        ("order_id,sku,price\nA,plate,1\n", "a.csv", "line 1: the column 'price' is not known"),
        ("order_id,sku,quantity\nA,plate,1.5\n", "a.csv", "line 2: 'quantity' is '1.5'"),
        ("order_id,sku\nA,plate,2\n", "a.csv", "line 2: the row has 3 cells"),
        ("sku\nplate\n", "a.csv", "'order_id' is not among them"),
        ("order_id,sku,quantity\nA,plate,0\n", "a.csv", "between 1 and 999"),
        ("", "a.csv", "order_id"),
    ],
)
def test_a_bad_file_is_set_aside_with_its_reason(counter: Counter, text: str | bytes, name: str, reason: str) -> None:
    counter.drop(text, name)
    [(_, _, told)] = counter.wait()
    assert reason in told
    assert counter.held("bad") == [name, f"{name}.reason.txt"]
    assert reason in (counter.folder / "bad" / f"{name}.reason.txt").read_text()
    assert counter.orders == []


def test_one_bad_order_in_a_file_keeps_all_of_it_out(counter: Counter) -> None:
    counter.drop(f'[{ORDER}, {{"order_id": "", "lines": []}}]')
    counter.wait()
    assert counter.orders == []


def test_what_the_book_refuses_of_a_file_costs_none_of_its_other_orders(counter: Counter) -> None:
    counter.drop(f'[{{"cancel": "unknown"}}, {ORDER}]')
    [(_, _, reason)] = counter.wait()
    assert "unknown" in reason
    assert (counter.orders, counter.held("bad")) == (["A-1"], ["a.json", "a.json.reason.txt"])


@pytest.mark.parametrize("refusal", [StoreBusy("full"), OrderVolatile("disk")])
def test_a_file_waits_for_a_store_that_refuses_also_over_a_restart(counter: Counter, refusal: Exception) -> None:
    """Accepted means committed: until then the file stays where it is found again."""
    counter.drop(ORDER)
    counter.book.refusal = refusal  # type: ignore[assignment]
    assert counter.wait() == []
    assert (counter.held("taking"), counter.held("taken")) == (["a.json"], [])
    counter.watch()
    counter.book.refusal = None
    assert counter.wait() == [("a.json", 1, "")]
    assert (counter.orders, counter.held("taking")) == (["A-1"], [])


def test_a_name_that_comes_again_overwrites_nothing(counter: Counter) -> None:
    for revision in (1, 2, 3):
        counter.drop(ORDER.replace('"lines"', f'"revision": {revision}, "lines"'))
        counter.wait()
    assert counter.held("taken") == ["a-2.json", "a-3.json", "a.json"]


def test_kept_files_do_not_fill_the_disk(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_folder, "KEPT", 3)
    for n in range(6):
        counter.drop("{", f"{n}.json")
        counter.wait()
    assert counter.held("bad") == [f"{n}.json{end}" for n in (3, 4, 5) for end in ("", ".reason.txt")]


def test_a_folder_that_cannot_be_made_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be used"):
        Counter(tmp_path / "file" / "orders")


def test_a_csv_file_has_a_line_per_order_line() -> None:
    text = (
        "\ufefforder_id;revision;display_number;sku;quantity;modifiers;test\r\n"
        "A-1;2;42;plate;1;no onions|well done;\r\n"
        "A-1;2;42;drink;2;;\r\n"
        "\r\n"
        'A-2;;;"plate; large";;;true\r\n'
    )
    first, second = (entry.order for entry in entries_from(text.encode(), Path("a.csv")))
    assert first is not None
    assert second is not None
    assert (first.order_id, first.revision, first.number) == ("A-1", 2, "42")
    assert first.lines == (
        OrderLine(sku="plate", modifiers=("no onions", "well done")),
        OrderLine(sku="drink", quantity=2),
    )
    assert (second.order_id, second.revision, second.test, second.lines[0].sku) == ("A-2", 1, True, "plate; large")


@given(raw=st.binary(max_size=200) | st.text("order_id,sku;\n\"'a1", max_size=200).map(str.encode), csv=st.booleans())
def test_whatever_a_file_holds_it_is_read_or_refused_with_a_sentence(raw: bytes, csv: bool) -> None:
    with contextlib.suppress(BadOrder):
        assert entries_from(raw, Path("a.csv" if csv else "a.json"))
