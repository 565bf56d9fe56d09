"""Steps of a case: each locks its order, looks, decides, and writes row, history and message."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from takeback.cancellations import bank, errors, policy
from takeback.cancellations.asks import Ask, Scope
from takeback.cancellations.history.commands import change, step_of
from takeback.cancellations.models import CancellationRequest, CancellationRequestImage
from takeback.cancellations.queries import shop_limits
from takeback.cancellations.states import LIFE_CYCLE, LIVE, Event, Kind, Status
from takeback.cancellations.surroundings import Surroundings, look
from takeback.cancellations.topics import OF_EVENT, Topic
from takeback.core import problems
from takeback.core.actor import SYSTEM, Actor, ActorKind
from takeback.core.bulk import insert_objects
from takeback.core.problems import Refused
from takeback.core.sealing import seal
from takeback.logistics.commands import WantedReturn, give_up, want
from takeback.orders.commands import roll_up
from takeback.orders.models import OrderItem
from takeback.orders.queries import lock_orders_of
from takeback.orders.splitting.commands import set_apart
from takeback.orders.states import CANCELLABLE, REFUNDABLE
from takeback.orders.states import Status as ItemStatus
from takeback.outbox.commands import emit_all

OPENED = "open"
"""The event of a case's first history row; what follows is named by `Event`."""


def open_request(
    ask: Ask, scope: Scope, *, actor: Actor, now: datetime, waive: bool = False
) -> int:
    """As `open_many`, for a single ask; the new case's id."""
    return open_many([ask], scope, actor=actor, now=now, waive=waive)[0]


@transaction.atomic
def open_many(
    asks: Sequence[Ask],
    scope: Scope,
    *,
    actor: Actor,
    now: datetime,
    waive: bool = False,
    at_once: bool = False,
) -> list[int]:
    """Let all asks in, or none; the new cases' ids in the order of the asks.

    `Refused` names the first problem, and in its context the `position` of the ask that has
    it, from 0. Staff may `waive` the rules that are marked so; what they set aside is in the
    history. With `at_once` cancellations are confirmed in the same step.
    """
    lock_orders_of(sorted({ask.order_item for ask in asks}))
    # Look only now: one statement doing both would look with the snapshot that it took
    # before it waited for the lock.
    seen = look(asks, scope)
    may_waive = waive and actor.kind is ActorKind.STAFF
    waived = [
        _admit(position, ask, seen, now, may_waive=may_waive) for position, ask in enumerate(asks)
    ]
    _refuse_repeated(asks)
    cases = _insert(asks, seen, actor, now)
    first_steps = zip(cases, waived, strict=True)
    insert_objects(
        [step_of(case, OPENED, None, actor, now, waived=codes) for case, codes in first_steps]
    )
    _announce(Topic.OPENED, cases)
    if at_once or settings.CANCEL_AUTO_CONFIRM:
        cancellations = [case for case in cases if case.cancellation_type == Kind.CANCEL]
        items = OrderItem.objects.in_bulk([case.order_item_id for case in cancellations])
        for case in cancellations:
            _confirm(case, items[case.order_item_id], SYSTEM, now)
    return [case.pk for case in cases]


def _refuse_repeated(asks: Sequence[Ask]) -> None:
    seen: set[int] = set()
    for position, ask in enumerate(asks):
        if ask.order_item in seen:
            raise Refused(errors.ITEM_TWICE, position=position)
        seen.add(ask.order_item)


def _admit(
    position: int, ask: Ask, seen: Surroundings, now: datetime, *, may_waive: bool
) -> list[str]:
    """The codes that were waived to let this ask in."""
    item = seen.items.get(ask.order_item)
    if item is None:
        raise Refused(errors.UNKNOWN_ITEM, position=position)
    verdict = policy.judge(
        ask.wish, item.facts, seen.terms_of(ask), shop_limits(), now, may_waive=may_waive
    )
    if verdict.refusal:
        raise Refused(verdict.refusal, position=position, order_item=ask.order_item)
    return [problem.code for problem in verdict.waived]


def _insert(
    asks: Sequence[Ask], seen: Surroundings, actor: Actor, now: datetime
) -> list[CancellationRequest]:
    returns = _want_returns(asks, seen, now)
    cases = [_row(ask, seen, actor, now) for ask in asks]
    for case, return_id in zip(cases, returns, strict=True):
        case.easy_return_id = return_id
    try:
        insert_objects(cases)
    except IntegrityError as error:
        if "remote_id" in str(error):
            raise
        # The constraint has the last word, should anybody ever write without the lock.
        raise Refused(errors.ALREADY_REQUESTED) from error
    pictures = [
        CancellationRequestImage(
            cancellation_request_id=case.pk,
            image=picture.name,
            description=picture.description,
            created_date=now,
            modified_date=now,
        )
        for case, ask in zip(cases, asks, strict=True)
        for picture in ask.pictures
    ]
    if pictures:
        CancellationRequestImage.objects.bulk_create(pictures)
    return cases


def _row(ask: Ask, seen: Surroundings, actor: Actor, now: datetime) -> CancellationRequest:
    item = seen.items[ask.order_item]
    row = CancellationRequest(
        order_item_id=ask.order_item,
        reason_id=ask.reason,
        cancellation_type=ask.kind.value,
        quantity=ask.quantity or item.facts.units_left,
        description=ask.description,
        fully_refund_as_loyalty_money=ask.as_points,
        source=actor.kind.value,
        remote_id=ask.remote_id,
        created_date=now,
        modified_date=now,
    )
    if ask.bank_account:
        context = str(row.uuid)
        row.iban_sealed = seal(ask.bank_account.iban, context)
        row.holder_name_sealed = seal(ask.bank_account.holder_name, context)
        row.iban_index = bank.blind_index(ask.bank_account.iban)
        # A guest proved two weak facts: that is enough to ask, not to be paid (promise P21).
        row.is_bank_account_confirmed = actor.kind is not ActorKind.GUEST
    return row


