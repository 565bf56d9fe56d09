"""How an order of the demo shop comes about: from a plan of a few words to all that can be told."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

from django.conf import settings

from takeback.addresses.address_input import AddressIn
from takeback.core import money
from takeback.demo.catalogue import Article, Catalogue, Market
from takeback.demo.chance import happens
from takeback.demo.people import Person, store_address
from takeback.orders.order_input import DiscountIn, ItemIn, LoyaltyIn, OrderIn, TenderIn
from takeback.orders.statuses import ENDED, Status, rolled_up_status

CARRIER = "extension"

_INVOICED, _SHIPPED, _DELIVERED = 1, 2, 3
_STAGES = {
    Status.SHIPPED: _SHIPPED,
    Status.SHIPPED_AND_INFORMED: _SHIPPED,
    Status.READY_FOR_PICKUP: _SHIPPED,
    Status.ATTEMPTED_DELIVERY: _SHIPPED,
    Status.DELIVERED: _DELIVERED,
    Status.REFUNDED: _DELIVERED,
}
_INVOICE_HOURS, _SHIPPING_HOURS, _DELIVERY_HOURS = 20, 44, 68
_CANCEL_STATUSES = {50: "waiting", 100: "approved", 600: "approved"}
_TRACKING = "https://tracking.example.com"
_INVOICES = "https://invoices.example.com"


@dataclass(slots=True, kw_only=True)
class LinePlan:
    """One line: what, how many, and how far it has come."""

    article: Article
    status: int
    quantity: int = 1
    is_invoiced: bool = False
    is_delivered: bool = False
    trade_in_cents: int = 0
    """What the shop would give for an old piece, in euro cents; 0: nothing."""

    @property
    def stage(self) -> int:
        """How far the goods have come: 0 nowhere, then invoiced, shipped, delivered."""
        if self.is_delivered:
            return _DELIVERED
        return _STAGES.get(Status(self.status), _INVOICED if self.is_invoiced else 0)


@dataclass(slots=True, kw_only=True)
class OrderPlan:
    """An order in a few words; a rich one has everything that an order can have."""

    number: str
    person: Person
    placed_at: datetime
    lines: list[LinePlan]
    is_rich: bool = False
    to_store: bool = False
    payment: str = "credit_card"
    market: Market | None = None


@dataclass(slots=True)
class _Draft:
    """An order being written."""

    plan: OrderPlan
    market: Market
    catalogue: Catalogue
    rng: Random
    items: list[ItemIn] = field(default_factory=list)

    def has(self, share: float) -> bool:
        """Whether this order has something that only a share of all orders has."""
        return happens(self.rng, share) or self.plan.is_rich

    @property
    def goods(self) -> int:
        return sum(item.goods_minor for item in self.items)


def order_of(plan: OrderPlan, catalogue: Catalogue, rng: Random) -> OrderIn:
    """The order as a shop would tell it."""
    draft = _Draft(plan, plan.market or plan.person.market, catalogue, rng)
    shipping = 0 if happens(rng, 0.4) and not plan.is_rich else draft.market.price(490)
    group = catalogue.shipping_group(draft.market, shipping)
    draft.items = [_item(draft, index, line, group) for index, line in enumerate(plan.lines, 1)]
    order = OrderIn(
        number=plan.number,
        currency=draft.market.currency,
        placed_at=plan.placed_at,
        customer=plan.person.as_customer(),
        shipping_address=_shipping_address(plan),
        billing_address=_billing_address(draft),
        items=draft.items,
        status=rolled_up_status([line.status for line in plan.lines]),
        shipping_minor=shipping,
        shipping_tax_rate=draft.market.tax[0],
        language_code=draft.market.locale,
        client_type=rng.choice(["default", "default", "ios", "android"]),
        order_type=rng.choice(["regular", "regular", "addon", "replacement"]),
        remote_addr=f"198.51.100.{rng.randrange(1, 250)}",
        is_send=happens(rng, 0.9),
        extra_field={"id": f"R-{plan.number}", "campaign": "demo"},
    )
    order.cancel_status = _CANCEL_STATUSES.get(order.status or 0)
    _discount(draft, order)
    _pay(draft, order)
    _dress(draft, order)
    order.details = _details(draft, order)
    return order


def _shipping_address(plan: OrderPlan) -> AddressIn:
    return store_address(plan.person) if plan.to_store else plan.person.book[0]


def _billing_address(draft: _Draft) -> AddressIn | None:
    other = draft.has(0.3) and not draft.plan.to_store
    return draft.plan.person.book[1] if other else None


def _item(draft: _Draft, index: int, line: LinePlan, group: dict[str, Any]) -> ItemIn:
    market, article = draft.market, line.article
    goods = market.price(article.cents) * line.quantity
    attributes: dict[str, Any] = {"gift_wrap": "no"}
    if line.quantity > 1:
        attributes[settings.ORDER_ITEM_QUANTITY_KEY] = line.quantity
    if line.trade_in_cents:
        amount = money.show(market.price(line.trade_in_cents), market.currency)
        attributes[settings.TRADE_IN_KEY] = {"amount": amount, "model": "An old one"}
    warehouse = 0 if happens(draft.rng, 0.7) else 1
    item = ItemIn(
        remote_id=f"{draft.plan.number}-{index}",
        sku=article.sku,
        product=draft.catalogue.product(article, market),
        goods_minor=goods,
        status=line.status,
        quantity=line.quantity,
        retail_minor=market.price(article.cents * 5 // 4) * line.quantity,
        tax_rate=market.tax[article.tax],
        price_list=draft.catalogue.price_list(market),
        stock_list=draft.catalogue.stock_lists[warehouse],
        data_source=draft.catalogue.sources[warehouse],
        shipping_option_group=group,
        cancel_status=_CANCEL_STATUSES.get(line.status),
        image=draft.catalogue.picture(article.code.lower()) if draft.has(0.3) else None,
        is_tradable=article.code == "BAG" and line.stage == _DELIVERED,
        attributes=attributes,
        extra_field={
            "price_extra_field": {"list": market.currency},
            "stock_extra_field": {"shelf": f"A{index}"},
        },
        estimated_delivery_date=(draft.plan.placed_at + timedelta(days=4)).date(),
    )
    _advance(draft, item, line)
    item.details = _item_details(draft, item, index)
    return item


def _advance(draft: _Draft, item: ItemIn, line: LinePlan) -> None:
    """Invoice, parcel and delivery, as far as the line has come."""
    placed, number = draft.plan.placed_at, draft.plan.number
    if line.stage >= _INVOICED:
        item.invoice_number = f"INV{number}"
        item.invoice_date = placed + timedelta(hours=_INVOICE_HOURS)
        item.e_archive_url = f"{_INVOICES}/{number}.pdf"
    if line.stage >= _SHIPPED:
        item.shipping_company = CARRIER
        item.tracking_number = f"TRK{number}"
        item.tracking_url = f"{_TRACKING}/TRK{number}"
        item.shipped_date = placed + timedelta(hours=_SHIPPING_HOURS)
    if line.stage >= _DELIVERED:
        item.delivered_date = placed + timedelta(hours=_DELIVERY_HOURS)


def _item_details(draft: _Draft, item: ItemIn, index: int) -> dict[str, Any]:
    wrap = {"value": "no", "data_type": "dropdown", "label": "No"}
    parcel = item.tracking_number
    return {
        "attributes_kwargs": {"gift_wrap": wrap},
        "localized_attributes": {"gift_wrap": {"en": "no", "tr": "yok"}},
        "localized_attributes_kwargs": {"gift_wrap": {"label": "Gift wrap"}},
        "extra_product_price": 600 + index,
        "extra_product_stock": 700 + index,
        "shipping_tracking_url": f"{_TRACKING}/carrier/{parcel}" if parcel else None,
        "defined_tracking_url": f"{_TRACKING}/shop/{parcel}" if parcel else None,
        "shipment_code": f"SHP{draft.plan.number}" if parcel else None,
        "external_status": {"id": str(UUID(int=item.status)), "name": "demo", "code": "D1"},
        "forced_refund": False,
    }


def _discount(draft: _Draft, order: OrderIn) -> None:
    """A campaign that takes a tenth off every other line, sometimes a voucher on all of them."""
    touched = draft.items[::2]
    if draft.has(0.35):
        off = sum(item.goods_minor for item in touched) // 10
        order.discounts.append(
            DiscountIn(
                name="Autumn campaign 10%",
                amount_minor=off,
                items=tuple(item.remote_id for item in touched),
            )
        )
    if happens(draft.rng, 0.1):
        voucher = min(draft.market.price(500), draft.goods // 4)
        order.discounts.append(DiscountIn(name="Welcome voucher", amount_minor=voucher))


_PAYMENTS: dict[str, tuple[int, str]] = {
    "credit_card": (61, "Card"),
    "saved_card": (62, "Saved card"),
    "funds_transfer": (63, "Bank transfer"),
    "pay_on_delivery": (64, "Pay on delivery"),
}


def _pay(draft: _Draft, order: OrderIn) -> None:
    """Payment option, bank, instalments, and what has been paid of it."""
    plan, market = draft.plan, draft.market
    pk, name = _PAYMENTS[plan.payment]
    order.payment_type = plan.payment
    order.payment_option = {
        "pk": pk,
        "name": name,
        "payment_type": plan.payment,
        "slug": plan.payment.replace("_", "-"),
    }
    if plan.payment == "pay_on_delivery":
        order.fee_minor = market.price(150)
    if plan.payment.endswith("card"):
        order.bank = draft.catalogue.bank(market)
        order.bin_number = f"{draft.rng.randrange(450_000, 560_000)}"
        order.installment_count = draft.rng.choice([1, 1, 3, 6]) if market.country == "tr" else 1
        if order.installment_count > 1 or plan.is_rich:
            order.interest_minor = draft.goods * max(order.installment_count, 2) // 100
    _add_tenders(draft, order)


def _add_tenders(draft: _Draft, order: OrderIn) -> None:
    off = sum(discount.amount_minor for discount in order.discounts)
    due = draft.goods - off + order.shipping_minor + order.fee_minor + order.interest_minor
    points = draft.market.price(300) if draft.has(0.08) and order.bank else 0
    if 0 < points < due:
        order.loyalty.append(_points(draft, -points, "spent"))
        order.tenders.append(_tender(draft, "loyalty_money", points, points))
        due -= points
    if draft.has(0.2):
        order.loyalty.append(_points(draft, due // 100, "earned"))
    is_paid = order.status != Status.PAYMENT_WAITING
    if order.payment_type == "pay_on_delivery":
        is_paid = all(line.stage == _DELIVERED for line in draft.plan.lines)
    order.tenders.append(_tender(draft, order.payment_type, due, due if is_paid else 0))


def _tender(draft: _Draft, kind: str, amount: int, captured: int) -> TenderIn:
    reference = f"{kind.upper()}-{draft.plan.number}"
    return TenderIn(kind=kind, amount_minor=amount, captured_minor=captured, reference=reference)


def _points(draft: _Draft, amount: int, word: str) -> LoyaltyIn:
    return LoyaltyIn(
        uuid=UUID(int=draft.rng.getrandbits(128), version=4),
        amount_minor=amount,
        reference=f"{word}-{draft.plan.number}",
    )


def _dress(draft: _Draft, order: OrderIn) -> None:
    """Gift box, notes, and the parcel's facts at the level of the order."""
    if draft.has(0.1):
        order.has_gift_box, order.gift_box_note = True, "Happy birthday!"
    if draft.has(0.15):
        order.notes = "Leave it with the neighbour if I am out."
    sent = next((item for item in draft.items if item.tracking_number), None)
    billed = next((item for item in draft.items if item.invoice_number), None)
    if sent:
        order.shipping_company = sent.shipping_company
        order.tracking_number, order.tracking_url = sent.tracking_number, sent.tracking_url
    if billed:
        order.invoice_number, order.invoice_date = billed.invoice_number, billed.invoice_date
        order.e_archive_url = billed.e_archive_url


