"""A channel with keys, and orders as other systems tell them."""

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
    """The text of a new key for these channels, which exist afterwards."""
    for pk in channels:
        factories.create_channel(pk=pk)
    told: dict[str, Any] = {"now": clock.now()} | limits
    return issue_key("a system", channel_ids=channels, scopes=scopes, **told).text


def client(key_text: str | None = None) -> HttpClient:
    """A system that calls with this key, else with a new one that may read and decide."""
    return HttpClient(headers={"authorization": f"Token {key_text or key()}"})


def document(order: Document | None = None, *items: Document) -> Document:
    """An order that adds up: 11.87 of goods and 8.50 for sending them."""
    told = {
        "number": factories.NUMBER,
        "currency": "try",
        "date_placed": "2026-03-01T09:00:00Z",
        "customer": {"email": factories.GUEST, "first_name": "Ayla", "last_name": "Ray"},
        "amount": "20.37",
        "shipping_amount": 8.5,
        "status": 400,
    }
    return {"order": told | (order or {}), "order_item": list(items) or [item()]}


def item(**fields: Any) -> Document:
    """A line of 11.87."""
    return {"product": {"pk": 4283, "sku": "SKU-1", "name": "A thing"}, "price": 11.87} | fields


def send(
    caller: HttpClient, body: Document | bytes, *, channel: int | str = SHOP, **headers: str
) -> Any:
    """POST an order to the channel."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    content_type = headers.pop("content_type", "application/json")
    path = f"/api/v1/channel/{channel}/create_orders/"
    # A request is what may not repeat a question; a test may tell several orders.
    with zeal.zeal_context():
        return caller.generic("POST", path, data, content_type=content_type, headers=headers)


def find(caller: HttpClient, number: str = factories.NUMBER, *, channel: int = SHOP) -> Any:
    """GET the orders of this number."""
    return caller.get(f"/api/v1/channel/{channel}/orders/", {"number": number})


def patch(path: str, told: Any, caller: HttpClient | None = None) -> Any:
    """PATCH what is at this path."""
    with zeal.zeal_context():
        return (caller or client()).patch(path, told, content_type="application/json")


def orders() -> list[Any]:
    """Everything that is kept of lines and orders, for a test in which nothing may change."""
    lines, found = OrderItem.objects.order_by("pk"), Order.objects.order_by("pk")
    return [*lines.values(), *found.values()]


def rows() -> dict[str, int]:
    """How many rows every table of ours has, where it has any; calls are counted aside."""
    counts = db_counts.counts()
    return {
        model._meta.label: counts[model._meta.db_table]
        for model in apps.get_models()
        if model.__module__.startswith("takeback.")
        and model is not Counter
        and model._meta.db_table in counts
    }
