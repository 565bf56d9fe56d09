"""Responses have all keys of their document types, in order and of the declared types."""

import json
from collections.abc import Iterator
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
import pytest

from takeback.api.openapi import is_document
from takeback.storefront import (
    addresses_documents,
    cases_documents,
    old_orders_views,
    orders_documents,
    session_views,
)
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import CLASSIC, LOOK_UP, V3, look_up, post, verify_order

pytestmark = pytest.mark.django_db

DIALECTS = pytest.mark.parametrize("dialect", ["classic", "v3"])


def _listed(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is list else None


def _document(kind: Any) -> Any:
    options = get_args(kind) if isinstance(kind, UnionType) else (kind,)
    return next((option for option in options if is_document(option)), None)


def wrong_orders(value: Any, kind: Any, path: str = "") -> Iterator[str]:
    """The paths of documents whose keys or their order differ from the type."""
    if isinstance(value, list) and _listed(kind):
        for element in value:
            yield from wrong_orders(element, _listed(kind), f"{path}[]")
    document = _document(kind)
    if not isinstance(value, dict) or document is None:
        return
    hints = get_type_hints(document)
    if list(value) != list(hints):
        yield path or document.__name__
    for name, child in value.items():
        yield from wrong_orders(child, hints.get(name), f"{path}.{name}")


def check(value: Any, kind: Any) -> None:
    """Checks keys, their order and their types."""
    msgspec.convert(value, kind, strict=True)
    assert list(wrong_orders(value, kind)) == []


def _headers(dialect: str) -> dict[str, str]:
    return CLASSIC if dialect == "classic" else V3


def _order_of(dialect: str, *, is_guest: bool, is_full: bool) -> Any:
    user = None if is_guest else factories.create_customer()
    order = (
        factories.create_full_order(customer=user)
        if is_full
        else factories.create_order(customer=user)
    )
    if user is None:
        return look_up(headers=_headers(dialect)).json()[0]
    return (
        factories.client_of(user)
        .get(f"/users/orders/{order.pk}/", headers=_headers(dialect))
        .json()
    )


@DIALECTS
@pytest.mark.parametrize("is_guest", [True, False], ids=["guest", "customer"])
@pytest.mark.parametrize("is_full", [True, False], ids=["full", "bare"])
def test_order_has_all_keys_in_order_and_of_their_types(
    dialect: str, is_guest: bool, is_full: bool
) -> None:
    check(_order_of(dialect, is_guest=is_guest, is_full=is_full), orders_documents.Order)


@DIALECTS
def test_full_order_has_no_null_for_its_owner(dialect: str) -> None:
    order = _order_of(dialect, is_guest=False, is_full=True)

    assert [name for name, value in order.items() if value is None] == []
    item = order["orderitem_set"][1]
    assert [name for name, value in item.items() if value is None] == []
    assert [name for name, value in item["product"].items() if value is None] == []
    case = item["active_cancellation_request"]
    assert [name for name, value in case.items() if value is None] == []
    assert [name for name, value in case["easy_return"].items() if value is None] == []


def test_type_of_choices_follows_the_dialect() -> None:
    user = factories.create_customer()
    order = factories.create_order(customer=user, client_type="ios")
    client = factories.client_of(user)

    classic = client.get(f"/users/orders/{order.pk}/", headers=CLASSIC).json()
    v3 = client.get(f"/users/orders/{order.pk}/", headers=V3).json()

    assert classic["client_type"] == "ios"
    assert v3["client_type"] == {"value": "ios", "label": "iOS"}
    assert classic["shipping_address"]["address_type"] == "customer"
    assert v3["shipping_address"]["address_type"] == {"value": "customer", "label": "Customer"}
    assert classic["shipping_address"]["user"]["email"] == factories.CUSTOMER
    assert v3["shipping_address"]["user"] == user.pk
    assert classic["orderitem_set"][0]["product"]["form_schema"] is None
    assert v3["orderitem_set"][0]["product"]["form_schema"] == []


@DIALECTS
def test_guest_reads_no_account_ip_address_or_card(dialect: str) -> None:
    order = _order_of(dialect, is_guest=True, is_full=True)

    assert isinstance(order["shipping_address"]["user"], int)
    assert order["remote_addr"] is None
    assert order["card"] is None


@DIALECTS
def test_case_in_an_order_has_choices_in_both_dialects(dialect: str) -> None:
    order = _order_of(dialect, is_guest=True, is_full=True)

    case = order["orderitem_set"][1]["active_cancellation_request"]
    assert case["cancellation_type"] == {"value": "refund", "label": "Return"}
    assert case["status"] == {"value": "open", "label": "Open"}
    assert order["orderitem_set"][1]["cancellationrequest_set"] == [case]


def test_case_in_a_list_has_a_bare_kind_in_the_classic_dialect() -> None:
    user = factories.create_customer()
    order = factories.create_order(customer=user)
    factories.create_case(item=factories.items_of(order)[0])
    client = factories.client_of(user)

    path = "/users/orders/cancellation_requests/"
    (classic,) = client.get(path, headers=CLASSIC).json()["results"]
    (v3,) = client.get(path, headers=V3).json()["results"]

    assert classic["cancellation_type"] == "cancel"
    assert v3["cancellation_type"] == {"value": "cancel", "label": "Cancellation"}
    check(classic, cases_documents.CancellationRequest)
    check(v3, cases_documents.CancellationRequest)


def test_key_of_the_look_up_selects_the_dialect() -> None:
    factories.create_order()

    by_number = post(
        HttpClient(), LOOK_UP, {"number": factories.NUMBER, "email": factories.GUEST}
    ).json()
    by_order = post(
        HttpClient(), LOOK_UP, {"order": factories.NUMBER, "email": factories.GUEST}
    ).json()

    assert isinstance(by_number, list)
    assert isinstance(by_number[0]["client_type"], dict)
    assert list(by_order) == ["count", "next", "previous", "results"]
    assert by_order["count"] == 1
    assert isinstance(by_order["results"][0]["client_type"], str)


@pytest.mark.parametrize(
    ("header", "body", "setting", "is_v3"),
    [
        (None, {"order": factories.NUMBER}, "v3", False),
        (None, {"number": factories.NUMBER}, "classic", True),
        (None, {"number": factories.NUMBER, "order": factories.NUMBER}, "classic", True),
        ("classic", {"number": factories.NUMBER}, "v3", False),
        (" V3 ", {"order": factories.NUMBER}, "classic", True),
        ("nonsense", {"order": factories.NUMBER}, "v3", False),
        ("", {"number": factories.NUMBER}, "classic", True),
        ("v3", None, "classic", True),
        (None, None, "v3", True),
        ("nonsense", None, "classic", False),
    ],
)
def test_dialect_comes_from_header_else_body_else_setting(
    header: str | None, body: Any, setting: str, is_v3: bool, settings: Any
) -> None:
    settings.STOREFRONT_DIALECT = setting
    headers = {} if header is None else {"X-Takeback-Dialect": header}
    if body:
        factories.create_order()
        data = post(
            HttpClient(), LOOK_UP, body | {"email": factories.GUEST}, headers=headers
        ).json()
        order = data[0] if isinstance(data, list) else data["results"][0]
    else:
        user = factories.create_customer()
        factories.create_order(customer=user)
        client = factories.client_of(user)
        order = client.get("/users/orders/", headers=headers).json()["results"][0]

    assert isinstance(order["client_type"], dict) is is_v3


@DIALECTS
@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/users/orders/", orders_documents.Order),
        ("/users/orders/cancellation_reasons/", cases_documents.CancellationReason),
        ("/users/orders/cancellation_requests/", cases_documents.CancellationRequest),
        ("/users/old-orders/", old_orders_views.OldOrder),
        ("/address/", addresses_documents.BookAddress),
        ("/address/detailed/", addresses_documents.Address),
    ],
)
def test_list_is_an_envelope_of_its_documents(path: str, document: Any, dialect: str) -> None:
    user = factories.create_customer()
    factories.create_full_order(customer=user)
    factories.create_old_order(customer=user, items=2)
    factories.create_address(user=user)

    page = factories.client_of(user).get(path, headers=_headers(dialect)).json()

    assert list(page) == ["count", "next", "previous", "results"]
    assert page["count"] == len(page["results"]) == 1
    check(page["results"], list[document])


