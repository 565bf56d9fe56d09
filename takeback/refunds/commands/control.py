"""The second person of a refund, and the pause of a payment account."""

from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import QuerySet

from takeback.accounts.models import ApiKey
from takeback.accounts.staff_rights import MoneyStep, ensure_may, rights_of_staff
from takeback.core.actor import Actor, ActorKind
from takeback.core.errors import NOT_FOUND, Refused
from takeback.core.ids import OrderId
from takeback.orders.locks import lock_orders
from takeback.refunds import account_errors as errors
from takeback.refunds.commands.accounts import lock_account
from takeback.refunds.models import PaymentAccount, Refund
from takeback.refunds.statuses import Status

PAUSED_BY_STAFF = "staff"
"""The reason in `PaymentAccount.paused_because` if staff gave none."""

log = structlog.get_logger(__name__)


@transaction.atomic
def approve_second_person(refund_id: int, *, actor: Actor, now: datetime) -> None:
    """Approve a refund that needs a second person; repeating it is a no-op.

    `Refused` unless the actor is staff of the order's channel with the right, and another person
    than the one who requested the refund, at the desk or with the key of an own login.
    """
    refund = _lock_refund(refund_id)
    rights = rights_of_staff(actor.number or 0) if actor.kind is ActorKind.STAFF else None
    ensure_may(MoneyStep.APPROVE_AS_SECOND_PERSON, rights, refund.order.channel_id)
    if refund.approved_by_number == actor.number:
        return
    is_waiting = refund.needs_second_person and refund.approved_by_number is None
    if not is_waiting or refund.status != Status.PLANNED:
        raise Refused(errors.NO_SECOND_PERSON_NEEDED, refund=refund_id)
    if actor.number == _requester(refund):
        raise Refused(errors.SAME_PERSON, refund=refund_id)
    approved = Refund.objects.filter(pk=refund_id)
    approved.update(approved_by_number=actor.number, modified_date=now)
    _try_now(approved, now)
    log.info("refund approved by a second person", refund=refund_id, staff=actor.number)


@transaction.atomic
def pause_account(
    channel_id: int, account_id: int, *, reason: str = PAUSED_BY_STAFF, now: datetime
) -> None:
    """Stop sending through an account; a repetition changes the reason only.

    Requests that have left are not called back: their results still arrive.
    """
    account = lock_account(account_id, channel_id)
    if account.paused_because != reason:
        _set_pause(account, reason, now)


@transaction.atomic
def resume_account(channel_id: int, account_id: int, *, now: datetime) -> None:
    """Send through an account again, also the refunds that were planned meanwhile.

    `Refused` after a restore, until the provider has been asked what it has paid back.
    """
    account = lock_account(account_id, channel_id)
    if account.reconcile_since is not None:
        raise Refused(errors.NEEDS_RECONCILIATION.with_values(code=account.code))
    if account.paused_because:
        _set_pause(account, "", now)


def send_soon(account_id: int, now: datetime) -> None:
    """Let the worker try the refunds of an account that were held."""
    _try_now(Refund.objects.filter(account_id=account_id, status=Status.PLANNED.value), now)


def _try_now(refunds: "QuerySet[Refund]", now: datetime) -> None:
    """Refunds that no attempt has met yet keep the time of their message."""
    refunds.filter(next_look_at__gt=now).update(next_look_at=now)


def _set_pause(account: PaymentAccount, reason: str, now: datetime) -> None:
    PaymentAccount.objects.filter(pk=account.pk).update(paused_because=reason, modified_date=now)
    if not reason:
        send_soon(account.pk, now)
    log.info(
        "payment account paused" if reason else "payment account resumed", account=account.code
    )


def _lock_refund(refund_id: int) -> Refund:
    order_id = Refund.objects.filter(pk=refund_id).values_list("order_id", flat=True).first()
    if order_id is None:
        raise Refused(NOT_FOUND)
    lock_orders([OrderId(order_id)])
    return Refund.objects.select_related("order").get(pk=refund_id)


def _requester(refund: Refund) -> int | None:
    """The staff user who requested a refund; the key of a login belongs to one, too."""
    number = refund.requested_by_number
    if number is None or refund.requested_by_kind != ActorKind.CHANNEL:
        return number if refund.requested_by_kind == ActorKind.STAFF else None
    return ApiKey.objects.filter(pk=number).values_list("user_id", flat=True).first()
