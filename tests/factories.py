"""What tests are about: shops, people, orders and cases, made with as few words as a test needs."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from uuid import UUID, uuid4

import zeal
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client

from takeback.accounts.customer_input import CustomerIn
from takeback.accounts.models import Channel, User
from takeback.accounts.sessions import USER_ID, SessionStore
from takeback.addresses.address_input import AddressIn
from takeback.addresses.models import Address
from takeback.addresses.places import Places
from takeback.addresses.snapshots import snapshot_addresses
from takeback.archive.models import OldOrder, OldOrderItem
from takeback.cancellations.models import (
    CancellationPlan,
    CancellationReason,
    CancellationRequest,
    CancellationRequestImage,
    PaymentPlanLine,
)
from takeback.core.encryption import encrypt
from takeback.core.normalize import email_key, name_key
from takeback.logistics.models import EasyReturn, EasyReturnShippingCompany
from takeback.orders.commands import split_item as splitting
from takeback.orders.commands.ingest import Outcome, ingest_order, ingest_orders
from takeback.orders.models import Order, OrderItem
from takeback.orders.order_input import ItemIn, OrderIn
from takeback.orders.statuses import Status
from takeback.outbox.models import Message
from takeback.shoppers.sign_in_state import AUTH_HASH, auth_hash
from tests import full_order
from tests.rigs.handler import WatchingHandler

SHOP = 1
"""The channel that the settings name as the storefront's own."""
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
PASSWORD = "a-long-enough-password"
NUMBER = "2745403029312170"
GUEST = "guest@example.com"
CUSTOMER = "customer@example.com"

_HASH = MD5PasswordHasher().encode(PASSWORD, "salt")
"""Quick to make and to check; tests accept it through the setting PASSWORD_HASHERS."""


class Visitor(Client):
    """A browser of its own; all of them call one server, which is started once."""

    _server = WatchingHandler()

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.handler = self._server


P = ParamSpec("P")
T = TypeVar("T")


def _unwatched(make: Callable[P, T]) -> Callable[P, T]:
    """Setting up may ask as often as it likes; queries are watched in what is tested."""

    @wraps(make)
    def made(*arguments: P.args, **named: P.kwargs) -> T:
        with zeal.zeal_ignore():
            return make(*arguments, **named)

    return made


@_unwatched
def make_channel(*, pk: int = SHOP, **fields: Any) -> Channel:
    """A channel under a number of the test's own choice."""
    told: dict[str, Any] = {"name": f"shop {pk}"}
    return Channel.objects.get_or_create(pk=pk, defaults=told | fields)[0]


@_unwatched
def make_customer(*, email: str = CUSTOMER, channel_id: int = SHOP, **fields: Any) -> User:
    """A registered customer who may sign in with `PASSWORD`."""
    make_channel(pk=channel_id)
    told: dict[str, Any] = {"password": _HASH, "first_name": "Ayla", "last_name": "Ray"}
    told |= fields
    keys = {f"{name}_key": name_key(told[name]) for name in ("first_name", "last_name")}
    return User.objects.create(
        channel_id=channel_id, email=email, email_key=email_key(email), **keys | told
    )


def address_in(**fields: Any) -> AddressIn:
    """An address with a full place."""
    told: dict[str, Any] = {
        "first_name": "Ayla",
        "last_name": "Ray",
        "phone_number": "05550000000",
        "email": "ayla@example.com",
        "title": "Home",
        "line": "Long Street 1",
        "country": "tr",
        "country_name": "Türkiye",
        "city": "Adana",
        "township": "Seyhan",
        "district": "Reşatbey",
        "postcode": "01000",
    }
    return AddressIn(**told | fields)


@_unwatched
def make_address(*, user: User, **fields: Any) -> Address:
    """An entry of somebody's address book."""
    own = {name: fields.pop(name) for name in ("is_active", "primary") if name in fields}
    pk = snapshot_addresses([(user.pk, address_in(**fields))], Places())[0]
    Address.objects.filter(pk=pk).update(is_copy=False, **own)
    return Address.objects.get(pk=pk)


def item_in(**fields: Any) -> ItemIn:
    """One line, worth 10.00, approved."""
    told: dict[str, Any] = {
        "remote_id": "1",
        "sku": "SKU-1",
        "product": {"sku": "SKU-1", "name": "A thing", "image": "https://img.example.com/1.jpg"},
        "goods_minor": 1000,
        "status": Status.APPROVED,
    }
    return ItemIn(**told | fields)


