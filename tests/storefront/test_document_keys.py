"""Each key of a document has the value of its own column: all columns have distinct values."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import pytest

from takeback.accounts.policy import shop_policy
from takeback.accounts.sessions import AccountRow
from takeback.addresses.queries import AddressRow
from takeback.api.renderer import encode
from takeback.archive.models import OldOrder, OldOrderItem
from takeback.cancellations.queries import CaseRow, CaseWithImages, ImageRow, ReasonRow
from takeback.logistics.queries import CompanyRow, EasyReturnRow
from takeback.orders.queries import DISCOUNT, LOYALTY, ExtraRow, ItemRow, OrderRow
from takeback.orders.statuses import Status
from takeback.storefront import (
    addresses_documents,
    cases_documents,
    document_cache,
    labels,
    old_orders_views,
    orders_documents,
    session_views,
)
from takeback.storefront.dialect import Dialect
from takeback.storefront.document_context import DocumentContext

Row = TypeVar("Row")

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
UUIDS = UUID(int=1), UUID(int=2)
_numbers = count(1_000)


def distinct(row_type: type[Row], /, **fixed: Any) -> Row:
    """A row whose columns have values of their types that occur nowhere else.

    Booleans are numbers, too, because booleans have only two values.
    """
    values: dict[str, Any] = {}
    for name, annotation in row_type.__annotations__.items():
        number, text = next(_numbers), str(annotation)
        values[name] = f"{name} {number}"
        if "int" in text or "bool" in text:
            values[name] = number
        elif "Decimal" in text:
            values[name] = Decimal(number) / 100
        elif "datetime.datetime" in text:
            values[name] = NOW + timedelta(seconds=number)
        elif "datetime.date" in text:
            values[name] = date(2026, 1, 1) + timedelta(days=number)
    return row_type(**values | fixed)


CARRIER_ROW = distinct(CompanyRow, countries="[]", categories="[]")
CARRIER = document_cache.shipping_company(CARRIER_ROW)


def context(**changes: Any) -> DocumentContext:
    """The context of a signed-in customer in the v3 dialect."""
    options: dict[str, Any] = {
        "dialect": Dialect.V3,
        "account": distinct(AccountRow),
        "shop": shop_policy(1),
        "now": NOW,
        "language": "en",
        "owner": "the owner",
        "shipping_companies": document_cache.CarriersOnOffer([CARRIER_ROW]),
    }
    return DocumentContext(**options | changes)


def choice(value: str) -> dict[str, str]:
    """The choice of a value without a label of its own."""
    return {"value": value, "label": value}


def as_json(document: Any) -> Any:
    """A document as a client parses it."""
    return msgspec.json.decode(encode(document))


def parsed(column: Any) -> Any:
    """The value of an embedded column."""
    return msgspec.json.decode(column)


def address_row() -> AddressRow:
    """An address with distinct columns."""
    places = {level: {"pk": next(_numbers)} for level in ("country", "city", "township")}
    return distinct(
        AddressRow,
        place=msgspec.json.encode({**places, "district": {"pk": next(_numbers)}}).decode(),
        retail_store='{"store": 1}',
        extra_field='{"extra": 1}',
    )


def test_keys_of_an_address() -> None:
    row = address_row()
    document: Any = addresses_documents.address(row, context())
    book_entry: Any = addresses_documents.book_address(row, 77, context())
    places = parsed(row.place)
    expected = {
        "pk": row.id,
        "id": row.id,
        "email": row.email,
        "phone_number": row.phone_number,
        "first_name": row.first_name,
        "last_name": row.last_name,
        "country": places["country"],
        "city": places["city"],
        "line": row.line,
        "title": row.title,
        "township": places["township"],
        "district": places["district"],
        "postcode": row.postcode,
        "notes": row.notes,
        "company_name": row.company_name,
        "tax_office": row.tax_office,
        "tax_no": row.tax_no,
        "e_bill_taxpayer": row.e_bill_taxpayer,
        "hash_data": row.hash_data,
        "address_type": choice(row.address_type),
        "retail_store": {"store": 1},
        "remote_id": row.remote_id,
        "identity_number": row.identity_number,
        "extra_field": {"extra": 1},
        "user": "the owner",
        "is_corporate": row.is_corporate,
        "primary": row.primary,
    }

    assert as_json(document) == as_json(expected)
    ids = {level: place["pk"] for level, place in places.items()}
    assert as_json(book_entry) == as_json(expected | ids | {"user": 77})
    assert addresses_documents.address(row, context(owner=None)).user == row.user_id


def test_keys_of_an_address_user() -> None:
    row = distinct(
        AccountRow, attributes='{"logged_ip": "x", "a": 1}', attributes_kwargs='{"b": 1}'
    )
    expected = row._asdict() | {
        "pk": row.id,
        "attributes": {"logged_ip": None, "a": 1},
        "attributes_kwargs": {"b": 1},
    }
    for column in ("id", "is_staff", "password"):
        del expected[column]

    assert as_json(addresses_documents.address_user(row)) == as_json(expected)


def test_keys_of_the_current_user() -> None:
    row = distinct(AccountRow, email="A@example.com")
    document = session_views.current_user(row)
    hashed = document["hashed_email"]

    assert document == {
        "pk": row.id,
        "id": row.id,
        "first_name": row.first_name,
        "last_name": row.last_name,
        "email": row.email,
        "phone": row.phone,
        "email_allowed": row.email_allowed,
        "sms_allowed": row.sms_allowed,
        "date_joined": row.date_joined,
        "last_login": row.last_login,
        "date_of_birth": row.date_of_birth,
        "hashed_email": hashed,
        "gender": row.gender,
    }
    assert len(hashed) == 64


def order_row(**fixed: Any) -> OrderRow:
    """An order with distinct columns."""
    details = (
        "defined_tracking_url", "delivery_range", "shipping_option_slug", "payment_option_slug",
        "shipping_tracking_url", "basket", "shipping_option", "card", "installment", "segment",
        "checkout_provider",
    )  # fmt: skip
    return distinct(
        OrderRow,
        **{
            "status": Status.PAYMENT_WAITING,
            "currency": "eur",
            "payment_option_id": 11,
            "bank_id": 12,
            "tracking_url": "https://shop.example/tracking",
            "e_archive_url": "https://shop.example/archive",
            "extra_field": '{"order": 1}',
            "details": msgspec.json.encode(
                {n: f"https://shop.example/{n}" for n in details}
            ).decode(),
            "shipping_address": address_row(),
            "billing_address": address_row(),
        }
        | fixed,
    )


def amount(minor: int | None) -> str | None:
    """Euros with two decimals."""
    return None if minor is None else f"{Decimal(minor) / 100:.2f}"


def test_keys_of_an_order() -> None:
    row, who = order_row(), context()
    discount = distinct(ExtraRow, kind=DISCOUNT)
    points = distinct(ExtraRow, kind=LOYALTY, token=str(UUIDS[0]))
    option = {"pk": 1, "id": 2, "name": "Card", "payment_type": "type", "slug": "card"}
    payment = msgspec.Raw(msgspec.json.encode(option))
    snapshots: dict[int | None, Any] = {11: payment, 12: "the bank"}
    document = orders_documents.order(row, [], {}, [discount, points], snapshots, who)
    details = parsed(row.details)

    assert as_json(document) == as_json(
        {
            "id": row.id,
            "pk": row.id,
            "status": labels.status(row.status, "en"),
            "currency": {"value": "eur", "label": "EUR"},
            "orderitem_set": [],
            "discountitem_set": [orders_documents.discount_item(discount, row)],
            "is_cancelled": True,
            "is_cancellable": False,
            "is_refundable": False,
            "shipping_address": addresses_documents.address(row.shipping_address, who),
            "billing_address": addresses_documents.address(row.billing_address, who),
            "shipping_company": choice(str(row.shipping_company)),
            "client_type": choice(row.client_type),
            "payment_option": option,
            "amount_without_discount": amount(row.amount_minor + row.discount_minor),
            "is_payable": True,
            "tracking_url": row.tracking_url,
            "bank": "the bank",
            "loyaltytransaction_set": [orders_documents.loyalty_transaction(points, row)],
            "created_date": row.placed_at,
            "modified_date": row.modified_date,
            "number": row.number,
            "amount": amount(row.amount_minor),
            "discount_amount": amount(row.discount_minor),
            "shipping_amount": amount(row.shipping_minor),
            "shipping_tax_rate": f"{row.shipping_tax_rate:.2f}",
            "refund_amount": amount(row.refund_minor + row.refunded_elsewhere_minor),
            "discount_refund_amount": amount(row.discount_refund_minor),
            "shipping_refund_amount": amount(row.shipping_refund_minor),
            "invoice_number": row.invoice_number,
            "invoice_date": row.invoice_date,
            "e_archive_url": row.e_archive_url,
            "tracking_number": row.tracking_number,
            "defined_tracking_url": details["defined_tracking_url"],
            "remote_addr": row.remote_addr,
            "has_gift_box": row.has_gift_box,
            "gift_box_note": row.gift_box_note,
            "language_code": row.language_code,
            "notes": row.notes,
            "delivery_range": details["delivery_range"],
            "extra_field": {"order": 1},
            "user_email": row.user_email,
            "shipping_option_slug": details["shipping_option_slug"],
            "payment_option_slug": details["payment_option_slug"],
            "bin_number": row.bin_number,
            "installment_count": row.installment_count,
            "installment_interest_amount": amount(row.interest_minor),
            "shipping_tracking_url": details["shipping_tracking_url"],
            "order_type": choice(str(row.order_type)),
            "user": row.user_id,
            "basket": details["basket"],
            "shipping_option": details["shipping_option"],
            "card": details["card"],
            "installment": details["installment"],
            "segment": details["segment"],
            "checkout_provider": details["checkout_provider"],
            "refund_set": [],
        }
    )


def item_row(**fixed: Any) -> ItemRow:
    """An item with distinct columns and one unit."""
    details: dict[str, Any] = {
        name: {name: 1}
        for name in ("attributes_kwargs", "localized_attributes", "localized_attributes_kwargs")
    }
    details |= {
        name: f"https://shop.example/{name}"
        for name in ("defined_tracking_url", "shipping_tracking_url")
    }
    names = ("parent", "extra_product_price", "extra_product_stock")
    details |= {name: next(_numbers) for name in names}
    return distinct(
        ItemRow,
        **{
            "status": Status.APPROVED,
            "quantity": 3,
            "units_closed": 0,
            "refunded_elsewhere_quantity": 0,
            "goods_minor": 3003,
            "invoice_number": None,
            "tracking_url": "https://shop.example/tracking",
            "e_archive_url": "https://shop.example/archive",
            "image": "https://shop.example/image",
            "attributes": '{"item": 1}',
            "extra_field": '{"item": 2}',
            "details": msgspec.json.encode(details).decode(),
        }
        | fixed,
    )


SNAPSHOTS = ("product", "data_source", "stock_list", "price_list", "shipping_option_group")


def item_document(row: ItemRow, cases: Any = ()) -> orders_documents.OrderItem:
    """The document of an item of an order in euros; each snapshot is its own kind."""
    snapshots = {getattr(row, f"{kind}_id"): kind for kind in SNAPSHOTS}
    return orders_documents.order_item(
        row, cases, order_row(), shop_policy(1), snapshots, context()
    )


def test_keys_of_an_order_item() -> None:
    row = item_row()
    details = parsed(row.details)

    assert as_json(item_document(row)) == as_json(
        {
            "id": row.id,
            "pk": row.id,
            "status": {"value": "400", "label": "Approved"},
            "price_currency": {"value": "eur", "label": "EUR"},
            "product": "product",
            "is_cancelled": False,
            "is_cancellable": True,
            "is_refundable": False,
            "closed_because": None,
            "cancellationrequest_set": [],
            "active_cancellation_request": None,
            "shipping_company": choice(str(row.shipping_company)),
            "tracking_url": row.tracking_url,
            "is_tradable": row.is_tradable,
            "available_easy_return_shipping_companies": [as_json(CARRIER)],
            "datasource_detailed": "data_source",
            "extra_product_stock_detailed": "stock_list",
            "extra_product_price_detailed": "price_list",
            "shipping_option_group": "shipping_option_group",
            "created_date": row.created_date,
            "modified_date": row.modified_date,
            "attributes": {"item": 1},
            "attributes_kwargs": details["attributes_kwargs"],
            "localized_attributes": details["localized_attributes"],
            "localized_attributes_kwargs": details["localized_attributes_kwargs"],
            "price": amount(row.goods_minor),
            "tax_rate": f"{row.tax_rate:.2f}",
            "invoice_number": None,
            "invoice_date": row.invoice_date,
            "e_archive_url": row.e_archive_url,
            "tracking_number": row.tracking_number,
            "defined_tracking_url": details["defined_tracking_url"],
            "retail_price": amount(row.retail_minor),
            "discount_amount": amount(row.discount_minor),
            "discounted_price": amount(row.goods_minor - row.discount_minor),
            "quantity": 3,
            "units_left": 3,
            "unit_price": "10.01",
            "total_amount": amount(row.goods_minor),
            "image": row.image,
            "extra_field": {"item": 2},
            "estimated_delivery_date": row.estimated_delivery_date,
            "shipped_date": row.shipped_date,
            "delivered_date": row.delivered_date,
            "shipping_tracking_url": details["shipping_tracking_url"],
            "order": row.order_id,
            "parent": details["parent"],
            "extra_product_price": details["extra_product_price"],
            "extra_product_stock": details["extra_product_stock"],
            "datasource": row.data_source_id,
        }
    )


@pytest.mark.parametrize(
    ("status", "flags"),
    [
        (Status.APPROVED, (False, True, False)),
        (Status.CANCELLED, (True, False, False)),
        (Status.DELIVERED, (False, False, True)),
    ],
)
def test_flags_of_an_order_item_and_its_order(status: Status, flags: tuple[bool, ...]) -> None:
    row = item_row(status=status, invoice_number="INV", delivered_date=NOW)
    row = row._replace(invoice_number=None) if status == Status.APPROVED else row
    item = item_document(row)
    snapshots = {getattr(row, f"{kind}_id"): kind for kind in SNAPSHOTS} | {11: None, 12: None}
    order = orders_documents.order(order_row(), [row], {}, [], snapshots, context())

    for document in (item, order):
        names = ("is_cancelled", "is_cancellable", "is_refundable")
        assert tuple(getattr(document, name) for name in names) == flags
    assert order.orderitem_set == [item]


def test_invoice_number_and_blocking_reason_of_an_order_item() -> None:
    item = item_document(item_row(status=Status.CANCELLED, invoice_number="INV-1"))

    assert item.invoice_number == "INV-1"
    assert item.closed_because is not None
    assert item.closed_because["code"].startswith("cancellation_request_100_")


def case_row(**fixed: Any) -> CaseWithImages:
    """A case with distinct columns, a booked return and an image."""
    window = '{"date": "2026-03-11", "hour_range": {"start": "09:00", "end": "12:00"}}'
    easy_return = distinct(
        EasyReturnRow, status="booked", tracking_url="https://shop.example/", pickup_date=window
    )
    row = distinct(
        CaseRow,
        **{
            "uuid": UUIDS[0],
            "cancellation_type": "refund",
            "status": "waiting",
            "iban_encrypted": None,
            "holder_name_encrypted": None,
            "refunds": None,
            "easy_return": easy_return,
            "cancellationrequestimage": None,
        }
        | fixed,
    )
    return CaseWithImages(row, [distinct(ImageRow)])


def test_keys_of_a_case() -> None:
    case = case_row()
    row, [image] = case
    easy_return = row.easy_return
    assert easy_return is not None
    expected = {
        "id": row.id,
        "pk": row.id,
        "cancellation_type": {"value": "refund", "label": "Return"},
        "status": {"value": "open", "label": "Open"},
        "easy_return": {
            "id": easy_return.id,
            "pk": easy_return.id,
            "status": {"value": "active", "label": "Active"},
            "code": easy_return.code,
            "start_date": easy_return.start_date,
            "end_date": easy_return.end_date,
            "tracking_url": easy_return.tracking_url,
            "tracking_number": easy_return.tracking_number,
            "shipping_company": {
                "value": easy_return.carrier,
                "label": easy_return.carrier_label,
            },
            "pickup_date": {
                "date": "2026-03-11",
                "hour_range": {"start": "09:00", "end": "12:00"},
            },
        },
        "created_date": row.created_date,
        "modified_date": row.modified_date,
        "uuid": row.uuid,
        "description": row.description,
        "iban": None,
        "holder_name": None,
        "quantity": row.quantity,
        "fully_refund_as_loyalty_money": row.fully_refund_as_loyalty_money,
        "cancellation_request_image_set": [
            {
                "pk": image.id,
                "id": image.id,
                "cancellation_request": row.id,
                "image": f"http://127.0.0.1:8000/media/{image.image}",
                "description": image.description,
                "is_uploaded_by_user": image.is_uploaded_by_user,
                "created_date": image.created_date,
                "modified_date": image.modified_date,
            }
        ],
        "reason": row.reason_id,
        "order_item": row.order_item_id,
        "refund_set": [],
    }

    assert as_json(cases_documents.case_document(case, context())) == as_json(expected)
    assert as_json(cases_documents.case_in_order(case, context())) == as_json(expected)


def test_item_lists_all_cases_and_the_live_one() -> None:
    closed, live = case_row(status="rejected"), case_row()
    item = item_document(item_row(), [closed, live])

    assert [case["id"] for case in item.cancellationrequest_set] == [closed.row.id, live.row.id]
    assert item.active_cancellation_request == item.cancellationrequest_set[1]


def test_keys_of_a_reason() -> None:
    row = distinct(ReasonRow, uuid=UUIDS[1], translations='{"fr": {"subject": "x"}}')
    expected = row._asdict() | {"pk": row.id, "translations": {"fr": {"subject": "x"}}}

    assert as_json(cases_documents.reason(row)) == as_json(expected)


def test_keys_of_discount_and_loyalty_points() -> None:
    parent, row = order_row(), distinct(ExtraRow, token=str(UUIDS[0]))

    assert orders_documents.discount_item(row, parent) == {
        "pk": row.id,
        "id": row.id,
        "name": row.label,
        "amount": amount(row.amount_minor),
        "created_date": row.created_date,
        "order_number": parent.number,
        "currency": {"value": "eur", "label": "EUR"},
    }
    assert orders_documents.loyalty_transaction(row, parent) == {
        "pk": row.id,
        "id": row.id,
        "uuid": UUIDS[0],
        "amount": amount(row.amount_minor),
        "order": row.order_id,
        "user": parent.user_id,
        "user_email": row.email,
        "reference": row.label,
    }


def test_keys_of_a_carrier() -> None:
    row = distinct(CompanyRow)

    assert document_cache.shipping_company(row) == {
        "pk": row.id,
        "id": row.id,
        "shipping_company": {"value": row.carrier, "label": row.carrier_label},
        "name": row.name,
    }


def test_keys_of_an_old_order() -> None:
    texts = (
        "number", "user_email", "status", "payment_type", "bank", "tracking_number",
        "shipping_address", "billing_address", "shipping_company",
    )  # fmt: skip
    row = OldOrder(
        pk=1,
        currency="eur",
        created_date=NOW,
        amount_minor=200,
        discount_minor=300,
        installment_count=4,
        extra_field={"old": 1},
        user_id=5,
        **{name: f"the {name}" for name in texts},
    )
    item = OldOrderItem(
        pk=6,
        product="the product",
        sku="the sku",
        quantity=7,
        price_minor=800,
        image_url="https://shop.example/image",
        extra_field={"old": 2},
    )

    assert old_orders_views.old_order(row, [item]) == {
        "id": 1,
        "pk": 1,
        "currency": {"value": "eur", "label": "EUR"},
        "shipping_company": choice("the shipping_company"),
        "oldorderitem_set": [
            {
                "id": 6,
                "pk": 6,
                "product": "the product",
                "sku": "the sku",
                "quantity": 7,
                "price": "8.00",
                "image_url": "https://shop.example/image",
                "extra_field": {"old": 2},
            }
        ],
        "number": "the number",
        "user_email": "the user_email",
        "status": "the status",
        "created_date": NOW,
        "amount": "2.00",
        "discount_amount": "3.00",
        "payment_type": "the payment_type",
        "bank": "the bank",
        "installment_count": 4,
        "tracking_number": "the tracking_number",
        "shipping_address": "the shipping_address",
        "billing_address": "the billing_address",
        "extra_field": {"old": 1},
        "user": 5,
    }
