"""Refusals of the guest look-up."""

from django.utils.translation import gettext_lazy as _

from takeback.core.errors import RuleProblem

# The one answer to every pair that does not match, whatever the reason is (promise P19).
LOOKUP_FAILED = RuleProblem(
    "order_lookup_100_1", 400, _("We could not find an order with this number and e-mail address.")
)
