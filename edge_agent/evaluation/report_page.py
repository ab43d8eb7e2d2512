"""Render the report's templates; every text that comes from outside is escaped by the engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from edge_agent import __version__
from edge_agent.domain.voting import Thresholds
from edge_agent.evaluation.evidence import write_into_report
from edge_agent.evaluation.report_views import percent
from edge_agent.formats.shares import in_digits, interval

PAGE = "index.html"
SHORT_SHA256 = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What a report's verdicts were made with; `thresholds` decide which boxes are drawn solid."""

    pack_name: str
    pack_version: str
    pack_sha256: str
    menu_name: str
    provider: str
    thresholds: Thresholds = field(default_factory=Thresholds)

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """For the head of a page: names and values."""
        return (
            ("model", f"{self.pack_name} {self.pack_version}".strip()),
            ("sha256", self.pack_sha256[:SHORT_SHA256]),
            ("menu", self.menu_name),
            ("provider", self.provider),
        )


def templates() -> Environment:
    """The templates of the reports, with what writes numbers."""
    environment = Environment(
        loader=PackageLoader("edge_agent.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"percent": percent, "in_digits": in_digits, "interval": interval}
    return environment


def write_page(directory: Path, template: str, values: dict[str, Any]) -> Path:
    """Render a template into `directory/index.html` and return that path.

    Raises:
        BadInput: the page cannot be written.
    """
    text = templates().get_template(template).render(footer=f"Edge Agent {__version__}", **values)
    path = directory / PAGE
    write_into_report(path, text.encode("utf-8", "backslashreplace"))
    return path
