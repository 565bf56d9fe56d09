"""The goods ledger: what becomes of a parcel on its way back (decisions, three ledgers)."""

from enum import StrEnum


class GoodsStatus(StrEnum):
    """Where the returned goods are."""

    WANTED = "wanted"
    BOOKED = "booked"
    IN_TRANSIT = "in_transit"
    RECEIVED = "received"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    LOST = "lost"


SHOWN = {
    GoodsStatus.WANTED: "active",
    GoodsStatus.BOOKED: "active",
    GoodsStatus.IN_TRANSIT: "active",
    GoodsStatus.RECEIVED: "used",
    GoodsStatus.EXPIRED: "expired",
    GoodsStatus.CANCELLED: "cancelled",
    GoodsStatus.LOST: "expired",
}
"""What storefront and channel clients are shown (domain C.6)."""
