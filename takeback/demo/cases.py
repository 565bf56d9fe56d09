"""The cases of the demo shop: some imported as completed, the others made by the real commands."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple
from uuid import NAMESPACE_URL, uuid5
from zlib import crc32

from stdnum import iban

from takeback.accounts.models import User
from takeback.bank_accounts.bank_account import BankAccount
from takeback.cancellations.commands.confirm_bank_account import confirm_bank_account
from takeback.cancellations.commands.import_completed import CompletedCase, record_completed
from takeback.cancellations.commands.open import NO_AUTO_CONFIRM, AutoConfirm, open_cases
from takeback.cancellations.commands.transition import set_status
from takeback.cancellations.decision import Remarks
from takeback.cancellations.inputs import NewCase, NewImage, PickupWindow
from takeback.cancellations.plans import RefundTerms
from takeback.cancellations.statuses import Kind, Status
from takeback.core.actor import Actor, ActorKind
from takeback.core.errors import Refused
from takeback.core.ids import ItemId
from takeback.demo.orders import CASH, ItemPlan, OrderPlan, happens
from takeback.demo.sample_image import damaged_box
from takeback.images.store import write_image
from takeback.orders.models import Order
from takeback.orders.scope import OrderScope

DROP_OFF, PICKUP = 1, 2  # ids of the carriers
_REASONS = {Kind.CANCEL: range(1, 5), Kind.RETURN: range(5, 11)}
_DESCRIPTIONS = {
    Kind.CANCEL: (
        "I chose the wrong one.",
        "I ordered it twice by mistake.",
        "It arrives too late for the birthday.",
        "I found it in a shop around the corner.",
    ),
    Kind.RETURN: (
        "It is smaller than I expected.",
        "The color differs from the one on your site.",
        "It does not fit.",
        "It was a present, and they have one already.",
        "The lid does not close.",
    ),
}
_WITH_IMAGE = "One corner was broken when it arrived. Please see the photo."
_IBAN = "DE89370400440532013000"  # the specimen of the standard
_SOON, _PAUSE = timedelta(minutes=10), timedelta(hours=5)
# The statuses that a case passes after it was opened; its refunds then complete it.
_STATUSES = {
    Status.WAITING: (),
    Status.WAITING_APPROVAL: (Status.WAITING_APPROVAL,),
    Status.CONFIRMED: (Status.CONFIRMED,),
    Status.APPROVED: (Status.CONFIRMED, Status.APPROVED),
    Status.COMPLETED: (Status.CONFIRMED, Status.APPROVED),
    Status.REJECTED: (Status.REJECTED,),
    Status.WITHDRAWN: (Status.WITHDRAWN,),
}
_ACCEPTED = {Status.CONFIRMED, Status.APPROVED, Status.COMPLETED}
_WITH_SHIPPING = AutoConfirm(frozenset({Kind.CANCEL}), RefundTerms(is_cargo_refund=True))
_IMAGES = 25  # of more images than these, some are equal, so that staff are warned


class CasePlan(NamedTuple):
    """A case that will be opened at a time, on the item with an id."""

    opened_at: datetime
    item_id: ItemId
    order: OrderPlan
    item: ItemPlan

    @property
    def is_imported(self) -> bool:
        return self.item.case == Status.COMPLETED and not self.order.is_introduced


def plan_cases(
    plans: Iterable[OrderPlan], items: dict[str, int], rng: Random, reference: datetime
) -> list[CasePlan]:
    """The cases of these orders by time, because queues go by their ids; `items` by remote id."""
    cases = []
    for plan in plans:
        for index, item in enumerate(plan.items, 1):
            if item.case:
                start = plan.delivered_at if item.case_kind == Kind.RETURN else plan.placed_at
                wait = _SOON if plan.is_introduced else timedelta(hours=rng.randrange(2, 40))
                item_id = ItemId(items[f"{plan.number}-{index}"])
                cases.append(CasePlan(min(start + wait, reference), item_id, plan, item))
    return sorted(cases, key=lambda case: case[:2])


def import_completed(channel_id: int, cases: Sequence[CasePlan], now: datetime) -> None:
    """Record completed cases as the import of a file does."""
    for kind, reasons in _REASONS.items():
        completed = [
            CompletedCase(item_id, item.case_quantity or item.quantity, f"M-{item_id}", at, kind)
            for at, item_id, _, item in cases
            if item.case_kind == kind
        ]
        record_completed(channel_id, completed, reason_id=reasons[0], now=now)


@dataclass(slots=True)
class CaseRunner:
    """Opens and decides cases, each at its time, in the name of shoppers and of staff."""

    orders: dict[str, Order]
    staff: Actor
    colleague: Actor  # approves the cases of the introduced refunds
    rng: Random
    reference: datetime
    images: int = 0

    def run(self, cases: Iterable[CasePlan]) -> None:
        """Open the cases and bring them to their statuses, as far as today's settings allow it."""
        for case in cases:
            with suppress(Refused):
                self._run(case)

    def _run(self, case: CasePlan) -> None:
        requester, scope = self._requester(case.order)
        new, now, status = self._new_case(case), case.opened_at, case.item.case
        assert status
        auto_confirm, agent = _auto_confirm(case), self.staff
        if case.order.refund:
            agent = self.colleague
        [case_id] = open_cases([new], scope, actor=requester, now=now, auto_confirm=auto_confirm)
        if new.bank_account and requester.kind is ActorKind.GUEST and status in _ACCEPTED:
            confirm_bank_account(case_id, actor=requester, now=now)
        for step in _STATUSES[status]:
            now = min(now + _PAUSE, self.reference)
            actor = requester if step == Status.WITHDRAWN else agent
            text = "The photo shows signs of use." if step == Status.REJECTED else None
            set_status(case_id, scope, step, actor=actor, now=now, remarks=Remarks(text))

    def _requester(self, plan: OrderPlan) -> tuple[Actor, OrderScope]:
        """The shopper, or now and then an agent in their place."""
        order = self.orders[plan.number]
        if not plan.is_introduced and happens(self.rng, 0.2):
            return self.staff, OrderScope(order.channel_id)
        if order.user_type == User.GUEST:
            ids = frozenset({order.pk})
            return Actor(ActorKind.GUEST, order.pk), OrderScope(order.channel_id, order_ids=ids)
        customer = Actor(ActorKind.CUSTOMER, order.user_id)
        return customer, OrderScope(order.channel_id, user_id=order.user_id)

    def _new_case(self, case: CasePlan) -> NewCase:
        _, item_id, order, item = case
        kind, is_return = item.case_kind, item.case_kind == Kind.RETURN
        has_account = order.is_introduced or order.payment in CASH
        image_count = 2 if order.is_introduced else happens(self.rng, 0.2)
        if order.refund:
            image_count = 0
        carriers = [PICKUP] if order.is_introduced else [DROP_OFF, PICKUP]
        carrier = self.rng.choice(carriers) if is_return else None
        images = tuple(self._image() for _ in range(image_count * is_return))
        texts = _DESCRIPTIONS[kind]
        day = (case.opened_at + timedelta(days=2)).date().isoformat()
        return NewCase(
            order_item=item_id,
            kind=kind,
            reason=self.rng.choice(_REASONS[kind]),
            quantity=item.case_quantity or None,
            description=_WITH_IMAGE if images else texts[item_id % len(texts)],
            carrier=carrier,
            pickup_at_shipping_address=True,
            pickup_window=PickupWindow(day, "09:00", "12:00") if carrier == PICKUP else None,
            bank_account=_bank_account(order) if has_account else None,
            refund_to_loyalty=not has_account and happens(self.rng, 0.1),
            images=images,
        )

    def _image(self) -> NewImage:
        self.images += 1
        name = uuid5(NAMESPACE_URL, f"image-{self.images}").hex
        image = write_image(damaged_box(self.images % _IMAGES), "jpg", name)
        return NewImage(image.name, image.digest, "The corner is broken.")


def _auto_confirm(case: CasePlan) -> AutoConfirm:
    """Cancellations with terms of their own are confirmed when they are opened."""
    if case.order.refund == "second_person":
        price = case.order.market.price(case.item.article.cents)
        return AutoConfirm(frozenset({Kind.CANCEL}), RefundTerms(forced_refund_minor=2 * price))
    is_completed = case.item.case == Status.COMPLETED
    return (
        _WITH_SHIPPING if is_completed and case.item.case_kind == Kind.CANCEL else NO_AUTO_CONFIRM
    )


def _bank_account(plan: OrderPlan) -> BankAccount:
    """The introduced shoppers share an account, so that staff are warned; others have their own.

    Orders with a refund story have their own, so that only other cases show that warning.
    """
    email = plan.shopper.customer["email"]
    number = f"{_IBAN[4:12]}{crc32(email.encode()):010}"
    own = f"DE{iban.calc_check_digits(f'DE00{number}')}{number}"
    return BankAccount(
        _IBAN if plan.is_introduced and not plan.refund else own, email.partition("@")[0].title()
    )
