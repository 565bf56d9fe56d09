"""The measured shop in numbers: who ordered what, for the loader and the clients."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

ITEMS_PER_ORDER = 3
ORDERS_PER_CUSTOMER = 10
PRODUCTS = 5_000
PROBES = 50
"""Customers with the same orders and requests in a shop of any size; see `scale`."""
REQUESTS_PER_PROBE = 50

SECRETS = {
    "SECRET_KEY": "measured-with-a-made-up-key-measured-with-a-made-up-key",
    "DATA_KEYS": "1=" + "QUJD" * 10 + "QUI=",
}
"""Fixed, so that a later run can read the sessions of an earlier one."""


@dataclass(frozen=True, slots=True)
class Shop:
    """The size of the shop. One order in ten is a guest's, each customer has ten."""

    orders: int = 200_000
    requests: int = 60_000
    has_probes: bool = False
    copies: int = 0
    """The number of copies of all rows but those of `case_filters`; see `copies`."""

    @property
    def customers(self) -> int:
        return max(1, (self.orders - self.orders // 10) // ORDERS_PER_CUSTOMER)

    def customer_of(self, order: int) -> int | None:
        """The customer of an order, None for a guest; a customer's orders are far apart."""
        return None if order % 10 == 9 else (order - order // 10) % self.customers

    def guest_orders(self) -> Iterator[int]:
        """The orders of guests."""
        return iter(range(9, self.orders, 10))


def number_of(order: int) -> str:
    """The order's number, in digits."""
    return str(700_000_000 + order)


def guest_email(order: int) -> str:
    """The e-mail address of the guest who placed the order."""
    return f"guest{order}@example.com"


def customer_email(customer: int) -> str:
    """A customer's e-mail address."""
    return f"customer{customer}@example.com"


def session_key(customer: int) -> str:
    """The key of a customer's session."""
    return sha256(f"session {customer}".encode()).hexdigest()[:32]
