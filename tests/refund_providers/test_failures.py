"""Every failure that the sandbox knows, and the outcome that the port promises for it."""

import json
from typing import Any

import pytest

from takeback.refund_providers.sandbox_server.failures import (
    OF_EVENTS,
    OF_LOOKS,
    OF_REFUNDS,
    Failure,
    Target,
    fits,
)
from takeback.refunds.providers import (
    Accepted,
    Contradictory,
    PaymentRef,
    RefundOrder,
    RefundProvider,
    RefundStatus,
    Refused,
    Unavailable,
    Unknown,
)
from tests.refund_providers.adapters import IMPATIENT_SECONDS, SandboxUnderTest
from tests.rigs.sandbox import Sandbox

LOST_REPLIES: dict[Failure, tuple[Unknown, int]] = {
    Failure.TIMEOUT_BEFORE: (Unknown("timeout"), 0),
    Failure.RESET_BEFORE: (Unknown("connection_lost"), 0),
    Failure.ERROR_500: (Unknown("status_500"), 0),
    Failure.RATE_LIMIT: (Unknown("rate_limited"), 0),
    Failure.KEY_IN_USE: (Unknown("key_in_use"), 0),
    Failure.UNAUTHORIZED: (Unknown("unauthorized"), 0),
    Failure.COMMIT_THEN_TIMEOUT: (Unknown("timeout"), 1_000),
    Failure.COMMIT_THEN_RESET: (Unknown("connection_lost"), 1_000),
    Failure.COMMIT_THEN_500: (Unknown("status_500"), 1_000),
    Failure.REPLY_WRONG_REFERENCE: (Unknown("other_refund"), 1_000),
    Failure.EMPTY: (Unknown("unreadable"), 1_000),
    Failure.MALFORMED: (Unknown("unreadable"), 1_000),
    Failure.DUPLICATE_KEY: (Unknown("unreadable"), 1_000),
    Failure.DEEP: (Unknown("unreadable"), 1_000),
    Failure.NOT_JSON: (Unknown("unreadable"), 1_000),
    Failure.HUGE: (Unknown("too_large"), 1_000),
    Failure.COMPRESSED: (Unknown("compressed"), 1_000),
    Failure.TRUNCATED: (Unknown("connection_lost"), 1_000),
    Failure.REDIRECT: (Unknown("status_307"), 1_000),
    Failure.SLOW_HEADERS: (Unknown("timeout"), 1_000),
    Failure.SLOW_BODY: (Unknown("timeout"), 1_000),
}
"""The outcome of a refund of 10.00, and what the provider's ledger has moved."""

LOOKS: dict[Failure, str] = {
    Failure.TIMEOUT_BEFORE: "timeout",
    Failure.RESET_BEFORE: "connection_lost",
    Failure.ERROR_500: "status_500",
    Failure.RATE_LIMIT: "status_429",
    Failure.UNAUTHORIZED: "status_401",
    Failure.COMMIT_THEN_TIMEOUT: "timeout",
    Failure.COMMIT_THEN_RESET: "connection_lost",
    Failure.COMMIT_THEN_500: "status_500",
    Failure.EMPTY: "unreadable",
    Failure.MALFORMED: "unreadable",
    Failure.DUPLICATE_KEY: "unreadable",
    Failure.DEEP: "unreadable",
    Failure.NOT_JSON: "unreadable",
    Failure.HUGE: "too_large",
    Failure.COMPRESSED: "compressed",
    Failure.TRUNCATED: "connection_lost",
    Failure.REDIRECT: "status_307",
    Failure.SLOW_HEADERS: "timeout",
    Failure.SLOW_BODY: "timeout",
    Failure.CUSTOM_REPLY: "unreadable",
}
"""The code of a look that shows nothing."""

ENDLESS = {
    Failure.TIMEOUT_BEFORE,
    Failure.COMMIT_THEN_TIMEOUT,
    Failure.SLOW_HEADERS,
    Failure.SLOW_BODY,
}
"""Failures whose replies do not end: only the time limit of the adapter ends the request."""

