"""The reports: nothing that happened is left out, no text from outside becomes markup, no file is half-written."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_agent.checking.item_scores import item_scores
from edge_agent.checking.scoring import Outcome
from edge_agent.domain.contents import Contents
from edge_agent.domain.detection import Detection
from edge_agent.domain.geometry import Box, Polygon
from edge_agent.domain.matching import VerdictKind
from edge_agent.domain.order import Order, OrderLine
from edge_agent.domain.tray import Slot
from edge_agent.domain.voting import Thresholds
from edge_agent.errors import BadInput
from edge_agent.evaluation.evidence import EvidenceKeeper, safe_name
from edge_agent.evaluation.painter import banner_px
from edge_agent.evaluation.photo_checks import TraysEvaluated, evaluate_trays
from edge_agent.evaluation.replay import Replayed
from edge_agent.evaluation.report import write_replay_report
from edge_agent.evaluation.report_charts import SPAN_S, Moment, Spell, heat_tables, timeline
from edge_agent.evaluation.report_items import ItemsView, items_view, macro_phrase
from edge_agent.evaluation.report_page import Used, templates
from edge_agent.evaluation.trays_report import write_trays_report
from edge_agent.evaluation.wording import NOT_FOUND
from edge_agent.formats.recordings import OrderEvent, PhotographedTray, TrayCheck, TrayFolder
from edge_agent.ports import Picture
from tests.builders_replay import HEIGHT, MENU, WIDTH, Shown, order, replayed, truth
from tests.fakes import ScriptedDetector

USED = Used(
    pack_name="canteen", pack_version="1.0", pack_sha256="0123456789abcdef" * 4, menu_name="menu.yaml", provider="CPU"
)
XSS = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>"

# A right tray called right, one with its fries missing, one that nobody waits for.
STORY = [Shown(1.0, 4.0, {"plate": 1, "fries": 1}), Shown(8.0, 11.0, {"plate": 1}), Shown(15.0, 18.0, {"cola": 1})]
ORDERS = [order("7", "plate", "fries"), order("8", "plate", "fries", at_s=7.0)]
TRUTHS = [
    truth("7", 1.0, 4.0, plate=1, fries=1),
    truth("8", 8.0, 11.0, plate=1),
    truth(None, 15.0, 18.0, cola=1),
]


class Page(HTMLParser):
    """A parsed page: its tags with their attributes, and the text outside of style sheets."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._in_style = False
        self.feed(markup)
        self.close()
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False
        self.text += " | " if tag in ("td", "th") else ""

    def handle_data(self, data: str) -> None:
        if not self._in_style:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def report(
    directory: Path,
    done: Replayed,
    evidence: dict[str, str] | None = None,
    *,
    video: str | None = None,
) -> Page:
    page = write_replay_report(directory, done, evidence or {}, used=USED, video_name=video)
    assert page == directory / "index.html"
    return Page(page.read_text(encoding="utf-8"))


def story(**more: object) -> Replayed:
    return replayed(STORY, ORDERS, TRUTHS, length_s=20.0, **more)  # type: ignore[arg-type]


def test_the_page_tells_the_whole_story(tmp_path: Path) -> None:
    page = report(tmp_path, story(), video="annotated.mp4")
    for text in (
        "lunch.mp4",
        "canteen 1.0",
        "0123456789ab",
        "3 trays seen. 1 wrong order: 1 caught, 0 escaped. 1 right order: 1 called right, 0 false alarms.",
        "#7",
        "the open order that fits",
        "2 of 2",
        "#8",
        "Fries missing",
        "1 too few",
        "Caught",
        "Left in peace",
        "Tray still → verdict",
        "nobody's tray",
    ):
        assert text in page.text
    assert "<b>0 of 1</b>" in (tmp_path / "index.html").read_text()
    assert {"src": "annotated.mp4"}.items() <= page.all("video")[0].items()


