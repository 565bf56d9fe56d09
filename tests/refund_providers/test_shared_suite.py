"""What the port promises, for every adapter: over HTTP, or on both databases."""

from datetime import timedelta

import pytest

from takeback.refund_providers.capabilities import CAPABILITIES
from takeback.refund_providers.registry import ADAPTERS, UnknownProvider, adapter, provider_of
from takeback.refunds.providers import Accepted, Refused
from takeback.refunds.statuses import Means
from tests.refund_providers.adapters import NAMES, AdapterUnderTest, adapter_under_test
from tests.rigs.sandbox import SANDBOXES, Sandbox

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("several refunds"),
]


@pytest.fixture(params=NAMES)
def tested(request: pytest.FixtureRequest, sandbox: Sandbox) -> AdapterUnderTest:
    """Each adapter in turn."""
    return adapter_under_test(request.param, sandbox)


def test_every_provider_has_capabilities_an_adapter_and_this_suite() -> None:
    assert set(NAMES) == set(CAPABILITIES) == set(ADAPTERS)
    for name, provider in ADAPTERS.items():
        assert (provider.name, provider.capabilities) == (name, CAPABILITIES[name])


def test_an_unknown_provider_is_reported() -> None:
    with pytest.raises(UnknownProvider, match="stripes"):
        adapter("stripes")


@pytest.mark.parametrize(
    ("means", "kind", "account", "expected"),
    [
        (Means.ORIGINAL, "credit_card", "sandbox", "sandbox"),
        (Means.ORIGINAL, "credit_card", None, None),
        (Means.ORIGINAL, "loyalty_money", None, "loyalty"),
        (Means.LOYALTY, "credit_card", "sandbox", "loyalty"),
        (Means.BANK_TRANSFER, "credit_card", "sandbox", "manual"),
        (Means.MANUAL, "loyalty_money", None, "manual"),
    ],
)
def test_means_choose_the_provider(
    means: Means, kind: str, account: str | None, expected: str | None
) -> None:
    assert provider_of(means, payment_kind=kind, account_provider=account) == expected


def test_a_refund_is_accepted_with_the_ordered_amount(tested: AdapterUnderTest) -> None:
    payment = tested.payment(10_000)
    order = tested.order(payment, 1_050)
    accepted = tested.provider.refund(tested.access, order)
    assert isinstance(accepted, Accepted)
    assert accepted.matches(order)
    assert accepted.status is tested.status
    assert 0 < len(accepted.provider_refund) <= 255
    assert tested.moved(payment) == 1_050


def test_a_repeated_key_moves_money_again_only_without_keys(tested: AdapterUnderTest) -> None:
    payment = tested.payment(10_000)
    order = tested.order(payment, 1_000)
    replies = [tested.provider.refund(tested.access, order) for _ in range(3)]
    has_keys = tested.provider.capabilities.key_window != timedelta(0)
    assert tested.moved(payment) == (1_000 if has_keys else 3_000)
    assert (len(set(replies)) == 1) is has_keys


def test_the_state_lists_a_refund_by_its_reference(tested: AdapterUnderTest) -> None:
    payment = tested.payment(10_000)
    order, other = tested.order(payment, 1_000), tested.order(payment, 250)
    for sent in (order, other):
        assert isinstance(tested.provider.refund(tested.access, sent), Accepted)
    tested.wait(tested.provider.capabilities.lag.total_seconds())
    state = tested.provider.payment_state(tested.access, payment)
    listed = {refund.reference: refund for refund in state.refunds}
    assert listed.keys() == {order.key, other.key}
    assert (listed[order.key].amount_minor, listed[other.key].amount_minor) == (1_000, 250)
    assert {refund.currency for refund in state.refunds} == {"eur"}
    assert {refund.status for refund in state.refunds} == {tested.status}
    assert (state.captured_minor, state.refunded_minor) == (10_000, 1_250)
    assert (state.charged_back_minor, state.has_open_dispute) == (0, False)


