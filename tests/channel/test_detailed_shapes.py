"""The types of stored references and numbers in the detailed documents."""

import json
from typing import Any

import pytest

from takeback.api.renderer import encode
from takeback.channel.items import documents as items
from takeback.orders.queries import SnapshotRow


@pytest.mark.parametrize(
    ("stored", "shown"),
    [(5, 5), ("5", 5), ([{"pk": 12, "name": "Living"}], 12), ([], None), ({}, None), ("x", None)],
)
def test_attribute_set_is_a_number_or_null(stored: Any, shown: Any) -> None:
    row = SnapshotRow(1, json.dumps({"attribute_set": stored}))

    assert items.product(row)["attribute_set"] == shown


@pytest.mark.parametrize(
    ("stored", "shown"),
    [('"20.00"', "20.00"), ("8.875", "8.875"), ("18", "18"), ("null", None), ('"nan"', None)],
)
def test_tax_rate_is_a_number_digit_by_digit(stored: str, shown: str | None) -> None:
    group = items.shipping_option_group(SnapshotRow(1, f'{{"tax_rate":{stored}}}'), "try")

    assert group is not None
    rate = group["tax_rate"]
    assert (rate if rate is None else encode(rate).decode()) == shown
