"""The result of each rule for a case or for a new case, with a sentence for agents."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from takeback.bank_accounts.bank_account import bank_account_of
from takeback.cancellations import policy
from takeback.cancellations.eligibility import load_eligibility_data
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.statuses import Kind
from takeback.core.errors import Problem
from takeback.core.ids import ItemId
from takeback.desk.queries import has_other_live_case
from takeback.orders.scope import OrderScope

PASSED: dict[Callable[..., Problem | None], Promise] = {
    policy.no_live_case: _("No other request for this item is open."),
    policy.not_shipped: _("The item has not been shipped yet."),
    policy.not_invoiced: _("The item has not been invoiced, or invoices do not block cancelling."),
    policy.within_cancel_time: _("The cancellation period has not ended."),
    policy.shipped_or_invoiced: _("The item has been shipped, or is about to be."),
    policy.within_return_window: _("The return period has not ended."),
    policy.reason_is_offered: _("The shop offers this reason."),
    policy.reason_fits: _("The reason matches the request type, or is not checked."),
    policy.description_where_needed: _("A description is given, or not needed."),
    policy.single_unit_is_not_split: _("This quantity can be split from the item."),
    policy.units_are_left: _("The quantity is still available."),
    policy.bank_account_where_needed: _("Bank details are complete, or not needed."),
    policy.loyalty_refund_is_offered: _("Refund to points is allowed, or not requested."),
}
"""The sentence of each rule that a case fulfils."""


class RuleResult(NamedTuple):
    """A rule's sentence, and its problem if the case breaks it."""

    sentence: str | Promise
    problem: Problem | None
    is_overridable: bool


def rule_results(case: CancellationRequest, now: datetime) -> list[RuleResult]:
    """The rules for a case of this kind, in the order of the policy.

    The case itself counts neither as a live case of its item nor by the status that confirming it
    gave the item. The rules for the return shipment applied when the case was opened.
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
        RuleResult(problem.message if problem else PASSED[rule.check], problem, rule.overridable)
        for rule in policy.RULES_OF[new.kind]
        if rule.check in PASSED
        for problem in [rule.check(context)]
    ]
