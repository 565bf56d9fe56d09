"""What the sandbox keeps of its promises: keys, windows, lags, limits and clocks that jump."""

from datetime import timedelta

import pytest

from takeback.refund_providers.capabilities import CAPABILITIES
from takeback.refunds.providers import (
    Accepted,
    AccountAccess,
    PaymentRef,
    RefundStatus,
    Refused,
    StoredReplies,
)
from tests.refund_providers.adapters import adapter_under_test, new_key
from tests.rigs.sandbox import SANDBOXES, Sandbox


@pytest.mark.parametrize("name", SANDBOXES)
def test_wrong_credentials_leave_the_refund_undecided(name: str, sandbox: Sandbox) -> None:
    tested = adapter_under_test(name, sandbox)
    payment = tested.payment(10_000)
    access = AccountAccess(sandbox.url, name, {"secret": "wrong"}, is_test=True)
    outcome = tested.provider.refund(access, tested.order(payment, 100))
    assert (type(outcome).__name__, outcome[0]) == ("Unknown", "unauthorized")
    assert tested.moved(payment) == 0


@pytest.mark.parametrize("name", SANDBOXES)
def test_a_key_is_forgotten_after_the_window(name: str, sandbox: Sandbox) -> None:
    """Why no request is repeated after it: the provider would pay again."""
    tested, capabilities = adapter_under_test(name, sandbox), CAPABILITIES[name]
    payment = tested.payment(10_000)
    order = tested.order(payment, 1_000)
    window = capabilities.key_window
    seconds = timedelta(days=90).total_seconds() if window is None else window.total_seconds()
    tested.provider.refund(tested.access, order)
    tested.wait(max(seconds - 1, 0))
    tested.provider.refund(tested.access, order)
    assert tested.moved(payment) == (2_000 if window == timedelta(0) else 1_000)
    tested.wait(2)
    tested.provider.refund(tested.access, order)
    expected = {None: 1_000, timedelta(0): 3_000}.get(window, 2_000)
    assert tested.moved(payment) == expected


@pytest.mark.parametrize("name", SANDBOXES)
def test_a_clock_that_goes_back_forgets_no_key(name: str, sandbox: Sandbox) -> None:
    tested = adapter_under_test(name, sandbox)
    payment = tested.payment(10_000)
    order = tested.order(payment, 1_000)
    tested.provider.refund(tested.access, order)
    sandbox.admin.jump(-timedelta(days=2).total_seconds())
    tested.provider.refund(tested.access, order)
    has_keys = CAPABILITIES[name].key_window != timedelta(0)
    assert tested.moved(payment) == (1_000 if has_keys else 2_000)


@pytest.mark.parametrize("name", SANDBOXES)
def test_only_stored_replies_are_repeated(name: str, sandbox: Sandbox) -> None:
    tested, stored = adapter_under_test(name, sandbox), CAPABILITIES[name].stored_replies
    payment = tested.payment(1_000)
    order = tested.order(payment, 600)
    sandbox.admin.dispute(payment.payment)
    assert tested.provider.refund(tested.access, order) == Refused("dispute_open")
    sandbox.admin.dispute(payment.payment, is_open=False)
    again = tested.provider.refund(tested.access, order)
    assert isinstance(again, Refused) is (stored is StoredReplies.ALL)
    assert tested.moved(payment) == (0 if stored is StoredReplies.ALL else 600)


@pytest.mark.parametrize("name", SANDBOXES)
def test_another_body_under_a_known_key_decides_nothing(name: str, sandbox: Sandbox) -> None:
    tested = adapter_under_test(name, sandbox)
    payment = tested.payment(10_000)
    order = tested.order(payment, 1_000)
    tested.provider.refund(tested.access, order)
    outcome = tested.provider.refund(tested.access, order._replace(amount_minor=2_000))
    if CAPABILITIES[name].stored_replies is StoredReplies.NONE:
        assert isinstance(outcome, Accepted)
    else:
        assert (type(outcome).__name__, outcome[0]) == ("Unknown", "key_reused")
        assert tested.moved(payment) == 1_000


