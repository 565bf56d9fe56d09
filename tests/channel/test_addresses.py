"""Address books of a channel's customers, and the places that they name by number."""

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
    factories.make_address(
        user=factories.make_customer(email="somebody@example.com"), line="Elsewhere"
    )
    Address.objects.all().delete()
    country, city = Country.objects.get(), City.objects.get()
    return country, city, Township.objects.get(), District.objects.get()


def _told(**fields: Any) -> dict[str, Any]:
    country, city, township, district = _places()
    return {
        "customer": fields.pop("customer", None) or factories.make_customer().pk,
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


def _add(caller: Any, told: dict[str, Any]) -> Any:
    with zeal.zeal_context():
        return caller.post(PATH, told, content_type="application/json")


def test_an_address_is_added_and_found() -> None:
    caller, told = shop.client(), _told()

    answer = _add(caller, told)

    assert answer.status_code == 201
    document = answer.json()
    assert set(document) == set(documents.ChannelAddress.__annotations__)
    assert document == document | told | {"company_name": ""}
    assert (document["address_type"], document["retail_store"]) == ("customer", None)
    for query in ({"hash_data": document["hash_data"]}, {"customer": told["customer"]}, {}):
        assert caller.get(PATH, query).json()["results"] == [document]
    assert caller.get(PATH, {"hash_data": "x"}).json()["results"] == []
    assert caller.get(f"{PATH}{document['pk']}/").json() == document


def test_the_same_address_again_names_the_one_that_is_kept() -> None:
    caller, told = shop.client(), _told()
    kept = _add(caller, told).json()

    answer = _add(caller, told)

    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid"
    text = answer.json()["non_field_errors"]
    assert text == f"hash_data:{kept['hash_data']} The customer keeps this address already."
    named = text.split()[0].split(":")[1]
    assert caller.get(PATH, {"hash_data": named}).json()["results"] == [kept]
    assert Address.objects.count() == 1


def test_an_order_is_sent_to_the_address_that_was_kept() -> None:
    caller, told = shop.client(), _told()
    kept = _add(caller, told).json()["pk"]

    order = {"customer": told["customer"], "shipping_address": kept}
    answer = shop.send(caller, shop.document(order))

    assert answer.status_code == 201
    assert Address.objects.filter(is_copy=True, line="By the sea 1").count() == 1
    # The copy that the order keeps stands in no book.
    assert caller.get(PATH).json()["count"] == 1


@pytest.mark.parametrize("store", [7, {"name": "Branch"}])
def test_a_branch_is_repeated_as_it_was_told(store: Any) -> None:
    told = _told(retail_store=store, address_type="retail_store")

    document = _add(shop.client(), told).json()

    assert (document["retail_store"], document["address_type"]) == (store, "retail_store")


def test_without_names_an_address_has_its_owners() -> None:
    document = _add(shop.client(), _told(first_name="", last_name="")).json()

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
def test_a_wrong_field_is_named_and_nothing_is_written(field: str, value: Any) -> None:
    caller, told = shop.client(), _told()
    before = shop.rows()

    answer = _add(caller, told | {field: value})

    assert (answer.status_code, set(answer.json())) == (400, {field, "code"})
    assert shop.rows() == before


def test_a_place_lies_in_the_one_before() -> None:
    told = _told()
    elsewhere = City.objects.create(name="Paris", country=Country.objects.create(code="fr"))

    answer = _add(shop.client(), told | {"city": elsewhere.pk})

    assert answer.status_code == 400
    assert answer.json()["city"] == ["This place is not known here."]


def test_other_channels_customers_have_no_address_here() -> None:
    caller, other = shop.client(), factories.make_customer(email="o@x.yz", channel_id=shop.OTHER)
    told = _told(customer=other.pk)
    address = factories.make_address(user=other)

    answer = _add(caller, told)

    assert (answer.status_code, answer.json()["customer"]) == (
        400,
        ["This customer is not known here."],
    )
    assert caller.get(PATH).json()["count"] == 0
    assert caller.get(PATH, {"hash_data": address.hash_data}).json()["count"] == 0
    for prefix in shop.PREFIXES:
        assert caller.get(f"{prefix}/channel/1/addresses/{address.pk}/").status_code == 404
    assert caller.get(f"{PATH}{'1' * 40}/").status_code == 404


def test_a_list_costs_as_many_queries_however_long_it_is() -> None:
    user = factories.make_customer()
    for number in range(20):
        factories.make_address(user=user, line=f"Street {number}")
    caller = shop.client()
    caller.get(PATH)

    with CaptureQueriesContext(connection) as asked:
        assert len(caller.get(PATH, {"limit": 100}).json()["results"]) == 20

    # The key, its limit, the count, the page.
    assert len(asked) == 4


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


@pytest.mark.parametrize(("level", "query", "found"), PLACES)
def test_places_are_found_by_name_and_by_what_they_lie_in(
    level: str, query: dict[str, str], found: list[str]
) -> None:
    country, city, township, _ = _places()
    Country.objects.create(name="Old", code="xx", is_active=False)
    numbers = {"COUNTRY": country.pk, "CITY": city.pk, "TOWNSHIP": township.pk}
    told = {name: str(numbers.get(value, value)) for name, value in query.items()}

    for prefix in shop.PREFIXES:
        answer = shop.client().get(f"{prefix}/channel/1/{level}/", told)
        assert [place["name"] for place in answer.json()["results"]] == found
        assert (answer.status_code, answer.json()["count"]) == (200, len(found))


@pytest.mark.parametrize(
    ("level", "shape"),
    [
        ("countries", documents.ChannelCountry),
        ("cities", documents.ChannelCity),
        ("townships", documents.ChannelTownship),
        ("districts", documents.ChannelDistrict),
    ],
)
def test_a_place_shows_its_keys_in_few_queries(level: str, shape: Any) -> None:
    _places()
    caller = shop.client()
    caller.get(PATH)

    with CaptureQueriesContext(connection) as asked:
        (found,) = caller.get(f"/api/v1/channel/1/{level}/").json()["results"]

    assert set(found) == set(shape.__annotations__)
    # The key, its limit, the page, the count.
    assert len(asked) == 4


@pytest.mark.parametrize(
    "query", [{"country": "x"}, {"city": "1" * 30}, {"is_active": "2"}, {"name": "\x00"}]
)
def test_a_filter_that_cannot_be_is_a_field_error(query: dict[str, str]) -> None:
    answer = shop.client().get("/api/v1/channel/1/districts/", query)

    assert (answer.status_code, set(answer.json())) == (400, {*query, "code"})
