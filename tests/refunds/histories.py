"""Random histories of one order, by the commands and the worker, against the sandbox provider.

A seed decides everything: the order, its payments, what shoppers and agents do, and what the
provider does. At the end all units have gone back, unless others took money from the payments.
"""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any, NamedTuple

from django.db.models import QuerySet, Sum
from time_machine import Traveller

from takeback.bank_accounts.bank_account import BankAccount
from takeback.cancellations import errors
from takeback.cancellations.commands.apply_refund_news import mark_refund_paid
from takeback.cancellations.commands.open import NO_AUTO_CONFIRM, AutoConfirm, open_cases
from takeback.cancellations.commands.plan_payments import PlannedPayment, plan_payments
from takeback.cancellations.commands.transition import approve, confirm, reject, withdraw
from takeback.cancellations.commands.undo import undo
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.models import CancellationPlan, CancellationRequest
from takeback.cancellations.plans import DEFAULT_TERMS, RefundTerms
from takeback.cancellations.queries import completed_plans
from takeback.cancellations.refund_legs import Destination
from takeback.cancellations.refund_preview import (
    NAMED,
    PreviewedItem,
    RefundPreview,
    preview_refunds,
)
from takeback.cancellations.statuses import LIVE, Kind, TransactionType
from takeback.core import clock
from takeback.core.actor import Actor, ActorKind
from takeback.core.errors import Refused
from takeback.core.ids import CaseId, ItemId, PlanId
from takeback.core.money import show
from takeback.handlers.refunds import HANDLERS
from takeback.orders.allocation import allocate
from takeback.orders.models import Order, OrderItem, Payment
from takeback.orders.order_input import DiscountIn, ItemIn, PaymentIn
from takeback.orders.scope import OrderScope
from takeback.outbox.worker import Worker
from takeback.refund_providers.sandbox_server.failures import Failure
from takeback.refunds.commands.accounts import NewAccount, add_account
from takeback.refunds.commands.look import look_at_payments, record_event
from takeback.refunds.commands.retry import retry_by_other_means, send_again
from takeback.refunds.models import PaymentAccount, Refund, RefundPart
from takeback.refunds.queries import left_of
from takeback.refunds.statuses import Attention, Means, Status
from tests import factories
from tests.rigs.sandbox import Sandbox

CURRENCIES = {"eur": 2_500, "jpy": 40, "kwd": 90_000}
"""Currencies with two, no and three decimals, and the highest price of an item."""
PROVIDERS = {"credit_card": "sandbox", "gift_card": "sandbox_forever"}
"""The types of payments that a provider returns; others are points, and cash in advance."""
KINDS = (*PROVIDERS, "loyalty_money", "funds_transfer")
SCOPE = OrderScope(factories.SHOP)
AGENT, OTHER_AGENT = Actor(ActorKind.STAFF, 1), Actor(ActorKind.STAFF, 2)
SYSTEM_KEY, SHOPPER = Actor(ActorKind.CHANNEL, 7), Actor(ActorKind.CUSTOMER, 2)
IBAN = BankAccount("TR330006100519786457841326", "Ayla Ray")
FAILURES: tuple[tuple[Failure, dict[str, Any]], ...] = (
    (Failure.ERROR_500, {}),
    (Failure.COMMIT_THEN_500, {}),
    (Failure.COMMIT_THEN_DUPLICATE, {}),
    (Failure.MALFORMED, {}),
    (Failure.PENDING, {"seconds": 60}),
    (Failure.PENDING, {"seconds": 60, "status": "failed"}),
    (Failure.DUPLICATE_REFUSED, {}),
)
"""What the provider does to the next request; none of it changes what goes back in the end."""
UNDER_WAY = (Status.SENDING.value, Status.IN_DOUBT.value, Status.PENDING.value)
_MOST_ROUNDS = 60
_OUT_OF_MONEY = {errors.MORE_THAN_PAID.code, "not_enough_left"}


class Shop(NamedTuple):
    """Where the orders arrive: the reasons of cases by kind, and the provider."""

    sandbox: Sandbox
    reasons: dict[str, int]


