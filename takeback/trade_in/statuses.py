"""The answers to a trade-in offer."""

from enum import StrEnum


class Decision(StrEnum):
    """What the customer says; the words are those of the contract's paths."""

    APPROVED = "approved"
    REJECTED = "rejected"
