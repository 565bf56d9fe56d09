"""Names of order and item statuses for people, translated."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from takeback.orders.statuses import Status

STATUSES: dict[int, Promise] = {
    Status.CANCELLATION_WAITING: _("Cancellation pending"),
    Status.CANCELLED: _("Cancelled"),
    Status.WAITING: _("Waiting"),
    Status.PAYMENT_WAITING: _("Waiting for payment"),
    Status.CONFIRMATION_WAITING: _("Waiting for confirmation"),
    Status.APPROVED: _("Approved"),
    Status.PREPARING: _("Being prepared"),
    Status.SHIPPED: _("Shipped"),
    Status.SHIPPED_AND_INFORMED: _("Shipped, notice sent"),
    Status.READY_FOR_PICKUP: _("Ready for pickup"),
    Status.ATTEMPTED_DELIVERY: _("Delivery attempted"),
    Status.REVIEW_STARTED: _("Under review"),
    Status.REVIEW_WAITING: _("Waiting for review"),
    Status.DELIVERED: _("Delivered"),
    Status.REFUNDED: _("Refunded"),
}