def _want_returns(asks: Sequence[Ask], seen: Surroundings, now: datetime) -> list[int | None]:
    """The way back of each ask; asks of one order for the same carrier and time share a parcel."""
    parcels: dict[Any, list[int]] = {}
    for index, ask in enumerate(asks):
        carrier = seen.carrier_of(ask)
        if carrier:
            order = seen.items[ask.order_item].order
            same = (order.id, carrier, ask.pickup_address, ask.pickup_window)
            parcels.setdefault(same, []).append(index)
    found: list[int | None] = [None] * len(asks)
    if not parcels:
        return found
    wanted = [
        WantedReturn(
            carrier=carrier.carrier,
            carrier_label=carrier.carrier_label,
            pickup_address_id=address_id,
            pickup_date=window.document if window else None,
            cases=len(indexes),
        )
        for (_, carrier, address_id, window), indexes in parcels.items()
    ]
    for return_id, indexes in zip(want(wanted, now=now), parcels.values(), strict=True):
        for index in indexes:
            found[index] = return_id
    return found


@transaction.atomic
def withdraw(
    request_id: int, scope: Scope, *, actor: Actor, now: datetime, note: str | None = None
) -> None:
    """Whoever asked does not want it any more; the item is free again."""
    _end(request_id, scope, Event.WITHDRAW, actor=actor, now=now, note=note)


@transaction.atomic
def reject(
    request_id: int, scope: Scope, *, actor: Actor, now: datetime, note: str | None = None
) -> None:
    """The shop says no; the item is free again."""
    _end(request_id, scope, Event.REJECT, actor=actor, now=now, note=note)


@transaction.atomic
def confirm(
    request_id: int, scope: Scope, *, actor: Actor, now: datetime, note: str | None = None
) -> None:
    """The shop says yes: the units in question get a line of their own, which waits for its end.

    A cancellation loses when the goods have left meanwhile, a return when the line has ended
    elsewhere, and both when the units are gone.
    """
    case = _locked(request_id, scope, Event.CONFIRM)
    item = OrderItem.objects.get(pk=case.order_item_id)
    _confirm(case, item, actor, now, note=note)


def _confirm(
    case: CancellationRequest,
    item: OrderItem,
    actor: Actor,
    now: datetime,
    *,
    note: str | None = None,
) -> None:
    units_left = item.quantity - item.units_used
    if case.cancellation_type == Kind.CANCEL and item.status not in CANCELLABLE:
        raise Refused(errors.CANNOT_CANCEL_NOW, order_item=item.pk)
    if case.cancellation_type == Kind.REFUND and item.status not in REFUNDABLE:
        raise Refused(errors.CANNOT_RETURN_NOW, order_item=item.pk)
    if case.quantity > units_left:
        raise Refused(errors.QUANTITY_TOO_LARGE, order_item=item.pk)
    if case.quantity < units_left:
        item = set_apart(item.pk, case.quantity, now=now)
    _step(
        case,
        Event.CONFIRM,
        actor,
        now,
        note=note,
        order_item_id=item.pk,
        item_status_before=item.status,
    )
    _set_item_status(item, ItemStatus.CANCELLATION_WAITING, now)


def _end(
    request_id: int, scope: Scope, event: Event, *, actor: Actor, now: datetime, note: str | None
) -> None:
    case = _locked(request_id, scope, event)
    _step(case, event, actor, now, note=note)
    if case.item_status_before is not None:
        item = OrderItem.objects.get(pk=case.order_item_id)
        _set_item_status(item, case.item_status_before, now)
    others = CancellationRequest.objects.filter(
        easy_return_id=case.easy_return_id, status__in=[status.value for status in LIVE]
    )
    if case.easy_return_id and not others.exists():
        give_up(case.easy_return_id, now=now)


def _set_item_status(item: OrderItem, status: int, now: datetime) -> None:
    OrderItem.objects.filter(pk=item.pk).update(status=status, modified_date=now)
    roll_up([item.order_id], now)


def _locked(request_id: int, scope: Scope, event: Event) -> CancellationRequest:
    """The case, its order locked, in a state from which the event leads on.

    Somebody else's case is as if it were not there.
    """
    found = CancellationRequest.objects.select_related("order_item__order").filter(pk=request_id)
    case = found.first()
    if case is None or not scope.covers(case.order_item.order):
        raise Refused(problems.NOT_FOUND)
    lock_orders_of([case.order_item_id])
    case = found.get()
    if not LIFE_CYCLE.allows(Status(case.status), event):
        raise Refused(errors.WRONG_STATE, status=case.status, step=event.value)
    return case


def _step(
    case: CancellationRequest,
    event: Event,
    actor: Actor,
    now: datetime,
    *,
    note: str | None = None,
    **changes: Any,
) -> None:
    """One step of the life cycle: the row, its history and its message, together."""
    status = LIFE_CYCLE.next(Status(case.status), event)
    change(case, event, actor, now, note=note, status=status.value, **changes)
    _announce(OF_EVENT[event], [case])


def _announce(topic: Topic, cases: Sequence[CancellationRequest]) -> None:
    emit_all(
        topic, {f"{case.pk}.{case.version}": {"cancellation_request": case.pk} for case in cases}
    )
