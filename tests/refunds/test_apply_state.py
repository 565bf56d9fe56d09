"""States of a payment: what each one means for each refund, and for the payment itself."""

from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from takeback.orders.models import Payment
from takeback.refunds.commands.state import apply_state, record_no_state
from takeback.refunds.models import LedgerEntry, Refund
from takeback.refunds.providers import RefundStatus, Refused, Unknown
from takeback.refunds.statuses import Attention, Means
from tests.factories import NOW
from tests.refunds.factories import (
    balances,
    create_account,
    create_approved_plan,
    create_charged_order,
    create_refund,
    entry_of,
    leg,
    plan,
    reload,
    state_of,
    stranger,
)
from tests.refunds.sending import (
    SECOND,
    SENT_AT,
    accepted,
    apply_look,
    begin,
    create_sent_refund,
    reply,
    status_of,
)

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("each step queries again"),
]

PENDING, CONFIRMED, FAILED = RefundStatus.PENDING, RefundStatus.CONFIRMED, RefundStatus.FAILED
LOOK_AT = SENT_AT + 10 * SECOND


def refund_in(status: str) -> Refund:
    """A refund of 4.00 in this status."""
    if status == "planned":
        return create_refund(400)
    refund = create_sent_refund(400)
    match status:
        case "in_doubt":
            reply(refund, Unknown("timeout"))
        case "pending":
            reply(refund, accepted(refund, PENDING))
        case "confirmed" | "returned":
            reply(refund, accepted(refund))
        case "failed":
            reply(refund, Refused("card_expired"))
        case _:
            pass
    if status == "returned":
        apply_look(refund, state_of(entry_of(refund, FAILED)), SENT_AT + SECOND)
    assert reload(refund).status == status
    return refund


RESERVED, PAID, FREE = (400, 0, 0, 0), (0, 400, 0, 0), (0, 0, 0, 0)
EXTRA = (0, 0, 400, 0)
"""The provider has paid a refund that ended here: its money counts as refunded by others."""

TABLE: list[tuple[str, RefundStatus | None, tuple[str, str], tuple[int, int, int, int]]] = [
    ("planned", None, ("planned", ""), RESERVED),
    ("planned", PENDING, ("planned", "contradiction"), (400, 0, 400, 0)),
    ("planned", CONFIRMED, ("planned", "contradiction"), (400, 0, 400, 0)),
    ("planned", FAILED, ("planned", "contradiction"), RESERVED),
    ("sending", None, ("sending", ""), RESERVED),
    ("sending", PENDING, ("pending", ""), RESERVED),
    ("sending", CONFIRMED, ("confirmed", ""), PAID),
    ("sending", FAILED, ("failed", "refused"), FREE),
    ("in_doubt", None, ("in_doubt", ""), RESERVED),
    ("in_doubt", PENDING, ("pending", ""), RESERVED),
    ("in_doubt", CONFIRMED, ("confirmed", ""), PAID),
    ("in_doubt", FAILED, ("failed", "refused"), FREE),
    ("pending", None, ("pending", ""), RESERVED),
    ("pending", PENDING, ("pending", ""), RESERVED),
    ("pending", CONFIRMED, ("confirmed", ""), PAID),
    ("pending", FAILED, ("failed", "refused"), FREE),
    ("confirmed", None, ("confirmed", ""), PAID),
    ("confirmed", PENDING, ("confirmed", ""), PAID),
    ("confirmed", CONFIRMED, ("confirmed", ""), PAID),
    ("confirmed", FAILED, ("returned", "late_failure"), FREE),
    ("failed", None, ("failed", "refused"), FREE),
    ("failed", PENDING, ("failed", "contradiction"), EXTRA),
    ("failed", CONFIRMED, ("failed", "contradiction"), EXTRA),
    ("failed", FAILED, ("failed", "refused"), FREE),
    ("returned", None, ("returned", "late_failure"), FREE),
    ("returned", PENDING, ("returned", "contradiction"), EXTRA),
    ("returned", CONFIRMED, ("returned", "contradiction"), EXTRA),
    ("returned", FAILED, ("returned", "late_failure"), FREE),
]


