"""Average weights with those that their training began with (extra `train`).

Who learns further from few trays gets surer of what lies on these, also where that is wrong elsewhere. Weights between
before and after may keep what both know (Wortsman and others 2022, "Robust fine-tuning of zero-shot models"). Here they
were less surprised than what was trained further more often than not, and seldom the better choice: docs/experiments.md
has what was tried.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edge_agent.errors import BadInput
from edge_agent.formats.whole_file import whole_file
from edge_agent.training.checkpoints import take_places_out


def average_weights(trained: Path, began_with: Path, target: Path, *, share: float) -> None:
    """Write a checkpoint whose weights are `share` times the trained ones, and the rest those that it began with.

    What is counted and not weighed, such as how many batches were seen, is that of the trained ones.

    Raises:
        BadInput: the two are not of one form.
    """
    import torch

    made, before = (_read(path) for path in (trained, began_with))
    network, old = made["model"].float(), before["model"].float().state_dict()
    new = network.state_dict()
    if {name: each.shape for name, each in new.items()} != {name: each.shape for name, each in old.items()}:
        raise BadInput("the network of these weights has another form than the trained one", path=began_with)
    network.load_state_dict(
        {
            name: share * each + (1.0 - share) * old[name] if each.is_floating_point() else each
            for name, each in new.items()
        }
    )
    network.half()  # as the library keeps what is trained
    for measured in ("train_metrics", "train_results"):
        made.pop(measured, None)  # of the trained ones
    take_places_out(made)
    with whole_file(target) as file:
        torch.save(made, file)


def _read(path: Path) -> dict[str, Any]:
    import torch

    checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=False)
    if checkpoint.get("ema") is not None:
        raise BadInput("this training is not done: only its last weights can be averaged", path=path)
    return checkpoint
