"""Refusals of loyalty accounts."""

from django.utils.translation import gettext_lazy as _

from takeback.core.errors import Problem

NOT_ENOUGH_POINTS = Problem(
    "not_enough_points",
    400,
    _("The balance of this account would be negative. Allow it with debit_allowed."),
    field="balance",
)
ACCOUNT_EXISTS = Problem(
    "loyalty_account_exists",
    400,
    _("An account with this number exists already. Change it with PATCH."),
    field="number",
)
FIXED = _("The owner, number and currency of an account cannot change.")
UNKNOWN_CUSTOMER = _("This channel has no registered customer with this id.")
EMAIL_REQUIRED = _("Send the e-mail address of the owner, or the id of a registered customer.")