@pytest.mark.parametrize(("before", "entry", "after", "money"), TABLE)
def test_entry_moves_a_refund_forward_only(
    before: str,
    entry: RefundStatus | None,
    after: tuple[str, str],
    money: tuple[int, int, int, int],
) -> None:
    refund = refund_in(before)
    state = state_of(*[entry_of(refund, entry)] if entry else [])

    for _ in range(3):
        apply_look(refund, state, LOOK_AT)

    assert status_of(refund) == after
    assert balances(refund.payment_id) == money
    entries = LedgerEntry.objects.filter(payment_id=refund.payment_id)
    assert sum(entries.values_list("amount_minor", flat=True)) == 0


def test_older_state_overwrites_nothing() -> None:
    refund = create_sent_refund(400)
    confirmed = state_of(
        entry_of(refund), stranger(30), charged_back_minor=20, has_open_dispute=True
    )
    apply_look(refund, confirmed, LOOK_AT)

    assert apply_look(refund, state_of(), LOOK_AT - SECOND, now=LOOK_AT + SECOND) == []

    assert status_of(refund) == ("confirmed", "")
    payment = Payment.objects.get(pk=refund.payment_id)
    assert balances(payment) == (0, 400, 30, 20)
    assert (payment.has_open_dispute, payment.observed_at) == (True, LOOK_AT)


def test_clock_that_was_put_back_does_not_silence_the_provider() -> None:
    refund = create_sent_refund(400)
    apply_look(refund, state_of(), LOOK_AT + timedelta(days=365))

    apply_look(refund, state_of(entry_of(refund)), LOOK_AT)

    assert status_of(refund) == ("confirmed", "")


def test_refunds_of_others_are_booked_as_the_difference_to_before() -> None:
    refund = create_refund()
    looks = [(stranger(300),), (stranger(300), stranger(50, provider_refund="re_2")), ()]

    for number, entries in enumerate(looks):
        for _ in range(2):
            apply_look(refund, state_of(*entries), LOOK_AT + number * SECOND)

    booked = LedgerEntry.objects.filter(cause="found", account_code="found").order_by("seq")
    assert list(booked.values_list("amount_minor", flat=True)) == [300, 50, -350]
    assert balances(refund.payment_id) == (400, 0, 0, 0)


def test_total_above_the_listed_refunds_counts_as_made_by_others() -> None:
    """A list may be cut, but the total is not."""
    refund = create_refund()

    apply_look(refund, state_of(stranger(100), refunded_minor=250), LOOK_AT)

    assert balances(refund.payment_id) == (400, 0, 250, 0)


def test_own_refund_that_the_list_lacks_is_not_counted_as_made_by_others() -> None:
    refund = create_sent_refund(400)

    apply_look(refund, state_of(refunded_minor=400), LOOK_AT)

    assert balances(refund.payment_id) == (400, 0, 0, 0)


def test_charge_back_and_dispute_follow_the_newest_state() -> None:
    refund = create_refund()
    for number, amount in enumerate((600, 600, 0)):
        state = state_of(charged_back_minor=amount, has_open_dispute=number < 2)
        apply_look(refund, state, LOOK_AT + number * SECOND)

    booked = LedgerEntry.objects.filter(cause="charge_back", account_code="charge_backs")
    amounts = booked.order_by("seq").values_list("amount_minor", flat=True)
    assert list(amounts) == [600, -600]
    payment = Payment.objects.get(pk=refund.payment_id)
    assert (payment.charged_back_minor, payment.has_open_dispute) == (0, False)


