"""Writing corrections: what changes is judged by the rules that let it in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from takeback.bank_accounts import bank_account
from takeback.bank_accounts.bank_account import BankAccount
from takeback.cancellations import errors, policy
from takeback.cancellations.commands.transition import lock_case, transition_to
from takeback.cancellations.eligibility import load_eligibility_data
from takeback.cancellations.history import update_case
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.statuses import Kind, Status
from takeback.cancellations.topics import Topic, publish
from takeback.core.actor import Actor
from takeback.core.errors import Refused
from takeback.orders.scope import OrderScope

EDITED = "edit"
"""The event of the history row of a correction."""

OPEN = (Status.WAITING.value, Status.WAITING_APPROVAL.value)
NOT_APPROVED = (*OPEN, Status.CONFIRMED.value)


@dataclass(frozen=True, slots=True)
class Edit:
    """New values of a case; None leaves one as it is, an empty description takes it away.

    Once corrected the case is brought to `status`, by the command that leads there.
    """

    description: str | None = None
    reason: int | None = None
    quantity: int | None = None
    refund_to_loyalty: bool | None = None
    bank_account: BankAccount | None = None
    status: Status | None = None


@transaction.atomic
def edit_case(
    request_id: int,
    scope: OrderScope,
    told: Edit,
    *,
    actor: Actor,
    now: datetime,
    version: int | None = None,
    is_account_trusted: bool = False,
) -> None:
    """Change what was asked for; nothing is written when everything is so already.

    Quantity, reason and points are open until the case is confirmed, words and bank account until
    the money is planned. A new account waits for its owner's word, and a mail asks for it, unless
    `is_account_trusted`.
    """
    case = lock_case(request_id, scope, version)
    changes = _differences(case, told, is_account_trusted=is_account_trusted)
    if changes:
        allowed = NOT_APPROVED if changes.keys() <= _LATE else OPEN
        if case.status not in allowed:
            raise Refused(errors.WRONG_STATUS, status=case.status, step=EDITED)
        _judge(case, changes, told, scope)
        update_case(case, EDITED, actor, now, **changes)
        publish(Topic.EDITED, [case])
        if changes.keys() & _ACCOUNT:
            publish(Topic.ACCOUNT_CHANGED, [case])
    if told.status:
        transition_to(case, told.status, actor, now)


_ACCOUNT = {"iban_encrypted", "holder_name_encrypted", "iban_index", "is_bank_account_confirmed"}
_LATE = {"description", *_ACCOUNT}
"""What may be corrected until the money is planned."""


def _differences(
    case: CancellationRequest, told: Edit, *, is_account_trusted: bool
) -> dict[str, Any]:
    wanted = {
        "reason_id": told.reason,
        "quantity": told.quantity,
        "fully_refund_as_loyalty_money": told.refund_to_loyalty,
    }
    changes: dict[str, Any] = {
        name: value
        for name, value in wanted.items()
        if value is not None and value != getattr(case, name)
    }
    if told.description is not None and told.description != (case.description or ""):
        changes["description"] = told.description or None
    account = told.bank_account
    if account and account != bank_account.bank_account_of(case):
        changes |= bank_account.encrypted_columns(account, case.uuid) | {
            "is_bank_account_confirmed": is_account_trusted
        }
    return changes


def _judge(
    case: CancellationRequest, changes: dict[str, Any], told: Edit, scope: OrderScope
) -> None:
    """By the rules that each new value falls under."""
    ask = NewCase(
        order_item=case.order_item_id,
        kind=Kind(case.cancellation_type),
        reason=changes.get("reason_id", case.reason_id),
        quantity=changes.get("quantity"),
        description=changes.get("description", case.description),
        bank_account=told.bank_account or bank_account.bank_account_of(case),
        refund_to_loyalty=changes.get(
            "fully_refund_as_loyalty_money", case.fully_refund_as_loyalty_money
        ),
    )
    seen = load_eligibility_data([ask], scope)
    item = seen.items[ask.order_item]
    rules = [rule for name, rules in _RULES.items() if name in changes for rule in rules]
    for rule in rules:
        if problem := rule(ask.wish, item.facts, seen.conditions_of(ask)):
            raise Refused(problem, order_item=case.order_item_id)


_RULES: dict[str, tuple[policy.TermsRule, ...]] = {
    "reason_id": (policy.reason_is_offered, policy.reason_fits, policy.description_where_needed),
    "description": (policy.description_where_needed,),
    "quantity": (policy.divides_only_what_has_parts, policy.units_are_left),
    "fully_refund_as_loyalty_money": (
        policy.bank_account_where_needed,
        policy.loyalty_is_open,
    ),
}
