"""Refusals of calls with an Idempotency-Key."""

from django.utils.translation import gettext_lazy as _

from takeback.core.errors import Problem

KEY_INVALID = Problem(
    "idempotency_key_invalid",
    400,
    _("The Idempotency-Key header must be 1 to 255 visible ASCII characters without a comma."),
)
KEY_REUSED = Problem(
    "idempotency_key_reused",
    422,
    _("This Idempotency-Key was used for another request. Send a new key."),
)
KEY_IN_USE = Problem(
    "idempotency_key_in_use",
    409,
    _("The request with this Idempotency-Key is still in progress. Please try again."),
)
