"""Loads the demo shop: the same day always gives the same shop."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import msgspec
from django.core.management import call_command
from django.db import transaction
from django.db.models import F, Max, OuterRef, Subquery
from django.db.models.functions import Coalesce

from takeback.accounts.models import ApiKey
from takeback.accounts.policy import shop_policy
from takeback.accounts.staff import create_staff_user
from takeback.cancellations.models import CancellationPlan, CancellationRequest, CaseHistory
from takeback.core.actor import Actor, ActorKind
from takeback.core.db.bulk import refresh_statistics
from takeback.demo.cases import CaseRunner, import_completed, plan_cases
from takeback.demo.catalogue import Catalogue, Document
from takeback.demo.old_orders import old_orders
from takeback.demo.orders import OrderPlan, OrderWriter, draw_order
from takeback.demo.parcels import book_parcels
from takeback.demo.payments import add_accounts, add_payments
from takeback.demo.refund_stories import COLLEAGUE_USERNAME, play_refunds
from takeback.demo.refunds import RefundSender
from takeback.demo.shoppers import add_customers, create_shoppers
from takeback.demo.stories import introduced_orders
from takeback.importer.jsonl import import_documents
from takeback.importer.old_orders import import_old_items, import_old_orders
from takeback.importer.report import Report, Summary
from takeback.orders.models import DiscountItem, LoyaltyTransaction, Order, OrderItem, Payment
from takeback.orders.trade_in_offers import OFFERED
from takeback.outbox.models import Message
from takeback.refund_providers.sandbox_server.client import SandboxAdmin

ORDERS = 2_000
CHANNEL = 1  # of the fixture, and the default of STOREFRONT_CHANNEL
STAFF_USERNAME = "staff"

_SEED = 20_260
_SHOP_AGE, _LAST_MOMENT = timedelta(days=500), timedelta(seconds=1)


@transaction.atomic
def load(reference: datetime, site_url: str, sandbox_url: str) -> None:
    """Fill an empty database, completely or not at all. All dates depend on `reference`.

    Approved cases have planned refunds afterwards, for which nothing has been sent yet.
    """
    rng = Random(_SEED)  # noqa: S311 - a made-up shop, the same every time
    # No command writes places, carriers and common reasons yet.
    call_command("loaddata", "demo_shop", verbosity=0)
    add_accounts(CHANNEL, sandbox_url, reference - _SHOP_AGE)
    catalogue = Catalogue(site_url)
    shoppers = create_shoppers(rng, catalogue)
    add_customers(CHANNEL, shoppers, reference)
    customer, guest, *others = shoppers
    plans = introduced_orders(catalogue, customer, guest, reference)
    plans += [
        draw_order(rng, catalogue, rng.choice(others), reference)
        for _ in range(ORDERS - len(plans))
    ]
    # The oldest first: newer orders have larger ids.
    plans.sort(key=lambda plan: (plan.placed_at, plan.number))
    writer = OrderWriter(catalogue, shop_policy(CHANNEL), rng)
    _import_orders(plans, writer)
    # Refunds are booked before today: then the worker anchors them at its start.
    _add_cases(plans, rng, reference - _LAST_MOMENT)
    orders, items = old_orders(rng, catalogue, shoppers, reference)
    _import(import_old_orders, orders)
    _import(import_old_items, items)


def _import_orders(plans: list[OrderPlan], writer: OrderWriter) -> None:
    """Import the orders, and then updates of introduced ones: their further items have a parent."""
    documents = [writer.document(plan) for plan in plans]
    _import(import_documents, documents)
    refresh_statistics(Order, OrderItem, Payment)
    introduced = [
        document for document, plan in zip(documents, plans, strict=True) if plan.is_introduced
    ]
    for document in introduced:
        first, *others = document["order_item"]
        parent = OrderItem.objects.get(remote_id=first["remote_id"]).pk
        for item in others:
            item["parent"] = parent
    _import(import_documents, introduced)
    _date_rows()


def _import(importer: Callable[..., Summary], documents: Iterable[Document]) -> None:
    """Import documents as `takeback import` imports a file of JSON Lines."""
    with TemporaryDirectory(prefix="takeback-demo-") as folder:
        file, target = Path(folder, "documents.jsonl"), Path(folder, "report.jsonl")
        file.write_bytes(b"\n".join(map(msgspec.json.encode, documents)))
        with Report(target) as report:
            importer(file, channel_id=CHANNEL, report=report, progress=lambda _: None)
        assert not report.total, target.read_text()


def _date_rows() -> None:
    """Give rows the dates of their orders: an import gives them the present."""
    placed = Subquery(Order.objects.filter(pk=OuterRef("order_id")).values("placed_at"))
    for model in (OrderItem, DiscountItem, LoyaltyTransaction):
        model.objects.update(created_date=placed)
    OrderItem.objects.update(
        modified_date=Coalesce("delivered_date", "shipped_date", "invoice_date", "created_date")
    )
    Order.objects.update(created_date=F("placed_at"), modified_date=F("placed_at"))


def _add_cases(plans: list[OrderPlan], rng: Random, reference: datetime) -> None:
    items = dict(OrderItem.objects.values_list("remote_id", "id"))
    cases = plan_cases(plans, items, rng, reference)
    import_completed(CHANNEL, [case for case in cases if case.is_imported], reference)
    orders = {order.number: order for order in Order.objects.all()}
    staff = _create_staff(STAFF_USERNAME, "Staff")
    runner = CaseRunner(
        orders, staff, _create_staff(COLLEAGUE_USERNAME, "Colleague"), rng, reference
    )
    runner.run(case for case in cases if not (case.is_imported or case.order.is_new))
    book_parcels(reference)
    _end_messages(after=0)
    runner.run(case for case in cases if case.order.is_new)


def _create_staff(username: str, last_name: str) -> Actor:
    staff_id = create_staff_user(
        username,
        password=None,
        channel_ids=[CHANNEL],
        scopes=ApiKey.SCOPES,
        email=f"{username}@example.com",
        name=("Demo", last_name),
    )
    return Actor(ActorKind.STAFF, staff_id)


def send_refunds(sandbox: SandboxAdmin, reference: datetime) -> None:
    """Send the planned refunds to the sandbox, whose payments are those of the shop.

    Each step is a transaction of its own, as requests to a provider need it.
    """
    last_message = Message.objects.aggregate(last=Max("pk"))["last"] or 0
    add_payments(CHANNEL, sandbox)
    play_refunds(RefundSender(sandbox, reference - _LAST_MOMENT))
    _end_messages(after=last_message)
    _date_changes()


def _end_messages(*, after: int) -> None:
    """What these messages caused has happened in the past, such as their mails."""
    messages = Message.objects.filter(pk__gt=after).exclude(topic=OFFERED)
    messages.update(done_at=F("created_at"))


def _date_changes() -> None:
    """Give cases, plans and orders the time of their last change: a command gives the present."""
    step = CaseHistory.objects.filter(cancellation_request=OuterRef("pk")).order_by("-seq")
    CancellationRequest.objects.update(
        modified_date=Coalesce(Subquery(step.values("at")[:1]), "created_date")
    )
    case = CancellationRequest.objects.filter(plan=OuterRef("pk")).order_by("-modified_date")
    CancellationPlan.objects.update(modified_date=Subquery(case.values("modified_date")[:1]))
    item = OrderItem.objects.filter(order=OuterRef("pk")).order_by("-modified_date")
    orders = CancellationRequest.objects.values("order_item__order_id")
    Order.objects.filter(pk__in=orders).update(
        modified_date=Subquery(item.values("modified_date")[:1])
    )
