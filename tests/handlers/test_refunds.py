"""Refunds through the worker's handlers, against a provider that misbehaves."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from time_machine import Traveller

from takeback.core import clock
from takeback.core.errors import Refused
from takeback.handlers import refunds as handlers
from takeback.handlers.refunds import HANDLERS
from takeback.loyalty.models import LoyaltyEntry
from takeback.orders.models import Payment
from takeback.outbox.models import Message
from takeback.outbox.worker import Worker
from takeback.refunds import errors
from takeback.refunds.commands.look import look_at_payments, record_event
from takeback.refunds.commands.plan import cancel_refunds
from takeback.refunds.commands.retry import retry_by_other_means
from takeback.refunds.epoch import journal
from takeback.refunds.models import LedgerEntry, PaymentAccount, ProviderEvent, Refund
from takeback.refunds.providers import Contradictory, RefundStatus, Unavailable
from takeback.refunds.statuses import Means
from tests.factories import NOW
from tests.handlers.delivery import create, deliver, reference_of, work
from tests.refunds.factories import (
    AGENT,
    balances,
    case_of,
    create_approved_plan,
    create_charged_order,
    leg,
    plan,
    reload,
)
from tests.refunds.fake_provider import (
    CAPABILITIES,
    FakePayment,
    FakeProvider,
    accept,
    break_down,
    call_duplicate,
    lose_reply,
    lose_request,
    refuse,
    refuse_after_paying,
    take_other_amount,
    take_other_currency,
)
from tests.refunds.sending import status_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.allow_repeated_queries("each message queries again"),
    pytest.mark.usefixtures("clock_at_now", "provider"),
]

PENDING, FAILED = RefundStatus.PENDING, RefundStatus.FAILED


def test_refund_takes_four_commits_and_one_request(
    provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    refund = create(provider)
    commits: list[str] = []
    commit = BaseDatabaseWrapper._commit  # type: ignore[attr-defined]  # noqa: SLF001 - all commits end here

    def counting_commit(database: BaseDatabaseWrapper) -> None:
        commits.append("commit")
        commit(database)

    def counting(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not connection.in_atomic_block and sql.startswith(("INSERT", "UPDATE", "DELETE")):
            commits.append(sql)
        return execute(sql, params, many, context)

    monkeypatch.setattr(BaseDatabaseWrapper, "_commit", counting_commit)
    worker = Worker(HANDLERS)
    with connection.execute_wrapper(counting):
        assert worker.deliver_next(clock.now()) is True

    # Claim the message, commit the intent, apply the reply, finish the message.
    assert len(commits) == 4, commits
    assert provider.requests_by_key() == {refund.uuid.hex: 1}
    assert provider.looks == [reference_of(refund)]
    assert (status_of(refund), case_of(refund).status) == (("confirmed", ""), "completed")
    assert worker.deliver_next(clock.now()) is False
    assert Message.objects.filter(topic="refund.planned", done_at=NOW).count() == 1


def test_intent_is_committed_before_the_request(provider: FakeProvider) -> None:
    refund = create(provider)
    stored: list[tuple[str, int, bool]] = []

    def observe(fake: FakeProvider, order: Any) -> Any:
        row = reload(refund)
        stored.append((row.status, row.sends, connection.in_atomic_block))
        return accept(fake, order)

    provider.behaviours = [observe]
    deliver()

    assert stored == [("sending", 1, False)]


def test_refund_waits_for_its_due_time(provider: FakeProvider, clock_at_now: Traveller) -> None:
    refund = create(provider, due_at=NOW + timedelta(seconds=15))

    clock_at_now.shift(14.9)
    assert (deliver(), provider.requests) == (0, [])
    clock_at_now.shift(0.1)
    assert deliver() == 1
    assert status_of(refund) == ("confirmed", "")


def test_cancelled_refund_is_not_sent(provider: FakeProvider) -> None:
    refund = create(provider)
    with transaction.atomic():
        cancel_refunds(refund.plan_id, now=NOW)

    assert deliver() == 1
    assert (provider.requests, provider.looks) == ([], [])
    assert status_of(refund) == ("cancelled", "")


def test_repeated_message_sends_nothing(provider: FakeProvider) -> None:
    refund = create(provider)
    deliver()
    Message.objects.update(done_at=None, attempts=0)

    assert deliver() == 1
    assert provider.requests_by_key() == {refund.uuid.hex: 1}


@pytest.mark.parametrize("status", [RefundStatus.CONFIRMED, PENDING])
def test_lost_reply_is_clarified_by_a_look(
    status: RefundStatus, provider: FakeProvider, clock_at_now: Traveller
) -> None:
    refund = create(provider)
    provider.status, provider.behaviours = status, [lose_reply]

    work(clock_at_now, timedelta(minutes=2))

    assert status_of(refund) == (status.value, "")
    assert provider.requests_by_key() == {refund.uuid.hex: 1}
    assert provider.paid(reference_of(refund)) == 400


@pytest.mark.parametrize("lost", [1, 3])
def test_lost_request_is_repeated_under_its_key(
    lost: int, provider: FakeProvider, clock_at_now: Traveller
) -> None:
    refund = create(provider)
    provider.behaviours = [lose_request] * lost

    work(clock_at_now)

    assert status_of(refund) == ("confirmed", "")
    assert provider.requests_by_key() == {refund.uuid.hex: lost + 1}
    assert {request.order for request in provider.requests} == {provider.requests[0].order}
    assert provider.paid(reference_of(refund)) == 400


def test_keyless_provider_pays_once(provider: FakeProvider, clock_at_now: Traveller) -> None:
    provider.capabilities = replace(
        CAPABILITIES, key_window=timedelta(0), lag=timedelta(seconds=30)
    )
    refund = create(provider)
    provider.behaviours = [lose_request, lose_reply]

    work(clock_at_now)

    assert status_of(refund) == ("confirmed", "")
    assert (len(provider.requests), provider.paid(reference_of(refund))) == (2, 400)


def test_refused_refund_is_not_repeated(provider: FakeProvider, clock_at_now: Traveller) -> None:
    refund = create(provider)
    provider.behaviours = [refuse]

    work(clock_at_now)

    assert status_of(refund) == ("failed", "refused")
    assert len(provider.requests) == 1


def test_refused_refund_that_was_paid_is_not_paid_by_other_means(
    provider: FakeProvider, clock_at_now: Traveller
) -> None:
    refund = create(provider)
    provider.behaviours = [refuse_after_paying]

    work(clock_at_now, timedelta(minutes=1))

    assert status_of(refund) == ("failed", "contradiction")
    with pytest.raises(Refused) as refusal:
        retry_by_other_means(refund.pk, Means.MANUAL, consent="by mail", actor=AGENT, now=NOW)
    assert refusal.value.problem == errors.IN_CONTRADICTION


def test_duplicate_is_a_question_that_looks_clarify(
    provider: FakeProvider, clock_at_now: Traveller
) -> None:
    refund = create(provider)
    provider.behaviours = [call_duplicate]
    provider.capabilities = replace(CAPABILITIES, key_window=timedelta(0))

    work(clock_at_now)

    assert status_of(refund) == ("confirmed", "")
    assert provider.paid(reference_of(refund)) == 400


@pytest.mark.parametrize("behaviour", [take_other_amount, take_other_currency])
def test_other_amount_or_currency_alarms(
    behaviour: Any, provider: FakeProvider, clock_at_now: Traveller
) -> None:
    refund = create(provider)
    provider.behaviours = [behaviour]

    deliver()

    assert status_of(refund) == ("in_doubt", "wrong_amount")
    assert balances(refund.payment_id)[:2] == (400, 0)
    work(clock_at_now, timedelta(minutes=10))
    assert len(provider.requests) == 1


def test_defect_of_an_adapter_leaves_the_refund_in_doubt(
    provider: FakeProvider, clock_at_now: Traveller
) -> None:
    refund = create(provider)
    provider.behaviours = [break_down]

    deliver()
    assert status_of(refund) == ("in_doubt", "")
    work(clock_at_now)

    assert status_of(refund) == ("confirmed", "")


def test_provider_that_is_down_before_the_request_is_tried_later(
    provider: FakeProvider, clock_at_now: Traveller
) -> None:
    refund = create(provider)
    provider.look_error = Unavailable("timeout")

    work(clock_at_now, timedelta(days=1))
    assert (status_of(refund), provider.requests) == (("planned", ""), [])
    provider.look_error = None
    work(clock_at_now, timedelta(hours=1))

    assert status_of(refund) == ("confirmed", "")
    assert Message.objects.filter(parked_at__isnull=False).count() == 0


def test_key_of_a_silent_provider_expires_and_a_person_looks(
    provider: FakeProvider, clock_at_now: Traveller
) -> None:
    provider.capabilities = replace(CAPABILITIES, key_window=timedelta(hours=1))
    refund = create(provider)
    provider.behaviours = [lose_reply]
    deliver()
    provider.look_error = Unavailable("timeout")

    work(clock_at_now, timedelta(hours=4))
    assert status_of(refund) == ("in_doubt", "key_expired")
    provider.look_error = None
    work(clock_at_now, timedelta(hours=6))

    assert status_of(refund) == ("confirmed", "")
    assert len(provider.requests) == 1


@pytest.mark.parametrize(
    ("error", "attention"),
    [(KeyError("pay"), "no_provider_payment"), (Contradictory("total"), "contradiction")],
)
def test_payment_that_the_provider_denies_needs_a_person(
    error: Exception, attention: str, provider: FakeProvider
) -> None:
    refund = create(provider)
    provider.look_error = error

    deliver()

    assert (status_of(refund), provider.requests) == (("planned", attention), [])


def test_state_that_contradicts_itself_while_in_doubt_needs_a_person_until_it_is_clear(
    provider: FakeProvider, clock_at_now: Traveller
) -> None:
    refund = create(provider)
    provider.behaviours = [lose_reply]
    deliver()
    provider.look_error = Contradictory("total")

    work(clock_at_now, timedelta(minutes=2))
    assert status_of(refund) == ("in_doubt", "contradiction")
    provider.look_error = None
    work(clock_at_now, timedelta(minutes=10))

    assert status_of(refund) == ("confirmed", "")


def test_payment_without_id_needs_a_person(provider: FakeProvider) -> None:
    refund = create(provider)
    Payment.objects.update(reference=None)

    deliver()

    assert status_of(refund) == ("planned", "no_provider_payment")
    assert provider.looks == []


@pytest.mark.parametrize("fields", [{"provider": "gone"}, {"credentials_encrypted": "damaged"}])
def test_account_that_cannot_be_used_needs_a_person(
    fields: dict[str, Any], provider: FakeProvider
) -> None:
    refund = create(provider)
    PaymentAccount.objects.update(**fields)

    deliver()

    assert status_of(refund) == ("planned", "account_missing")


def test_refund_without_an_account_needs_a_person(provider: FakeProvider) -> None:
    refund = create(provider)
    # As if no account had served the payment when the refund was planned.
    order, [payment] = create_charged_order()
    Payment.objects.filter(pk=payment.pk).update(account="unknown")
    [other] = plan(order, create_approved_plan(order).pk, [leg(payment, 100)])

    deliver()

    assert (status_of(refund)[0], status_of(other)) == ("confirmed", ("planned", "account_missing"))


def test_account_removed_in_doubt_needs_a_person_and_loses_nothing(
    provider: FakeProvider, clock_at_now: Traveller
) -> None:
    refund = create(provider)
    provider.behaviours = [lose_reply]
    deliver()
    PaymentAccount.objects.update(provider="gone", is_active=False)

    work(clock_at_now, timedelta(minutes=2))
    assert status_of(refund) == ("in_doubt", "account_missing")
    PaymentAccount.objects.update(provider="fake")
    work(clock_at_now, timedelta(minutes=10))

    # An inactive account still reports what it has paid.
    assert status_of(refund) == ("confirmed", "")


def test_manual_account_sends_nothing(provider: FakeProvider, clock_at_now: Traveller) -> None:
    provider.capabilities = replace(CAPABILITIES, is_manual=True)
    refund = create(provider)

    work(clock_at_now, timedelta(minutes=5))

    assert status_of(refund) == ("planned", "manual_payment")
    assert (provider.requests, provider.looks) == ([], [])


def test_points_are_credited_without_a_payment_account(provider: FakeProvider) -> None:
    refund = create(provider, 400, means=Means.LOYALTY)

    deliver()

    assert (status_of(refund), case_of(refund).status) == (("confirmed", ""), "completed")
    assert reload(refund).next_look_at is None
    entry = LoyaltyEntry.objects.get(key=refund.uuid.hex)
    assert (entry.amount_minor, entry.order_id) == (400, refund.order_id)
    assert (provider.requests, provider.looks) == ([], [])


def test_authorization_is_released_instead_of_refunded(provider: FakeProvider) -> None:
    refund = create(provider, 1000)
    provider.payments[reference_of(refund)] = FakePayment(captured=0, is_authorized_only=True)

    deliver()

    assert [request.verb for request in provider.requests] == ["void"]
    assert (status_of(refund), case_of(refund).status) == (("confirmed", ""), "completed")


def test_lost_release_of_an_authorization_is_clarified(
    provider: FakeProvider, clock_at_now: Traveller
) -> None:
    refund = create(provider, 1000)
    provider.payments[reference_of(refund)] = FakePayment(captured=0, is_authorized_only=True)
    provider.behaviours = [lose_reply]

    work(clock_at_now, timedelta(minutes=5))

    assert status_of(refund) == ("confirmed", "")
    assert len(provider.requests) == 1


def test_event_triggers_a_look(provider: FakeProvider) -> None:
    provider.status = PENDING
    refund = create(provider)
    deliver()
    reference = reference_of(refund)
    provider.change(reference, RefundStatus.CONFIRMED)
    provider.payments[reference].refunds[0] = (
        provider.payments[reference].refunds[0]._replace(created_at=NOW - timedelta(hours=1))
    )

    record_event(refund.account_id or 0, "evt_1", reference, now=NOW)
    deliver()

    assert (status_of(refund), case_of(refund).status) == (("confirmed", ""), "completed")
    assert ProviderEvent.objects.get().handled_at == NOW


def test_row_53_event_before_the_reply_is_one_refund(provider: FakeProvider) -> None:
    """The provider rings while our request is still open."""
    refund = create(provider)
    provider.capabilities = replace(CAPABILITIES, lag=timedelta(0))

    def ring(fake: FakeProvider, order: Any) -> Any:
        result = accept(fake, order)
        record_event(refund.account_id or 0, "evt_1", order.payment.payment, now=NOW)
        deliver()
        assert status_of(refund) == ("confirmed", "")
        return result

    provider.behaviours = [ring]
    deliver()

    assert status_of(refund) == ("confirmed", "")
    assert balances(refund.payment_id) == (0, 400, 0, 0)
    assert Refund.objects.count() == 1
    bookings = LedgerEntry.objects.filter(side=1).order_by("seq")
    assert list(bookings.values_list("cause", flat=True)) == ["plan", "confirm"]


def test_late_failure_is_noticed_without_an_event(
    provider: FakeProvider, clock_at_now: Traveller
) -> None:
    refund = create(provider)
    deliver()
    clock_at_now.shift(timedelta(days=20))
    provider.change(reference_of(refund), FAILED, code="account_closed")

    # Looks after 20 days are rare: the next one is that of day 30.
    for _ in range(16 * 24):
        look_at_payments(clock.now())
        deliver()
        clock_at_now.shift(timedelta(hours=1))

    row = reload(refund)
    assert (row.status, row.attention, row.failure_code) == (
        "returned",
        "late_failure",
        "account_closed",
    )
    assert len(provider.requests) == 1
    assert case_of(refund).status == "completed"


def test_dispute_between_plan_and_request_holds_the_refund(
    provider: FakeProvider, clock_at_now: Traveller
) -> None:
    refund = create(provider)
    row = provider.payments[reference_of(refund)]
    row.has_open_dispute = True

    work(clock_at_now, timedelta(hours=3))
    assert (status_of(refund), provider.requests) == (("planned", ""), [])
    row.has_open_dispute, row.charged_back = False, 700
    work(clock_at_now, timedelta(hours=3))

    # The dispute was lost: what is left no longer suffices.
    assert (status_of(refund), provider.requests) == (("planned", "not_enough_left"), [])


def test_crash_before_the_reply_is_stored_is_clarified(
    provider: FakeProvider,
    clock_at_now: Traveller,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refund = create(provider)

    def crash(*arguments: Any, **named: Any) -> None:
        raise RuntimeError("the worker dies")

    with monkeypatch.context() as patch:
        patch.setattr(handlers, "apply_refund_news", crash)
        deliver()
    assert status_of(refund) == ("sending", "")
    work(clock_at_now, timedelta(minutes=5))

    assert status_of(refund) == ("confirmed", "")
    assert len(provider.requests) == 1


def test_process_that_stood_still_after_the_intent_sends_nothing(
    provider: FakeProvider,
    clock_at_now: Traveller,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """SIGSTOP, a minute, SIGCONT: another worker may have sent it by then."""
    refund = create(provider)
    moments = [100.0, 108.5]
    with monkeypatch.context() as patch:
        patch.setattr(handlers, "monotonic", lambda: moments.pop(0))
        deliver()
    assert (status_of(refund), provider.requests) == (("sending", ""), [])

    work(clock_at_now, timedelta(minutes=5))

    assert status_of(refund) == ("confirmed", "")
    assert len(provider.requests) == 1


def test_request_is_in_the_journal_before_it_leaves(provider: FakeProvider) -> None:
    refund = create(provider)
    recorded: list[int] = []
    before = len(journal())

    def observe(fake: FakeProvider, order: Any) -> Any:
        recorded.append(len(journal()))
        return accept(fake, order)

    provider.behaviours = [observe]

    deliver()

    assert recorded == [before + 1]
    assert journal()[-1].key == refund.uuid.hex
