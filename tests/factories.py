"""Factories for channels, customers, orders and cases, with defaults for every field."""

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
from takeback.addresses.address_book import snapshot_addresses
from takeback.addresses.address_input import AddressIn
from takeback.addresses.models import Address
from takeback.addresses.places import PlaceCache
from takeback.archive.models import OldOrder, OldOrderItem
from takeback.cancellations.models import (
    CancellationPlan,
    CancellationReason,
    CancellationRequest,
    CancellationRequestImage,
    PlanPayment,
)
from takeback.core import clock
from takeback.core.encryption import encrypt
from takeback.core.normalize import email_key, name_key
from takeback.logistics.models import EasyReturn, EasyReturnShippingCompany
from takeback.operations.installation import Requested, set_up
from takeback.orders.commands.ingest import Outcome, ingest_order, ingest_orders
from takeback.orders.commands.split_item import split_items
from takeback.orders.models import Order, OrderItem
from takeback.orders.order_input import ItemIn, OrderIn
from takeback.orders.statuses import Status
from takeback.outbox.commands import record_run
from takeback.outbox.models import Message
from takeback.shoppers.sign_in_state import AUTH_HASH, auth_hash
from tests import full_order
from tests.rigs.handler import WatchingHandler

SHOP = 1
"""The storefront's channel in the settings."""
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
PASSWORD = "a-long-enough-password"
NUMBER = "2745403029312170"
GUEST = "guest@example.com"
CUSTOMER = "customer@example.com"

_HASH = MD5PasswordHasher().encode(PASSWORD, "salt")
"""Quick to make and to check; tests accept it through the setting PASSWORD_HASHERS."""


class HttpClient(Client):
    """A test client with its own cookies; all of them share one handler."""

    _handler = WatchingHandler()

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.handler = self._handler


P = ParamSpec("P")
T = TypeVar("T")


def _without_n_plus_1_check(factory: Callable[P, T]) -> Callable[P, T]:
    """Allow repeated queries in a factory: only the tested code is checked for them."""

    @wraps(factory)
    def unchecked(*arguments: P.args, **named: P.kwargs) -> T:
        with zeal.zeal_ignore():
            return factory(*arguments, **named)

    return unchecked


@_without_n_plus_1_check
def create_channel(*, pk: int = SHOP, **fields: Any) -> Channel:
    """A channel with this id; the existing one if there is one."""
    defaults: dict[str, Any] = {"name": f"shop {pk}"}
    return Channel.objects.get_or_create(pk=pk, defaults=defaults | fields)[0]


@_without_n_plus_1_check
def create_customer(*, email: str = CUSTOMER, channel_id: int = SHOP, **fields: Any) -> User:
    """A registered customer who can sign in with `PASSWORD`."""
    create_channel(pk=channel_id)
    defaults: dict[str, Any] = {"password": _HASH, "first_name": "Ayla", "last_name": "Ray"}
    values = defaults | fields
    keys = {f"{name}_key": name_key(values[name]) for name in ("first_name", "last_name")}
    return User.objects.create(
        channel_id=channel_id, email=email, email_key=email_key(email), **keys | values
    )


