"""Whose orders a caller may name."""

from dataclasses import dataclass
from typing import Protocol


class OwnedOrder(Protocol):
    """The part of an order that says whose it is."""

    @property
    def id(self) -> int: ...
    @property
    def channel_id(self) -> int: ...
    @property
    def user_id(self) -> int: ...


@dataclass(frozen=True, slots=True)
class OrderScope:
    """Whose items may be named: a customer's, those of proven orders, or a whole channel's."""

    channel_id: int
    user_id: int | None = None
    order_ids: frozenset[int] | None = None

    def covers(self, order: OwnedOrder) -> bool:
        """Whether an item of this order exists for whoever asks."""
        return (
            order.channel_id == self.channel_id
            and self.user_id in (None, order.user_id)
            and (self.order_ids is None or order.id in self.order_ids)
        )
