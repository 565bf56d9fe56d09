"""The rules at a decision on a case, which staff and channels may override (decision 0025)."""

from collections.abc import Callable, Collection, Iterable
from typing import Final, NamedTuple, Protocol

from takeback.bank_accounts.bank_account import bank_account_of
from takeback.cancellations import errors, policy
from takeback.cancellations.eligibility import load_eligibility_data
from takeback.cancellations.history import Details, RuleOutcome
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.models import CancellationRequest, CaseHistory
from takeback.cancellations.statuses import CaseEvent, Kind
from takeback.core.errors import Problem, Refused
from takeback.core.ids import ItemId
from takeback.orders.models import OrderItem
from takeback.orders.scope import OrderScope
from takeback.orders.units import units_left

Check = Callable[[policy.RequestContext], Problem | None]

# The return shipment was arranged when the case was opened.
_SHIPMENT: Final = {
    policy.carrier_is_offered,
    policy.pickup_has_an_address,
    policy.address_is_own,
    policy.pickup_has_a_carrier,
}
# Facts about the item, which nobody can override: transitions refuse them with their own codes.
FACTS: Final = {
    policy.no_live_case,
    policy.not_shipped,
    policy.shipped_or_invoiced,
    policy.units_are_left,
}


class Remarks(NamedTuple):
    """What accompanies a decision: a message to the customer, and a note that only staff read.

    `override` decides against rules that do not hold; one of the texts must give the reason.
    """

    message: str | None = None
    internal_note: str | None = None
    override: bool = False


NO_REMARKS = Remarks()


class RuleResult(NamedTuple):
    """A rule's check, its problem if it does not hold, and whether it is overridden already."""

    check: Check
    problem: Problem | None
    is_overridden: bool

    @property
    def is_overridable(self) -> bool:
        return self.check not in FACTS

    @property
    def needs_override(self) -> bool:
        return bool(self.problem) and self.is_overridable and not self.is_overridden


class Step(Protocol):
    """A row of a case's history."""

    @property
    def event(self) -> str: ...
    @property
    def overridden(self) -> list[str]: ...


def check_rules(ctx: policy.RequestContext, overridden: Collection[str]) -> list[RuleResult]:
    """The results of the rules for a case, in the order of the policy."""
    return [
        RuleResult(rule.check, problem, problem is not None and problem.code in overridden)
        for rule in policy.RULES_OF[ctx.new.kind]
        if rule.check not in _SHIPMENT
        for problem in [rule.check(ctx)]
    ]


def overridden_codes(steps: Iterable[Step]) -> set[str]:
    """The codes overridden so far, by steps in their order; an undone decision does not count."""
    codes: list[list[str]] = []
    for step in steps:
        if step.event == CaseEvent.UNDO and codes:
            codes[-1] = []
        codes.append(step.overridden)
    return {code for step_codes in codes for code in step_codes}


def rule_results(case: CancellationRequest, overridden: Collection[str]) -> list[RuleResult]:
    """The results of the rules for a live case.

    The time limits are those of the moment when the case was opened: waiting breaks no rule. Its
    reason may be off the list by now. The case itself is the only live case of its item, and the
    status that confirming it gave the item does not count: the one before does, or the one that
    was reported since.
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
    data = load_eligibility_data([new], OrderScope(case.channel_id))
    context = data.context(new, case.created_date)
    assert context, "a case has an item, which is in the scope of its channel"
    reason = case.reason
    context.reason = policy.Reason(
        reason.pk, reason.cancellation_type, reason.extra_information_needed
    )
    context.has_live_case = False
    if case.item_status_before is not None:
        context.status = case.order_item.deferred_status or case.item_status_before
    return check_rules(context, overridden)


def ensure_rules_allow(case: CancellationRequest, remarks: Remarks) -> Details:
    """The details of a decision in favour of a case.

    `Refused` if a rule does not hold and is not overridden, or if an override gives no reason.
    """
    results = _current_results(case)
    broken = [result.problem for result in results if result.problem and result.needs_override]
    if broken and not remarks.override:
        rules = " ".join(str(problem.message) for problem in broken)
        raise Refused(errors.RULE_BROKEN.with_values(rules=rules), order_item=case.order_item_id)
    if broken and not (remarks.internal_note or remarks.message):
        raise Refused(errors.OVERRIDE_NEEDS_NOTE, order_item=case.order_item_id)
    return _details(remarks, results, [problem.code for problem in broken])


def rejection_details(case: CancellationRequest, remarks: Remarks) -> Details:
    """The details of a rejection, for which the rules are recorded only."""
    return _details(remarks, _current_results(case), [])


def _current_results(case: CancellationRequest) -> list[RuleResult]:
    steps = CaseHistory.objects.filter(cancellation_request=case).order_by("seq")
    return rule_results(case, overridden_codes(steps.only("event", "overridden")))


def _details(remarks: Remarks, results: list[RuleResult], overridden: list[str]) -> Details:
    outcomes: list[RuleOutcome] = [
        {
            "rule": result.check.__name__,
            "code": result.problem.code if result.problem else None,
        }
        for result in results
    ]
    return Details(remarks.message, remarks.internal_note, outcomes, overridden)


def ensure_units_left(case: CancellationRequest, item: OrderItem) -> None:
    """`Refused` if units of the case are gone, as after a refund by another system."""
    left = units_left(item)
    if case.quantity > left:
        raise Refused(errors.with_units_left(errors.QUANTITY_TOO_LARGE, left), order_item=item.pk)
