"""A reference model of a shop: its items and live cases, and the expected results of commands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from takeback.cancellations.inputs import NewCase
from takeback.cancellations.statuses import Kind
from takeback.core.actor import Actor, ActorKind
from takeback.core.ids import CaseId, ItemId
from takeback.orders.scope import OrderScope

SUCCESS = "success"
CANCEL_TIME, RETURN_DAYS = timedelta(days=1), timedelta(days=14)
CANCELLABLE = {200, 300, 350, 400, 450}
RETURNABLE = {450, 500, 510, 520, 540, 544, 545, 550}
"""Status codes of items. An item in preparation (450) is returnable if it is invoiced."""
UNKNOWN_ID = ItemId(2**31 - 1)


@dataclass
class ModelCase:
    """A live case, and the status of its item before the case was confirmed.

    `undo_status` is the status before the last decision, if nothing followed it, and
    `undo_codes` are the codes that this decision overrode.
    """

    pk: CaseId
    kind: Kind
    quantity: int
    opened_at: datetime
    overridden: set[str] = field(default_factory=set)
    status: str = "waiting"
    item_status_before: int | None = None
    deferred: int | None = None
    """The status that the shop sent while the item waited."""
    plan_id: int | None = None
    is_hidden: bool = False
    undo_status: str | None = None
    undo_codes: set[str] = field(default_factory=set)

    @property
    def item_status_after(self) -> int | None:
        """The status of the item when the case is closed without success."""
        before, deferred = self.item_status_before, self.deferred
        is_later = before is not None and deferred is not None and is_forward(before, deferred)
        return deferred if is_later else before

    def defer(self, status: int) -> None:
        """The shop sends a status of the waiting item."""
        waiting = self.deferred
        was_shipped = waiting == 100 and status >= 500
        if waiting is None or was_shipped or is_forward(waiting, status):
            self.deferred = status


def is_forward(before: int, after: int) -> bool:
    """Whether the shop can move an item from one status to the other."""
    if before in {100, 600}:
        return before == after
    return before < 500 if after == 100 else after >= before


@dataclass(frozen=True)
class Requester:
    """A shopper with an address book, or an agent."""

    name: str
    actor: Actor
    scope: OrderScope
    address_book: frozenset[int] = frozenset()


@dataclass(frozen=True)
class ModelOrder:
    """An order and its owner."""

    pk: int
    number: str
    owner: Requester
    is_paid_in_cash: bool
    address_ids: frozenset[int]


@dataclass
class ModelItem:
    """An item, or a part that was split off. `remote_id` is the item's id in the shop's system."""

    pk: ItemId
    remote_id: str
    order: ModelOrder
    quantity: int
    is_merged: bool
    status: int = 400
    units_closed: int = 0
    is_invoiced: bool = False
    delivered: datetime | None = None
    shipped: datetime | None = None
    case: ModelCase | None = None
    split_from: ItemId | None = None

    @property
    def units_left(self) -> int:
        return self.quantity - self.units_closed

    @property
    def arrived(self) -> datetime | None:
        """When the return window begins: at the delivery, or at the shipping if it is unknown."""
        return self.delivered or self.shipped

    @property
    def is_decided(self) -> bool:
        """Whether the item has ended or waits for its end: the shop cannot move it."""
        return self.status in {50, 100, 600}

    def can_merge(self, part: "ModelItem") -> bool:
        """Whether a part may return to this item: no case decides on either of them."""
        is_same = (self.status, self.is_invoiced, self.delivered, self.shipped) == (
            part.status,
            part.is_invoiced,
            part.delivered,
            part.shipped,
        )
        return is_same and not self.is_decided and self.case is None and part.case is None


@dataclass
class ModelReason:
    """A reason, and whether it is offered."""

    kind: Kind
    needs_description: bool = False
    is_offered: bool = True


@dataclass
class ModelCarrier:
    """A carrier, and whether it is offered."""

    needs_pickup: bool = False
    is_offered: bool = True


@dataclass
class ReferenceModel:
    """All items, reasons and carriers of the shop."""

    placed_at: datetime
    items: dict[ItemId, ModelItem] = field(default_factory=dict)
    reasons: dict[int, ModelReason] = field(default_factory=dict)
    carriers: dict[int, ModelCarrier] = field(default_factory=dict)
    completed_plans: set[int] = field(default_factory=set)

    def reason(self, kind: Kind, *, needs_description: bool = False) -> int:
        """The id of the reason of a kind."""
        expected = kind, needs_description
        reasons = self.reasons.items()
        return next(pk for pk, row in reasons if (row.kind, row.needs_description) == expected)

    def carrier(self, *, needs_pickup: bool) -> int:
        """The id of the carrier that collects goods, or of the other one."""
        return next(pk for pk, row in self.carriers.items() if row.needs_pickup == needs_pickup)


class Opening(NamedTuple):
    """A new case, its requester and its time."""

    model: ReferenceModel
    new: NewCase
    requester: Requester
    now: datetime
    overrides: bool = False

    @property
    def item(self) -> ModelItem:
        return self.model.items[self.new.order_item]

    @property
    def reason(self) -> ModelReason:
        return self.model.reasons[self.new.reason]

    @property
    def carrier(self) -> ModelCarrier | None:
        return self.model.carriers.get(self.new.carrier or 0)

    @property
    def quantity(self) -> int:
        return self.new.quantity or 1


def item_is_unknown(opening: Opening) -> bool:
    """The item does not exist, or is not in the requester's scope."""
    item = opening.model.items.get(opening.new.order_item)
    return item is None or not can_access(opening.requester, item)


