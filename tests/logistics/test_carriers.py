"""Adding and changing carriers, and which countries and categories they serve."""

from typing import Any

import pytest

from takeback.core.errors import Refused
from takeback.logistics import carrier_rules
from takeback.logistics.carrier_rules import InvalidRule, serves
from takeback.logistics.commands.carriers import add_carrier, change_carrier
from takeback.logistics.models import EasyReturnShippingCompany
from tests import factories
from tests.factories import NOW

VALUES: dict[str, Any] = {
    "carrier": "dhl",
    "name": "DHL",
    "carrier_label": "DHL Paket",
    "countries": ["de", " AT", "DE"],
    "categories": [" Shoes ", "Shoes", "12"],
    "needs_pickup": True,
    "is_user_selectable": False,
}


@pytest.mark.django_db
def test_carrier_is_stored_with_its_rules() -> None:
    channel = factories.create_channel()

    carrier_id = add_carrier(channel.pk, VALUES, now=NOW)

    row = EasyReturnShippingCompany.objects.filter(pk=carrier_id).values().get()
    assert row == {
        "id": carrier_id,
        "channel_id": channel.pk,
        "carrier": "dhl",
        "carrier_label": "DHL Paket",
        "name": "DHL",
        "needs_pickup": True,
        "is_user_selectable": False,
        "is_active": True,
        "countries": ["AT", "DE"],
        "categories": ["Shoes", "12"],
        "created_date": NOW,
        "modified_date": NOW,
    }


@pytest.mark.django_db
def test_label_of_a_carrier_is_its_name_unless_sent() -> None:
    carrier_id = add_carrier(None, {"carrier": "ups", "name": "UPS"}, now=NOW)

    assert EasyReturnShippingCompany.objects.get(pk=carrier_id).carrier_label == "UPS"


@pytest.mark.django_db
def test_shared_carrier_is_changed_only_with_all_channels() -> None:
    channel = factories.create_channel()
    carrier_id = add_carrier(None, VALUES, now=NOW)

    with pytest.raises(Refused, match="shared_carrier"):
        change_carrier(channel.pk, carrier_id, {"name": "New"}, now=NOW)
    change_carrier(channel.pk, carrier_id, {"name": "New"}, now=NOW, may_change_shared=True)

    assert EasyReturnShippingCompany.objects.get(pk=carrier_id).name == "New"


@pytest.mark.django_db
def test_carrier_of_another_channel_is_not_found() -> None:
    carrier_id = add_carrier(factories.create_channel(pk=31).pk, VALUES, now=NOW)

    with pytest.raises(Refused, match="not_found"):
        change_carrier(factories.create_channel(pk=32).pk, carrier_id, {"name": "New"}, now=NOW)


@pytest.mark.parametrize(
    ("texts", "reason"),
    [(["DE", "XX"], "“XX” is not"), (["Germany"], "“GERMANY” is not"), ([""], "“” is not")],
)
def test_unknown_country_is_refused(texts: list[str], reason: str) -> None:
    with pytest.raises(InvalidRule, match=reason):
        carrier_rules.country_codes(texts)


@pytest.mark.parametrize("texts", [[" "], ["x" * 256], [str(number) for number in range(201)]])
def test_categories_have_limits(texts: list[str]) -> None:
    with pytest.raises(InvalidRule):
        carrier_rules.categories(texts)


@pytest.mark.parametrize("text", ["", "a b", "dhl/de", "ü", "x" * 65])
def test_slug_has_limits(text: str) -> None:
    with pytest.raises(InvalidRule):
        carrier_rules.slug(text)


@pytest.mark.parametrize(
    ("countries", "categories", "result"),
    [
        ([], [], True),
        (["TR"], [], True),
        (["DE", "AT"], [], False),
        ([], ["shoes"], True),
        ([], ["Hats"], False),
        (["TR"], ["12"], True),
        (["DE"], ["12"], False),
        (["TR"], ["13"], False),
    ],
)
def test_carrier_serves_its_countries_and_categories(
    countries: list[str], categories: list[str], result: bool
) -> None:
    product = {"12", "Shoes"}

    assert serves(countries, categories, country="tr", product_categories=product) is result


def test_product_without_category_has_no_carrier_with_categories() -> None:
    assert not serves([], ["Shoes"], country="tr", product_categories=[])
