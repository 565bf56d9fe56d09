"""Steps of a case that somebody decides on: each locks the order, looks, decides and writes.

Row, history and message are one transaction. A `version` that a caller names must still be
the case's own: nobody overwrites what they have not seen.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from django.db import transaction

from takeback.cancellations import errors
from takeback.cancellations.history import update_case, update_cases
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.plans import (
    AS_BOUGHT,
    RefundTerms,
    get_or_create_plan,
    recalculate_plan,
)
from takeback.cancellations.statuses import (
    LIFE_CYCLE,
    LIVE,
    SHOWN_TO_CHANNELS,
    Kind,
    Status,
    Transition,
)
from takeback.cancellations.topics import TOPIC_OF_TRANSITION, Topic, publish
from takeback.core import errors as core_errors
from takeback.core.actor import Actor
from takeback.core.errors import Refused
from takeback.logistics.commands import cancel_easy_return
from takeback.orders.commands.roll_up import roll_up_status
from takeback.orders.commands.split_item import split_items
from takeback.orders.locks import lock_orders_of
from takeback.orders.models import OrderItem
from takeback.orders.scope import OrderScope
from takeback.orders.statuses import CANCELLABLE, REFUNDABLE
from takeback.orders.statuses import Status as ItemStatus

REMOVED = "remove"
"""The event of the history row of a case that was taken off the lists."""


@transaction.atomic
def confirm(
    request_id: int,
    scope: OrderScope,
    *,
    actor: Actor,
    now: datetime,
    note: str | None = None,
    version: int | None = None,
    terms: RefundTerms = AS_BOUGHT,
) -> None:
    """The shop says yes: the units in question get a line of their own, which waits for its end.

    A cancellation loses when the goods have left meanwhile, a return when the line has ended
    elsewhere, and both when the units are gone. The order's plan takes the case up; all plans
    of an order together pay back at most what it has left.
    """
    confirm_cases([lock_case(request_id, scope, version)], actor, now, note=note, terms=terms)


@transaction.atomic
def remove(
    request_id: int, scope: OrderScope, *, actor: Actor, now: datetime, version: int | None = None
) -> None:
    """Take a case off every list; one that lives is withdrawn first, one with money planned stays.

    Its history remains, and nobody finds it by its number any more.
    """
    case = lock_case(request_id, scope, version)
    if not LIFE_CYCLE.is_final(Status(case.status)):
        _end(case, Transition.WITHDRAW, actor, now)
    update_case(case, REMOVED, actor, now, is_hidden=True)
    publish(Topic.REMOVED, [case])


@transaction.atomic
def set_status(
    request_id: int,
    scope: OrderScope,
    wanted: Status,
    *,
    actor: Actor,
    now: datetime,
    note: str | None = None,
    version: int | None = None,
) -> None:
    """Bring a case to the wanted status by the command that leads there.

    The status that it has already is no step. A withdrawn case is shown as a rejected one, so
    that is the status it has for whoever says so.
    """
    transition_to(lock_case(request_id, scope, version), wanted, actor, now, note)


def transition_to(
    case: CancellationRequest, wanted: Status, actor: Actor, now: datetime, note: str | None = None
) -> None:
    """As `decide`, for a case whose order is locked already."""
    if wanted in (case.status, SHOWN_TO_CHANNELS[Status(case.status)]):
        return
    leading = _LEADS_TO.get(wanted)
    if leading is None:
        raise Refused(errors.WRONG_STATUS, status=case.status, wanted=wanted.value)
    leading(case, actor, now, note)


def _review(case: CancellationRequest, actor: Actor, now: datetime, note: str | None) -> None:
    """Somebody else has to look at it, too."""
    _step(case, Transition.REVIEW, actor, now, note=note)


def _confirm(case: CancellationRequest, actor: Actor, now: datetime, note: str | None) -> None:
    """The shop says yes, on the terms of what was bought."""
    confirm_cases([case], actor, now, note=note)


def _approve(case: CancellationRequest, actor: Actor, now: datetime, note: str | None) -> None:
    """The money may go back; what nobody has confirmed yet is confirmed in the same breath."""
    if LIFE_CYCLE.allows(Status(case.status), Transition.CONFIRM):
        _take_up([case], actor, now)
    _step(case, Transition.APPROVE, actor, now, note=note)
    _settle([case], actor, now)


def _reject(case: CancellationRequest, actor: Actor, now: datetime, note: str | None) -> None:
    """The shop says no; the item is free again."""
    _end(case, Transition.REJECT, actor, now, note=note)


def _withdraw(case: CancellationRequest, actor: Actor, now: datetime, note: str | None) -> None:
    """Whoever asked does not want it any more; the item is free again."""
    _end(case, Transition.WITHDRAW, actor, now, note=note)


class Command(Protocol):
    """A step of one case, in a transaction of its own."""

    __name__: str

    def __call__(
        self,
        request_id: int,
        scope: OrderScope,
        *,
        actor: Actor,
        now: datetime,
        note: str | None = None,
        version: int | None = None,
    ) -> None: ...


_Step = Callable[[CancellationRequest, Actor, datetime, str | None], None]


def _command(step: _Step) -> Command:
    """The public command of a step of a locked case: its name and its words, without the `_`."""

    @transaction.atomic
    def command(
        request_id: int,
        scope: OrderScope,
        *,
        actor: Actor,
        now: datetime,
        note: str | None = None,
        version: int | None = None,
    ) -> None:
        step(lock_case(request_id, scope, version), actor, now, note)

    command.__name__, command.__doc__ = step.__name__.removeprefix("_"), step.__doc__
    return command


review, approve = _command(_review), _command(_approve)
reject, withdraw = _command(_reject), _command(_withdraw)

_LEADS_TO: Mapping[Status, _Step] = {
    Status.WAITING_APPROVAL: _review,
    Status.CONFIRMED: _confirm,
    Status.APPROVED: _approve,
    Status.REJECTED: _reject,
    Status.WITHDRAWN: _withdraw,
}
"""What leads to a wanted status; nobody wishes a case open, and none completed by hand."""


def lock_case(
    request_id: int, scope: OrderScope, version: int | None = None
) -> CancellationRequest:
    """The case, its order locked.

    Somebody else's case, and one taken off the lists, is as if it were not there. `Refused`
    when it has moved on since the caller saw this version of it.
    """
    found = CancellationRequest.objects.select_related("order_item__order")
    case = found.filter(pk=request_id).first()
    if case is None or not scope.covers(case.order_item.order):
        raise Refused(core_errors.NOT_FOUND)
    lock_orders_of([case.order_item_id])
    case = found.get(pk=request_id)
    if case.is_hidden:
        raise Refused(core_errors.NOT_FOUND)
    if version not in (None, case.version):
        raise Refused(core_errors.PRECONDITION_FAILED, version=case.version)
    return case


def confirm_cases(
    cases: Sequence[CancellationRequest],
    actor: Actor,
    now: datetime,
    *,
    note: str | None = None,
    terms: RefundTerms = AS_BOUGHT,
) -> None:
    """As `confirm`, for cases whose orders are locked already."""
    _take_up(cases, actor, now, note=note, terms=terms)
    _settle(cases, actor, now)


def _take_up(
    cases: Sequence[CancellationRequest],
    actor: Actor,
    now: datetime,
    *,
    note: str | None = None,
    terms: RefundTerms = AS_BOUGHT,
) -> None:
    """Into their plans, which still have to follow."""
    items = OrderItem.objects.in_bulk([case.order_item_id for case in cases])
    for case in cases:
        _refuse_unconfirmable(case, items[case.order_item_id])
    lines = _taken_up(cases, items, now)
    plans: dict[tuple[int, str], int] = {}
    steps = []
    for case, line in zip(cases, lines, strict=True):
        together = (line.order_id, case.cancellation_type)
        if together not in plans:
            plans[together] = get_or_create_plan(
                line.order_id, Kind(together[1]), terms, actor, now
            )
        changes = {"order_item_id": line.pk, "item_status_before": line.status}
        steps.append((case, changes | {"plan_id": plans[together]}))
    _step_all(steps, Transition.CONFIRM, actor, now, note=note)
    _set_item_status(lines, ItemStatus.CANCELLATION_WAITING, now)


def _refuse_unconfirmable(case: CancellationRequest, item: OrderItem) -> None:
    if not LIFE_CYCLE.allows(Status(case.status), Transition.CONFIRM):
        raise Refused(errors.WRONG_STATUS, status=case.status, step=Transition.CONFIRM.value)
    if case.cancellation_type == Kind.CANCEL and item.status not in CANCELLABLE:
        raise Refused(errors.CANNOT_CANCEL_NOW, order_item=item.pk)
    if case.cancellation_type == Kind.REFUND and item.status not in REFUNDABLE:
        raise Refused(errors.CANNOT_RETURN_NOW, order_item=item.pk)
    if case.quantity > item.quantity - item.units_closed:
        raise Refused(errors.QUANTITY_TOO_LARGE, order_item=item.pk)


def _taken_up(
    cases: Sequence[CancellationRequest], items: Mapping[int, OrderItem], now: datetime
) -> list[OrderItem]:
    """The lines that the cases are about from now on: each the whole one, or its part."""
    asked = [(items[case.order_item_id], case.quantity) for case in cases]
    parts = split_items(
        [(item, units) for item, units in asked if units < item.quantity - item.units_closed],
        now=now,
    )
    return [parts.get(item.pk, item) for item, _ in asked]


def _end(
    case: CancellationRequest,
    event: Transition,
    actor: Actor,
    now: datetime,
    *,
    note: str | None = None,
) -> None:
    _step(case, event, actor, now, note=note)
    if case.item_status_before is not None:
        item = OrderItem.objects.get(pk=case.order_item_id)
        _set_item_status([item], item.deferred_status or case.item_status_before, now)
    others = CancellationRequest.objects.filter(
        easy_return_id=case.easy_return_id, status__in=[status.value for status in LIVE]
    )
    if case.easy_return_id and not others.exists():
        cancel_easy_return(case.easy_return_id, now=now)
    _settle([case], actor, now, is_promise=False)


def _settle(
    cases: Sequence[CancellationRequest], actor: Actor, now: datetime, *, is_promise: bool = True
) -> None:
    for plan_id in sorted({case.plan_id for case in cases if case.plan_id}):
        recalculate_plan(plan_id, actor, now, is_promise=is_promise)


def _set_item_status(items: Sequence[OrderItem], status: int, now: datetime) -> None:
    same = OrderItem.objects.filter(pk__in=[item.pk for item in items])
    same.update(status=status, deferred_status=None, modified_date=now)
    roll_up_status([item.order_id for item in items], now)


def _step(
    case: CancellationRequest,
    event: Transition,
    actor: Actor,
    now: datetime,
    *,
    note: str | None = None,
    **changes: Any,
) -> None:
    """One step of the life cycle: the row, its history and its message, together."""
    _step_all([(case, changes)], event, actor, now, note=note)


def _step_all(
    told: Sequence[tuple[CancellationRequest, Mapping[str, Any]]],
    event: Transition,
    actor: Actor,
    now: datetime,
    *,
    note: str | None = None,
) -> None:
    """As `_step`, for several cases, each with its own values."""
    steps = []
    for case, changes in told:
        before = Status(case.status)
        if not LIFE_CYCLE.allows(before, event):
            raise Refused(errors.WRONG_STATUS, status=before.value, step=event.value)
        steps.append((case, {**changes, "status": LIFE_CYCLE.next(before, event).value}))
    update_cases(steps, event, actor, now, note=note)
    publish(TOPIC_OF_TRANSITION[event], [case for case, _ in told])
