"""Finds states of a payment that cannot be true, whatever happened at the provider."""

from collections import Counter

from takeback.refunds.providers import PaymentState, RefundStatus


def contradiction(state: PaymentState) -> str | None:
    """A code of what contradicts itself; None if the state can be true.

    A total above the listed refunds can be true: a list may lag. Two refunds under one reference
    and a total above the capture are facts, too: the provider has paid twice.
    """
    amounts = (state.captured_minor, state.refunded_minor, state.charged_back_minor)
    if min(amounts) < 0 or any(refund.amount_minor <= 0 for refund in state.refunds):
        return "negative_amount"
    if any(refund.currency != state.currency for refund in state.refunds):
        return "mixed_currencies"
    ids = Counter(refund.provider_refund for refund in state.refunds)
    if any(count > 1 for count in ids.values()):
        return "refund_twice"
    listed = sum(
        refund.amount_minor for refund in state.refunds if refund.status is not RefundStatus.FAILED
    )
    if listed > state.refunded_minor:
        return "total_below_refunds"
    if state.is_authorized_only and state.captured_minor:
        return "captured_and_not_captured"
    return None
