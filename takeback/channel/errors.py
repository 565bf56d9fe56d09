"""Refusals of the channel API."""

from django.utils.translation import gettext_lazy as _

from takeback.core.errors import Problem

FIELDS_INVALID = "invalid"
"""The code of a response with field errors."""

ORDER_CONTRADICTS_ITSELF = Problem(
    "order_does_not_add_up", 400, _("The amounts of this order do not add up."), field="amount"
)
LOGIN_FAILED = Problem("login_failed", 400, _("Wrong user name or password."))
AMBIGUOUS = _("Send this parameter only once.")
NOT_TEXT = _("Control characters are not allowed.")
TAKEN = _("Another customer already has this value.")
ADDRESS_EXISTS = _("The customer already has this address.")
UNKNOWN_CUSTOMER = _("This channel has no such customer.")

ANOTHER_ORDER = _("This is not the id of the order in the path.")
ALL_OR_SOME = _("Send either is_all or cancel_items, not both.")
NO_ITEMS = _("Send the ids of the items in cancel_items, or is_all to cancel all items.")
