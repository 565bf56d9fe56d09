"""What kinds, statuses and steps of cases are called, in the reader's language."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from takeback.cancellations.statuses import Kind, PlanStatus, Status, Transition

KINDS: dict[str, Promise] = {Kind.CANCEL: _("Cancellation"), Kind.REFUND: _("Return")}
STATUSES: dict[str, Promise] = {
    Status.WAITING: pgettext_lazy("case", "Waiting"),
    Status.WAITING_APPROVAL: pgettext_lazy("case", "Waiting for approval"),
    Status.CONFIRMED: pgettext_lazy("case", "Confirmed"),
    Status.APPROVED: pgettext_lazy("request", "Approved"),
    Status.COMPLETED: pgettext_lazy("request", "Completed"),
    Status.REJECTED: pgettext_lazy("request", "Rejected"),
    Status.WITHDRAWN: pgettext_lazy("case", "Withdrawn"),
}
PLAN_STATUSES: dict[str, Promise] = {
    PlanStatus.WAITING: STATUSES[Status.WAITING],
    PlanStatus.APPROVED: STATUSES[Status.APPROVED],
    PlanStatus.COMPLETED: STATUSES[Status.COMPLETED],
    PlanStatus.REJECTED: STATUSES[Status.REJECTED],
}
STEPS: dict[str, Promise] = {
    "open": pgettext_lazy("step", "Asked"),
    Transition.REVIEW: pgettext_lazy("step", "Passed on for approval"),
    Transition.CONFIRM: pgettext_lazy("step", "Confirmed"),
    Transition.APPROVE: pgettext_lazy("step", "Approved"),
    Transition.COMPLETE: pgettext_lazy("step", "Completed"),
    Transition.REJECT: pgettext_lazy("step", "Rejected"),
    Transition.WITHDRAW: pgettext_lazy("step", "Withdrawn"),
    "remove": pgettext_lazy("step", "Removed"),
    "edit": pgettext_lazy("step", "Changed"),
    "confirm_account": pgettext_lazy("step", "Bank account checked"),
}
"""By the event of a history row."""


def subject_in(
    language: str | None, subject: str, translations: Mapping[str, Mapping[str, str]]
) -> str:
    """A reason's words under the language's own tag, or one of its regions (`tr` for `tr-tr`)."""
    for tag, words in sorted(translations.items()):
        if tag.lower().partition("-")[0] == language:
            return words.get("subject") or subject
    return subject