@pytest.mark.parametrize("status", ["sending", "in_doubt", "pending", "confirmed"])
@pytest.mark.parametrize("fields", [{"amount_minor": 399}, {"currency": "usd"}])
def test_entry_of_another_amount_confirms_nothing(status: str, fields: dict[str, Any]) -> None:
    refund = refund_in(status)
    before = balances(refund.payment_id)

    apply_look(refund, state_of(entry_of(refund, **fields)), LOOK_AT)

    expected = "in_doubt" if status == "sending" else status
    assert status_of(refund) == (expected, "wrong_amount")
    assert balances(refund.payment_id) == before


def test_corrected_amount_ends_the_doubt() -> None:
    refund = create_sent_refund(400)
    reply(refund, accepted(refund, amount_minor=399))

    apply_look(refund, state_of(entry_of(refund)), LOOK_AT)

    assert status_of(refund) == ("confirmed", "")


@pytest.mark.parametrize(
    ("fields", "attention"),
    [({"currency": "usd"}, "other_currency"), ({"is_test": True}, "contradiction")],
)
def test_state_of_another_currency_or_mode_changes_nothing(
    fields: dict[str, Any], attention: str
) -> None:
    refund = create_sent_refund(400)
    state = state_of(entry_of(refund), stranger(), **fields)

    assert apply_look(refund, state, LOOK_AT) == []

    assert status_of(refund) == ("sending", attention)
    payment = Payment.objects.get(pk=refund.payment_id)
    assert balances(payment) == (400, 0, 0, 0)
    apply_look(refund, state_of(entry_of(refund)), LOOK_AT + SECOND)
    assert status_of(refund) == ("confirmed", "")


def test_second_payout_under_one_reference_needs_a_person() -> None:
    refund = create_sent_refund(400)
    reply(refund, accepted(refund))
    again = entry_of(refund, provider_refund="re_again")

    with capture_logs() as logs:
        for number in range(2):
            apply_look(refund, state_of(entry_of(refund), again), LOOK_AT + number * SECOND)

    assert status_of(refund) == ("confirmed", "contradiction")
    assert balances(refund.payment_id) == (0, 400, 400, 0)
    alarms = [line for line in logs if line["event"] == "refund needs a person"]
    assert [line["reason"] for line in alarms] == ["contradiction"]


def test_failed_entry_with_a_paid_one_is_no_failure() -> None:
    refund = create_sent_refund(400)
    failed = entry_of(refund, FAILED, provider_refund="re_0")

    apply_look(refund, state_of(failed, entry_of(refund)), LOOK_AT)

    assert status_of(refund) == ("confirmed", "")


def test_provider_without_references_is_matched_by_its_ids() -> None:
    refund = create_sent_refund(400)
    reply(refund, accepted(refund, PENDING))

    apply_look(refund, state_of(entry_of(refund, reference=None)), LOOK_AT)

    assert status_of(refund) == ("confirmed", "")
    assert balances(refund.payment_id) == (0, 400, 0, 0)


@pytest.mark.parametrize("status", ["pending", "confirmed"])
def test_accepted_refund_that_vanishes_needs_a_person(status: str) -> None:
    refund = refund_in(status)
    late = SENT_AT + timedelta(seconds=32)

    apply_look(refund, state_of(), late - SECOND)
    assert status_of(refund) == (status, "")
    apply_look(refund, state_of(), late)

    assert status_of(refund) == (status, "contradiction")
    # The lag of 2 s and the time of a sender later: the clock may have jumped over the lag.
    assert reload(refund).next_look_at == late + timedelta(seconds=32)
    apply_look(refund, state_of(), late + SECOND)
    assert reload(refund).next_look_at == late + timedelta(seconds=32)


def test_refund_that_is_listed_again_needs_no_person() -> None:
    """Our clock may have jumped over the provider's lag."""
    refund = refund_in("confirmed")
    late = SENT_AT + timedelta(seconds=32)
    apply_look(refund, state_of(), late)

    apply_look(refund, state_of(entry_of(refund)), late + SECOND)

    assert status_of(refund) == ("confirmed", "")


