"""A shop in memory: what a test knows of its lines and cases, and what it expects of an ask."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from takeback.cancellations.inputs import NewCase
from takeback.cancellations.statuses import Kind
from takeback.core.actor import Actor, ActorKind
from takeback.orders.scope import OrderScope

LET_IN = "let in"
CANCEL_TIME, RETURN_DAYS = timedelta(days=1), timedelta(days=14)
CAN_BE_CANCELLED = {200, 300, 350, 400, 450}
CAN_COME_BACK = {450, 500, 510, 520, 540, 544, 545, 550}
"""Codes of items; one that is being prepared only with an invoice."""
NOWHERE = 2**31 - 1
"""The number of nothing."""


@dataclass
class Case:
    """A live case, in which state, and what its line was before it was confirmed."""

    pk: int
    kind: Kind
    quantity: int
    status: str = "waiting"
    line_before: int | None = None
    is_hidden: bool = False


@dataclass(frozen=True)
class Person:
    """Somebody who asks; `book` are the addresses of their own."""

    name: str
    actor: Actor
    scope: OrderScope
    book: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Purchase:
    """An order, and what is special about it; `copies` are its own addresses."""

    pk: int
    number: str
    owner: Person
    paid_in_cash: bool
    copies: frozenset[int]


@dataclass
class Line:
    """A line, or a part of one that was set apart; `shop_name` is what the shop knows it by."""

    pk: int
    shop_name: str
    purchase: Purchase
    quantity: int
    is_merged: bool
    status: int = 400
    used: int = 0
    is_invoiced: bool = False
    arrived: datetime | None = None
    case: Case | None = None

    @property
    def left(self) -> int:
        """Units that have not gone yet."""
        return self.quantity - self.used

    @property
    def is_held(self) -> bool:
        """It has ended or waits for it: nobody moves it from outside."""
        return self.status in {50, 100, 600}


@dataclass
class Reason:
    """A reason that is offered, or was."""

    kind: Kind
    needs_words: bool = False
    is_active: bool = True


@dataclass
class Carrier:
    """A carrier that is offered, or was."""

    needs_pickup: bool = False
    is_offered: bool = True


@dataclass
class World:
    """All of it; `expected` says what an ask must come to."""

    placed: datetime
    lines: dict[int, Line] = field(default_factory=dict)
    reasons: dict[int, Reason] = field(default_factory=dict)
    carriers: dict[int, Carrier] = field(default_factory=dict)

    def reason(self, kind: Kind, *, needs_words: bool = False) -> int:
        """A reason of this kind, on offer or not."""
        return next(
            pk
            for pk, reason in self.reasons.items()
            if (reason.kind, reason.needs_words) == (kind, needs_words)
        )

    def carrier(self, *, needs_pickup: bool) -> int:
        """A carrier that comes, or one that waits; on offer or not."""
        return next(pk for pk, found in self.carriers.items() if found.needs_pickup == needs_pickup)

    def expected(self, ask: NewCase, asker: Person, now: datetime, *, waives: bool = False) -> str:
        """The code of the refusal, or `LET_IN`."""
        line = self.lines.get(ask.order_item)
        if line is None or not sees(asker, line):
            return "unknown_item"
        said = self._of_the_line(line, ask.kind, now, waives=waives)
        if said == LET_IN:
            said = self._of_the_reason(ask, waives=waives)
        if said == LET_IN:
            said = self._of_the_ask(line, ask, asker)
        return said

    def expected_of_all(
        self, asks: Sequence[NewCase], asker: Person, now: datetime
    ) -> tuple[str, int]:
        """The first problem and where it is; what is named twice comes last."""
        for position, ask in enumerate(asks):
            said = self.expected(ask, asker, now)
            if said != LET_IN:
                return said, position
        twice = len({ask.order_item for ask in asks}) < len(asks)
        return ("item_twice", len(asks) - 1) if twice else (LET_IN, len(asks))

    def _of_the_line(self, line: Line, kind: Kind, now: datetime, *, waives: bool) -> str:
        if line.case:
            return "cancellation_request_100_1"
        if kind is Kind.CANCEL:
            late = line.is_invoiced or now > self.placed + CANCEL_TIME
            closed = line.status not in CAN_BE_CANCELLED or not line.left
            return "cancellation_request_100_2" if closed or (late and not waives) else LET_IN
        late = line.arrived is not None and now.date() > (line.arrived + RETURN_DAYS).date()
        here = line.status == 450 and not line.is_invoiced
        closed = line.status not in CAN_COME_BACK or here or not line.left
        return "cancellation_request_100_3" if closed or (late and not waives) else LET_IN

    def _of_the_reason(self, ask: NewCase, *, waives: bool) -> str:
        reason = self.reasons.get(ask.reason)
        if reason is None or not reason.is_active:
            return "unknown_reason"
        if reason.kind is not ask.kind and not waives:
            return "cancellation_request_100_4"
        if reason.needs_words and not ask.description and not waives:
            return "cancellation_request_100_5"
        return LET_IN

    def _of_the_ask(self, line: Line, ask: NewCase, asker: Person) -> str:
        if (ask.quantity or 1) > 1 and line.quantity == 1 and not line.is_merged:
            return "cancellation_request_100_9"
        if (ask.quantity or 1) > line.left:
            return "quantity_too_large"
        carrier = self.carriers.get(ask.carrier or 0, Carrier(is_offered=ask.carrier is None))
        if ask.kind is Kind.REFUND and not carrier.is_offered:
            return "cancellation_request_100_6"
        if ask.kind is Kind.REFUND and carrier.needs_pickup and ask.pickup_address is None:
            return "cancellation_request_100_8"
        own = line.purchase.copies | asker.book
        if ask.pickup_address not in own | {None}:
            return "unknown_address"
        return self._of_the_money(line, ask)

    def _of_the_money(self, line: Line, ask: NewCase) -> str:
        if line.purchase.paid_in_cash and not (ask.bank_account or ask.refund_to_loyalty):
            return "bank_account_required"
        is_guest = line.purchase.owner.actor.kind is ActorKind.GUEST
        return "loyalty_100_1" if ask.refund_to_loyalty and is_guest else LET_IN


def sees(person: Person, line: Line) -> bool:
    """An agent sees all lines, others their own."""
    return person.actor.kind is ActorKind.STAFF or person == line.purchase.owner


def expected_of_step(line: Line, case: Case, command: str, person: Person) -> str:
    """The code of the refusal, or `LET_IN`."""
    if not sees(person, line) or case.is_hidden:
        return "not_found"
    if command == "remove" and line.case != case:
        return LET_IN
    if line.case != case or case.status not in STARTS[command]:
        return "wrong_state"
    if command not in CONFIRMING or case.status == "confirmed":
        return LET_IN
    if case.kind is Kind.CANCEL:
        return LET_IN if line.status in CAN_BE_CANCELLED else "cancellation_request_100_2"
    return LET_IN if line.status in CAN_COME_BACK else "cancellation_request_100_3"


NOT_CONFIRMED = {"waiting", "waiting_approval"}
STARTS = {
    "review": {"waiting"},
    "confirm": NOT_CONFIRMED,
    "approve": NOT_CONFIRMED | {"confirmed"},
    "reject": NOT_CONFIRMED | {"confirmed"},
    "withdraw": NOT_CONFIRMED | {"confirmed"},
    "remove": NOT_CONFIRMED | {"confirmed"},
}
"""The states of live cases from which a command leads on."""
CONFIRMING = {"confirm", "approve"}


def other(kind: Kind) -> Kind:
    """There are two."""
    return Kind.REFUND if kind is Kind.CANCEL else Kind.CANCEL


def usual_kind(line: Line) -> Kind | None:
    """What can be asked for this line, were there no case."""
    if line.left and line.status in CAN_BE_CANCELLED and not line.is_invoiced:
        return Kind.CANCEL
    if line.left and line.status in CAN_COME_BACK - {450}:
        return Kind.REFUND
    return None


COMMANDS = {
    "open_request",
    "open_many",
    "withdraw",
    "reject",
    "confirm",
    "review",
    "approve",
    "remove",
    "told again",
    "undone elsewhere",
    "switched",
}
CODES = {
    *(f"cancellation_request_100_{number}" for number in (1, 2, 3, 4, 5, 6, 8, 9)),
    "loyalty_100_1",
    "unknown_item",
    "item_twice",
    "unknown_reason",
    "quantity_too_large",
    "unknown_address",
    "bank_account_required",
    "wrong_state",
    "not_found",
    "told otherwise",
}
"""All refusals but `conflict`, which needs a rival (`test_races.py`)."""
