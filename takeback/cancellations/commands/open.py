"""Opening cases: lock the orders, look, decide, and write rows, history and messages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from takeback.bank_accounts import bank_account
from takeback.cancellations import errors, policy
from takeback.cancellations.commands.transition import confirm_cases
from takeback.cancellations.eligibility import EligibilityData, load_eligibility_data
from takeback.cancellations.history import history_row
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.models import CancellationRequest, CancellationRequestImage
from takeback.cancellations.plans import AS_BOUGHT, RefundTerms
from takeback.cancellations.queries import shop_limits
from takeback.cancellations.statuses import Kind
from takeback.cancellations.topics import Topic, publish
from takeback.core.actor import SYSTEM, Actor, ActorKind
from takeback.core.db.bulk import insert_objects
from takeback.core.errors import Refused
from takeback.logistics.commands import NewEasyReturn, create_easy_returns
from takeback.orders.locks import lock_orders_within
from takeback.orders.scope import OrderScope

OPENED = "open"
"""The event of a case's first history row; what follows is named by `Event`."""

_SHOPPERS = (ActorKind.CUSTOMER, ActorKind.GUEST)
"""They ask; what is confirmed of it at once is the shop's own rule."""


@dataclass(frozen=True, slots=True)
class AutoConfirm:
    """Kinds of cases that are confirmed as soon as they are open, and on which terms.

    Parts of lines wait for the shop, unless the call is known to come once: the rest of the line
    would be free for the same call again. What cannot be confirmed waits, too, unless `required`:
    then all is refused.
    """

    kinds: frozenset[Kind] = frozenset()
    terms: RefundTerms = AS_BOUGHT
    with_parts: bool = False
    required: bool = False


NO_AUTO_CONFIRM = AutoConfirm()
AUTO_CONFIRM_CANCELLATIONS = AutoConfirm(frozenset({Kind.CANCEL}))


def open_case(
    ask: NewCase,
    scope: OrderScope,
    *,
    actor: Actor,
    now: datetime,
    override: bool = False,
    note: str | None = None,
    auto_confirm: AutoConfirm = NO_AUTO_CONFIRM,
) -> int:
    """As `open_many`, for a single ask; the new case's id."""
    [case_id] = open_cases(
        [ask], scope, actor=actor, now=now, override=override, note=note, auto_confirm=auto_confirm
    )
    return case_id


@transaction.atomic
def open_cases(
    asks: Sequence[NewCase],
    scope: OrderScope,
    *,
    actor: Actor,
    now: datetime,
    override: bool = False,
    note: str | None = None,
    auto_confirm: AutoConfirm = NO_AUTO_CONFIRM,
) -> list[int]:
    """Let all asks in, or none; the new cases' ids in the order of the asks.

    `Refused` names the first problem, and in its context the `position` of the ask that has
    it, from 0. Staff may `override` the rules that are marked so; what they set aside is in the
    history. What is to be confirmed `auto_confirm` is so in the same step.
    """
    seen = _lock_and_look(asks, scope)
    asks = [seen.with_pickup(ask) for ask in asks]
    may_override = override and actor.kind is ActorKind.STAFF
    overridden = [
        _admit(position, ask, seen, now, may_override=may_override)
        for position, ask in enumerate(asks)
    ]
    _refuse_repeated(asks)
    cases = _insert(asks, seen, actor, now)
    insert_objects(
        [
            history_row(case, OPENED, None, actor, now, note=note, overridden=codes)
            for case, codes in zip(cases, overridden, strict=True)
        ]
    )
    publish(Topic.OPENED, cases)
    if ready := _ready(cases, seen, auto_confirm):
        _confirm_at_once(ready, auto_confirm, actor, now)
    return [case.pk for case in cases]


