"""The carriers of a channel: lists and changes, for keys with the scope admin."""

from typing import Any

import pytest
import time_machine

from takeback.logistics.models import EasyReturnShippingCompany
from tests import factories
from tests.cancellations.factories import LATER
from tests.channel import shop
from tests.channel.case_calls import caller, refused, send
from tests.storefront.api import nothing_written

pytestmark = pytest.mark.django_db

CARRIERS = f"/api/v1/channel/{shop.SHOP}/easy_return_shipping_companies/"
CARRIER = {
    "carrier": "dhl",
    "carrier_label": "DHL Paket",
    "name": "DHL, at the door",
    "countries": ["AT", "DE"],
    "categories": ["shoes", "12"],
    "needs_pickup": True,
    "is_user_selectable": False,
    "is_active": True,
}


def own(**fields: Any) -> EasyReturnShippingCompany:
    """A carrier of the channel."""
    return factories.create_carrier(channel=factories.create_channel(), **fields)


def test_carrier_is_added_and_read_back() -> None:
    system = caller("admin")
    body = CARRIER | {"countries": ["de", "AT", "de"], "categories": ["shoes", 12], "pk": 7}

    response = send(system, "POST", CARRIERS, body)

    document = response.json()
    assert response.status_code == 201, response.content
    assert CARRIER.items() <= document.items()
    assert set(document) == {*CARRIER, "pk", "id", "is_shared", "created_date", "modified_date"}
    assert (document["id"] == document["pk"] != 7, document["is_shared"]) == (True, False)
    assert system.get(f"{CARRIERS}{document['id']}/").json() == document
    assert EasyReturnShippingCompany.objects.get().channel_id == shop.SHOP


def test_only_name_and_slug_are_required() -> None:
    document = send(caller("admin"), "POST", CARRIERS, {"name": "UPS", "carrier": "ups"}).json()

    assert document["carrier_label"] == "UPS"
    assert (document["countries"], document["categories"]) == ([], [])
    assert (document["needs_pickup"], document["is_user_selectable"]) == (False, True)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", None),
        ("carrier", "no spaces"),
        ("carrier", 7),
        ("countries", "DE"),
        ("countries", ["XX"]),
        ("countries", ["Germany"]),
        ("countries", [None]),
        ("countries", [["DE"]]),
        ("categories", [" "]),
        ("categories", [{}]),
        ("categories", [str(number) for number in range(201)]),
        ("needs_pickup", "maybe"),
        ("is_active", 1),
    ],
)
def test_wrong_value_is_refused_with_its_field(field: str, value: Any) -> None:
    system = caller("admin")

    with refused(400, "invalid", field) as responses:
        responses.append(send(system, "POST", CARRIERS, CARRIER | {field: value}))


def test_refusal_names_the_unknown_country() -> None:
    response = send(caller("admin"), "POST", CARRIERS, CARRIER | {"countries": ["TR", "xx"]})

    assert response.json()["countries"] == [
        "“XX” is not a country code. Send two letters of ISO 3166, such as TR or DE."
    ]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_only_sent_values_of_a_carrier_change(method: str) -> None:
    carrier = own(countries=["TR"])
    with time_machine.travel(LATER, tick=False):
        response = send(caller("admin"), method, f"{CARRIERS}{carrier.pk}/", {"name": "New"})

    changed = EasyReturnShippingCompany.objects.get()
    assert response.status_code == 200
    assert (changed.name, changed.countries, changed.modified_date) == ("New", ["TR"], LATER)


def test_sending_back_the_shown_carrier_changes_nothing() -> None:
    carrier, system = own(countries=["DE"], categories=["shoes"]), caller("admin")
    path = f"{CARRIERS}{carrier.pk}/"
    shown = system.get(path).json()

    with nothing_written():
        assert send(system, "PUT", path, shown).json() == shown


def test_deleted_carrier_becomes_inactive() -> None:
    carrier, system = own(), caller("admin")

    for _ in range(2):
        response = send(system, "DELETE", f"{CARRIERS}{carrier.pk}/", b"")
        assert (response.status_code, response.content) == (204, b"")

    assert system.get(f"{CARRIERS}{carrier.pk}/").json()["is_active"] is False
    assert system.get(f"{CARRIERS}?is_active=true").json()["count"] == 0


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_changes_need_the_scope_admin(method: str) -> None:
    carrier, system = own(), caller("money", "pii")
    path = CARRIERS if method == "POST" else f"{CARRIERS}{carrier.pk}/"
    assert system.get(f"{CARRIERS}{carrier.pk}/").status_code == 200

    with refused(403, "permission_denied") as responses:
        responses.append(send(system, method, path, CARRIER))


def test_shared_carrier_needs_a_key_for_all_active_channels() -> None:
    shared, system = factories.create_carrier(), caller("admin")
    other = factories.create_channel(pk=shop.OTHER)
    path = f"{CARRIERS}{shared.pk}/"

    with refused(403, "shared_carrier") as responses:
        responses.append(send(system, "PATCH", path, {"name": "New"}))

    other.is_active = False
    other.save()
    document = send(system, "PATCH", path, {"name": "New"}).json()
    assert (document["name"], document["is_shared"]) == ("New", True)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_carrier_of_other_channel_is_not_found(method: str) -> None:
    foreign = factories.create_carrier(channel=factories.create_channel(pk=shop.OTHER))
    system = caller("admin")
    for pk in (foreign.pk, 0, 10**40, "x"):
        with refused(404, "not_found") as responses:
            responses.append(send(system, method, f"{CARRIERS}{pk}/", {"name": "x"}))


def test_carriers_are_listed_and_filtered() -> None:
    first, shared = own(needs_pickup=True), factories.create_carrier(is_user_selectable=False)
    factories.create_carrier(channel=factories.create_channel(pk=shop.OTHER))
    system = caller()

    def listed(query: str = "") -> list[int]:
        return [row["id"] for row in system.get(f"{CARRIERS}{query}").json()["results"]]

    assert listed() == [first.pk, shared.pk]
    assert listed("?needs_pickup=true") == [first.pk]
    assert listed("?is_user_selectable=false") == [shared.pk]
    assert listed("?limit=1&page=2") == [shared.pk]