def item_has_live_case(opening: Opening) -> bool:
    """Another case for the item is live."""
    return opening.item.case is not None


def is_not_cancellable(opening: Opening) -> bool:
    """A cancellation of shipped or closed units."""
    item = opening.item
    is_cancellable = item.status in CANCELLABLE and item.units_left
    return opening.new.kind is Kind.CANCEL and not is_cancellable


def is_late_cancellation(opening: Opening) -> bool:
    """A cancellation after the invoice or the time limit."""
    is_over = opening.now > opening.model.placed_at + CANCEL_TIME
    return opening.new.kind is Kind.CANCEL and (opening.item.is_invoiced or is_over)


def is_not_returnable(opening: Opening) -> bool:
    """A return of units that are not shipped, or closed."""
    item = opening.item
    is_here = item.status == 450 and not item.is_invoiced
    is_returnable = item.status in RETURNABLE and not is_here and item.units_left
    return opening.new.kind is Kind.RETURN and not is_returnable


def is_late_return(opening: Opening) -> bool:
    """A return after the last day of the return window."""
    arrived = opening.item.arrived
    is_over = arrived and opening.now.date() > (arrived + RETURN_DAYS).date()
    return opening.new.kind is Kind.RETURN and bool(is_over)


def reason_is_not_offered(opening: Opening) -> bool:
    """The reason does not exist, or is switched off."""
    return opening.new.reason not in opening.model.reasons or not opening.reason.is_offered


def reason_is_for_other_kind(opening: Opening) -> bool:
    """A reason for returns on a cancellation, or the reverse."""
    return opening.reason.kind is not opening.new.kind


def description_is_missing(opening: Opening) -> bool:
    """The reason needs a description."""
    return opening.reason.needs_description and not opening.new.description


def splits_single_unit(opening: Opening) -> bool:
    """A quantity above one for an item that is one unit."""
    return opening.quantity > 1 and opening.item.quantity == 1 and not opening.item.is_merged


def exceeds_units_left(opening: Opening) -> bool:
    """More units than are left."""
    return opening.quantity > opening.item.units_left


def carrier_is_not_offered(opening: Opening) -> bool:
    """A return with a carrier that does not exist, or is switched off."""
    is_offered = opening.carrier.is_offered if opening.carrier else opening.new.carrier is None
    return opening.new.kind is Kind.RETURN and not is_offered


