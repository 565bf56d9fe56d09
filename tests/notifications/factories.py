"""Cases as their commands make them, for mails to tell of."""

from typing import Any

import zeal

from takeback.bank_accounts.bank_account import BankAccount
from takeback.cancellations.commands import open as opening
from takeback.cancellations.commands import transition as deciding
from takeback.cancellations.commands.edit import Edit, edit_case
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.statuses import Kind
from takeback.core.actor import Actor, ActorKind
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
    """To cancel a line, paid back to this account."""
    account = BankAccount(iban, "Zeynep Kanarya") if iban else None
    return {"kind": Kind.CANCEL, "bank_account": account} | fields


def send_back(**fields: Any) -> dict[str, Any]:
    """To send a line back."""
    return {"kind": Kind.REFUND} | fields


def order_with(*names: str, **fields: Any) -> Order:
    """A guest's order of these products; those whose name begins with a star have arrived."""
    lines = [
        factories.item_input(
            remote_id=str(place),
            sku=f"SKU-{place}",
            product={"sku": f"SKU-{place}", "name": name.removeprefix("*")},
            status=Status.DELIVERED if name.startswith("*") else Status.APPROVED,
            quantity=3 if name.startswith("*") else 1,
            attributes={"quantity": 3} if name.startswith("*") else {},
        )
        for place, name in enumerate(names)
    ]
    return factories.create_order(items=lines, **fields)


def ask(order: Order, *wishes: dict[str, Any], actor: Actor = GUEST) -> list[CancellationRequest]:
    """One call for the first lines of an order, a wish for each; the new cases."""
    lines = factories.items_of(order)
    with zeal.zeal_ignore():
        asks = [
            NewCase(
                order_item=line.pk, reason=factories.create_reason(kind=wish["kind"]).pk, **wish
            )
            for line, wish in zip(lines, wishes, strict=False)
        ]
        scope = OrderScope(order.channel_id, order_ids=frozenset({order.pk}))
        ids = opening.open_cases(asks, scope, actor=actor, now=factories.NOW)
    return list(CancellationRequest.objects.filter(pk__in=ids).order_by("id"))


def reject(case: CancellationRequest, note: str | None = None) -> None:
    """The shop says no."""
    deciding.reject(case.pk, SCOPE, actor=STAFF, now=factories.NOW, note=note)


def correct(case: CancellationRequest, iban: str, *, is_trusted: bool = False) -> None:
    """Somebody notes another account."""
    account = BankAccount(iban, "Zeynep Kanarya")
    with zeal.zeal_ignore():
        edit_case(
            case.pk,
            SCOPE,
            Edit(bank_account=account),
            actor=STAFF,
            now=factories.NOW,
            is_account_trusted=is_trusted,
        )


def told(case: CancellationRequest, topic: str, step: int = 1) -> Delivery:
    """The message that the outbox delivers for a step of a case."""
    key = f"{topic}:cancellation_request/{case.pk}/{step}"
    return Delivery(key, {"cancellation_request": case.pk})
