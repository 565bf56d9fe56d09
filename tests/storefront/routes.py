"""The five routes that open cases, a shop for all of them, and the refusals of each route."""

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
from tests.storefront.api import (
    CLASSIC,
    V3,
    assert_common_headers,
    nothing_written,
    post,
    token_of,
)

OPEN_CASE = "/users/orders/cancellation_requests/"
OPEN_CASES = "/users/orders/bulk_cancellation_requests/"
GUEST_OPEN_CASE = "/users/orders/anonymous/cancellation_requests/"
GUEST_OPEN_CASES = "/users/orders/anonymous/bulk_cancellation_requests/"
CANCEL_ORDER = "/orders/{number}/cancel/"
ITEMS = "cancel_order_items"
CUSTOMERS_NUMBER = "1001"

LOOKUP_FAILED = {
    "non_field_errors": "We could not find an order with this number and e-mail address.",
    "error_code": "order_lookup_100_1",
}

Dialect = dict[str, str]
DIALECTS: tuple[Dialect, Dialect] = (CLASSIC, V3)


def texts(text: str, dialect: Dialect) -> Any:
    """The value of a field error."""
    return text if dialect is CLASSIC else [text]


@dataclass(frozen=True)
class Route:
    """One of the routes."""

    path: str
    is_guest: bool = False
    is_bulk: bool = False

    def field_error(
        self, dialect: Dialect, field: str, text: str, position: int = 0
    ) -> tuple[int, Any]:
        """Status and body of an error in a field of an item."""
        errors = {field: texts(text, dialect)}
        return 400, {ITEMS: {str(position): errors}} if self.is_bulk else errors

    def refusal(self, dialect: Dialect, problem: Problem, position: int = 0) -> tuple[int, Any]:
        """Status and body of a problem with an item."""
        text = str(problem.message)
        if problem.field:
            return self.field_error(dialect, problem.field, text, position)
        assert isinstance(problem, RuleProblem)
        body: dict[str, Any] = {"non_field_errors": text, "error_code": problem.code}
        if self.is_bulk:
            body["position"] = position
        return (406 if dialect is CLASSIC else 400), body

    def success(self, dialect: Dialect) -> int:
        """The status of a response that opens cases."""
        if self.path == CANCEL_ORDER:
            return 200
        return 201 if self.is_bulk or dialect is V3 else 200


ROUTES = {
    "customer, one item": Route(OPEN_CASE),
    "customer, bulk": Route(OPEN_CASES, is_bulk=True),
    "guest, one item": Route(GUEST_OPEN_CASE, is_guest=True),
    "guest, bulk": Route(GUEST_OPEN_CASES, is_guest=True, is_bulk=True),
    "cancel order": Route(CANCEL_ORDER, is_bulk=True),
}
BULK_ROUTES = {name: route for name, route in ROUTES.items() if route.is_bulk}


class Shop:
    """A customer and a guest with equal orders, a reason, and a client for each of the two."""

    def __init__(self, *, kind: str = "cancel", **order: Any) -> None:
        self.user = factories.create_customer()
        self.customer_order = factories.create_order(
            customer=self.user, number=CUSTOMERS_NUMBER, **order
        )
        self.guest_order = factories.create_order(**order)
        self.kind, self.reason = kind, factories.create_reason(kind=kind).pk
        self.customer, self.guest = factories.client_of(self.user), HttpClient()
        self.token = token_of(self.customer)
        self.item_ids = {
            is_guest: [item.pk for item in factories.items_of(order)]
            for is_guest, order in ((True, self.guest_order), (False, self.customer_order))
        }

    def item(self, route: Route, index: int = 0) -> OrderItem:
        """An item that the requester of this route can name."""
        return factories.items_of(self.guest_order if route.is_guest else self.customer_order)[
            index
        ]

    def item_body(self, route: Route, index: int = 0, **fields: Any) -> dict[str, Any]:
        """The required fields of an item and these fields; `...` removes a field."""
        required = {
            "order_item": self.item_ids[route.is_guest][index],
            "reason": self.reason,
            "cancellation_type": self.kind,
        }
        return {key: value for key, value in (required | fields).items() if value is not ...}

    def body(self, route: Route, *items: Any, **shared: Any) -> dict[str, Any]:
        """The body of a request with one or more items, and with shared fields."""
        order = {"number": factories.NUMBER, "email": factories.GUEST} if route.is_guest else {}
        return order | ({ITEMS: list(items)} if route.is_bulk else items[0]) | shared

    def send(self, route: Route, body: Any, dialect: Dialect = CLASSIC, **options: Any) -> Any:
        """A request as a storefront sends it to this route."""
        client = self.guest if route.is_guest else self.customer
        headers = options.pop("headers", {}) | dialect | ({} if route.is_guest else self.token)
        path = route.path.format(number=CUSTOMERS_NUMBER)
        return post(client, path, body, headers=headers, **options)

    def open_case(self, route: Route, dialect: Dialect = CLASSIC, **fields: Any) -> Any:
        """A request for the first item."""
        return self.send(route, self.body(route, self.item_body(route, **fields)), dialect)


def in_both_dialects(routes: dict[str, Route] = ROUTES) -> Iterator[tuple[str, Route, Dialect]]:
    """All routes in both dialects."""
    for name, route in routes.items():
        for dialect in DIALECTS:
            yield f"{name}, {dialect}", route, dialect


def _assert_responses(
    shop: Shop,
    expected: Callable[[Route, Dialect], tuple[int, Any]],
    bodies: Sequence[dict[str, Any]],
) -> None:
    dialects = cycle(DIALECTS)
    with nothing_written():
        for fields, (name, route) in product(bodies, ROUTES.items()):
            for dialect in DIALECTS if len(bodies) == 1 else [next(dialects)]:
                response = shop.open_case(route, dialect, **fields)
                actual = response.status_code, response.json()
                assert actual == expected(route, dialect), (name, dialect, fields, actual)
                assert_common_headers(response)


def assert_refused_by_all_routes(shop: Shop, problem: Problem, *bodies: dict[str, Any]) -> None:
    """All routes refuse the first item with exactly this problem, and write nothing.

    Without fields, or with one dictionary of them, in both dialects; with several in alternate
    dialects.
    """
    _assert_responses(shop, partial(Route.refusal, problem=problem), bodies or [{}])


def assert_field_error_by_all_routes(shop: Shop, field: str, text: str, *values: Any) -> None:
    """All routes return exactly this error of a field of the first item, and write nothing."""
    expected = partial(Route.field_error, field=field, text=text)
    _assert_responses(shop, expected, [{field: value} for value in values])


def opened_by_all_routes(shop: Shop, **fields: Any) -> list[Any]:
    """All routes open a case for the first item; the documents, after a rollback of each."""
    documents = []
    for (name, route), dialect in zip(ROUTES.items(), cycle(DIALECTS), strict=False):
        # Queries are counted within each request, not across requests.
        with transaction.atomic(), zeal.zeal_context():
            response = shop.open_case(route, dialect, **fields)
            assert response.status_code == route.success(dialect), (name, dialect, response.content)
            document = response.json()
            documents.append(document[0] if route.is_bulk else document)
            transaction.set_rollback(True)
    return documents
