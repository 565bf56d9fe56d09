"""The rules that hold refunds back and those for a second person: each alone, and their order."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from takeback.accounts.policy import ShopPolicy, shop_policy
from takeback.refunds.policy import (
    RULES,
    AccountFacts,
    Hold,
    PlanFacts,
    SecondPersonReason,
    SendFacts,
    hold_reason,
    needs_second_person,
    second_person_reasons,
)
from tests.factories import NOW, SHOP

ACCOUNT = AccountFacts(
    is_active=True,
    is_paused=False,
    needs_reconciliation=False,
    limit_each_minor=100,
    limit_day_minor=1000,
    sent_today_minor=900,
)
FACTS = SendFacts(
    amount_minor=100,
    needs_account=True,
    account=ACCOUNT,
    has_open_dispute=False,
    needs_second_person=True,
    has_second_person=True,
    refundable_until=NOW,
    sends=0,
    now=NOW,
)
SECOND = timedelta(seconds=1)
BROKEN: dict[Hold, dict[str, Any]] = {
    Hold.ACCOUNT_MISSING: {"account": None},
    Hold.ACCOUNT_INACTIVE: {"account": replace(ACCOUNT, is_active=False)},
    Hold.RESTORED: {"account": replace(ACCOUNT, needs_reconciliation=True)},
    Hold.PAUSED: {"account": replace(ACCOUNT, is_paused=True)},
    Hold.OPEN_DISPUTE: {"has_open_dispute": True},
    Hold.SECOND_PERSON_MISSING: {"has_second_person": False},
    Hold.ABOVE_LIMIT_EACH: {"account": replace(ACCOUNT, limit_each_minor=99)},
    Hold.ABOVE_LIMIT_DAY: {"account": replace(ACCOUNT, sent_today_minor=901)},
    Hold.DEADLINE_OVER: {"now": NOW + SECOND},
}
REPEATED = (
    Hold.ACCOUNT_MISSING,
    Hold.ACCOUNT_INACTIVE,
    Hold.RESTORED,
    Hold.PAUSED,
    Hold.OPEN_DISPUTE,
)


def test_refund_at_all_limits_is_sent() -> None:
    assert hold_reason(FACTS) is None


@pytest.mark.parametrize("hold", Hold)
def test_each_rule_holds_a_refund(hold: Hold) -> None:
    assert hold_reason(replace(FACTS, **BROKEN[hold])) is hold


@pytest.mark.parametrize("hold", Hold)
def test_repetition_is_held_by_rules_about_the_account_only(hold: Hold) -> None:
    facts = replace(FACTS, **BROKEN[hold], sends=1)
    assert hold_reason(facts) is (hold if hold in REPEATED else None)


def test_reasons_have_this_order() -> None:
    """Everything is wrong; the reason that comes first is repaired, one after the other."""
    account = AccountFacts(
        is_active=False,
        is_paused=True,
        needs_reconciliation=True,
        limit_each_minor=99,
        limit_day_minor=0,
        sent_today_minor=1,
    )
    facts = replace(
        FACTS,
        account=None,
        has_open_dispute=True,
        has_second_person=False,
        now=NOW + SECOND,
    )
    repairs: list[dict[str, Any]] = [
        {"account": account},
        {"account": replace(account, is_active=True)},
        {"account": replace(account, is_active=True, needs_reconciliation=False)},
        {"account": replace(ACCOUNT, limit_each_minor=99, sent_today_minor=901)},
        {"has_open_dispute": False},
        {"has_second_person": True},
        {"account": replace(ACCOUNT, sent_today_minor=901)},
        {"account": ACCOUNT},
        {"now": NOW},
    ]
    reasons = [hold_reason(facts)]
    for repair in repairs:
        facts = replace(facts, **repair)
        reasons.append(hold_reason(facts))
    assert reasons == [*Hold, None]
    assert [rule.hold for rule in RULES] == list(Hold)


def test_refund_by_other_means_needs_no_account() -> None:
    assert hold_reason(replace(FACTS, account=None, needs_account=False)) is None


def test_absent_limits_and_deadline_hold_nothing() -> None:
    account = replace(ACCOUNT, limit_each_minor=None, limit_day_minor=None)
    facts = replace(FACTS, account=account, refundable_until=None, amount_minor=10**12)
    assert hold_reason(facts) is None


def shop(limits: dict[str, int], *reasons: str) -> ShopPolicy:
    return replace(
        shop_policy(SHOP),
        second_person_above=tuple(limits.items()),
        second_person_for=frozenset(reasons),
    )


ALL = ("forced", "bank_account", "mark_as_paid")
PLAN = PlanFacts(shop({"eur": 500}, *ALL), "eur", total_minor=500, due_minor=500)
NEEDED: list[tuple[SecondPersonReason, dict[str, Any]]] = [
    (SecondPersonReason.AMOUNT, {"total_minor": 501}),
    (SecondPersonReason.AMOUNT, {"total_minor": 501, "currency": "EUR"}),
    (SecondPersonReason.FORCED, {"forced_minor": 501}),
    (
        SecondPersonReason.BANK_ACCOUNT,
        {"goes_to_bank_account": True, "is_bank_account_confirmed": False},
    ),
    (
        SecondPersonReason.BANK_ACCOUNT,
        {"goes_to_bank_account": True, "is_bank_account_changed": True},
    ),
    (SecondPersonReason.MARK_AS_PAID, {"is_marked_as_paid": True}),
]
NOT_NEEDED: list[dict[str, Any]] = [
    {},
    {"forced_minor": 500},
    {"forced_minor": 0},
    {"is_bank_account_confirmed": False},
    {"is_bank_account_changed": True},
    {"goes_to_bank_account": True},
    {"currency": "try", "total_minor": 10**9},
    {"shop": shop({"eur": 0}), "total_minor": 10**9},
    {"shop": shop({}), "forced_minor": 501, "is_marked_as_paid": True},
]


@pytest.mark.parametrize(("reason", "change"), NEEDED)
def test_second_person_is_needed(reason: SecondPersonReason, change: dict[str, Any]) -> None:
    facts = replace(PLAN, **change)
    assert (second_person_reasons(facts), needs_second_person(facts)) == ([reason], True)


@pytest.mark.parametrize("change", NOT_NEEDED)
def test_second_person_is_not_needed(change: dict[str, Any]) -> None:
    facts = replace(PLAN, **change)
    assert (second_person_reasons(facts), needs_second_person(facts)) == ([], False)


@pytest.mark.parametrize("reason", ALL)
def test_setting_switches_one_reason_off(reason: str) -> None:
    facts = replace(
        PLAN,
        shop=shop({}, *(set(ALL) - {reason})),
        forced_minor=501,
        goes_to_bank_account=True,
        is_bank_account_changed=True,
        is_marked_as_paid=True,
    )
    assert set(second_person_reasons(facts)) == set(ALL) - {reason}


def test_defaults_of_the_settings() -> None:
    policy = shop_policy(SHOP)
    assert policy.second_person_above == ()
    assert policy.second_person_for == {"forced", "bank_account"}
    assert policy.bank_account_retention_days == 90
