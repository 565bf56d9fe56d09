"""Events of the sandbox: what arrives, and which of it the adapter believes."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from takeback.core import clock
from takeback.refund_providers.sandbox import signature
from takeback.refund_providers.sandbox_server.failures import Failure
from takeback.refunds.providers import Accepted, PaymentRef
from tests.refund_providers.adapters import SandboxUnderTest
from tests.rigs.receiver import ReceivedEvent, Receiver, receiving
from tests.rigs.sandbox import Sandbox

NAME = "sandbox_forever"


@pytest.fixture
def receiver(sandbox: Sandbox) -> Iterator[Receiver]:
    """The receiver of the account's events."""
    with receiving() as receiver:
        sandbox.admin.put_account(NAME, behaves_like=NAME, webhook_url=receiver.url)
        yield receiver


@pytest.fixture
def tested(sandbox: Sandbox, receiver: Receiver) -> SandboxUnderTest:
    return SandboxUnderTest(NAME, sandbox)


@pytest.fixture
def payment(tested: SandboxUnderTest) -> PaymentRef:
    return tested.payment(10_000)


def _refund(tested: SandboxUnderTest, payment: PaymentRef, amount: int = 1_000) -> Any:
    return tested.provider.refund(tested.access, tested.order(payment, amount))


def _payment_of(tested: SandboxUnderTest, event: ReceivedEvent) -> Any:
    return tested.provider.payment_of_event(tested.access, event.headers, event.body)


def _refund_in(event: ReceivedEvent) -> Any:
    return json.loads(event.body)["data"]["refund"]


def test_a_refund_causes_a_signed_event(
    tested: SandboxUnderTest, payment: PaymentRef, receiver: Receiver
) -> None:
    accepted = _refund(tested, payment)
    [event] = receiver.wait_for(1)
    event_id = json.loads(event.body)["id"]
    assert _payment_of(tested, event) == (event_id, payment)
    assert _refund_in(event)["id"] == accepted.provider_refund


@pytest.mark.parametrize("position", range(0, 300, 7))
def test_a_changed_byte_breaks_the_signature(
    tested: SandboxUnderTest, position: int, sandbox: Sandbox
) -> None:
    body = json.dumps({"id": "evt_1", "payment": "pay_1", "data": "x" * 280}).encode()
    headers = _headers(tested, body)
    event = ReceivedEvent(headers, body)
    assert _payment_of(tested, event) == ("evt_1", PaymentRef("pay_1"))
    changed = bytearray(body)
    changed[position] ^= 1
    assert _payment_of(tested, event._replace(body=bytes(changed))) is None


def _headers(
    tested: SandboxUnderTest, body: bytes, *, age: float = 0, secret: str = ""
) -> dict[str, str]:
    timestamp = str(int(clock.now().timestamp() - age))
    secret = secret or tested.access.credentials["webhook_secret"]
    return {"sandbox-signature": f"t={timestamp},v1={signature(secret, timestamp, body)}"}


BODY = b'{"id": "evt_1", "payment": "pay_1"}'


@pytest.mark.parametrize(
    ("age", "is_fresh"), [(0, True), (295, True), (310, False), (-295, True), (-310, False)]
)
def test_an_event_is_believed_for_five_minutes(
    tested: SandboxUnderTest, age: int, *, is_fresh: bool
) -> None:
    event = ReceivedEvent(_headers(tested, BODY, age=age), BODY)
    assert (_payment_of(tested, event) is not None) is is_fresh


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=1",
        "v1=" + "0" * 64,
        "t=1,v1=",
        "t=,v1=" + "0" * 64,
        "t=1,v1=" + "G" * 64,
        "t=" + "9" * 13 + ",v1=" + "0" * 64,
        "t=1,v1=" + "0" * 64 + ",v1=" + "1" * 64,
        "t=\u0661,v1=" + "0" * 64,
    ],
)
def test_a_malformed_signature_is_no_signature(tested: SandboxUnderTest, header: str) -> None:
    event = ReceivedEvent({"Sandbox-Signature": header}, BODY)
    assert _payment_of(tested, event) is None