def create_shop(sandbox: Sandbox) -> Shop:
    """A channel with an account of each provider in each currency."""
    sandbox.clear()
    factories.create_channel()
    for currency in CURRENCIES:
        for kind, provider in PROVIDERS.items():
            name = f"{provider}-{currency}"
            sandbox.admin.put_account(name, behaves_like=provider, is_test=False)
            account = NewAccount(
                code=f"{kind}-{currency}",
                provider=provider,
                provider_account=name,
                currency=currency,
                payment_kinds=[kind],
                base_url=sandbox.url,
                credentials={"secret": f"{name}-secret"},
            )
            add_account(factories.SHOP, account, now=clock.now())
    return Shop(sandbox, {kind: factories.create_reason(kind=kind).pk for kind in Kind})


class History:
    """One order and what happens to it."""

    def __init__(self, shop: Shop, seed: int, traveller: Traveller) -> None:
        self.shop, self.seed, self.dice, self.traveller = shop, seed, Random(seed), traveller
        self.currency = self.dice.choice(sorted(CURRENCIES))
        self.wrong: list[str] = []
        # Forced amounts, and money that others took: less than the charge goes back.
        self.withheld = 0
        self.is_disturbed = False
        self.disputed: set[str] = set()
        # What each plan promised when it was approved.
        self.promised: dict[int, int] = {}
        self.order = self._arrive()
        self.originals = {item.pk: item for item in factories.items_of(self.order)}

    def run(self) -> list[str]:
        """What is wrong with the history."""
        for _ in range(self.dice.choice((1, 1, 1, 2))):
            self._step()
        self._finish()
        self._check_end()
        return self.wrong

    # The order

    def _arrive(self) -> Order:
        """An order with every component, charged by one to three payments."""
        dice, top = self.dice, CURRENCIES[self.currency]
        items = [self._item(number, top) for number in range(dice.choice((1, 1, 2, 2, 3)))]
        goods = sum(item.goods_minor for item in items)
        off = dice.choice((0, 0, goods // 10, goods // 3))
        fields: dict[str, Any] = {
            "number": f"H{self.seed}",
            "currency": self.currency,
            "placed_at": clock.now(),
            "items": items,
            "discounts": [DiscountIn(name="Coupon", amount_minor=off)] if off else [],
            "shipping_minor": dice.choice((0, top // 7 + 1)),
            "shipping_tax_rate": Decimal(20),
            "fee_minor": dice.choice((0, 0, top // 50 + 1)),
            "interest_minor": dice.choice((0, 0, goods // 30)),
        }
        amounts = allocate(factories.order_input(**fields))
        self.charge = amounts.amount + amounts.interest
        payments = self._payments()
        # Cash goes back to a bank account, which the shopper has to name.
        self.is_cash = any(payment.kind == "funds_transfer" for payment in payments)
        return factories.create_order(**fields, payments=payments, now=clock.now())

    def _item(self, number: int, top: int) -> ItemIn:
        dice = self.dice
        fields: dict[str, Any] = {
            "remote_id": str(number),
            "goods_minor": dice.randint(1, top),
            "quantity": dice.choice((1, 1, 2, 3)),
            "tax_rate": Decimal(dice.choice((0, 9, 20))),
        }
        if dice.random() < 0.4:
            delivered = {"status": 550, "delivered_date": clock.now(), "invoice_number": "INV"}
            fields |= delivered
        return factories.item_input(**fields)

    def _payments(self) -> list[PaymentIn]:
        """Payments that add up to the charge; the provider knows those that it can return."""
        dice = self.dice
        weights = [dice.randint(1, 9) for _ in range(dice.choice((1, 2, 2, 2, 3)))]
        shares = [self.charge * weight // sum(weights) for weight in weights]
        shares[0] += self.charge - sum(shares)
        payments = []
        for kind, share in zip(dice.sample(KINDS, len(weights)), shares, strict=True):
            reference = f"{kind}-{self.seed}" if kind in PROVIDERS else None
            payments.append(
                PaymentIn(kind=kind, amount_minor=share, captured_minor=share, reference=reference)
            )
            if reference and share:
                self.shop.sandbox.admin.add_payment(
                    reference,
                    self.currency.upper(),
                    show(share, self.currency),
                    account=f"{PROVIDERS[kind]}-{self.currency}",
                )
        return payments

    # Steps

    def _step(self) -> None:
        """A request for some units and its decision, the refunds, and what happens to them."""
        self._request(self._terms())
        if self.dice.random() < 0.7:
            self._work()
        if self.dice.random() < 0.3:
            self._come_back()
        if self.dice.random() < 0.1:
            self._disturb()
        self._pass(self.dice.choice((1, 60, 86_400)))

    def _terms(self) -> RefundTerms:
        return RefundTerms(is_cargo_refund=True) if self.dice.random() < 0.2 else DEFAULT_TERMS

    def _request(self, terms: RefundTerms, *, is_last: bool = False) -> bool:
        """Cases for some units of one kind, decided as the dice say; False if none is left.

        With `is_last` all that is left of this kind is asked for and approved.
        """
        available = self._available()
        if not available:
            return False
        dice = self.dice
        kind = dice.choice(sorted({_kind(item) for item in available}))
        items = [item for item in available if _kind(item) is kind]
        if not is_last:
            items = dice.sample(items, dice.randint(1, len(items)))
        requested = [self._requested(item, kind, is_last=is_last) for item in items]
        approved = requested if is_last or dice.random() < 0.6 else requested[1:]
        try:
            preview = self._preview(approved, terms) if approved else None
            terms, preview = self._forced(terms, preview, approved, is_last=is_last)
            cases = self._open(requested, terms)
            # A confirmation and an approval at the same time would be one decision.
            self._pass(1)
            self._decide(cases, [row in approved for row in requested], preview)
        except Refused as refused:
            if not self.is_disturbed or refused.problem.code not in _OUT_OF_MONEY:
                raise
            self._give_up()
            return False
        return True

    def _available(self) -> list[OrderItem]:
        """The items with units left and without a live case."""
        live = CancellationRequest.objects.filter(status__in=[status.value for status in LIVE])
        items = OrderItem.objects.filter(order=self.order)
        rows = items.exclude(pk__in=live.values("order_item")).order_by("pk")
        return [item for item in rows if item.units_left]

    def _requested(self, item: OrderItem, kind: Kind, *, is_last: bool) -> PreviewedItem:
        dice, left = self.dice, item.units_left
        quantity = None if is_last or dice.random() < 0.5 else dice.randint(1, left)
        as_loyalty, has_account = dice.random() < 0.1, self.is_cash or dice.random() < 0.1
        account = NAMED if has_account and not as_loyalty else None
        return PreviewedItem(ItemId(item.pk), kind, quantity, Destination(as_loyalty, account))

    def _preview(self, requested: Sequence[PreviewedItem], terms: RefundTerms) -> RefundPreview:
        [preview] = preview_refunds(requested, SCOPE, today=clock.now().date(), terms=terms)
        return preview

    def _forced(
        self,
        terms: RefundTerms,
        preview: RefundPreview | None,
        approved: Sequence[PreviewedItem],
        *,
        is_last: bool,
    ) -> tuple[RefundTerms, RefundPreview | None]:
        """Sometimes an agent forces a part of what is due."""
        if preview is None or is_last or self.dice.random() > 0.1:
            return terms, preview
        forced = preview.amount * self.dice.randint(0, 100) // 100
        self.withheld += preview.amount - forced
        terms = RefundTerms(forced_refund_minor=forced, is_cargo_refund=terms.is_cargo_refund)
        return terms, self._preview(approved, terms)

    def _open(self, requested: Sequence[PreviewedItem], terms: RefundTerms) -> list[CaseId]:
        """Cases on these terms share a plan, as far as they are confirmed."""
        new = [
            NewCase(
                order_item=row.order_item,
                kind=row.kind,
                reason=self.shop.reasons[row.kind],
                quantity=row.quantity,
                refund_to_loyalty=row.destination.as_loyalty,
                bank_account=IBAN if row.destination.account else None,
            )
            for row in requested
        ]
        is_automatic = terms != DEFAULT_TERMS or self.dice.random() < 0.5
        auto_confirm = NO_AUTO_CONFIRM
        if is_automatic:
            auto_confirm = AutoConfirm(frozenset(Kind), terms, with_parts=True, required=True)
        cases = open_cases(
            new,
            SCOPE,
            actor=AGENT if is_automatic else SHOPPER,
            now=clock.now(),
            auto_confirm=auto_confirm,
        )
        if not is_automatic:
            for case in cases:
                confirm(case, SCOPE, actor=AGENT, now=clock.now())
        return cases

    def _decide(
        self, cases: Sequence[CaseId], approvals: Sequence[bool], preview: RefundPreview | None
    ) -> None:
        """Approve some cases and close the others, in any order; then compare with the preview."""
        dice, approver = self.dice, self.dice.choice((AGENT, SYSTEM_KEY))
        decisions = list(zip(cases, approvals, strict=True))
        dice.shuffle(decisions)
        for case, is_approved in decisions:
            close = dice.choice(((reject, AGENT), (withdraw, SHOPPER)))
            decide, actor = (approve, approver) if is_approved else close
            decide(case, SCOPE, actor=actor, now=clock.now())
        approved = [case for case, is_approved in decisions if is_approved]
        if not approved or preview is None:
            return
        plan = _plan_of(approved[-1])
        self.promised[plan.pk] = preview.amount
        self._compare(plan, preview)
        if plan.status == "approved":
            self._change_mind(approved[-1], approver, preview)

    def _change_mind(self, case: CaseId, approver: Actor, preview: RefundPreview) -> None:
        """Sometimes an approval is taken back and repeated, or a system plans the payments."""
        plan, chance = _plan_of(case), self.dice.random()
        if chance < 0.2 and approver is AGENT:
            undo(case, SCOPE, actor=AGENT, now=clock.now())
            if planned := _planned_of(plan):
                self.wrong.append(f"{planned} after an undo")
            self._pass(1)
            approve(case, SCOPE, actor=AGENT, now=clock.now())
            self._compare(plan, preview)
        elif chance > 0.85:
            items = CancellationRequest.objects.filter(plan=plan, status="approved")
            ids = frozenset(items.values_list("order_item", flat=True))
            payment = PlannedPayment(TransactionType(plan.plan_type), ids)
            now = clock.now()
            plan_payments(PlanId(plan.pk), factories.SHOP, [payment], actor=SYSTEM_KEY, now=now)
            self._compare(plan, preview)

    def _compare(self, plan: CancellationPlan, preview: RefundPreview) -> None:
        """What is paid is what was previewed, by payment, means, item and component."""
        refunds = _planned_of(plan)
        ours = sorted((row.payment.kind, row.means, row.amount_minor) for row in refunds)
        shown = sorted((row.payment_kind, row.means.value, row.amount) for row in preview.refunds)
        if ours != shown:
            self.wrong.append(f"{ours} planned, {shown} previewed")
        sums: dict[int | None, list[int]] = {}
        for part in RefundPart.objects.filter(refund__in=refunds):
            columns = _columns(part)
            known = sums.setdefault(part.order_item_id, [0] * len(columns))
            sums[part.order_item_id] = [a + b for a, b in zip(known, columns, strict=True)]
        previewed = sorted(list(item[1:-1]) for item in preview.items if item.amount)
        if sorted(row for row in sums.values() if _amount_of(row)) != previewed:
            self.wrong.append(f"parts {sums}, previewed {previewed}")
        if plan.forced_refund_minor is None:
            self._compare_with_fractions(sums)

    def _compare_with_fractions(self, sums: dict[int | None, list[int]]) -> None:
        """Each component of some units is within a minor unit of its exact share."""
        origins = dict(OrderItem.objects.filter(order=self.order).values_list("pk", "split_from"))
        for item_id, (units, goods, discount, _, fee, interest, _, tax) in sums.items():
            if item_id is None:
                continue
            item = self.originals[origins[item_id] or item_id]
            for paid, total in (
                (goods, item.goods_minor),
                (discount, item.discount_minor),
                (fee, item.fee_minor),
                (interest, item.interest_minor),
                (tax, item.tax_minor),
            ):
                if abs(paid - Fraction(total * units, item.quantity)) >= 1:
                    self.wrong.append(f"{paid} of {total} for {units} of {item.quantity} units")

    def _work(self, *, may_fail: bool = True) -> None:
        """The worker sends what is due and looks, until nothing is under way; persons pay."""
        if may_fail and self.dice.random() < 0.4:
            failure, options = self.dice.choice(FAILURES)
            self.shop.sandbox.admin.fail(failure, **options)
        for _ in range(_MOST_ROUNDS):
            self._pass(35)
            while look_at_payments(clock.now()):
                pass
            Worker(HANDLERS, jitter=lambda: 0.0).deliver_all()
            if not self._refunds().filter(status__in=UNDER_WAY).exists() and not self._waiting():
                break
        self.shop.sandbox.admin.clear_failures()
        self._pay_by_hand()

    def _waiting(self) -> bool:
        """Whether the worker will send a refund."""
        planned = self._refunds().filter(status=Status.PLANNED.value, attention="")
        disputed = planned.filter(payment__reference__in=self.disputed)
        return planned.count() > disputed.count()

    def _pay_by_hand(self) -> None:
        planned = self._refunds().filter(status=Status.PLANNED.value)
        for refund in planned.filter(attention=Attention.MANUAL_PAYMENT.value):
            mark_refund_paid(refund.pk, evidence="receipt 1", actor=AGENT, now=clock.now())

    def _come_back(self) -> None:
        """A paid refund fails late; the provider rings, twice."""
        paid = self._refunds().filter(status=Status.CONFIRMED.value, account__isnull=False)
        if not (refunds := list(paid.select_related("payment"))):
            return
        refund = self.dice.choice(refunds)
        self.shop.sandbox.admin.set_status(refund.provider_refund or "", "failed", "account_closed")
        for _ in range(2):
            self._ring(refund.account_id or 0, refund.payment.reference or "")
        refund.refresh_from_db()
        if refund.status != Status.RETURNED:
            self.wrong.append(f"{refund.status} after it came back")

    def _ring(self, account_id: int, reference: str) -> None:
        self._pass(5)
        event = f"evt-{self.seed}-{clock.now().timestamp()}"
        record_event(account_id, event, reference, now=clock.now())
        Worker(HANDLERS, jitter=lambda: 0.0).deliver_all()

    def _disturb(self) -> None:
        """Others move money of a payment, or its bank disputes it for a while."""
        open_statuses = (Status.PLANNED.value, *UNDER_WAY)
        payments = Payment.objects.filter(order=self.order, reference__isnull=False)
        possible = [payment for payment in payments if left_of(payment) > 0]
        if not possible or self._refunds().filter(status__in=open_statuses).exists():
            return
        payment = self.dice.choice(possible)
        amount = show(self.dice.randint(1, left_of(payment)), self.currency)
        admin, reference = self.shop.sandbox.admin, payment.reference or ""
        chance = self.dice.random()
        if chance < 0.4:
            admin.dispute(reference)
            self.disputed.add(reference)
            return
        self.is_disturbed = True
        if chance < 0.7:
            admin.refund_in_dashboard(reference, amount)
        else:
            admin.charge_back(reference, amount)
        account = PaymentAccount.objects.get(payment_kinds=[payment.kind], currency=self.currency)
        self._ring(account.pk, reference)

    def _give_up(self) -> None:
        """What is left of the order does not suffice: the agent rejects the cases."""
        cases = CancellationRequest.objects.filter(order_item__order=self.order)
        for case in cases.filter(status__in=["waiting", "confirmed"]):
            reject(CaseId(case.pk), SCOPE, actor=AGENT, now=clock.now())

    def _finish(self) -> None:
        """Everything that is left goes back, and every refund comes to its end."""
        for reference in self.disputed:
            self.shop.sandbox.admin.dispute(reference, is_open=False)
        self.disputed.clear()
        if self._refunds().filter(status__in=(Status.PLANNED.value, *UNDER_WAY)).exists():
            self._work(may_fail=False)
        while self._request(DEFAULT_TERMS, is_last=True):
            self._work(may_fail=False)
        for _ in range(10):
            if not self._repair():
                break
            self._work(may_fail=False)

    def _repair(self) -> bool:
        """An agent sends what failed or came back again, or pays it by other means."""
        final = [Status.FAILED.value, Status.RETURNED.value]
        is_repaired = False
        for refund in self._refunds().filter(status__in=final, replacement=None):
            try:
                self._replace(refund)
                is_repaired = True
            except Refused as refused:
                if not self.is_disturbed or refused.problem.code not in _OUT_OF_MONEY:
                    raise
        return is_repaired

    def _replace(self, refund: Refund) -> None:
        others = [means for means in Means if means.value not in (refund.means, "original")]
        now = clock.now()
        if self.dice.random() < 0.5:
            send_again(refund.pk, actor=AGENT, now=now)
        else:
            means = self.dice.choice(others)
            retry_by_other_means(refund.pk, means, consent="by phone", actor=AGENT, now=now)

    def _pass(self, seconds: float) -> None:
        self.traveller.shift(timedelta(seconds=seconds))

    def _refunds(self) -> QuerySet[Refund]:
        return Refund.objects.filter(order=self.order).order_by("pk")

    # The end

    def _check_end(self) -> None:
        """Our books and the provider's say the same, and nothing is missing."""
        self.order.refresh_from_db()
        paid = self._refunds().filter(status=Status.CONFIRMED.value)
        total = sum(paid.values_list("amount_minor", flat=True))
        completed = completed_plans(self.order.pk, self.order.pk)
        of_completed = paid.filter(plan_id__in=completed).values_list("amount_minor", flat=True)
        self._expect("order's total", self.order.refund_minor, sum(of_completed))
        self._check_provider()
        if not self.is_disturbed:
            self._check_all_is_back(total)

    def _check_all_is_back(self, total: int) -> None:
        self._expect("all that was paid back", total, self.charge - self.withheld)
        for plan, amount in self.promised.items():
            refunds = self._refunds().filter(plan_id=plan, status=Status.CONFIRMED.value)
            self._expect("a plan", sum(refunds.values_list("amount_minor", flat=True)), amount)
        statuses = set(self._refunds().filter(replacement=None).values_list("status", flat=True))
        if statuses - {Status.CONFIRMED.value, Status.CANCELLED.value}:
            self.wrong.append(f"refunds are {statuses}")
        if self.withheld:
            return
        for payment in Payment.objects.filter(order=self.order):
            self._expect(payment.kind, payment.refunded_minor, payment.captured_minor)
        self._check_components()

    def _check_components(self) -> None:
        """The parts of all refunds add up to what was allocated when the order arrived."""
        origins = dict(OrderItem.objects.filter(order=self.order).values_list("pk", "split_from"))
        paid = self._refunds().filter(status=Status.CONFIRMED.value)
        sums: dict[int | None, list[int]] = {}
        for part in RefundPart.objects.filter(refund__in=paid):
            item_id = part.order_item_id and (origins[part.order_item_id] or part.order_item_id)
            columns = _columns(part)
            known = sums.setdefault(item_id, [0] * len(columns))
            sums[item_id] = [a + b for a, b in zip(known, columns, strict=True)]
        for pk, item in self.originals.items():
            goods, discount, _, fee, interest, _, tax = sums.get(pk, [0] * 8)[1:]
            self._expect("goods and discount", (goods, discount, fee, interest, tax), (
                item.goods_minor, item.discount_minor, item.fee_minor, item.interest_minor,
                item.tax_minor,
            ))  # fmt: skip
        shipping = sum(row[3] for row in sums.values())
        self._expect("shipping", shipping, self.order.shipping_minor)

    def _check_provider(self) -> None:
        """The provider has paid what we think, and refused no leg without a script."""
        ledger = self.shop.sandbox.ledger
        for payment in Payment.objects.filter(order=self.order, reference__isnull=False):
            reference = payment.reference or ""
            if not payment.captured_minor:
                continue
            original = self._refunds().filter(
                payment=payment, means=Means.ORIGINAL.value, status=Status.CONFIRMED.value
            )
            ours = original.aggregate(total=Sum("amount_minor"))["total"] or 0
            self._expect(reference, ledger.refunded(reference), ours + payment.found_minor)
            for row in ledger.requests(payment=reference):
                if row["failure"] is None and row["status"] >= 400:
                    self.wrong.append(f"{row['target']} was refused: {row['status']}")

    def _expect(self, name: str, ours: object, expected: object) -> None:
        if ours != expected:
            self.wrong.append(f"{name}: {ours} instead of {expected}")


def _kind(item: OrderItem) -> Kind:
    return Kind.RETURN if item.invoice_number else Kind.CANCEL


def _plan_of(case: CaseId) -> CancellationPlan:
    plan = CancellationRequest.objects.select_related("plan__order").get(pk=case).plan
    assert plan
    return plan


def _planned_of(plan: CancellationPlan) -> list[Refund]:
    refunds = Refund.objects.filter(plan_id=plan.pk).exclude(status=Status.CANCELLED.value)
    return list(refunds.select_related("payment"))


def _columns(part: RefundPart) -> list[int]:
    """Units, components and tax, in the order of a `DueItem`."""
    return [
        part.units,
        part.goods_minor,
        part.discount_minor,
        part.shipping_minor,
        part.fee_minor,
        part.interest_minor,
        part.adjustment_minor,
        part.tax_minor,
    ]


def _amount_of(columns: Sequence[int]) -> int:
    _, goods, discount, shipping, fee, interest, adjustment, _ = columns
    return goods - discount + shipping + fee + interest + adjustment
