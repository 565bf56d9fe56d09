"""Confirms the bank accounts of cases."""

from datetime import datetime

from django.db import transaction

from takeback.cancellations.history import update_case
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.queries import cases_opened_together
from takeback.cancellations.statuses import LIVE, CaseEvent
from takeback.core.actor import Actor
from takeback.core.errors import NOT_FOUND, Refused
from takeback.core.ids import CaseId
from takeback.orders.locks import lock_orders_of


@transaction.atomic
def confirm_bank_account(
    case_id: CaseId, *, actor: Actor, now: datetime, account: str | None = None
) -> None:
    """Confirm the bank account of a live case; repeating it is a no-op.

    Cases with the same account that were opened in the same request are confirmed, too.
    `Refused` if the case has ended or has no account, or if its account no longer is `account`,
    a blind index.
    """
    item_ids = CancellationRequest.objects.filter(pk=case_id).values_list("order_item_id")
    lock_orders_of([item_id for (item_id,) in item_ids])
    # Read under the lock.
    live = [case for case in cases_opened_together(case_id) if case.status in LIVE]
    current = next((case.iban_index for case in live if case.pk == case_id), None)
    if current is None or account not in (None, current):
        raise Refused(NOT_FOUND)
    for case in live:
        if case.iban_index == current and not case.is_bank_account_confirmed:
            update_case(case, CaseEvent.CONFIRM_ACCOUNT, actor, now, is_bank_account_confirmed=True)