OTHER_TESTS = {
    *OF_EVENTS,  # test_events.py
    Failure.DUPLICATE_REFUSED,
    Failure.COMMIT_THEN_DUPLICATE,
    Failure.REPLY_WRONG_AMOUNT,
    Failure.REPLY_WRONG_CURRENCY,
    Failure.CUSTOM_REPLY,
    Failure.PENDING,
    Failure.PENDING_FOREVER,
    Failure.RETURNED_LATER,
    Failure.PARTIAL_AMOUNT,
    Failure.KEY_FORGOTTEN,
    Failure.LAGGING,
    Failure.CONTRADICTORY,
    Failure.MIXED_CURRENCIES,
    Failure.OTHER_MODE,
    Failure.UNKNOWN_PAYMENT,
}
"""Failures with a test function of their own."""


@pytest.fixture
def tested(sandbox: Sandbox) -> SandboxUnderTest:
    """The adapter of an account whose refunds show at once."""
    return SandboxUnderTest("sandbox_forever", sandbox)


@pytest.fixture
def payment(tested: SandboxUnderTest) -> PaymentRef:
    """A captured payment of 100.00 EUR."""
    return tested.payment(10_000)


def _refund(tested: SandboxUnderTest, order: RefundOrder) -> Any:
    return tested.provider.refund(tested.access, order)


def _refund_with(failure: Failure, tested: SandboxUnderTest, order: RefundOrder) -> Any:
    """The outcome of a refund whose reply fails in this way."""
    tested.sandbox.admin.fail(failure)
    return _provider_for(failure, tested).refund(tested.access, order)


def _provider_for(failure: Failure, tested: SandboxUnderTest) -> RefundProvider:
    return tested.impatient_provider if failure in ENDLESS else tested.provider


def _state(tested: SandboxUnderTest, payment: PaymentRef) -> Any:
    return tested.provider.payment_state(tested.access, payment)


def test_every_failure_has_a_test() -> None:
    assert set(LOST_REPLIES) | OTHER_TESTS == set(Failure)
    for failure in Failure:
        is_tested = failure in LOOKS or failure in OF_LOOKS
        assert is_tested is fits(failure, Target.STATE)


@pytest.mark.parametrize("failure", LOST_REPLIES)
def test_a_lost_or_unreadable_reply_is_unknown(
    tested: SandboxUnderTest, payment: PaymentRef, failure: Failure
) -> None:
    outcome, moved = LOST_REPLIES[failure]
    assert _refund_with(failure, tested, tested.order(payment, 1_000)) == outcome
    assert tested.moved(payment) == moved


@pytest.mark.parametrize("failure", LOST_REPLIES)
def test_the_same_key_afterwards_pays_at_most_one_time(
    tested: SandboxUnderTest, payment: PaymentRef, failure: Failure
) -> None:
    """The provider stores successes only: after a lost error a look must decide, not a key."""
    order = tested.order(payment, 1_000)
    _refund_with(failure, tested, order)
    assert isinstance(_refund(tested, order), Accepted)
    is_error_stored = failure is not Failure.COMMIT_THEN_500
    assert tested.moved(payment) == (1_000 if is_error_stored else 2_000)


def test_an_error_that_is_stored_is_repeated_and_pays_nothing_more(sandbox: Sandbox) -> None:
    tested = SandboxUnderTest("sandbox", sandbox)
    payment = tested.payment(10_000)
    order = tested.order(payment, 1_000)
    sandbox.admin.fail(Failure.COMMIT_THEN_500)
    outcomes = [_refund(tested, order) for _ in range(3)]
    assert outcomes == [Unknown("status_500")] * 3
    assert tested.moved(payment) == 1_000


@pytest.mark.parametrize("failure", LOOKS)
def test_a_look_that_fails_is_unavailable(
    tested: SandboxUnderTest, payment: PaymentRef, failure: Failure
) -> None:
    tested.sandbox.admin.fail(failure, target=Target.STATE)
    with pytest.raises(Unavailable, match=f"^{LOOKS[failure]}$") as raised:
        _provider_for(failure, tested).payment_state(tested.access, payment)
    assert not isinstance(raised.value, Contradictory)
    assert _state(tested, payment).captured_minor == 10_000


