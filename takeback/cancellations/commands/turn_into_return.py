"""Turns a cancellation whose goods have been shipped meanwhile into a return."""

from datetime import datetime

from django.db import transaction

from takeback.bank_accounts.bank_account import bank_account_of
from takeback.cancellations import errors, policy
from takeback.cancellations.commands.open import create_easy_returns_of
from takeback.cancellations.commands.set_item_status import set_item_status
from takeback.cancellations.commands.transition import lock_case
from takeback.cancellations.commands.update_plan import update_plan
from takeback.cancellations.eligibility import load_eligibility_data
from takeback.cancellations.history import Details, update_cases
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.shipment import is_shipped_meanwhile
from takeback.cancellations.statuses import CaseEvent, Kind, Status
from takeback.core.actor import Actor
from takeback.core.errors import Refused
from takeback.core.ids import CaseId, ItemId, PlanId
from takeback.orders.scope import OrderScope


@transaction.atomic
def turn_into_return(
    case_id: CaseId,
    scope: OrderScope,
    *,
    actor: Actor,
    now: datetime,
    note: str | None = None,
    version: int | None = None,
) -> None:
    """Make a return of a cancellation whose item was reported as shipped; a return stays as it is.

    The return keeps units, reason, texts and bank account, and waits for a decision as a new one
    does: it leaves its plan, its item takes the reported status, and the shop's carrier collects
    the goods at the order's shipping address. No mail is sent. `Refused` unless the item is
    shipped.
    """
    case = lock_case(case_id, scope, version)
    if case.cancellation_type == Kind.RETURN:
        return
    if not is_shipped_meanwhile(case):
        raise Refused(errors.CANNOT_RETURN_NOW, order_item=case.order_item_id)
    was_confirmed, item, plan_id = case.status == Status.CONFIRMED, case.order_item, case.plan_id
    if was_confirmed:
        assert item.deferred_status is not None, "its shipment was reported"
        set_item_status([item], item.deferred_status, now)
    values, overridden = _as_return(case, now)
    details = Details(internal_note=note, overridden=overridden)
    update_cases([(case, values)], CaseEvent.INTO_RETURN, actor, now, details)
    if plan_id is not None:
        update_plan(PlanId(plan_id), actor, now, is_promise=False, has_lost_case=True)


def _as_return(case: CancellationRequest, now: datetime) -> tuple[dict[str, object], list[str]]:
    """The values of the case as a return, and the codes of the rules that the change overrides."""
    new = NewCase(
        order_item=ItemId(case.order_item_id),
        kind=Kind.RETURN,
        reason=case.reason_id,
        quantity=case.quantity,
        description=case.description,
        bank_account=bank_account_of(case),
        refund_to_loyalty=case.fully_refund_as_loyalty_money,
        pickup_at_shipping_address=True,
    )
    data = load_eligibility_data([new], OrderScope(case.channel_id))
    new = data.with_default_pickup(new)
    create_easy_returns_of([new], [case], data, now)
    context = data.context(new, now)
    assert context, "a case has an item, which is in the scope of the case"
    # The customer gave a reason for a cancellation.
    problem = policy.reason_fits(context)
    values: dict[str, object] = {
        "cancellation_type": Kind.RETURN.value,
        "status": (
            Status.WAITING if case.status == Status.CONFIRMED else Status(case.status)
        ).value,
        "plan_id": None,
        "item_status_before": None,
        "easy_return_id": case.easy_return_id,
    }
    return values, [problem.code] if problem else []
