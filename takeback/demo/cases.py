"""Reasons, carriers, and what customers of the demo shop have already asked for."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from random import Random
from uuid import NAMESPACE_URL, UUID, uuid5
from zlib import crc32

from django.db.models import QuerySet
from stdnum import iban

from takeback.accounts.models import User
from takeback.bank_accounts import bank_account
from takeback.bank_accounts.bank_account import BankAccount
from takeback.cancellations.amounts import refundable_amounts
from takeback.cancellations.models import (
    CancellationReason,
    CancellationRequest,
    CancellationRequestImage,
    CaseHistory,
)
from takeback.cancellations.statuses import Kind, Status
from takeback.core.actor import Actor, ActorKind
from takeback.demo.catalogue import told
from takeback.demo.chance import happens
from takeback.demo.history import last_change, past_of
from takeback.demo.people import CUSTOMER_EMAIL
from takeback.demo.photo import damaged_box
from takeback.demo.plans import add_plans
from takeback.demo.stories import ASKED, DECIDED, UNTOUCHED
from takeback.images.store import write_image
from takeback.logistics.models import EasyReturn, EasyReturnShippingCompany
from takeback.logistics.statuses import GoodsStatus
from takeback.orders.models import Order, OrderItem, Tender
from takeback.orders.statuses import CANCELLABLE, ENDED
from takeback.orders.statuses import Status as Code

DROP_OFF, PICKUP = 1, 2
_TAGS = {"tr": "tr-tr", "en": "en-us", "de": "de-de", "ar": "ar-sa"}
IBAN = "DE89370400440532013000"
"""The specimen of the standard."""
_RETURN_DAYS = 12
_OTHER_REASON = 10
_GOODS = {
    Status.WAITING: GoodsStatus.BOOKED,
    Status.WAITING_APPROVAL: GoodsStatus.WANTED,
    Status.CONFIRMED: GoodsStatus.IN_TRANSIT,
    Status.APPROVED: GoodsStatus.RECEIVED,
    Status.COMPLETED: GoodsStatus.RECEIVED,
    Status.REJECTED: GoodsStatus.CANCELLED,
    Status.WITHDRAWN: GoodsStatus.EXPIRED,
}
_TAKEN_UP = {Status.CONFIRMED, Status.APPROVED, Status.COMPLETED}
_UNREAD = ("details", "extra_field", "attributes", "order__details", "order__extra_field")
# What becomes of every so-many-th line that could be asked about.
_OF_OPEN = {2: Status.WAITING, 9: Status.REJECTED, 17: Status.WITHDRAWN, 25: Status.COMPLETED}
_OF_SENT = {
    1: Status.WAITING,
    7: Status.WAITING_APPROVAL,
    13: Status.REJECTED,
    19: Status.WITHDRAWN,
    25: Status.COMPLETED,
}
_CYCLE = 30


@dataclass(slots=True)
class _Case:
    """A request with the rows that belong to it, not yet written."""

    request: CancellationRequest
    item: OrderItem
    easy_return: EasyReturn | None = None
    pictures: int = 0


@dataclass(slots=True)
class _Writer:
    """Makes the cases of one load."""

    reference: datetime
    rng: Random
    staff: Actor
    carriers: dict[int, EasyReturnShippingCompany] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)


def add_reasons(reference: datetime) -> None:
    """The ten reasons, numbered from 1."""
    created = reference - timedelta(days=700)
    CancellationReason.objects.bulk_create(
        CancellationReason(
            pk=number,
            uuid=uuid5(NAMESPACE_URL, f"reason-{number}"),
            cancellation_type=row["type"],
            subject=row["en"],
            translations={tag: {"subject": row[language]} for language, tag in _TAGS.items()},
            extra_information_needed=row.get("needs_words", False),
            order=number * 10,
            send_to_remote=number != _OTHER_REASON,
            send_to_oms=True,
            created_date=created,
            modified_date=created,
        )
        for number, row in enumerate(told("reasons")["reason"], 1)
    )


def add_carriers() -> None:
    """One that takes parcels at a counter, and one that comes to the door."""
    EasyReturnShippingCompany.objects.bulk_create(
        EasyReturnShippingCompany(
            pk=pk, carrier=slug, carrier_label=label, name=name, needs_pickup=pk == PICKUP
        )
        for pk, slug, label, name in (
            (DROP_OFF, "extension", "Extension Cargo", "Drop it off at a counter"),
            (PICKUP, "doorstep", "Doorstep Couriers", "Collected at your door"),
        )
    )


def add_cases(reference: datetime, rng: Random, staff: Actor) -> None:
    """Requests in every status; the finished ones have used their units and paid them back."""
    writer = _Writer(reference, rng, staff, EasyReturnShippingCompany.objects.in_bulk())
    free = OrderItem.objects.select_related("order").exclude(order__number__in=UNTOUCHED | ASKED)
    asked = _cases(writer, free.defer(*_UNREAD).order_by("id"))
    # A case's number tells who asked first: queues go by it.
    cases = sorted(asked, key=lambda case: case.request.created_date)
    returns = [case.easy_return for case in cases if case.easy_return]
    EasyReturn.objects.bulk_create(returns)
    for case in cases:
        case.request.easy_return = case.easy_return
    past = [past_of(case.request, _asker(writer, case.request, case.item), staff) for case in cases]
    for case, steps in zip(cases, past, strict=True):
        case.request.version = len(steps)
    add_plans([case.request for case in cases], staff)
    CancellationRequest.objects.bulk_create(case.request for case in cases)
    CaseHistory.objects.bulk_create(chain.from_iterable(past))
    pictured = [(case, number) for case in cases for number in range(case.pictures)]
    # The last shopper sends the picture of the first: staff are told.
    photos = [*range(len(pictured) - 1), 0]
    CancellationRequestImage.objects.bulk_create(
        _image(case, number, damaged_box(photo))
        for (case, number), photo in zip(pictured, photos, strict=True)
    )
    _settle([case for case in cases if case.request.status == Status.COMPLETED])


def _image(case: _Case, number: int, photo: bytes) -> CancellationRequestImage:
    name = uuid5(NAMESPACE_URL, f"photo-{case.item.remote_id}-{number}").hex
    file, asked = write_image(photo, "jpg", name), case.request.created_date
    return CancellationRequestImage(
        cancellation_request=case.request,
        image=file.name,
        digest=file.digest,
        description="The corner is broken.",
        created_date=asked,
        modified_date=asked,
    )


def _cases(writer: _Writer, items: "QuerySet[OrderItem]") -> Iterator[_Case]:
    for item in items:
        status = _status_of(writer, item)
        if status is not None:
            yield _case(writer, item, status)


def _status_of(writer: _Writer, item: OrderItem) -> Status | None:
    """What became of the customer's wish for this line; None: they never had one."""
    if item.order.number in DECIDED:
        return DECIDED[item.order.number]
    if item.status in ENDED:
        return Status.COMPLETED
    if item.status == Code.CANCELLATION_WAITING:
        writer.counts["pending"] += 1
        return (Status.CONFIRMED, Status.APPROVED)[writer.counts["pending"] % 2]
    if item.status in CANCELLABLE and not item.invoice_number:
        return _turn(writer, "open", _OF_OPEN, item)
    oldest = writer.reference - timedelta(days=_RETURN_DAYS)
    if item.delivered_date and item.delivered_date > oldest:
        return _turn(writer, "sent", _OF_SENT, item)
    return None


