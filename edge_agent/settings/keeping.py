"""What is kept, where, and for how long."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from edge_agent.formats.yaml_file import FileModel


class StoreSettings(FileModel):
    """The database, with the evidence pictures in a folder beside it, and when what is removed.

    Pictures of open alerts are never removed. After a jump of the clock nothing is called too old until it has stood
    for a while; room is made all the same, the oldest pictures first.

    Attributes:
        path: the database file.
        right_hours: pictures of trays that nobody was told of are kept so long.
        alert_days: ... and those of trays with an alert so long.
        record_days: orders, verdicts and alerts are kept so long, without pictures.
        most_gb: all pictures together take at most so much; the oldest go first.
        spare_mb: with less than this free on the disk no picture is written, and the oldest go.
    """

    path: Path = Path("../state/edge.sqlite")
    right_hours: Annotated[float, Field(ge=1, le=87_600)] = 72.0
    alert_days: Annotated[float, Field(ge=1, le=3_650)] = 30.0
    record_days: Annotated[float, Field(ge=1, le=3_650)] = 400.0
    most_gb: Annotated[float, Field(gt=0, le=10_000)] = 10.0
    spare_mb: Annotated[float, Field(ge=1, le=1_000_000)] = 500.0