def test_details_and_account_have_their_types() -> None:
    user = factories.create_customer()
    old = factories.create_old_order(customer=user, items=1)
    entry = factories.create_address(user=user)
    client = factories.client_of(user)

    check(client.get(f"/users/old-orders/{old.pk}/").json(), old_orders_views.OldOrder)
    check(client.get(f"/address/{entry.pk}/").json(), addresses_documents.BookAddress)
    check(client.get("/current_user/").json(), session_views.CurrentUser)


def test_verified_guest_reads_the_same_document_again() -> None:
    factories.create_order()
    client = HttpClient()

    (document,) = verify_order(client, headers=CLASSIC).json()

    assert client.get(f"/users/orders/{document['id']}/", headers=CLASSIC).json() == document
    assert (
        client.get(f"/users/orders/{document['id']}/cancellation/", headers=CLASSIC).json()
        == document
    )


def test_amounts_have_the_decimals_of_their_currency() -> None:
    factories.create_order(number="1", currency="jpy")
    factories.create_order(number="2", currency="kwd")

    (yen,) = look_up(number="1").json()
    (dinar,) = look_up(number="2").json()

    assert (yen["amount"], yen["discount_amount"]) == ("1000", "0")
    assert (dinar["amount"], dinar["discount_amount"]) == ("1.000", "0.000")


