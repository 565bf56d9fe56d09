"""The orders that a requester may access."""

from dataclasses import dataclass
from typing import Protocol


class OwnedOrder(Protocol):
    """An order, or a row that names its channel and customer."""

    @property
    def id(self) -> int: ...
    @property
    def channel_id(self) -> int: ...
    @property
    def user_id(self) -> int: ...


@dataclass(frozen=True, slots=True)
class OrderScope:
    """A channel's orders, optionally limited to one customer or to a set of orders."""

    channel_id: int
    user_id: int | None = None
    order_ids: frozenset[int] | None = None

    def covers(self, order: OwnedOrder) -> bool:
        return (
            order.channel_id == self.channel_id
            and self.user_id in (None, order.user_id)
            and (self.order_ids is None or order.id in self.order_ids)
        )
