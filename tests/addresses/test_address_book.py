"""The address book over the wire, and the frozen copies that orders keep."""

from typing import Any

import pytest

from takeback.accounts.models import User
from takeback.addresses.models import Address, City, Country, District, Township
from takeback.orders.models import Order
from tests import factories
from tests.factories import Visitor
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
def shopper() -> Visitor:
    """A signed-in customer without addresses."""
    return factories.client_of(factories.make_customer())


@pytest.fixture
def body() -> dict[str, Any]:
    """A complete new entry; its place is known from some other customer."""
    kept = factories.make_address(user=factories.make_customer(email="other@example.com"))
    return {
        "title": "Work",
        "first_name": "Ayla",
        "last_name": "Ray",
        "phone_number": "05550000001",
        "line": "Short Street 2\nSecond floor",
        "country": kept.country_id,
        "city": kept.city_id,
        "township": kept.township_id,
        "district": kept.district_id,
    }


def add(client: Visitor, body: dict[str, Any]) -> Any:
    """Put an address into the book."""
    return post(client, BOOK, body, headers=token_of(client))


def change(client: Visitor, pk: int, body: dict[str, Any]) -> Any:
    """Change one."""
    return client.patch(
        f"{BOOK}{pk}/", body, content_type="application/json", headers=token_of(client)
    )


def test_an_address_is_added_read_changed_and_removed(shopper: Visitor, body: Any) -> None:
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


def test_the_book_holds_the_shopper_s_own_entries_newest_first(shopper: Visitor, body: Any) -> None:
    first = add(shopper, body).json()["pk"]
    second = add(shopper, body | {"line": "Other Street 3"}).json()["pk"]
    factories.make_order(customer=User.objects.get(email=factories.CUSTOMER))

    plain = shopper.get(BOOK).json()
    detailed = shopper.get(f"{BOOK}detailed/").json()

    assert [row["pk"] for row in plain["results"]] == [second, first]
    assert [row["pk"] for row in detailed["results"]] == [second, first]
    assert plain["results"][0]["city"] == detailed["results"][0]["city"]["pk"]


def test_the_same_address_twice_is_refused_until_the_first_is_removed(
    shopper: Visitor, body: Any
) -> None:
    pk = add(shopper, body).json()["pk"]

    with nothing_written():
        again = add(shopper, body | {"title": "Same place, other title"})
    assert_field_errors(again, "non_field_errors")

    shopper.delete(f"{BOOK}{pk}/", headers=token_of(shopper))
    assert add(shopper, body).status_code == 201


def test_an_address_cannot_be_changed_into_one_that_is_there(shopper: Visitor, body: Any) -> None:
    add(shopper, body)
    other = add(shopper, body | {"line": "Other Street 3"}).json()["pk"]

    with nothing_written():
        answer = change(shopper, other, {"line": body["line"]})

    assert_field_errors(answer, "non_field_errors")


def test_there_is_one_primary_address(shopper: Visitor, body: Any) -> None:
    first = add(shopper, body | {"primary": True}).json()["pk"]
    second = add(shopper, body | {"line": "Other", "primary": "true"}).json()["pk"]

    primary = {row["pk"]: row["primary"] for row in shopper.get(BOOK).json()["results"]}
    assert primary == {first: False, second: True}


def test_places_lie_inside_each_other(shopper: Visitor, body: Any) -> None:
    elsewhere = Country.objects.create(code="de", name="Deutschland")
    city = City.objects.create(country=elsewhere, name="Berlin")
    township = Township.objects.create(city=city, name="Mitte")
    district = District.objects.create(township=township, name="Moabit")
    wrong = {
        "city": {"country": elsewhere.pk},
        "township": {"country": elsewhere.pk, "city": city.pk},
        "district": {"country": elsewhere.pk, "city": city.pk, "township": township.pk},
    }
    for field, places in wrong.items():
        with nothing_written():
            assert_field_errors(add(shopper, body | places), field)

    moved = body | wrong["district"] | {"district": district.pk}
    assert add(shopper, moved).status_code == 201


def test_a_change_of_city_alone_leaves_the_township_behind(shopper: Visitor, body: Any) -> None:
    pk = add(shopper, body).json()["pk"]
    other = City.objects.create(country_id=body["country"], name="Mersin")

    with nothing_written():
        assert_field_errors(change(shopper, pk, {"city": other.pk}), "township")


@pytest.mark.parametrize(("length", "status"), [(10, 400), (11, 201)])
def test_a_telephone_number_has_a_least_length(
    shopper: Visitor, body: Any, length: int, status: int
) -> None:
    answer = add(shopper, body | {"phone_number": "0" * length})

    assert answer.status_code == status


def test_a_shop_may_ask_for_the_district(shopper: Visitor, body: Any, settings: Any) -> None:
    settings.ADDRESS_DISTRICT_REQUIRED = True
    without = {key: value for key, value in body.items() if key != "district"}

    assert_field_errors(add(shopper, without), "district")
    assert add(shopper, body).status_code == 201


def test_another_s_address_can_be_neither_read_changed_nor_removed(
    shopper: Visitor, body: Any
) -> None:
    theirs = Address.objects.get().pk

    with nothing_written():
        assert_refused(shopper.get(f"{BOOK}{theirs}/"), 404, "not_found")
        assert_refused(change(shopper, theirs, {"title": "mine"}), 404, "not_found")
        removed = shopper.delete(f"{BOOK}{theirs}/", headers=token_of(shopper))
        assert_refused(removed, 404, "not_found")


def test_the_copy_that_an_order_keeps_is_not_part_of_the_book() -> None:
    user = factories.make_customer()
    order = factories.make_order(customer=user)
    client = factories.client_of(user)

    assert client.get(BOOK).json()["count"] == 0
    assert_refused(change(client, order.shipping_address_id, {"title": "mine"}), 404, "not_found")


def test_renaming_a_city_changes_no_order() -> None:
    user = factories.make_customer()
    order = factories.make_order(customer=user)
    City.objects.update(name="Renamed")

    shown = factories.client_of(user).get(f"/users/orders/{order.pk}/").json()

    assert shown["shipping_address"]["city"]["name"] == "Adana"


def test_one_copy_serves_both_addresses_of_an_order_when_they_are_the_same() -> None:
    same = factories.make_order(number="1")
    other = factories.make_order(
        number="2", billing_address=factories.address_in(line="Elsewhere 9")
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
def test_places_are_listed_inside_the_one_that_is_asked_for(
    body: dict[str, Any], path: str, names: list[str]
) -> None:
    page = Visitor().get(BOOK + path.format(**body)).json()

    assert [place["name"] for place in page["results"]] == names
    assert page["count"] == len(names)


@pytest.mark.parametrize("value", ["abc", "0", "-1", "1.5", str(2**63), "%D9%A1", "9" * 400])
def test_a_place_filter_that_is_no_number_is_a_field_error(value: str) -> None:
    assert_field_errors(Visitor().get(f"{BOOK}city/?country={value}"), "country")


def test_a_place_that_is_switched_off_cannot_be_chosen(shopper: Visitor, body: Any) -> None:
    City.objects.update(is_active=False)

    assert Visitor().get(f"{BOOK}city/").json()["count"] == 0
    assert_field_errors(add(shopper, body), "city")