def test_tokens_of_data_sources_are_removed() -> None:
    factories.create_full_order()

    (order,) = look_up().json()

    assert order["orderitem_set"][0]["datasource_detailed"]["token"] is None
    assert "secret" not in look_up().content.decode()


NO_PAGE = [
    "javascript:alert(1)",
    "data:text/html,x",
    "//evil.example",
    "\\/evil.example",
    "ftp://x",
    "http://a\nb",
    "http://a b",
    "https://",
]


@pytest.mark.parametrize("url", NO_PAGE)
def test_unsafe_links_are_removed(url: str) -> None:
    links = {"defined_tracking_url": url, "shipping_tracking_url": url}
    factories.create_order(
        tracking_url=url,
        e_archive_url=url,
        details=links,
        bank={"logo": url, "logo_path": url},
        items=[
            factories.item_input(
                tracking_url=url,
                e_archive_url=url,
                image=url,
                details=links,
                product={"sku": "SKU-1", "image": url, "absolute_url": url},
                shipping_option_group={"shipping_option_logo": url},
            )
        ],
    )

    (order,) = look_up().json()
    (item,) = order["orderitem_set"]
    assert json.dumps(url) not in json.dumps(order)
    assert (order["bank"]["logo"], order["bank"]["logo_path"]) == (None, None)
    assert (item["image"], item["product"]["image"]) == (None, None)
    assert item["product"]["absolute_url"] == ""
    assert item["shipping_option_group"]["shipping_option_logo"] is None


@pytest.mark.parametrize(
    "url", ["/a-thing/", "a-thing", "/ş/?a=1", "https://shop.example/a-thing/"]
)
def test_paths_on_the_shop_s_site_are_repeated(url: str) -> None:
    factories.create_order(
        bank={"logo_path": url},
        items=[factories.item_input(product={"sku": "SKU-1", "absolute_url": url})],
    )

    (order,) = look_up().json()

    assert order["bank"]["logo_path"] == url
    assert order["orderitem_set"][0]["product"]["absolute_url"] == url
