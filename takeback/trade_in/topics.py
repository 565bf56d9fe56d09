"""What the rest of the house hears about a trade-in; the offer's own topic is with the orders."""

from enum import StrEnum


class Topic(StrEnum):
    """Topics of the outbox; there is one message per line, for it is answered once."""

    APPROVED = "trade_in.approved"
    REJECTED = "trade_in.rejected"
