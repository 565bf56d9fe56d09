"""Refusals of updates to order items."""

from django.utils.translation import gettext_lazy as _

from takeback.core.errors import Problem

STATUS_IS_DECIDED = Problem(
    "order_item_status_is_decided",
    400,
    _("Statuses 50, 100 and 600 are set by cancellation requests and cannot be set directly."),
)
STATUS_GOES_BACK = Problem(
    "order_item_status_goes_back", 400, _("An item's status cannot move backwards.")
)
ITEM_CANCELLED = Problem(
    "item_cancelled",
    409,
    _("The cancellation of this item is approved, so its status cannot change. Stop the shipment."),
)
CANCEL_STATUS_GOES_BACK = Problem(
    "order_item_cancel_status_goes_back",
    400,
    _("An item's cancellation status cannot move backwards."),
)