def test_the_page_stands_alone(tmp_path: Path) -> None:
    """It is opened from a memory stick, in an office without a network."""
    page = report(tmp_path, story())
    assert page.all("script") == []
    assert page.all("link") == []
    markup = (tmp_path / "index.html").read_text()
    assert not re.search(r"https?://|//[a-z]|@import|url\(", markup)


def test_every_link_within_the_page_leads_somewhere(tmp_path: Path) -> None:
    page = report(tmp_path, story())
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    links = [a["href"] or "" for tag in ("a", "use") for a in page.all(tag)]
    inside = {link[1:] for link in links if link.startswith("#")}
    assert inside
    assert inside <= ids


def test_no_text_from_the_till_becomes_markup(tmp_path: Path) -> None:
    """An order id, a name and a modifier are what somebody typed into a till, or a web shop."""
    evil = XSS[:64]
    wish = Order(
        order_id=evil, lines=(OrderLine(sku="plate"), OrderLine(sku=evil, name=XSS, modifiers=(XSS, "nut allergy")))
    )
    lost = replace(wish, order_id=f"2{evil}"[:64])
    other = OrderEvent(at_s=9.0, order=lost)
    again = OrderEvent(at_s=9.5, order=lost)
    truths = [truth(evil, 1.0, 4.0, plate=1)]
    done = replayed([Shown(1.0, 4.0, {"plate": 1})], [OrderEvent(at_s=0.0, order=wish), other, again], truths)
    page = report(tmp_path, replace(done, problem=f"{XSS}: it broke off"), {"slot-0001": f"evidence/{XSS}.jpg"})
    assert page.all("script") == []
    assert all("onerror" not in attributes for _, attributes in page.tags)
    assert [image["src"] for image in page.all("img") if image["src"] == "x"] == []
    assert XSS in page.text
    assert evil in page.text
    assert done.ignored, "the test means to show an ignored snapshot, too"


def test_a_video_that_broke_off_is_said_at_the_top(tmp_path: Path) -> None:
    page = report(tmp_path, story(problem="lunch.mp4: the video breaks off after 20.0 s"))
    assert "The video is not whole. lunch.mp4: the video breaks off after 20.0 s" in page.text


def test_without_truth_nothing_is_claimed(tmp_path: Path) -> None:
    """What was not measured is not zero."""
    page = report(tmp_path, replayed(STORY, ORDERS, length_s=20.0))
    assert "is not measured" in page.text
    assert "0 %" not in page.text
    assert "Caught" not in page.text.partition("How to read this")[0]


def test_of_no_wrong_orders_none_was_caught_is_not_measured_either(tmp_path: Path) -> None:
    page = report(tmp_path, replayed(STORY[:1], ORDERS[:1], TRUTHS[:1]))
    assert page.text.count("not measured no wrong orders with known truth") == 2


def test_orders_without_a_tray_and_what_became_of_them(tmp_path: Path) -> None:
    cancelled = [order("9", "cola", at_s=12.0), OrderEvent(at_s=13.0, cancel="9")]
    page = report(tmp_path, replayed(STORY, [*ORDERS, *cancelled, order("10", "cola", at_s=29.0)], length_s=20.0))
    _, _, left = page.text.partition("Orders without a tray")
    assert "#9 | 1 cola | cancelled by the till" in left
    assert "#10 | 1 cola | no tray was found for it" in left


def test_a_tray_that_nobody_noticed_is_listed(tmp_path: Path) -> None:
    page = report(tmp_path, replayed([], ORDERS, TRUTHS[:1]))
    assert "Trays that were not noticed" in page.text
    assert "No tray was seen." in page.text


def test_an_empty_recording_gives_a_page(tmp_path: Path) -> None:
    assert "No tray was seen." in report(tmp_path, replayed([], [], length_s=0.0)).text


