"""Each column of a new order and of its items receives its own value."""

from dataclasses import fields, replace
from typing import Any

from takeback.accounts.customer_input import CustomerIn
from takeback.accounts.policy import shop_policy
from takeback.core.ids import ItemId, OrderId
from takeback.orders.allocation import Allocation, ItemAmounts
from takeback.orders.models import Order, OrderItem
from takeback.orders.order_input import ItemIn, OrderIn
from takeback.orders.order_rows import Fulfilment, OrderDraft, item_row, order_row
from tests import factories


def distinct(kind: Any, **values: Any) -> Any:
    """An input object whose fields hold their own names, except `values`."""
    return kind(**{field.name: field.name for field in fields(kind)} | values)


def snapshot_id(kind: str, document: Any) -> Any:
    """The kind with the document in place of an id."""
    return kind, document


def test_row_of_an_order_has_a_distinct_value_in_each_column() -> None:
    customer = CustomerIn(email="Ayla@Example.com", user_type="kind")
    refunds = {"refunded_elsewhere_minor": 15, "refunded_total_minor": 16}
    order = distinct(OrderIn, customer=customer, extra_field={"a": 1}, details={"b": 2}, **refunds)
    draft = OrderDraft(order, Allocation([], [], [], [], 11, 12, 13, 15, 14), "fingerprint")
    draft.order_id, draft.user_id = OrderId(1), 2
    draft.shipping_address_id, draft.billing_address_id = 3, 4

    policy = replace(shop_policy(5), return_days=17, cancel_minutes=18)

    row = order_row(draft, snapshot_id, policy, channel_id=5, source="import", now=factories.NOW)

    assert row.keys() == {field.attname for field in Order._meta.concrete_fields}
    own = {name: name for name in row if hasattr(order, name)}
    assert row == own | {
        "id": 1,
        "channel_id": 5,
        "user_id": 2,
        "user_type": "kind",
        "user_email": "Ayla@Example.com",
        "email_key": "ayla@example.com",
        "number_key": "number",
        "shipping_address_id": 3,
        "billing_address_id": 4,
        "fingerprint": "fingerprint",
        "source": "import",
        "is_finalized": True,
        "goods_minor": 11,
        "discount_minor": 12,
        "amount_minor": 13,
        "rounding_minor": 15,
        "interest_minor": 14,
        "refund_minor": 0,
        "discount_refund_minor": 0,
        "shipping_refund_minor": 0,
        "refunded_elsewhere_minor": 16,
        "return_days": 17,
        "cancel_minutes": 18,
        "payment_option_id": ("payment_option", "payment_option"),
        "bank_id": ("bank", "bank"),
        "extra_field": '{"a":1}',
        "details": '{"b":2}',
        "created_date": factories.NOW,
        "modified_date": factories.NOW,
    }


def test_row_of_an_item_has_a_distinct_value_in_each_column() -> None:
    item = distinct(ItemIn, attributes={"a": 1}, extra_field={"b": 2}, details={"c": 3})
    amounts = ItemAmounts(11, 12, 13, 14, 15, 16)

    row = item_row(
        item,
        amounts,
        snapshot_id,
        Fulfilment("status", "shipped_date", "delivered_date"),  # type: ignore[arg-type]  # names
        item_id=ItemId(1),
        order_id=OrderId(2),
        now=factories.NOW,
    )

    columns = {field.attname for field in OrderItem._meta.concrete_fields}
    assert row.keys() == columns - {"split_from_id", "deferred_status", "is_cancel_approved"}
    own = {name: name for name in row if hasattr(item, name)}
    assert row == own | {
        "id": 1,
        "order_id": 2,
        "units_closed": 0,
        "goods_minor": 11,
        "discount_minor": 12,
        "tax_minor": 13,
        "shipping_minor": 14,
        "fee_minor": 15,
        "interest_minor": 16,
        "product_id": ("product", "product"),
        "price_list_id": ("price_list", "price_list"),
        "stock_list_id": ("stock_list", "stock_list"),
        "data_source_id": ("data_source", "data_source"),
        "shipping_option_group_id": ("shipping_option_group", "shipping_option_group"),
        "attributes": '{"a":1}',
        "extra_field": '{"b":2}',
        "details": '{"c":3}',
        "created_date": factories.NOW,
        "modified_date": factories.NOW,
    }