@pytest.mark.parametrize("name", SANDBOXES)
def test_equal_amounts_are_a_duplicate_within_the_time(name: str, sandbox: Sandbox) -> None:
    tested, apart = adapter_under_test(name, sandbox), CAPABILITIES[name].equal_amounts_apart
    payment = tested.payment(10_000)
    tested.provider.refund(tested.access, tested.order(payment, 1_000))
    second = tested.order(payment, 1_000, key=new_key())
    outcome = tested.provider.refund(tested.access, second)
    if not apart:
        assert isinstance(outcome, Accepted)
        return
    assert outcome == Refused("duplicate_refund", is_duplicate=True)
    tested.wait(apart.total_seconds())
    assert isinstance(tested.provider.refund(tested.access, second), Accepted)


@pytest.mark.parametrize("name", SANDBOXES)
def test_new_refunds_are_missing_until_the_lag_is_over(name: str, sandbox: Sandbox) -> None:
    tested, lag = adapter_under_test(name, sandbox), CAPABILITIES[name].lag.total_seconds()
    payment = tested.payment(10_000)
    tested.provider.refund(tested.access, tested.order(payment, 1_000))
    state = tested.provider.payment_state(tested.access, payment)
    assert (len(state.refunds), state.refunded_minor) == ((0, 0) if lag else (1, 1_000))
    sandbox.admin.jump(-1_000_000)
    tested.wait(lag)
    state = tested.provider.payment_state(tested.access, payment)
    assert (len(state.refunds), state.refunded_minor) == (1, 1_000)


@pytest.mark.parametrize("name", SANDBOXES)
def test_a_refund_after_the_deadline_is_refused(name: str, sandbox: Sandbox) -> None:
    tested, deadline = adapter_under_test(name, sandbox), CAPABILITIES[name].deadline
    payment = tested.payment(10_000)
    tested.wait((deadline or timedelta(days=3_650)).total_seconds() + 1)
    outcome = tested.provider.refund(tested.access, tested.order(payment, 1_000))
    if deadline:
        assert outcome == Refused("refund_time_exceeded")
    else:
        assert isinstance(outcome, Accepted)


@pytest.mark.parametrize("name", SANDBOXES)
def test_partial_refunds_are_limited_in_number_and_sum(name: str, sandbox: Sandbox) -> None:
    tested, limit = adapter_under_test(name, sandbox), CAPABILITIES[name].max_partials
    payment = tested.payment(100_000)
    for index in range(11):
        outcome = tested.provider.refund(tested.access, tested.order(payment, 100 + index))
        is_refused = limit is not None and index >= limit
        assert isinstance(outcome, Refused) is is_refused
    rest = 100_000 - tested.moved(payment)
    outcome = tested.provider.refund(tested.access, tested.order(payment, rest + 1))
    assert outcome == Refused("amount_above_rest")


def test_a_payment_refunded_in_full_is_a_question(sandbox: Sandbox) -> None:
    tested = adapter_under_test("sandbox", sandbox)
    payment = tested.payment(1_000)
    tested.provider.refund(tested.access, tested.order(payment, 1_000))
    again = tested.provider.refund(tested.access, tested.order(payment, 1_000))
    assert again == Refused("already_refunded", is_duplicate=True)


def test_an_authorization_is_voided_and_not_refunded(sandbox: Sandbox) -> None:
    tested = adapter_under_test("sandbox", sandbox)
    sandbox.admin.add_payment("pay_a", "eur", "10.00", is_captured=False)
    sandbox.admin.put_account("sandbox")
    payment = PaymentRef("pay_a")
    assert tested.provider.payment_state(tested.access, payment).is_authorized_only
    refund = tested.provider.refund(tested.access, tested.order(payment, 1_000))
    assert refund == Refused("not_captured")
    voided = tested.provider.void(tested.access, tested.order(payment, 1_000))
    assert isinstance(voided, Accepted)
    assert voided.status is RefundStatus.CONFIRMED
    assert not tested.provider.payment_state(tested.access, payment).is_authorized_only