def test_the_page_counts_what_the_scores_count() -> None:
    """Outcomes beside the trays and the headline numbers come from the same rule."""
    two_parts = OrderEvent(at_s=11.5, order=Order(order_id="12", lines=(OrderLine(sku="cola", quantity=2),), parts=2))
    shown = [*STORY, Shown(22.0, 25.0, {"cola": 1}), Shown(28.0, 31.0, {"plate": 2})]
    truths = [
        *TRUTHS[:2],
        truth("12", 15.0, 18.0, cola=1),
        truth("12", 22.0, 25.0, cola=1),
        truth("11", 36.0, 37.0, cola=1),
    ]
    done = replayed(shown, [*ORDERS, two_parts, order("11", "cola", at_s=35.0)], truths, length_s=40.0)
    held = done.held
    assert len(held) == 6, "five true trays, and a session that no truth knows"
    for wanted, counted in (
        (True, done.scores.wrong),
        (False, done.scores.right),
        (None, done.scores.nobodys),
    ):
        kinds = [(h.check.truth and h.check.truth.kind is VerdictKind.MISMATCH, h.check.outcome) for h in held]
        assert Counter(outcome for wrong, outcome in kinds if wrong is wanted) == counted


def test_evidence_is_kept_per_tray_and_shown(tmp_path: Path) -> None:
    keeper = EvidenceKeeper(tmp_path, slots=[Slot(slot_id="slot", polygon=Polygon.rectangle(0, 0, WIDTH, HEIGHT))])
    page = report(tmp_path, story(watchers=[keeper]), dict(keeper.pictures))
    assert sorted(keeper.pictures.values()) == sorted(f"evidence/{p.name}" for p in (tmp_path / "evidence").iterdir())
    assert [image["src"] for image in page.all("img")] == list(keeper.pictures.values())
    assert len(keeper.pictures) == 3
    picture = cv2.imread(str(tmp_path / keeper.pictures["slot-0001"]))
    assert picture is not None
    assert picture.shape == (HEIGHT + banner_px(WIDTH), WIDTH, 3)
    assert np.any(picture[banner_px(WIDTH) :] != 90), "the boxes are drawn"


def test_evidence_shows_the_slot_and_nothing_else(tmp_path: Path) -> None:
    slots = [Slot(slot_id="slot", polygon=Polygon.rectangle(10, 40, 210, 200))]
    keeper = EvidenceKeeper(tmp_path, slots=slots)
    replayed(STORY[:1], ORDERS, slots=slots, watchers=[keeper])
    picture = cv2.imread(str(tmp_path / keeper.pictures["slot-0001"]))
    assert picture is not None
    assert picture.shape == (160 + banner_px(200), 200, 3)


def test_a_late_order_does_not_replace_the_evidence_by_an_empty_counter(tmp_path: Path) -> None:
    keeper = EvidenceKeeper(tmp_path, slots=[Slot(slot_id="slot", polygon=Polygon.rectangle(0, 0, WIDTH, HEIGHT))])
    done = replayed(STORY[:1], [order("7", "plate", "fries", at_s=6.0)], watchers=[keeper])
    assert done.trays[0].reached is not None
    assert done.trays[0].reached.late
    picture = cv2.imread(str(tmp_path / keeper.pictures["slot-0001"]))
    assert picture is not None
    assert np.ptp(picture[banner_px(WIDTH) :]) > 50, "the boxes are still there"


@pytest.mark.parametrize("text", ["../../etc/passwd", "", "a b", "x" * 300, "日本"])
def test_a_file_name_leads_nowhere_else(text: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9-]{1,60}", safe_name(text))


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match=r"file/index\.html: the report cannot be written here"):
        report(tmp_path / "file", story())


def test_a_page_that_cannot_be_put_in_place_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "index.html").mkdir()
    with pytest.raises(BadInput, match="cannot be written here"):
        report(tmp_path, story())
    assert [p.name for p in tmp_path.iterdir()] == ["index.html"]


