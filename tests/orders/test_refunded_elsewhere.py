"""Refunds that other systems made, as totals that never fall."""

import pytest

from takeback.orders.refunded_elsewhere import elsewhere_total, elsewhere_units


@pytest.mark.parametrize(
    ("stored", "stated", "shop_total", "ours", "expected"),
    [
        (0, None, None, 0, 0),
        (700, None, None, 300, 700),
        (0, 1000, None, 300, 1000),
        (1000, 700, None, 0, 1000),
        (0, None, 1000, 0, 1000),
        (0, None, 1000, 1000, 0),  # our own refund, seen in the shop's feed
        (0, None, 1000, 400, 600),
        (700, None, 1700, 1000, 700),
        (700, None, 1000, 1000, 700),
        (0, None, 400, 1000, 0),  # the shop has not seen our refund yet
        (0, 500, 1000, 200, 800),
        (0, 900, 1000, 200, 900),
    ],
)
def test_money_refunded_elsewhere_is_the_largest_report(
    stored: int, stated: int | None, shop_total: int | None, ours: int, expected: int
) -> None:
    total = elsewhere_total(stored, stated=stated, shop_total=shop_total, ours=ours)
    assert total == expected
    again = elsewhere_total(total, stated=stated, shop_total=shop_total, ours=ours)
    assert again == expected


@pytest.mark.parametrize(
    ("stored", "stated", "expected"), [(0, None, 0), (2, None, 2), (0, 3, 3), (2, 1, 2), (2, 0, 2)]
)
def test_units_refunded_elsewhere_never_fall(
    stored: int, stated: int | None, expected: int
) -> None:
    assert elsewhere_units(stored, stated) == expected
