"""Saying that a bank account is right."""

from datetime import datetime

from django.db import transaction

from takeback.cancellations.history import update_case
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.queries import cases_opened_together
from takeback.cancellations.statuses import LIVE
from takeback.core import errors
from takeback.core.actor import Actor
from takeback.core.errors import Refused
from takeback.orders.locks import lock_orders_of

CONFIRMED = "confirm_account"
"""The event in the history of a case, whose status stays."""


@transaction.atomic
def confirm_bank_account(
    request_id: int, *, actor: Actor, now: datetime, account: str | None = None
) -> None:
    """The account's owner, or staff, says that it is right; a second time changes nothing.

    It holds for this case and for those that were asked with it and name the same account.
    With `account`, a blind index, it holds only while the case still names that one. `Refused`
    when there is no such live case.
    """
    found = CancellationRequest.objects.filter(pk=request_id).values_list("order_item_id")
    lock_orders_of([item_id for (item_id,) in found])
    # Looked at only now, under the lock.
    live = [case for case in cases_opened_together(request_id) if case.status in LIVE]
    meant = next((case.iban_index for case in live if case.pk == request_id), None)
    if meant is None or account not in (None, meant):
        raise Refused(errors.NOT_FOUND)
    for case in live:
        if case.iban_index == meant and not case.is_bank_account_confirmed:
            update_case(case, CONFIRMED, actor, now, is_bank_account_confirmed=True)
