"""Orders of a sample shop, written as the exports of six shop systems, with their oddities."""

import csv
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import StringIO

from takeback.core.money import split
from takeback.orders.statuses import Status

COUNT = 32

WAITING, PAID, SENT, ENDED, BACK = "waiting", "paid", "sent", "ended", "back"
"""How far an order is: not paid, paid, shipped, cancelled, wholly paid back."""

STATUSES = {
    WAITING: Status.PAYMENT_WAITING,
    PAID: Status.APPROVED,
    SENT: Status.SHIPPED,
    ENDED: Status.CANCELLED,
    BACK: Status.REFUNDED,
}

Cells = Mapping[str, object]


@dataclass(slots=True)
class ExportedItem:
    """An item; its amounts are net minor units for all its units."""

    sku: str
    name: str
    quantity: int
    net: int
    discount: int
    tax: int
    refunded_units: int = 0


@dataclass(slots=True)
class ExportedOrder:
    """An order whose prices are net, with a tax of a tenth on top."""

    number: str
    at: datetime
    state: str
    email: str
    street: str
    shipping: int
    shipping_tax: int
    items: list[ExportedItem] = field(default_factory=list)
    refunded: int = 0

    @property
    def discount(self) -> int:
        return sum(item.discount for item in self.items)

    @property
    def tax(self) -> int:
        return self.shipping_tax + sum(item.tax for item in self.items)

    @property
    def total(self) -> int:
        goods = sum(item.net - item.discount for item in self.items)
        return goods + self.shipping + self.tax

    @property
    def paid(self) -> int:
        return 0 if self.state in {WAITING, ENDED} else self.total

    @property
    def transaction(self) -> str:
        """The provider's id of the payment."""
        return f"ch_{self.number[1:]}" if self.paid else ""


def exported_orders(seed: int) -> list[ExportedOrder]:
    """Orders of all states; some without SKU, address or e-mail, some partly paid back."""
    chance = random.Random(seed)
    states = [WAITING, PAID, SENT, SENT, ENDED, BACK]
    return [_order(chance, index, states[index % len(states)]) for index in range(COUNT)]


def _order(chance: random.Random, index: int, state: str) -> ExportedOrder:
    shipping = chance.choice([0, 500, 1000])
    order = ExportedOrder(
        number=f"#{1001 + index}",
        at=datetime(2026, 3, 1, 9, tzinfo=UTC) + timedelta(hours=7 * index),
        state=state,
        email="" if index % 9 == 4 else f"guest{index}@example.com",
        street="" if index % 8 == 3 else f"Long Street {index}",
        shipping=shipping,
        shipping_tax=shipping // 10,
        items=[_item(chance, index, position) for position in range(chance.randint(1, 3))],
    )
    if state == BACK:
        order.refunded = order.total
        for item in order.items:
            item.refunded_units = item.quantity
    elif state == SENT and index % 2:
        order.items[0].refunded_units = 1
        order.refunded = order.items[0].net // order.items[0].quantity // 2
    return order


def _item(chance: random.Random, index: int, position: int) -> ExportedItem:
    quantity = chance.randint(1, 4)
    net = quantity * chance.randint(3, 90) * 100
    discount = 100 * chance.randint(0, 2)
    sku = "" if (index, position) in {(2, 0), (8, 0)} else f"SKU-{index}-{position}"
    return ExportedItem(
        sku, f"Thing {index}/{position}", quantity, net, discount, (net - discount) // 10
    )


def _amount(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02}"


def shopify(orders: list[ExportedOrder]) -> str:
    """Later rows leave the order's columns empty; every other order has its taxes inside."""
    return _csv(_shopify(orders), ",", blank=True)


