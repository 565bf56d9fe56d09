"""What somebody asks for, and whose items they may name."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from takeback.bank_accounts.bank_account import BankAccount
from takeback.cancellations.policy import CaseTerms
from takeback.cancellations.statuses import Kind


class NewImage(NamedTuple):
    """A picture that lies in the media folder already (`pictures.commands.Kept`), with words."""

    name: str
    digest: str
    description: str | None


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
class NewCase:
    """One item, or some units of it, to be cancelled or sent back; no quantity means all.

    An account that whoever asks is not trusted with waits for its owner's word. Callers that
    cannot name an address set `pickup_at_shipping_address`: the carrier picks up there.
    """

    order_item: int
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
    pictures: tuple[NewImage, ...] = ()
    remote_id: str | None = None

    @property
    def wish(self) -> CaseTerms:
        """The ask as the rules see it."""
        return CaseTerms(
            kind=self.kind,
            quantity=self.quantity,
            has_description=bool(self.description),
            has_bank_account=self.bank_account is not None,
            refund_to_loyalty=self.refund_to_loyalty,
            names_address=self.pickup_address is not None,
        )