def order_in(**fields: Any) -> OrderIn:
    """An order in Turkish lira by a guest, unless told otherwise."""
    told: dict[str, Any] = {
        "number": NUMBER,
        "currency": "try",
        "placed_at": NOW,
        "customer": CustomerIn(email=GUEST),
        "shipping_address": address_in(),
        "items": [item_in()],
        "payment_type": "credit_card",
    }
    return OrderIn(**told | fields)


@_unwatched
def make_order(
    *,
    customer: User | None = None,
    guest: str = GUEST,
    channel_id: int = SHOP,
    now: datetime = NOW,
    after: dict[str, Any] | None = None,
    **fields: Any,
) -> Order:
    """An order of a customer, else of a guest; `after` is what has become of its row since."""
    make_channel(pk=channel_id)
    fields["customer"] = CustomerIn(email=guest)
    if customer:
        fields["customer"] = CustomerIn(email=customer.email, user_type="registered")
    outcome = ingest_order(channel_id, order_in(**fields), source="channel", now=now)
    assert outcome.order_id, outcome.reason
    if after:
        Order.objects.filter(pk=outcome.order_id).update(**after)
    return Order.objects.get(pk=outcome.order_id)


def items_of(order: Order) -> list[OrderItem]:
    """The lines of an order in their order."""
    return list(OrderItem.objects.filter(order=order).order_by("id"))


@_unwatched
def set_apart(item_id: int, units: int, *, now: datetime = NOW) -> OrderItem:
    """Some units of a line on a line of their own."""
    return splitting.split_items([(OrderItem.objects.get(pk=item_id), units)], now=now)[item_id]


@_unwatched
def make_reason(*, kind: str = "cancel", **fields: Any) -> CancellationReason:
    """A reason that any channel offers."""
    told: dict[str, Any] = {"subject": "Changed my mind", "created_date": NOW, "modified_date": NOW}
    return CancellationReason.objects.create(cancellation_type=kind, **told | fields)


@_unwatched
def make_request(
    *,
    item: OrderItem,
    kind: str = "cancel",
    iban: str | None = None,
    holder_name: str | None = None,
    **fields: Any,
) -> CancellationRequest:
    """A case on one line; bank details are sealed as the service itself does it."""
    told: dict[str, Any] = {"created_date": NOW, "modified_date": NOW} | fields
    reason = told.pop("reason", None) or make_reason(kind=kind)
    told["channel_id"] = item.order.channel_id
    row = CancellationRequest(order_item=item, cancellation_type=kind, reason=reason, **told)
    row.iban_encrypted = encrypt(iban, str(row.uuid)) if iban else None
    row.holder_name_encrypted = encrypt(holder_name, str(row.uuid)) if holder_name else None
    row.save()
    return row


@_unwatched
def make_easy_return(**fields: Any) -> EasyReturn:
    """A way back that a carrier has given a code for."""
    told: dict[str, Any] = {
        "carrier": "extension",
        "carrier_label": "Extension Cargo",
        "code": "14223",
    }
    return EasyReturn.objects.create(**told | {"status": "booked"} | fields)


@_unwatched
def make_image(*, case: CancellationRequest, **fields: Any) -> CancellationRequestImage:
    """A picture of a case."""
    told: dict[str, Any] = {"image": "cases/1.jpg", "created_date": NOW, "modified_date": NOW}
    return CancellationRequestImage.objects.create(cancellation_request=case, **told | fields)


@_unwatched
def make_plan(*, case: int) -> CancellationPlan:
    """What is decided for a case, and the one payment that was told for it."""
    row = CancellationRequest.objects.select_related("order_item").get(pk=case)
    by: dict[str, Any] = {"created_by_kind": "system", "created_date": NOW}
    plan = CancellationPlan.objects.create(
        order_id=row.order_item.order_id,
        plan_type=row.cancellation_type,
        refund_minor=row.order_item.goods_minor,
        modified_by_kind="system",
        modified_date=NOW,
        **by,
    )
    CancellationRequest.objects.filter(pk=case).update(plan=plan)
    payment = PaymentPlanLine.objects.create(
        plan=plan, transaction_type="refund", refund_minor=plan.refund_minor, **by
    )
    payment.order_items.set([row.order_item_id])
    return plan


