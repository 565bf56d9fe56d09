"""Loads the measured shop into the database of DATABASE_URL: `python -m benchmarks.data`."""

import argparse
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any
from uuid import UUID

import django
from django.core.management import call_command
from django.db import connection
from rich.progress import Progress

from benchmarks.shop import (
    ITEMS_PER_ORDER,
    PRODUCTS,
    Shop,
    customer_email,
    guest_email,
    number_of,
    session_key,
)

django.setup()

from benchmarks import cases, copies, filter_rows  # noqa: E402 - models need Django set up
from takeback.accounts.customer_input import CustomerIn  # noqa: E402
from takeback.accounts.models import Channel, Session, User  # noqa: E402
from takeback.accounts.sessions import USER_ID, SessionStore  # noqa: E402
from takeback.addresses.address_input import AddressIn  # noqa: E402
from takeback.core.db.bulk import insert_rows  # noqa: E402
from takeback.logistics.models import EasyReturnShippingCompany  # noqa: E402
from takeback.orders.commands.ingest import REFUSED, ingest_orders  # noqa: E402
from takeback.orders.commands.store_snapshots import Snapshots  # noqa: E402
from takeback.orders.order_input import DiscountIn, ItemIn, LoyaltyIn, OrderIn  # noqa: E402
from takeback.orders.statuses import Status as ItemStatus  # noqa: E402
from takeback.shoppers.sign_in_state import AUTH_HASH, auth_hash  # noqa: E402

BATCH = 1_000
CHANNEL = 1
START = datetime(2024, 1, 1, tzinfo=UTC)
LOADED_AT = datetime(2026, 1, 1, tzinfo=UTC)
SESSIONS_END = datetime(2100, 1, 1, tzinfo=UTC)
CITIES = [f"City {number}" for number in range(20)]
STATUSES = (400, 450, 500, 510, 550, 550, 550, 550, 100, 600)

Document = dict[str, Any]


@cache
def product(number: int) -> Document:
    """A product as a channel sends it, with seven attributes and three extra attributes."""
    return {
        "pk": number,
        "sku": f"SKU{number:08d}",
        "base_code": f"BASE{number // 4:07d}",
        "name": f"Long sleeved shirt of washed linen, model {number}",
        "image": f"https://cdn.example.com/products/{number // 100}/{number}_image_1.jpg",
        "absolute_url": f"/long-sleeved-shirt-of-washed-linen-{number}/",
        "attributes": {
            "color": f"color {number % 12}",
            "size": "SMLX"[number % 4],
            "material": "100% linen, woven and washed in one place",
            "brand": f"Brand {number % 40}",
            "season": f"20{20 + number % 6}-summer",
            "gender": "unisex",
            "care": "Wash at 30 degrees, inside out, with similar colours",
        },
        "attributes_kwargs": {
            "color": {
                "value": f"color {number % 12}",
                "label": f"Color {number % 12}",
                "data_type": "dropdown",
            }
        },
        "extra_attributes": {
            "variants": [f"SKU{number + step:08d}" for step in range(3)],
            "weight": f"{number % 9 + 1}00 g",
            "origin": "tr",
        },
        "attribute_set": [1 + number % 8],
    }


@cache
def price_list(number: int) -> Document:
    """One of a few price lists."""
    return {"name": f"Price list {number}", "code": f"price-{number}", "currency": "try"}


@cache
def stock_list(number: int) -> Document:
    """One of a few stock lists."""
    return {"name": f"Stock list {number}", "code": f"stock-{number}"}


@cache
def data_source(number: int) -> Document:
    """One of a few sellers."""
    return {
        "pk": number,
        "name": f"Seller {number}",
        "slug": f"seller-{number}",
        "title": f"Seller {number} Ltd.",
        "is_active": True,
    }


@cache
def payment_option(number: int) -> Document:
    """One of a few payment options."""
    return {
        "pk": number,
        "name": f"Card {number}",
        "payment_type": "credit_card",
        "slug": f"card-{number}",
    }


def customer(number: int | None, order: int) -> CustomerIn:
    """A registered customer, or the guest of this order."""
    if number is None:
        return CustomerIn(email=guest_email(order), first_name="Guest", last_name=f"No {order}")
    return CustomerIn(
        email=customer_email(number),
        user_type=User.REGISTERED,
        first_name="Customer",
        last_name=f"No {number}",
        phone=f"0555{number:07d}",
        language_code="tr-tr",
        attributes={"loyalty_card": f"L{number:08d}", "tier": number % 4},
    )


def address(owner: int, title: str) -> AddressIn:
    """One of the addresses of the owner."""
    return AddressIn(
        title=title,
        first_name="Customer",
        last_name=f"No {owner}",
        phone_number=f"0555{owner:07d}",
        email=f"owner{owner}@example.com",
        line=f"Street of the {title.lower()} {owner % 900}, block B, door {owner % 40}",
        country="tr",
        country_name="Türkiye",
        city=CITIES[owner % 20],
        township=f"Township {owner % 40}",
        district=f"District {owner % 80}",
        postcode=f"{34_000 + owner % 900}",
    )


