"""What somebody asks for, and whose items they may name."""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from takeback.cancellations.policy import Wish
from takeback.cancellations.states import Kind


class Picture(NamedTuple):
    """A picture that lies in the media folder already (`pictures.commands.Kept`), with words."""

    name: str
    digest: str
    description: str | None


class BankAccount(NamedTuple):
    """Where money without a card goes: a valid IBAN without spaces, and who holds it."""

    iban: str
    holder_name: str


class PickupWindow(NamedTuple):
    """A day (YYYY-MM-DD) and two times of it (HH:MM), in the carrier's own zone."""

    date: str
    start: str
    end: str

    @property
    def document(self) -> dict[str, Any]:
        """As it is kept and shown."""
        return {"date": self.date, "hour_range": {"start": self.start, "end": self.end}}


@dataclass(frozen=True, slots=True)
class Ask:
    """One item, or some units of it, to be cancelled or sent back; no quantity means all.

    An account that whoever asks is not trusted with waits for its owner's word. Whoever has no
    way to name an address lets a carrier that comes pick up `where_sent`: where the order went.
    """

    order_item: int
    kind: Kind
    reason: int
    quantity: int | None = None
    description: str | None = None
    carrier: int | None = None
    pickup_address: int | None = None
    where_sent: bool = False
    pickup_window: PickupWindow | None = None
    bank_account: BankAccount | None = None
    trusts_account: bool = True
    as_points: bool = False
    pictures: tuple[Picture, ...] = ()
    remote_id: str | None = None

    @property
    def wish(self) -> Wish:
        """The ask as the rules see it."""
        return Wish(
            kind=self.kind,
            quantity=self.quantity,
            has_words=bool(self.description),
            has_bank_account=self.bank_account is not None,
            as_points=self.as_points,
            names_address=self.pickup_address is not None,
        )


class OrderOfItem(Protocol):
    """The part of an order that says whose it is."""

    @property
    def id(self) -> int: ...
    @property
    def channel_id(self) -> int: ...
    @property
    def user_id(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose items may be named: a customer's, those of proven orders, or a whole channel's."""

    channel_id: int
    user_id: int | None = None
    order_ids: frozenset[int] | None = None

    def covers(self, order: OrderOfItem) -> bool:
        """Whether an item of this order exists for whoever asks."""
        return (
            order.channel_id == self.channel_id
            and self.user_id in (None, order.user_id)
            and (self.order_ids is None or order.id in self.order_ids)
        )