def _lock_and_look(asks: Sequence[NewCase], scope: OrderScope) -> EligibilityData:
    lock_orders_within(
        sorted({ask.order_item for ask in asks}),
        channel_id=scope.channel_id,
        user_id=scope.user_id,
        order_ids=scope.order_ids,
    )
    # Only now: one statement doing both would look with the snapshot that it took before it
    # waited for the lock.
    return load_eligibility_data(asks, scope)


def _ready(
    cases: Sequence[CancellationRequest], seen: EligibilityData, auto_confirm: AutoConfirm
) -> list[CancellationRequest]:
    kinds = auto_confirm.kinds | ({Kind.CANCEL} if settings.CANCEL_AUTO_CONFIRM else set())
    return [
        case
        for case in cases
        if case.cancellation_type in kinds
        and (
            auto_confirm.with_parts
            or case.quantity == seen.items[case.order_item_id].facts.units_left
        )
    ]


def _confirm_at_once(
    cases: Sequence[CancellationRequest], auto_confirm: AutoConfirm, actor: Actor, now: datetime
) -> None:
    by = SYSTEM if actor.kind in _SHOPPERS else actor
    try:
        with transaction.atomic():
            confirm_cases(cases, by, now, terms=auto_confirm.terms)
    except Refused as refused:
        # Other plans have promised the order's money already: somebody has to look at it.
        if auto_confirm.required or refused.problem is not errors.MORE_THAN_PAID:
            raise


def _refuse_repeated(asks: Sequence[NewCase]) -> None:
    seen: set[int] = set()
    for position, ask in enumerate(asks):
        if ask.order_item in seen:
            raise Refused(errors.ITEM_TWICE, position=position)
        seen.add(ask.order_item)


def _admit(
    position: int, ask: NewCase, seen: EligibilityData, now: datetime, *, may_override: bool
) -> list[str]:
    """The codes that were overridden to let this ask in."""
    item = seen.items.get(ask.order_item)
    if item is None:
        raise Refused(errors.UNKNOWN_ITEM, position=position)
    verdict = policy.check_eligibility(
        ask.wish, item.facts, seen.conditions_of(ask), shop_limits(), now, may_override=may_override
    )
    if verdict.refusal:
        raise Refused(verdict.refusal, position=position, order_item=ask.order_item)
    return [problem.code for problem in verdict.overridden]


def _insert(
    asks: Sequence[NewCase], seen: EligibilityData, actor: Actor, now: datetime
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


def _row(ask: NewCase, seen: EligibilityData, actor: Actor, now: datetime) -> CancellationRequest:
    item = seen.items[ask.order_item]
    row = CancellationRequest(
        channel_id=item.order.channel_id,
        order_item_id=ask.order_item,
        reason_id=ask.reason,
        cancellation_type=ask.kind.value,
        quantity=ask.quantity or item.facts.units_left,
        description=ask.description,
        fully_refund_as_loyalty_money=ask.refund_to_loyalty,
        source=actor.kind.value,
        remote_id=ask.remote_id,
        created_date=now,
        modified_date=now,
    )
    if ask.bank_account:
        for column, value in bank_account.encrypted_columns(ask.bank_account, row.uuid).items():
            setattr(row, column, value)
        # A guest proved two weak facts: that is enough to ask, not to be paid (promise P21).
        row.is_bank_account_confirmed = ask.is_account_trusted and actor.kind is not ActorKind.GUEST
    return row


def _want_returns(
    asks: Sequence[NewCase], seen: EligibilityData, now: datetime
) -> list[int | None]:
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
        NewEasyReturn(
            carrier=carrier.carrier,
            carrier_label=carrier.carrier_label,
            pickup_address_id=address_id,
            pickup_date=window.document if window else None,
            cases=len(indexes),
        )
        for (_, carrier, address_id, window), indexes in parcels.items()
    ]
    for return_id, indexes in zip(
        create_easy_returns(wanted, now=now), parcels.values(), strict=True
    ):
        for index in indexes:
            found[index] = return_id
    return found
