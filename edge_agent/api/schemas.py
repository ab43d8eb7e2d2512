"""What comes in on the wire: read strictly, and made into domain values at the edge."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from edge_agent.domain.order import MAX_ID, Order
from edge_agent.errors import BadInput
from edge_agent.formats.orders import WireOrder

MAX_BATCH = 100
MAX_TOGETHER = 6
"""So many orders may lie on one tray."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=MAX_ID)]
OrderText = Annotated[str, StringConstraints(min_length=1, max_length=3 * MAX_ID + 2)]
"""An order as people name it: its id, its number, or source/day/id."""

ORDER_EXAMPLE: dict[str, Any] = {
    "revision": 1,
    "display_number": "42",
    "channel": "counter",
    "lines": [
        {"sku": "plate", "quantity": 1, "name": "Main dish"},
        {"sku": "drink", "quantity": 2, "modifiers": ["no ice"]},
    ],
}


class Incoming(BaseModel):
    """Base of what comes in: unknown keys are refused, and nothing is turned into another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class OrderBody(WireOrder):
    """An order as the till sends it, a full snapshot; its id stands in the path, and here only if it says the same.

    Keys that are not known are let pass, as in an order from a file: tills send prices and table numbers too.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [ORDER_EXAMPLE]})

    order_id: str = ""

    def order_at(self, **path: str) -> Order:
        """The order whose identity the path gives, wholly or in part.

        Raises:
            BadInput: the path and the body disagree, or a field is out of bounds.
        """
        for name, value in path.items():
            said = getattr(self, name)
            if name in self.model_fields_set and said != value:
                raise BadInput(f"the path gives another '{name}' than the body; leave it out of the body")
        return self.model_copy(update=path).order()


class EntryIn(Incoming):
    """One thing of a batch: exactly one of these. An order carries its `order_id` itself."""

    order: dict[str, Any] | None = None
    cancel: OrderText | None = None
    ready: OrderText | None = None
    reopen: OrderText | None = None


class BatchIn(Incoming):
    """What a till has to say after it was cut off, in its order."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"entries": [{"order": {"order_id": "A-101", **ORDER_EXAMPLE}}, {"cancel": "A-100"}]}]
        }
    )

    entries: Annotated[list[EntryIn], Field(min_length=1, max_length=MAX_BATCH)]


class SlotIn(Incoming):
    """A place for a tray."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"station": "pass", "slot": "slot"}]})

    station: Name
    slot: Name


class OrdersIn(Incoming):
    """The orders that lie on one tray; none takes back what was said before."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"orders": ["A-101"]}]})

    orders: Annotated[list[OrderText], Field(max_length=MAX_TOGETHER)]


Answer = Literal["fixed", "system_wrong", "accepted"]
"""How a person may end an alert: the tray was put right, the agent was wrong, or it goes out as it is."""


class ResolveIn(Incoming):
    """What a person answers to an alert."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "fixed"}]})

    reason: Answer
