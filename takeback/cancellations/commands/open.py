"""Opens cases: all of a request, or none."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from takeback.bank_accounts import bank_account
from takeback.cancellations import errors
from takeback.cancellations.commands.transition import confirm_cases
from takeback.cancellations.eligibility import EligibilityData, load_eligibility_data
from takeback.cancellations.history import Details, history_row
from takeback.cancellations.inputs import NewCase, PickupWindow
from takeback.cancellations.models import CancellationRequest, CancellationRequestImage
from takeback.cancellations.plans import DEFAULT_TERMS, RefundTerms
from takeback.cancellations.policy import check_eligibility
from takeback.cancellations.statuses import CaseEvent, Kind
from takeback.cancellations.topics import Topic, publish
from takeback.core.actor import SYSTEM, Actor, ActorKind
from takeback.core.db.bulk import insert_objects
from takeback.core.db.change_time import ChangeTime
from takeback.core.errors import Refused
from takeback.core.ids import CaseId, ItemId
from takeback.logistics.commands.easy_returns import NewEasyReturn, create_easy_returns
from takeback.logistics.queries import CarrierRow
from takeback.orders.locks import lock_orders_within
from takeback.orders.scope import OrderScope


@dataclass(frozen=True, slots=True)
class Override:
    """An agent's internal note. Overridable rules are overridden if `is_active`."""

    note: str | None = None
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class AutoConfirm:
    """The kinds of cases that are confirmed when they are opened, and the terms of their refund.

    Cases for a part of an item wait for a decision unless `with_parts`: a repeated request would
    open a second case for the rest of the item. Cases that cannot be confirmed also wait, but
    with `required` they are refused.
    """

    kinds: frozenset[Kind] = frozenset()
    terms: RefundTerms = DEFAULT_TERMS
    with_parts: bool = False
    required: bool = False


NO_AUTO_CONFIRM = AutoConfirm()
AUTO_CONFIRM_CANCELLATIONS = AutoConfirm(frozenset({Kind.CANCEL}))


@transaction.atomic
def open_cases(
    new: Sequence[NewCase],
    scope: OrderScope,
    *,
    actor: Actor,
    now: datetime,
    override: Override | None = None,
    auto_confirm: AutoConfirm = NO_AUTO_CONFIRM,
) -> list[CaseId]:
    """Open all new cases, or none of them, and return their ids in the same order.

    `Refused` has the first problem, and in its context the `position` of its case, from 0. Only
    staff may override rules; the history names the overridden ones.
    """
    lock_orders(new, scope)
    # A single statement would read the snapshot from before it waited for the lock.
    data = load_eligibility_data(new, scope)
    new = [data.with_default_pickup(data.with_known_reason(case)) for case in new]
    overridden = ensure_eligible(new, data, actor, now, override)
    ensure_distinct_items(new)
    cases = insert_cases(new, data, actor, now)
    record_history(cases, actor, now, override, overridden)
    publish(Topic.OPENED, cases)
    confirm_automatically(cases, data, auto_confirm, actor, now)
    return [CaseId(case.pk) for case in cases]


def lock_orders(new: Sequence[NewCase], scope: OrderScope) -> None:
    """Lock the orders of the new cases' items, as far as they are in the scope."""
    lock_orders_within(
        sorted({case.order_item for case in new}),
        channel_id=scope.channel_id,
        user_id=scope.user_id,
        order_ids=scope.order_ids,
    )


def ensure_eligible(
    new: Sequence[NewCase],
    data: EligibilityData,
    actor: Actor,
    now: datetime,
    override: Override | None,
) -> list[list[str]]:
    """Apply the rules, and return the codes of the overridden ones for each new case."""
    may_override = bool(override and override.is_active) and actor.kind is ActorKind.STAFF
    codes = []
    for position, case in enumerate(new):
        context = data.context(case, now)
        if context is None:
            raise Refused(errors.UNKNOWN_ITEM, position=position)
        refusal, problems = check_eligibility(context, may_override=may_override)
        if refusal:
            raise Refused(refusal, position=position, order_item=case.order_item)
        codes.append([problem.code for problem in problems])
    return codes


def ensure_distinct_items(new: Sequence[NewCase]) -> None:
    """Refuse a second case for an item."""
    item_ids: set[ItemId] = set()
    for position, case in enumerate(new):
        if case.order_item in item_ids:
            raise Refused(errors.ITEM_TWICE, position=position)
        item_ids.add(case.order_item)