def _details(draft: _Draft, order: OrderIn) -> dict[str, Any]:
    """What is repeated on the wire and never looked at, under its wire names."""
    serial = draft.rng.randrange(1000, 9999)
    day = (order.placed_at + timedelta(days=3)).replace(hour=9, minute=0, second=0)
    ended = order.status in ENDED
    parcel = order.tracking_number
    return {
        "shipping_option_slug": "standard" if order.shipping_minor else "free",
        "payment_option_slug": (order.payment_option or {}).get("slug"),
        "delivery_range": {
            "start": day.isoformat(),
            "end": (day + timedelta(hours=4)).isoformat(),
        },
        "segment": "loyal" if draft.has(0.2) else None,
        "checkout_provider": "express" if draft.has(0.2) else None,
        "checkout_provider_id": 7 if draft.has(0.2) else None,
        "basket": 50_000 + serial,
        "shipping_option": 1,
        "card": 300 + serial if order.bank else None,
        "installment": order.installment_count if order.bank else None,
        "defined_tracking_url": f"{_TRACKING}/shop/{parcel}" if parcel else None,
        "shipping_tracking_url": f"{_TRACKING}/carrier/{parcel}" if parcel else None,
        "delivery_type": "standard",
        "cargo_company": 1,
        "carrier_shipping_code": f"SHP{order.number}" if parcel else None,
        "external_status": 1,
        "cancellation_info": {"reason": "Asked for by the customer"} if ended else {},
        "shipping_interest_amount": Decimal(0),
    }
