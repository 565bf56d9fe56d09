"""Address books of a channel's customers, and the lists of places."""

from typing import Any

import pytest
import zeal
from django.db import connection
from django.test.utils import CaptureQueriesContext

from takeback.addresses.models import Address, City, Country, District, Township
from takeback.channel.customers import documents
from tests import factories
from tests.channel import shop

pytestmark = pytest.mark.django_db

PATH = "/api/v1/channel/1/addresses/"


def _places() -> tuple[Country, City, Township, District]:
    factories.create_address(
        user=factories.create_customer(email="somebody@example.com"), line="Elsewhere"
    )
    Address.objects.all().delete()
    country, city = Country.objects.get(), City.objects.get()
    return country, city, Township.objects.get(), District.objects.get()


def _address_body(**fields: Any) -> dict[str, Any]:
    country, city, township, district = _places()
    return {
        "customer": fields.pop("customer", None) or factories.create_customer().pk,
        "email": "john@example.com",
        "phone_number": "05556667788",
        "first_name": "John",
        "last_name": "Doe",
        "country": country.pk,
        "city": city.pk,
        "township": township.pk,
        "district": district.pk,
        "line": "By the sea 1",
        "title": "COMM-876",
        "postcode": "",
        "notes": None,
        "company_name": None,
        "tax_office": "",
        "tax_no": "",
        "e_bill_taxpayer": False,
        "remote_id": None,
        "identity_number": None,
        "extra_field": {},
    } | fields


def _add(caller: Any, body: dict[str, Any]) -> Any:
    with zeal.zeal_context():
        return caller.post(PATH, body, content_type="application/json")


def test_address_is_added_and_found() -> None:
    caller, body = shop.client(), _address_body()

    response = _add(caller, body)

    assert response.status_code == 201
    document = response.json()
    assert set(document) == set(documents.ChannelAddress.__annotations__)
    assert document == document | body | {"company_name": ""}
    assert (document["address_type"], document["retail_store"]) == ("customer", None)
    for query in ({"hash_data": document["hash_data"]}, {"customer": body["customer"]}, {}):
        assert caller.get(PATH, query).json()["results"] == [document]
    assert caller.get(PATH, {"hash_data": "x"}).json()["results"] == []
    assert caller.get(f"{PATH}{document['pk']}/").json() == document


def test_duplicate_address_names_the_existing_one() -> None:
    caller, body = shop.client(), _address_body()
    stored = _add(caller, body).json()

    response = _add(caller, body)

    assert response.status_code == 400
    assert response.json()["code"] == "invalid"
    text = response.json()["non_field_errors"]
    assert text == f"hash_data:{stored['hash_data']} The customer already has this address."
    named = text.split()[0].split(":")[1]
    assert caller.get(PATH, {"hash_data": named}).json()["results"] == [stored]
    assert Address.objects.count() == 1


def test_order_can_refer_to_stored_address() -> None:
    caller, body = shop.client(), _address_body()
    stored = _add(caller, body).json()["pk"]

    order = {"customer": body["customer"], "shipping_address": stored}
    response = shop.create_order(caller, shop.order_body(order))

    assert response.status_code == 201
    assert Address.objects.filter(is_copy=True, line="By the sea 1").count() == 1
    # The copy that belongs to the order is in no address book.
    assert caller.get(PATH).json()["count"] == 1


@pytest.mark.parametrize("store", [7, {"name": "Branch"}])
def test_retail_store_is_repeated_as_sent(store: Any) -> None:
    body = _address_body(retail_store=store, address_type="retail_store")

    document = _add(shop.client(), body).json()

    assert (document["retail_store"], document["address_type"]) == (store, "retail_store")


def test_missing_names_come_from_the_customer() -> None:
    document = _add(shop.client(), _address_body(first_name="", last_name="")).json()

    assert (document["first_name"], document["last_name"]) == ("Ayla", "Ray")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("customer", 0),
        ("customer", 999_999),
        ("customer", "x"),
        ("country", 10**30),
        ("country", None),
        ("city", 999_999),
        ("township", 999_999),
        ("district", "x"),
        ("line", ""),
        ("line", "x" * 256),
        ("line", "a\u202eb"),
        ("email", "x"),
        ("tax_no", "1" * 21),
        ("address_type", "x"),
        ("retail_store", "x"),
        ("retail_store", []),
        ("extra_field", []),
        ("primary", "perhaps"),
    ],
)
def test_invalid_field_is_named_and_nothing_is_written(field: str, value: Any) -> None:
    caller, body = shop.client(), _address_body()
    before = shop.row_counts()

    response = _add(caller, body | {field: value})

    assert (response.status_code, set(response.json())) == (400, {field, "code"})
    assert shop.row_counts() == before


