"""What all answers share: their base, the problem, the identity of an order."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from edge_agent.domain.order import OrderKey


class Outgoing(BaseModel):
    """Base of what goes out."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ProblemOut(Outgoing):
    """An RFC 9457 problem. Some kinds have members of their own."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type: str
    title: str
    status: int
    detail: str
    request_id: str = ""


class KeyOut(Outgoing):
    """The identity of an order."""

    source: str
    business_day: str
    order_id: str

    @classmethod
    def of(cls, key: OrderKey) -> KeyOut:
        return cls.model_validate(key_fields(key))


def key_fields(key: OrderKey) -> dict[str, str]:
    """The same before it is held against its schema, for an answer that is held against its own as a whole."""
    return {"source": key.source, "business_day": key.business_day, "order_id": key.order_id}
