"""Statuses of return shipments."""

from enum import StrEnum


class GoodsStatus(StrEnum):
    """The status of the returned goods; WANTED means not booked yet."""

    WANTED = "wanted"
    BOOKED = "booked"
    IN_TRANSIT = "in_transit"
    RECEIVED = "received"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    LOST = "lost"


# The status on the wire, for storefront and channel clients.
SHOWN = {
    GoodsStatus.WANTED: "active",
    GoodsStatus.BOOKED: "active",
    GoodsStatus.IN_TRANSIT: "active",
    GoodsStatus.RECEIVED: "used",
    GoodsStatus.EXPIRED: "expired",
    GoodsStatus.CANCELLED: "cancelled",
    GoodsStatus.LOST: "expired",
}
