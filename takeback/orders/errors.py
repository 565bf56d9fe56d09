"""Refusals of orders and of updates to orders and their items."""

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
CANCEL_STATUS_GOES_BACK = Problem(
    "order_item_cancel_status_goes_back",
    400,
    _("An item's cancellation status cannot move backwards."),
)
REFUND_ABOVE_CHARGE = Problem(
    "refund_above_charge",
    400,
    _("Refunds cannot exceed what the order was charged. Send at most {max}."),
)
REFUND_FALLS = Problem(
    "refund_falls",
    400,
    _("The total of refunds made elsewhere cannot fall. Send {min} or more."),
    field="refunded_elsewhere_amount",
)
UNITS_ABOVE_QUANTITY = Problem(
    "refunded_units_above_quantity",
    400,
    _("The item does not have that many units left to refund. Send at most {max}."),
    field="refunded_elsewhere_quantity",
)
UNITS_FALL = Problem(
    "refunded_units_fall",
    400,
    _("The number of units refunded elsewhere cannot fall. Send {min} or more."),
    field="refunded_elsewhere_quantity",
)
