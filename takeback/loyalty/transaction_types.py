"""Why the balance of a loyalty account changes."""

from enum import StrEnum


class TransactionType(StrEnum):
    """`purchase` is the word of the contract; a refund of spent points is a `refund`, too."""

    PURCHASE = "purchase"
    REFUND = "refund"
    # Points that an order had earned go when it is cancelled or returned.
    CANCEL = "cancel"
    # The channel has set another balance.
    CORRECTION = "correction"
