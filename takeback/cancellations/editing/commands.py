"""Writing corrections: what changes is judged by the rules that let it in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from takeback.cancellations import bank, errors, policy
from takeback.cancellations.asks import Ask, BankAccount, Scope
from takeback.cancellations.deciding.commands import bring, locked
from takeback.cancellations.history.commands import change
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.states import Kind, Status
from takeback.cancellations.surroundings import look
from takeback.cancellations.topics import Topic, announce
from takeback.core.actor import Actor
from takeback.core.problems import Refused

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
    as_points: bool | None = None
    bank_account: BankAccount | None = None
    status: Status | None = None


@transaction.atomic
def edit(
    request_id: int,
    scope: Scope,
    told: Edit,
    *,
    actor: Actor,
    now: datetime,
    version: int | None = None,
    trusts_account: bool = False,
) -> None:
    """Change what was asked for; nothing is written when everything is so already.

    Quantity, reason and points are open until the case is confirmed, words and bank account until
    the money is planned. A new account waits for its owner's word, and a mail asks for it, unless
    `trusts_account`.
    """
    case = locked(request_id, scope, version)
    changes = _differences(case, told, trusts_account=trusts_account)
    if changes:
        allowed = NOT_APPROVED if changes.keys() <= _LATE else OPEN
        if case.status not in allowed:
            raise Refused(errors.WRONG_STATE, status=case.status, step=EDITED)
        _judge(case, changes, told, scope)
        change(case, EDITED, actor, now, **changes)
        announce(Topic.EDITED, [case])
        if changes.keys() & _ACCOUNT:
            announce(Topic.ACCOUNT_CHANGED, [case])
    if told.status:
        bring(case, told.status, actor, now)


_ACCOUNT = {"iban_sealed", "holder_name_sealed", "iban_index", "is_bank_account_confirmed"}
_LATE = {"description", *_ACCOUNT}
"""What may be corrected until the money is planned."""


def _differences(case: CancellationRequest, told: Edit, *, trusts_account: bool) -> dict[str, Any]:
    wanted = {
        "reason_id": told.reason,
        "quantity": told.quantity,
        "fully_refund_as_loyalty_money": told.as_points,
    }
    changes: dict[str, Any] = {
        name: value
        for name, value in wanted.items()
        if value is not None and value != getattr(case, name)
    }
    if told.description is not None and told.description != (case.description or ""):
        changes["description"] = told.description or None
    account = told.bank_account
    if account and account != bank.account_of(case):
        changes |= bank.sealed(account, case.uuid) | {"is_bank_account_confirmed": trusts_account}
    return changes


def _judge(case: CancellationRequest, changes: dict[str, Any], told: Edit, scope: Scope) -> None:
    """By the rules that each new value falls under."""
    ask = Ask(
        order_item=case.order_item_id,
        kind=Kind(case.cancellation_type),
        reason=changes.get("reason_id", case.reason_id),
        quantity=changes.get("quantity"),
        description=changes.get("description", case.description),
        bank_account=told.bank_account or bank.account_of(case),
        as_points=changes.get("fully_refund_as_loyalty_money", case.fully_refund_as_loyalty_money),
    )
    seen = look([ask], scope)
    item = seen.items[ask.order_item]
    rules = [rule for name, rules in _RULES.items() if name in changes for rule in rules]
    for rule in rules:
        if problem := rule(ask.wish, item.facts, seen.conditions_of(ask)):
            raise Refused(problem, order_item=case.order_item_id)


_RULES: dict[str, tuple[policy.WishRule, ...]] = {
    "reason_id": (policy.reason_is_offered, policy.reason_fits, policy.words_where_needed),
    "description": (policy.words_where_needed,),
    "quantity": (policy.divides_only_what_has_parts, policy.units_are_left),
    "fully_refund_as_loyalty_money": (
        policy.bank_account_where_needed,
        policy.loyalty_is_open,
    ),
}
