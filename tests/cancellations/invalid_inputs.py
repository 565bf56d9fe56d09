"""What may be wrong with an ask."""

from collections.abc import Callable
from dataclasses import replace

from takeback.cancellations.inputs import NewCase
from takeback.cancellations.statuses import Kind
from takeback.core.actor import ActorKind
from tests.cancellations.reference_model import NOWHERE, Line, World, other

Spoil = Callable[[World, NewCase], NewCase]
FLAWS: dict[str, tuple[Callable[[Line, Kind], bool], Spoil]] = {
    "asked before": (lambda line, kind: line.case is not None, lambda world, ask: ask),
    "the wrong kind": (
        lambda line, kind: not line.case,
        lambda world, ask: replace(ask, kind=other(ask.kind)),
    ),
    "the other reason": (
        lambda line, kind: not line.case,
        lambda world, ask: replace(ask, reason=world.reason(other(ask.kind))),
    ),
    "no such reason": (
        lambda line, kind: not line.case,
        lambda world, ask: replace(ask, reason=NOWHERE),
    ),
    "no words": (
        lambda line, kind: not line.case,
        lambda world, ask: replace(
            ask, reason=world.reason(ask.kind, needs_words=True), description=None
        ),
    ),
    "two of one": (
        lambda line, kind: not line.case and line.quantity == 1 and not line.is_merged,
        lambda world, ask: replace(ask, quantity=2),
    ),
    "too many": (
        lambda line, kind: not line.case and line.is_merged,
        lambda world, ask: replace(ask, quantity=world.lines[ask.order_item].left + 1),
    ),
    "no such carrier": (
        lambda line, kind: not line.case and kind is Kind.REFUND,
        lambda world, ask: replace(ask, carrier=NOWHERE),
    ),
    "picked up nowhere": (
        lambda line, kind: not line.case and kind is Kind.REFUND,
        lambda world, ask: replace(
            ask, carrier=world.carrier(needs_pickup=True), pickup_address=None
        ),
    ),
    "no such address": (
        lambda line, kind: not line.case,
        lambda world, ask: replace(ask, pickup_address=NOWHERE),
    ),
    "no account": (
        lambda line, kind: not line.case and line.purchase.paid_in_cash,
        lambda world, ask: replace(ask, bank_account=None),
    ),
    "points": (
        lambda line, kind: not line.case and line.purchase.owner.actor.kind is ActorKind.GUEST,
        lambda world, ask: replace(ask, refund_to_loyalty=True),
    ),
    "no such item": (lambda line, kind: True, lambda world, ask: replace(ask, order_item=NOWHERE)),
}
"""What may be wrong with an ask, for which lines that tells, and how to do it."""
