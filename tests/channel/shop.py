"""A channel with API keys, and orders as clients send them."""

import json
from collections.abc import Sequence
from typing import Any

import zeal
from django.apps import apps

from takeback.accounts.api_keys import issue_key
from takeback.core import clock
from takeback.limits.models import Counter
from takeback.orders.models import Order, OrderItem
from tests import db_counts, factories
from tests.factories import HttpClient

SHOP, OTHER = factories.SHOP, 2
PREFIXES = ("/api", "/api/v1", "/api/i1")
Document = dict[str, Any]


def key(
    *, scopes: Sequence[str] = ("read", "decide"), channels: Sequence[int] = (SHOP,), **limits: Any
) -> str:
    """The text of a new key for these channels, which are created if missing."""
    for pk in channels:
        factories.create_channel(pk=pk)
    options: dict[str, Any] = {"now": clock.now()} | limits
    return issue_key("a system", channel_ids=channels, scopes=scopes, **options).text


def client(key_text: str | None = None) -> HttpClient:
    """An HTTP client with this key, or with a new one for reading and writing."""
    return HttpClient(headers={"authorization": f"Token {key_text or key()}"})


def order_body(order: Document | None = None, *items: Document) -> Document:
    """An order with valid totals: 11.87 for goods and 8.50 for shipping."""
    defaults = {
        "number": factories.NUMBER,
        "currency": "try",
        "date_placed": "2026-03-01T09:00:00Z",
        "customer": {"email": factories.GUEST, "first_name": "Ayla", "last_name": "Ray"},
        "amount": "20.37",
        "shipping_amount": 8.5,
        "status": 400,
    }
    return {"order": defaults | (order or {}), "order_item": list(items) or [item_body()]}


def item_body(**fields: Any) -> Document:
    """An item of 11.87."""
    return {"product": {"pk": 4283, "sku": "SKU-1", "name": "A thing"}, "price": 11.87} | fields


def create_order(
    caller: HttpClient, body: Document | bytes, *, channel: int | str = SHOP, **headers: str
) -> Any:
    """POST an order to the channel."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    content_type = headers.pop("content_type", "application/json")
    path = f"/api/v1/channel/{channel}/create_orders/"
    # A request may not repeat a query; a test may send several requests.
    with zeal.zeal_context():
        return caller.generic("POST", path, data, content_type=content_type, headers=headers)


def find_orders(caller: HttpClient, number: str = factories.NUMBER, *, channel: int = SHOP) -> Any:
    """GET the orders with this number."""
    return caller.get(f"/api/v1/channel/{channel}/orders/", {"number": number})


def patch(path: str, body: Any, caller: HttpClient | None = None) -> Any:
    """PATCH a path."""
    with zeal.zeal_context():
        return (caller or client()).patch(path, body, content_type="application/json")


def stored_rows() -> list[Any]:
    """All columns of all items and orders, to check that nothing changes."""
    items, orders = OrderItem.objects.order_by("pk"), Order.objects.order_by("pk")
    return [*items.values(), *orders.values()]


def row_counts() -> dict[str, int]:
    """The number of rows of each table that has any, without the rate limit counters."""
    counts = db_counts.counts()
    return {
        model._meta.label: counts[model._meta.db_table]
        for model in apps.get_models()
        if model.__module__.startswith("takeback.")
        and model is not Counter
        and model._meta.db_table in counts
    }