def _turn(writer: _Writer, kind: str, becomes: dict[int, Status], item: OrderItem) -> Status | None:
    writer.counts[kind] += 1
    status = becomes.get(writer.counts[kind] % _CYCLE)
    # Part of a line may be over while the rest lives on; a whole line would have ended.
    return None if status == Status.COMPLETED and item.quantity == 1 else status


def _case(writer: _Writer, item: OrderItem, status: Status) -> _Case:
    kind = Kind.RETURN if item.delivered_date else Kind.CANCEL
    rng, is_rich = writer.rng, item.order.user_email == CUSTOMER_EMAIL
    came = item.delivered_date or item.order.placed_at
    asked = min(came + timedelta(hours=rng.randrange(2, 40)), writer.reference)
    request = CancellationRequest(
        uuid=UUID(int=rng.getrandbits(128), version=4),
        channel_id=item.order.channel_id,
        order_item=item,
        reason_id=_reason(rng, kind),
        cancellation_type=kind.value,
        status=status.value,
        quantity=_units(item, status),
        description="Please see the picture." if is_rich or happens(rng, 0.4) else None,
        fully_refund_as_loyalty_money=happens(rng, 0.1),
        source=_shopper(item) if happens(rng, 0.8) else ActorKind.STAFF.value,
        attributes={"asked_in": item.order.language_code},
        item_status_before=_before(item, kind) if status in _TAKEN_UP else None,
        created_date=asked,
        modified_date=last_change(asked, status, writer.reference),
    )
    if is_rich or item.order.payment_type in {"funds_transfer", "pay_on_delivery"}:
        _name_account(request, item)
    case = _Case(request, item)
    if kind == Kind.RETURN:
        case.pictures = 2 if is_rich else int(happens(rng, 0.2))
        case.easy_return = _easy_return(writer, item, status, asked)
    return case


def _name_account(request: CancellationRequest, item: OrderItem) -> None:
    """A guest's account is confirmed by the time that money could go there."""
    account = BankAccount(_iban_of(item.order), _holder(item))
    for column, value in bank_account.encrypted_columns(account, request.uuid).items():
        setattr(request, column, value)
    is_guests = request.source == ActorKind.GUEST
    request.is_bank_account_confirmed = not is_guests or request.status in _TAKEN_UP


