"""Refusals of changes to a batch."""

from django.utils.translation import gettext_lazy as _

from takeback.core.errors import Problem

INVALID_TRANSITION = Problem(
    "batch_request_status_100_1",
    406,
    _(
        "This status cannot follow the current one, or another batch of the same content type"
        " is in commit. End that batch first."
    ),
)
CONTENT_TYPE_IS_FIXED = Problem(
    "content_type_is_fixed",
    400,
    _("The content type of a batch cannot change. Open a new batch for another type."),
    field="content_type",
)
CONTENT_TYPE_IS_MISSING = Problem(
    "content_type_is_missing",
    400,
    _("Send a content type to commit the batch."),
    field="content_type",
)
