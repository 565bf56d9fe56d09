"""Labels of kinds, statuses and history events, in the reader's language."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from takeback.cancellations.statuses import CaseEvent, Kind, PlanStatus, Status, Transition

KINDS: dict[str, Promise] = {Kind.CANCEL: _("Cancellation"), Kind.RETURN: _("Return")}
STATUSES: dict[str, Promise] = {
    Status.WAITING: pgettext_lazy("case", "Waiting"),
    Status.WAITING_APPROVAL: pgettext_lazy("case", "Escalated"),
    Status.CONFIRMED: pgettext_lazy("case", "Accepted"),
    Status.APPROVED: pgettext_lazy("request", "Approved"),
    Status.COMPLETED: pgettext_lazy("request", "Completed"),
    Status.REJECTED: pgettext_lazy("request", "Rejected"),
    Status.WITHDRAWN: pgettext_lazy("case", "Withdrawn"),
}
PLAN_STATUSES: dict[str, Promise] = {
    PlanStatus.WAITING: STATUSES[Status.WAITING],
    PlanStatus.APPROVED: STATUSES[Status.APPROVED],
    PlanStatus.WAITING_FOR_PAYMENT: pgettext_lazy("plan", "Refund under way"),
    PlanStatus.COMPLETED: STATUSES[Status.COMPLETED],
    PlanStatus.REJECTED: STATUSES[Status.REJECTED],
}
# The labels of history events.
STEPS: dict[str, Promise] = {
    CaseEvent.OPEN: pgettext_lazy("step", "Requested"),
    Transition.REVIEW: pgettext_lazy("step", "Escalated"),
    Transition.CONFIRM: pgettext_lazy("step", "Accepted"),
    Transition.APPROVE: pgettext_lazy("step", "Approved"),
    Transition.COMPLETE: pgettext_lazy("step", "Completed"),
    Transition.REJECT: pgettext_lazy("step", "Rejected"),
    Transition.WITHDRAW: pgettext_lazy("step", "Withdrawn"),
    CaseEvent.REMOVE: pgettext_lazy("step", "Removed"),
    CaseEvent.EDIT: pgettext_lazy("step", "Edited"),
    CaseEvent.NOTE: pgettext_lazy("step", "Note added"),
    CaseEvent.UNDO: pgettext_lazy("step", "Decision undone"),
    CaseEvent.CONFIRM_ACCOUNT: pgettext_lazy("step", "Bank account verified"),
    CaseEvent.INTO_RETURN: pgettext_lazy("step", "Turned into a return"),
}


def subject_in(
    language: str | None, subject: str, translations: Mapping[str, Mapping[str, str]]
) -> str:
    """A reason's subject in a language, or in one of its regions (`tr-tr` for `tr`)."""
    for tag, texts in sorted(translations.items()):
        if tag.lower().partition("-")[0] == language:
            return texts.get("subject") or subject
    return subject
