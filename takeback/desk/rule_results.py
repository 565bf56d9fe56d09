"""The result of each rule for a case or for a new case, with a sentence for agents."""

from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from takeback.cancellations import policy
from takeback.cancellations.eligibility import load_eligibility_data
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.queries import shop_limits
from takeback.cancellations.statuses import Kind
from takeback.core.errors import Problem
from takeback.desk.queries import has_other_live_case
from takeback.orders.scope import OrderScope

PASSED: dict[policy.Rule | policy.TermsRule, Promise] = {
    policy.no_live_request: _("No other request for this item is open."),
    policy.not_on_its_way: _("The item has not been shipped yet."),
    policy.not_invoiced: _("The item has not been invoiced, or invoices do not block cancelling."),
    policy.within_cancel_time: _("The cancellation period has not ended."),
    policy.has_left: _("The item has been shipped, or is about to be."),
    policy.within_return_window: _("The return period has not ended."),
    policy.reason_is_offered: _("The shop offers this reason."),
    policy.reason_fits: _("The reason matches the request type, or is not checked."),
    policy.description_where_needed: _("A description is given, or not needed."),
    policy.divides_only_what_has_parts: _("This quantity can be split from the item."),
    policy.units_are_left: _("The quantity is still available."),
    policy.bank_account_where_needed: _("Bank details are complete, or not needed."),
    policy.loyalty_is_open: _("Refund to points is allowed, or not requested."),
}
"""The sentence of each rule that a case fulfils."""


class RuleResult(NamedTuple):
    """A rule's sentence, and its problem if the case breaks it."""

    sentence: str | Promise
    problem: Problem | None


def rule_results(case: CancellationRequest, now: datetime) -> list[RuleResult]:
    """The rules for a case of this kind, in the order of the policy.

    The case itself counts neither as a live case of its item nor by the status that confirming it
    gave the item. The rules for the return shipment applied when the case was opened.
    """
    new_case = NewCase(
        order_item=case.order_item_id,
        kind=Kind(case.cancellation_type),
        reason=case.reason_id,
        quantity=case.quantity,
        description=case.description,
        refund_to_loyalty=case.fully_refund_as_loyalty_money,
    )
    terms = replace(new_case.wish, has_bank_account=case.iban_index is not None)
    data = load_eligibility_data([new_case], OrderScope(case.channel_id))
    facts = data.items[case.order_item_id].facts
    facts = facts._replace(
        has_live_request=has_other_live_case(case),
        status=facts.status if case.item_status_before is None else case.item_status_before,
    )
    limits, context = shop_limits(), data.conditions_of(new_case)
    return [
        *(_result(rule, rule(facts, limits, now)) for rule in policy.ITEM_RULES[terms.kind]),
        *(
            _result(rule, rule(terms, facts, context))
            for rule in policy.TERMS_RULES
            if rule in PASSED
        ),
    ]


def _result(rule: policy.Rule | policy.TermsRule, problem: Problem | None) -> RuleResult:
    return RuleResult(problem.message if problem else PASSED[rule], problem)


def broken_rules(
    new_case: NewCase, scope: OrderScope, now: datetime
) -> tuple[Problem | None, tuple[Problem, ...]]:
    """The first broken rule that staff cannot override, else all that they can override."""
    data = load_eligibility_data([new_case], scope)
    item = data.items.get(new_case.order_item)
    if item is None:
        return None, ()
    eligibility = policy.check_eligibility(
        new_case.wish,
        item.facts,
        data.conditions_of(new_case),
        shop_limits(),
        now,
        may_override=True,
    )
    return eligibility.refusal, () if eligibility.refusal else eligibility.overridden
