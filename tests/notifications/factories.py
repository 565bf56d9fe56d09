"""Cases for the tests of mails, created by the real commands."""

from typing import Any

import zeal

from takeback.bank_accounts.bank_account import BankAccount
from takeback.cancellations.commands import open as open_command
from takeback.cancellations.commands import transition
from takeback.cancellations.commands.edit import Edit, edit_case
from takeback.cancellations.decision import Remarks
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.statuses import Kind
from takeback.core.actor import Actor, ActorKind
from takeback.core.ids import CaseId, ItemId
from takeback.orders.models import Order
from takeback.orders.scope import OrderScope
from takeback.orders.statuses import Status
from takeback.outbox.worker import Delivery
from tests import factories

IBAN = "TR330006100519786457841326"
OTHER_IBAN = "DE89370400440532013000"
SCOPE = OrderScope(factories.SHOP)
GUEST, STAFF = Actor(ActorKind.GUEST, 1), Actor(ActorKind.STAFF, 7)


def cancel(*, iban: str | None = None, **fields: Any) -> dict[str, Any]:
    """The terms of a cancellation, refunded to this account."""
    account = BankAccount(iban, "Zeynep Kanarya") if iban else None
    return {"kind": Kind.CANCEL, "bank_account": account} | fields


def return_(**fields: Any) -> dict[str, Any]:
    """The terms of a return."""
    return {"kind": Kind.RETURN} | fields


def order_with(*names: str, **fields: Any) -> Order:
    """A guest's order of these products; a star before a name marks a delivered item."""
    items = [
        factories.item_input(
            remote_id=str(position),
            sku=f"SKU-{position}",
            product={"sku": f"SKU-{position}", "name": name.removeprefix("*")},
            status=Status.DELIVERED if name.startswith("*") else Status.APPROVED,
            quantity=3 if name.startswith("*") else 1,
            attributes={"quantity": 3} if name.startswith("*") else {},
        )
        for position, name in enumerate(names)
    ]
    return factories.create_order(items=items, **fields)


def open_cases(
    order: Order, *terms: dict[str, Any], actor: Actor = GUEST
) -> list[CancellationRequest]:
    """Open cases for the first items of an order, each with its terms."""
    items = factories.items_of(order)
    with zeal.zeal_ignore():
        new = [
            NewCase(
                order_item=ItemId(item.pk),
                reason=factories.create_reason(kind=fields["kind"]).pk,
                **fields,
            )
            for item, fields in zip(items, terms, strict=False)
        ]
        scope = OrderScope(order.channel_id, order_ids=frozenset({order.pk}))
        ids = open_command.open_cases(new, scope, actor=actor, now=factories.NOW)
    return list(CancellationRequest.objects.filter(pk__in=ids).order_by("id"))


def reject(case: CancellationRequest, note: str | None = None) -> None:
    """Reject the case."""
    transition.reject(CaseId(case.pk), SCOPE, actor=STAFF, now=factories.NOW, remarks=Remarks(note))


def change_account(case: CancellationRequest, iban: str, *, is_trusted: bool = False) -> None:
    """Change the bank account of the case."""
    account = BankAccount(iban, "Zeynep Kanarya")
    with zeal.zeal_ignore():
        edit_case(
            CaseId(case.pk),
            SCOPE,
            Edit(bank_account=account),
            actor=STAFF,
            now=factories.NOW,
            is_account_trusted=is_trusted,
        )


def delivery_of(case: CancellationRequest, topic: str, step: int = 1) -> Delivery:
    """The message that the outbox delivers for a transition of a case."""
    key = f"{topic}:cancellation_request/{case.pk}/{step}"
    return Delivery(key, {"cancellation_request": case.pk, "version": step})
