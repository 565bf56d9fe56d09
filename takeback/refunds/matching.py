"""Compares the state of a payment with our refunds: which entries are ours, and what is others'.

The functions read rows and change nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from takeback.orders.models import Payment
from takeback.refunds.models import Refund
from takeback.refunds.providers import PaymentState, ProviderRefund, RefundStatus
from takeback.refunds.statuses import UNDECIDED, Attention, Status

COUNTED: Final = frozenset({*UNDECIDED, Status.CONFIRMED})
"""Statuses in which our balances contain a refund that the provider may report."""


class Observation(NamedTuple):
    """A state, and the moment before it was requested: the state is at least as new."""

    state: PaymentState
    at: datetime


class Report(NamedTuple):
    """The entries of a state: those of our refunds by id, and all others."""

    own: Mapping[int, ProviderRefund]
    others: Sequence[ProviderRefund]


def match_entries(refunds: Sequence[Refund], state: PaymentState) -> Report:
    """Match entries to our refunds, by the provider's id first, then by our reference.

    If one refund has several entries, the one with the known id counts, else one that has not
    failed; the remaining ones are others.
    """
    by_id = {refund.provider_refund: refund.pk for refund in refunds if refund.provider_refund}
    by_reference = {refund.uuid.hex: refund.pk for refund in refunds}
    own: dict[int, ProviderRefund] = {}
    others = []
    for entry in sorted(state.refunds, key=lambda entry: _rank(entry, by_id)):
        pk = by_id.get(entry.provider_refund) or by_reference.get(entry.reference or "")
        if pk is None or pk in own:
            others.append(entry)
        else:
            own[pk] = entry
    return Report(own, others)


def _rank(entry: ProviderRefund, by_id: Mapping[str, int]) -> tuple[bool, bool, str]:
    is_known = entry.provider_refund in by_id
    return not is_known, not _moves_money(entry), entry.provider_refund


def has_second_payout(refund: Refund, report: Report) -> bool:
    """Whether another entry under the reference of this refund has not failed."""
    return any(
        entry.reference == refund.uuid.hex and _moves_money(entry) for entry in report.others
    )


def has_right_amount(refund: Refund, amount_minor: int, currency: str) -> bool:
    return (amount_minor, currency.lower()) == (refund.amount_minor, refund.currency.lower())


def misfit(payment: Payment, refunds: Sequence[Refund], state: PaymentState) -> Attention | None:
    """Why a state cannot be that of a payment; None if it can. `payment.order` is loaded."""
    currency = payment.currency or payment.order.currency
    if state.currency.lower() != currency.lower():
        return Attention.OTHER_CURRENCY
    # A test account never confirms a live refund, and a live one no refund of a test.
    if any(refund.account and refund.account.is_test != state.is_test for refund in refunds):
        return Attention.CONTRADICTION
    return None


def is_older(payment: Payment, observation: Observation, now: datetime) -> bool:
    """Whether a newer state has been applied. A clock that was put back does not count."""
    newest = payment.observed_at
    return newest is not None and observation.at < newest <= now


def minor_without_others(refund: Refund, report: Report, state: PaymentState) -> int:
    """The provider's total without the refunds that are certainly not this one.

    An entry without reference and known id may be this one if its amount is equal. While this
    number stays the same, no request for the refund has had an effect.
    """
    of_others = {entry.provider_refund for pk, entry in report.own.items() if pk != refund.pk}
    certain = sum(
        entry.amount_minor
        for entry in state.refunds
        if _moves_money(entry)
        and (entry.provider_refund in of_others or not _may_be(entry, refund))
    )
    return state.refunded_minor - certain


def minor_of_others(refunds: Sequence[Refund], report: Report, state: PaymentState) -> int:
    """What others refunded: entries that our balances do not contain, or an unexplained total.

    Our own refunds that the list lacks may be in the total already. An entry without reference
    that may be one of them is not counted before that is clear.
    """
    counted = [refund for refund in refunds if Status(refund.status) in COUNTED]
    unlisted = [refund for refund in counted if refund.pk not in report.own and not refund.is_void]
    own = {refund.pk for refund in counted} & report.own.keys()
    own_minor = sum(
        entry.amount_minor for pk, entry in report.own.items() if pk in own and _moves_money(entry)
    )
    certain = sum(
        entry.amount_minor
        for entry in report.others
        if _moves_money(entry) and not any(_may_be(entry, refund) for refund in unlisted)
    )
    # Entries of refunds that have ended here: the provider contradicts us.
    certain += sum(
        entry.amount_minor
        for pk, entry in report.own.items()
        if pk not in own and _moves_money(entry)
    )
    unexplained = state.refunded_minor - own_minor - sum(r.amount_minor for r in unlisted)
    return max(certain, unexplained)


def _may_be(entry: ProviderRefund, refund: Refund) -> bool:
    if refund.provider_refund:
        return entry.provider_refund == refund.provider_refund
    if entry.reference is not None:
        return entry.reference == refund.uuid.hex
    return entry.amount_minor == refund.amount_minor


def _moves_money(entry: ProviderRefund) -> bool:
    return entry.status is not RefundStatus.FAILED
