"""The requests that the demo introduces, asked and answered through the real commands.

They are asked soon after the goods were ordered or came, so that they are let in whatever the
settings of this start say, and only a return waits: cancellations may be confirmed at once.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from takeback.bank_accounts.bank_account import BankAccount
from takeback.cancellations.commands.open import open_cases
from takeback.cancellations.commands.transition import confirm, reject, withdraw
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.statuses import Kind, Status
from takeback.core.actor import Actor, ActorKind
from takeback.core.types import CaseId, ItemId
from takeback.demo.cases import DROP_OFF, IBAN
from takeback.demo.stories import REQUESTS
from takeback.orders.models import OrderItem
from takeback.orders.scope import OrderScope

_SOON, _LATER = timedelta(minutes=10), timedelta(hours=4)
_BY_MISTAKE, _DAMAGED = 2, 6


class _Asked(NamedTuple):
    """A new request, and who asked for it."""

    id: CaseId
    scope: OrderScope
    asker: Actor
    at: datetime


def add_asked(staff: Actor) -> None:
    """One that waits, one for a part of a line, one refused, one withdrawn, one of a guest."""
    _return("waiting")
    refused = _return("rejected")
    reject(
        refused.id,
        refused.scope,
        actor=staff,
        now=refused.at + _LATER,
        message="The picture shows signs of use.",
    )
    regretted = _return("withdrawn")
    withdraw(regretted.id, regretted.scope, actor=regretted.asker, now=regretted.at + _LATER)
    part = _cancel("confirmed", quantity=2)
    if CancellationRequest.objects.get(pk=part.id).status == Status.WAITING:
        confirm(part.id, part.scope, actor=staff, now=part.at + _LATER)
    _cancel("unconfirmed_account", account=BankAccount(IBAN, "Demo Guest"))


def _return(name: str) -> _Asked:
    line = _line(name)
    assert line.delivered_date, "only what has come can go back"
    ask = NewCase(
        order_item=ItemId(line.pk),
        kind=Kind.RETURN,
        reason=_DAMAGED,
        description="It has a crack.",
        carrier=DROP_OFF,
    )
    return _asked(line, ask, line.delivered_date + _SOON)


def _cancel(
    name: str, *, quantity: int | None = None, account: BankAccount | None = None
) -> _Asked:
    line = _line(name)
    ask = NewCase(
        order_item=ItemId(line.pk),
        kind=Kind.CANCEL,
        reason=_BY_MISTAKE,
        quantity=quantity,
        bank_account=account,
    )
    return _asked(line, ask, line.order.placed_at + _SOON)


def _line(name: str) -> OrderItem:
    number, sku = REQUESTS[name]
    return OrderItem.objects.select_related("order").get(order__number=number, sku=sku)


def _asked(line: OrderItem, ask: NewCase, at: datetime) -> _Asked:
    order = line.order
    if order.user_type == ActorKind.GUEST:
        asker = Actor(ActorKind.GUEST, order.pk)
        scope = OrderScope(order.channel_id, order_ids=frozenset({order.pk}))
    else:
        asker = Actor(ActorKind.CUSTOMER, order.user_id)
        scope = OrderScope(order.channel_id, user_id=order.user_id)
    [case_id] = open_cases([ask], scope, actor=asker, now=at)
    return _Asked(case_id, scope, asker, at)