def pickup_address_is_missing(opening: Opening) -> bool:
    """A return without address and with a carrier that collects the goods."""
    needs_pickup = opening.carrier is not None and opening.carrier.needs_pickup
    is_return = opening.new.kind is Kind.RETURN
    return is_return and needs_pickup and opening.new.pickup_address is None


def address_is_foreign(opening: Opening) -> bool:
    """An address that is neither the order's nor in the requester's address book."""
    own = opening.item.order.address_ids | opening.requester.address_book
    return opening.new.pickup_address not in own | {None}


def pickup_has_no_carrier(opening: Opening) -> bool:
    """A return with a pickup address that no carrier goes to."""
    is_pickup = opening.new.kind is Kind.RETURN and opening.new.pickup_address is not None
    return is_pickup and opening.carrier is None


def bank_account_is_missing(opening: Opening) -> bool:
    """An order paid in cash without a bank account or loyalty points for the refund."""
    has_target = opening.new.bank_account or opening.new.refund_to_loyalty
    return opening.item.order.is_paid_in_cash and not has_target


def loyalty_is_closed(opening: Opening) -> bool:
    """Loyalty points for a guest's order."""
    return opening.new.refund_to_loyalty and is_of_guest(opening.item)


REFUSALS: Sequence[tuple[str, Callable[[Opening], bool]]] = [
    ("unknown_item", item_is_unknown),
    ("cancellation_request_100_1", item_has_live_case),
    ("cancellation_request_100_2", is_not_cancellable),
    ("cancellation_request_100_2", is_late_cancellation),
    ("cancellation_request_100_3", is_not_returnable),
    ("cancellation_request_100_3", is_late_return),
    ("unknown_reason", reason_is_not_offered),
    ("cancellation_request_100_4", reason_is_for_other_kind),
    ("cancellation_request_100_5", description_is_missing),
    ("cancellation_request_100_9", splits_single_unit),
    ("quantity_too_large", exceeds_units_left),
    ("cancellation_request_100_6", carrier_is_not_offered),
    ("cancellation_request_100_8", pickup_address_is_missing),
    ("unknown_address", address_is_foreign),
    ("pickup_needs_carrier", pickup_has_no_carrier),
    ("bank_account_required", bank_account_is_missing),
    ("loyalty_100_1", loyalty_is_closed),
]
OVERRIDABLE = {
    is_late_cancellation,
    is_late_return,
    reason_is_for_other_kind,
    description_is_missing,
}


def expected_result(opening: Opening) -> str:
    """The code of the refusal, or `SUCCESS`."""
    for code, applies in REFUSALS:
        if not (opening.overrides and applies in OVERRIDABLE) and applies(opening):
            return code
    return SUCCESS


def overridden_codes(opening: Opening) -> set[str]:
    """The codes of the rules that a successful opening has overridden."""
    return {code for code, applies in REFUSALS if applies in OVERRIDABLE and applies(opening)}


def expected_results(openings: Sequence[Opening]) -> tuple[str, int]:
    """The first refusal and its position; a repeated item is refused after all others."""
    for position, opening in enumerate(openings):
        result = expected_result(opening)
        if result != SUCCESS:
            return result, position
    item_ids = [opening.new.order_item for opening in openings]
    if len(set(item_ids)) < len(item_ids):
        return "item_twice", len(item_ids) - 1
    return SUCCESS, len(item_ids)


NOT_CONFIRMED = {"waiting", "waiting_approval"}
NOT_APPROVED = NOT_CONFIRMED | {"confirmed"}
STATUSES_BEFORE = {
    "review": {"waiting"},
    "confirm": NOT_CONFIRMED,
    "approve": NOT_APPROVED,
    "reject": NOT_APPROVED,
    "withdraw": NOT_APPROVED,
    "remove": NOT_APPROVED,
}
"""The statuses of live cases in which a command is allowed."""


