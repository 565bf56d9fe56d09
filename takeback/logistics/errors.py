"""Refusals of carrier settings."""

from django.utils.translation import gettext_lazy as _

from takeback.core.errors import Problem

SHARED_CARRIER = Problem(
    "shared_carrier",
    403,
    _(
        "All channels share this carrier. Only a key or an agent with access to all active"
        " channels can change it."
    ),
)
UNKNOWN_COUNTRY = _(
    "“{country}” is not a country code. Send two letters of ISO 3166, such as TR or DE."
)
TOO_MANY_CATEGORIES = _("Too many categories. Send at most {max}, or none for all categories.")
CATEGORY_LENGTH = _("A category has 1 to {max} characters.")
INVALID_SLUG = _("Send 1 to {max} letters (A to Z), digits, hyphens or underscores.")