@pytest.mark.parametrize("failure", [Failure.SLOW_BODY, Failure.SLOW_HEADERS])
def test_a_slow_reply_ends_in_time_though_bytes_arrive(
    tested: SandboxUnderTest, payment: PaymentRef, failure: Failure
) -> None:
    """Each byte comes earlier than the time limit of a read; the total counts.

    By the reads alone the reply would be complete after half a minute or more.
    """
    from time import monotonic

    start = monotonic()
    outcome = _refund_with(failure, tested, tested.order(payment, 1_000))
    assert outcome == Unknown("timeout")
    assert monotonic() - start >= IMPATIENT_SECONDS


@pytest.mark.parametrize(("option", "expected"), [({}, None), ({"seconds": 7}, 7)])
def test_a_rate_limit_names_the_time_of_the_next_try(
    tested: SandboxUnderTest,
    payment: PaymentRef,
    option: dict[str, Any],
    expected: int | None,
) -> None:
    tested.sandbox.admin.fail(Failure.RATE_LIMIT, **option)
    outcome = _refund(tested, tested.order(payment, 1_000))
    assert outcome == Unknown("rate_limited", retry_after=expected)


def test_a_redirect_is_not_followed(tested: SandboxUnderTest, payment: PaymentRef) -> None:
    tested.sandbox.admin.fail(Failure.REDIRECT)
    _refund(tested, tested.order(payment, 1_000))
    targets = [request["target"] for request in tested.sandbox.admin.ledger()["requests"]]
    assert targets == ["refund"]


@pytest.mark.parametrize(
    ("failure", "moved"), [(Failure.DUPLICATE_REFUSED, 0), (Failure.COMMIT_THEN_DUPLICATE, 1_000)]
)
def test_a_duplicate_is_a_question_whatever_has_happened(
    tested: SandboxUnderTest, payment: PaymentRef, failure: Failure, moved: int
) -> None:
    tested.sandbox.admin.fail(failure)
    outcome = _refund(tested, tested.order(payment, 1_000))
    assert outcome == Refused("already_refunded", is_duplicate=True)
    assert tested.moved(payment) == moved


@pytest.mark.parametrize(
    ("failure", "amount", "currency", "moved"),
    [
        (Failure.REPLY_WRONG_AMOUNT, 1, "eur", 1_000),
        (Failure.REPLY_WRONG_CURRENCY, 1_000, "usd", 1_000),
        (Failure.PARTIAL_AMOUNT, 500, "eur", 500),
    ],
)
def test_another_amount_or_currency_does_not_match_the_order(
    tested: SandboxUnderTest,
    payment: PaymentRef,
    failure: Failure,
    amount: int,
    currency: str,
    moved: int,
) -> None:
    tested.sandbox.admin.fail(failure)
    order = tested.order(payment, 1_000)
    accepted = _refund(tested, order)
    assert isinstance(accepted, Accepted)
    assert (accepted.amount_minor, accepted.currency) == (amount, currency)
    assert not accepted.matches(order)
    assert tested.moved(payment) == moved


