"""Points that an order earned go in proportion to its refunds, and never below zero."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from takeback.core.ids import OrderId
from takeback.loyalty.commands.accounts import NewAccount, open_account
from takeback.loyalty.commands.earned_points import adjust_earned_points, earned_points_due
from takeback.loyalty.commands.entries import add_entry, lock_account
from takeback.loyalty.models import LoyaltyAccount, LoyaltyEntry
from takeback.loyalty.transaction_types import TransactionType
from takeback.orders.models import Order
from tests import factories
from tests.loyalty.points import create_order

pytestmark = [pytest.mark.django_db, pytest.mark.allow_repeated_queries("several refunds")]


def _account(balance: int = 1_000, *, debit_allowed: bool = False) -> int:
    new = NewAccount(factories.GUEST, "try", balance, debit_allowed=debit_allowed)
    return open_account(factories.SHOP, new, now=factories.NOW)


def _adjust(order: Order, refunded: int, key: str) -> int:
    return adjust_earned_points(
        OrderId(order.pk), refunded_minor=refunded, key=key, now=factories.NOW
    )


def _balance() -> int:
    return LoyaltyAccount.objects.get().balance_minor


def test_points_go_in_proportion_and_in_full_at_the_end() -> None:
    order = create_order(amount=3_000, points=(100,))
    _account()
    taken = [_adjust(order, refunded, f"k{refunded}") for refunded in (1_000, 2_000, 3_000)]
    assert taken == [33, 33, 34]
    assert _balance() == 900


def test_spent_points_are_not_earned_points() -> None:
    order = create_order(points=(-250, 100))
    _account()
    assert _adjust(order, 10_000, "k") == 100


def test_a_key_takes_points_one_time() -> None:
    order = create_order(points=(100,))
    _account()
    assert [_adjust(order, 5_000, "k"), _adjust(order, 5_000, "k")] == [50, 0]
    assert [_adjust(order, 5_000, "other"), _balance()] == [0, 950]


def test_points_are_given_again_when_a_refund_comes_back() -> None:
    order = create_order(points=(100,))
    _account()
    assert [_adjust(order, 10_000, "a"), _adjust(order, 4_000, "b")] == [100, -60]
    assert _balance() == 960
    kinds = LoyaltyEntry.objects.order_by("pk").values_list("transaction_type", "amount_minor")
    assert list(kinds) == [("correction", 1_000), ("cancel", -100), ("cancel", 60)]


def test_a_balance_is_not_made_negative_and_the_rest_follows_later() -> None:
    order = create_order(points=(100,))
    account_id = _account(30)
    assert [_adjust(order, 5_000, "a"), _balance()] == [30, 0]
    add_entry(lock_account(account_id), 500, TransactionType.CORRECTION, now=factories.NOW)
    assert [_adjust(order, 6_000, "b"), _balance()] == [30, 470]


def test_a_balance_that_may_be_negative_pays_all() -> None:
    order = create_order(points=(100,))
    _account(30, debit_allowed=True)
    assert [_adjust(order, 10_000, "a"), _balance()] == [100, -70]


def test_without_account_or_points_nothing_happens() -> None:
    earned, plain = create_order(points=(100,)), create_order(number="A-2")
    assert [_adjust(earned, 10_000, "a"), _adjust(plain, 10_000, "b")] == [0, 0]
    assert not LoyaltyAccount.objects.exists()
    _account()
    assert [_adjust(plain, 10_000, "c"), _balance()] == [0, 1_000]


def test_an_order_without_a_charge_owes_no_points() -> None:
    assert earned_points_due(100, 0, 0) == 0


@given(
    earned=st.integers(0, 10**9),
    charged=st.integers(1, 10**9),
    shares=st.lists(st.fractions(0, 1), max_size=8),
)
def test_points_due_never_exceed_the_exact_share(
    earned: int, charged: int, shares: list[Fraction]
) -> None:
    totals = [*sorted(int(charged * share) for share in shares), charged]
    due = [earned_points_due(earned, total, charged) for total in totals]
    for total, points in zip(totals, due, strict=True):
        assert 0 <= Fraction(earned * total, charged) - points < 1
    assert due[-1] == earned
    assert all(before <= after for before, after in pairwise(due))
