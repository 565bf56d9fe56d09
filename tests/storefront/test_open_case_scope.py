"""Whose items a requester can name, and the refusals of all others (promises P19 to P22)."""

from typing import Any

import pytest

from takeback.addresses.models import Address
from takeback.cancellations import errors
from takeback.cancellations.models import CancellationRequest
from takeback.orders.statuses import Status
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import (
    assert_refused,
    look_up,
    nothing_written,
    post,
    token_of,
    verify_order,
)
from tests.storefront.routes import (
    CUSTOMERS_NUMBER,
    DIALECTS,
    LOOKUP_FAILED,
    ROUTES,
    Shop,
    assert_refused_by_all_routes,
    in_both_dialects,
    texts,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

GUESTS = {name: route for name, route in ROUTES.items() if route.is_guest}
CUSTOMERS = {name: route for name, route in ROUTES.items() if not route.is_guest}
OTHER = "other@example.com"


@pytest.fixture(autouse=True)
def _without_limits(settings: Any) -> None:
    """Other tests cover the limits."""
    settings.LIMITS_ENABLED = False


def _foreign_items() -> dict[str, int]:
    """Items that neither customer nor guest can name."""
    other = factories.create_customer(email=OTHER)
    namesake = factories.create_customer(email=factories.CUSTOMER, channel_id=2)
    orders = {
        "another customer's": factories.create_order(customer=other, number="11"),
        "another channel's, same e-mail": factories.create_order(
            customer=namesake, number=CUSTOMERS_NUMBER, channel_id=2
        ),
        "another channel's guest's, same number": factories.create_order(channel_id=2),
        "a guest's with the customer's e-mail": factories.create_order(
            guest=factories.CUSTOMER, number="12"
        ),
        "the same guest's other order": factories.create_order(number="13"),
        "another guest's": factories.create_order(guest=OTHER, number="14"),
    }
    ids = {name: factories.items_of(order)[0].pk for name, order in orders.items()}
    return ids | {"unknown": 10**9, "out of range": 2**63, "zero": 0}


def test_foreign_item_gets_the_refusal_of_an_unknown_item() -> None:
    shop = Shop()
    for pk in _foreign_items().values():
        assert_refused_by_all_routes(shop, errors.UNKNOWN_ITEM, {"order_item": pk})


def test_items_of_guest_and_customer_are_separate() -> None:
    shop = Shop()
    for routes, pk in (
        (GUESTS, shop.item(ROUTES["customer, one item"]).pk),
        (CUSTOMERS, shop.item(ROUTES["guest, one item"]).pk),
    ):
        for name, route, dialect in in_both_dialects(routes):
            response = shop.open_case(route, dialect, order_item=pk)
            actual = response.status_code, response.json()
            assert actual == route.refusal(dialect, errors.UNKNOWN_ITEM), name


def _assert_look_up_failed(
    shop: Shop, build_body: Any, client: HttpClient, headers: dict[str, str]
) -> None:
    """Both guest routes return the refusal of the look-up, in both dialects."""
    with nothing_written():
        for name, route, dialect in in_both_dialects(GUESTS):
            response = post(client, route.path, build_body(route), headers=headers | dialect)
            assert (response.status_code, response.json()) == (400, LOOKUP_FAILED), name


def test_guest_needs_more_than_the_id_of_an_item() -> None:
    # Promise P21: neither without a session, nor with a session without access.
    shop = Shop()

    def item_alone(route: Any) -> Any:
        body = shop.body(route, shop.item_body(route))
        return {key: value for key, value in body.items() if key not in ("number", "email")}

    _assert_look_up_failed(shop, item_alone, HttpClient(), {})
    stranger = HttpClient()
    stranger.cookies["osessionid"] = "x" * 32
    _assert_look_up_failed(shop, item_alone, stranger, token_of(stranger))
    _assert_look_up_failed(shop, item_alone, shop.customer, shop.token)
    assert CancellationRequest.objects.count() == 0


@pytest.mark.parametrize("name", ["unknown number", "other e-mail", "a customer's", "channel 2"])
def test_all_mismatches_get_the_same_response(name: str) -> None:
    # Promise P19: the same as in the look-up, for any item.
    shop = Shop()
    factories.create_order(number="22", channel_id=2)
    changes = {
        "unknown number": {"number": "0"},
        "other e-mail": {"email": OTHER},
        "a customer's": {"number": CUSTOMERS_NUMBER, "email": factories.CUSTOMER},
        "channel 2": {"number": "22"},
    }
    _assert_look_up_failed(
        shop,
        lambda route: shop.body(route, shop.item_body(route)) | changes[name],
        HttpClient(),
        {},
    )
    pair = {"number": factories.NUMBER, "email": factories.GUEST} | changes[name]
    response = look_up(number=pair["number"], email=pair["email"])
    assert (response.status_code, response.json()) == (400, LOOKUP_FAILED)


@pytest.mark.parametrize("key", ["number", "order"])
def test_guest_names_the_order_as_number_or_order(key: str) -> None:
    shop = Shop()
    route = ROUTES["guest, one item"]
    body = {key: factories.NUMBER, "email": factories.GUEST.upper()} | shop.item_body(route)
    response = post(HttpClient(), route.path, body)

    # The key also selects the dialect.
    assert response.status_code == (201 if key == "number" else 200)
    assert CancellationRequest.objects.get().order_item_id == shop.item(route).pk


def test_guest_access_is_limited_to_the_verified_order() -> None:
    # Promise P21.
    shop = Shop()
    foreign = _foreign_items()
    verify_order(shop.guest)
    headers = token_of(shop.guest)
    for pk in [*foreign.values(), shop.item(ROUTES["customer, one item"]).pk]:

        def build_body(route: Any, pk: int = pk) -> Any:
            item = shop.item_body(route, order_item=pk)
            return {"cancel_order_items": [item]} if route.is_bulk else item

        if pk in (0, 2**63):
            continue  # out of range: a field error
        _assert_look_up_failed(shop, build_body, shop.guest, headers)
    own = post(
        shop.guest,
        ROUTES["guest, one item"].path,
        shop.item_body(ROUTES["guest, one item"]),
        headers=headers,
    )
    assert own.status_code == 200


def test_named_order_replaces_the_verified_orders() -> None:
    # Promise P21: the named order counts, not the verified one.
    shop = Shop()
    second = factories.create_order(number="13")
    verify_order(shop.guest)
    route = ROUTES["guest, one item"]
    body = shop.body(route, shop.item_body(route)) | {"number": "13"}
    for dialect in DIALECTS:
        response = post(shop.guest, route.path, body, headers=token_of(shop.guest) | dialect)
        actual = response.status_code, response.json()
        assert actual == route.refusal(dialect, errors.UNKNOWN_ITEM)
    assert factories.items_of(second)[0].status == Status.APPROVED


def test_e_mail_address_without_number_is_a_field_error() -> None:
    # Promise P21: a request that names an order does not use the verified one.
    shop = Shop()
    verify_order(shop.guest)
    headers = token_of(shop.guest)
    with nothing_written():
        for name, route, dialect in in_both_dialects(GUESTS):
            complete = shop.body(route, shop.item_body(route))
            body = {key: value for key, value in complete.items() if key != "number"}
            response = post(shop.guest, route.path, body, headers=headers | dialect)
            missing = {"number": texts("This field is required.", dialect)}
            assert (response.status_code, response.json()) == (400, missing), name


def test_expired_guest_access_is_ignored() -> None:
    shop = Shop()
    verify_order(shop.guest)
    headers = token_of(shop.guest)
    session = shop.guest.session
    expired = {key: [0, 0] for key in session["proofs"]}
    session["proofs"] = expired
    session.save()
    shop.guest.cookies["osessionid"] = str(session.session_key)

    body = shop.item_body(ROUTES["guest, one item"])
    response = post(shop.guest, ROUTES["guest, one item"].path, body, headers=headers)
    assert (response.status_code, response.json()) == (400, LOOKUP_FAILED)


def test_guest_is_not_signed_in() -> None:
    shop = Shop()
    verify_order(shop.guest)
    for client, headers in ((shop.guest, token_of(shop.guest)), (HttpClient(), {})):
        with nothing_written():
            for route, item in ((w, ROUTES["guest, one item"]) for w in CUSTOMERS.values()):
                path = route.path.format(number=factories.NUMBER)
                body = shop.body(route, shop.item_body(item))
                assert_refused(post(client, path, body, headers=headers), 401, "not_authenticated")


def test_customer_can_name_the_order_of_a_guest() -> None:
    # A customer who verifies the order acts as its guest.
    shop = Shop()
    route = ROUTES["guest, one item"]
    body = shop.body(route, shop.item_body(route))
    assert post(shop.customer, route.path, body, headers=shop.token).status_code == 201
    case = CancellationRequest.objects.get()
    assert (case.source, case.order_item_id) == ("guest", shop.item(route).pk)


@pytest.mark.parametrize("wrong", ["missing", "another visitor's", "foreign page"])
def test_session_needs_its_csrf_token(wrong: str) -> None:
    # Promise P22.
    shop = Shop()
    verify_order(shop.guest)
    with nothing_written():
        for route in ROUTES.values():
            client = shop.guest if route.is_guest else shop.customer
            headers = token_of(client)
            if wrong == "missing":
                headers = {}
            elif wrong == "another visitor's":
                headers = token_of(HttpClient())
            else:
                headers["Origin"] = "https://evil.example"
            body = shop.body(route, shop.item_body(route))
            path = route.path.format(number=CUSTOMERS_NUMBER)
            assert_refused(post(client, path, body, headers=headers), 403, "csrf_failed")


def _addresses(shop: Shop) -> dict[str, int]:
    other = factories.create_customer(email=OTHER)
    second = factories.create_order(
        customer=shop.user, number="1002", shipping_address=factories.address_input(line="2")
    )
    foreign = factories.create_order(customer=other, number="15")
    deleted = factories.create_address(user=shop.user, line="gone", is_active=False)
    store = factories.create_address(user=shop.user, line="store")
    Address.objects.filter(pk=store.pk).update(address_type="store")
    return {
        "another customer's": factories.create_address(user=other).pk,
        "a copy of another customer's order": foreign.shipping_address_id,
        "a copy of an own other order": second.shipping_address_id,
        "deleted": deleted.pk,
        "a store": store.pk,
        "unknown": 10**9,
    }  # fmt: skip


def test_foreign_pickup_address_is_unknown() -> None:
    shop = Shop(kind="refund", items=[factories.item_input(status=Status.DELIVERED)])
    carrier = factories.create_carrier(needs_pickup=True).pk
    for pk in _addresses(shop).values():
        fields = {"shipping_company": carrier, "pickup_address": pk}
        assert_refused_by_all_routes(shop, errors.UNKNOWN_ADDRESS, fields)


def test_address_of_a_customer_is_unknown_to_guests() -> None:
    shop = Shop(kind="refund", items=[factories.item_input(status=Status.DELIVERED)])
    own = factories.create_address(user=shop.user).pk
    route, carrier = ROUTES["guest, one item"], factories.create_carrier(needs_pickup=True).pk
    fields: dict[str, Any] = {"shipping_company": carrier, "pickup_address": own}
    response = shop.open_case(route, **fields)
    assert (response.status_code, response.json()) == route.refusal(
        DIALECTS[0], errors.UNKNOWN_ADDRESS
    )
    assert shop.open_case(ROUTES["customer, one item"], **fields).status_code == 200


def test_session_of_one_shop_is_powerless_in_another(settings: Any) -> None:
    # Promise P20: the same browser at the host of another shop.
    shop = Shop()
    factories.create_channel(pk=2)
    verify_order(shop.guest)
    settings.ALLOWED_HOSTS = ["*"]
    settings.STOREFRONT_HOSTS = {"two.example": 2}
    with nothing_written():
        for name, route, dialect in in_both_dialects():
            client = shop.guest if route.is_guest else shop.customer
            item = shop.item_body(route)
            body = {"cancel_order_items": [item]} if route.is_bulk else item
            path = route.path.format(number=CUSTOMERS_NUMBER)
            headers = token_of(client) | dialect | {"Host": "two.example"}
            response = post(client, path, body, headers=headers)
            if name.startswith("cancel order"):
                assert_refused(response, 404, "not_found")
            elif route.is_guest:
                assert (response.status_code, response.json()) == (400, LOOKUP_FAILED), name
            else:
                actual = response.status_code, response.json()
                assert actual == route.refusal(dialect, errors.UNKNOWN_ITEM), name


INVALID_NAMES = [
    "0",
    "x",
    "9" * 5_000,
    "%00",
    "1%00",
    "%ff",
    "\u0661",
    "-1",
    "1.5",
    "%ED%A0%80",
    "%0a",
]


def test_foreign_order_gets_status_404() -> None:
    # Promise P20.
    shop = Shop()
    orders = [
        factories.create_order(customer=factories.create_customer(email=OTHER), number="11"),
        factories.create_order(number="12", guest=factories.CUSTOMER),
        factories.create_order(
            customer=factories.create_customer(channel_id=2), number="13", channel_id=2
        ),
    ]
    names = [str(name) for order in orders for name in (order.pk, order.number)]
    body = shop.body(ROUTES["cancel order"], shop.item_body(ROUTES["cancel order"]))
    with nothing_written():
        for name in [*names, *INVALID_NAMES]:
            response = post(shop.customer, f"/orders/{name}/cancel/", body, headers=shop.token)
            assert_refused(response, 404, "not_found")


@pytest.mark.parametrize("path", ["/orders/{}/cancel/", "/orders/{}/cancel"])
@pytest.mark.parametrize("by", ["number", "pk"])
def test_order_is_named_by_number_or_id(by: str, path: str) -> None:
    shop = Shop()
    body = shop.body(ROUTES["cancel order"], shop.item_body(ROUTES["cancel order"]))
    path = path.format(getattr(shop.customer_order, by))

    assert post(shop.customer, path, body, headers=shop.token).status_code == 200