def test_the_previous_secret_is_valid_during_a_rotation(tested: SandboxUnderTest) -> None:
    old = tested.access.credentials["webhook_secret"]
    event = ReceivedEvent(_headers(tested, BODY, secret=old), BODY)
    tested.access = tested.access._replace(credentials={"webhook_secret": "new"})
    assert _payment_of(tested, event) is None
    tested.access = tested.access._replace(
        credentials={"webhook_secret": "new", "previous_webhook_secret": old}
    )
    assert _payment_of(tested, event) == ("evt_1", PaymentRef("pay_1"))


def test_an_account_without_a_webhook_secret_believes_nothing(tested: SandboxUnderTest) -> None:
    for credentials in ({}, {"webhook_secret": ""}):
        timestamp = str(int(clock.now().timestamp()))
        headers = {"Sandbox-Signature": f"t={timestamp},v1={signature('', timestamp, BODY)}"}
        tested.access = tested.access._replace(credentials=credentials)
        assert _payment_of(tested, ReceivedEvent(headers, BODY)) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"id": "evt_1"}',
        b'{"id": 1, "payment": "pay_1"}',
        b'{"id": "", "payment": "pay_1"}',
        b'{"id": "evt_1", "payment": ""}',
        b'{"id": "evt_1", "payment": "pay_1", "payment": "pay_2"}',
        b'{"id": "evt_\\n", "payment": "pay_1"}',
        b'{"id": "' + b"x" * 256 + b'", "payment": "pay_1"}',
        b'{"id": "evt_1", "payment": "pay_1", "x": "' + b"y" * 65_536 + b'"}',
    ],
    ids=range(10),
)
def test_a_signed_event_that_cannot_be_read_names_no_payment(
    tested: SandboxUnderTest, body: bytes
) -> None:
    assert _payment_of(tested, ReceivedEvent(_headers(tested, body), body)) is None


def test_an_event_can_arrive_before_the_reply(
    tested: SandboxUnderTest, payment: PaymentRef, receiver: Receiver
) -> None:
    tested.sandbox.admin.fail(Failure.EVENT_BEFORE_REPLY)
    accepted = _refund(tested, payment)
    assert isinstance(accepted, Accepted)
    [event] = receiver.events
    assert _refund_in(event)["id"] == accepted.provider_refund


def test_an_event_can_arrive_twice(
    tested: SandboxUnderTest, payment: PaymentRef, receiver: Receiver
) -> None:
    tested.sandbox.admin.fail(Failure.EVENT_DUPLICATED)
    _refund(tested, payment)
    first, second = receiver.wait_for(2)
    assert first.body == second.body
    assert _payment_of(tested, first) == _payment_of(tested, second)


def test_an_event_can_arrive_after_the_next(
    tested: SandboxUnderTest, payment: PaymentRef, receiver: Receiver
) -> None:
    tested.sandbox.admin.fail(Failure.EVENT_REORDERED)
    _refund(tested, payment, 100)
    _refund(tested, payment, 200)
    amounts = [_refund_in(event)["amount"] for event in receiver.wait_for(2)]
    assert amounts == ["2.00", "1.00"]


def test_a_withheld_event_leaves_on_demand(
    tested: SandboxUnderTest, payment: PaymentRef, receiver: Receiver
) -> None:
    tested.sandbox.admin.fail(Failure.EVENT_REORDERED)
    _refund(tested, payment)
    assert tested.sandbox.admin.ledger()["events"][0]["is_delivered"] is False
    tested.sandbox.admin.send_event()
    assert len(receiver.wait_for(1)) == 1