BAD_BODIES = {
    "not an object": "[]",
    "no id": {"id": None},
    "empty id": {"id": ""},
    "long id": {"id": "x" * 256},
    "id with a line break": {"id": "re_1\n"},
    "unknown status": {"status": "paid"},
    "number as amount": {"amount": 10},
    "fraction as amount": {"amount": 10.0},
    "amount without decimals": {"amount": "10"},
    "amount with three decimals": {"amount": "10.000"},
    "amount with a comma": {"amount": "10,00"},
    "amount with an exponent": {"amount": "1e1"},
    "amount with a sign": {"amount": "-10.00"},
    "amount with Arabic digits": {"amount": "\u0661\u0660.\u0660\u0660"},
    "amount above all limits": {"amount": "9" * 40 + ".00"},
    "currency in lower case": {"currency": "eur"},
    "unknown currency": {"currency": "EUX"},
    "no currency": {"currency": ""},
    "no date": {"created_at": "today"},
    "date without zone": {"created_at": "2026-03-10T12:00:00"},
    "no reference": {"reference": None},
    "other payment": {"payment": "pay_other"},
    "constant": '{"id": NaN}',
    "text after the object": "{}{}",
    "byte order mark": "\ufeff{}",
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_success_that_cannot_be_read_is_unknown(
    tested: SandboxUnderTest, payment: PaymentRef, name: str
) -> None:
    change, order = BAD_BODIES[name], tested.order(payment, 1_000)
    good = {
        "id": "re_1",
        "payment": payment.payment,
        "reference": order.key,
        "status": "succeeded",
        "amount": "10.00",
        "currency": "EUR",
        "created_at": "2026-03-10T12:00:00Z",
    }
    body = json.dumps(good | change) if isinstance(change, dict) else str(change)
    tested.sandbox.admin.fail(Failure.CUSTOM_REPLY, status=201, body=body)
    outcome = _refund(tested, order)
    assert isinstance(outcome, Unknown)
    assert outcome.reason in {"unreadable", "other_refund"}
    tested.sandbox.admin.fail(Failure.CUSTOM_REPLY, status=201, body=json.dumps(good))
    order = order._replace(key=order.key)
    assert isinstance(_refund(tested, order), Accepted)


STATUSES: dict[tuple[int, str], Any] = {
    (400, '{"error": {"code": "invalid_request"}}'): Refused("invalid_request"),
    (402, '{"error": {"code": "insufficient_funds"}}'): Refused("insufficient_funds"),
    (404, '{"error": {"code": "payment_not_found"}}'): Refused("payment_not_found"),
    (422, '{"error": {"code": "too_late"}}'): Refused("too_late"),
    (409, '{"error": {"code": "dispute_open"}}'): Refused("dispute_open"),
    (403, '{"error": {"code": "forbidden"}}'): Unknown("forbidden"),
    (408, '{"error": {"code": "slow"}}'): Unknown("slow"),
    (404, "<html>nginx</html>"): Unknown("unreadable"),
    (400, '{"error": "text"}'): Unknown("unreadable"),
    (400, '{"error": {"code": "A code with spaces"}}'): Unknown("unreadable"),
    (400, '{"error": {"code": "' + "x" * 65 + '"}}'): Unknown("unreadable"),
    (204, ""): Unknown("status_204"),
    (301, ""): Unknown("status_301"),
    (502, '{"error": {"code": "bad_gateway"}}'): Unknown("status_502"),
    (503, ""): Unknown("status_503"),
}


@pytest.mark.parametrize(("status", "body"), STATUSES)
def test_only_a_readable_refusal_is_final(
    tested: SandboxUnderTest, payment: PaymentRef, status: int, body: str
) -> None:
    tested.sandbox.admin.fail(Failure.CUSTOM_REPLY, status=status, body=body)
    outcome = _refund(tested, tested.order(payment, 1_000))
    assert outcome == STATUSES[status, body]


def test_a_refund_that_failed_at_once_is_refused(
    tested: SandboxUnderTest, payment: PaymentRef
) -> None:
    order = tested.order(payment, 1_000)
    failed = {
        "id": "re_1",
        "payment": payment.payment,
        "reference": order.key,
        "status": "failed",
        "amount": "10.00",
        "currency": "EUR",
        "created_at": "2026-03-10T12:00:00Z",
        "failure_code": "lost_or_stolen_card",
    }
    tested.sandbox.admin.fail(Failure.CUSTOM_REPLY, status=201, body=json.dumps(failed))
    assert _refund(tested, order) == Refused("lost_or_stolen_card")


@pytest.mark.parametrize("final", ["succeeded", "failed"])
def test_a_pending_refund_gets_its_result_later(
    tested: SandboxUnderTest, payment: PaymentRef, final: str
) -> None:
    tested.sandbox.admin.fail(Failure.PENDING, seconds=3_600, status=final)
    accepted = _refund(tested, tested.order(payment, 1_000))
    assert accepted.status is RefundStatus.PENDING
    state = _state(tested, payment)
    assert (state.refunds[0].status, state.refunded_minor) == (RefundStatus.PENDING, 1_000)
    tested.wait(3_600)
    state = _state(tested, payment)
    expected = {
        "succeeded": (RefundStatus.CONFIRMED, "", 1_000),
        "failed": (RefundStatus.FAILED, "expired_or_canceled_card", 0),
    }
    [refund] = state.refunds
    assert (refund.status, refund.failure_code, state.refunded_minor) == expected[final]


def test_a_refund_that_stays_pending_is_counted_and_not_confirmed(
    tested: SandboxUnderTest, payment: PaymentRef
) -> None:
    tested.sandbox.admin.fail(Failure.PENDING_FOREVER)
    assert _refund(tested, tested.order(payment, 1_000)).status is RefundStatus.PENDING
    tested.wait(86_400 * 365)
    state = _state(tested, payment)
    assert (state.refunds[0].status, state.refunded_minor) == (RefundStatus.PENDING, 1_000)


def test_a_success_that_comes_back_later_is_failed(
    tested: SandboxUnderTest, payment: PaymentRef
) -> None:
    tested.sandbox.admin.fail(Failure.RETURNED_LATER, seconds=86_400 * 20)
    accepted = _refund(tested, tested.order(payment, 1_000))
    assert accepted.status is RefundStatus.CONFIRMED
    assert _state(tested, payment).refunds[0].status is RefundStatus.CONFIRMED
    tested.wait(86_400 * 20)
    state = _state(tested, payment)
    assert (state.refunds[0].status, state.refunded_minor) == (RefundStatus.FAILED, 0)
    assert state.refunds[0].provider_refund == accepted.provider_refund


def test_a_forgotten_key_pays_again(tested: SandboxUnderTest, payment: PaymentRef) -> None:
    tested.sandbox.admin.fail(Failure.KEY_FORGOTTEN)
    order = tested.order(payment, 1_000)
    first, second = _refund(tested, order), _refund(tested, order)
    assert first.provider_refund != second.provider_refund
    state = _state(tested, payment)
    assert [refund.reference for refund in state.refunds] == [order.key, order.key]
    assert tested.moved(payment) == 2_000


def test_keys_are_forgotten_on_demand(tested: SandboxUnderTest, payment: PaymentRef) -> None:
    order = tested.order(payment, 1_000)
    _refund(tested, order)
    tested.sandbox.admin.forget_keys(order.key)
    _refund(tested, order)
    assert tested.moved(payment) == 2_000


def test_a_lagging_look_lacks_the_newest_refund(
    tested: SandboxUnderTest, payment: PaymentRef
) -> None:
    _refund(tested, tested.order(payment, 1_000))
    tested.sandbox.admin.fail(Failure.LAGGING, seconds=30)
    state = _state(tested, payment)
    assert (state.refunds, state.refunded_minor) == ((), 0)
    assert len(_state(tested, payment).refunds) == 1


def test_a_total_can_move_before_the_list_does(sandbox: Sandbox) -> None:
    behavior = {"lag_seconds": 30, "has_lagging_total": False}
    sandbox.admin.put_account("sandbox_forever", behavior=behavior)
    tested = SandboxUnderTest("sandbox_forever", sandbox)
    payment = tested.payment(10_000)
    _refund(tested, tested.order(payment, 1_000))
    state = _state(tested, payment)
    assert (state.refunds, state.refunded_minor) == ((), 1_000)


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (Failure.CONTRADICTORY, "total_below_refunds"),
        (Failure.MIXED_CURRENCIES, "mixed_currencies"),
    ],
)
def test_a_state_that_contradicts_itself_is_reported(
    tested: SandboxUnderTest, payment: PaymentRef, failure: Failure, code: str
) -> None:
    _refund(tested, tested.order(payment, 1_000))
    tested.sandbox.admin.fail(failure)
    with pytest.raises(Contradictory, match=f"^{code}$"):
        _state(tested, payment)


