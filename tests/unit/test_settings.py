"""The configuration: unknown keys are refused, slots are places, paths are read from the file's own folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.checking.policy import Policy, StationKind
from edge_agent.errors import BadConfig
from edge_agent.settings import Settings, SlotSettings, TimingSettings, load_settings

REPOSITORY = Path(__file__).resolve().parent.parent.parent


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "edge.yaml"
    path.write_text(text)
    return path


def refusal(tmp_path: Path, text: str) -> str:
    """What the reader says about such a configuration, without the folder."""
    with pytest.raises(BadConfig) as caught:
        load_settings(write(tmp_path, text))
    return str(caught.value).removeprefix(f"{tmp_path}/")


def slot(polygon: str) -> str:
    return f"stations:\n- slots:\n    - id: left\n      polygon: {polygon}\n"


def test_the_shipped_configuration_says_what_is_the_default_anyway() -> None:
    """Whoever deletes a line of it gets what stood there."""
    shipped = load_settings(REPOSITORY / "configs" / "edge.yaml")
    assert shipped == Settings().relative_to(REPOSITORY / "configs")
    assert shipped.menu.is_file()


def test_paths_are_read_from_the_folder_of_the_file(tmp_path: Path) -> None:
    read = load_settings(write(tmp_path, "menu: a.yaml\ndetector: {pack: /opt/pack}\n"))
    assert (read.menu, read.detector.pack) == (tmp_path / "a.yaml", Path("/opt/pack"))


@pytest.mark.parametrize(
    "polygon",
    [
        "[[0, 0], [0.5, 0], [0.5, 1], [0, 1]]",
        "[[0.5, 0], [1, 0], [1, 1], [0.5, 1]]",
        "[[0.1, 0.1], [0.3, 0.1], [0.2, 0.4]]",
        "[[0.1, 0.1], [0.2, 0.1], [0.2, 0.2], [0.1, 0.2]]",
    ],
)
def test_a_slot_may_be_a_part_of_the_picture(tmp_path: Path, polygon: str) -> None:
    """Corners are shares: the area of any slot is below one, which is not none."""
    [read] = load_settings(write(tmp_path, slot(polygon))).stations[0].slots
    assert read.slot(640, 480).polygon.area_px > 1_000


@pytest.mark.parametrize(
    ("polygon", "said"),
    [
        ("[[0, 0], [0.5, 0], [1, 0]]", "no area"),
        ("[[0.2, 0.2], [0.2, 0.2], [0.2, 0.2]]", "no area"),
        ("[[0, 0], [1, 1], [1, 0], [0, 1]]", "no area"),
        ("[[0, 0], [1, 1]]", "at least three corners"),
        ("[]", "at least three corners"),
        ("[[0, 0], [0.05, 0], [0.05, 0.05]]", "0.12% of the picture"),
        ("[[0, 0], [1.5, 0], [1, 1]]", "less than or equal to 1"),
        ("[[0, 0], [-0.1, 0], [1, 1]]", "greater than or equal to 0"),
        ("[[0, 0], [.nan, 0], [1, 1]]", "polygon.1.0"),
        ("[[0, 0], [0.5, 0, 1], [1, 1]]", "polygon.1"),
        (str([[0, 0]] * 100), "at most 64"),
    ],
)
def test_a_slot_of_no_area_is_refused_at_its_line(tmp_path: Path, polygon: str, said: str) -> None:
    """No tray would ever be seen in it, and nobody would know why."""
    complaint = refusal(tmp_path, slot(polygon))
    assert complaint.startswith("edge.yaml:4: ")
    assert said in complaint


@pytest.mark.parametrize(("width", "height"), [(32, 32), (640, 480), (3840, 2160)])
def test_the_smallest_slot_has_pixels_in_every_picture(width: int, height: int) -> None:
    """What the configuration lets pass must not fail when the camera turns out small."""
    tiny = SlotSettings(polygon=((0.0, 0.0), (0.1, 0.0), (0.1, 0.1), (0.0, 0.101)))
    assert tiny.slot(width, height).polygon.area_px >= 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "stations:\n- slots:\n    - {id: a}\n    - {id: a}\n",
            "edge.yaml:2: stations.0.slots: two slots have the same id",
        ),
        ("stations:\n- slots: []\n", "edge.yaml:2: stations.0.slots should have 1 or more entries"),
        ("stations:\n- timing:\n    settle: 1\n", "edge.yaml:3: unknown key 'settle'; did you mean 'settle_s'?"),
        ("stations:\n- timing:\n    settle_s: 0\n", "edge.yaml:3: stations.0.timing.settle_s should be greater than 0"),
        ("stations:\n- timing:\n    settle_s: .inf\n", "edge.yaml:3: stations.0.timing.settle_s"),
        ("stations:\n- kind: kiosk\n", "edge.yaml:2: stations.0.kind"),
        ("stations:\n- id: Pass 1\n", "edge.yaml:2: stations.0.id"),
        ("detector:\n  provider: gpu\n", "edge.yaml:2: detector.provider"),
        ("detector:\n  threads: -1\n", "edge.yaml:2: detector.threads"),
        ("menu: 3\n", "edge.yaml:1: menu should be a path, not 3"),
        ("menus: a.yaml\n", "edge.yaml:1: unknown key 'menus'; did you mean 'menu'?"),
        ("stations:\n- slots: " + "[" * 3_000 + "\n", "edge.yaml"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    assert refusal(tmp_path, text).startswith(said)


def test_the_station_decides_as_the_policy_does_by_default() -> None:
    """Defaults stated twice disagree one day; here they cannot."""
    assert Settings().station().policy == Policy()
    assert set(TimingSettings.model_fields) <= set(Policy.__dataclass_fields__)


def test_what_is_configured_reaches_the_policy(tmp_path: Path) -> None:
    text = "stations:\n- kind: assembly\n  association: strict_fifo\n  timing: {settle_s: 2, resume_s: 0}\n"
    policy = load_settings(write(tmp_path, text)).station().policy
    assert (policy.kind, policy.association.value) == (StationKind.ASSEMBLY, "strict_fifo")
    assert (policy.settle_s, policy.resume_s) == (2.0, 0.0)
