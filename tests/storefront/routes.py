"""The five routes that ask, a shop that all of them know, and how each of them refuses."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle, product
from typing import Any

import zeal
from django.db import transaction

from takeback.core.errors import Problem, RuleProblem
from takeback.orders.models import OrderItem
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import CLASSIC, V3, documented, nothing_written, post, token_of

ONE = "/users/orders/cancellation_requests/"
MANY = "/users/orders/bulk_cancellation_requests/"
GUEST_ONE = "/users/orders/anonymous/cancellation_requests/"
GUEST_MANY = "/users/orders/anonymous/bulk_cancellation_requests/"
DIRECT = "/orders/{number}/cancel/"
ITEMS = "cancel_order_items"
CUSTOMERS_NUMBER = "1001"

LOOKUP_FAILED = {
    "non_field_errors": "We could not find an order with this number and e-mail address.",
    "error_code": "order_lookup_100_1",
}

Dialect = dict[str, str]
DIALECTS: tuple[Dialect, Dialect] = (CLASSIC, V3)


def texts(text: str, dialect: Dialect) -> Any:
    """What a field error holds."""
    return text if dialect is CLASSIC else [text]


@dataclass(frozen=True)
class Way:
    """One of the routes."""

    path: str
    is_guest: bool = False
    is_bulk: bool = False

    def fault(self, dialect: Dialect, field: str, text: str, position: int = 0) -> tuple[int, Any]:
        """How it says that a field of an item is wrong."""
        told = {field: texts(text, dialect)}
        return 400, {ITEMS: {str(position): told}} if self.is_bulk else told

    def refusal(self, dialect: Dialect, problem: Problem, position: int = 0) -> tuple[int, Any]:
        """How it tells a problem with an item."""
        text = str(problem.message)
        if problem.field:
            return self.fault(dialect, problem.field, text, position)
        assert isinstance(problem, RuleProblem)
        body: dict[str, Any] = {"non_field_errors": text, "error_code": problem.code}
        if self.is_bulk:
            body["position"] = position
        return (406 if dialect is CLASSIC else 400), body

    def success(self, dialect: Dialect) -> int:
        """The status of an answer to what is let in."""
        if self.path == DIRECT:
            return 200
        return 201 if self.is_bulk or dialect is V3 else 200


WAYS = {
    "customer one": Way(ONE),
    "customer many": Way(MANY, is_bulk=True),
    "guest one": Way(GUEST_ONE, is_guest=True),
    "guest many": Way(GUEST_MANY, is_guest=True, is_bulk=True),
    "direct": Way(DIRECT, is_bulk=True),
}
BULKS = {name: way for name, way in WAYS.items() if way.is_bulk}


class Shop:
    """A customer and a guest, each with an order of the same lines; a reason, and two browsers."""

    def __init__(self, *, kind: str = "cancel", **order: Any) -> None:
        self.user = factories.create_customer()
        self.of_customer = factories.create_order(
            customer=self.user, number=CUSTOMERS_NUMBER, **order
        )
        self.of_guest = factories.create_order(**order)
        self.kind, self.reason = kind, factories.create_reason(kind=kind).pk
        self.customer, self.guest = factories.client_of(self.user), HttpClient()
        self.token = token_of(self.customer)
        self.lines = {
            is_guest: [item.pk for item in factories.items_of(order)]
            for is_guest, order in ((True, self.of_guest), (False, self.of_customer))
        }

    def item(self, way: Way, line: int = 0) -> OrderItem:
        """A line that whoever takes this way may name."""
        return factories.items_of(self.of_guest if way.is_guest else self.of_customer)[line]

    def told(self, way: Way, line: int = 0, **fields: Any) -> dict[str, Any]:
        """The least that asks for a line; `...` leaves a field out."""
        least = {
            "order_item": self.lines[way.is_guest][line],
            "reason": self.reason,
            "cancellation_type": self.kind,
        }
        return {key: value for key, value in (least | fields).items() if value is not ...}

    def body(self, way: Way, *told: Any, **top: Any) -> dict[str, Any]:
        """The whole body around one or several items."""
        named = {"number": factories.NUMBER, "email": factories.GUEST} if way.is_guest else {}
        return named | ({ITEMS: list(told)} if way.is_bulk else told[0]) | top

    def send(self, way: Way, body: Any, dialect: Dialect = CLASSIC, **options: Any) -> Any:
        """A call as the storefront of this way makes it."""
        client = self.guest if way.is_guest else self.customer
        headers = options.pop("headers", {}) | dialect | ({} if way.is_guest else self.token)
        path = way.path.format(number=CUSTOMERS_NUMBER)
        return post(client, path, body, headers=headers, **options)

    def ask(self, way: Way, dialect: Dialect = CLASSIC, **fields: Any) -> Any:
        """Ask for the first line."""
        return self.send(way, self.body(way, self.told(way, **fields)), dialect)


def everywhere(ways: dict[str, Way] = WAYS) -> Iterator[tuple[str, Way, Dialect]]:
    """Every way in both dialects."""
    for name, way in ways.items():
        for dialect in DIALECTS:
            yield f"{name}, {dialect}", way, dialect


def _told_everywhere(
    shop: Shop, tell: Callable[[Way, Dialect], tuple[int, Any]], asks: Sequence[dict[str, Any]]
) -> None:
    dialects = cycle(DIALECTS)
    with nothing_written():
        for fields, (name, way) in product(asks, WAYS.items()):
            for dialect in DIALECTS if len(asks) == 1 else [next(dialects)]:
                answer = shop.ask(way, dialect, **fields)
                told = answer.status_code, answer.json()
                assert told == tell(way, dialect), (name, dialect, fields, told)
                documented(answer)


def refused_everywhere(shop: Shop, problem: Problem, *asks: dict[str, Any]) -> None:
    """All ways tell this problem of the first line, exactly, and write nothing.

    A single ask, or none, is made in both dialects; of several every other one.
    """
    _told_everywhere(shop, partial(Way.refusal, problem=problem), asks or [{}])


def wrong_everywhere(shop: Shop, field: str, text: str, *values: Any) -> None:
    """All ways say this of a field of the first line, exactly, and write nothing; as above."""
    tell = partial(Way.fault, field=field, text=text)
    _told_everywhere(shop, tell, [{field: value} for value in values])


def let_in_everywhere(shop: Shop, **fields: Any) -> list[Any]:
    """All ways let the first line in; each case as it is shown, and forgotten again."""
    shown = []
    for (name, way), dialect in zip(WAYS.items(), cycle(DIALECTS), strict=False):
        # Queries are watched within each call, not across them.
        with transaction.atomic(), zeal.zeal_context():
            answer = shop.ask(way, dialect, **fields)
            assert answer.status_code == way.success(dialect), (name, dialect, answer.content)
            told = answer.json()
            shown.append(told[0] if way.is_bulk else told)
            transaction.set_rollback(True)
    return shown