def test_the_state_names_its_mode(tested: SandboxUnderTest, payment: PaymentRef) -> None:
    assert _state(tested, payment).is_test is True
    tested.sandbox.admin.fail(Failure.OTHER_MODE)
    assert _state(tested, payment).is_test is False
    tested.sandbox.admin.put_account("sandbox_forever", is_test=False)
    assert _state(tested, payment).is_test is False


def test_a_payment_that_disappears_is_unknown(
    tested: SandboxUnderTest, payment: PaymentRef
) -> None:
    tested.sandbox.admin.fail(Failure.UNKNOWN_PAYMENT)
    with pytest.raises(KeyError):
        _state(tested, payment)


def test_the_state_of_another_payment_is_unavailable(
    tested: SandboxUnderTest, payment: PaymentRef
) -> None:
    other = {
        "id": "pay_other",
        "mode": "test",
        "status": "captured",
        "currency": "EUR",
        "captured": "100.00",
        "refunded": "0.00",
        "charged_back": "0.00",
        "dispute_open": False,
        "refunds": [],
    }
    body = json.dumps(other)
    tested.sandbox.admin.fail(Failure.CUSTOM_REPLY, target=Target.STATE, body=body)
    with pytest.raises(Unavailable, match=r"^other_payment$"):
        _state(tested, payment)