def _iban_of(order: Order) -> str:
    """The demo's customer has the specimen, which a guest names, too: staff are told."""
    if order.user_email == CUSTOMER_EMAIL:
        return IBAN
    number = f"{IBAN[4:12]}{crc32(order.user_email.encode()):010}"
    return f"DE{iban.calc_check_digits(f'DE00{number}')}{number}"


def _shopper(item: OrderItem) -> str:
    kind = ActorKind.GUEST if item.order.user_type == User.GUEST else ActorKind.CUSTOMER
    return kind.value


def _asker(writer: _Writer, request: CancellationRequest, item: OrderItem) -> Actor:
    kind = ActorKind(request.source)
    number = {
        ActorKind.CUSTOMER: item.order.user_id,
        ActorKind.GUEST: item.order_id,
        ActorKind.STAFF: writer.staff.number,
    }
    return Actor(kind, number[kind])


def _before(item: OrderItem, kind: Kind) -> int:
    """What the line was before its case was confirmed."""
    if item.status not in {*ENDED, Code.CANCELLATION_WAITING}:
        return item.status
    return Code.DELIVERED if kind == Kind.RETURN else Code.APPROVED


def _holder(item: OrderItem) -> str:
    return item.order.user_email.partition("@")[0].title()


def _reason(rng: Random, kind: Kind) -> int:
    return rng.randrange(1, 5) if kind == Kind.CANCEL else rng.randrange(5, _OTHER_REASON + 1)


def _units(item: OrderItem, status: Status) -> int:
    whole = item.status in ENDED or item.status == Code.CANCELLATION_WAITING
    return 1 if status == Status.COMPLETED and not whole else item.quantity


def _easy_return(writer: _Writer, item: OrderItem, status: Status, asked: datetime) -> EasyReturn:
    goods = _GOODS[status]
    is_booked = goods != GoodsStatus.WANTED
    writer.counts["returns"] += 1
    serial = 600_000 + writer.counts["returns"]
    carrier = writer.carriers[PICKUP if serial % 2 else DROP_OFF]
    day = (asked + timedelta(days=2)).date().isoformat()
    hours = {"start": "09:00", "end": "12:00"}
    return EasyReturn(
        uuid=UUID(int=writer.rng.getrandbits(128), version=4),
        carrier=carrier.carrier,
        carrier_label=carrier.carrier_label,
        code=f"ER{serial}" if is_booked else None,
        status=goods.value,
        start_date=asked if is_booked else None,
        end_date=asked + timedelta(days=14) if is_booked else None,
        tracking_number=f"BACK{serial}" if is_booked else None,
        tracking_url=f"https://tracking.example.com/BACK{serial}" if is_booked else None,
        pickup_date={"date": day, "hour_range": hours} if carrier.needs_pickup else None,
        raw_request=f'{{"order": "{item.order.number}"}}' if is_booked else None,
        raw_response=f'{{"code": "ER{serial}"}}' if is_booked else None,
        created_date=asked,
        modified_date=asked,
    )


def _settle(done: list[_Case]) -> None:
    """Units are used up, and their worth is paid back as far as it had been paid."""
    by_order: dict[int, list[_Case]] = defaultdict(list)
    for case in done:
        by_order[case.item.order_id].append(case)
    tenders: dict[int, list[Tender]] = defaultdict(list)
    for tender in Tender.objects.filter(order_id__in=list(by_order)).order_by("id"):
        tenders[tender.order_id].append(tender)
    lines = OrderItem.objects.filter(order_id__in=list(by_order))
    gone = set(by_order).difference(
        lines.exclude(status=Code.CANCELLED).values_list("order_id", flat=True)
    )
    orders = []
    for order_id, cases in by_order.items():
        order = cases[0].item.order
        _pay_back(order, cases, tenders[order_id], with_shipping=order_id in gone)
        orders.append(order)
    for case in done:
        case.item.units_closed = case.request.quantity
    OrderItem.objects.bulk_update((case.item for case in done), ["units_closed"])
    Order.objects.bulk_update(orders, ["refund_minor", "shipping_refund_minor"])
    Tender.objects.bulk_update(
        (tender for found in tenders.values() for tender in found), ["reserved_minor"]
    )


def _pay_back(
    order: Order, cases: Iterable[_Case], tenders: list[Tender], *, with_shipping: bool
) -> None:
    worth = sum(refundable_amounts(case.request).goods for case in cases)
    shipping = order.shipping_minor + order.fee_minor if with_shipping else 0
    left = worth + shipping
    for tender in tenders:
        tender.reserved_minor = min(left, tender.captured_minor)
        left -= tender.reserved_minor
    order.refund_minor = worth + shipping - left
    order.shipping_refund_minor = min(order.shipping_minor, order.refund_minor) * bool(shipping)
