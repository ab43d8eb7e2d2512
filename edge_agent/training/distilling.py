"""Teach a copy of a detector that computes faster to give what the detector gives (extra `train`).

SiLU is two operations over every number between two convolutions, and ONNX Runtime cannot compute it in bytes together
with the convolution before it; ReLU is part of the convolution, in float and in bytes. So the copy has ReLU in its
place, and learns from the detector alone (Hinton and others 2015, "Distilling the Knowledge in a Neural Network"). Both
see the same crop of the same photograph, and the copy is told what the other makes of it, cell by cell (Beyer and
others 2022, "Knowledge distillation: A good teacher is patient and consistent"). No label is asked, so none can be
wrong, and things that are rarely seen are not learned anew from the few photographs that show them.
"""

from __future__ import annotations

import copy
import json
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge_agent.errors import BadInput
from edge_agent.formats.pack import sha256_of
from edge_agent.formats.whole_file import whole_file
from edge_agent.ports import Picture
from edge_agent.ports.cores import usable_cores
from edge_agent.ports.steps import OnStep, nobody_looks
from edge_agent.training.checkpoints import take_places_out
from edge_agent.training.fingerprints import begin_or_go_on
from edge_agent.training.provenance import BEGUN_WITH
from edge_agent.training.sightings import detector_in
from edge_agent.training.views import VIEWED, Views

logger = logging.getLogger(__name__)

RECIPE_NAME = "distilling.json"
STATE_NAME = "state.pt"
WEIGHTS_NAME = "weights.pt"

KEEP_EVERY = 100
"""Steps between two checkpoints, at the most four minutes' work on two cores."""

SEEN = 0.02
"""Cells of which the detector is less sure than this say nothing of where a box ends."""

CLIPPED = 10.0
"""The longest gradient that is followed; Ultralytics' value."""

FORGETTING, FORGETTING_FIRST = 0.998, 20
"""The average of the weights, which is what is kept in the end, remembers some 500 steps, fewer at the beginning."""


STATISTICS_OF = 12
"""Batches over which the means between layers are taken anew, once ReLU is in place and nothing has been learned."""


SLOWER = 0.5
"""A copy that learns further moves so much less at most: at the full rate it would lose more than it has to gain."""