def insert_cases(
    new: Sequence[NewCase], data: EligibilityData, actor: Actor, now: datetime
) -> list[CancellationRequest]:
    """Insert the new cases with their easy returns and images."""
    cases = [_case_row(case, data, actor, now) for case in new]
    create_easy_returns_of(new, cases, data, now)
    try:
        insert_objects(cases, change_time="modified_date")
    except IntegrityError as error:
        if "remote_id" in str(error):
            raise Refused(errors.REMOTE_ID_TAKEN) from error
        # Only a writer without the lock can cause this.
        raise Refused(errors.ALREADY_REQUESTED) from error
    images = [
        CancellationRequestImage(
            cancellation_request_id=row.pk,
            image=image.name,
            digest=image.digest,
            description=image.description,
            created_date=now,
            modified_date=ChangeTime(),
        )
        for row, case in zip(cases, new, strict=True)
        for image in case.images
    ]
    CancellationRequestImage.objects.bulk_create(images)
    return cases


def _case_row(
    new: NewCase, data: EligibilityData, actor: Actor, now: datetime
) -> CancellationRequest:
    item = data.items[new.order_item]
    row = CancellationRequest(
        channel_id=item.order.channel_id,
        order_item_id=new.order_item,
        reason_id=new.reason,
        cancellation_type=new.kind.value,
        quantity=new.quantity or item.units_left,
        description=new.description,
        fully_refund_as_loyalty_money=new.refund_to_loyalty,
        source=actor.kind.value,
        remote_id=new.remote_id,
        created_date=now,
    )
    if new.bank_account:
        for column, value in bank_account.encrypted_columns(new.bank_account, row.uuid).items():
            setattr(row, column, value)
        # An order number and an e-mail address are enough to open a case, but not to be paid.
        row.is_bank_account_confirmed = new.is_account_trusted and actor.kind is not ActorKind.GUEST
    return row


def create_easy_returns_of(
    new: Sequence[NewCase],
    cases: Sequence[CancellationRequest],
    data: EligibilityData,
    now: datetime,
) -> None:
    """Cases of the same order, carrier, pickup address and pickup window share an easy return."""
    parcels = defaultdict[
        tuple[int, CarrierRow, int | None, PickupWindow | None], list[CancellationRequest]
    ](list)
    for case, row in zip(new, cases, strict=True):
        if carrier := data.carrier_of(case):
            order_id = data.items[case.order_item].order.id
            parcels[order_id, carrier, case.pickup_address, case.pickup_window].append(row)
    return_ids = create_easy_returns(
        [
            NewEasyReturn(
                carrier=carrier.carrier,
                carrier_label=carrier.carrier_label,
                pickup_address_id=address_id,
                pickup_date=window.document if window else None,
                cases=len(rows),
            )
            for (_, carrier, address_id, window), rows in parcels.items()
        ],
        now=now,
    )
    for return_id, rows in zip(return_ids, parcels.values(), strict=True):
        for row in rows:
            row.easy_return_id = return_id


def record_history(
    cases: Sequence[CancellationRequest],
    actor: Actor,
    now: datetime,
    override: Override | None,
    overridden: Sequence[Sequence[str]],
) -> None:
    """Insert the first history row of each case."""
    note = override.note if override else None
    insert_objects(
        [
            history_row(
                case,
                CaseEvent.OPEN,
                None,
                actor,
                now,
                Details(internal_note=note, overridden=codes),
            )
            for case, codes in zip(cases, overridden, strict=True)
        ]
    )


def confirm_automatically(
    cases: Sequence[CancellationRequest],
    data: EligibilityData,
    auto_confirm: AutoConfirm,
    actor: Actor,
    now: datetime,
) -> None:
    """Confirm the cases of the given kinds; the system confirms those that shoppers opened.

    A shop may also let it approve cancellations, unless a caller decides (`required`).
    """
    kinds = set(auto_confirm.kinds)
    if data.shop.auto_confirms_cancellations:
        kinds.add(Kind.CANCEL)
    ready = [
        case
        for case in cases
        if case.cancellation_type in kinds
        and (auto_confirm.with_parts or case.quantity == data.items[case.order_item_id].units_left)
    ]
    if actor.kind in (ActorKind.CUSTOMER, ActorKind.GUEST):
        actor = SYSTEM
    is_approved = data.shop.auto_approves_cancellations and not auto_confirm.required
    try:
        if ready:
            with transaction.atomic():
                terms = auto_confirm.terms
                confirm_cases(ready, actor, now, terms=terms, approves_cancellations=is_approved)
    except Refused as refused:
        # Other plans of the order already promise its money: an agent must decide.
        if auto_confirm.required or refused.problem.code != errors.MORE_THAN_PAID.code:
            raise
