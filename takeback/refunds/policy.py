"""The rules that hold a refund back before it is sent, and those that require a second person.

They are pure. A refund that is held stays planned: nothing about it is final, and the same rules
are applied again at the next attempt.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from takeback.accounts.policy import ShopPolicy


class Hold(StrEnum):
    """Why a refund is not sent now."""

    ACCOUNT_MISSING = "account_missing"
    ACCOUNT_INACTIVE = "account_inactive"
    RESTORED = "restored"
    PAUSED = "paused"
    OPEN_DISPUTE = "open_dispute"
    SECOND_PERSON_MISSING = "second_person_missing"
    ABOVE_LIMIT_EACH = "above_limit_each"
    ABOVE_LIMIT_DAY = "above_limit_day"
    DEADLINE_OVER = "deadline_over"


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """The account through which a refund is sent; amounts are minor units of its currency."""

    is_active: bool
    is_paused: bool
    # The database may have lost refunds that the provider has (`refunds.commands.epoch`).
    needs_reconciliation: bool
    # None means no limit.
    limit_each_minor: int | None
    limit_day_minor: int | None
    # What other refunds of this account have sent since midnight UTC.
    sent_today_minor: int


@dataclass(frozen=True, slots=True)
class SendFacts:
    """The input of the rules for sending a refund."""

    amount_minor: int
    # Refunds to the original payment go through its provider's account.
    needs_account: bool
    account: AccountFacts | None
    has_open_dispute: bool
    needs_second_person: bool
    has_second_person: bool
    # The end of the time in which the provider accepts refunds of this payment; None: no end.
    refundable_until: datetime | None
    # Requests sent before: another one under the same key moves no other money.
    sends: int
    now: datetime


def has_an_account(facts: SendFacts) -> bool:
    """A refund to the original payment needs the account that took the payment."""
    return facts.account is not None or not facts.needs_account


def account_is_active(facts: SendFacts) -> bool:
    """A deactivated account sends nothing."""
    return facts.account is None or facts.account.is_active


def account_is_reconciled(facts: SendFacts) -> bool:
    """After a restore or a failover the provider is asked first what it has paid back."""
    return facts.account is None or not facts.account.needs_reconciliation


def account_is_not_paused(facts: SendFacts) -> bool:
    """Staff can pause an account."""
    return facts.account is None or not facts.account.is_paused


def no_open_dispute(facts: SendFacts) -> bool:
    """While the shopper's bank disputes the payment, a refund would pay twice."""
    return not facts.has_open_dispute


def second_person_agrees(facts: SendFacts) -> bool:
    """A second person must approve some refunds."""
    return facts.has_second_person or not facts.needs_second_person


def within_limit_each(facts: SendFacts) -> bool:
    """An account may limit the amount of each refund."""
    limit = facts.account.limit_each_minor if facts.account else None
    return limit is None or facts.amount_minor <= limit


def within_limit_of_the_day(facts: SendFacts) -> bool:
    """An account may limit what it sends from midnight to midnight UTC."""
    if facts.account is None or facts.account.limit_day_minor is None:
        return True
    return facts.account.sent_today_minor + facts.amount_minor <= facts.account.limit_day_minor


