"""Refusals of refunds, whose codes never change."""

from django.utils.translation import gettext_lazy as _

from takeback.core.errors import Problem

NOT_ENOUGH_LEFT = Problem(
    "not_enough_left",
    409,
    _("The payment no longer has enough money for this refund. Reload the order and try again."),
)
ALREADY_SENT = Problem(
    "refund_already_sent",
    409,
    _("A refund of this plan has been sent, so the plan can no longer be cancelled."),
)
NOT_FINAL = Problem(
    "refund_not_final",
    409,
    _("The provider has not decided about this refund. Wait until it has failed or come back."),
)
IN_CONTRADICTION = Problem(
    "refund_in_contradiction",
    409,
    _("The provider's reports about this refund contradict each other. Clarify them first."),
)
ALREADY_REPLACED = Problem(
    "refund_already_replaced", 409, _("Another refund has already replaced this one.")
)
CONSENT_REQUIRED = Problem(
    "refund_consent_required",
    400,
    _("Record how the customer agreed to these means of payment."),
    field="consent",
)
SAME_MEANS = Problem(
    "refund_same_means",
    400,
    _("The refund had these means before. Send it again instead, or choose other means."),
    field="means",
)
EVIDENCE_REQUIRED = Problem(
    "refund_evidence_required",
    400,
    _("State what shows the payment: a bank's reference or the number of a receipt."),
    field="evidence",
)
CANNOT_BE_MARKED = Problem(
    "refund_cannot_be_marked",
    409,
    _("Only a refund that a person pays, or whose result is not known, can be marked."),
)
SECOND_PERSON_REQUIRED = Problem(
    "refund_second_person_required",
    403,
    _("A second person must approve this refund first, and it must be someone else."),
)
NOTHING_TO_SEND = Problem(
    "refund_nothing_to_send",
    409,
    _("This refund is on its way, paid or replaced, so it cannot be sent again."),
)
