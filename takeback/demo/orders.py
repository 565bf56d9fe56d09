"""The orders of the demo shop, drawn by chance and written in the wire form of the channel API."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from takeback.accounts.policy import ShopPolicy
from takeback.cancellations.statuses import Kind
from takeback.cancellations.statuses import Status as CaseStatus
from takeback.demo.catalogue import Article, Catalogue, Document, Market
from takeback.demo.shoppers import Shopper, store_address, work_address
from takeback.orders.statuses import CANCELLABLE, ENDED, Status, rolled_up_status

CASH = frozenset({"funds_transfer", "pay_on_delivery"})
DELIVERED = frozenset({Status.DELIVERED, Status.REFUNDED})
_SHIPPED = DELIVERED | {
    Status.SHIPPED,
    Status.SHIPPED_AND_INFORMED,
    Status.READY_FOR_PICKUP,
    Status.ATTEMPTED_DELIVERY,
}
_INVOICED_AFTER, _SHIPPED_AFTER, _DELIVERED_AFTER = (timedelta(hours=n) for n in (20, 44, 68))
_RETURN_DAYS = 14
_NUMBERS = range(200_000_000_000_000, 1_000_000_000_000_000)
_TRACKING = "https://tracking.example.com"
# Id, name and weight of each payment option.
_PAYMENTS = {
    "credit_card": (61, "Card", 55),
    "saved_card": (62, "Saved card", 20),
    "funds_transfer": (63, "Bank transfer", 15),
    "pay_on_delivery": (64, "Pay on delivery", 10),
}
# Statuses of an order that is younger than so many days, with their weights.
_BY_AGE: tuple[tuple[float, dict[int, int]], ...] = (
    (2, {200: 30, 300: 10, 350: 10, 400: 32, 450: 8, 50: 2, 100: 6}),
    (5, {400: 17, 450: 35, 500: 25, 510: 12, 50: 1, 100: 8}),
    (9, {500: 15, 510: 15, 520: 15, 540: 10, 550: 42, 50: 1}),
    (1_000, {550: 78, 100: 10, 600: 9, 520: 2, 540: 1}),
)
# Statuses of the case of an item that can be cancelled or returned, with their weights.
_CASES: dict[Kind, dict[CaseStatus | None, int]] = {
    Kind.CANCEL: {
        None: 40,
        CaseStatus.WAITING: 1,
        CaseStatus.REJECTED: 1,
        CaseStatus.WITHDRAWN: 1,
        CaseStatus.COMPLETED: 1,
    },
    Kind.RETURN: {
        None: 40,
        CaseStatus.WAITING: 1,
        CaseStatus.WAITING_APPROVAL: 1,
        CaseStatus.REJECTED: 1,
        CaseStatus.WITHDRAWN: 1,
        CaseStatus.COMPLETED: 1,
    },
}
_CANCEL_STATUSES: dict[CaseStatus | None, str] = {
    CaseStatus.CONFIRMED: "waiting",
    CaseStatus.APPROVED: "waiting",
    CaseStatus.COMPLETED: "approved",
}
_SHORT = ("pk", "sku", "base_code", "name", "slug", "code", "currency", "image", "absolute_url",
          "attributes", "category", "amount", "shipping_option_slug")  # fmt: skip


@dataclass(slots=True, kw_only=True)
class ItemPlan:
    """An item: its article, quantity and progress, and the status that its case will reach."""

    article: Article
    status: int
    quantity: int = 1
    is_invoiced: bool = False
    trade_in_cents: int = 0  # the shop's offer for a used one, in euro cents; 0: none
    case: CaseStatus | None = None
    case_quantity: int = 0  # the units of the case; 0: all

    @property
    def case_kind(self) -> Kind:
        return Kind.RETURN if self.status in DELIVERED else Kind.CANCEL


@dataclass(slots=True, kw_only=True)
class OrderPlan:
    """An order in a few words. An introduced one has every field that an order can have."""

    number: str
    shopper: Shopper
    placed_at: datetime
    reference: datetime  # the present of the demo: nothing has happened after it
    items: list[ItemPlan]
    market: Market
    payment: str = "credit_card"
    is_introduced: bool = False
    is_new: bool = False  # the mails about its cases are still to be sent
    to_store: bool = False
    refund: str = ""  # the story of its refund (`refund_stories`)
    account: str | None = None  # the payment account that it names
    has_reference: bool = True  # whether its payments have an id at the provider

    @property
    def delivered_at(self) -> datetime:
        return self.after_placing(_DELIVERED_AFTER)

    def after_placing(self, wait: timedelta) -> datetime:
        """The time of an event that has happened by now."""
        return min(self.placed_at + wait, self.reference)


def happens(rng: Random, share: float) -> bool:
    """True in this share of all draws."""
    return rng.random() < share


def draw_order(
    rng: Random, catalogue: Catalogue, shopper: Shopper, reference: datetime
) -> OrderPlan:
    """An order of the 400 days before `reference`; half of them are of the last 14."""
    days = rng.uniform(0.05, 14) if happens(rng, 0.5) else rng.uniform(9, 400)
    weights = next(weights for limit, weights in _BY_AGE if days < limit)
    statuses = rng.choices(list(weights), list(weights.values()), k=2)
    is_mixed = happens(rng, 0.2)
    items = [
        _draw_item(rng, rng.choice(catalogue.articles), statuses[is_mixed and index > 0], days)
        for index in range(rng.choices([1, 2, 3, 4, 6], [35, 30, 20, 10, 5])[0])
    ]
    payment = rng.choices(list(_PAYMENTS), [weight for _, _, weight in _PAYMENTS.values()])[0]
    if Status.PAYMENT_WAITING in statuses:
        payment = "funds_transfer"
    return OrderPlan(
        number=str(rng.choice(_NUMBERS)),
        shopper=shopper,
        placed_at=reference - timedelta(minutes=int(days * 1_440)),
        reference=reference,
        items=items,
        market=shopper.market,
        payment=payment,
    )


def _draw_item(rng: Random, article: Article, status: int, days: float) -> ItemPlan:
    quantity = rng.choice([2, 3, 4, 6]) if happens(rng, 0.15) else 1
    item = ItemPlan(article=article, status=status, quantity=quantity)
    if status == Status.CANCELLATION_WAITING:
        # It arrives as what it was before; its case, once confirmed, leads to this status.
        was_delivered = timedelta(days=days) > _DELIVERED_AFTER and happens(rng, 0.4)
        item.status = Status.DELIVERED if was_delivered else Status.APPROVED
        item.case = rng.choice([CaseStatus.CONFIRMED, CaseStatus.APPROVED])
    elif status in ENDED:
        item.case = CaseStatus.COMPLETED
    elif status == Status.PREPARING and happens(rng, 0.5):
        item.is_invoiced = True
    elif status in CANCELLABLE or (status in DELIVERED and days < _RETURN_DAYS):
        weights = _CASES[item.case_kind]
        item.case = rng.choices(list(weights), list(weights.values()))[0]
        if item.case == CaseStatus.COMPLETED:
            # A complete item would have ended.
            item.case, item.case_quantity = (item.case, 1) if quantity > 1 else (None, 0)
    return item


@dataclass(slots=True)
class OrderWriter:
    """Writes plans as documents of the channel API; what a plan leaves open is drawn."""

    catalogue: Catalogue
    policy: ShopPolicy
    rng: Random

    def document(self, plan: OrderPlan) -> Document:
        """The order in the wire form. Only introduced orders have all fields."""
        shipping = plan.market.price(490) if plan.is_introduced or happens(self.rng, 0.6) else 0
        furthest = max(plan.items, key=lambda item: (item.status in _SHIPPED, item.is_invoiced))
        return {
            "order": {
                "number": plan.number,
                "currency": plan.market.currency,
                "date_placed": plan.placed_at,
                "status": rolled_up_status([item.status for item in plan.items]),
                "cancel_status": _CANCEL_STATUSES.get(plan.items[0].case),
                "customer": plan.shopper.customer,
                "shipping_address": store_address(plan.shopper)
                if plan.to_store
                else plan.shopper.home,
                "shipping_amount": plan.market.show(shipping),
                "shipping_tax_rate": plan.market.tax[0],
                "shipping_option_slug": "standard" if shipping else "free",
                "language_code": plan.market.locale,
                "client_type": self.rng.choice(["default", "default", "ios", "android"]),
                "remote_addr": f"198.51.100.{self.rng.randrange(1, 250)}",
                "is_send": True,
                "extra_field": {"id": f"R-{plan.number}", "campaign": "demo"},
                **_progress(plan, furthest),
                **self._payment(plan, shipping),
                **(_order_extras(plan) if plan.is_introduced else {}),
            },
            "order_item": self._items(plan, self.catalogue.shipping_group(plan.market, shipping)),
        }

    def _items(self, plan: OrderPlan, shipping_group: Document) -> list[Document]:
        market, items = plan.market, []
        for index, item in enumerate(plan.items, 1):
            article, warehouse = item.article, self.catalogue.warehouses[happens(self.rng, 0.3)]
            parts = warehouse | {
                "product": self.catalogue.product(article),
                "price_list": market.price_list,
                "shipping_option_group": shipping_group,
            }
            document = {
                "remote_id": f"{plan.number}-{index}",
                "sku": article.sku,
                "price": market.show(market.price(article.cents) * item.quantity),
                "retail_price": market.show(market.price(article.cents * 5 // 4) * item.quantity),
                "tax_rate": market.tax[article.tax],
                "quantity": item.quantity,
                "status": item.status,
                "cancel_status": _CANCEL_STATUSES.get(item.case),
                "is_tradable": article.code == "BAG" and item.status in DELIVERED,
                "attributes": self._attributes(item, market),
                "estimated_delivery_date": (plan.placed_at + timedelta(days=4)).date(),
                **_progress(plan, item),
            }
            if plan.is_introduced:
                parts |= {"image": self.catalogue.image(article.code)} | _ITEM_EXTRAS
            else:
                parts = {
                    name: {key: part[key] for key in _SHORT if key in part}
                    for name, part in parts.items()
                }
            items.append(document | parts)
        return items

    def _attributes(self, item: ItemPlan, market: Market) -> Document:
        offer = {"amount": market.show(market.price(item.trade_in_cents)), "model": "An old one"}
        return (
            {"gift_wrap": "no"}
            | ({self.policy.item_quantity_key: item.quantity} if item.quantity > 1 else {})
            | ({self.policy.trade_in_key: offer} if item.trade_in_cents else {})
        )

    def _payment(self, plan: OrderPlan, shipping: int) -> Document:
        """A campaign on every other item, the payment option, and the payments of the amount."""
        market, rng, is_card = plan.market, self.rng, plan.payment not in CASH
        prices = [market.price(item.article.cents) * item.quantity for item in plan.items]
        has_discount = plan.is_introduced or happens(rng, 0.35)
        discount = sum(prices[::2]) // 10 if has_discount else 0
        campaign = {
            "name": "Autumn campaign 10%",
            "amount": market.show(discount),
            "items": [f"{plan.number}-{n}" for n in range(1, len(prices) + 1, 2)],
        }
        fee = market.price(150) if plan.payment == "pay_on_delivery" else 0
        has_instalments = is_card and (plan.is_introduced or happens(rng, 0.1))
        interest = sum(prices) // 50 if has_instalments else 0
        pk, name, _ = _PAYMENTS[plan.payment]
        slug = plan.payment.replace("_", "-")
        return {
            "discountitem_set": [campaign] if discount else [],
            "fee_amount": market.show(fee),
            "installment_interest_amount": market.show(interest),
            "installment": 3 if has_instalments else None,
            "installment_count": 3 if has_instalments else 1,
            "payment_option": {"pk": pk, "name": name, "payment_type": plan.payment, "slug": slug},
            "payment_option_slug": slug,
            "bank": market.bank if is_card else None,
            "bin_number": f"{rng.randrange(450_000, 560_000)}" if is_card else None,
            **self._payments(plan, sum(prices) - discount + shipping + fee + interest),
        }

    def _payments(self, plan: OrderPlan, due: int) -> Document:
        """The payments of the amount due, and the loyalty points that were spent and earned."""
        show, is_card = plan.market.show, plan.payment not in CASH
        has_points = is_card and (
            _has_points(plan) or (not plan.refund and happens(self.rng, 0.08))
        )
        points = min(plan.market.price(300), due // 4) if has_points else 0
        rest = due - points
        is_paid = all(item.status != Status.PAYMENT_WAITING for item in plan.items)
        if plan.payment == "pay_on_delivery":
            is_paid = all(item.status in DELIVERED for item in plan.items)
        kinds = [("loyalty_money", points, points), (plan.payment, rest, rest * is_paid)]
        return {
            "payments": [
                {
                    "payment_type": kind,
                    "amount": show(minor),
                    "captured_amount": show(captured),
                    "account": plan.account if kind == plan.payment else None,
                    "reference": f"{kind.upper()}-{plan.number}" if plan.has_reference else None,
                }
                for kind, minor, captured in kinds
                if minor
            ],
            "loyaltytransaction_set": [
                {
                    "uuid": str(UUID(int=self.rng.getrandbits(128), version=4)),
                    "amount": show(minor),
                    "reference": f"{reason}-{plan.number}",
                }
                for reason, minor in (("spent", -points), ("earned", rest // 100))
                if has_points
            ],
        }


def _has_points(plan: OrderPlan) -> bool:
    """Most stories of refunds have one payment, and so one refund."""
    return plan.is_introduced and plan.refund in {"", "points"}


def _progress(plan: OrderPlan, item: ItemPlan) -> Document:
    """Invoice, parcel and delivery, as far as the item has come; for items and orders."""
    number, is_shipped = plan.number, item.status in _SHIPPED
    invoice = {
        "invoice_number": f"INV{number}",
        "invoice_date": plan.after_placing(_INVOICED_AFTER),
        "e_archive_url": f"https://invoices.example.com/{number}.pdf",
    }
    parcel = {
        "shipping_company": "extension",
        "shipment_code": f"SHP{number}",
        "carrier_shipping_code": f"SHP{number}",
        "tracking_number": f"TRK{number}",
        "tracking_url": f"{_TRACKING}/TRK{number}",
        "shipping_tracking_url": f"{_TRACKING}/carrier/TRK{number}",
        "defined_tracking_url": f"{_TRACKING}/shop/TRK{number}",
        "shipped_date": plan.after_placing(_SHIPPED_AFTER),
    }
    return (
        (invoice if is_shipped or item.is_invoiced else {})
        | (parcel if is_shipped else {})
        | ({"delivered_date": plan.delivered_at} if item.status in DELIVERED else {})
    )


def _order_extras(plan: OrderPlan) -> Document:
    """Fields that are stored and shown only."""
    day = (plan.placed_at + timedelta(days=3)).replace(hour=9, minute=0, second=0)
    return {
        "billing_address": None if plan.to_store else work_address(plan.shopper),
        "order_type": "regular",
        "has_gift_box": True,
        "gift_box_note": "Happy birthday!",
        "notes": "Leave it with the neighbour if I am out.",
        "delivery_range": {"start": day, "end": day + timedelta(hours=4)},
        "delivery_type": "standard",
        "segment": "loyal",
        "checkout_provider": "express",
        "checkout_provider_id": 7,
        "basket": 51_000,
        "card": 1_300,
        "shipping_option": 1,
        "cargo_company": 1,
        "external_status": 1,
        "cancellation_info": {},
        "shipping_interest_amount": plan.market.show(0),
    }


_ITEM_EXTRAS: Document = {
    "attributes_kwargs": {"gift_wrap": {"value": "no", "data_type": "dropdown", "label": "No"}},
    "localized_attributes": {"gift_wrap": {"en": "no", "tr": "yok"}},
    "localized_attributes_kwargs": {"gift_wrap": {"label": "Gift wrap"}},
    "extra_field": {
        "price_extra_field": {"list": "demo"},
        "stock_extra_field": {"shelf": "A1"},
    },
    "extra_product_price": 601,
    "extra_product_stock": 701,
    "external_status": {"id": str(UUID(int=550)), "name": "demo", "code": "D1"},
    "forced_refund": False,
}