def broken_codes(model: ReferenceModel, item: ModelItem, case: ModelCase) -> set[str]:
    """The codes of rules that a case breaks: by its own time, and by what its item is now."""
    codes = set()
    is_late = case.opened_at > model.placed_at + CANCEL_TIME
    if case.kind is Kind.CANCEL and (item.is_invoiced or is_late):
        codes.add("cancellation_request_100_2")
    last_day = item.arrived and (item.arrived + RETURN_DAYS).date()
    if case.kind is Kind.RETURN and last_day and case.opened_at.date() > last_day:
        codes.add("cancellation_request_100_3")
    return codes - case.overridden


def expected_transition(
    model: ReferenceModel,
    item: ModelItem,
    case: ModelCase,
    command: str,
    requester: Requester,
    *,
    overrides: bool = False,
) -> str:
    """The code of the refusal of a command, or `SUCCESS`."""
    is_live = item.case == case
    if not can_access(requester, item) or case.is_hidden:
        return "not_found"
    if command == "undo":
        return SUCCESS if can_undo(model, item, case) else "cannot_undo"
    if command == "remove" and not is_live:
        return SUCCESS
    if not is_live or case.status not in STATUSES_BEFORE[command]:
        is_too_late = is_live and command == "confirm" and is_shipped_meanwhile(case)
        return "cancellation_request_100_2" if is_too_late else "wrong_state"
    if command not in {"confirm", "approve"}:
        return SUCCESS
    is_broken = broken_codes(model, item, case) and not overrides
    return expected_fact(item, case) or ("rule_broken" if is_broken else SUCCESS)


def is_shipped_meanwhile(case: ModelCase) -> bool:
    """Whether the item of a confirmed cancellation was reported as shipped."""
    reported = case.deferred or 0
    is_waiting = case.kind is Kind.CANCEL and case.status == "confirmed"
    return is_waiting and 500 <= reported <= 550


def expected_fact(item: ModelItem, case: ModelCase) -> str | None:
    """The code of the fact that keeps a case from being confirmed; None if it is confirmed."""
    if case.status == "confirmed":
        return "cancellation_request_100_2" if is_shipped_meanwhile(case) else None
    if case.kind is Kind.CANCEL:
        return None if item.status in CANCELLABLE else "cancellation_request_100_2"
    return None if item.status in RETURNABLE else "cancellation_request_100_3"


def can_undo(model: ReferenceModel, item: ModelItem, case: ModelCase) -> bool:
    """Whether the last decision about a case can be taken back."""
    if case.undo_status is None:
        return False
    if case.undo_status == "confirmed" and case.plan_id in model.completed_plans:
        return False
    if item.case != case:
        is_free = item.case is None and not item.is_decided
        if not is_free or case.quantity > item.units_left:
            return False
    others = [row.case for row in model.items.values() if row.order == item.order and row.case]
    waiting = {row.plan_id for row in others if row.status == "confirmed" and row.kind is case.kind}
    return case.undo_status != "confirmed" or waiting <= {case.plan_id}


def can_access(requester: Requester, item: ModelItem) -> bool:
    """Agents access all items, shoppers their own."""
    return requester.actor.kind is ActorKind.STAFF or requester == item.order.owner


def is_of_guest(item: ModelItem) -> bool:
    """Whether a guest has ordered the item."""
    return item.order.owner.actor.kind is ActorKind.GUEST


def usual_kind(item: ModelItem) -> Kind | None:
    """The kind of a new case for the item, apart from a live case and time limits."""
    if item.units_left and item.status in CANCELLABLE and not item.is_invoiced:
        return Kind.CANCEL
    if item.units_left and item.status in RETURNABLE - {450}:
        return Kind.RETURN
    return None


EVENTS = {
    "open one",
    "open many",
    "withdraw",
    "reject",
    "confirm",
    "review",
    "approve",
    "undo",
    "remove",
    "order updated",
    "completed elsewhere",
    "offer changed",
    "merged",
    "complete",
}
CODES = {code for code, _ in REFUSALS} | {
    "item_twice",
    "wrong_state",
    "rule_broken",
    "cannot_undo",
    "not_found",
    "changed order refused",
}
"""All refusals except `conflict`, which needs concurrency (`test_races.py`)."""
