"""The carrier of a return: the chosen one or the shop's default, as far as its rules allow."""

from typing import Any

import pytest

from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.statuses import Kind
from takeback.core.ids import CaseId
from takeback.logistics.commands.carriers import change_carrier
from tests import factories
from tests.cancellations.factories import LATER, delivered_item, open_case

pytestmark = pytest.mark.django_db


def carrier_of(case: CaseId) -> str | None:
    """The carrier of the case's easy return; None without one."""
    row = CancellationRequest.objects.select_related("easy_return").get(pk=case)
    return row.easy_return.carrier if row.easy_return else None


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({}, "yurtici"),
        ({"countries": ["TR"]}, "yurtici"),
        ({"countries": ["DE"]}, None),
        ({"categories": ["7"]}, "yurtici"),
        ({"categories": ["Hats"]}, None),
    ],
)
def test_default_carrier_is_used_for_items_it_serves(
    rules: dict[str, Any], expected: str | None, settings: Any
) -> None:
    product = {"sku": "SKU-1", "name": "A shoe", "category": {"pk": 7, "name": "Shoes"}}
    item = delivered_item(product=product)
    carrier = factories.create_carrier(is_user_selectable=False, **rules)
    settings.RETURN_CARRIER = carrier.pk

    case = open_case(item, kind=Kind.RETURN)

    assert carrier_of(case) == expected


def test_removed_carrier_stays_with_its_cases() -> None:
    carrier = factories.create_carrier()
    case = open_case(delivered_item(), kind=Kind.RETURN, carrier=carrier.pk)

    change_carrier(None, carrier.pk, {"is_active": False}, now=LATER)

    assert carrier_of(case) == "yurtici"
