"""Write the golden replays anew, for the commit that changes a model or a rule: `python -m tests.golden_replays`.

What changed is to be read in the diff, tray by tray; `tests/golden/README.md` says when they may be replaced.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from edge_agent.app.eyes import Eyes, open_eyes
from edge_agent.app.seeing import evaluate_folder, replay_recording
from edge_agent.evaluation.photo_checks import evaluation_as_json
from edge_agent.evaluation.replay import replay_as_json
from edge_agent.settings import load_settings
from tests.conftest import data_folder

REPOSITORY = Path(__file__).resolve().parent.parent
GOLDEN = REPOSITORY / "tests" / "golden"
SAMPLES = REPOSITORY / "sample_videos"
CANTEEN = REPOSITORY / "configs" / "edge.yaml"

SCORES = ("wrong_orders", "right_orders", "no_order")
TRAY = ("order_id", "association", "verdict")


def eyes_of(config: Path) -> Eyes:
    """The configured model on one thread: tests share the cores, and of two threads one would spin for want of one."""
    settings = load_settings(config)
    detector = settings.detector.model_copy(update={"threads": 1})
    return open_eyes(settings.model_copy(update={"detector": detector}))


def replayed(config: Path, video: Path) -> dict[str, Any]:
    """What the shipped model says of a recording: the scores, and the verdict on each tray."""
    said = replay_as_json(replay_recording(eyes_of(config), video).replayed)
    trays = [{key: tray[key] for key in TRAY} for tray in said["trays"]]
    return {**{key: said[key] for key in SCORES}, "trays": trays}


def judged(data: Path) -> dict[str, Any]:
    """What it says of all trays that were photographed."""
    evaluated = evaluate_folder(eyes_of(CANTEEN), data / "mealtray" / "trays").evaluated
    said = evaluation_as_json(evaluated, "")
    return {key: said[key] for key in ("wrong_orders", "right_orders", "rates")}


def main(wanted: list[str]) -> None:
    """Write all of them, or those that are named."""
    data = data_folder()
    golden = {
        **{path.stem: (path.with_suffix(".plan.yaml"), path) for path in SAMPLES.glob("*.mp4")},
        **{path.stem: (CANTEEN, path) for path in (data / "videos").glob("*.mp4")},
    }
    for name in wanted or sorted((*golden, "trays")):
        said = judged(data) if name == "trays" else replayed(*golden[name])
        (GOLDEN / f"{name}.json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
        sys.stdout.write(f"{name}: {' '.join(str(said.get(key, '')) for key in SCORES)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
