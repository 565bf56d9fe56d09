"""The sandbox itself: its ledger survives kill -9, seeds repeat, only this machine reaches it."""

import json
import re
import signal
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from socket import SHUT_WR, create_connection

import pytest

from takeback.refund_providers.capabilities import CAPABILITIES
from takeback.refund_providers.sandbox import SandboxProvider
from takeback.refund_providers.sandbox_server.client import SandboxAdmin, SandboxRefused
from takeback.refund_providers.sandbox_server.failures import Failure, Target, fits
from takeback.refunds.providers import Accepted, AccountAccess, PaymentRef, RefundOrder, Unknown
from tests.refund_providers.adapters import SandboxUnderTest, new_key
from tests.rigs.sandbox import Sandbox, sandbox_process
from tests.rigs.serving import free_port

ACCESS = {"secret": "sandbox-secret", "webhook_secret": "sandbox-webhook-secret"}


def test_the_ledger_and_the_keys_survive_a_kill(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    access = AccountAccess(url, "sandbox", ACCESS, is_test=True)
    provider = SandboxProvider("sandbox", CAPABILITIES["sandbox"])
    order = RefundOrder(new_key(), PaymentRef("pay_1"), 1_000, "eur")
    with sandbox_process(tmp_path, port):
        SandboxAdmin(url).add_payment("pay_1", "eur", "100.00")
        SandboxAdmin(url).fail(Failure.COMMIT_THEN_RESET)
        assert provider.refund(access, order) == Unknown("connection_lost")
    with sandbox_process(tmp_path, port) as process:
        accepted = provider.refund(access, order)
        assert isinstance(accepted, Accepted)
        payment = SandboxAdmin(url).payment("pay_1")
        assert (payment["refunded"], len(payment["refunds"])) == ("10.00", 1)
        assert len(SandboxAdmin(url).money_requests("pay_1")) == 2
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_a_busy_port_ends_the_command(sandbox: Sandbox, tmp_path: Path) -> None:
    program = "from takeback.cli.main import app; app()"
    command = [sys.executable, "-c", program, "sandbox-provider", "--data", str(tmp_path)]
    done = subprocess.run(
        [*command, "--port", str(sandbox.server.port)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "is busy" in done.stderr) == (1, True)


def test_request_that_is_cut_moves_no_money(sandbox: Sandbox) -> None:
    tested = SandboxUnderTest("sandbox", sandbox)
    payment = tested.payment(10_000)
    head = (
        f"POST /v1/payments/{payment.payment}/refunds HTTP/1.1\r\nHost: 127.0.0.1:1\r\n"
        "Authorization: Bearer sandbox-secret\r\nContent-Type: application/json\r\n"
        "Idempotency-Key: k\r\nContent-Length: 100\r\n\r\n"
    )
    with create_connection(("127.0.0.1", sandbox.server.port)) as connection:
        connection.sendall(head.encode() + b'{"amount"')
        connection.shutdown(SHUT_WR)
        assert connection.recv(1) == b""
    assert sandbox.admin.money_requests(payment.payment) == []


def test_each_money_request_is_logged_with_its_key_and_effect(sandbox: Sandbox) -> None:
    tested = SandboxUnderTest("sandbox", sandbox)
    payment = tested.payment(10_000)
    order = tested.order(payment, 1_000)
    sandbox.admin.fail(Failure.ERROR_500)
    replies = [tested.provider.refund(tested.access, order) for _ in range(3)]
    tested.provider.payment_state(tested.access, payment)
    requests = sandbox.admin.money_requests(payment.payment)
    assert [row["status"] for row in requests] == [500, 201, 201]
    assert [row["failure"] for row in requests] == ["error_500", None, None]
    assert {row["key"] for row in requests} == {order.key}
    assert len({row["body_hash"] for row in requests}) == 1
    assert isinstance(replies[1], Accepted)
    moved = [row["moved_refund"] for row in requests]
    assert moved == [None, replies[1].provider_refund, None]


def test_a_script_is_for_its_payment_after_the_skipped_requests(sandbox: Sandbox) -> None:
    tested = SandboxUnderTest("sandbox", sandbox)
    payment, other = tested.payment(10_000), tested.payment(10_000)
    sandbox.admin.fail(Failure.ERROR_500, payment=payment.payment, skip=1, count=2)
    outcomes = [
        isinstance(tested.provider.refund(tested.access, tested.order(target, amount)), Accepted)
        for target, amount in [(other, 1), (payment, 2), (payment, 3), (payment, 4), (payment, 5)]
    ]
    assert outcomes == [True, True, False, False, True]


def _outcomes_of(sandbox: Sandbox, seed: str) -> list[str | None]:
    sandbox.clear()
    sandbox.admin.add_payment("pay_1", "eur", "1000.00")
    quick = [Failure.ERROR_500, Failure.COMMIT_THEN_500, Failure.EMPTY, Failure.RATE_LIMIT]
    sandbox.admin.seed(seed, 50, quick)
    tested = SandboxUnderTest("sandbox", sandbox)
    tested.access = sandbox.access("sandbox")
    sandbox.admin.put_account("sandbox", secret="sandbox-secret")
    for amount in range(1, 31):
        tested.provider.refund(tested.access, tested.order(PaymentRef("pay_1"), amount))
    return [row["failure"] for row in sandbox.admin.money_requests("pay_1")]


def test_a_seed_repeats_its_failures(sandbox: Sandbox) -> None:
    first = _outcomes_of(sandbox, "7")
    assert 8 <= sum(failure is not None for failure in first) <= 22
    assert len(set(first)) >= 4
    assert _outcomes_of(sandbox, "7") == first
    assert _outcomes_of(sandbox, "8") != first


def test_failures_end_on_demand(sandbox: Sandbox) -> None:
    tested = SandboxUnderTest("sandbox", sandbox)
    payment = tested.payment(10_000)
    sandbox.admin.seed("1", 100, [Failure.ERROR_500])
    sandbox.admin.fail(Failure.ERROR_500, count=9)
    sandbox.admin.clear_failures()
    assert isinstance(tested.provider.refund(tested.access, tested.order(payment, 1)), Accepted)


def test_every_failure_can_be_scripted(sandbox: Sandbox) -> None:
    for failure in Failure:
        for target in Target:
            if fits(failure, target):
                sandbox.admin.fail(failure, target=target)


BAD_ADMIN_BODIES = [
    ("failures", {}, "missing or unknown"),
    ("failures", {"failure": "no_such"}, "no_such"),
    ("payments", {"payments": [{"id": "p", "currency": "eur", "amount": "1"}]}, "2 decimals"),
    ("payments", {"payments": [{"id": "p", "currency": "jpy", "amount": "1.00"}]}, "0 decimals"),
    ("payments", {"payments": [{"id": "p", "currency": "eur", "amount": "0.00"}]}, "above 0"),
    ("payments", {"payments": [{"id": "p", "account": "none"}]}, "none"),
    ("charge_backs", {"payment": "none", "amount": "1.00"}, "none"),
    ("disputes", {"payment": "none"}, "none"),
    ("statuses", {"refund": "none", "status": "failed"}, "none"),
    ("statuses", {"refund": "none", "status": "gone"}, "unknown status"),
    ("accounts", {"name": "x", "behaves_like": "none"}, "none"),
    ("accounts", {"name": "x", "behavior": {"wings": 2}}, "unknown: wings"),
    ("clock", {"seconds": "soon"}, "soon"),
    ("nothing", {}, "unknown route"),
]


@pytest.mark.parametrize(("action", "body", "text"), BAD_ADMIN_BODIES)
def test_a_wrong_admin_request_is_explained_and_changes_nothing(
    sandbox: Sandbox, action: str, body: dict[str, object], text: str
) -> None:
    before = sandbox.admin.ledger()["payments"]
    status, document = _post(sandbox, f"/admin/{action}", json.dumps(body))
    assert 400 <= status < 500
    assert re.search(text, document["error"]["message"])
    assert sandbox.admin.ledger()["payments"] == before


def _post(
    sandbox: Sandbox,
    path: str,
    body: str,
    *,
    content_type: str = "application/json",
    host: str = "",
) -> tuple[int, dict[str, dict[str, str]]]:
    connection = HTTPConnection("127.0.0.1", sandbox.server.port, timeout=10)
    headers = {"Content-Type": content_type}
    if host:
        headers["Host"] = host
    try:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def test_a_web_page_cannot_reach_the_admin_routes(sandbox: Sandbox) -> None:
    """Neither a form of another site nor a name that leads to this machine."""
    for content_type in ("text/plain", "application/x-www-form-urlencoded", ""):
        status, _ = _post(sandbox, "/admin/clear", "{}", content_type=content_type)
        assert status == 415
    assert _post(sandbox, "/admin/clear", "{}", host="evil.example:80")[0] == 421


def test_a_secret_opens_its_own_payments_only(sandbox: Sandbox) -> None:
    tested = SandboxUnderTest("sandbox", sandbox)
    payment = tested.payment(10_000)
    with pytest.raises(KeyError):
        tested.provider.payment_state(sandbox.access("sandbox_hour"), payment)


def test_the_admin_reports_a_refusal(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxRefused, match="none"):
        sandbox.admin.charge_back("none", "1.00")


def test_replies_take_the_time_of_the_account(sandbox: Sandbox) -> None:
    from time import monotonic

    sandbox.admin.put_account("sandbox_forever", behavior={"reply_seconds": 0.3})
    tested = SandboxUnderTest("sandbox_forever", sandbox)
    payment, start = tested.payment(10_000), monotonic()
    assert isinstance(tested.provider.refund(tested.access, tested.order(payment, 1)), Accepted)
    assert monotonic() - start >= 0.3