def test_place_must_lie_in_its_parent() -> None:
    body = _address_body()
    elsewhere = City.objects.create(name="Paris", country=Country.objects.create(code="fr"))

    response = _add(shop.client(), body | {"city": elsewhere.pk})

    assert response.status_code == 400
    assert response.json()["city"] == ["This place is unknown. Choose one from the list of places."]


def test_addresses_of_other_channels_are_not_found() -> None:
    caller, other = shop.client(), factories.create_customer(email="o@x.yz", channel_id=shop.OTHER)
    body = _address_body(customer=other.pk)
    address = factories.create_address(user=other)

    response = _add(caller, body)

    assert (response.status_code, response.json()["customer"]) == (
        400,
        ["This channel has no such customer."],
    )
    assert caller.get(PATH).json()["count"] == 0
    assert caller.get(PATH, {"hash_data": address.hash_data}).json()["count"] == 0
    for prefix in shop.PREFIXES:
        assert caller.get(f"{prefix}/channel/1/addresses/{address.pk}/").status_code == 404
    assert caller.get(f"{PATH}{'1' * 40}/").status_code == 404


def test_list_needs_the_same_queries_for_any_length() -> None:
    user = factories.create_customer()
    for number in range(20):
        factories.create_address(user=user, line=f"Street {number}")
    caller = shop.client()
    caller.get(PATH)

    with CaptureQueriesContext(connection) as queries:
        assert len(caller.get(PATH, {"limit": 100}).json()["results"]) == 20

    # Key, rate limit, count, page.
    assert len(queries) == 4


PLACES = [
    ("countries", {"code__exact": "TR", "is_active": "True"}, ["Türkiye"]),
    ("countries", {"code": "tr"}, ["Türkiye"]),
    ("countries", {"code": "t"}, []),
    ("countries", {"name__exact": "Türkiye"}, ["Türkiye"]),
    ("countries", {"name": "türkiye"}, []),
    ("countries", {"is_active": "false"}, ["Old"]),
    ("countries", {"mapping__code__exact": "1_TR"}, []),
    ("countries", {}, ["Old", "Türkiye"]),
    ("cities", {"name__iexact": "aDANA"}, ["Adana"]),
    ("cities", {"country": "COUNTRY", "is_active": "True"}, ["Adana"]),
    ("cities", {"country": "999999"}, []),
    ("cities", {"code": "x"}, []),
    ("townships", {"name__iexact": "SEYHAN", "country": "COUNTRY", "city": "CITY"}, ["Seyhan"]),
    ("townships", {"city": "999999"}, []),
    (
        "districts",
        {"name__exact": "Reşatbey", "country": "COUNTRY", "city": "CITY", "township": "TOWNSHIP"},
        ["Reşatbey"],
    ),
    ("districts", {"township": "999999"}, []),
]


@pytest.mark.parametrize(("level", "query", "names"), PLACES)
def test_places_are_filtered_by_name_and_parent(
    level: str, query: dict[str, str], names: list[str]
) -> None:
    country, city, township, _ = _places()
    Country.objects.create(name="Old", code="xx", is_active=False)
    numbers = {"COUNTRY": country.pk, "CITY": city.pk, "TOWNSHIP": township.pk}
    filters = {name: str(numbers.get(value, value)) for name, value in query.items()}

    for prefix in shop.PREFIXES:
        response = shop.client().get(f"{prefix}/channel/1/{level}/", filters)
        assert [place["name"] for place in response.json()["results"]] == names
        assert (response.status_code, response.json()["count"]) == (200, len(names))


@pytest.mark.parametrize(
    ("level", "document_type"),
    [
        ("countries", documents.ChannelCountry),
        ("cities", documents.ChannelCity),
        ("townships", documents.ChannelTownship),
        ("districts", documents.ChannelDistrict),
    ],
)
def test_place_shows_all_keys_in_four_queries(level: str, document_type: Any) -> None:
    _places()
    caller = shop.client()
    caller.get(PATH)

    with CaptureQueriesContext(connection) as queries:
        (place,) = caller.get(f"/api/v1/channel/1/{level}/").json()["results"]

    assert set(place) == set(document_type.__annotations__)
    # Key, rate limit, page, count.
    assert len(queries) == 4


@pytest.mark.parametrize(
    "query", [{"country": "x"}, {"city": "1" * 30}, {"is_active": "2"}, {"name": "\x00"}]
)
def test_invalid_filter_is_a_field_error(query: dict[str, str]) -> None:
    response = shop.client().get("/api/v1/channel/1/districts/", query)

    assert (response.status_code, set(response.json())) == (400, {*query, "code"})
