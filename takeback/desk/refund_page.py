"""What the page of a refund shows, and the steps that are possible on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from takeback.cancellations.labels import KINDS
from takeback.cancellations.models import CancellationRequest
from takeback.core.actor import ActorKind
from takeback.core.formatting import format_amount
from takeback.desk.auth import Agent
from takeback.desk.money_commands import version_of
from takeback.desk.money_context import (
    entries_context,
    parts_context,
    payment_context,
    refund_context,
)
from takeback.desk.refund_forms import (
    ApproveForm,
    CancelForm,
    MarkNotPaidForm,
    MarkPaidForm,
    OtherMeansForm,
    RefundForm,
    SendAgainForm,
)
from takeback.orders.models import Order
from takeback.refunds.money_of_order import Money, PartRow, RefundRow
from takeback.refunds.statuses import Attention, Means, Status


class StepText(NamedTuple):
    """A step's button, what happens when it is pressed, and what the agent confirms."""

    label: Promise
    effect: Promise
    confirmation: Promise


STEP_TEXTS: Final[dict[str, StepText]] = {
    ApproveForm.step: StepText(
        _("Approve payment"),
        _("%(amount)s is paid. You approve it as the second person."),
        _("I have checked the amount and the reason."),
    ),
    SendAgainForm.step: StepText(
        _("Send again"),
        _("A new refund of %(amount)s replaces this one and is paid by the same means."),
        _("The reason of the failure is gone."),
    ),
    OtherMeansForm.step: StepText(
        _("Use other means"),
        _("A new refund of %(amount)s replaces this one and is paid by other means."),
        _("The customer has agreed to the other means."),
    ),
    MarkPaidForm.step: StepText(
        _("Mark as paid"),
        _("The refund counts as paid. Takeback sends nothing."),
        _("The customer has received %(amount)s."),
    ),
    MarkNotPaidForm.step: StepText(
        _("Mark as not paid"),
        _("The refund counts as failed. It can then be sent again, or paid by other means."),
        _("The provider's pages show that this refund does not exist."),
    ),
    CancelForm.step: StepText(
        _("Cancel refund"),
        _("This refund and all others that are planned with it are not paid."),
        _("The customer does not receive this money."),
    ),
}
_TRY_NOW = StepText(
    _("Try again"),
    _("The refund is sent as soon as nothing stands in its way."),
    _("The reason for the delay is gone."),
)
_LOOK_NOW = StepText(
    _("Ask the provider now"),
    _("Takeback asks the provider about this refund. Nothing is paid twice."),
    _("I want to ask the provider now."),
)
DONE: Final[dict[str, Promise]] = {
    ApproveForm.step: _("Payment approved."),
    SendAgainForm.step: _("The refund is being tried again."),
    OtherMeansForm.step: _("A new refund by other means is planned."),
    MarkPaidForm.step: _("Your evidence is stored."),
    MarkNotPaidForm.step: _("Marked as not paid."),
    CancelForm.step: _("Refund cancelled."),
}
FORMS: Final[dict[str, type[RefundForm]]] = {
    form.step: form
    for form in (
        ApproveForm,
        SendAgainForm,
        OtherMeansForm,
        MarkPaidForm,
        MarkNotPaidForm,
        CancelForm,
    )
}

_PAID_BY_AGENTS = (
    Attention.MANUAL_PAYMENT,
    Attention.NO_PROVIDER_PAYMENT,
    Attention.ACCOUNT_MISSING,
)
_RESULT_UNKNOWN = (Status.SENDING, Status.IN_DOUBT)
_FINAL_WITHOUT_MONEY = (Status.FAILED, Status.RETURNED)


def possible_steps(refund: RefundRow) -> list[str]:
    """The steps that fit a refund, the usual one first; the commands decide."""
    if refund.replacement__id is not None:
        return []
    status = refund.status
    is_planned, is_in_doubt = status == Status.PLANNED, status == Status.IN_DOUBT
    is_by_hand = is_planned and refund.attention in _PAID_BY_AGENTS
    is_delayed = is_planned and refund.attention not in ("", Attention.MANUAL_PAYMENT)
    has_failed = status in _FINAL_WITHOUT_MONEY and refund.attention != Attention.CONTRADICTION
    steps = {
        ApproveForm.step: is_planned and refund.waits_for_second_person,
        MarkPaidForm.step: is_by_hand or is_in_doubt,
        SendAgainForm.step: has_failed or is_delayed or status in _RESULT_UNKNOWN,
        MarkNotPaidForm.step: is_in_doubt,
        OtherMeansForm.step: has_failed,
        CancelForm.step: is_planned,
    }
    return [step for step, is_possible in steps.items() if is_possible]


def step_text(step: str, refund: RefundRow) -> StepText:
    """The words of a step: trying again depends on what has happened so far."""
    if step == SendAgainForm.step and refund.status == Status.PLANNED:
        return _TRY_NOW
    if step == SendAgainForm.step and refund.status in _RESULT_UNKNOWN:
        return _LOOK_NOW
    return STEP_TEXTS[step]


@dataclass(frozen=True)
class RefundPage:
    """A refund of an order, with the money of the order around it."""

    order: Order
    money: Money
    refund_id: int
    parts: list[PartRow]
    cases: Sequence[CancellationRequest]

    @property
    def refund(self) -> RefundRow:
        return next(row for row in self.money.refunds if row.id == self.refund_id)

    def is_own_request(self, agent: Agent) -> bool:
        """Whether the agent requested the refund, and cannot be its second person."""
        refund = self.refund
        is_staff = refund.requested_by_kind == ActorKind.STAFF
        return is_staff and refund.requested_by_number == agent.id

    @property
    def _other_means(self) -> list[str]:
        """Means besides the present ones; a transfer needs a bank account."""
        has_account = any(case.iban_index for case in self.cases)
        without = {Means.ORIGINAL.value, self.refund.means}
        if not has_account:
            without.add(Means.BANK_TRANSFER.value)
        return [means.value for means in Means if means not in without]

    def context(self, agent: Agent, sent: RefundForm | None) -> dict[str, Any]:
        """Everything but messages; `sent` is the form of a refused step."""
        refund, order = self.refund, self.order
        payment = next(row for row in self.money.payments if row.id == refund.payment_id)
        needs_other = refund.waits_for_second_person and self.is_own_request(agent)
        steps = [s for s in possible_steps(refund) if not (needs_other and s == ApproveForm.step)]
        return {
            "order": order,
            "refund": refund_context(refund, self.money),
            "payment": payment_context(payment, self.money, order),
            "parts": parts_context(self.parts, refund.currency),
            "entries": entries_context(e for e in self.money.entries if e.refund_id == refund.id),
            "cases": [(case, KINDS[case.cancellation_type]) for case in self.cases],
            "needs_other_person": needs_other,
            "steps": [self._step_context(step, sent) for step in steps] if agent.can_pay else [],
        }

    def _step_context(self, step: str, sent: RefundForm | None) -> dict[str, Any]:
        values = {"amount": format_amount(self.refund.amount_minor, self.refund.currency)}
        text = step_text(step, self.refund)
        form = sent if sent and sent.step == step else FORMS[step]()
        if isinstance(form, OtherMeansForm):
            form.offer(self._other_means)
        return {
            "name": step,
            "label": text.label,
            "effect": text.effect % values,
            "confirmation": text.confirmation % values,
            "form": form,
            "version": version_of(self.refund),
            "is_open": form is sent,
        }
