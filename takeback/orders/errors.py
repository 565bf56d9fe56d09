"""Refusals of orders, and of updates to order items."""

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
STATUS_NEEDS_CASE = Problem(
    "order_item_status_needs_case",
    400,
    _("Status 50 needs a cancellation request. Send the status that the item had before."),
)
CANCEL_STATUS_GOES_BACK = Problem(
    "order_item_cancel_status_goes_back",
    400,
    _("An item's cancellation status cannot move backwards."),
)
DATE_IS_SET = Problem(
    "order_item_date_is_set",
    400,
    _("This date was received before, and the first one counts. Staff can correct it at the desk."),
)
DATE_IN_FUTURE = Problem(
    "order_item_date_in_future",
    400,
    _("This date is in the future. Send the time at which it happened."),
)
DATE_BEFORE_ORDER = Problem(
    "order_item_date_before_order",
    400,
    _("This date is more than 31 days before the order. Send the time at which it happened."),
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
ORDER_IS_FIXED = Problem(
    "order_is_fixed",
    406,
    _(
        "This cannot change once the order has been received."
        " Leave the field out, or send the value that was sent first."
    ),
)
ADDITION_DOES_NOT_ADD_UP = Problem(
    "order_addition_does_not_add_up",
    406,
    _(
        "The stored order and what this request adds do not make up this amount."
        " Send the order's new amount."
    ),
)
ITEM_IS_NOT_EXPLAINED = Problem(
    "order_item_is_not_explained",
    406,
    _(
        "The stored order does not have this item, and other items are missing."
        " Send all items, or the order's new amount."
    ),
)
PAYMENT_IS_FIXED = Problem(
    "payment_is_fixed",
    400,
    _(
        "This payment has another value already."
        " Leave the field out, or send the value that was sent first."
    ),
)
PAYMENT_NOT_IDENTIFIED = Problem(
    "payment_not_identified",
    400,
    _(
        "This is not a payment of the order, or it may be several."
        " Send its payment_type and its amount as in the order."
    ),
)
CAPTURED_FALLS = Problem(
    "captured_falls", 400, _("The captured amount cannot fall. Send {min} or more.")
)
CAPTURED_ABOVE_AMOUNT = Problem(
    "captured_above_amount",
    400,
    _("The captured amount exceeds the amount of the payment. Send at most {max}."),
)
