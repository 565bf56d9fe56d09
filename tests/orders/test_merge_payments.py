"""The rule by which received payments are merged into the stored ones."""

from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from takeback.orders.merge import Changes, Refusal, merge
from takeback.orders.merge_payments import PaymentMerge
from takeback.orders.order_input import OrderIn, PaymentIn
from takeback.orders.payment_rows import PaymentUpdate, StoredPayment
from tests.conftest import CI, LONG
from tests.factories import item_input, order_input
from tests.orders.stored import NOW, applied, stored, stored_payment

Values = dict[int, dict[str, Any]]


def card(
    amount: int = 1000, captured: int | None = None, kind: str = "credit_card", **ids: str
) -> PaymentIn:
    return PaymentIn(kind=kind, amount_minor=amount, captured_minor=captured, **ids)


def card_of(ids: dict[str, str]) -> PaymentIn:
    return replace(card(), **ids)  # type: ignore[arg-type]  # names and values are those of ids


def order_of(*payments: PaymentIn, goods: int = 1000, **fields: Any) -> OrderIn:
    return order_input(items=[item_input(goods_minor=goods)], payments=list(payments), **fields)


def result(before: OrderIn, received: OrderIn) -> Changes | dict[str, str]:
    """The changes, or the codes of the refused fields."""
    outcome = merge(stored(before), received, by_sku=False, now=NOW)
    if isinstance(outcome, Refusal):
        return {path: problem.code for path, problem in outcome.fields.items()}
    return outcome


def merged(before: OrderIn, received: OrderIn) -> Changes:
    """The changes of payments that are accepted; receiving them again changes nothing more."""
    changes = result(before, received)
    assert isinstance(changes, Changes), changes
    after = applied(stored(before), received, changes)
    again = merge(after, received, by_sku=False, now=NOW)
    assert isinstance(again, Changes)
    assert not again.payments
    return changes


IDS = {"account": "stripe", "reference": "pi_1", "provider_order": "O-1"}


@pytest.mark.parametrize("before", [{}, {"account": "stripe"}, {"reference": "pi_1"}])
def test_unknown_ids_are_filled_in(before: dict[str, str]) -> None:
    changes = merged(order_of(card_of(before)), order_of(card_of(IDS)))

    missing = {name: value for name, value in IDS.items() if name not in before}
    assert changes.payments.values == {1: missing}
    assert (changes.payments.added, changes.skipped) == ([], [])


def test_ids_that_are_not_sent_again_stay() -> None:
    for received in (order_of(card()), order_of(card(reference="pi_1")), order_of()):
        assert merged(order_of(card_of(IDS)), received) == Changes()


@pytest.mark.parametrize("name", IDS)
def test_another_id_is_refused_by_its_name(name: str) -> None:
    other = order_of(card_of(IDS | {name: "other"}))

    assert result(order_of(card_of(IDS)), other) == {f"payments.0.{name}": "order_is_fixed"}


def test_another_id_is_refused_by_the_name_of_the_list_that_was_sent() -> None:
    other = order_of(card(reference="b"), payments_path="fundstransfertransaction_set")

    assert result(order_of(card(reference="a")), other) == {
        "fundstransfertransaction_set.0.reference": "order_is_fixed"
    }


def test_ids_of_captures_do_not_replace_the_id_of_their_payment() -> None:
    captures = order_of(card(700, reference="c1"), card(300, reference="c2"))

    assert result(order_of(card(reference="a")), captures) == {
        "payments.0.reference": "order_is_fixed",
        "payments.1.reference": "order_is_fixed",
    }


def test_another_amount_of_a_known_payment_is_refused() -> None:
    before = order_of(card(600, reference="a"), card(400, reference="b"))
    received = order_of(card(500, reference="a"), card(500, reference="b"))

    assert result(before, received) == {
        "payments.0.amount": "order_is_fixed",
        "payments.1.amount": "order_is_fixed",
    }


def test_payments_are_recognised_in_any_order() -> None:
    before = order_of(card(400, reference="a"), card(400), card(200, kind="loyalty_money"))
    received = order_of(
        card(200, kind="loyalty_money", reference="points"),
        card(400, reference="b"),
        card(400, reference="a"),
    )

    assert merged(before, received).payments.values == {
        2: {"reference": "b"},
        3: {"reference": "points"},
    }


