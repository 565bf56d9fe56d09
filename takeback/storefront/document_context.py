"""Who looks at a document, how, and when."""

from dataclasses import dataclass
from datetime import datetime

from takeback.accounts.policy import ShopPolicy
from takeback.accounts.sessions import AccountRow
from takeback.storefront import addresses_shapes, shapes
from takeback.storefront.dialect import Dialect


@dataclass(frozen=True, slots=True)
class DocumentContext:
    """Who looks, how, and when: what every document of one answer has in common."""

    dialect: Dialect
    account: AccountRow | None
    shop: ShopPolicy
    now: datetime
    language: str
    owner: addresses_shapes.AddressUser | None
    """The signed-in customer, encoded already: every address repeats them, where it shows them."""
    companies: list[shapes.ShippingCompany]
    """Carriers on offer, encoded already: every line repeats them."""

    @property
    def is_classic(self) -> bool:
        return self.dialect is Dialect.CLASSIC
