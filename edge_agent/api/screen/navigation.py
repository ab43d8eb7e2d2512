"""The pages that stand in the navigation, in their order: one line each, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass

from edge_agent.api.access import ACCESS
from edge_agent.domain.access import Role


@dataclass(frozen=True, slots=True)
class Place:
    """A page that can be gone to; its name is the text `nav.{name}`, its roles are those of the table of access."""

    name: str
    path: str

    def is_open_to(self, role: Role) -> bool:
        return role in ACCESS["GET", self.path]


PLACES = (
    Place("pass", "/pass"),
    Place("history", "/history"),
    Place("today", "/today"),
    Place("audit", "/audit"),
    Place("tablets", "/tablets"),
    Place("setup", "/setup"),
)

HOME = {Role.CREW: "/pass", Role.MANAGER: "/today", Role.ADMIN: "/today"}
"""Where `/` leads, by role."""


def places_for(role: Role | None) -> tuple[Place, ...]:
    """Where somebody of this role may go."""
    return () if role is None else tuple(place for place in PLACES if place.is_open_to(role))
