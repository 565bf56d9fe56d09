"""Why what is told of a line is refused."""

from django.utils.translation import gettext_lazy as _

from takeback.core.errors import Problem

STATUS_IS_DECIDED = Problem(
    "order_item_status_is_decided",
    400,
    _("Whether a line is cancelled or refunded is decided by its case; it cannot be told."),
)
STATUS_GOES_BACK = Problem(
    "order_item_status_goes_back", 400, _("This item has come further than that.")
)
CANCEL_STATUS_GOES_BACK = Problem(
    "order_item_cancel_status_goes_back",
    400,
    _("This cancellation has come further than that."),
)