FIXED = {"seen": SEEN, "clipped": CLIPPED, "forgetting": [FORGETTING, FORGETTING_FIRST], "statistics_of": STATISTICS_OF}
"""What a run is made by beside its recipe: one that was cut off goes on only with the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DistilRecipe:
    """What a distillation is made of; written into the run card as it is.

    Attributes:
        steps: so many batches are shown.
        batch: pictures per step.
        learning_rate: the highest, of AdamW; it falls along a cosine to a fiftieth.
        warmup: for so many steps it rises, or for a tenth of all where these are few.
        seed: of everything random.
        width_px: width of the pictures, that of the pack's input.
        height_px: their height.
    """

    steps: int
    width_px: int
    height_px: int
    batch: int = 16
    learning_rate: float = 1e-3
    warmup: int = 60
    seed: int = 20

    def rate_at(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        rising = min(1.0, (step + 1) / max(1, min(self.warmup, self.steps // 10)))
        falling = 0.5 * (1 + math.cos(math.pi * step / self.steps))
        return self.learning_rate * rising * (0.98 * falling + 0.02)


def run_before(folder: Path, weights: Path, shown: Mapping[str, Any]) -> dict[str, Any]:
    """What a finished run was made by, whose copy is to learn further.

    Args:
        folder: that run's.
        weights: the detector that the copy shall go on learning from.
        shown: what it will be shown, as `distil` is told.

    Returns:
        Its recipe, and the hash of its copy's weights.

    Raises:
        BadInput: the folder holds no finished run, or one of another detector or other photographs: of what taught
            the copy then nothing would be known.
    """
    path = folder / RECIPE_NAME
    if not (path.is_file() and (folder / WEIGHTS_NAME).is_file()):
        raise BadInput("here lies no finished run of 'edge-agent distil' to begin with", path=folder)
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        recipe, was_shown = dict(told["recipe"]), dict(told["shown"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput("it does not say what its copy was made by", path=path) from error
    if told.get("teacher_sha256") != sha256_of(weights):
        raise BadInput(f"its copy did not learn from {weights}", path=folder)
    if _in_any_order(was_shown) != _in_any_order(shown):
        raise BadInput(
            "its copy was shown other photographs, or other blocks were kept apart: name the same ones", path=folder
        )
    earlier = {key: value for key, value in told.items() if key == BEGUN_WITH}
    return {"recipe": recipe, "weights_sha256": sha256_of(folder / WEIGHTS_NAME), **earlier}


def _in_any_order(shown: Mapping[str, Any]) -> dict[str, Any]:
    return {**shown, "apart": sorted(map(str, shown.get("apart", ())))}


def distil(
    weights: Path,
    open_views: Callable[[], Views],
    run: Path,
    recipe: DistilRecipe,
    *,
    shown: Mapping[str, Any],
    begin_with: tuple[Path, Mapping[str, Any]] | None = None,
    on_step: OnStep = nobody_looks,
) -> tuple[Path, list[dict[str, float]]]:
    """Make the faster copy, or go on with a run that was cut off.

    Args:
        weights: a checkpoint of Ultralytics, of a detector with SiLU.
        open_views: reads what both are shown; of none a label is asked. Not called where nothing is left to be done.
        run: where `weights.pt` and the state of the work lie.
        recipe: how it is done.
        shown: what the photographs are, by hashes of their bytes.
        begin_with: the weights of a copy of the same detector that shall learn further, and what it was made by
            (`run_before`); else it begins with the detector's own.
        on_step: told how many steps of how many are done.

    Returns:
        The copy's weights, a checkpoint of Ultralytics, and the mean losses between two checkpoints.

    Raises:
        BadInput: the checkpoint does not read, or is of another kind or a faster copy already, or the folder was begun
            with something else.
        BadRecording: a photograph does not read.
    """
    import torch

    asked = {**asdict(recipe), **FIXED, "views": VIEWED}
    begun = {} if begin_with is None else {BEGUN_WITH: begin_with[1]}
    begin_or_go_on(run / RECIPE_NAME, {"recipe": asked, "teacher_sha256": sha256_of(weights), "shown": shown, **begun})
    torch.set_num_threads(usable_cores())
    pupil = _Pupil(weights, recipe)
    done, curve = pupil.go_on_from(run / STATE_NAME)
    if done < recipe.steps:
        views = open_views()
        if not done and begin_with is not None:
            pupil.begin_with(begin_with[0])
        elif not done:
            pupil.take_statistics(views.batch(-1 - number) for number in range(STATISTICS_OF))
        curve = _school(pupil, views, run, recipe, done, curve, on_step)
    pupil.save(run / WEIGHTS_NAME)
    return run / WEIGHTS_NAME, curve


def _school(
    pupil: _Pupil,
    views: Views,
    run: Path,
    recipe: DistilRecipe,
    done: int,
    curve: list[dict[str, float]],
    on_step: OnStep,
) -> list[dict[str, float]]:
    told: list[Mapping[str, float]] = []
    with ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(views.batch, done)
        for step in range(done, recipe.steps):
            pictures = coming.result()
            if step + 1 < recipe.steps:
                coming = ahead.submit(views.batch, step + 1)
            told.append(pupil.learn(pictures, recipe.rate_at(step)))
            on_step(step + 1, recipe.steps)
            if (step + 1) % KEEP_EVERY == 0 or step + 1 == recipe.steps:
                means = {name: round(float(np.mean([each[name] for each in told])), 4) for name in told[0]}
                curve = [*curve, {"step": step + 1, **means}]
                pupil.keep(run / STATE_NAME, step + 1, curve)
                logger.info("step %d of %d: %s", step + 1, recipe.steps, means)
                told.clear()
    return curve


class _Pupil:
    """The detector, the copy that learns from it, and the average of the copy's weights."""

    def __init__(self, weights: Path, recipe: DistilRecipe) -> None:
        import torch

        loaded = detector_in(str(weights))
        self._recipe = recipe
        self._teacher = loaded.model.float().eval().to(memory_format=torch.channels_last)
        # The head then gives scores and distributions as they are, and no boxes made of them.
        self._teacher.model[-1].training = True
        for each in self._teacher.parameters():
            each.requires_grad_(False)
        self._copy = copy.deepcopy(self._teacher)
        if not _take_relu(self._copy):
            raise BadInput("there is no SiLU in this network that ReLU could take the place of", path=weights)
        for name, each in self._copy.named_parameters():
            each.requires_grad_(not name.endswith("dfl.conv.weight"))
        self._copy.train()
        self._average = copy.deepcopy(self._copy).requires_grad_(False)
        self._seen_by_teacher = _outputs_of(self._teacher)
        self._seen_by_copy = _outputs_of(self._copy)
        self._steps = 0
        taught = [each for each in self._copy.parameters() if each.requires_grad]
        self._optimizer = torch.optim.AdamW(
            [
                {"params": [each for each in taught if each.ndim > 1], "weight_decay": 1e-4},
                {"params": [each for each in taught if each.ndim <= 1], "weight_decay": 0.0},
            ],
            lr=recipe.learning_rate,
        )

    def begin_with(self, weights: Path) -> None:
        """Take what an earlier copy has learned."""
        self._copy.load_state_dict(detector_in(str(weights)).model.float().state_dict())
        self._average.load_state_dict(self._copy.state_dict())

    def take_statistics(self, batches: Any) -> None:
        """Take the means and spreads that stand between layers anew: ReLU has changed them."""
        import torch

        norms = [each for each in self._copy.modules() if isinstance(each, torch.nn.BatchNorm2d)]
        momentum = [each.momentum for each in norms]
        for each in norms:
            each.momentum = None  # a plain mean
            each.reset_running_stats()
        with torch.no_grad():
            for pictures in batches:
                self._copy(_tensor(pictures))
                self._seen_by_copy.clear()
        for each, was in zip(norms, momentum, strict=True):
            each.momentum = was
        self._average.load_state_dict(self._copy.state_dict())

    def learn(self, pictures: Picture, rate: float) -> dict[str, float]:
        """One step over pictures of shape (n, height, width, 3); gives the losses."""
        import torch

        for group in self._optimizer.param_groups:
            group["lr"] = rate
        losses = self._losses(_tensor(pictures))
        self._optimizer.zero_grad()
        sum(losses.values()).backward()
        torch.nn.utils.clip_grad_norm_(self._copy.parameters(), CLIPPED)
        self._optimizer.step()
        self._steps += 1
        kept = min(FORGETTING, self._steps / (FORGETTING_FIRST + self._steps))
        with torch.no_grad():
            learned = self._copy.state_dict()
            for name, value in self._average.state_dict().items():
                if value.dtype.is_floating_point:
                    value.lerp_(learned[name], 1 - kept)
                else:
                    value.copy_(learned[name])
        return {name: value.item() for name, value in losses.items()}

    def _losses(self, pictures: Any) -> dict[str, Any]:
        """How far the copy is from the detector: in scores, in distributions of distances, and in between.

        Scores are held against the detector's as probabilities (binary cross entropy, less what is left where both
        agree), distributions by their divergence, weighted by how sure the detector is that something lies in that
        cell; both per cell of certainty, as Ultralytics weighs its own losses. What layers hand on is held against
        what the detector's hand on, in units of its spread.
        """
        import torch
        from torch.nn import functional

        self._seen_by_copy.clear()
        self._seen_by_teacher.clear()
        with torch.no_grad():
            told = self._teacher(pictures)
        said = self._copy(pictures)
        scores = told["scores"].sigmoid()
        sure = scores.amax(1)
        sure = sure * (sure > SEEN)
        weight = sure.sum().clamp(min=1)
        entropy = functional.binary_cross_entropy(scores, scores)
        by_scores = functional.binary_cross_entropy_with_logits(said["scores"], scores) - entropy
        reach = self._teacher.model[-1].reg_max
        mine, others = (each["boxes"].unflatten(1, (4, reach)).log_softmax(2) for each in (said, told))
        apart = (others.exp() * (others - mine)).sum(2).mean(1)
        between = [
            functional.mse_loss(mine, others) / (others.var(dim=(0, 2, 3)).mean() + 1e-4)
            for mine, others in zip(self._seen_by_copy, self._seen_by_teacher, strict=True)
        ]
        return {
            "scores": by_scores * scores.numel() / weight,
            "boxes": (apart * sure).sum() / weight,
            "between": torch.stack(between).mean(),
        }

    def keep(self, path: Path, step: int, curve: Sequence[Mapping[str, float]]) -> None:
        """Write a state from which the work goes on."""
        import torch

        state = {
            "step": step,
            "curve": list(curve),
            "copy": self._copy.state_dict(),
            "average": self._average.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }
        with whole_file(path) as file:
            torch.save(state, file)

    def go_on_from(self, path: Path) -> tuple[int, list[dict[str, float]]]:
        """Take up a state that was kept; gives its step and the losses until then, or (0, []) where there is none."""
        import torch

        if not path.exists():
            return 0, []
        state = torch.load(path, map_location="cpu", weights_only=True)
        self._copy.load_state_dict(state["copy"])
        self._average.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._steps = int(state["step"])
        return self._steps, list(state["curve"])

    def save(self, path: Path) -> None:
        """Write the averaged copy as a checkpoint that Ultralytics reads, in half precision as its own are."""
        import torch

        made = copy.deepcopy(self._average).to(memory_format=torch.contiguous_format).half().eval()
        checkpoint = {"epoch": -1, "model": made, "train_args": {"task": "detect"}}
        take_places_out(checkpoint)
        with whole_file(path) as file:
            torch.save(checkpoint, file)


def _take_relu(network: Any) -> int:
    """Put ReLU in the place of SiLU, but where the 8-bit forms stay in float and nothing would be gained.

    These are the first convolution and the branch of the head that scores classes (`training/quantise.py`).

    Returns:
        In how many places.
    """
    import torch

    swapped = 0
    head = f"model.{len(network.model) - 1}.cv3."
    for name, each in network.named_modules():
        if isinstance(getattr(each, "act", None), torch.nn.SiLU) and name != "model.0" and not name.startswith(head):
            each.act = torch.nn.ReLU()
            swapped += 1
    return swapped


def _outputs_of(network: Any) -> list[Any]:
    """A list that fills with what the layers hand on that more than the next one reads, whenever it looks."""
    filled: list[Any] = []
    for number in network.save:
        network.model[number].register_forward_hook(lambda _module, _given, found: filled.append(found))
    return filled


def _tensor(pictures: Picture) -> Any:
    """Pictures as the network takes them: float, (n, 3, height, width), red first, from 0 to 1."""
    import torch

    turned = torch.from_numpy(np.ascontiguousarray(pictures[..., ::-1])).permute(0, 3, 1, 2)
    return turned.contiguous(memory_format=torch.channels_last).float() / 255
