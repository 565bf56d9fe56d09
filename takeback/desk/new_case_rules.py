"""All rules that new cases break, so that an agent sees every problem at once."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from takeback.cancellations import errors, policy
from takeback.cancellations.eligibility import load_eligibility_data
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.statuses import Kind
from takeback.core.errors import Problem
from takeback.core.ids import ItemId
from takeback.desk.new_case_form import quantity_name
from takeback.logistics.queries import companies_on_offer
from takeback.orders.scope import OrderScope

CARRIER_REQUIRED = Problem(
    "carrier_required", 400, _("Choose a carrier. The shop has no default carrier for this return.")
)

_FIELDS: dict[Callable[..., Problem | None], str] = {
    policy.reason_is_offered: "reason",
    policy.reason_fits: "reason",
    policy.description_where_needed: "description",
    policy.carrier_is_offered: "carrier",
    policy.pickup_has_an_address: "carrier",
    policy.address_is_own: "carrier",
    policy.pickup_has_a_carrier: "carrier",
    policy.bank_account_where_needed: "iban",
    policy.loyalty_refund_is_offered: "refund_to_loyalty",
}
"""The form's field of each rule; the others are about the item."""
_QUANTITY_RULES = (policy.single_unit_is_not_split, policy.units_are_left)


class BrokenRule(NamedTuple):
    """A rule that a new case breaks, with the form's field that it is about."""

    item: ItemId
    field: str
    problem: Problem
    is_overridable: bool


def broken_rules(new: Sequence[NewCase], scope: OrderScope, now: datetime) -> list[BrokenRule]:
    """What the new cases break, in the order of the policy; a problem of a field counts once."""
    data = load_eligibility_data(new, scope)
    new = [data.with_default_pickup(case) for case in new]
    unserved = [case for case in new if case.kind == Kind.RETURN and not data.carrier_of(case)]
    needs_choice = bool(unserved) and bool(companies_on_offer(channel_id=scope.channel_id))
    broken = []
    for case in new:
        context = data.context(case, now)
        if context is None:
            broken.append(_broken(case, "items", errors.UNKNOWN_ITEM))
            continue
        broken += [
            _broken(case, _field_of(rule.check, case), problem, is_overridable=rule.overridable)
            for rule in policy.RULES_OF[case.kind]
            if rule.check is not policy.reason_fits or context.reason
            for problem in [rule.check(context)]
            if problem
        ]
        if needs_choice and case in unserved and not case.carrier:
            broken.append(_broken(case, "carrier", CARRIER_REQUIRED))
    return _without_repetitions(broken)


def _broken(
    case: NewCase, field: str, problem: Problem, *, is_overridable: bool = False
) -> BrokenRule:
    return BrokenRule(case.order_item, field, problem, is_overridable)


def _field_of(check: Callable[..., Problem | None], case: NewCase) -> str:
    if check in _QUANTITY_RULES:
        return quantity_name(case.order_item)
    return _FIELDS.get(check, "items")


def _without_repetitions(broken: Sequence[BrokenRule]) -> list[BrokenRule]:
    """A problem of the whole request, such as a missing carrier, shows at its first item."""
    first: dict[object, BrokenRule] = {}
    for rule in broken:
        is_of_item = rule.field == "items"
        first.setdefault((rule.field, rule.problem.code, rule.item if is_of_item else None), rule)
    return list(first.values())
