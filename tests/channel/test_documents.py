"""Documents of the channel: every key shows its own column, in the contract's order.

Each row has a different value in every column, so that two swapped columns fail. Booleans have
only two values: they are true one after the other.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, get_args, get_type_hints
from uuid import UUID

import pytest

from takeback.accounts.models import ApiKey
from takeback.bank_accounts.bank_account import BankAccount
from takeback.bank_accounts.bank_account import encrypted_columns as encrypted_account
from takeback.channel.auth import ApiClient
from takeback.channel.cases import documents as cases
from takeback.channel.cases.queries import CaseRow, DetailedCases
from takeback.channel.customers import documents as customers
from takeback.channel.customers.queries import AddressRow, CustomerRow
from takeback.channel.images import ImageRow, image_document
from takeback.channel.items import documents as items
from takeback.channel.items.queries import ItemRow, ShareRow
from takeback.channel.orders import documents as orders
from takeback.channel.orders.queries import OrderRow
from takeback.channel.plans import documents as plans
from takeback.channel.plans.queries import CompletePlans, PaidItemRow, PlanCaseRow, PlanRow
from takeback.channel.sync import documents as sync
from takeback.channel.sync.queries import ActionRow, BatchRow, ChannelRow, ReportRow
from takeback.core.ids import ItemId
from takeback.orders.queries import SnapshotRow

START = datetime(2026, 1, 1, tzinfo=UTC)
ACCOUNT = BankAccount("TR330006100519786457841326", "Ayla Ray")
CLIENT = ApiClient(1, (1,), frozenset(ApiKey.SCOPES))

Columns = Mapping[str, str | Callable[[Any], Any]]
"""By key: the name of its column, or a function of the row."""


def value_of(kind: Any, number: int) -> Any:
    """A value of this type that no other number gives."""
    text = f"{number}"
    values: dict[Any, Any] = {
        int: number,
        str: text,
        bool: False,
        datetime: START + timedelta(days=number),
        date: START.date() + timedelta(days=number),
        Decimal: Decimal(number),
        UUID: UUID(int=number),
        Any: json.dumps({"value": text}),  # a JSON column
    }
    return values[getattr(kind, "__supertype__", kind)]


def row_of(kind: Any, numbers: Iterator[int], **fixed: Any) -> Any:
    """A row of this type with a different value in every column."""
    columns = {}
    for name, hint in get_type_hints(kind).items():
        types = [option for option in get_args(hint) or [hint] if option is not type(None)]
        if name in fixed:
            columns[name] = fixed[name]
        elif hasattr(types[0], "_fields"):
            columns[name] = row_of(types[0], numbers)
        else:
            columns[name] = value_of(types[0], next(numbers))
    return kind(**columns)


def snapshot(document: Any, numbers: Iterator[int]) -> SnapshotRow:
    """A snapshot with all keys of the document, each with its own text."""
    keys = {name: str(next(numbers)) for name in get_type_hints(document) if name != "id"}
    return SnapshotRow(next(numbers), json.dumps(keys))


def shown(row: Any, column: str | Callable[[Any], Any]) -> Any:
    """How a document shows a column: `details.x` is a key of the JSON column `details`."""
    if not isinstance(column, str):
        return column(row)
    name, _, key = column.partition(".")
    value = getattr(row, name)
    if name.endswith("_minor"):
        return Decimal(value) / 100
    if isinstance(value, str) and value.startswith("{"):
        value = json.loads(value)
    return value[key] if key else value


def check(build: Callable[[Any], Any], row: Any, columns: Columns) -> None:
    """The document shows these columns in this order, whichever boolean is true."""
    flags = [name for name, value in row._asdict().items() if value is False]
    for true_flag in [None, *flags]:
        variant = row._replace(**{true_flag: True}) if true_flag else row
        document = build(variant)
        expected = {key: shown(variant, column) for key, column in columns.items()}
        assert list(document) == list(expected)
        assert document == expected
    values = [shown(row, column) for column in {*columns.values()} - {*flags}]
    texts = [str(value) for value in values if value not in ({}, None)]
    assert len(texts) == len(set(texts)), "columns with equal values: a swap would pass"


def same(*names: str) -> dict[str, str]:
    """Keys that have the names of their columns."""
    return {name: name for name in names}


def empty(row: Any) -> dict[str, Any]:
    return {}


def null(row: Any) -> None:
    return None


def refund_column(numbers: Iterator[int]) -> str:
    """A JSON column with one planned refund."""
    pk, uuid, amount = next(numbers), UUID(int=next(numbers)), next(numbers)
    dates = ["2026-03-24", "2026-03-20T08:00:00Z", "2026-03-22T09:30:00Z"]
    values = [pk, str(uuid), "planned", "original", amount, "try", *dates, None]
    return json.dumps([values])


def refund_set(row: Any) -> list[dict[str, Any]]:
    """The refunds of a column of `refund_column`."""
    [[pk, uuid, status, method, amount, currency, due_by, confirmed_at, returned_at, _]] = (
        json.loads(row.refunds)
    )
    return [
        {
            "id": pk,
            "uuid": UUID(uuid),
            "status": status,
            "method": method,
            "amount": Decimal(amount) / 100,
            "currency": currency,
            "latest_date": date.fromisoformat(due_by),
            "confirmed_date": datetime.fromisoformat(confirmed_at),
            "returned_date": datetime.fromisoformat(returned_at),
        }
    ]


BARE_ORDER: Columns = {
    "pk": "id",
    "id": "id",
    "number": "number",
    "channel": "channel_id",
    "customer": "user_id",
    "date_placed": "placed_at",
    "extra_field": "extra_field",
    "payment_option": lambda row: row.payment_option.id,
    "payment_option_slug": "details.payment_option_slug",
    "bin_number": "bin_number",
    "installment": "details.installment",
    "installment_count": "installment_count",
    "installment_interest_amount": "interest_minor",
    "cargo_company": "details.cargo_company",
    "is_send": "is_send",
    "delivery_type": "details.delivery_type",
    "cancellation_info": "details.cancellation_info",
    "cancel_status": "cancel_status",
    "shipping_interest_amount": lambda row: Decimal("7.77"),
    "external_status": "details.external_status",
    "client_type": "client_type",
    "carrier_shipping_code": "details.carrier_shipping_code",
    "segment": "details.segment",
    "checkout_provider_id": "details.checkout_provider_id",
    "status": "status",
    "currency": lambda row: "try",
    "amount": "amount_minor",
    "discount_amount": "discount_minor",
    "shipping_amount": "shipping_minor",
    "shipping_tax_rate": "shipping_tax_rate",
    "refund_amount": "refund_minor",
    "discount_refund_amount": "discount_refund_minor",
    "shipping_refund_amount": "shipping_refund_minor",
    "refunded_elsewhere_amount": "refunded_elsewhere_minor",
    "invoice_number": "invoice_number",
    "invoice_date": "invoice_date",
    "e_archive_url": "e_archive_url",
    "tracking_number": "tracking_number",
    "defined_tracking_url": "details.defined_tracking_url",
    "shipping_company": "shipping_company",
    "remote_addr": "remote_addr",
    "has_gift_box": "has_gift_box",
    "gift_box_note": "gift_box_note",
    "language_code": "language_code",
    "notes": "notes",
    "delivery_range": "details.delivery_range",
    "shipping_option_slug": "details.shipping_option_slug",
    "created_date": "created_date",
    "modified_date": "modified_date",
}

ITEM: Columns = {
    "pk": "id",
    "id": "id",
    "order": "order_id",
    "product": lambda row: items.product(row.product),
    "price_list": lambda row: items.price_list(row.price_list),
    "stock_list": lambda row: items.stock_list(row.stock_list),
    "status": lambda row: str(row.status),
    "quantity": "quantity",
    "units_left": lambda row: 7,
    "refunded_elsewhere_quantity": "refunded_elsewhere_quantity",
    "unit_price": lambda row: Decimal(row.goods_minor // 2) / 100,
    "total_price": "goods_minor",
    "price_currency": lambda row: "try",
    "price": "goods_minor",
    "retail_price": "retail_minor",
    "discount_amount": "discount_minor",
    "tax_rate": "tax_rate",
    "tax_amount": "tax_minor",
    "installment_interest_amount": "interest_minor",
    "benefitapplicant_set": lambda row: [],
    "shipping_company": "shipping_company",
    "shipment_code": "details.shipment_code",
    "cancel_status": "cancel_status",
    "is_tradable": "is_tradable",
    "external_status": "details.external_status",
    "datasource": lambda row: items.data_source(row.data_source, show_secrets=True),
    "tracking_number": "tracking_number",
    "tracking_url": "tracking_url",
    "invoice_number": "invoice_number",
    "invoice_date": "invoice_date",
    "e_archive_url": "e_archive_url",
    "delivered_date": "delivered_date",
    "shipping_option_group": lambda row: items.shipping_option_group(
        row.shipping_option_group, "try"
    ),
    "forced_refund": "details.forced_refund",
    "parent": "details.parent",
    "extra_field": "extra_field",
    "created_date": "created_date",
    "modified_date": "modified_date",
    "attributes": "attributes",
    "attributes_kwargs": "details.attributes_kwargs",
    "localized_attributes": "details.localized_attributes",
    "localized_attributes_kwargs": "details.localized_attributes_kwargs",
}

CASE: Columns = {
    "id": "id",
    "pk": "id",
    "order_item": "order_item_id",
    "reason": lambda row: row.reason.id,
    "description": "description",
    "cancellation_type": "cancellation_type",
    "status": "status",
    "iban": lambda row: ACCOUNT.iban,
    "holder_name": lambda row: ACCOUNT.holder_name,
    "easy_return": lambda row: cases.easy_return(row.easy_return, CLIENT),
    "quantity": "quantity",
    "fully_refund_as_loyalty_money": "fully_refund_as_loyalty_money",
    "created_date": "created_date",
    "modified_date": "modified_date",
    "uuid": "uuid",
    "attributes": "attributes",
    "attributes_kwargs": empty,
    "localized_attributes": empty,
    "localized_attributes_kwargs": empty,
    "refund_set": refund_set,
}


def details_of(columns: Columns, numbers: Iterator[int]) -> str:
    """The JSON column `details` with every key that a document reads from it."""
    names = [column for column in columns.values() if isinstance(column, str)]
    keys = [name.removeprefix("details.") for name in names if name.startswith("details.")]
    return json.dumps({key: f"https://example.com/{next(numbers)}" for key in keys})


def order_row(numbers: Iterator[int]) -> OrderRow:
    details = json.loads(details_of(BARE_ORDER, numbers)) | {"shipping_interest_amount": "7.77"}
    url = f"https://example.com/{next(numbers)}"
    option = SnapshotRow(next(numbers), "{}")
    row: OrderRow = row_of(
        OrderRow,
        numbers,
        details=json.dumps(details),
        currency="try",
        e_archive_url=url,
        payment_option=option,
        refunds=refund_column(numbers),
    )
    return row


def item_row(numbers: Iterator[int]) -> ItemRow:
    urls = {
        name: f"https://example.com/{next(numbers)}" for name in ("tracking_url", "e_archive_url")
    }
    snapshots = {
        "product": snapshot(items.ChannelProduct, numbers),
        "price_list": snapshot(items.ChannelPriceList, numbers),
        "stock_list": snapshot(items.ChannelStockList, numbers),
        "data_source": snapshot(items.ChannelDataSource, numbers),
        "shipping_option_group": snapshot(items.ChannelShippingOptionGroup, numbers),
    }
    details = details_of(ITEM, numbers)
    row: ItemRow = row_of(
        ItemRow, numbers, quantity=2, goods_minor=500, details=details, **urls, **snapshots
    )
    return row


def case_row(numbers: Iterator[int]) -> CaseRow:
    uuid = UUID(int=next(numbers))
    account = encrypted_account(ACCOUNT, uuid)
    row: CaseRow = row_of(
        CaseRow,
        numbers,
        uuid=uuid,
        status="approved",
        iban_encrypted=account["iban_encrypted"],
        holder_name_encrypted=account["holder_name_encrypted"],
        easy_return=None,
        refunds=refund_column(numbers),
    )
    kind = get_args(get_type_hints(CaseRow)["easy_return"])[0]
    url = f"https://example.com/{next(numbers)}"
    shipment = row_of(kind, numbers, status="booked", tracking_url=url)
    return row._replace(easy_return=shipment)


@pytest.fixture
def numbers() -> Iterator[int]:
    """Numbers that are used once."""
    return count(1_001)


def test_order_shows_every_column(numbers: Iterator[int]) -> None:
    row = order_row(numbers)

    check(orders.bare_order, row, BARE_ORDER)
    columns: Columns = {
        **BARE_ORDER,
        "orderitem_set": lambda row: [],
        "refund_set": refund_set,
    }
    check(lambda row: orders.order(row, []), row, columns)


def test_item_shows_every_column(numbers: Iterator[int]) -> None:
    row = item_row(numbers)

    check(lambda row: items.order_item(row, [], 7, "try", show_secrets=True), row, ITEM)


TYPED: dict[str, Callable[[str], Any]] = {
    "tax_rate": Decimal,
    "attribute_set": int,
    "custom_attribute_set": int,
}
"""The keys of a product that become numbers."""


@pytest.mark.parametrize(
    ("kind", "build"),
    [
        (items.ChannelProduct, items.product),
        (items.ChannelPriceList, items.price_list),
        (items.ChannelStockList, items.stock_list),
        (items.ChannelDataSource, lambda row: items.data_source(row, show_secrets=True)),
    ],
)
def test_snapshot_shows_every_key(
    kind: Any, build: Callable[[SnapshotRow], Any], numbers: Iterator[int]
) -> None:
    row = snapshot(kind, numbers)

    keys = json.loads(str(row.document))
    document = build(row)
    numbers_of_keys = {name: convert(keys[name]) for name, convert in TYPED.items() if name in keys}
    assert document == keys | numbers_of_keys | {"id": keys["pk"]}
    assert list(document) == list(get_type_hints(kind))


def test_shipping_option_group_shows_every_key(numbers: Iterator[int]) -> None:
    row = snapshot(items.ChannelShippingOptionGroup, numbers)

    keys = json.loads(str(row.document))
    document = items.shipping_option_group(row, "try")
    amounts = {name: Decimal(keys[name]) for name in ("amount", "tax_rate")}
    assert document == keys | amounts | {"id": keys["pk"]}


def test_share_of_a_discount_shows_every_column(numbers: Iterator[int]) -> None:
    row = row_of(ShareRow, numbers)
    columns: Columns = {
        "id": "id",
        "pk": "id",
        "order_item": "order_item_id",
        "discount_item": "discount_item_id",
        "amount": "amount_minor",
        **same("created_date", "modified_date"),
    }

    check(lambda row: items.benefit_applicant(row, "try"), row, columns)


def test_case_shows_every_column(numbers: Iterator[int]) -> None:
    check(lambda row: cases.case(row, CLIENT), case_row(numbers), CASE)


def test_detailed_case_shows_every_column(numbers: Iterator[int]) -> None:
    case, item, order = case_row(numbers), item_row(numbers), order_row(numbers)
    channel, customer = row_of(ChannelRow, numbers), row_of(CustomerRow, numbers)
    data = DetailedCases(
        channel,
        [],
        {case.order_item_id: item},
        {item.order_id: order},
        {item.id: []},
        {item.id: 7},
        {order.user_id: customer},
    )
    item_columns = {**ITEM, "order": lambda row: orders.bare_order(order)}
    columns: dict[str, Any] = {}
    for key, column in CASE.items():
        columns[key] = column
        if key == "fully_refund_as_loyalty_money":
            columns["channel"] = lambda row: sync.channel(channel)
            columns["customer"] = lambda row: customers.customer(customer, show_secrets=True)
    columns["reason"] = lambda row: cases.reason(row.reason)
    columns["order_item"] = lambda row: {
        key: shown(item, column) for key, column in item_columns.items()
    }

    def build(row: CaseRow) -> Any:
        return cases.detailed_cases(data._replace(cases=[row]), CLIENT)[0]

    check(build, case, columns)
    assert list(build(case)["order_item"]) == list(item_columns)


def test_reason_shows_every_column(numbers: Iterator[int]) -> None:
    columns: Columns = {
        "pk": "id",
        "id": "id",
        **same("cancellation_type", "extra_information_needed", "order", "subject", "is_active"),
        **same("send_to_remote", "send_to_oms", "translations", "uuid"),
        **same("created_date", "modified_date"),
    }

    check(cases.reason, case_row(numbers).reason, columns)


def test_easy_return_shows_every_column(numbers: Iterator[int]) -> None:
    columns: Columns = {
        "id": "id",
        "pk": "id",
        "shipping_company": "carrier",
        **same("code", "start_date", "end_date", "max_count"),
        "status": lambda row: "active",
        **same("raw_request", "raw_response", "tracking_number", "tracking_url", "pickup_date"),
        **same("created_date", "modified_date", "uuid"),
    }

    check(lambda row: cases.easy_return(row, CLIENT), case_row(numbers).easy_return, columns)


def test_customer_shows_every_column(numbers: Iterator[int]) -> None:
    columns: Columns = {
        "pk": "id",
        "id": "id",
        **same("email", "first_name", "last_name"),
        "phone_number": "phone",
        **same("is_active", "channel_code", "erp_code", "attributes"),
        "attribute_kwargs": "attributes_kwargs",
        "localized_attributes": empty,
        "localized_attribute_kwargs": empty,
        **same("extra_field", "email_allowed", "sms_allowed", "call_allowed", "date_joined"),
        **same("gender", "user_type", "date_of_birth"),
        "channel": "channel_id",
    }

    check(
        lambda row: customers.customer(row, show_secrets=True),
        row_of(CustomerRow, numbers),
        columns,
    )


def test_address_shows_every_column(numbers: Iterator[int]) -> None:
    columns: Columns = {
        "pk": "id",
        "id": "id",
        **same("email", "phone_number", "first_name", "last_name"),
        "country": "country_id",
        "city": "city_id",
        **same("line", "title"),
        "township": "township_id",
        "district": "district_id",
        **same("postcode", "notes", "company_name", "tax_office", "tax_no", "e_bill_taxpayer"),
        **same("hash_data", "address_type", "retail_store", "remote_id", "identity_number"),
        "extra_field": "extra_field",
        "customer": "user_id",
        **same("is_active", "created_date", "modified_date"),
    }

    check(customers.address, row_of(AddressRow, numbers), columns)


def test_plan_shows_every_column(numbers: Iterator[int]) -> None:
    row: PlanRow = row_of(PlanRow, numbers, created_by_kind="staff", modified_by_kind="staff")
    row = row._replace(order=row.order._replace(currency="try"))
    case: PlanCaseRow = row_of(PlanCaseRow, numbers)
    first: PaidItemRow = row_of(PaidItemRow, numbers)
    second = first._replace(item_id=ItemId(first.item_id + 1))
    payment = {
        "transaction_type": first.transaction_type,
        "order_items": [first.item_id, second.item_id],
        "refund_amount": Decimal(first.refund_minor) / 100,
    }
    columns: Columns = {
        "pk": "id",
        "id": "id",
        "uuid": "uuid",
        "order": lambda row: row.order.id,
        "order_number": lambda row: row.order.number,
        "channel": lambda row: row.order.channel_id,
        **same("plan_type", "status"),
        "currency": lambda row: "try",
        "refund_amount": "refund_minor",
        "discount_refund_amount": "discount_refund_minor",
        "shipping_refund_amount": "shipping_refund_minor",
        "forced_refund_amount": "forced_refund_minor",
        **same("is_cargo_refund", "refund_invoice_number", "refund_invoice_date"),
        "cancellation_requests": lambda row: [case.id],
        "order_items": lambda row: [case.order_item_id],
        "payment_plan": lambda row: [payment],
        "created_by": "created_by_number",
        "modified_by": "modified_by_number",
        "staff_remote_id": null,
        "retail_store_remote_id": null,
        **same("created_date", "modified_date"),
    }

    def build(row: PlanRow) -> Any:
        return plans.plans(CompletePlans([row], {row.id: [case]}, {row.id: [first, second]}))[0]

    check(build, row, columns)


def test_image_shows_every_column(numbers: Iterator[int], settings: Any) -> None:
    settings.SITE_URL = "https://shop.example.com"
    row = row_of(ImageRow, numbers)
    path = "api/v1/channel/1/cancellation_request_images"
    columns: Columns = {
        "id": "id",
        "pk": "id",
        "cancellation_request": "cancellation_request_id",
        "image": lambda row: f"https://shop.example.com/{path}/{row.id}/file/",
        "description": "description",
        "attributes": empty,
        "uploaded_by": lambda row: row.buyer if row.is_uploaded_by_user else None,
        **same("is_uploaded_by_user", "created_date", "modified_date"),
    }

    check(lambda row: image_document(row, 1), row, columns)


def test_batch_and_action_show_every_column(numbers: Iterator[int]) -> None:
    batch: Columns = {
        "pk": "id",
        "id": "id",
        "channel": "channel_id",
        "local_batch_id": lambda row: str(row.local_batch_id),
        **same("remote_batch_id", "content_type", "status"),
        "objects": null,
        **same("created_date", "modified_date"),
    }
    check(lambda row: sync.batch(row, None), row_of(BatchRow, numbers), batch)
    action: Columns = {
        "pk": "id",
        "id": "id",
        "channel": "channel_id",
        "content_type": lambda row: {"id": 1, "pk": 1, "model": "order"},
        **same("object_id", "remote_id", "version_date", "status", "failed_reason_type"),
        "local_batch_id": lambda row: str(row.batch_request.local_batch_id),
        **same("created_date", "modified_date"),
    }
    row = row_of(ActionRow, numbers, content_type="order")
    check(sync.action, row, action)
    assert sync.batch(row_of(BatchRow, numbers), [row])["objects"] == [
        {
            "pk": row.object_id,
            "content_type": "order",
            "remote_id": row.remote_id,
            "version_date": row.version_date,
            "status": row.status,
            "failed_reason_type": row.failed_reason_type,
        }
    ]


def test_error_report_shows_every_column(numbers: Iterator[int]) -> None:
    report: Columns = {
        "pk": "id",
        "id": "id",
        "channel": "channel_id",
        "action_content_type": lambda row: 1,
        "action_object_id": "action_object_id",
        "target_content_type": lambda row: 4,
        **same("target_object_id", "obj_modified_date", "error_code", "error_desc"),
        "raw_request": null,
        "raw_response": null,
        **same("is_ok", "created_date"),
    }
    kinds = {"action_content_type": "order", "target_content_type": "channel"}
    check(
        lambda row: sync.report(row, show_secrets=False),
        row_of(ReportRow, numbers, **kinds),
        report,
    )


def test_channel_shows_every_column(numbers: Iterator[int]) -> None:
    columns: Columns = {
        "pk": "id",
        "id": "id",
        **same(
            "name", "storefront_url", "channel_type", "catalog", "category_tree", "conf", "schema"
        ),
        **same("is_active", "created_date", "modified_date"),
    }

    check(sync.channel, row_of(ChannelRow, numbers), columns)
