"""The folder with what was chosen on the Set-up pages: each file is written as a whole, or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from pathlib import Path

from edge_agent.domain.said import reason_of, say
from edge_agent.errors import BadInput
from edge_agent.formats.whole_file import write_whole
from edge_agent.formats.yaml_file import dump_yaml
from edge_agent.settings.setup import FILE, SetupFile

FILE_MODE = 0o640
FOLDER_MODE = 0o750

_HEADER = (
    "# What was chosen on the Set-up pages, over the configuration. Written by the agent: change it there, or remove\n"
    "# this folder while the agent is stopped; then the configuration alone decides again.\n"
)


class SetupFolder:
    """Writes the choices and the files that they name. Not for several threads.

    Args:
        folder: made when there is something to write.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, choices: SetupFile) -> None:
        """Write all choices.

        Raises:
            BadInput: nothing can be written there.
        """
        data = choices.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)
        self.put(FILE, (_HEADER + dump_yaml({"schema": choices.schema_version, **data})).encode())

    def put(self, name: str, content: bytes) -> None:
        """Write one file, which is then on the disk. Raises BadInput."""
        path = self.folder / name
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
            write_whole(path, content, mode=FILE_MODE)
        except OSError as error:
            raise BadInput(
                say("setup_unwritable", "what was set up cannot be written: {why}", why=reason_of(error)), path=path
            ) from error

    def keep_only(self, names: Collection[str]) -> None:
        """Remove the files that no choice names any more; what cannot be removed stays."""
        for path in (*self.folder.glob("reference-*.png"), *self.folder.glob("menu-*.yaml")):
            if path.name not in names:
                with contextlib.suppress(OSError):
                    path.unlink()
