"""Refusals of cancellations and returns, whose codes never change."""

from dataclasses import replace

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from takeback.core.errors import Problem, RuleProblem

# Rules of the shop.
ALREADY_REQUESTED = RuleProblem(
    "cancellation_request_100_1", 406, _("There is already an open request for this item.")
)
CANNOT_CANCEL_NOW = RuleProblem(
    "cancellation_request_100_2", 406, _("This item can no longer be cancelled.")
)
ALREADY_INVOICED = RuleProblem(
    "cancellation_request_100_2",
    406,
    _("This item has been invoiced; send it back once it has arrived."),
)
CANCEL_TIME_OVER = RuleProblem(
    "cancellation_request_100_2", 406, _("The time for cancelling this item is over.")
)
CANNOT_RETURN_NOW = RuleProblem(
    "cancellation_request_100_3", 406, _("This item cannot be returned at the moment.")
)
RETURN_TIME_OVER = RuleProblem(
    "cancellation_request_100_3", 406, _("The time for returning this item is over.")
)
REASON_DOES_NOT_FIT = RuleProblem(
    "cancellation_request_100_4",
    406,
    _("This reason does not match the type of the request. Choose another reason."),
)
DESCRIPTION_REQUIRED = RuleProblem(
    "cancellation_request_100_5", 406, _("Please add a description for this reason.")
)
CARRIER_NOT_OFFERED = RuleProblem(
    "cancellation_request_100_6",
    406,
    _("This carrier is not available for this item. Choose another carrier."),
)
PICKUP_ADDRESS_REQUIRED = RuleProblem(
    "cancellation_request_100_8", 406, _("Pickup address is required.")
)
SINGLE_UNIT = RuleProblem(
    "cancellation_request_100_9", 406, _("This item is a single unit. Its quantity can only be 1.")
)
TOO_MANY_IMAGES = RuleProblem(
    "cancellation_request_100_10", 400, _("Too many images for this item (maximum {max}).")
)
LOYALTY_REFUND_NOT_OFFERED = RuleProblem(
    "loyalty_100_1", 406, _("Refunds to loyalty points are not available for this order.")
)
OPEN_CASES = RuleProblem(
    "account_100_1",
    406,
    _(
        "Open cancellation or return requests: {count}. Close your account when they are "
        "completed, or contact the shop to withdraw them."
    ),
)
PERSON_IN_USE = Problem(
    "person_in_use",
    409,
    _(
        "This person still has open requests ({cases}) and refunds that are not final ({refunds})."
        " Complete, reject or withdraw the requests, wait for the refunds, then erase the person."
    ),
)

# Inputs. An unknown id and a foreign one have the same response.
NOT_AN_IMAGE = _("Send a JPEG, PNG, WebP or GIF image as base64.")
UNREADABLE_IMAGE = Problem(
    "unreadable_picture", 400, NOT_AN_IMAGE, field="cancellation_request_image_set"
)
IMAGE_TOO_LARGE = _("This image is too large (maximum {max} kB).")
UNKNOWN_ITEM = Problem("unknown_item", 400, _("There is no such item."), field="order_item")
ITEM_TWICE = Problem(
    "item_twice", 400, _("This item occurs twice. Send each item once."), field="order_item"
)
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


def with_units_left(problem: Problem, left: int) -> Problem:
    """The problem with the number of units that are left, as a second sentence."""
    limit = ngettext("At most %(left)d unit is left.", "At most %(left)d units are left.", left)
    return replace(problem, message=f"{problem.message} {limit % {'left': left}}")


UNKNOWN_ADDRESS = Problem(
    "unknown_address", 400, _("There is no such address."), field="pickup_address"
)
PICKUP_NEEDS_CARRIER = Problem(
    "pickup_needs_carrier",
    400,
    _(
        "No carrier would collect this return. Send shipping_company together with pickup_address "
        "and pickup_date, or leave all three out."
    ),
    field="shipping_company",
)
BANK_ACCOUNT_REQUIRED = Problem(
    "bank_account_required",
    400,
    _("This order was paid in cash or by transfer. Enter a bank account for the refund."),
    field="iban",
)
MORE_THAN_PAID = Problem(
    "more_than_paid",
    400,
    _("The amount exceeds what is still refundable for this order ({left})."),
    field="forced_refund_amount",
)

# Steps of cases, reasons and plans.
WRONG_STATUS = Problem("wrong_state", 400, _("This step is not possible in the current status."))
RULE_BROKEN = Problem(
    "rule_broken",
    400,
    _(
        "This request breaks a rule of the shop: {rules} To accept it anyway, override the rule"
        " and give the reason in a note."
    ),
)
OVERRIDE_NEEDS_NOTE = Problem(
    "override_needs_note",
    400,
    _("Give the reason for the override in a note."),
    field="internal_note",
)
CANNOT_UNDO = Problem(
    "cannot_undo",
    400,
    _(
        "This decision can no longer be undone. Agents can undo their own decisions for {seconds}"
        " seconds, unless another step follows."
    ),
)
SHARED_REASON = Problem(
    "shared_reason",
    403,
    _(
        "All channels share this reason. Only a key or an agent with the scope admin in all active"
        " channels can change it."
    ),
)
NOT_OF_THIS_PLAN = Problem(
    "not_of_this_plan", 400, _("This plan has no such item."), field="payment_plan"
)
MORE_THAN_PLANNED = Problem(
    "more_than_planned",
    400,
    _("The payments exceed the refund of this plan."),
    field="payment_plan",
)

# Cancelling an order directly.
NO_SUCH_ITEM = Problem(
    "order_cancel_unknown_item", 400, _("There is no such item."), field="cancel_items"
)
TOO_MANY_ITEMS = Problem(
    "order_cancel_too_many",
    400,
    _("Too many items in one request. Send at most {max}."),
    field="is_all",
)
REASON_MISSING = Problem(
    "order_cancel_reason_missing", 400, _("Every item needs a reason."), field="reasons"
)
NO_REFUND_TO_BANK_ACCOUNT = Problem(
    "order_cancel_no_transfer",
    400,
    _("Only orders paid in cash or by transfer are refunded to a bank account."),
    field="ibans",
)
ORDER_NOT_CHARGED = Problem(
    "order_cancel_no_purchase",
    400,
    _("This order has not been charged yet. Cancel its items individually."),
)
CANCEL_IN_PROGRESS = Problem(
    "order_cancel_in_progress",
    400,
    _("A cancellation or return of this order is still undecided. Try again afterwards."),
)
NOTHING_LEFT = Problem(
    "order_cancel_nothing_left",
    400,
    _("All items of this order are already cancelled or refunded."),
)
CANCEL_OR_RETURN = Problem(
    "order_cancel_mixed",
    400,
    _("Some of these items can be cancelled, others only returned. Send two requests."),
)
MIXED_STATUSES = Problem(
    "order_cancel_mixed_statuses",
    400,
    _("Items of an order paid on delivery must have the same status. Send a request per status."),
)
