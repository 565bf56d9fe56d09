"""The storefront's address book, and the copies of addresses that belong to orders."""

from typing import Any

import pytest

from takeback.accounts.models import User
from takeback.addresses.models import Address, City, Country, District, Township
from takeback.orders.models import Order
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import (
    assert_field_errors,
    assert_refused,
    nothing_written,
    post,
    token_of,
)

pytestmark = pytest.mark.django_db

BOOK = "/address/"


@pytest.fixture
def shopper() -> HttpClient:
    """A signed-in customer without addresses."""
    return factories.client_of(factories.create_customer())


@pytest.fixture
def body() -> dict[str, Any]:
    """A complete new entry in a place that another customer's address uses."""
    existing = factories.create_address(user=factories.create_customer(email="other@example.com"))
    return {
        "title": "Work",
        "first_name": "Ayla",
        "last_name": "Ray",
        "phone_number": "05550000001",
        "line": "Short Street 2\nSecond floor",
        "country": existing.country_id,
        "city": existing.city_id,
        "township": existing.township_id,
        "district": existing.district_id,
    }


def add(client: HttpClient, body: dict[str, Any]) -> Any:
    """Add an address to the book."""
    return post(client, BOOK, body, headers=token_of(client))


def change(client: HttpClient, pk: int, body: dict[str, Any]) -> Any:
    """Change an address of the book."""
    return client.patch(
        f"{BOOK}{pk}/", body, content_type="application/json", headers=token_of(client)
    )


def test_address_is_added_read_changed_and_removed(shopper: HttpClient, body: Any) -> None:
    added = add(shopper, body)
    pk = added.json()["pk"]
    assert added.status_code == 201
    assert {name: added.json()[name] for name in body} == body
    assert shopper.get(f"{BOOK}{pk}/").json() == added.json()

    changed = change(shopper, pk, {"title": "Home"})
    assert changed.json() == added.json() | {"title": "Home"}

    removed = shopper.delete(f"{BOOK}{pk}/", headers=token_of(shopper))
    assert (removed.status_code, removed.content) == (204, b"")
    assert_refused(shopper.get(f"{BOOK}{pk}/"), 404, "not_found")
    assert shopper.get(BOOK).json()["count"] == 0
    assert not Address.objects.get(pk=pk).is_active


def test_book_lists_the_shoppers_own_entries_newest_first(shopper: HttpClient, body: Any) -> None:
    first = add(shopper, body).json()["pk"]
    second = add(shopper, body | {"line": "Other Street 3"}).json()["pk"]
    factories.create_order(customer=User.objects.get(email=factories.CUSTOMER))

    plain = shopper.get(BOOK).json()
    detailed = shopper.get(f"{BOOK}detailed/").json()

    assert [row["pk"] for row in plain["results"]] == [second, first]
    assert [row["pk"] for row in detailed["results"]] == [second, first]
    assert plain["results"][0]["city"] == detailed["results"][0]["city"]["pk"]


def test_duplicate_address_is_refused_until_the_first_is_removed(
    shopper: HttpClient, body: Any
) -> None:
    pk = add(shopper, body).json()["pk"]

    with nothing_written():
        again = add(shopper, body | {"title": "Same place, other title"})
    assert_field_errors(again, "non_field_errors")

    shopper.delete(f"{BOOK}{pk}/", headers=token_of(shopper))
    assert add(shopper, body).status_code == 201


def test_address_cannot_be_changed_into_an_existing_one(shopper: HttpClient, body: Any) -> None:
    add(shopper, body)
    other = add(shopper, body | {"line": "Other Street 3"}).json()["pk"]

    with nothing_written():
        response = change(shopper, other, {"line": body["line"]})

    assert_field_errors(response, "non_field_errors")


def test_only_one_address_is_primary(shopper: HttpClient, body: Any) -> None:
    first = add(shopper, body | {"primary": True}).json()["pk"]
    second = add(shopper, body | {"line": "Other", "primary": "true"}).json()["pk"]

    primary = {row["pk"]: row["primary"] for row in shopper.get(BOOK).json()["results"]}
    assert primary == {first: False, second: True}