def test_a_long_recording_goes_on_below() -> None:
    spell = Spell(row="Trays", start_s=SPAN_S - 5, end_s=SPAN_S + 5, sign=NOT_FOUND, label="a", title="a")
    lines = timeline(2 * SPAN_S, [Moment(at_s=SPAN_S + 1, kind="order", label="a")], [spell])
    assert len(lines) == 2
    assert sum(len(line.bars) for line in lines) == 2
    assert sum(len(line.marks) for line in lines) == 1
    assert all(bar.x >= 0 and bar.x + bar.width <= 1000 for line in lines for bar in line.bars)


def test_a_day_of_recording_stays_readable_as_a_file() -> None:
    assert len(timeline(86_400.0, [], [])) <= 30


def test_bars_at_one_time_do_not_cover_each_other() -> None:
    spells = [Spell(row="Truth", start_s=1, end_s=5, sign=NOT_FOUND, label=str(k), title="") for k in range(3)]
    (line,) = timeline(10, [], spells)
    assert len({bar.y for bar in line.bars}) == 3


def test_labels_of_orders_that_come_at_once_do_not_cover_each_other() -> None:
    moments = [Moment(at_s=1.0, kind="order", label=f"A-{k}") for k in range(6)]
    (line,) = timeline(10, moments, [])
    shown = [mark for mark in line.marks if mark.label]
    assert len(shown) == len({mark.y for mark in shown}) == 3
    assert len(line.marks) == 6, "a mark without a label is still there"


def test_the_worst_class_comes_first() -> None:
    tables = heat_tables({"a": Counter({(1, 1): 9}), "b": Counter({(1, 1): 5, (1, 0): 4})})
    assert [table.class_name for table in tables] == ["b", "a"]
    assert tables[0].exact.value == pytest.approx(5 / 9)
    (zero, one) = tables[0].rows
    assert [cell.count for cell in zero[1]] == [0, 0]
    assert [(cell.count, cell.right) for cell in one[1]] == [(4, False), (5, True)]


def photographed(tmp_path: Path) -> tuple[TrayFolder, ScriptedDetector]:
    """Two trays of two shots; the detector sees one plate on everything."""
    trays = {
        name: PhotographedTray(tray_id=name, images=("1.jpg", "2.jpg"), contents=contents, note=XSS)
        for name, contents in (("plates", {"plate": 1}), ("both", {"plate": 1, "fries": 1}))
    }

    def check(check_id: str, tray_id: str, expected: str, *skus: str) -> TrayCheck:
        lines = tuple(OrderLine(sku=sku) for sku in skus)
        return TrayCheck(
            check_id=check_id, tray_id=tray_id, order=Order(order_id=check_id, lines=lines), expected=expected
        )

    checks = (
        check("right", "plates", "match", "plate"),
        check("caught", "plates", "mismatch", "plate", "fries"),
        check("escaped", "both", "mismatch", "plate"),
        check("false-alarm", "both", "match", "plate", "fries"),
        check(XSS[:40], "both", "mismatch", "plate"),
    )
    script = [[Detection("plate", 0.9, Box(10, 10, 60, 60))]]
    return TrayFolder(tmp_path / "trays", trays, checks), ScriptedDetector(classes=MENU.classes, script=script)


def evaluated_by(detector: ScriptedDetector, folder: TrayFolder) -> TraysEvaluated:
    return evaluate_trays(
        folder,
        detector=detector,
        menu=MENU,
        thresholds=Thresholds(),
        read_photograph=read_photograph,
        on_tray=lambda tray_id: None,
    )


def read_photograph(path: Path) -> Picture:
    return np.full((80, 100, 3), 90, dtype=np.uint8)