def test_the_id_in_the_reply_is_the_id_in_the_state(tested: AdapterUnderTest) -> None:
    payment = tested.payment(10_000)
    accepted = tested.provider.refund(tested.access, tested.order(payment, 100))
    tested.wait(tested.provider.capabilities.lag.total_seconds())
    [refund] = tested.provider.payment_state(tested.access, payment).refunds
    assert isinstance(accepted, Accepted)
    assert refund.provider_refund == accepted.provider_refund


def test_a_payment_without_refunds_has_none_in_its_state(tested: AdapterUnderTest) -> None:
    payment = tested.payment(10_000)
    state = tested.provider.payment_state(tested.access, payment)
    assert (state.captured_minor, state.refunded_minor, state.refunds) == (10_000, 0, ())
    assert (state.currency, state.is_authorized_only) == ("eur", False)


def test_refunds_of_another_payment_are_not_listed(tested: AdapterUnderTest) -> None:
    payment, other = tested.payment(10_000), tested.payment(5_000)
    tested.provider.refund(tested.access, tested.order(payment, 100))
    tested.wait(tested.provider.capabilities.lag.total_seconds())
    assert tested.provider.payment_state(tested.access, other).refunds == ()


def test_an_unknown_payment_is_a_key_error_and_no_refund(tested: AdapterUnderTest) -> None:
    payment = tested.unknown_payment()
    with pytest.raises(KeyError):
        tested.provider.payment_state(tested.access, payment)
    if not tested.provider.capabilities.is_manual:
        order = tested.order(payment, 100)
        refused = tested.provider.refund(tested.access, order)
        assert refused == Refused("payment_not_found")


@pytest.mark.parametrize(
    ("currency", "captured", "refunded"),
    [("jpy", 10_000, 333), ("eur", 10_000, 333), ("kwd", 10_000, 330), ("huf", 10_000, 300)],
)
def test_amounts_are_exact_in_every_currency(
    tested: AdapterUnderTest, currency: str, captured: int, refunded: int
) -> None:
    payment = tested.payment(captured, currency)
    order = tested.order(payment, refunded, currency=currency)
    accepted = tested.provider.refund(tested.access, order)
    assert isinstance(accepted, Accepted)
    assert accepted.matches(order)
    tested.wait(tested.provider.capabilities.lag.total_seconds())
    state = tested.provider.payment_state(tested.access, payment)
    assert (state.captured_minor, state.refunded_minor) == (captured, refunded)
    assert tested.moved(payment) == refunded


def test_the_mode_of_the_account_is_in_the_state(tested: AdapterUnderTest) -> None:
    payment = tested.payment(10_000)
    state = tested.provider.payment_state(tested.access, payment)
    assert state.is_test == tested.access.is_test


def test_only_a_provider_of_payments_covers_the_payment(tested: AdapterUnderTest) -> None:
    state = tested.provider.payment_state(tested.access, tested.payment(10_000))
    assert state.covers_payment == (tested.provider.name in SANDBOXES)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"\xff", b"[" * 60_000, b'{"id": "e", "payment": "p"}']
)
def test_an_unsigned_event_names_no_payment(tested: AdapterUnderTest, body: bytes) -> None:
    headers = {"Sandbox-Signature": "t=1,v1=" + "0" * 64}
    assert tested.provider.payment_of_event(tested.access, headers, body) is None
    assert tested.provider.payment_of_event(tested.access, {}, body) is None


def test_a_void_is_refused_unless_the_provider_can(tested: AdapterUnderTest) -> None:
    order = tested.order(tested.payment(10_000), 10_000)
    code = "already_captured" if tested.provider.capabilities.can_void else "not_supported"
    assert tested.provider.void(tested.access, order) == Refused(code)


def test_ten_refunds_of_a_payment_add_up(tested: AdapterUnderTest) -> None:
    payment, number = tested.payment(10_000), 10
    amounts = [100 + index for index in range(number)]
    for amount in amounts:
        assert isinstance(
            tested.provider.refund(tested.access, tested.order(payment, amount)), Accepted
        )
    tested.wait(tested.provider.capabilities.lag.total_seconds())
    state = tested.provider.payment_state(tested.access, payment)
    assert [refund.amount_minor for refund in state.refunds] == amounts
    assert state.refunded_minor == tested.moved(payment) == sum(amounts)
