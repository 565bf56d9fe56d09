"""Reasons and carriers in the settings at the desk."""

from typing import Any

import pytest

from takeback.cancellations.models import CancellationReason
from takeback.logistics.models import EasyReturnShippingCompany
from tests import factories
from tests.channel import shop
from tests.desk.agents import agent, code_on, page_of
from tests.desk.settings_forms import submit
from tests.storefront.api import nothing_written

pytestmark = pytest.mark.django_db

REASONS = f"/desk/settings/{shop.SHOP}/reasons"
CARRIERS = f"/desk/settings/{shop.SHOP}/carriers"
REASON = {"kind": "refund", "order": "3", "subject_en": "Too small", "is_active": "on"}
CARRIER = {
    "name": "DHL at the door",
    "carrier": "dhl",
    "carrier_label": "",
    "countries": "de; AT de,",
    "categories": "shoes\r\n\r\n 12 \r\n",
    "needs_pickup": "on",
    "is_active": "on",
}


def test_reason_is_added_in_several_languages() -> None:
    client = agent()

    response = submit(
        client, f"{REASONS}/new", **REASON, subject_tr="Dar geldi", extra_information_needed="on"
    )

    assert (response.status_code, response["Location"]) == (303, f"{REASONS}?saved")
    reason = CancellationReason.objects.get()
    assert (reason.channel_id, reason.cancellation_type, reason.order) == (shop.SHOP, "refund", 3)
    assert (reason.subject, reason.extra_information_needed) == ("Too small", True)
    assert reason.translations == {"tr": {"subject": "Dar geldi"}, "en": {"subject": "Too small"}}
    assert "Too small" in page_of(client.get(REASONS))


def test_changed_reason_keeps_other_languages() -> None:
    stored = {"fr": {"subject": "Petit"}, "tr": {"subject": "Dar"}}
    reason = factories.create_reason(channel=factories.create_channel(), translations=stored)
    client = agent()
    page = page_of(client.get(f"{REASONS}/{reason.pk}"))
    assert 'value="Dar"' in page
    assert 'value="Changed my mind"' in page

    response = submit(client, f"{REASONS}/{reason.pk}", kind="cancel", order=5, subject_de="Klein")

    assert response.status_code == 303
    reason.refresh_from_db()
    assert reason.translations == {"fr": {"subject": "Petit"}, "de": {"subject": "Klein"}}
    assert (reason.subject, reason.is_active, reason.order) == ("Klein", False, 5)


@pytest.mark.parametrize(
    "form",
    [
        {"subject_en": ""},
        {"subject_en": "  "},
        {"subject_en": "x" * 101},
        {"kind": "swap"},
        {"order": "-1"},
        {"order": "x"},
        {"order": str(2**31)},
    ],
)
def test_wrong_reason_is_refused(form: dict[str, str]) -> None:
    client = agent()
    with nothing_written():
        response = submit(client, f"{REASONS}/new", **REASON | form)
    assert response.status_code == 400
    assert 'role="alert"' in page_of(response)


def test_shared_reason_needs_all_active_channels() -> None:
    shared, client = factories.create_reason(), agent()
    other = factories.create_channel(pk=shop.OTHER)
    assert "All channels share this reason." in page_of(client.get(f"{REASONS}/{shared.pk}"))

    with nothing_written():
        response = submit(client, f"{REASONS}/{shared.pk}", **REASON)
    assert (response.status_code, code_on(response)) == (403, "shared_reason")

    other.is_active = False
    other.save()
    assert submit(client, f"{REASONS}/{shared.pk}", **REASON).status_code == 303
    shared.refresh_from_db()
    assert shared.subject == "Too small"


def test_carrier_is_added_with_its_rules() -> None:
    client = agent()

    response = submit(client, f"{CARRIERS}/new", **CARRIER)

    assert (response.status_code, response["Location"]) == (303, f"{CARRIERS}?saved")
    carrier = EasyReturnShippingCompany.objects.get()
    assert (carrier.channel_id, carrier.carrier) == (shop.SHOP, "dhl")
    assert carrier.carrier_label == "DHL at the door"
    assert (carrier.countries, carrier.categories) == (["AT", "DE"], ["shoes", "12"])
    assert (carrier.needs_pickup, carrier.is_user_selectable, carrier.is_active) == (
        True,
        False,
        True,
    )
    page = page_of(client.get(CARRIERS))
    assert "DHL at the door" in page
    assert "AT, DE" in page


def test_carrier_is_changed_from_its_shown_values() -> None:
    carrier = factories.create_carrier(
        channel=factories.create_channel(), countries=["TR"], categories=["a", "b"]
    )
    client = agent()
    page = page_of(client.get(f"{CARRIERS}/{carrier.pk}"))
    assert 'value="TR"' in page
    assert ">\na\nb</textarea>" in page

    response = submit(client, f"{CARRIERS}/{carrier.pk}", name="Yurtiçi", carrier="yurtici")

    assert response.status_code == 303
    carrier.refresh_from_db()
    assert (carrier.countries, carrier.categories, carrier.is_active) == ([], [], False)


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"countries": "Germany"}, "is not a country code"),
        ({"carrier": "d h l"}, "letters (A to Z)"),
        ({"categories": "x" * 256}, "1 to 255 characters"),
        ({"name": ""}, "required"),
        ({"name": "a\u200bb"}, "invisible"),
    ],
)
def test_wrong_carrier_is_refused(form: dict[str, str], sentence: str) -> None:
    client = agent()
    with nothing_written():
        response = submit(client, f"{CARRIERS}/new", **CARRIER | form)
    assert response.status_code == 400
    assert sentence in page_of(response)


def test_shared_carrier_needs_all_active_channels() -> None:
    shared, client = factories.create_carrier(), agent()
    factories.create_channel(pk=shop.OTHER)

    with nothing_written():
        response = submit(client, f"{CARRIERS}/{shared.pk}", **CARRIER)
    assert (response.status_code, code_on(response)) == (403, "shared_carrier")

    both = agent(username="both", channels=[shop.SHOP, shop.OTHER])
    assert submit(both, f"{CARRIERS}/{shared.pk}", **CARRIER).status_code == 303


@pytest.mark.parametrize("path", [REASONS, CARRIERS])
def test_rows_of_other_channels_are_not_found(path: str) -> None:
    other = factories.create_channel(pk=shop.OTHER)
    rows: list[Any] = [
        factories.create_reason(channel=other),
        factories.create_carrier(channel=other),
    ]
    client = agent()
    for pk in (*(row.pk for row in rows), 0, 10**40, "x"):
        with nothing_written():
            response = submit(client, f"{path}/{pk}", **REASON | CARRIER)
        assert (response.status_code, code_on(response)) == (404, "not_found")
