"""P6: replies and looks converge, in every order, however often each of them arrives."""

from collections.abc import Callable, Iterator
from math import perm
from typing import Any, NamedTuple

import pytest
from django.db import transaction
from django.db.models import Sum

from takeback.orders.models import Payment
from takeback.refunds.models import LedgerEntry, Refund
from takeback.refunds.providers import RefundStatus, Unknown
from tests.conftest import CI, LONG
from tests.refunds.factories import entry_of, state_of, stranger
from tests.refunds.sending import SECOND, SENT_AT, accepted, apply_look, create_sent_refund, reply

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.heavy,
    pytest.mark.timeout(600),
    pytest.mark.allow_repeated_queries("each step queries again"),
]

PENDING, FAILED = RefundStatus.PENDING, RefundStatus.FAILED
NOW = SENT_AT + 20 * SECOND
"""All news arrives before the time of the sender is over."""

News = Callable[[Refund], object]


class Row(NamedTuple):
    """What must not depend on the order of the news."""

    status: str
    attention: str
    provider_refund: str | None
    reserved: int
    refunded: int
    of_others: int
    charged_back: int
    has_open_dispute: bool
    observed_at: Any
    ledger: tuple[tuple[str, int], ...]


def row_of(refund: Refund) -> Row:
    """The refund, its payment and the balance of each account of the ledger."""
    row = Refund.objects.get(pk=refund.pk)
    payment = Payment.objects.get(pk=refund.payment_id)
    accounts = LedgerEntry.objects.filter(payment=payment).values_list("account_code")
    return Row(
        row.status,
        row.attention,
        row.provider_refund,
        payment.reserved_minor,
        payment.refunded_minor,
        payment.found_minor,
        payment.charged_back_minor,
        payment.has_open_dispute,
        payment.observed_at,
        tuple(
            accounts.annotate(total=Sum("amount_minor")).exclude(total=0).order_by("account_code")
        ),
    )


def looks_at(seconds: int, *statuses: RefundStatus, **fields: Any) -> News:
    """A state of this age that shows the refund in this status, and perhaps one of others."""

    def apply(refund: Refund) -> object:
        entries = [entry_of(refund, status) for status in statuses]
        if fields.get("charged_back_minor"):
            entries.append(stranger(100))
        return apply_look(refund, state_of(*entries, **fields), SENT_AT + seconds * SECOND, now=NOW)

    return apply


LOST: dict[str, News] = {"reply: lost": lambda refund: reply(refund, Unknown("timeout"), now=NOW)}
NEWS: dict[str, News] = {
    "reply: accepted": lambda refund: reply(refund, accepted(refund, PENDING), now=NOW),
    "state: pending": looks_at(2, PENDING),
    "state: confirmed": looks_at(3, RefundStatus.CONFIRMED),
    "state: charged back": looks_at(
        4, RefundStatus.CONFIRMED, charged_back_minor=50, has_open_dispute=True
    ),
}
WITH_FAILURE: dict[str, News] = {
    **{name: NEWS[name] for name in ("reply: accepted", "state: pending", "state: confirmed")},
    "state: failed": looks_at(5, FAILED),
}
if CI or LONG:
    NEWS |= {**LOST, "state before it was listed": looks_at(1)}
    WITH_FAILURE |= {**LOST, "state: failed again": looks_at(6, FAILED)}


def final_rows(
    refund: Refund, news: dict[str, News], received: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Row]]:
    """Each order of each selection of the news, with the row that it leaves."""
    yield received, row_of(refund)
    for name in news.keys() - set(received):
        with transaction.atomic():
            news[name](refund)
            row = row_of(refund)
            assert news[name](refund) == [], (received, name)
            assert row_of(refund) == row, (received, name)
            yield from final_rows(refund, news, (*received, name))
            transaction.set_rollback(True)


def orders_of(count: int) -> int:
    """How many orders all selections of so many pieces of news have."""
    return sum(perm(count, length) for length in range(count + 1))


def test_all_orders_of_news_converge() -> None:
    refund = create_sent_refund(400)
    rows: dict[frozenset[str], set[Row]] = {}
    count = 0
    for received, row in final_rows(refund, NEWS):
        rows.setdefault(frozenset(received), set()).add(row)
        count += 1

    assert count == orders_of(len(NEWS))
    assert {selection: results for selection, results in rows.items() if len(results) > 1} == {}
    [everything] = rows[frozenset(NEWS)]
    assert everything[:8] == (
        "confirmed",
        "",
        entry_of(refund).provider_refund,
        0,
        400,
        100,
        50,
        True,
    )


def test_all_orders_of_news_with_a_late_failure_free_the_money_once() -> None:
    """Whether it was ever confirmed here depends on the order, what is left does not."""
    refund = create_sent_refund(400)
    count = 0
    for received, row in final_rows(refund, WITH_FAILURE):
        count += 1
        if any(name.startswith("state: failed") for name in received):
            assert row.status in ("failed", "returned"), received
            assert (row.reserved, row.refunded) == (0, 0), received
            assert dict(row.ledger).get("paid:1:card", 0) == 0, received
        else:
            assert row.reserved + row.refunded == 400, received
    assert count == orders_of(len(WITH_FAILURE))
