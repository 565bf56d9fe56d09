"""What the rules say about a case today, one by one, in words."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from takeback.bank_accounts.bank_account import bank_account_of
from takeback.cancellations import policy
from takeback.cancellations.eligibility import load_eligibility_data
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.statuses import Kind
from takeback.core.errors import Problem
from takeback.core.types import ItemId
from takeback.desk.queries import has_other_live_case
from takeback.orders.scope import OrderScope

HOLDS: dict[Callable[..., Problem | None], Promise] = {
    policy.no_live_case: _("No other request for this item is open."),
    policy.not_shipped: _("The item has not been sent yet."),
    policy.not_invoiced: _("The item has not been invoiced, or an invoice does not matter here."),
    policy.within_cancel_time: _("The time for cancelling is not over."),
    policy.shipped_or_invoiced: _("The item has been sent, or is about to be."),
    policy.within_return_window: _("The time for returning is not over."),
    policy.reason_is_offered: _("The reason is one that the shop offers."),
    policy.reason_fits: _("The reason fits, or the shop does not mind."),
    policy.description_where_needed: _("There is a description where the reason needs one."),
    policy.single_unit_is_not_split: _("The quantity can be divided like this."),
    policy.units_are_left: _("As many units are left."),
    policy.bank_account_where_needed: _("A bank account is there, or none is needed."),
    policy.loyalty_is_open: _("Points are possible, or not asked for."),
}
"""What it means when a rule has nothing to say against a case."""


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule and what it says."""

    sentence: str | Promise
    problem: Problem | None
    is_overridable: bool

    @property
    def holds(self) -> bool:
        return self.problem is None


def rule_results(case: CancellationRequest, now: datetime) -> list[RuleResult]:
    """Every rule that a case of this kind meets, in the order in which they are asked.

    The case itself does not stand in its own way, nor does what confirming it did to its line.
    How the goods come back was settled when they were asked for.
    """
    new = NewCase(
        order_item=ItemId(case.order_item_id),
        kind=Kind(case.cancellation_type),
        reason=case.reason_id,
        quantity=case.quantity,
        description=case.description,
        bank_account=bank_account_of(case),
        refund_to_loyalty=case.fully_refund_as_loyalty_money,
    )
    context = load_eligibility_data([new], OrderScope(case.channel_id)).context(new, now)
    assert context
    context.has_live_case = has_other_live_case(case)
    if case.item_status_before is not None:
        context.status = case.item_status_before
    return [
        RuleResult(problem.message if problem else HOLDS[rule.check], problem, rule.overridable)
        for rule in policy.RULES_OF[new.kind]
        if rule.check in HOLDS
        for problem in [rule.check(context)]
    ]


def in_the_way(
    ask: NewCase, scope: OrderScope, now: datetime
) -> tuple[Problem | None, tuple[Problem, ...]]:
    """What staff cannot set aside, if anything, and all that they can."""
    context = load_eligibility_data([ask], scope).context(ask, now)
    if context is None:
        return None, ()
    refusal, overridden = policy.check_eligibility(context, may_override=True)
    return refusal, tuple(overridden)
