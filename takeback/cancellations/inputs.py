"""The input of `open_cases`: new cases with their images, pickup windows and bank accounts."""

from dataclasses import dataclass
from typing import NamedTuple

from takeback.bank_accounts.bank_account import BankAccount
from takeback.cancellations.statuses import Kind
from takeback.core.ids import ItemId


class NewImage(NamedTuple):
    """An image that `images.store` has written, and its description."""

    name: str
    digest: str
    description: str | None


class PickupWindow(NamedTuple):
    """A day (YYYY-MM-DD) and two times of it (HH:MM), in the carrier's time zone."""

    date: str
    start: str
    end: str

    @property
    def document(self) -> dict[str, object]:
        """The window as it is stored and displayed."""
        return {"date": self.date, "hour_range": {"start": self.start, "end": self.end}}


@dataclass(frozen=True, slots=True)
class NewCase:
    """A request to cancel or return an item, or `quantity` of its units. None means all units.

    An untrusted bank account must be confirmed by its owner before money is paid to it. With
    `pickup_at_shipping_address` the carrier collects the goods at the order's shipping address.
    """

    order_item: ItemId
    kind: Kind
    reason: int
    quantity: int | None = None
    description: str | None = None
    carrier: int | None = None
    pickup_address: int | None = None
    pickup_at_shipping_address: bool = False
    pickup_window: PickupWindow | None = None
    bank_account: BankAccount | None = None
    is_account_trusted: bool = True
    refund_to_loyalty: bool = False
    images: tuple[NewImage, ...] = ()
    remote_id: str | None = None
    # The reason if the shop does not offer `reason`.
    fallback_reason: int | None = None
