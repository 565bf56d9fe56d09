"""What a storefront is told when the answer is no."""

from django.utils.translation import gettext_lazy as _

ONE_NUMBER_ONLY = _("Send the order number once, as number or as order.")
LOGIN_FAILED = _("E-mail address or password is not right.")
ADDRESS_EXISTS = _("You already have this address.")