def test_places_must_be_inside_each_other(shopper: HttpClient, body: Any) -> None:
    germany = Country.objects.create(code="de", name="Deutschland")
    city = City.objects.create(country=germany, name="Berlin")
    township = Township.objects.create(city=city, name="Mitte")
    district = District.objects.create(township=township, name="Moabit")
    wrong = {
        "city": {"country": germany.pk},
        "township": {"country": germany.pk, "city": city.pk},
        "district": {"country": germany.pk, "city": city.pk, "township": township.pk},
    }
    for field, places in wrong.items():
        with nothing_written():
            assert_field_errors(add(shopper, body | places), field)

    in_germany = body | wrong["district"] | {"district": district.pk}
    assert add(shopper, in_germany).status_code == 201


def test_city_cannot_change_without_its_township(shopper: HttpClient, body: Any) -> None:
    pk = add(shopper, body).json()["pk"]
    other = City.objects.create(country_id=body["country"], name="Mersin")

    with nothing_written():
        assert_field_errors(change(shopper, pk, {"city": other.pk}), "township")


@pytest.mark.parametrize(("length", "status"), [(10, 400), (11, 201)])
def test_phone_number_has_a_minimum_length(
    shopper: HttpClient, body: Any, length: int, status: int
) -> None:
    response = add(shopper, body | {"phone_number": "0" * length})

    assert response.status_code == status


def test_district_can_be_required(shopper: HttpClient, body: Any, settings: Any) -> None:
    settings.ADDRESS_DISTRICT_REQUIRED = True
    without = {key: value for key, value in body.items() if key != "district"}

    assert_field_errors(add(shopper, without), "district")
    assert add(shopper, body).status_code == 201


def test_address_of_another_shopper_returns_404(shopper: HttpClient, body: Any) -> None:
    theirs = Address.objects.get().pk

    with nothing_written():
        assert_refused(shopper.get(f"{BOOK}{theirs}/"), 404, "not_found")
        assert_refused(change(shopper, theirs, {"title": "mine"}), 404, "not_found")
        removed = shopper.delete(f"{BOOK}{theirs}/", headers=token_of(shopper))
        assert_refused(removed, 404, "not_found")


def test_copy_of_an_order_is_not_part_of_the_book() -> None:
    user = factories.create_customer()
    order = factories.create_order(customer=user)
    client = factories.client_of(user)

    assert client.get(BOOK).json()["count"] == 0
    assert_refused(change(client, order.shipping_address_id, {"title": "mine"}), 404, "not_found")


def test_renaming_a_city_changes_no_order() -> None:
    user = factories.create_customer()
    order = factories.create_order(customer=user)
    City.objects.update(name="Renamed")

    shown = factories.client_of(user).get(f"/users/orders/{order.pk}/").json()

    assert shown["shipping_address"]["city"]["name"] == "Adana"


def test_equal_addresses_of_an_order_share_one_copy() -> None:
    same = factories.create_order(number="1")
    other = factories.create_order(
        number="2", billing_address=factories.address_input(line="Elsewhere 9")
    )

    assert same.shipping_address_id == same.billing_address_id
    assert other.shipping_address_id != other.billing_address_id
    assert Address.objects.filter(is_copy=True).count() == 3
    assert Order.objects.count() == 2


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("country/", ["Türkiye"]),
        ("city/?country={country}", ["Adana"]),
        ("city/?country=999", []),
        ("township/?city={city}", ["Seyhan"]),
        ("district/?township={township}", ["Reşatbey"]),
        ("district/?township=999", []),
        ("city/?limit=1", ["Adana"]),
    ],
)
def test_places_are_filtered_by_the_place_around_them(
    body: dict[str, Any], path: str, names: list[str]
) -> None:
    page = HttpClient().get(BOOK + path.format(**body)).json()

    assert [place["name"] for place in page["results"]] == names
    assert page["count"] == len(names)


@pytest.mark.parametrize("value", ["abc", "0", "-1", "1.5", str(2**63), "%D9%A1", "9" * 400])
def test_a_place_filter_that_is_no_number_is_a_field_error(value: str) -> None:
    assert_field_errors(HttpClient().get(f"{BOOK}city/?country={value}"), "country")


def test_inactive_place_cannot_be_chosen(shopper: HttpClient, body: Any) -> None:
    City.objects.update(is_active=False)

    assert HttpClient().get(f"{BOOK}city/").json()["count"] == 0
    assert_field_errors(add(shopper, body), "city")