def test_unknown_kind_is_filled_in() -> None:
    before = order_of(card(kind="unknown"))

    assert merged(before, order_of(card())).payments.values == {1: {"kind": "credit_card"}}
    assert merged(order_of(card()), before) == Changes()


def test_captured_amount_that_is_not_sent_changes_nothing() -> None:
    before = order_of(card(1000, 0))

    assert merged(before, order_of(card(reference="a"))).payments.values == {1: {"reference": "a"}}


def test_captured_amounts_rise_and_never_fall() -> None:
    before = order_of(card(600, 300, reference="a"), card(400, 0, reference="b"))
    received = order_of(card(600, 200, reference="a"), card(400, 400, reference="b"))

    changes = merged(before, received)

    assert changes.payments.values == {2: {"captured_minor": 400}}
    assert changes.skipped == ["payments.0.captured_amount"]


def test_assumed_payment_is_divided_into_captures() -> None:
    received = order_of(card(700, reference="c1"), card(300, reference="c2"))

    changes = merged(order_of(), received)

    assert changes.payments.values == {1: {"amount_minor": 300, "captured_minor": 300} | {
        "reference": "c2"
    }}  # fmt: skip
    assert changes.payments.added == [card(700, 700, reference="c1")]


def test_assumed_payment_is_divided_into_several_means() -> None:
    received = order_of(card(800, 0, reference="c"), card(200, 200, kind="loyalty_money"))
    before = order_of(status=300)

    changes = merged(before, received)

    assert changes.payments.values == {1: {"amount_minor": 800, "reference": "c"}}
    assert changes.payments.added == [card(200, 200, kind="loyalty_money")]


@pytest.mark.parametrize(
    "received",
    [
        [card(700, 0, reference="c1"), card(300, 100, reference="c2")],
        [card(700, kind="a"), card(300, kind="b")],
        [card(1000, kind="masterpass")],
    ],
    ids=["captured falls", "other means", "another kind"],
)
def test_payments_that_contradict_the_stored_one_are_skipped(received: list[PaymentIn]) -> None:
    changes = merged(order_of(), order_of(*received))

    assert (changes.payments.values, changes.payments.added) == ({}, [])
    assert changes.skipped == ["payments"]


def test_payment_with_a_refund_is_not_divided() -> None:
    payment = StoredPayment(1, "credit_card", 1000, 1000, is_untouched=False)
    merge = payment_merge(payment, is_update=False)

    merge.receive_all([card(700, reference="c1"), card(300, reference="c2")])

    assert (merge.changes().values, merge.skipped, merge.refused) == ({}, ["payments"], {})


def test_payments_must_make_up_the_same_amount() -> None:
    assert result(order_of(), order_of(card(999, reference="a"))) == {"payments": "order_is_fixed"}


def test_currency_that_was_charged_is_filled_in_and_fixed() -> None:
    before, charged = order_of(card()), order_of(card(currency="usd"))

    assert merged(before, charged).payments.values == {1: {"currency": "usd"}}
    assert merged(before, order_of(card(currency="try"))) == Changes()
    for currency in ("eur", "try"):
        assert result(charged, order_of(card(currency=currency))) == {
            "payments.0.currency": "order_is_fixed"
        }


@pytest.mark.parametrize(("captured", "after"), [(1000, 1500), (400, 400)])
def test_payment_of_an_addition_raises_the_stored_one(captured: int, after: int) -> None:
    before = order_of(card(1000, captured, reference="a"))
    received = order_input(
        items=[item_input(), item_input(remote_id="2", goods_minor=500)],
        payments=[card(1500, reference="a", account="stripe")],
    )

    changes = merged(before, received)

    assert changes.addition is not None
    assert changes.addition.allocation.payments == []
    payment = applied(stored(before), received, changes).totals.payments[0]
    assert (payment.amount, payment.captured, payment.account) == (1500, after, "stripe")


def test_addition_may_have_a_payment_of_its_own() -> None:
    received = order_input(
        items=[item_input(), item_input(remote_id="2", goods_minor=500)],
        payments=[card(1000, reference="a"), card(500, reference="b")],
    )

    changes = merged(order_of(), received)

    assert changes.addition is not None
    assert changes.addition.allocation.payments == [card(500, 500, reference="b")]
    assert changes.payments.values == {1: {"reference": "a"}}


