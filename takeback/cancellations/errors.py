"""Why a cancellation or a return is refused: codes of one family, never changed."""

from django.utils.translation import gettext_lazy as _

from takeback.core.errors import Problem, RuleProblem

ALREADY_REQUESTED = RuleProblem(
    "cancellation_request_100_1", 406, _("There is already an open request for this item.")
)

NOT_CANCELLABLE = "cancellation_request_100_2"
CANNOT_CANCEL_NOW = RuleProblem(NOT_CANCELLABLE, 406, _("This item can no longer be cancelled."))
ALREADY_INVOICED = RuleProblem(
    NOT_CANCELLABLE,
    406,
    _("This item has been invoiced; send it back once it has arrived."),
    is_overridable=True,
)
CANCEL_TIME_OVER = RuleProblem(
    NOT_CANCELLABLE, 406, _("The time for cancelling this item is over."), is_overridable=True
)

NOT_REFUNDABLE = "cancellation_request_100_3"
CANNOT_RETURN_NOW = RuleProblem(
    NOT_REFUNDABLE, 406, _("This item cannot be returned at the moment.")
)
RETURN_TIME_OVER = RuleProblem(
    NOT_REFUNDABLE, 406, _("The time for returning this item is over."), is_overridable=True
)

REASON_DOES_NOT_FIT = RuleProblem(
    "cancellation_request_100_4",
    406,
    _("This reason does not fit what is asked for."),
    is_overridable=True,
)
DESCRIPTION_REQUIRED = RuleProblem(
    "cancellation_request_100_5",
    406,
    _("This reason needs a few words of description."),
    is_overridable=True,
)
CARRIER_NOT_OFFERED = RuleProblem(
    "cancellation_request_100_6", 406, _("This carrier is not offered for this item.")
)
PICKUP_ADDRESS_REQUIRED = RuleProblem(
    "cancellation_request_100_8", 406, _("Pickup address is required.")
)
SINGLE_UNIT = RuleProblem(
    "cancellation_request_100_9", 406, _("This item is a single piece and cannot be divided.")
)
TOO_MANY_IMAGES = RuleProblem(
    "cancellation_request_100_10", 400, _("These are more pictures than an item may have.")
)
NOT_AN_IMAGE = _("Send a JPEG, PNG, WebP or GIF picture, as base64.")
UNREADABLE_IMAGE = Problem(
    "unreadable_picture", 400, NOT_AN_IMAGE, field="cancellation_request_image_set"
)
IMAGE_TOO_LARGE = _("This picture is too large.")
LOYALTY_CLOSED = RuleProblem(
    "loyalty_100_1", 406, _("Refunds to loyalty points are not offered here.")
)

# What an input names must be there, and be the caller's; foreign and unknown are one answer.
UNKNOWN_ITEM = Problem("unknown_item", 400, _("There is no such item."), field="order_item")
ITEM_TWICE = Problem("item_twice", 400, _("This item is named twice."), field="order_item")
UNKNOWN_REASON = Problem("unknown_reason", 400, _("There is no such reason."), field="reason")
REMOTE_ID_TAKEN = Problem(
    "remote_id_taken",
    400,
    _("There is already a request with this remote id for this item."),
    field="remote_id",
)
QUANTITY_TOO_LARGE = Problem(
    "quantity_too_large",
    400,
    _("Quantity can not be greater than order item quantity."),
    field="quantity",
)
UNKNOWN_ADDRESS = Problem(
    "unknown_address", 400, _("There is no such address."), field="pickup_address"
)
BANK_ACCOUNT_REQUIRED = Problem(
    "bank_account_required",
    400,
    _("This order was paid in cash or by transfer: name the bank account for the refund."),
    field="iban",
)
MORE_THAN_PAID = Problem(
    "more_than_paid",
    400,
    _("This is more than the order has left to pay back."),
    field="forced_refund_amount",
)

WRONG_STATUS = Problem("wrong_state", 400, _("This step is not possible in the present state."))
SHARED_REASON = Problem(
    "shared_reason", 403, _("This reason belongs to all channels and is not changed here.")
)
NOT_OF_THIS_PLAN = Problem(
    "not_of_this_plan", 400, _("This plan has no such item."), field="payment_plan"
)
MORE_THAN_PLANNED = Problem(
    "more_than_planned", 400, _("This is more than the plan pays back."), field="payment_plan"
)

# Of an order that is cancelled directly.
NO_SUCH_ITEM = Problem(
    "order_cancel_unknown_item", 400, _("There is no such item."), field="cancel_items"
)
TOO_MANY_ITEMS = Problem(
    "order_cancel_too_many",
    400,
    _("These are too many lines for one call: name some of them."),
    field="is_all",
)
REASON_MISSING = Problem(
    "order_cancel_reason_missing", 400, _("Every line needs a reason."), field="reasons"
)
NO_TRANSFER = Problem(
    "order_cancel_no_transfer",
    400,
    _("Only what was paid in cash or by transfer goes to a bank account."),
    field="ibans",
)
NO_PURCHASE = Problem(
    "order_cancel_no_purchase",
    400,
    _("Nothing has been charged for this order yet: its lines are decided one by one."),
)
CANCEL_IN_PROGRESS = Problem(
    "order_cancel_in_progress",
    400,
    _("A cancellation or return of this order is not decided yet."),
)
NOTHING_LEFT = Problem(
    "order_cancel_nothing_left", 400, _("All lines of this order have ended already.")
)
CANCEL_OR_RETURN = Problem(
    "order_cancel_mixed",
    400,
    _("Some of these lines can be cancelled, others only returned: make it two calls."),
)
MIXED_STATUSES = Problem(
    "order_cancel_mixed_statuses",
    400,
    _("An order that is paid on delivery is cancelled for lines of one status at a time."),
)