def within_the_deadline(facts: SendFacts) -> bool:
    """Providers refund a payment for a limited time after its capture."""
    return facts.refundable_until is None or facts.now <= facts.refundable_until


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition of sending, and why a refund is held if it does not hold.

    Without `is_for_repetitions` the rule is for the first request only: a refund in doubt may have
    been paid, and its repetition under the same key pays nothing more.
    """

    check: Callable[[SendFacts], bool]
    hold: Hold
    is_for_repetitions: bool = False


RULES: Final[tuple[Rule, ...]] = (
    Rule(has_an_account, Hold.ACCOUNT_MISSING, is_for_repetitions=True),
    Rule(account_is_active, Hold.ACCOUNT_INACTIVE, is_for_repetitions=True),
    Rule(account_is_reconciled, Hold.RESTORED, is_for_repetitions=True),
    Rule(account_is_not_paused, Hold.PAUSED, is_for_repetitions=True),
    Rule(no_open_dispute, Hold.OPEN_DISPUTE, is_for_repetitions=True),
    Rule(second_person_agrees, Hold.SECOND_PERSON_MISSING),
    Rule(within_limit_each, Hold.ABOVE_LIMIT_EACH),
    Rule(within_limit_of_the_day, Hold.ABOVE_LIMIT_DAY),
    Rule(within_the_deadline, Hold.DEADLINE_OVER),
)
"""The rules in the order of their precedence: the first one that does not hold is the reason."""


def hold_reason(facts: SendFacts) -> Hold | None:
    """Why a refund must not be sent now; None if it may be sent."""
    for rule in RULES:
        if facts.sends and not rule.is_for_repetitions:
            continue
        if not rule.check(facts):
            return rule.hold
    return None


class SecondPersonReason(StrEnum):
    """Why a second person must approve a refund; some are words of SECOND_PERSON_FOR."""

    AMOUNT = "amount"
    FORCED = "forced"
    BANK_ACCOUNT = "bank_account"
    MARK_AS_PAID = "mark_as_paid"


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """The input of the rules for a second person; amounts are minor units of one currency.

    `total_minor` is what all refunds of the plan give back together: a plan that is split into
    several payments has the same total. `due_minor` is the calculated amount.
    """

    shop: ShopPolicy
    currency: str
    total_minor: int
    due_minor: int
    forced_minor: int | None = None
    # Money goes to a bank account that was entered for the case.
    goes_to_bank_account: bool = False
    is_bank_account_confirmed: bool = True
    is_bank_account_changed: bool = False
    is_marked_as_paid: bool = False


def is_above_the_limit(facts: PlanFacts) -> bool:
    """A shop may require a second person above an amount of a currency."""
    limit = facts.shop.second_person_limit(facts.currency)
    return limit > 0 and facts.total_minor > limit


def is_forced_above_the_due(facts: PlanFacts) -> bool:
    """A forced amount may exceed what the items are worth."""
    return facts.forced_minor is not None and facts.forced_minor > facts.due_minor


def goes_to_a_new_bank_account(facts: PlanFacts) -> bool:
    """The bank account was changed after the request, or its owner has not confirmed it."""
    is_new = facts.is_bank_account_changed or not facts.is_bank_account_confirmed
    return facts.goes_to_bank_account and is_new


def is_marked_as_paid(facts: PlanFacts) -> bool:
    """A person states that the money was paid outside."""
    return facts.is_marked_as_paid


SECOND_PERSON_RULES: Final[dict[SecondPersonReason, Callable[[PlanFacts], bool]]] = {
    SecondPersonReason.AMOUNT: is_above_the_limit,
    SecondPersonReason.FORCED: is_forced_above_the_due,
    SecondPersonReason.BANK_ACCOUNT: goes_to_a_new_bank_account,
    SecondPersonReason.MARK_AS_PAID: is_marked_as_paid,
}

ALWAYS_ON: Final[Collection[SecondPersonReason]] = (SecondPersonReason.AMOUNT,)
"""The limit has a setting of its own; the others are on if SECOND_PERSON_FOR names them."""


def second_person_reasons(facts: PlanFacts) -> list[SecondPersonReason]:
    """Why a second person must approve the refunds of a plan; empty if nobody needs to."""
    return [
        reason
        for reason, applies in SECOND_PERSON_RULES.items()
        if (reason in ALWAYS_ON or reason in facts.shop.second_person_for) and applies(facts)
    ]


def needs_second_person(facts: PlanFacts) -> bool:
    """Whether a second person must approve the refunds of a plan."""
    return bool(second_person_reasons(facts))