def test_order_that_no_longer_waits_for_its_payment_is_captured() -> None:
    waiting = order_of(status=300)

    assert merged(waiting, order_of(status=300)).payments.values == {}
    assert merged(waiting, order_of(status=400)).payments.values == {1: {"captured_minor": 1000}}
    assert merged(waiting, order_of(card(reference="a"), status=400)).payments.values == {
        1: {"captured_minor": 1000, "reference": "a"}
    }


@pytest.mark.parametrize(
    ("before", "received"),
    [
        (order_of(status=300), order_of(status=100)),
        (order_of(status=300), order_of()),
        (order_of(status=300), order_of(card(captured=0), status=400)),
        (order_of(card(captured=0, reference="a"), status=300), order_of(status=400)),
        (
            order_of(status=300, payment_type="pay_on_delivery"),
            order_of(status=400, payment_type="pay_on_delivery"),
        ),
    ],
    ids=["cancelled", "no status", "reported", "known to a provider", "paid later"],
)
def test_other_orders_are_not_captured_by_their_status(before: OrderIn, received: OrderIn) -> None:
    assert merged(before, received).payments.values == {}


def test_order_whose_items_wait_for_a_payment_is_not_captured() -> None:
    items = [item_input(status=300), item_input(remote_id="2", status=300)]

    waiting = stored(order_input(items=items)).totals.payments
    partly = stored(order_input(items=[items[0], item_input(remote_id="2", status=400)]))

    assert [payment.captured for payment in waiting] == [0]
    assert [payment.captured for payment in partly.totals.payments] == [2000]


def payment_merge(*payments: StoredPayment, is_update: bool = True) -> PaymentMerge:
    return PaymentMerge(
        payments, path="payments", currency="try", own_kind="credit_card", is_update=is_update
    )


def updated(payments: list[StoredPayment], *updates: PaymentUpdate) -> Any:
    """The values and the new payments, or the refused fields with their problems."""
    merge = payment_merge(*payments)
    for position, update in enumerate(updates):
        merge.update(update, position)
    if merge.refused:
        return {path: str(problem.message) for path, problem in merge.refused.items()}
    changes = merge.changes()
    return changes.values, changes.added


PAID = StoredPayment(1, "credit_card", 1000, 400)
KNOWN = PAID._replace(id=2, account="stripe", reference="a")
POINTS = StoredPayment(3, "loyalty_money", 200, 200)


def test_update_fills_in_the_only_payment_that_it_may_mean() -> None:
    by_nothing = PaymentUpdate(reference="b", captured=900)
    by_kind = PaymentUpdate(kind="loyalty_money", account="points", reference="p")

    assert updated([PAID], by_nothing) == ({1: {"captured_minor": 900, "reference": "b"}}, [])
    assert updated([PAID, POINTS], by_kind) == (
        {3: {"account": "points", "reference": "p"}},
        [],
    )
    assert updated([KNOWN, PAID], by_nothing) == (
        {1: {"captured_minor": 900, "reference": "b"}},
        [],
    )


def test_update_of_a_known_reference_needs_nothing_else() -> None:
    assert updated([PAID, KNOWN], PaymentUpdate(reference="a", captured=1000)) == (
        {2: {"captured_minor": 1000}},
        [],
    )


def test_update_that_may_mean_several_payments_is_refused() -> None:
    problem = updated([PAID, PAID._replace(id=2)], PaymentUpdate(reference="b"))

    assert problem == {
        "payments.0": "This is not a payment of the order, or it may be several."
        " Send its payment_type and its amount as in the order."
    }


def test_updates_report_one_capture_after_the_other() -> None:
    first = PaymentUpdate(reference="c1", amount=700, captured=700, provider_order="O")
    second = PaymentUpdate(reference="c2", amount=300, captured=100, provider_order="O")

    values, added = updated([PAID._replace(captured=0)], first)
    assert values == {1: {"amount_minor": 300}}
    assert added == [card(700, 700, reference="c1", provider_order="O")]
    rest = PAID._replace(amount=300, captured=0)
    taken = KNOWN._replace(amount=700, captured=700, reference="c1", provider_order="O")
    assert updated([rest, taken], second) == (
        {1: {"captured_minor": 100, "reference": "c2", "provider_order": "O"}},
        [],
    )


