"""Why a cancellation or a return is refused: codes of one family, never changed."""

from django.utils.translation import gettext_lazy as _

from takeback.core.problems import RuleProblem

ALREADY_REQUESTED = RuleProblem(
    "cancellation_request_100_1", 406, _("There is already an open request for this item.")
)

NOT_CANCELLABLE = "cancellation_request_100_2"
CANNOT_CANCEL_NOW = RuleProblem(NOT_CANCELLABLE, 406, _("This item can no longer be cancelled."))
ALREADY_INVOICED = RuleProblem(
    NOT_CANCELLABLE,
    406,
    _("This item has been invoiced; you can return it instead."),
    waivable=True,
)
CANCEL_TIME_OVER = RuleProblem(
    NOT_CANCELLABLE, 406, _("The time for cancelling this item is over."), waivable=True
)

NOT_REFUNDABLE = "cancellation_request_100_3"
CANNOT_RETURN_NOW = RuleProblem(
    NOT_REFUNDABLE, 406, _("This item cannot be returned at the moment.")
)
RETURN_TIME_OVER = RuleProblem(
    NOT_REFUNDABLE, 406, _("The time for returning this item is over."), waivable=True
)