def test_an_event_can_arrive_days_late_with_a_fresh_signature(
    tested: SandboxUnderTest, payment: PaymentRef, receiver: Receiver
) -> None:
    days = timedelta(days=3).total_seconds()
    tested.sandbox.admin.fail(Failure.EVENT_LATE, seconds=days)
    _refund(tested, payment, 100)
    _refund(tested, payment, 200)
    assert [_refund_in(event)["amount"] for event in receiver.wait_for(1)] == ["2.00"]
    tested.wait(days)
    late = receiver.wait_for(2)[1]
    assert _refund_in(late)["amount"] == "1.00"
    assert _payment_of(tested, late) is not None


def test_an_event_can_get_lost(
    tested: SandboxUnderTest, payment: PaymentRef, receiver: Receiver
) -> None:
    tested.sandbox.admin.fail(Failure.EVENT_LOST)
    _refund(tested, payment, 100)
    _refund(tested, payment, 200)
    assert [_refund_in(event)["amount"] for event in receiver.wait_for(1)] == ["2.00"]


@pytest.mark.parametrize(
    ("failure", "key", "value"),
    [
        (Failure.EVENT_WRONG_AMOUNT, "amount", "0.01"),
        (Failure.EVENT_WRONG_CURRENCY, "currency", "XAF"),
        (Failure.EVENT_WRONG_REFERENCE, "reference", "0" * 32),
    ],
)
def test_a_wrong_event_only_triggers_a_look(
    tested: SandboxUnderTest,
    payment: PaymentRef,
    receiver: Receiver,
    failure: Failure,
    key: str,
    value: str,
) -> None:
    """The adapter reports the payment of an event and nothing else of its content."""
    tested.sandbox.admin.fail(failure)
    _refund(tested, payment)
    [event] = receiver.wait_for(1)
    assert _refund_in(event)[key] == value
    assert _payment_of(tested, event) == (json.loads(event.body)["id"], payment)
    state = tested.provider.payment_state(tested.access, payment)
    assert (state.refunds[0].amount_minor, state.refunds[0].currency) == (1_000, "eur")


@pytest.mark.parametrize("failure", [Failure.EVENT_WRONG_SIGNATURE, Failure.EVENT_OLD_SIGNATURE])
def test_an_event_with_a_wrong_signature_is_not_believed(
    tested: SandboxUnderTest, payment: PaymentRef, receiver: Receiver, failure: Failure
) -> None:
    tested.sandbox.admin.fail(failure)
    _refund(tested, payment)
    [event] = receiver.wait_for(1)
    assert _payment_of(tested, event) is None


def test_a_refused_event_is_sent_three_times(
    tested: SandboxUnderTest, payment: PaymentRef, receiver: Receiver
) -> None:
    receiver.status = 503
    _refund(tested, payment)
    receiver.wait_for(1)
    tested.wait(5)
    receiver.wait_for(2)
    tested.wait(5)
    events = receiver.wait_for(3)
    tested.wait(5)
    _refund(tested, payment, 200)
    receiver.wait_for(4)
    assert [event.body for event in receiver.events].count(events[0].body) == 3


def test_a_delivered_event_can_be_sent_again(
    tested: SandboxUnderTest, payment: PaymentRef, receiver: Receiver
) -> None:
    _refund(tested, payment)
    [event] = receiver.wait_for(1)
    tested.sandbox.admin.send_event(json.loads(event.body)["id"])
    assert receiver.wait_for(2)[1].body == event.body


def test_later_results_cause_events(
    tested: SandboxUnderTest, payment: PaymentRef, receiver: Receiver
) -> None:
    tested.sandbox.admin.fail(Failure.PENDING, seconds=60)
    accepted = _refund(tested, payment)
    tested.wait(60)
    receiver.wait_for(2)
    tested.sandbox.admin.set_status(accepted.provider_refund, "failed", "declined")
    tested.sandbox.admin.refund_in_dashboard(payment.payment, "1.00")
    events = receiver.wait_for(4)
    assert [json.loads(event.body)["type"] for event in events] == [
        "refund.pending",
        "refund.succeeded",
        "refund.failed",
        "refund.succeeded",
    ]
