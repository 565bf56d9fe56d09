"""What the rules say about a case today, one by one, in words."""

from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from takeback.cancellations import policy
from takeback.cancellations.eligibility import EligibilityData, load_eligibility_data
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.queries import shop_limits
from takeback.cancellations.statuses import Kind
from takeback.core.errors import Problem
from takeback.desk.queries import has_other_live_case
from takeback.orders.scope import OrderScope

HOLDS: dict[policy.Rule | policy.TermsRule, Promise] = {
    policy.no_live_request: _("No other request for this item is open."),
    policy.not_on_its_way: _("The item has not been sent yet."),
    policy.not_invoiced: _("The item has not been invoiced, or an invoice does not matter here."),
    policy.within_cancel_time: _("The time for cancelling is not over."),
    policy.has_left: _("The item has been sent, or is about to be."),
    policy.within_return_window: _("The time for returning is not over."),
    policy.reason_is_offered: _("The reason is one that the shop offers."),
    policy.reason_fits: _("The reason fits, or the shop does not mind."),
    policy.description_where_needed: _("There is a description where the reason needs one."),
    policy.divides_only_what_has_parts: _("The quantity can be divided like this."),
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

    @property
    def holds(self) -> bool:
        return self.problem is None


def rule_results(case: CancellationRequest, now: datetime) -> list[RuleResult]:
    """Every rule that a case of this kind meets, in the order in which they are asked.

    The case itself does not stand in its own way, nor does what confirming it did to its line.
    How the goods come back was settled when they were asked for.
    """
    ask = NewCase(
        order_item=case.order_item_id,
        kind=Kind(case.cancellation_type),
        reason=case.reason_id,
        quantity=case.quantity,
        description=case.description,
        refund_to_loyalty=case.fully_refund_as_loyalty_money,
    )
    wish = replace(ask.wish, has_bank_account=case.iban_index is not None)
    seen = load_eligibility_data([ask], OrderScope(case.channel_id))
    facts = seen.items[case.order_item_id].facts
    facts = facts._replace(
        has_live_request=has_other_live_case(case),
        status=facts.status if case.item_status_before is None else case.item_status_before,
    )
    limits, met = shop_limits(), seen.conditions_of(ask)
    found = [_verdict(rule, rule(facts, limits, now)) for rule in policy.ITEM_RULES[wish.kind]]
    return found + [
        _verdict(rule, rule(wish, facts, met)) for rule in policy.TERMS_RULES if rule in HOLDS
    ]


def _verdict(rule: policy.Rule | policy.TermsRule, problem: Problem | None) -> RuleResult:
    return RuleResult(problem.message if problem else HOLDS[rule], problem)


def in_the_way(
    ask: NewCase, scope: OrderScope, now: datetime
) -> tuple[Problem | None, tuple[Problem, ...]]:
    """What staff cannot set aside, if anything, and all that they can."""
    seen: EligibilityData = load_eligibility_data([ask], scope)
    item = seen.items.get(ask.order_item)
    if item is None:
        return None, ()
    told = policy.check_eligibility(
        ask.wish, item.facts, seen.conditions_of(ask), shop_limits(), now, may_override=True
    )
    return told.refusal, told.overridden
