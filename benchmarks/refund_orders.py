"""Approved refunds for `refunds`: loads them, lets them fall due, and prints when they were sent.

`python -m benchmarks.refund_orders load URL`, `... release`, `... results`, as own processes: the
environment chooses the database.
"""

import argparse
import json
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import django

if TYPE_CHECKING:
    from takeback.orders.order_input import OrderIn

SLOW, HANGING, QUICK = "slow", "hanging", "quick"
"""The accounts, which are those of the sandbox, too."""
REFUNDS = {SLOW: 200, HANGING: 20, QUICK: 40}
_CURRENCY, _AMOUNT = "try", 1_000
_FAR = timedelta(days=1)
_SOON = timedelta(seconds=3)
"""A worker that is running looks for messages twice a second."""
_INTERVAL = timedelta(seconds=0.4)
"""Between two refunds of the quick account."""


def reference_of(account: str, number: int) -> str:
    """The provider's id of a payment."""
    return f"{account}-{number}"


def load(url: str) -> None:
    """Create accounts at the sandbox, and a paid order with an approved case for each refund."""
    from django.core.management import call_command

    from takeback.accounts.models import Channel
    from takeback.core import clock
    from takeback.refunds.commands.accounts import NewAccount, add_account

    call_command("migrate", interactive=False, verbosity=0)
    channel = Channel.objects.get_or_create(pk=1, defaults={"name": "Measured shop"})[0]
    for name in REFUNDS:
        account = NewAccount(
            code=name,
            provider="sandbox",
            provider_account=name,
            currency=_CURRENCY,
            payment_kinds=[name],
            base_url=url,
            credentials={"secret": f"{name}-secret"},
            is_test=True,
        )
        add_account(channel.pk, account, now=clock.now())
    for name, count in REFUNDS.items():
        for number in range(count):
            _approve(channel.pk, name, number)
    # Until they are released, they wait.
    _messages().update(due_at=clock.now() + _FAR)


def _approve(channel: int, account: str, number: int) -> None:
    """A paid order of one item, whose cancellation an external system approves."""
    from takeback.cancellations.commands.open import open_cases
    from takeback.cancellations.commands.transition import approve
    from takeback.cancellations.inputs import NewCase
    from takeback.cancellations.models import CancellationReason
    from takeback.cancellations.statuses import Kind
    from takeback.core import clock
    from takeback.core.actor import Actor, ActorKind
    from takeback.core.ids import ItemId
    from takeback.orders.commands.ingest import ingest_order
    from takeback.orders.models import OrderItem
    from takeback.orders.scope import OrderScope

    now, actor, scope = clock.now(), Actor(ActorKind.CHANNEL, 1), OrderScope(channel)
    reason, _ = CancellationReason.objects.get_or_create(
        subject="Changed my mind",
        cancellation_type=Kind.CANCEL.value,
        defaults={"created_date": now, "modified_date": now},
    )
    outcome = ingest_order(channel, _paid_order(account, number, now), source="bench", now=now)
    item = OrderItem.objects.get(order=outcome.order_id)
    new = NewCase(order_item=ItemId(item.pk), kind=Kind.CANCEL, reason=reason.pk)
    [case] = open_cases([new], scope, actor=actor, now=now)
    approve(case, scope, actor=actor, now=now)


def _paid_order(account: str, number: int, now: datetime) -> "OrderIn":
    """An order of one item, charged through this account."""
    from benchmarks.data import address
    from takeback.accounts.customer_input import CustomerIn
    from takeback.orders.order_input import ItemIn, OrderIn, PaymentIn

    reference = reference_of(account, number)
    payment = PaymentIn(
        kind=account, amount_minor=_AMOUNT, captured_minor=_AMOUNT, reference=reference
    )
    return OrderIn(
        number=reference,
        currency=_CURRENCY,
        placed_at=now,
        customer=CustomerIn(email=f"guest{number}@example.com"),
        shipping_address=address(number, "Home"),
        items=[ItemIn(remote_id="1", sku="S", product={}, goods_minor=_AMOUNT, status=400)],
        payments=[payment],
        payment_type=account,
    )


def release(accounts: list[str]) -> dict[int, str]:
    """Let the refunds of these accounts fall due: at once, those of the quick one in turns.

    Waits for the worker, and returns when each of them is due.
    """
    from takeback.core import clock
    from takeback.outbox.models import WorkerRun
    from takeback.refunds.models import Refund

    while not WorkerRun.objects.exists():
        time.sleep(0.2)
    start = clock.now() + _SOON
    messages = {row.payload["refund"]: row for row in _messages()}
    due = {}
    for name in accounts:
        refunds = Refund.objects.filter(account__code=name).order_by("pk")
        for number, pk in enumerate(refunds.values_list("pk", flat=True)):
            messages[pk].due_at = start + _INTERVAL * number * (name == QUICK)
            messages[pk].save(update_fields=["due_at"])
            due[pk] = messages[pk].due_at.isoformat()
    return due


def results() -> list[dict[str, Any]]:
    """Account, status, and the times of the first request and of the confirmation."""
    from takeback.refunds.models import Refund

    return [
        {
            "id": refund.pk,
            "account": refund.account.code if refund.account else "",
            "status": refund.status,
            "is_paid": refund.order.refund_minor == refund.amount_minor,
            "sent": refund.first_sent_at and refund.first_sent_at.isoformat(),
            "confirmed": refund.confirmed_at and refund.confirmed_at.isoformat(),
        }
        for refund in Refund.objects.select_related("account", "order").order_by("pk")
    ]


def _messages() -> Any:
    from takeback.outbox.models import Message

    return Message.objects.filter(topic="refund.planned")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=("load", "release", "results"))
    parser.add_argument("arguments", nargs="*")
    options = parser.parse_args()
    django.setup()
    match options.step:
        case "load":
            load(*options.arguments)
        case "release":
            print(json.dumps(release(options.arguments)))
        case _:
            print(json.dumps(results()))


if __name__ == "__main__":
    main()