def test_state_counts_for_the_refunds_of_one_account() -> None:
    refund = create_sent_refund(400)

    apply_state(
        refund.payment_id,
        state_of(entry_of(refund)),
        observed_at=LOOK_AT,
        now=LOOK_AT,
        account_id=create_account(code="other").pk,
    )

    assert status_of(refund) == ("sending", "")


def test_state_of_points_leaves_the_payment_unchanged() -> None:
    create_account()
    order, [payment] = create_charged_order()
    plan_id = create_approved_plan(order).pk
    card, points = plan(order, plan_id, [leg(payment, 400), leg(payment, 600, Means.LOYALTY)])
    Payment.objects.update(observed_at=LOOK_AT + SECOND, has_open_dispute=True, found_minor=5)

    apply_look(card, state_of(entry_of(points), entry_of(card), covers_payment=False), LOOK_AT)

    row = Payment.objects.get(pk=payment.pk)
    assert (row.has_open_dispute, row.found_minor) == (True, 5)
    assert status_of(card) == ("planned", "")
    assert status_of(points) == ("planned", "contradiction")


def test_two_partial_refunds_are_matched_by_their_own_ids() -> None:
    """woocommerce-gateway-stripe#5697: the first one fails after the second was made."""
    create_account()
    order, [payment] = create_charged_order()
    plan_id = create_approved_plan(order).pk
    first, second = plan(order, plan_id, [leg(payment, 300), leg(payment, 300)])
    begin(first)
    reply(first, accepted(first))
    begin(second, state_of(entry_of(first)), now=SENT_AT + 2 * SECOND)
    reply(second, accepted(second), now=SENT_AT + 3 * SECOND)

    apply_look(first, state_of(entry_of(first, FAILED), entry_of(second)), LOOK_AT)

    assert (status_of(first)[0], status_of(second)[0]) == ("returned", "confirmed")
    assert balances(payment) == (0, 300, 0, 0)


def test_state_that_cannot_be_read_needs_a_person_at_once_or_with_the_key() -> None:
    refund = create_sent_refund()
    reply(refund, Unknown("timeout"))
    route: dict[str, Any] = {"account_id": refund.account_id}

    record_no_state(refund.payment_id, now=SENT_AT + timedelta(hours=23), **route)
    assert status_of(refund) == ("in_doubt", "")
    record_no_state(refund.payment_id, now=SENT_AT + timedelta(hours=24), **route)
    assert status_of(refund) == ("in_doubt", "key_expired")
    reason = Attention.NO_PROVIDER_PAYMENT
    record_no_state(refund.payment_id, now=NOW, reason=reason, **route)
    assert status_of(refund) == ("in_doubt", "no_provider_payment")


@pytest.mark.parametrize(
    ("days", "next_hours"), [(56, 6), (89, 6), (90, None)], ids=["last look", "late", "over"]
)
def test_last_look_at_a_confirmed_refund_is_repeated_until_it_can_be_read(
    days: int, next_hours: int | None
) -> None:
    refund = refund_in("confirmed")
    confirmed_at = reload(refund).confirmed_at
    assert confirmed_at
    now = confirmed_at + timedelta(days=days)
    Refund.objects.filter(pk=refund.pk).update(next_look_at=None)

    record_no_state(refund.payment_id, account_id=refund.account_id, now=now)

    expected = now + timedelta(hours=next_hours) if next_hours else None
    assert (reload(refund).next_look_at, *status_of(refund)) == (expected, "confirmed", "")


def test_earlier_look_at_a_confirmed_refund_is_not_delayed() -> None:
    refund = refund_in("confirmed")
    planned = reload(refund).next_look_at

    record_no_state(refund.payment_id, account_id=refund.account_id, now=LOOK_AT)

    assert planned is not None
    assert reload(refund).next_look_at == planned
