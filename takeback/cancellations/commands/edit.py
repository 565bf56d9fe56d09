"""Edits of open cases: the rules that admitted a case apply to its new values."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction

from takeback.bank_accounts.bank_account import (
    BankAccount,
    bank_account_of,
    encrypted_columns,
)
from takeback.cancellations import errors, policy
from takeback.cancellations.commands.transition import lock_case, transition_to
from takeback.cancellations.decision import NO_REMARKS, Remarks
from takeback.cancellations.eligibility import load_eligibility_data
from takeback.cancellations.history import update_case
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.statuses import CaseEvent, Kind, Status
from takeback.cancellations.topics import Topic, publish
from takeback.core.actor import Actor
from takeback.core.errors import Problem, Refused
from takeback.core.ids import CaseId, ItemId
from takeback.orders.scope import OrderScope
from takeback.orders.units import units_left

_ACCOUNT = {
    *("iban_encrypted", "holder_name_encrypted", "iban_index"),
    *("is_bank_account_confirmed", "is_bank_account_changed"),
}
_EDITABLE_WHEN_CONFIRMED = {"description", *_ACCOUNT}

RULES_OF_COLUMN: Final[dict[str, tuple[Callable[[policy.RequestContext], Problem | None], ...]]] = {
    "reason_id": (policy.reason_is_offered, policy.reason_fits, policy.description_where_needed),
    "description": (policy.description_where_needed,),
    "quantity": (policy.single_unit_is_not_split, policy.units_are_left),
    "fully_refund_as_loyalty_money": (
        policy.bank_account_where_needed,
        policy.loyalty_refund_is_offered,
    ),
    "iban_encrypted": (policy.bank_account_where_needed,),
}


@dataclass(frozen=True, slots=True)
class Edit:
    """New values of a case. None keeps a value; an empty description deletes it.

    `all_units` stands for the quantity that is left of the item. After the edit the case is taken
    to `status` by the transition that leads to it, with these remarks.
    """

    description: str | None = None
    reason: int | None = None
    quantity: int | None = None
    all_units: bool = False
    refund_to_loyalty: bool | None = None
    bank_account: BankAccount | None = None
    removes_bank_account: bool = False
    status: Status | None = None
    remarks: Remarks = NO_REMARKS


@transaction.atomic
def edit_case(
    case_id: CaseId,
    scope: OrderScope,
    edit: Edit,
    *,
    actor: Actor,
    now: datetime,
    version: int | None = None,
    is_account_trusted: bool = False,
) -> None:
    """Change the values of a case; without a difference nothing is written.

    Quantity, reason and loyalty are editable until the case is confirmed, description and bank
    account until it is approved. A new account that is not trusted must be confirmed by its
    owner, who gets a mail.
    """
    case = lock_case(case_id, scope, version)
    changes = _changes(case, edit, is_account_trusted=is_account_trusted)
    if changes:
        allowed = {Status.WAITING, Status.WAITING_APPROVAL}
        if changes.keys() <= _EDITABLE_WHEN_CONFIRMED:
            allowed.add(Status.CONFIRMED)
        if case.status not in allowed:
            raise Refused(errors.WRONG_STATUS, status=case.status, action=CaseEvent.EDIT.value)
        _ensure_valid(case, changes, edit, scope, now)
        update_case(case, CaseEvent.EDIT, actor, now, **changes)
        if changes.keys() & _ACCOUNT and not edit.removes_bank_account:
            publish(Topic.ACCOUNT_CHANGED, [case])
    if edit.status:
        transition_to(case, edit.status, actor, now, edit.remarks)


def _changes(
    case: CancellationRequest, edit: Edit, *, is_account_trusted: bool
) -> dict[str, object]:
    values: dict[str, object] = {
        "reason_id": edit.reason,
        "quantity": _all_units(case) if edit.all_units else edit.quantity,
        "fully_refund_as_loyalty_money": edit.refund_to_loyalty,
    }
    changes = {
        name: value
        for name, value in values.items()
        if value is not None and value != getattr(case, name)
    }
    if edit.description is not None and edit.description != (case.description or ""):
        changes["description"] = edit.description or None
    return changes | _account_changes(case, edit, is_account_trusted=is_account_trusted)


def _all_units(case: CancellationRequest) -> int:
    """The units that are left of the item; of an ended item, those of the case."""
    return units_left(case.order_item) or case.quantity


def _account_changes(
    case: CancellationRequest, edit: Edit, *, is_account_trusted: bool
) -> dict[str, object]:
    account, stored = edit.bank_account, bank_account_of(case)
    if edit.removes_bank_account and stored:
        return {
            "iban_encrypted": None,
            "holder_name_encrypted": None,
            "iban_index": None,
            "is_bank_account_confirmed": False,
            "is_bank_account_changed": True,
        }
    if account is None or account == stored:
        return {}
    return {
        **encrypted_columns(account, case.uuid),
        "is_bank_account_confirmed": is_account_trusted,
        "is_bank_account_changed": True,
    }


def _ensure_valid(
    case: CancellationRequest,
    changes: dict[str, object],
    edit: Edit,
    scope: OrderScope,
    now: datetime,
) -> None:
    """Apply the rules of the columns that change."""
    to_loyalty = edit.refund_to_loyalty
    stored_account = None if edit.removes_bank_account else bank_account_of(case)
    new = NewCase(
        order_item=ItemId(case.order_item_id),
        kind=Kind(case.cancellation_type),
        reason=case.reason_id if edit.reason is None else edit.reason,
        quantity=edit.quantity,
        description=case.description if edit.description is None else edit.description,
        bank_account=edit.bank_account or stored_account,
        refund_to_loyalty=case.fully_refund_as_loyalty_money if to_loyalty is None else to_loyalty,
    )
    context = load_eligibility_data([new], scope).context(new, now)
    assert context, "a case has an item, which is in the scope of the case"
    checks = [
        check for name, rules in RULES_OF_COLUMN.items() if name in changes for check in rules
    ]
    for check in checks:
        if problem := check(context):
            raise Refused(problem, order_item=case.order_item_id)