def test_a_refund_made_in_the_dashboard_has_no_reference(
    tested: SandboxUnderTest, payment: PaymentRef
) -> None:
    tested.sandbox.admin.refund_in_dashboard(payment.payment, "3.00")
    _refund(tested, tested.order(payment, 1_000))
    state = _state(tested, payment)
    assert [(refund.reference is None, refund.amount_minor) for refund in state.refunds] == [
        (True, 300),
        (False, 1_000),
    ]
    assert state.refunded_minor == 1_300


def test_a_charge_back_lowers_what_can_be_refunded(
    tested: SandboxUnderTest, payment: PaymentRef
) -> None:
    tested.sandbox.admin.charge_back(payment.payment, "95.00")
    assert _state(tested, payment).charged_back_minor == 9_500
    assert _refund(tested, tested.order(payment, 501)) == Refused("amount_above_rest")
    assert isinstance(_refund(tested, tested.order(payment, 500)), Accepted)


def test_a_disputed_payment_is_not_refunded(tested: SandboxUnderTest, payment: PaymentRef) -> None:
    tested.sandbox.admin.dispute(payment.payment)
    assert _state(tested, payment).has_open_dispute
    assert _refund(tested, tested.order(payment, 500)) == Refused("dispute_open")
    tested.sandbox.admin.dispute(payment.payment, is_open=False)
    assert not _state(tested, payment).has_open_dispute


def test_an_amount_that_the_provider_cannot_write_is_not_sent(sandbox: Sandbox) -> None:
    tested = SandboxUnderTest("sandbox_month", sandbox)
    payment = tested.payment(10_000, "kwd")
    order = tested.order(payment, 1_255, currency="kwd")
    assert _refund(tested, order) == Refused("amount_not_representable")
    assert sandbox.admin.money_requests(payment.payment) == []


def test_a_provider_that_does_not_listen_is_unknown(
    tested: SandboxUnderTest, payment: PaymentRef
) -> None:
    access = tested.access._replace(base_url="http://127.0.0.1:1")
    order = tested.order(payment, 1_000)
    assert tested.provider.refund(access, order) == Unknown("not_connected")
    with pytest.raises(Unavailable, match=r"^not_connected$"):
        tested.provider.payment_state(access, payment)


@pytest.mark.parametrize("url", ["", "ftp://127.0.0.1", "http://", "http://[::1", "no url"])
def test_a_wrong_base_url_is_unknown(
    tested: SandboxUnderTest, payment: PaymentRef, url: str
) -> None:
    access = tested.access._replace(base_url=url)
    assert isinstance(tested.provider.refund(access, tested.order(payment, 1_000)), Unknown)


def test_proxies_of_the_environment_are_ignored(
    tested: SandboxUnderTest, payment: PaymentRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert isinstance(_refund(tested, tested.order(payment, 1_000)), Accepted)


def test_failures_of_refunds_are_refused_for_looks(sandbox: Sandbox) -> None:
    from takeback.refund_providers.sandbox_server.client import SandboxRefused

    for failure in OF_REFUNDS:
        with pytest.raises(SandboxRefused, match="no failure of a request for state"):
            sandbox.admin.fail(failure, target=Target.STATE)