def address_input(**fields: Any) -> AddressIn:
    """An address with all four places."""
    defaults: dict[str, Any] = {
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
    return AddressIn(**defaults | fields)


@_without_n_plus_1_check
def create_address(*, user: User, **fields: Any) -> Address:
    """An entry of a user's address book."""
    own = {name: fields.pop(name) for name in ("is_active", "primary") if name in fields}
    pk = snapshot_addresses([(user.pk, address_input(**fields))], PlaceCache())[0]
    Address.objects.filter(pk=pk).update(is_copy=False, **own)
    return Address.objects.get(pk=pk)


def item_input(**fields: Any) -> ItemIn:
    """An approved item for 10.00."""
    defaults: dict[str, Any] = {
        "remote_id": "1",
        "sku": "SKU-1",
        "product": {"sku": "SKU-1", "name": "A thing", "image": "https://img.example.com/1.jpg"},
        "goods_minor": 1000,
        "status": Status.APPROVED,
    }
    return ItemIn(**defaults | fields)


def order_input(**fields: Any) -> OrderIn:
    """By default an order of a guest in Turkish lira."""
    defaults: dict[str, Any] = {
        "number": NUMBER,
        "currency": "try",
        "placed_at": NOW,
        "customer": CustomerIn(email=GUEST),
        "shipping_address": address_input(),
        "items": [item_input()],
        "payment_type": "credit_card",
    }
    return OrderIn(**defaults | fields)


@_without_n_plus_1_check
def create_order(
    *,
    customer: User | None = None,
    guest: str = GUEST,
    channel_id: int = SHOP,
    now: datetime = NOW,
    update: dict[str, Any] | None = None,
    **fields: Any,
) -> Order:
    """An imported order of a customer, else of a guest; `update` changes columns afterwards."""
    create_channel(pk=channel_id)
    fields["customer"] = CustomerIn(email=guest)
    if customer:
        fields["customer"] = CustomerIn(email=customer.email, user_type="registered")
    outcome = ingest_order(channel_id, order_input(**fields), source="channel", now=now)
    assert outcome.order_id, outcome.reason
    if update:
        Order.objects.filter(pk=outcome.order_id).update(**update)
    return Order.objects.get(pk=outcome.order_id)


def items_of(order: Order) -> list[OrderItem]:
    """The items of an order by id."""
    return list(OrderItem.objects.filter(order=order).order_by("id"))


@_without_n_plus_1_check
def split_item(item_id: int, units: int, *, now: datetime = NOW) -> OrderItem:
    """Split units off an item; returns the new item."""
    return split_items([(OrderItem.objects.get(pk=item_id), units)], now=now)[item_id]


@_without_n_plus_1_check
def create_reason(*, kind: str = "cancel", **fields: Any) -> CancellationReason:
    """A reason that all channels offer."""
    defaults: dict[str, Any] = {
        "subject": "Changed my mind",
        "created_date": NOW,
        "modified_date": NOW,
    }
    return CancellationReason.objects.create(cancellation_type=kind, **defaults | fields)


@_without_n_plus_1_check
def create_case(
    *,
    item: OrderItem,
    kind: str = "cancel",
    iban: str | None = None,
    holder_name: str | None = None,
    **fields: Any,
) -> CancellationRequest:
    """A case of an item; bank details are encrypted as the service does it."""
    values: dict[str, Any] = {"created_date": NOW, "modified_date": NOW} | fields
    reason = values.pop("reason", None) or create_reason(kind=kind)
    values["channel_id"] = item.order.channel_id
    case = CancellationRequest(order_item=item, cancellation_type=kind, reason=reason, **values)
    case.iban_encrypted = encrypt(iban, str(case.uuid)) if iban else None
    case.holder_name_encrypted = encrypt(holder_name, str(case.uuid)) if holder_name else None
    case.save()
    return case


@_without_n_plus_1_check
def create_easy_return(**fields: Any) -> EasyReturn:
    """A booked return with the carrier's code."""
    defaults: dict[str, Any] = {
        "carrier": "extension",
        "carrier_label": "Extension Cargo",
        "code": "14223",
        "status": "booked",
    }
    return EasyReturn.objects.create(**defaults | fields)


@_without_n_plus_1_check
def create_image(*, case: CancellationRequest, **fields: Any) -> CancellationRequestImage:
    """An image of a case."""
    defaults: dict[str, Any] = {"image": "cases/1.jpg", "created_date": NOW, "modified_date": NOW}
    return CancellationRequestImage.objects.create(cancellation_request=case, **defaults | fields)


@_without_n_plus_1_check
def create_plan(*, case: int) -> CancellationPlan:
    """A plan for a case, with one payment."""
    row = CancellationRequest.objects.select_related("order_item").get(pk=case)
    created: dict[str, Any] = {"created_by_kind": "system", "created_date": NOW}
    plan = CancellationPlan.objects.create(
        order_id=row.order_item.order_id,
        plan_type=row.cancellation_type,
        refund_minor=row.order_item.goods_minor,
        modified_by_kind="system",
        modified_date=NOW,
        **created,
    )
    CancellationRequest.objects.filter(pk=case).update(plan=plan)
    payment = PlanPayment.objects.create(
        plan=plan, transaction_type="refund", refund_minor=plan.refund_minor, **created
    )
    payment.order_items.set([row.order_item_id])
    return plan


@_without_n_plus_1_check
def create_carrier(**fields: Any) -> EasyReturnShippingCompany:
    """A carrier that shoppers can choose."""
    defaults: dict[str, Any] = {
        "carrier": "yurtici",
        "carrier_label": "Yurtiçi Kargo",
        "name": "Yurtiçi",
    }
    return EasyReturnShippingCompany.objects.create(**defaults | fields)


@_without_n_plus_1_check
def create_old_order(*, customer: User, items: int = 0, **fields: Any) -> OldOrder:
    """An old order with this number of items."""
    defaults: dict[str, Any] = {
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
    order = OldOrder.objects.create(user=customer, **defaults | fields)
    for number in range(items):
        OldOrderItem.objects.create(
            old_order=order, product=f"Thing {number}", sku=f"S{number}", price_minor=500
        )
    return order


@_without_n_plus_1_check
def create_full_case(*, item: OrderItem) -> CancellationRequest:
    """An open return with a value in every field."""
    easy_return = create_easy_return(
        start_date=NOW,
        end_date=NOW,
        tracking_url="https://track.example.com/1",
        tracking_number="12352355",
        pickup_date={"date": "2024-01-01", "hour_range": {"start": "09:00", "end": "12:00"}},
    )
    case = create_case(
        item=item,
        kind="refund",
        easy_return=easy_return,
        description="too small",
        iban="TR330006100519786457841326",
        holder_name="Ayla Ray",
        fully_refund_as_loyalty_money=True,
        uuid=UUID("8187c360-66da-4959-9f0b-9aa2ccac9001"),
    )
    create_image(case=case, description="the seam")
    return case


@_without_n_plus_1_check
def create_session(user: User) -> SessionStore:
    """A session of the signed-in customer."""
    session = SessionStore()
    session.update({USER_ID: user.pk, AUTH_HASH: auth_hash(user.password)})
    session.save()
    return session


def client_of(user: User) -> HttpClient:
    """A client with a session of the signed-in customer."""
    client = HttpClient()
    client.cookies["osessionid"] = str(create_session(user).session_key)
    return client


def order_numbers(orders: Sequence[dict[str, Any]]) -> list[str]:
    """The order numbers in a response."""
    return [order["number"] for order in orders]


@_without_n_plus_1_check
def create_full_order(**fields: Any) -> Order:
    """An order with a value in every field; its second item has an open case."""
    preparing: dict[str, Any] = full_order.ITEM | {
        "status": Status.PREPARING,
        "invoice_number": None,
    }
    delivered: dict[str, Any] = full_order.ITEM | full_order.DATES | {"status": Status.DELIVERED}
    defaults: dict[str, Any] = {
        "items": [item_input(**preparing), item_input(remote_id="2", quantity=3, **delivered)],
        "shipping_address": address_input(**full_order.ADDRESS),
    }
    order = create_order(**full_order.ORDER | defaults | fields)
    create_full_case(item=items_of(order)[1])
    create_carrier()
    return order


@_without_n_plus_1_check
def ingest(*orders: OrderIn, channel_id: int = SHOP, now: datetime = NOW) -> list[Outcome]:
    """Import orders; returns the outcome of each."""
    return ingest_orders(channel_id, orders, source="channel", now=now)


@_without_n_plus_1_check
def create_orders(*, customer: User, count: int) -> None:
    """Orders of one customer, imported in one batch."""
    create_channel()
    account = CustomerIn(email=customer.email, user_type="registered")
    orders = [order_input(number=str(number), customer=account) for number in range(count)]
    ingest_orders(SHOP, orders, source="channel", now=NOW)


@_without_n_plus_1_check
def create_message(*, topic: str = "thing.happened", **fields: Any) -> Message:
    """A pending message that is due."""
    defaults: dict[str, Any] = {"key": f"{topic}:{uuid4()}", "created_at": NOW, "due_at": NOW}
    return Message.objects.create(topic=topic, **defaults | fields)


@_without_n_plus_1_check
def install_shop() -> None:
    """Everything that `takeback init` makes, and a worker that has just run."""
    requested = Requested(
        shop="Our shop",
        storefront_url="",
        staff="admin",
        email="admin@shop.example",
        drop_off="Counter",
        pickup="Courier",
        key="erp",
    )
    set_up(requested, now=clock.now())
    record_run(clock.now())
