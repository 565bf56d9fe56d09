"""Orders of the shop's previous system, as records of the files that are imported."""

from datetime import datetime, timedelta
from random import Random

from takeback.demo.catalogue import Catalogue, Document
from takeback.demo.shoppers import Shopper

_COUNT, _OF_CUSTOMER, _FIRST_NUMBER = 60, 3, 42


def old_orders(
    rng: Random, catalogue: Catalogue, shoppers: list[Shopper], reference: datetime
) -> tuple[list[Document], list[Document]]:
    """The orders and their items. Some belong to the introduced customer, who is the first."""
    customer, *others = [shopper for shopper in shoppers if not shopper.is_guest]
    owners = [customer] * _OF_CUSTOMER + rng.sample(others, _COUNT - _OF_CUSTOMER)
    orders, items = [], []
    for number, owner in enumerate(owners, _FIRST_NUMBER):
        sold = rng.sample(catalogue.articles, 2)
        prices = [owner.market.price(article.cents) for article in sold]
        orders.append(_order(owner, number, prices, reference))
        items += [
            {
                "order_number": orders[-1]["number"],
                "product": article.name,
                "sku": article.sku,
                "quantity": 1,
                "price": owner.market.show(price),
                "image_url": f"https://old.example.com/{article.sku.lower()}.jpg",
                "extra_field": {"shelf": "old"},
            }
            for article, price in zip(sold, prices, strict=True)
        ]
    return orders, items


def _order(owner: Shopper, number: int, prices: list[int], reference: datetime) -> Document:
    market, home = owner.market, owner.home
    address = ", ".join(home[name] for name in ("line", "district", "township", "city"))
    discount = prices[0] // 10
    return {
        "number": f"OLD-2019-{number:04}",
        "user": owner.customer["channel_code"],
        "user_email": owner.customer["email"],
        "status": "delivered",
        "created_date": reference - timedelta(days=2_500 - number),
        "amount": market.show(sum(prices) - discount),
        "discount_amount": market.show(discount),
        "currency": market.currency,
        "payment_type": "credit card",
        "bank": f"Demo Bank {market.country.upper()}",
        "installment_count": 3 if market.currency == "try" else 1,
        "tracking_number": f"OLDTRK{number}",
        "shipping_company": "extension",
        "shipping_address": address,
        "billing_address": address,
        "extra_field": {"system": "before 2020"},
    }