@_unwatched
def make_company(**fields: Any) -> EasyReturnShippingCompany:
    """A carrier that shoppers may choose."""
    told: dict[str, Any] = {
        "carrier": "yurtici",
        "carrier_label": "Yurtiçi Kargo",
        "name": "Yurtiçi",
    }
    return EasyReturnShippingCompany.objects.create(**told | fields)


@_unwatched
def make_old_order(*, customer: User, lines: int = 0, **fields: Any) -> OldOrder:
    """An order of the system before, with as many lines as asked for."""
    told: dict[str, Any] = {
        "number": "12345",
        "user_email": customer.email,
        "status": "pasive",
        "created_date": NOW,
        "currency": "try",
        "amount_minor": 1000,
        "discount_minor": 800,
        "payment_type": "credit card",
        "bank": "garanti",
        "installment_count": 3,
        "tracking_number": "testtrack123",
        "shipping_address": "dene adress",
        "billing_address": "deneme address",
    }
    order = OldOrder.objects.create(user=customer, **told | fields)
    for number in range(lines):
        OldOrderItem.objects.create(
            old_order=order, product=f"Thing {number}", sku=f"S{number}", price_minor=500
        )
    return order


@_unwatched
def make_case_of_everything(*, item: OrderItem) -> CancellationRequest:
    """A live return with every value that a case can have."""
    way_back = make_easy_return(
        start_date=NOW,
        end_date=NOW,
        tracking_url="https://track.example.com/1",
        tracking_number="12352355",
        pickup_date={"date": "2024-01-01", "hour_range": {"start": "09:00", "end": "12:00"}},
    )
    case = make_request(
        item=item,
        kind="refund",
        easy_return=way_back,
        description="too small",
        iban="TR330006100519786457841326",
        holder_name="Ayla Ray",
        fully_refund_as_loyalty_money=True,
        uuid=UUID("8187c360-66da-4959-9f0b-9aa2ccac9001"),
    )
    make_image(case=case, description="the seam")
    return case


@_unwatched
def session_of(user: User) -> SessionStore:
    """A running session in which this customer has signed in."""
    session = SessionStore()
    session.update({USER_ID: user.pk, AUTH_HASH: auth_hash(user.password)})
    session.save()
    return session


def client_of(user: User) -> Visitor:
    """A browser in which this customer has signed in."""
    client = Visitor()
    client.cookies["osessionid"] = str(session_of(user).session_key)
    return client


def numbers(orders: Sequence[dict[str, Any]]) -> list[str]:
    """The order numbers of an answer."""
    return [order["number"] for order in orders]


@_unwatched
def make_rich_order(**fields: Any) -> Order:
    """An order with every value that an order can have; its second line has a live case."""
    waiting: dict[str, Any] = full_order.LINE | {"status": Status.PREPARING, "invoice_number": None}
    arrived: dict[str, Any] = full_order.LINE | full_order.DATES | {"status": Status.DELIVERED}
    told: dict[str, Any] = {
        "items": [item_in(**waiting), item_in(remote_id="2", quantity=3, **arrived)],
        "shipping_address": address_in(**full_order.ADDRESS),
    }
    made = make_order(**full_order.ORDER | told | fields)
    make_case_of_everything(item=items_of(made)[1])
    make_company()
    return made


@_unwatched
def tell(*orders: OrderIn, channel_id: int = SHOP, now: datetime = NOW) -> list[Outcome]:
    """Tell orders to the service; what became of each."""
    return ingest_orders(channel_id, orders, source="channel", now=now)


@_unwatched
def make_orders(*, customer: User, count: int) -> None:
    """Many orders of one customer, in one batch."""
    make_channel()
    who = CustomerIn(email=customer.email, user_type="registered")
    told = [order_in(number=str(number), customer=who) for number in range(count)]
    ingest_orders(SHOP, told, source="channel", now=NOW)


@_unwatched
def make_message(*, topic: str = "thing.happened", **fields: Any) -> Message:
    """A message that waits, due since the beginning of the test's day."""
    told: dict[str, Any] = {"key": f"{topic}:{uuid4()}", "created_at": NOW, "due_at": NOW}
    return Message.objects.create(topic=topic, **told | fields)
