"""The context that all documents of one response share."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from takeback.accounts.policy import ShopPolicy
from takeback.accounts.sessions import AccountRow
from takeback.storefront.dialect import Dialect

if TYPE_CHECKING:
    # At run time the documents import this module.
    from takeback.storefront.addresses_documents import AddressUser
    from takeback.storefront.document_cache import CarriersOnOffer

Object = dict[str, Any]
"""A JSON object in a document."""


@dataclass(frozen=True, slots=True)
class DocumentContext:
    """The reader, their dialect and language, and the time of the request."""

    dialect: Dialect
    account: AccountRow | None
    """None for guests."""
    shop: ShopPolicy
    now: datetime
    language: str
    owner: "AddressUser | None"
    """The `user` of an address in the classic dialect. Encoded once: all addresses repeat it."""
    shipping_companies: "CarriersOnOffer"
    """The carriers on offer. Encoded once: most items repeat them."""
