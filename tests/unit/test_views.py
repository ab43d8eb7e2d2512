"""What a network is shown that learns from another one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_agent.ports import Picture
from edge_agent.training import views
from edge_agent.training.distilling import DistilRecipe
from edge_agent.training.views import Views

SIZE_PX = (64, 48)
PATHS = [Path(f"{number}.jpg") for number in range(5)]


def read(path: Path) -> Picture:
    """A photograph of one colour, by its name."""
    return np.full((300, 400, 3), 20 + 40 * int(path.stem), np.uint8)


def shown(*, seed: int = 1, step: int = 3, paths: list[Path] = PATHS) -> Picture:
    return Views(paths, SIZE_PX, 6, seed=seed, read_photograph=read).batch(step)


def test_pictures_fit_the_networks_input() -> None:
    pictures = shown()
    assert pictures.shape == (6, 48, 64, 3)
    assert pictures.dtype == np.uint8


def test_a_run_that_goes_on_shows_what_it_would_have_shown() -> None:
    """Whatever was shown before: by seed and step alone."""
    begun = Views(PATHS, SIZE_PX, 6, seed=1, read_photograph=read)
    before = [begun.batch(step) for step in range(4)]
    assert np.array_equal(before[3], shown(step=3))
    assert not np.array_equal(before[2], before[3])
    assert not np.array_equal(shown(seed=1), shown(seed=2))


def test_what_is_shown_as_the_agent_sees_it_is_the_whole_photograph_in_the_letterboxs_grey(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("MOVED", "TURNED", "COLOURED", "WITH_PARTS", "BLENDED"):
        monkeypatch.setattr(views, name, 0.0)
    wide = Views([Path("0.jpg")], (96, 48), 1, seed=1, read_photograph=read).batch(0)[0]
    assert set(np.unique(wide[:, :15])) == set(np.unique(wide[:, -15:])) == {views.PADDING}
    assert set(np.unique(wide[:, 18:-18])) == {20}


def test_of_many_photographs_some_are_taken_from_beginning_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Path] = []

    def noted(path: Path) -> Picture:
        taken.append(path)
        return read(path)

    monkeypatch.setattr(views, "MOST", 2)
    Views(PATHS, SIZE_PX, 1, seed=1, read_photograph=noted)
    assert taken == [PATHS[0], PATHS[4]]


def test_a_large_photograph_is_kept_small_and_a_small_one_as_it_is() -> None:
    kept = Views([Path("1.jpg")], SIZE_PX, 1, seed=1, read_photograph=read)._kept[0]
    assert kept.shape == (60, 80, 3)
    tiny = Views([Path("1.jpg")], SIZE_PX, 1, seed=1, read_photograph=lambda _: np.zeros((9, 12, 3), np.uint8))
    assert tiny._kept[0].shape == (9, 12, 3)


def test_the_rate_rises_and_falls_to_a_fiftieth() -> None:
    recipe = DistilRecipe(steps=1000, width_px=64, height_px=48, learning_rate=1e-3, warmup=50)
    rates = [recipe.rate_at(step) for step in range(1000)]
    assert max(rates) == pytest.approx(1e-3, rel=0.01)
    assert rates.index(max(rates)) in range(45, 55)
    assert rates[0] < 3e-5
    assert rates[-1] == pytest.approx(2e-5, rel=0.01)