def item(order: int, position: int, status: int, dice: Random) -> ItemIn:
    """An item of one or two units."""
    chosen = dice.randrange(PRODUCTS)
    has_left = status in {500, 510, 550, 600}
    placed_at = START + timedelta(minutes=3 * order)
    return ItemIn(
        remote_id=str(order * ITEMS_PER_ORDER + position),
        sku=f"SKU{chosen:08d}",
        product=product(chosen),
        goods_minor=1_990 + 100 * (chosen % 90),
        retail_minor=2_990 + 100 * (chosen % 90),
        tax_rate=Decimal(20),
        status=status,
        quantity=1 + order % 2,
        price_list=price_list(chosen % 3),
        stock_list=stock_list(chosen % 3),
        data_source=data_source(1 + chosen % 5),
        shipping_company="yurtici",
        tracking_number=f"TRK{order:09d}" if has_left else None,
        tracking_url=f"https://carrier.example.com/{order}" if has_left else None,
        invoice_number=f"INV{order:09d}" if has_left else None,
        invoice_date=placed_at + timedelta(days=1) if has_left else None,
        shipped_date=placed_at + timedelta(days=2) if has_left else None,
        delivered_date=placed_at + timedelta(days=4) if status == ItemStatus.DELIVERED else None,
        image=f"https://cdn.example.com/products/{chosen // 100}/{chosen}_image_1.jpg",
        attributes={"gift_note": "for you", "packaging": "box"},
        extra_field={"price_extra_field": {"campaign": 7}, "stock_extra_field": {}},
        details={
            "localized_attributes": {"color": f"renk {chosen % 12}"},
            "extra_product_price": 1,
        },
    )


def order(shop: Shop, number: int) -> OrderIn:
    """An order of three items; every second order has a discount."""
    dice = Random(number)
    status = dice.choice(STATUSES)
    owner = shop.customer_of(number)
    address_owner = number if owner is None else owner
    shipping = address(address_owner, "Home")
    return OrderIn(
        number=number_of(number),
        currency="try",
        placed_at=START + timedelta(minutes=3 * number),
        customer=customer(owner, number),
        shipping_address=shipping,
        billing_address=address(address_owner, "Office") if number % 2 else shipping,
        items=[item(number, position, status, dice) for position in range(ITEMS_PER_ORDER)],
        status=status,
        shipping_minor=1_490,
        shipping_tax_rate=Decimal(20),
        discounts=[DiscountIn(name="Spring sale", amount_minor=500)] if number % 2 else [],
        loyalty=[LoyaltyIn(uuid=UUID(int=number + 1), amount_minor=120)] if number % 5 == 0 else [],
        payment_option=payment_option(1 + number % 4),
        payment_type="credit_card",
        bin_number="454360",
        shipping_company="yurtici",
        tracking_number=f"TRK{number:09d}",
        language_code="tr-tr",
        remote_addr="192.0.2.7",
        extra_field={"utm": "newsletter"},
        details={
            "shipping_option_slug": "standard",
            "payment_option_slug": "card",
            "basket": number,
        },
    )


def load(shop: Shop) -> None:
    """Load everything, with a progress bar for each part; then analyze the tables."""
    call_command("migrate", interactive=False, verbosity=0)
    Channel.objects.get_or_create(pk=CHANNEL, defaults={"name": "Measured shop"})
    for carrier, label in (("yurtici", "Yurtiçi Kargo"), ("aras", "Aras Kargo")):
        EasyReturnShippingCompany.objects.create(
            carrier=carrier, carrier_label=label, name=label, channel_id=CHANNEL
        )
    if shop.has_probes:
        filter_rows.load(LOADED_AT)
    with Progress() as progress:
        _load_orders(shop, progress)
        cases.load(shop, progress, LOADED_AT)
        _load_sessions(shop, progress)
    copies.add(shop.copies)
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


def _load_orders(shop: Shop, progress: Progress) -> None:
    task = progress.add_task("orders", total=shop.orders)
    snapshots = Snapshots()
    for first in range(0, shop.orders, BATCH):
        batch = [order(shop, number) for number in range(first, min(first + BATCH, shop.orders))]
        outcomes = ingest_orders(CHANNEL, batch, source="bench", now=LOADED_AT, snapshots=snapshots)
        refused = [outcome for outcome in outcomes if outcome.result == REFUSED]
        if refused:
            raise ValueError(refused[0])
        progress.advance(task, len(batch))


def _load_sessions(shop: Shop, progress: Progress) -> None:
    """A session for each customer, as after signing in."""
    task = progress.add_task("sessions", total=shop.customers)
    store = SessionStore()
    rows = []
    customers = User.objects.filter(user_type=User.REGISTERED).values_list(
        "id", "email", "password"
    )
    for user_id, email, password in customers.values_list("id", "email", "password"):
        data = store.encode({USER_ID: user_id, AUTH_HASH: auth_hash(password)})
        key = session_key(int(email.removeprefix("customer").partition("@")[0]))
        rows.append((key, data, SESSIONS_END, user_id))
        progress.advance(task)
    insert_rows(Session, ("session_key", "session_data", "expire_date", "user_id"), rows)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=Shop().orders)
    parser.add_argument("--requests", type=int, default=Shop().requests)
    parser.add_argument("--probes", action="store_true")
    parser.add_argument("--copies", type=int, default=0)
    options = parser.parse_args()
    load(Shop(options.orders, options.requests, options.probes, options.copies))


if __name__ == "__main__":
    main()