@pytest.mark.parametrize(
    ("update", "field", "text"),
    [
        (PaymentUpdate(reference="b"), "reference", "This payment has another value already."),
        (
            PaymentUpdate(reference="a", account="x"),
            "account",
            "This payment has another value already.",
        ),
        (
            PaymentUpdate(reference="a", captured=399),
            "captured_amount",
            "The captured amount cannot fall. Send 4.00 TRY or more.",
        ),
        (
            PaymentUpdate(reference="a", captured=1001),
            "captured_amount",
            "The captured amount exceeds the amount of the payment. Send at most 10.00 TRY.",
        ),
    ],
)
def test_update_that_contradicts_the_payment_is_refused_by_name(
    update: PaymentUpdate, field: str, text: str
) -> None:
    refused = updated([KNOWN], update)

    assert list(refused) == [f"payments.0.{field}"]
    assert refused[f"payments.0.{field}"].startswith(text)


def test_division_of_a_captured_payment_keeps_the_captured_amount() -> None:
    paid = PAID._replace(captured=1000)

    values, added = updated([paid], PaymentUpdate(reference="c1", amount=700))
    falls = updated([paid], PaymentUpdate(reference="c1", amount=700, captured=100))

    assert values == {1: {"amount_minor": 300, "captured_minor": 300}}
    assert added == [card(700, 700, reference="c1")]
    assert falls == {
        "payments.0.captured_amount": "The captured amount cannot fall. Send 7.00 TRY or more."
    }


def test_free_order_has_nothing_to_capture() -> None:
    waiting, paid = order_of(goods=0, status=300), order_of(goods=0, status=400)

    assert not merged(waiting, paid).payments


SEQUENCES = 50_000 if LONG else 5_000 if CI else 500


def _random_payment(random: Random, total: int) -> PaymentUpdate:
    def maybe(value: Any) -> Any:
        return value if random.random() < 0.6 else None

    amount = random.choice([total, random.randrange(1, total + 1)])
    return PaymentUpdate(
        kind=maybe(random.choice(["credit_card", "loyalty_money", "unknown"])),
        amount=maybe(amount),
        captured=maybe(random.randrange(amount + 1)),
        account=maybe(random.choice("xy")),
        reference=maybe(random.choice("abcd")),
        provider_order=maybe(random.choice("OP")),
        currency=maybe(random.choice(["try", "usd"])),
    )


def _random_feed(random: Random, total: int) -> list[PaymentIn]:
    """Payments that make up the total, each with ids of its own."""
    cuts = sorted({0, total, *(random.randrange(total) for _ in range(random.randrange(3)))})
    payments = []
    references = random.sample("abcdef", len(cuts) - 1)
    for (start, end), reference in zip(pairwise(cuts), references, strict=True):
        kind = random.choice(["credit_card", "loyalty_money"])
        captured = random.choice([None, random.randrange(end - start + 1)])
        ids = {"reference": reference} if random.random() < 0.6 else {}
        payments.append(card(end - start, captured, kind, **ids))
    return payments


def _after(before: list[StoredPayment], merge: PaymentMerge) -> list[StoredPayment]:
    """The stored payments after the changes."""
    changes, payments = merge.changes(), []
    for payment in before:
        values = dict(changes.values.get(payment.id, {}))
        names = {"amount_minor": "amount", "captured_minor": "captured"}
        payments.append(payment._replace(**{names.get(k, k): v for k, v in values.items()}))
    new = [stored_payment(len(before) + n, p) for n, p in enumerate(changes.added, start=1)]
    return payments + new


def test_no_sequence_of_reports_loses_an_id_or_a_captured_amount() -> None:
    random, accepted = Random(16), 0
    for _ in range(SEQUENCES):
        payments = [PAID._replace(captured=random.choice([0, 400, 1000]))]
        for _ in range(5):
            before = payments
            merge = payment_merge(*before, is_update=random.random() < 0.5)
            if random.random() < 0.5:
                merge.receive_all(_random_feed(random, 1000))
            else:
                merge.update(_random_payment(random, 1000), 0)
            if merge.refused:
                continue
            payments = _after(before, merge)
            accepted += payments != before
            assert sum(payment.amount for payment in payments) == 1000
            assert all(0 <= p.captured <= p.amount and p.amount > 0 for p in payments)
            assert sum(p.captured for p in payments) >= sum(p.captured for p in before)
            for old, new in zip(before, payments, strict=False):
                for name in ("account", "reference", "provider_order", "currency"):
                    assert getattr(old, name) in (None, getattr(new, name))
            ids = [(p.account, p.reference) for p in payments if p.reference]
            assert len(set(ids)) == len(ids)
    assert accepted > SEQUENCES