def _shopify(orders: list[ExportedOrder]) -> Iterator[Cells]:
    for index, order in enumerate(orders):
        of_order = _shopify_order(order, is_gross=bool(index % 2))
        empty = dict.fromkeys(of_order, "")
        for position, item in enumerate(order.items):
            net = item.net + (item.tax if index % 2 else 0)
            yield {
                "Name": order.number,
                **(empty if position else of_order),
                "Lineitem quantity": item.quantity,
                "Lineitem name": item.name,
                "Lineitem price": f"{net / item.quantity / 100:.6f}",
                "Lineitem sku": item.sku,
                "Lineitem fulfillment status": "fulfilled" if order.state == SENT else "pending",
            }


def _shopify_order(order: ExportedOrder, *, is_gross: bool) -> Cells:
    payment = {WAITING: "pending", ENDED: "voided", BACK: "refunded"}
    return {
        "Email": order.email,
        "Financial Status": payment.get(
            order.state, "partially_refunded" if order.refunded else "paid"
        ),
        "Fulfillment Status": "fulfilled" if order.state == SENT else "unfulfilled",
        "Fulfilled at": _shopify_time(order.at) if order.state == SENT else "",
        "Currency": "USD",
        "Subtotal": "",
        "Shipping": _amount(order.shipping + (order.shipping_tax if is_gross else 0)),
        "Taxes": _amount(order.tax),
        "Total": _amount(order.total),
        "Discount Amount": _amount(order.discount),
        "Created at": _shopify_time(order.at),
        "Billing Name": "Ada Lee",
        "Billing Street": "",
        "Billing City": "",
        "Billing Zip": "",
        "Billing Country": "",
        "Billing Phone": "",
        "Shipping Name": "Ada Lee" if order.street else "",
        "Shipping Street": order.street,
        "Shipping City": "Ohio City" if order.street else "",
        "Shipping Zip": "'04401" if order.street else "",
        "Shipping Country": "US" if order.street else "",
        "Shipping Phone": "",
        "Cancelled at": _shopify_time(order.at) if order.state == ENDED else "",
        "Refunded Amount": _amount(order.refunded),
    }


def _shopify_time(time: datetime) -> str:
    return (time - timedelta(hours=5)).strftime("%Y-%m-%d %H:%M:%S -0500")


