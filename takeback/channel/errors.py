"""What a channel is told when the answer is no."""

from django.utils.translation import gettext_lazy as _

from takeback.core.problems import Problem

FIELDS_INVALID = "invalid"
"""The code that goes with field errors."""

ORDER_CONTRADICTS_ITSELF = Problem(
    "order_does_not_add_up", 400, _("The parts of this order do not add up."), field="amount"
)
ORDER_IS_FIXED = Problem(
    "order_is_fixed",
    406,
    _("An order's lines and amounts are fixed once it has arrived."),
)
LOGIN_FAILED = Problem("login_failed", 400, _("User name or password is not right."))
AMBIGUOUS = _("Send this parameter once.")
NOT_TEXT = _("Control characters are not allowed.")
TAKEN = _("Another customer has this already.")
ADDRESS_EXISTS = _("The customer keeps this address already.")
UNKNOWN_CUSTOMER = _("This customer is not known here.")

ANOTHER_ORDER = _("This is not the order that you are writing to.")
ALL_OR_SOME = _("Name no lines when all of them are meant.")
NOTHING_NAMED = _("Name the lines, or say that all of them are meant.")
TOO_MANY_LINES = _("These are too many lines for one call: name some of them.")
UNKNOWN_LINE = _("There is no such item.")
REASON_MISSING = _("Every line needs a reason.")
NO_TRANSFER = _("Only what was paid in cash or by transfer goes to a bank account.")
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
