"""Loads the input of the rules for sending a refund (`policy.hold_reason`)."""

from datetime import datetime

from takeback.refunds.account_queries import sent_today
from takeback.refunds.epoch import is_same_database
from takeback.refunds.models import PaymentAccount, Refund
from takeback.refunds.policy import AccountFacts, SendFacts
from takeback.refunds.statuses import Means


def send_facts(
    refund: Refund, now: datetime, *, refundable_until: datetime | None = None
) -> SendFacts:
    """The facts of a refund whose order is locked, with its payment loaded.

    The account is locked until the transaction ends: a pause comes before or after the request is
    counted, and two refunds do not use the same rest of a day's limit. `refundable_until` is the
    end of the provider's deadline.
    """
    return SendFacts(
        amount_minor=refund.amount_minor,
        needs_account=refund.means == Means.ORIGINAL,
        account=_account_facts(refund, refund.account_id, now) if refund.account_id else None,
        has_open_dispute=refund.payment.has_open_dispute,
        needs_second_person=refund.needs_second_person,
        has_second_person=refund.approved_by_number is not None,
        refundable_until=refundable_until,
        sends=refund.sends,
        now=now,
    )


def _account_facts(refund: Refund, account_id: int, now: datetime) -> AccountFacts:
    account = PaymentAccount.objects.select_for_update(no_key=True).get(pk=account_id)
    has_limit = account.limit_day_minor is not None
    return AccountFacts(
        is_active=account.is_active,
        is_paused=bool(account.paused_because),
        needs_reconciliation=account.reconcile_since is not None or not is_same_database(),
        limit_each_minor=account.limit_each_minor,
        limit_day_minor=account.limit_day_minor,
        sent_today_minor=sent_today(account.pk, now, except_refund=refund.pk) if has_limit else 0,
    )