def test_every_failure_of_an_evaluation_is_shown_by_its_pictures(tmp_path: Path) -> None:
    folder, detector = photographed(tmp_path)
    evaluated = evaluated_by(detector, folder)
    told: list[tuple[int, int]] = []
    path = write_trays_report(
        tmp_path / "out",
        evaluated,
        folder,
        read_photograph=read_photograph,
        detect=detector.detect,
        used=USED,
        on_tray=lambda done, total: told.append((done, total)),
    )
    page = Page(path.read_text(encoding="utf-8"))
    failures = [a["class"] for a in page.all("article")]
    assert len(failures) == evaluated.scores.wrong[Outcome.ESCAPED] + evaluated.scores.right[Outcome.FALSE_ALARM] == 3
    assert "Fries missing" in page.text
    assert page.all("script") == []
    assert XSS in page.text
    written = sorted(p.name for p in (path.parent / "evidence").iterdir())
    assert written == ["0001-both-1.jpg", "0001-both-2.jpg"], "a tray is drawn once, however many checks failed on it"
    assert len(page.all("img")) == 6
    assert told == [(1, 1)]


def test_the_matrix_of_an_evaluation_shows_every_item_in_its_place(tmp_path: Path) -> None:
    """The detector sees one plate on everything, so the fries of one tray are overlooked."""
    folder, detector = photographed(tmp_path)
    path = write_trays_report(
        tmp_path / "out",
        evaluated_by(detector, folder),
        folder,
        read_photograph=read_photograph,
        detect=detector.detect,
        used=USED,
    )
    page = Page(path.read_text(encoding="utf-8"))
    told = {cell["title"]: cell["class"] for cell in page.all("td") if "title" in cell}
    assert told == {"plate seen as such: 2": "good same", "fries overlooked: 1": "bad"}
    assert "Most often: fries overlooked: 1" in page.text
    assert "Macro recall: not measured" in page.text
    assert [link for link in page.all("link") + page.all("script") if link] == []


def test_the_name_of_a_class_becomes_no_markup() -> None:
    view = items_view(item_scores([({XSS: 1}, Contents.of({XSS: 2}))]))
    page = Page(rendered(view))
    assert {tag for tag, _ in page.tags} <= {*("p", "b", "h3", "div", "table", "thead", "tbody", "tr", "th", "td")} | {
        *("span", "svg", "rect", "circle")
    }
    assert page.text.count(XSS) >= 3


def test_a_part_of_an_item_is_told_as_one() -> None:
    scores = item_scores([({"a": 1}, Contents.of({"b": 1, "c": 1})), ({"a": 1}, Contents.of({}))])
    view = items_view(scores)
    assert view is not None
    assert view.matrix.columns == ("a", "b", "c", "nothing")
    texts = {row: tuple(cell.text for cell in cells) for row, cells in view.matrix.rows}
    assert texts == {
        "a": ("", "0.5", "0.5", "1"),
        "b": ("", "", "", ""),
        "c": ("", "", "", ""),
        "nothing": ("", "0.5", "0.5", ""),
    }
    assert view.matrix.mistakes[:2] == ("a overlooked: 1", "a seen as b: 0.5")


def test_without_a_sure_tray_nothing_is_said_of_single_items() -> None:
    assert items_view(item_scores([])) is None


def test_classes_that_lie_on_none_of_the_trays_are_named_beside_the_macro_recall() -> None:
    scores = item_scores([({"a": 1}, Contents.of({"a": 1}))], trays_known={"a": 30, "b": 31, "c": 2})
    assert macro_phrase(scores) == (
        "macro recall 1.000, 1.000 beyond doubt (classes that lie on at least 30 sure trays of the folder: 2; "
        "without those that lie on none of these trays: b)"
    )


def rendered(view: ItemsView | None) -> str:
    """Only the part of the page about single items."""
    return templates().from_string('{% import "parts.html" as parts %}{{ parts.items(items) }}').render(items=view)


def test_an_evaluation_without_a_failure_says_so(tmp_path: Path) -> None:
    folder, detector = photographed(tmp_path)
    folder = replace(folder, checks=folder.checks[:2])
    evaluated = evaluated_by(detector, folder)
    path = write_trays_report(
        tmp_path / "out", evaluated, folder, read_photograph=read_photograph, detect=detector.detect, used=USED
    )
    assert "Every check was decided, and decided right." in path.read_text()
