"""After a restore the providers are asked, and accounts are resumed when all is known."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from pytest_django import Settings
from typer.testing import CliRunner

from takeback.cli.main import app
from takeback.operations import reconcile
from takeback.operations.reconcile import (
    LostRefund,
    Reconciliation,
    reconcile_accounts,
)
from takeback.orders.models import Payment
from takeback.refunds import epoch
from takeback.refunds.models import PaymentAccount, Refund
from takeback.refunds.providers import PaymentState, Unavailable
from takeback.refunds.statuses import Status
from tests import factories
from tests.factories import NOW
from tests.refunds.accounts import CREDENTIALS, create_account, create_payment, create_refund
from tests.refunds.provider import MemoryProvider, provider_refund, state_of

pytestmark = [
    pytest.mark.allow_repeated_queries("one payment after the other"),
    pytest.mark.django_db,
]

LOST = "a" * 32
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _folder(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


@pytest.fixture(autouse=True)
def provider(monkeypatch: pytest.MonkeyPatch) -> MemoryProvider:
    """The provider of all accounts."""
    memory = MemoryProvider()
    monkeypatch.setattr(reconcile, "adapter", {"sandbox": memory}.__getitem__)
    return memory


def restored_account(**fields: Any) -> PaymentAccount:
    columns: dict[str, Any] = {"paused_because": "restored", "reconcile_since": NOW}
    return create_account(**columns | fields)


def payment(reference: str, **fields: Any) -> Payment:
    """A captured payment with this id at the provider."""
    update = {"reference": reference, **fields.pop("update", {})}
    return create_payment(number=f"order of {reference}", update=update, **fields)


def run(*, accepts_losses: bool = False) -> list[Reconciliation]:
    return reconcile_accounts(accepts_losses=accepts_losses, progress=lambda done, total: None)


def record(refund: Refund, reference: str, sends: int = 1) -> None:
    """The journal of the requests of before the restore."""
    assert refund.account
    epoch.record_request(
        refund.uuid.hex, sends, account=refund.account.uuid, payment=reference, at=NOW
    )
    epoch.defer_journal()


def test_nothing_is_asked_without_a_restore(provider: MemoryProvider) -> None:
    account = create_account(paused_because="staff")
    create_refund(payment("p"), account)
    assert run() == []
    assert provider.requests == []
    assert PaymentAccount.objects.get().paused_because == "staff"


def test_account_is_asked_with_its_credentials_and_resumed(provider: MemoryProvider) -> None:
    account = restored_account(base_url="https://a.example")
    create_refund(payment("p"), account, next_look_at=NOW + 9 * DAY)
    provider.states["p"] = state_of()
    assert run() == [Reconciliation("cards", 1, [], [], [], is_resumed=True)]
    [(access, reference)] = provider.requests
    assert (access.base_url, access.credentials, reference) == (
        "https://a.example",
        CREDENTIALS,
        "p",
    )
    account.refresh_from_db()
    assert (account.paused_because, account.reconcile_since) == ("", None)
    assert Payment.objects.get().observed_at is not None


def test_account_that_staff_paused_stays_paused(provider: MemoryProvider) -> None:
    restored_account(paused_because="staff")
    assert [result.is_resumed for result in run()] == [True]
    account = PaymentAccount.objects.get()
    assert (account.paused_because, account.reconcile_since) == ("staff", None)


IN_QUESTION: list[tuple[str, dict[str, Any], bool]] = [
    *((status.value, {}, True) for status in (Status.PLANNED, Status.SENDING, Status.PENDING)),
    ("in_doubt", {"modified_date": NOW - 99 * DAY}, True),
    ("confirmed", {"modified_date": NOW - DAY}, True),
    ("confirmed", {"modified_date": NOW - DAY - SECOND}, False),
    ("failed", {"modified_date": NOW - DAY - SECOND}, False),
]


@pytest.mark.parametrize(("status", "columns", "is_in_question"), IN_QUESTION)
def test_payments_whose_refunds_may_have_changed_are_asked_about(
    provider: MemoryProvider, status: str, columns: dict[str, Any], is_in_question: bool
) -> None:
    account, row = restored_account(), payment("p")
    create_refund(row, account, status=status, **columns)
    provider.states["p"] = state_of()
    assert [result.payments for result in run()] == [int(is_in_question)]


@pytest.mark.parametrize(
    ("case_status", "update", "is_in_question"),
    [
        ("waiting", {}, True),
        ("approved", {}, True),
        ("rejected", {}, False),
        ("waiting", {"account": "cards", "kind": "klarna"}, True),
        ("waiting", {"account": "other"}, False),
        ("waiting", {"kind": "klarna"}, False),
        ("waiting", {"currency": "eur"}, False),
        ("waiting", {"currency": "try"}, True),
        ("waiting", {"reference": None}, False),
    ],
)
def test_payments_of_live_cases_are_asked_about(
    provider: MemoryProvider, case_status: str, update: dict[str, Any], is_in_question: bool
) -> None:
    """An approval after the backup is lost, and may have been paid."""
    restored_account()
    row = payment("p", update=update)
    item = factories.items_of(row.order)[0]
    factories.create_case(item=item, status=case_status)
    provider.states["p"] = state_of()
    assert [result.payments for result in run()] == [int(is_in_question)]


def test_payments_of_the_journal_are_asked_about(provider: MemoryProvider) -> None:
    account = restored_account()
    other = create_account(code="b", provider_account="2", payment_kinds=[])
    for reference, owner in (("p", account), ("q", other)):
        payment(reference)
        record(Refund(uuid=uuid4(), account=owner), reference)
    provider.states["p"] = state_of()
    assert [result.payments for result in run()] == [1]
    assert epoch.pending_requests() == []


def test_payment_of_a_lost_order_is_named_and_keeps_the_account_paused() -> None:
    account = restored_account()
    record(Refund(uuid=uuid4(), account=account), "gone")
    assert run() == [Reconciliation("cards", 0, [], [], ["gone"], is_resumed=False)]
    assert len(epoch.pending_requests()) == 1
    assert [result.is_resumed for result in run(accepts_losses=True)] == [True]
    assert epoch.pending_requests() == []


@pytest.mark.parametrize(
    ("error", "reason"),
    [(Unavailable("status_500"), "status_500"), (KeyError(), "unknown_payment")],
)
def test_account_whose_provider_does_not_report_stays_paused(
    provider: MemoryProvider, error: Exception, reason: str
) -> None:
    account = restored_account()
    for reference in ("p", "q"):
        create_refund(payment(reference), account)
    provider.states |= {"p": error, "q": state_of()}
    for accepts_losses in (False, True):
        assert run(accepts_losses=accepts_losses) == [
            Reconciliation("cards", 2, [f"p: {reason}"], [], [], is_resumed=False)
        ]
    account.refresh_from_db()
    assert (account.paused_because, account.reconcile_since) == ("restored", NOW)
    provider.states["p"] = state_of()
    assert [result.is_resumed for result in run()] == [True]


def test_one_account_does_not_hold_up_another(provider: MemoryProvider) -> None:
    first = restored_account()
    second = restored_account(code="b", provider_account="2", payment_kinds=[])
    create_refund(payment("p"), first)
    create_refund(payment("q"), second)
    provider.states |= {"p": Unavailable("no_reply"), "q": state_of()}
    assert [(result.account, result.is_resumed) for result in run()] == [
        ("cards", False),
        ("b", True),
    ]


def test_account_whose_credentials_do_not_decrypt_stays_paused(settings: Settings) -> None:
    restored_account()
    settings.DATA_KEYS = {"2": "REVG" * 10 + "REU="}
    assert run() == [Reconciliation("cards", 0, ["cards: Refused"], [], [], is_resumed=False)]


def test_account_that_a_person_pays_from_has_no_provider(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    manual = MemoryProvider("sandbox", is_manual=True)
    monkeypatch.setattr(reconcile, "adapter", {"sandbox": manual}.__getitem__)
    account = restored_account()
    create_refund(payment("p"), account)
    assert run() == [Reconciliation("cards", 0, [], [], [], is_resumed=True)]


def test_refund_that_the_database_lacks_is_named_and_keeps_the_account_paused(
    provider: MemoryProvider,
) -> None:
    account, row = restored_account(), payment("p")
    known = create_refund(row, account, status="confirmed", modified_date=NOW)
    entries = [
        provider_refund(known.uuid.hex),
        provider_refund(LOST, 250),
        provider_refund(None),
        provider_refund("made in the dashboard"),
    ]
    provider.states["p"] = state_of(*entries)
    lost = [LostRefund("order of p", LOST, 250, "try")]
    assert run() == [Reconciliation("cards", 1, [], lost, [], is_resumed=False)]
    assert run(accepts_losses=True) == [Reconciliation("cards", 1, [], lost, [], is_resumed=True)]


class Bookings:
    """The states that were booked, with the statuses of the refunds at that moment."""

    def __init__(self) -> None:
        self.statuses: list[dict[str, str]] = []

    def __call__(self, news: Any, *, now: Any) -> None:
        rows = Refund.objects.values_list("uuid", "status")
        self.statuses.append({uuid.hex: status for uuid, status in rows})


def test_refund_that_was_sent_after_the_backup_is_in_doubt_before_its_state_is_booked(
    provider: MemoryProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The provider shows one of them; the journal knows two; the third was never sent."""
    account, row = restored_account(), payment("p")
    shown, sent, never = (create_refund(row, account) for _ in range(3))
    record(sent, "p", 2)
    provider.states["p"] = state_of(provider_refund(shown.uuid.hex))
    booked = Bookings()
    monkeypatch.setattr(reconcile, "apply_refund_news", booked)
    assert [result.is_resumed for result in run()] == [True]
    expected = {
        shown.uuid.hex: Status.IN_DOUBT.value,
        sent.uuid.hex: Status.IN_DOUBT.value,
        never.uuid.hex: Status.PLANNED.value,
    }
    assert booked.statuses == [expected]
    sends = dict(Refund.objects.values_list("uuid", "sends"))
    assert sends == {shown.uuid: 1, sent.uuid: 2, never.uuid: 0}
    assert Refund.objects.get(uuid=sent.uuid).first_sent_at == NOW


