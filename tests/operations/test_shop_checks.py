"""What the check-up says of a shop that is not ready; each finding names what fixes it."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from takeback.accounts.models import ApiKey, Channel, StaffMember, User
from takeback.cancellations.models import CancellationReason
from takeback.core import clock
from takeback.core.env import DECLARED
from takeback.logistics.models import EasyReturnShippingCompany
from takeback.operations import doctor, shop_checks
from takeback.operations.findings import Finding, Severity
from takeback.outbox.commands import record_run
from takeback.outbox.models import WorkerRun
from tests.factories import create_channel, create_message, create_order, install_shop

FAILURE, WARNING = Severity.FAILURE, Severity.WARNING
FIX = re.compile(rf"`(?:takeback|chmod|timedatectl) [^`]+`|\b(?:{'|'.join(DECLARED)})\b")

Change = Callable[[Settings], object]


def _examine() -> dict[str, Finding]:
    findings = doctor.examine(every_order=False, progress=lambda done, total: None)
    return {finding.subject: finding for finding in findings}


MISSING: list[tuple[str, Change, Severity, str]] = [
    (
        "reasons",
        lambda _: CancellationReason.objects.filter(pk=10).delete(),
        FAILURE,
        (
            "Channel 1 does not offer reason 10, which clients send. Run `takeback init`, or "
            "activate it at the desk under Settings."
        ),
    ),
    (
        "reasons",
        lambda _: CancellationReason.objects.update(is_active=False),
        FAILURE,
        (
            "Channel 1 does not offer reason 1 and 10, which clients send. Run `takeback init`, or "
            "activate it at the desk under Settings."
        ),
    ),
    (
        "carriers",
        lambda _: EasyReturnShippingCompany.objects.all().delete(),
        WARNING,
        (
            "Channel 1 has no carrier: customers do not learn how to send goods back. "
            "Run `takeback add-carrier`."
        ),
    ),
    (
        "carriers",
        lambda settings: setattr(settings, "RETURN_CARRIER", 7),
        FAILURE,
        (
            "Channel 1 has no active carrier 7. Run `takeback list-carriers`, and correct "
            "RETURN_CARRIER."
        ),
    ),
    (
        "staff",
        lambda _: User.objects.update(is_active=False),
        FAILURE,
        (
            "Nobody may decide requests of channel 1. Run `takeback init`, `takeback add-staff` or "
            "`takeback change-staff`."
        ),
    ),
    (
        "staff",
        lambda _: StaffMember.objects.update(scopes=["read"]),
        FAILURE,
        (
            "Nobody may decide requests of channel 1. Run `takeback init`, `takeback add-staff` or "
            "`takeback change-staff`."
        ),
    ),
    (
        "API key",
        lambda _: ApiKey.objects.update(revoked_at=clock.now()),
        FAILURE,
        "No key can send orders to channel 1. Run `takeback issue-key`.",
    ),
    (
        "worker",
        lambda _: WorkerRun.objects.all().delete(),
        FAILURE,
        "No worker has run: nobody gets a mail. Start `takeback worker`.",
    ),
    (
        "storefront channel",
        lambda _: Channel.objects.update(is_active=False),
        FAILURE,
        (
            "No active channel 1. Run `takeback add-channel`, or correct STOREFRONT_CHANNEL and "
            "STOREFRONT_HOSTS."
        ),
    ),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("subject", "change", "severity", "message"), MISSING)
def test_missing_part_is_named_with_its_command(
    settings: Settings, subject: str, change: Change, severity: Severity, message: str
) -> None:
    install_shop()
    assert _examine()[subject].severity is Severity.FINE
    change(settings)
    assert _examine()[subject] == (subject, severity, message)


@pytest.mark.django_db
def test_empty_database_names_init_first() -> None:
    message = _examine()["storefront channel"].message
    assert message == "There is no channel. Run `takeback init`."


@pytest.mark.django_db
def test_shop_whose_orders_are_imported_needs_no_key() -> None:
    create_order()
    assert _examine()["API key"].severity is WARNING


@pytest.mark.django_db
def test_second_channel_is_checked_and_shares_reasons(settings: Settings) -> None:
    install_shop()
    create_channel(pk=2)
    settings.STOREFRONT_HOSTS = {"other.example": "2"}
    findings = _examine()
    assert findings["reasons"].severity is Severity.FINE
    assert findings["carriers"].severity is Severity.FINE
    assert findings["staff"].message.startswith("Nobody may decide requests of channel 2.")


@pytest.mark.django_db
def test_worker_that_stopped_is_a_failure() -> None:
    moment = clock.now() - timedelta(minutes=6)
    record_run(moment)
    record_run(moment)
    assert _examine()["worker"] == (
        "worker",
        FAILURE,
        f"No worker has run since {moment:%Y-%m-%d %H:%M}. Start `takeback worker`.",
    )


@pytest.mark.django_db
def test_every_finding_names_what_fixes_it(settings: Settings, tmp_path: Path) -> None:
    """Everything is wrong at once, in two ways where one hides another."""
    create_message(due_at=clock.now() - timedelta(days=1))
    settings.DEBUG, settings.SECRET_KEY, settings.TLS = True, "short", False
    settings.SITE_URL, settings.DATA_KEYS = "http://shop.example", {}
    settings.DATA_DIR = tmp_path / "missing"
    findings = list(_examine().values())
    create_channel()
    settings.ALLOWED_HOSTS, settings.DATA_DIR = ["*"], tmp_path
    tmp_path.chmod(0o755)
    findings += _examine().values()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'limits'")
    findings += _examine().values()
    wrong = [finding for finding in findings if finding.severity is not Severity.FINE]
    assert {finding.subject for finding in wrong} >= {
        *("migrations", "storefront channel", "reasons", "carriers", "staff", "API key", "worker"),
        *("outbox", "data keys", "data folder", "file modes", "secret key", "debug", "hosts"),
        *("tls", "mail"),
    }
    assert [finding for finding in wrong if not FIX.search(finding.message)] == []
    assert set(shop_checks.CHECKS) <= {finding.subject for finding in wrong}
