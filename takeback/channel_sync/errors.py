"""Why a batch is not moved on."""

from django.utils.translation import gettext_lazy as _

from takeback.core.errors import Problem

INVALID_TRANSITION = Problem(
    "batch_request_status_100_1",
    406,
    _("This batch cannot take that step now: not from its status, or another one is in commit."),
)
KIND_IS_FIXED = Problem(
    "content_type_is_fixed",
    400,
    _("A batch keeps the content type it was committed with."),
    field="content_type",
)
KIND_IS_MISSING = Problem(
    "content_type_is_missing",
    400,
    _("A batch is committed with its content type."),
    field="content_type",
)
