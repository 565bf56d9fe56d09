"""What a storefront is told when the answer is no."""

from django.utils.translation import gettext_lazy as _

from takeback.core.problems import RuleProblem

# The one answer to every pair that does not match, whatever the reason is (promise P19).
LOOKUP_FAILED = RuleProblem(
    "order_lookup_100_1", 400, _("We could not find an order with this number and e-mail address.")
)
ONE_NUMBER_ONLY = _("Send the order number once, as number or as order.")
LOGIN_FAILED = _("E-mail address or password is not right.")
ADDRESS_EXISTS = _("You already have this address.")
