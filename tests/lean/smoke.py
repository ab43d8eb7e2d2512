"""Does the agent work without what trains and tests it? Run by `make lean` in an environment that has neither.

    python tests/lean/smoke.py            in a lean environment: proves that it is lean, then uses the agent
    python tests/lean/smoke.py --block    anywhere: makes the same modules impossible to import first

Only the standard library and the agent are imported here.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import pkgutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent.parent
ABSENT = ("amqtt", "bpy", "hypothesis", "onnx", "onnxslim", "pytest", "torch", "torchvision", "ultralytics")
OF_AN_EXTRA = ("edge_agent.training.", "edge_agent.adapters.embedded_broker")


class Blocker:
    """Stands first on `sys.meta_path` and refuses the modules of the extras broker, train and dev."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if fullname.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"No module named {fullname!r} (blocked)", name=fullname)
        return None


def block() -> None:
    """Make the absent modules impossible to import, also where they are installed."""
    sys.meta_path.insert(0, Blocker())


def present() -> list[str]:
    """Those of the absent modules that can be imported after all."""
    found = []
    for name in ABSENT:
        try:
            if importlib.util.find_spec(name) is not None:
                found.append(name)
        except ModuleNotFoundError:
            continue
    return found


def import_everything() -> list[str]:
    """Import every module of the agent; those of an extra may need what is absent, no other may."""
    import edge_agent

    imported = []
    for module in pkgutil.walk_packages(edge_agent.__path__, "edge_agent."):
        if module.name.endswith(".__main__"):
            continue
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            if not (module.name.startswith(OF_AN_EXTRA) and (error.name or "").partition(".")[0] in ABSENT):
                raise
        else:
            imported.append(module.name)
    return imported


def run(arguments: list[str]) -> str:
    """Run `edge-agent` with the arguments, in a process of its own with the same modules absent."""
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import smoke\n"
        f"if {'--block' in sys.argv}: smoke.block()\n"
        f"sys.path.pop(0); sys.argv = ['edge-agent', *{arguments!r}]\n"
        "from edge_agent.cli import main; main()"
    )
    command = [sys.executable, "-c", code]
    with tempfile.TemporaryDirectory() as elsewhere:
        done = subprocess.run(command, cwd=elsewhere, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"edge-agent {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def check_a_photograph() -> dict[str, Any]:
    """Let the agent decide on an empty picture with the shipped model: it must answer, in JSON."""
    import cv2
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        photo, order = Path(folder, "photo.png"), Path(folder, "order.json")
        cv2.imwrite(str(photo), np.full((480, 640, 3), 90, dtype=np.uint8))
        order.write_text(json.dumps({"order_id": "A-1", "lines": [{"sku": "plate", "quantity": 1}]}))
        pack, menu = REPOSITORY / "models" / "canteen", REPOSITORY / "configs" / "menus" / "canteen.yaml"
        inputs = ["--pack", str(pack), "--menu", str(menu), "--order", str(order)]
        answer: dict[str, Any] = json.loads(run(["check", *inputs, "--json", str(photo)]))
    return answer


def main() -> None:
    """Prove it, or end with a sentence."""
    if "--block" in sys.argv:
        block()
    elif found := present():
        raise SystemExit(f"this environment is not lean, it has: {', '.join(found)}")
    imported = import_everything()
    if loaded := [name for name in ABSENT if name in sys.modules]:
        raise SystemExit(f"importing the agent loaded: {', '.join(loaded)}")
    if "replay" not in run(["--help"]):
        raise SystemExit("edge-agent --help does not name the command replay")
    answer = check_a_photograph()
    print(f"lean: {len(imported)} modules imported, a photograph checked (verdict {answer.get('verdict')})")


if __name__ == "__main__":
    main()