def woocommerce(orders: list[ExportedOrder]) -> str:
    """Order lines after their discount, the tax split, and quantities less what was refunded."""
    words = {
        WAITING: "On hold",
        PAID: "Processing",
        SENT: "Completed",
        ENDED: "Failed",
        BACK: "Refunded",
    }
    return _csv(
        (
            {
                "Order Number": order.number.removeprefix("#"),
                "Order Status": words[order.state],
                "Order Date": order.at.strftime("%Y-%m-%d %H:%M"),
                "First Name (Billing)": "Ada",
                "Last Name (Billing)": "Lee",
                "Address 1&2 (Billing)": order.street,
                "City (Billing)": "Köln" if order.street else "",
                "Postcode (Billing)": "50667" if order.street else "",
                "Country Code (Billing)": "DE" if order.street else "",
                "Email (Billing)": order.email,
                "Phone (Billing)": "+49 221 1",
                **dict.fromkeys(_WOOCOMMERCE_SHIPPING, ""),
                "Item #": position,
                "SKU": item.sku,
                "Item Name": item.name,
                "Quantity": item.quantity,
                "Quantity (- Refund)": item.quantity - item.refunded_units,
                "Item Cost": _amount((item.net - item.discount) // item.quantity),
                "Order Line Tax": _amount(item.tax),
                "Order Line Total": _amount(item.net - item.discount),
                "Cart Discount Amount": _amount(order.discount),
                "Order Shipping Amount": _amount(order.shipping),
                "Order Refund Amount": _amount(order.refunded) if order.refunded else "0",
                "Order Total Amount": _amount(order.total),
                "Order Total Tax Amount": _amount(order.tax),
                "Transaction ID": order.transaction,
            }
            for order in orders
            for position, item in enumerate(order.items, start=1)
        ),
        ",",
    )


_WOOCOMMERCE_SHIPPING = (
    "First Name (Shipping)",
    "Last Name (Shipping)",
    "Address 1&2 (Shipping)",
    "City (Shipping)",
    "Postcode (Shipping)",
    "Country Code (Shipping)",
)


def woocommerce_packed(orders: list[ExportedOrder]) -> str:
    """One row an order, all items in one cell, the tax on top."""
    words = {
        WAITING: "wc-pending",
        PAID: "wc-processing",
        SENT: "wc-completed",
        ENDED: "wc-cancelled",
        BACK: "wc-refunded",
    }
    return _csv(
        (
            {
                "order_id": order.number.removeprefix("#"),
                "order_date": order.at.isoformat(),
                "order_status": words[order.state],
                "currency": "EUR",
                "order_total": _amount(order.total),
                "order_tax": _amount(order.tax),
                "shipping_total": _amount(order.shipping),
                "refunded_total": f"-{_amount(order.refunded)}" if order.refunded else "",
                "billing_email": order.email,
                "billing_first_name": "Ada",
                "billing_last_name": "Lee",
                "billing_address": order.street,
                "billing_city": "Köln" if order.street else "",
                "billing_country": "DE" if order.street else "",
                "order_items": " | ".join(
                    f"{item.sku or item.name} x {item.quantity}" for item in order.items
                ),
            }
            for order in orders
        ),
        ",",
    )


def magento(orders: list[ExportedOrder]) -> str:
    """Quantities with four decimals, negative discounts, a row for each part of a product."""
    return _csv(_magento(orders), ",")


def _magento(orders: list[ExportedOrder]) -> Iterator[Cells]:
    for index, order in enumerate(orders):
        for position, item in enumerate(order.items):
            item_id = 100 * index + 2 * position
            row = _magento_row(order, item, item_id)
            yield row
            zero = dict.fromkeys(("row_total", "discount_amount", "tax_amount"), "0.0000")
            yield {**row, **zero, "item_id": item_id + 1, "parent_item_id": item_id}


def _magento_row(order: ExportedOrder, item: ExportedItem, item_id: int) -> Cells:
    words = {
        WAITING: "pending_payment",
        PAID: "processing",
        SENT: "complete",
        ENDED: "canceled",
        BACK: "closed",
    }
    return {
        "increment_id": f"{int(order.number[1:]):09}",
        "created_at": order.at.strftime("%Y-%m-%d %H:%M:%S"),
        "status": words[order.state],
        "order_currency_code": "EUR",
        "base_currency_code": "USD",
        "grand_total": f"{_amount(order.total)}00",
        "base_grand_total": f"{_amount(order.total * 2)}00",
        "shipping_amount": f"{_amount(order.shipping)}00",
        "shipping_tax_amount": f"{_amount(order.shipping_tax)}00",
        "total_refunded": f"{_amount(order.refunded)}00" if order.refunded else "",
        "total_paid": f"{_amount(order.paid)}00" if order.paid else "",
        "capture_ids": order.transaction,
        "customer_email": order.email or f"magento{order.number[1:]}@example.com",
        "customer_firstname": "Ada",
        "customer_lastname": "Lee",
        "street": order.street,
        "city": "Paris" if order.street else "",
        "postcode": "75001" if order.street else "",
        "country_id": "FR" if order.street else "",
        "telephone": "",
        "item_id": item_id,
        "parent_item_id": "",
        "sku": item.sku or item.name,
        "name": item.name,
        "qty_ordered": f"{item.quantity}.0000",
        "qty_refunded": f"{item.refunded_units}.0000",
        "row_total": f"{_amount(item.net)}00",
        "discount_amount": f"-{_amount(item.discount)}00",
        "tax_amount": f"{_amount(item.tax)}00",
    }


_PRESTASHOP_STATES = {
    WAITING: "Awaiting check payment",
    PAID: "Payment accepted",
    SENT: "Shipped",
    ENDED: "Canceled",
    BACK: "Refunded",
}


def prestashop(orders: list[ExportedOrder]) -> str:
    """Prices with tax and six decimals, so that some sums are a cent off."""
    return _csv(_prestashop(orders), ";")


def _prestashop(orders: list[ExportedOrder]) -> Iterator[Cells]:
    for index, order in enumerate(orders):
        for item in order.items:
            gross = item.net + item.tax
            yield {
                "reference": f"REF{order.number[1:]}",
                "date_add": order.at.strftime("%Y-%m-%d %H:%M:%S"),
                "state": _PRESTASHOP_STATES[order.state],
                "payment": "Bank wire",
                "iso_code": "EUR",
                "total_paid_tax_incl": f"{(order.total + index % 2) / 100:.6f}",
                "total_discounts_tax_incl": f"{_amount(order.discount)}0000",
                "total_shipping_tax_incl": f"{_amount(order.shipping + order.shipping_tax)}0000",
                "total_wrapping_tax_incl": "0.000000",
                "total_refunded_tax_incl": (
                    f"{(order.refunded + (index % 2 if order.state == BACK else 0)) / 100:.6f}"
                ),
                "delivery_date": "",
                "transaction_ids": order.transaction,
                "email": order.email or f"presta{index}@example.com",
                "firstname": "Ada",
                "lastname": "Lee",
                "address1": order.street,
                "city": "Lyon" if order.street else "",
                "postcode": "69001" if order.street else "",
                "country_iso": "FR" if order.street else "",
                "phone": "",
                "product_reference": item.sku,
                "product_name": item.name,
                "product_quantity": item.quantity,
                "product_quantity_refunded": item.refunded_units,
                "unit_price_tax_incl": f"{gross / item.quantity / 100:.6f}",
                "tax_rate": "8.875" if index % 3 else "10.000",
            }


def amazon(orders: list[ExportedOrder]) -> str:
    """No e-mail addresses and last line break; cancelled items have no units and no amount."""
    return _csv(_amazon(orders), ",").rstrip("\n")


def _amazon(orders: list[ExportedOrder]) -> Iterator[Cells]:
    words = {
        WAITING: "Pending",
        PAID: "Pending - Waiting for Pick Up",
        SENT: "Shipped",
        ENDED: "Cancelled",
        BACK: "Shipped - Returned to Seller",
    }
    for index, order in enumerate(orders):
        amounts = split(order.total, [item.net for item in order.items])
        for item, amount in zip(order.items, amounts, strict=True):
            is_ended = order.state == ENDED
            yield {
                "Order ID": f"405-{order.number[1:]}",
                "Date": order.at.strftime("%m-%d-%y"),
                "Status": words[order.state],
                "Fulfilment": "Merchant",
                "SKU": item.sku or f"A-{index}",
                "Category": "kurta",
                "ASIN": "B0",
                "Courier Status": "On the Way" if order.state == SENT else "",
                "Qty": 0 if is_ended else item.quantity,
                "currency": "" if is_ended else "INR",
                "Amount": "" if is_ended else _amount(amount),
                "ship-city": "" if index % 8 == 3 else "MUMBAI",
                "ship-postal-code": "400081.0",
                "ship-country": "" if index % 8 == 3 else "IN",
            }


SHAPES: Mapping[str, Callable[[list[ExportedOrder]], str]] = {
    "shopify": shopify,
    "woocommerce": woocommerce,
    "woocommerce-packed": woocommerce_packed,
    "magento": magento,
    "prestashop": prestashop,
    "amazon": amazon,
}


def _csv(rows: Iterator[Cells], delimiter: str, *, blank: bool = False) -> str:
    """The text of a file; with `blank`, some rows of nothing but delimiters."""
    records = list(rows)
    out = StringIO()
    writer = csv.DictWriter(out, list(records[0]), delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    for index, record in enumerate(records):
        writer.writerow(record)
        if blank and index % 10 == 0:
            out.write(delimiter * (len(record) - 1) + "\n")
    return out.getvalue()
