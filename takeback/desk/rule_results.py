"""The rules of a case, at present and as the history keeps them, in sentences for agents."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from takeback.cancellations import errors, policy
from takeback.cancellations.decision import RuleResult
from takeback.cancellations.history import RuleOutcome
from takeback.core.errors import Problem

PASSED: dict[Callable[..., Problem | None], Promise] = {
    policy.no_live_case: _("No other request for this item is open."),
    policy.not_shipped: _("The item has not been shipped yet."),
    policy.not_invoiced: _("The item has not been invoiced, or invoices do not block cancelling."),
    policy.within_cancel_time: _("The cancellation was requested in time."),
    policy.shipped_or_invoiced: _("The item has been shipped, or is about to be."),
    policy.within_return_window: _("The return was requested in time."),
    policy.reason_is_offered: _("The shop offered this reason."),
    policy.reason_fits: _("The reason matches the request type, or is not checked."),
    policy.description_where_needed: _("A description is given, or not needed."),
    policy.single_unit_is_not_split: _("This quantity can be split from the item."),
    policy.units_are_left: _("The quantity is still available."),
    policy.bank_account_where_needed: _("Bank details are complete, or not needed."),
    policy.loyalty_refund_is_offered: _("Refund to points is allowed, or not requested."),
}
"""The sentence of each rule that a case fulfils."""

_OVERRIDDEN: Final[dict[Callable[..., Problem | None], Problem]] = {
    policy.not_invoiced: errors.ALREADY_INVOICED,
    policy.within_cancel_time: errors.CANCEL_TIME_OVER,
    policy.within_return_window: errors.RETURN_TIME_OVER,
    policy.reason_fits: errors.REASON_DOES_NOT_FIT,
    policy.description_where_needed: errors.DESCRIPTION_REQUIRED,
    policy.single_unit_is_not_split: errors.SINGLE_UNIT,
    policy.bank_account_where_needed: errors.BANK_ACCOUNT_REQUIRED,
    policy.loyalty_refund_is_offered: errors.LOYALTY_REFUND_NOT_OFFERED,
}
"""The problem of each rule that can be overridden, when a case is opened or decided."""


class RuleSentence(NamedTuple):
    """A rule of a case in words; `is_fulfilled` is false for an overridden rule, too."""

    sentence: str | Promise
    is_fulfilled: bool
    is_overridden: bool
    is_overridable: bool


def rule_sentences(results: Iterable[RuleResult]) -> list[RuleSentence]:
    """The rules in the order of the policy."""
    return [
        RuleSentence(
            result.problem.message if result.problem else PASSED[result.check],
            is_fulfilled=result.problem is None,
            is_overridden=result.is_overridden,
            is_overridable=result.is_overridable,
        )
        for result in results
    ]


def rules_summary(broken: int, total: int) -> str:
    """How many rules hold, in one sentence."""
    if not broken:
        sentence = ngettext("%(total)d rule holds.", "All %(total)d rules hold.", total)
    else:
        sentence = ngettext(
            "%(met)d of %(total)d rules hold; %(broken)d does not.",
            "%(met)d of %(total)d rules hold; %(broken)d do not.",
            broken,
        )
    return sentence % {"met": total - broken, "total": total, "broken": broken}


def recorded_summary(outcomes: Sequence[RuleOutcome] | None) -> str:
    """The summary that a history row keeps; empty if it keeps none."""
    if not outcomes:
        return ""
    return rules_summary(sum(bool(outcome["code"]) for outcome in outcomes), len(outcomes))


def overridden_sentences(
    outcomes: Sequence[RuleOutcome] | None, codes: Sequence[str]
) -> list[str | Promise]:
    """The rules that a history row keeps as overridden, in words.

    Some rules share a code. The rules of a decision tell them apart; the opening keeps codes only.
    """
    broken = {outcome["rule"] for outcome in outcomes or () if outcome["code"]}
    return [
        problem.message
        for check, problem in _OVERRIDDEN.items()
        if problem.code in codes and (outcomes is None or check.__name__ in broken)
    ]
