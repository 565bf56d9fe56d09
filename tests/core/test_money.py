"""Promise P8, the arithmetic: shares add up to the amount, in any currency and any order."""

from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from takeback.core.money import (
    NotAnAmount,
    parse,
    show,
    split,
    unit_value,
    units_value,
)

CURRENCIES = {"jpy": 0, "krw": 0, "try": 2, "eur": 2, "kwd": 3, "bhd": 3}
# Random splits in one test; hypothesis searches for edge cases in the others.
VOLUME = {"quick": 2_000, "ci": 100_000, "long": 500_000}[settings.get_current_profile_name()]
amounts = st.integers(-(10**12), 10**12)
weights = st.lists(st.integers(0, 10**10), min_size=1, max_size=40)


def by_fractions(minor: int, shares: list[int]) -> list[int]:
    """The largest remainder method in exact fractions; of equal remainders the earlier wins."""
    weights = shares if sum(shares) else [1] * len(shares)
    exact = [Fraction(abs(minor) * share, sum(weights)) for share in weights]
    floors = [int(part) for part in exact]
    by_rest = sorted(range(len(weights)), key=lambda i: (floors[i] - exact[i], i))
    for index in by_rest[: abs(minor) - sum(floors)]:
        floors[index] += 1
    return [-part if minor < 0 else part for part in floors]


@given(amounts, weights)
def test_split_follows_the_largest_remainder_method_and_adds_up(
    minor: int, shares: list[int]
) -> None:
    result = split(minor, shares)

    assert sum(result) == minor
    assert result == by_fractions(minor, shares)


@pytest.mark.timeout(900)
def test_many_random_shares_and_portions_add_up() -> None:
    random = Random(8)
    for _ in range(VOLUME):
        minor = random.randrange(-(10 ** random.randrange(1, 13)), 10 ** random.randrange(1, 13))
        shares = [
            random.randrange(10 ** random.randrange(1, 8)) for _ in range(random.randrange(1, 20))
        ]
        assert split(minor, shares) == by_fractions(minor, shares)
        quantity = random.randrange(1, 50)
        used = worth = 0
        while used < quantity:
            count = random.randrange(1, quantity - used + 1)
            worth += units_value(minor, quantity, used, count)
            used += count
        assert worth == minor


@given(amounts, weights)
def test_no_share_is_a_full_unit_off_its_exact_value(minor: int, shares: list[int]) -> None:
    weights = shares if sum(shares) else [1] * len(shares)

    assert all(
        abs(Fraction(minor * weight, sum(weights)) - share) < 1
        for weight, share in zip(weights, split(minor, shares), strict=True)
    )


@given(
    amounts,
    st.lists(st.integers(1, 40), min_size=1, max_size=10),
    st.randoms(use_true_random=False),
)
def test_portions_of_units_in_any_order_add_up_to_the_total(
    total: int, portions: list[int], random: object
) -> None:
    random.shuffle(portions)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    quantity, used, worth = sum(portions), 0, 0
    for count in portions:
        worth += units_value(total, quantity, used, count)
        used += count

    assert worth == total


@given(amounts, st.integers(1, 1000))
def test_units_of_one_item_differ_by_one_minor_unit_at_most(total: int, quantity: int) -> None:
    first = units_value(total, quantity, 0, 1)
    last = units_value(total, quantity, quantity - 1, 1)

    assert first == unit_value(total, quantity)
    assert abs(first) - abs(last) == (1 if total % quantity and abs(total) % quantity else 0)


@given(st.sampled_from(sorted(CURRENCIES)), st.integers(-(10**13) + 1, 10**13 - 1))
def test_shown_amount_parses_back_without_loss(currency: str, minor: int) -> None:
    text = show(minor, currency)

    assert parse(text, currency) == minor
    assert len(text.partition(".")[2]) == CURRENCIES[currency]
    assert Decimal(text) == Decimal(minor).scaleb(-CURRENCIES[currency])


@given(st.text(max_size=12))
def test_arbitrary_text_is_parsed_exactly_or_refused(text: str) -> None:
    try:
        minor = parse(text, "try")
    except NotAnAmount:
        return
    assert Fraction(text) == Fraction(minor, 100)
    assert text.isascii()


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "1,5", "1e2", "1E2", "NaN", "Infinity", "-", "--1", "+1", ".5", "5.", " 1", "1 ",
        "1\n", "0x10", "1_000", "\uff11", "\u0661", "1.234", "1.001", "12345678901234", "1.2.3",
    ],
    ids=repr,
)  # fmt: skip
def test_text_that_resembles_an_amount_is_refused(text: str) -> None:
    with pytest.raises(NotAnAmount):
        parse(text, "try")


@pytest.mark.parametrize(
    ("value", "currency", "minor"),
    [
        ("11.87", "try", 1187), ("0", "try", 0), ("0.1", "try", 10), ("5", "try", 500),
        ("1.50000", "try", 150), ("-2.50", "eur", -250), (3, "kwd", 3000), ("1000", "jpy", 1000),
        ("1000.00", "jpy", 1000), ("1.250", "kwd", 1250), (Decimal("1E+2"), "try", 10000),
        (Decimal("0.30"), "try", 30), (Decimal("1.2500"), "kwd", 1250),
        ("9999999999999", "jpy", 9999999999999),
    ],
)  # fmt: skip
def test_amount_is_parsed_into_minor_units_of_its_currency(
    value: str | int | Decimal, currency: str, minor: int
) -> None:
    assert parse(value, currency) == minor


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (0, "try", "0.00"), (5, "try", "0.05"), (-5, "try", "-0.05"), (1187, "try", "11.87"),
        (7, "jpy", "7"), (-7, "jpy", "-7"), (7, "kwd", "0.007"), (-1250, "kwd", "-1.250"),
        (10**15, "eur", "10000000000000.00"),
    ],
)  # fmt: skip
def test_amount_is_shown_with_the_decimals_of_its_currency(
    minor: int, currency: str, text: str
) -> None:
    assert show(minor, currency) == text


def test_equal_remainders_go_to_the_earlier_share() -> None:
    assert split(10, [1, 1, 1, 1]) == [3, 3, 2, 2]
    assert split(1, [0, 5, 5]) == [0, 1, 0]