def test_progress_is_reported(provider: MemoryProvider) -> None:
    account = restored_account()
    for reference in ("p", "q"):
        create_refund(payment(reference), account)
        provider.states[reference] = state_of()
    steps: list[tuple[int, int]] = []
    reconcile_accounts(
        accepts_losses=False, progress=lambda done, total: steps.append((done, total))
    )
    assert steps == [(1, 2), (2, 2)]


def command(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["reconcile", *words], env={"COLUMNS": "200"})
    return result.exit_code, result.stdout, result.stderr


def test_command_without_a_restore_does_nothing() -> None:
    create_account()
    sentence = "No payment account waits for a reconciliation.\n"
    assert command() == (0, "", sentence)


def test_command_notices_the_restore_itself(provider: MemoryProvider) -> None:
    account = create_account()
    create_refund(payment("p"), account)
    epoch.mark_generation(7)
    provider.states["p"] = state_of()
    assert command() == (0, "cards: 1 payment looked at, resumed.\n", "")
    assert epoch.marked_generation() == 8


def test_command_believes_an_operator_who_knows_of_a_restore(provider: MemoryProvider) -> None:
    account = create_account()
    create_refund(payment("p"), account, status="confirmed", modified_date=NOW)
    provider.states["p"] = state_of()
    day = f"{NOW:%Y-%m-%d}"
    assert command("--since", day) == (0, "cards: 1 payment looked at, resumed.\n", "")
    later = f"{NOW + 3 * DAY:%Y-%m-%dT%H:%M}"
    assert command("--since", later) == (0, "cards: 0 payments looked at, resumed.\n", "")


def test_command_names_what_a_person_must_decide(provider: MemoryProvider) -> None:
    account = restored_account()
    for reference in ("p", "q"):
        create_refund(payment(reference), account)
    record(Refund(uuid=UUID(LOST), account=account), "gone")
    provider.states |= {"p": Unavailable("status_500"), "q": state_of(provider_refund(LOST, 250))}
    code, out, err = command()
    assert (code, out) == (1, "cards: 2 payments looked at, still paused.\n")
    assert err.splitlines() == [
        "Error: the state of a payment is not known: p: status_500.",
        (
            "Error: order order of q: 2.50 TRY was refunded, and the restored database does not "
            f"know for which request (key {LOST})."
        ),
        "Error: no order has the payment gone: import it again.",
        (
            "Decide these requests first, so that none is paid twice. Then run `takeback reconcile "
            "--accept-losses`."
        ),
    ]
    provider.states["p"] = state_of()
    assert command("--accept-losses")[0] == 0


def test_state_is_that_of_the_port() -> None:
    assert isinstance(state_of(), PaymentState)
