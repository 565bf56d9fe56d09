"""What a channel is told when the answer is no."""

from django.utils.translation import gettext_lazy as _

from takeback.core.errors import Problem

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
