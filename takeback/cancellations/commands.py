"""Opening cases: lock the orders, look, decide, and write rows, history and messages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from takeback.cancellations import bank, errors, policy
from takeback.cancellations.asks import Ask, Scope
from takeback.cancellations.deciding.commands import confirm_all
from takeback.cancellations.history.commands import step_of
from takeback.cancellations.models import CancellationRequest, CancellationRequestImage
from takeback.cancellations.plans.commands import AS_BOUGHT, Terms
from takeback.cancellations.queries import shop_limits
from takeback.cancellations.states import Kind
from takeback.cancellations.surroundings import Surroundings, look
from takeback.cancellations.topics import Topic, announce
from takeback.core.actor import SYSTEM, Actor, ActorKind
from takeback.core.bulk import insert_objects
from takeback.core.problems import Refused
from takeback.logistics.commands import WantedReturn, want
from takeback.orders.queries import lock_orders_within

OPENED = "open"
"""The event of a case's first history row; what follows is named by `Event`."""

_SHOPPERS = (ActorKind.CUSTOMER, ActorKind.GUEST)
"""They ask; what is confirmed of it at once is the shop's own rule."""


@dataclass(frozen=True, slots=True)
class AtOnce:
    """Kinds of cases that are confirmed as soon as they are open, and on which terms.

    Parts of lines wait for the shop, unless the call is known to come once: the rest of the line
    would be free for the same call again. What cannot be confirmed waits, too, unless it `must_be`:
    then all is refused.
    """

    kinds: frozenset[Kind] = frozenset()
    terms: Terms = AS_BOUGHT
    with_parts: bool = False
    must_be: bool = False


NOTHING = AtOnce()
CANCELLATIONS = AtOnce(frozenset({Kind.CANCEL}))


def open_request(
    ask: Ask,
    scope: Scope,
    *,
    actor: Actor,
    now: datetime,
    waive: bool = False,
    note: str | None = None,
    at_once: AtOnce = NOTHING,
) -> int:
    """As `open_many`, for a single ask; the new case's id."""
    [case_id] = open_many(
        [ask], scope, actor=actor, now=now, waive=waive, note=note, at_once=at_once
    )
    return case_id


@transaction.atomic
def open_many(
    asks: Sequence[Ask],
    scope: Scope,
    *,
    actor: Actor,
    now: datetime,
    waive: bool = False,
    note: str | None = None,
    at_once: AtOnce = NOTHING,
) -> list[int]:
    """Let all asks in, or none; the new cases' ids in the order of the asks.

    `Refused` names the first problem, and in its context the `position` of the ask that has
    it, from 0. Staff may `waive` the rules that are marked so; what they set aside is in the
    history. What is to be confirmed `at_once` is so in the same step.
    """
    seen = _lock_and_look(asks, scope)
    asks = [seen.with_pickup(ask) for ask in asks]
    may_waive = waive and actor.kind is ActorKind.STAFF
    waived = [
        _admit(position, ask, seen, now, may_waive=may_waive) for position, ask in enumerate(asks)
    ]
    _refuse_repeated(asks)
    cases = _insert(asks, seen, actor, now)
    insert_objects(
        [
            step_of(case, OPENED, None, actor, now, note=note, waived=codes)
            for case, codes in zip(cases, waived, strict=True)
        ]
    )
    announce(Topic.OPENED, cases)
    if ready := _ready(cases, seen, at_once):
        _confirm_at_once(ready, at_once, actor, now)
    return [case.pk for case in cases]


def _lock_and_look(asks: Sequence[Ask], scope: Scope) -> Surroundings:
    lock_orders_within(
        sorted({ask.order_item for ask in asks}),
        channel_id=scope.channel_id,
        user_id=scope.user_id,
        order_ids=scope.order_ids,
    )
    # Only now: one statement doing both would look with the snapshot that it took before it
    # waited for the lock.
    return look(asks, scope)


def _ready(
    cases: Sequence[CancellationRequest], seen: Surroundings, at_once: AtOnce
) -> list[CancellationRequest]:
    kinds = at_once.kinds | ({Kind.CANCEL} if settings.CANCEL_AUTO_CONFIRM else set())
    return [
        case
        for case in cases
        if case.cancellation_type in kinds
        and (at_once.with_parts or case.quantity == seen.items[case.order_item_id].facts.units_left)
    ]


def _confirm_at_once(
    cases: Sequence[CancellationRequest], at_once: AtOnce, actor: Actor, now: datetime
) -> None:
    by = SYSTEM if actor.kind in _SHOPPERS else actor
    try:
        with transaction.atomic():
            confirm_all(cases, by, now, terms=at_once.terms)
    except Refused as refused:
        # Other plans have promised the order's money already: somebody has to look at it.
        if at_once.must_be or refused.problem is not errors.MORE_THAN_PAID:
            raise


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
        ask.wish, item.facts, seen.conditions_of(ask), shop_limits(), now, may_waive=may_waive
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
            raise Refused(errors.REMOTE_ID_TAKEN) from error
        # The constraint has the last word, should anybody ever write without the lock.
        raise Refused(errors.ALREADY_REQUESTED) from error
    pictures = [
        CancellationRequestImage(
            cancellation_request_id=case.pk,
            image=picture.name,
            digest=picture.digest,
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
        channel_id=item.order.channel_id,
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
        for column, value in bank.sealed(ask.bank_account, row.uuid).items():
            setattr(row, column, value)
        # A guest proved two weak facts: that is enough to ask, not to be paid (promise P21).
        row.is_bank_account_confirmed = ask.trusts_account and actor.kind is not ActorKind.GUEST
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
