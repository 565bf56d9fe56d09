"""Pauses payment accounts after a restore or a failover, until they are reconciled."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models.functions import Coalesce, Least

from takeback.core.ids import OrderId
from takeback.orders.locks import lock_orders
from takeback.orders.models import Payment
from takeback.refunds import epoch
from takeback.refunds.commands.control import send_soon
from takeback.refunds.epoch import ROW, Difference
from takeback.refunds.models import DatabaseEpoch, PaymentAccount, Refund
from takeback.refunds.statuses import RESERVING, Status

RESTORED = "restored"
"""The reason in `PaymentAccount.paused_because`."""

log = structlog.get_logger(__name__)


def check_database(now: datetime) -> list[Difference]:
    """Pause all accounts if the database is not the one of before; returns what differs.

    Every worker runs it before its first message and then each minute. The first one trusts the
    database that it finds. Otherwise the generation rises, in the database before the marker: a
    crash between the two makes the database newer, which is no difference.
    """
    with transaction.atomic():
        row = _locked_row(now)
        differences = epoch.differences(row)
        if differences:
            _pause_all(row.trusted_at, now)
            row.identity = epoch.identity()
            # Above all markers of this host, so that the difference is reported once.
            row.generation = max(row.generation, epoch.marked_generation())
        row.generation += 1
        row.trusted_at = now
        row.save()
    if differences:
        log.error("database restored", differences=list(map(str, differences)))
        epoch.defer_journal()
    epoch.mark_generation(row.generation)
    return differences


def guard_database(now: datetime) -> int:
    """The check as a periodic task: it is done after one step."""
    check_database(now)
    return 0


@transaction.atomic
def distrust_database(since: datetime, now: datetime) -> None:
    """Pause all accounts because an operator knows of a restore that left no trace."""
    _pause_all(since, now)


class Request(NamedTuple):
    """How often a refund was sent, and when first."""

    sends: int
    at: datetime


@transaction.atomic
def adopt_requests(payment_id: int, requests: Mapping[str, Request], *, now: datetime) -> None:
    """Correct refunds of a payment that the restored database does not know to have been sent.

    `requests` are by key. A planned refund is in doubt afterwards: a look, or a person, decides.
    """
    order_id = Payment.objects.values_list("order_id", flat=True).get(pk=payment_id)
    lock_orders([OrderId(order_id)])
    uuids = [UUID(key) for key in requests]
    refunds = Refund.objects.filter(payment_id=payment_id, uuid__in=uuids)
    for refund in refunds.filter(status__in=[status.value for status in RESERVING]):
        sends, at = requests[refund.uuid.hex]
        row = Refund.objects.filter(pk=refund.pk)
        row.filter(sends__lt=sends).update(sends=sends, modified_date=now)
        if refund.status == Status.PLANNED:
            # Two steps, as the life cycle has them.
            row.update(status=Status.SENDING.value, first_sent_at=at, modified_date=now)
            row.update(status=Status.IN_DOUBT.value, next_look_at=now)
            log.warning("refund was sent before the restore", refund=refund.pk)


@transaction.atomic
def end_reconciliation(account_id: int, *, now: datetime) -> None:
    """Resume an account whose provider was asked; a pause by staff remains."""
    account = PaymentAccount.objects.select_for_update(no_key=True).get(pk=account_id)
    account.reconcile_since = None
    if account.paused_because == RESTORED:
        account.paused_because = ""
    account.modified_date = now
    account.save(update_fields=["reconcile_since", "paused_because", "modified_date"])
    if not account.paused_because:
        send_soon(account.pk, now)
    log.info("payment account reconciled", account=account.code)


def _locked_row(now: datetime) -> DatabaseEpoch:
    """The row, locked: two workers may start at the same moment."""
    DatabaseEpoch.objects.bulk_create(
        [DatabaseEpoch(pk=ROW, identity=epoch.identity(), generation=0, trusted_at=now)],
        ignore_conflicts=True,
    )
    return DatabaseEpoch.objects.select_for_update().get(pk=ROW)


def _pause_all(since: datetime, now: datetime) -> None:
    """Accounts that wait already keep the earlier moment, and a pause by staff its reason."""
    accounts = PaymentAccount.objects.filter(is_active=True)
    accounts.filter(paused_because="").update(paused_because=RESTORED)
    accounts.update(
        reconcile_since=Least(Coalesce("reconcile_since", since), since), modified_date=now
    )
