"""The markets, warehouses and articles of the demo shop, from its data files."""

import tomllib
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from takeback.core import money

Document = dict[str, Any]

LANGUAGE = "en"
_SHOP_OPENED = "2024-01-01T00:00:00Z"


@cache
def read_data(name: str, images: str = "") -> Document:
    """The content of a data file. `images` is the URL of the folder of the drawings."""
    path = Path(__file__).parent / "data" / f"{name}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8").replace("{images}", images))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Market:
    """A country with its currency and language; price list and bank are in the wire form."""

    currency: str
    locale: str
    language: str
    country: str
    country_name: str
    share: int
    rate: str
    step: int
    tax: list[str]
    phone: str
    tax_office: str
    streets: list[str]
    price_list: Document
    bank: Document

    def price(self, euro_cents: int) -> int:
        """Minor units of the market's currency for a price in euro cents."""
        minor = Decimal(self.rate) * euro_cents * 10 ** money.decimals(self.currency) / 100
        return int((minor / self.step).to_integral_value(ROUND_HALF_UP)) * self.step

    def show(self, minor: int) -> str:
        return money.show(minor, self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """A variant of a product."""

    pk: int
    code: str
    variant: str
    cents: int
    tax: int
    category: Document
    names: dict[str, str]

    @property
    def name(self) -> str:
        """The name in the language of the shop: it sells to six markets and has one catalogue."""
        return self.names[LANGUAGE]

    @property
    def sku(self) -> str:
        return f"{self.code}-{self.variant.upper()}"


class Catalogue:
    """Everything that the shop sells, and where; images have addresses below `site_url`."""

    def __init__(self, site_url: str) -> None:
        self._images = f"{site_url}/static/demo"
        markets = read_data("markets", self._images)["market"]
        self.markets = {row["currency"]: Market(**row) for row in markets}
        self.warehouses: list[Document] = read_data("warehouses")["warehouse"]
        rows = read_data("products")["product"]
        variants = [(row, variant) for row in rows for variant in row["variants"]]
        self.articles = [
            Article(pk=pk, variant=variant, **{k: v for k, v in row.items() if k != "variants"})
            for pk, (row, variant) in enumerate(variants, 4201)
        ]

    def image(self, name: str) -> str:
        return f"{self._images}/{name.lower()}.svg"

    def product(self, article: Article) -> Document:
        """The product in the wire form, with its name in the language of the shop."""
        name = f"{article.name} ({article.variant})"
        dropdown = {"value": article.variant, "data_type": "dropdown", "label": article.variant}
        category = article.category["pk"]
        return {
            "pk": article.pk,
            "uuid": str(uuid5(NAMESPACE_URL, article.sku)),
            "sku": article.sku,
            "base_code": article.code,
            "name": name,
            "description": f"{name}, drawn for the demo shop.",
            "image": self.image(article.code),
            "absolute_url": f"/{article.sku.lower()}/",
            "attributes": {"variant": article.variant},
            "attributes_kwargs": {"variant": dropdown},
            "form_schema": [{"key": "engraving", "label": "Engraving", "max_length": 20}],
            "data_source": 1,
            "data_source_detailed": {"pk": 1, "name": "Own warehouse", "slug": "own-warehouse"},
            "extra_attributes": {"care": "Handle with love."},
            "category": article.category,
            "attribute_set": category,
            "brand": 3,
            "erp_categories": [category],
            "tax_rate": article.tax,
            "weight": 0.4,
            "product_type": "0",
            "productization_date": _SHOP_OPENED,
            "is_active": True,
            "parent": article.pk - article.pk % 10,
            "group_products": [],
            "listing_code": f"L-{article.sku}",
            "is_seller_product": False,
            "custom_attribute_set": category,
            "created_date": _SHOP_OPENED,
            "modified_date": _SHOP_OPENED,
        }

    def shipping_group(self, market: Market, minor: int) -> Document:
        """The shipping option of an order's items, and its amount."""
        return {
            "pk": 31 if minor else 32,
            "amount": market.show(minor),
            "tax_rate": float(market.tax[0]),
            "shipping_option_slug": "standard" if minor else "free",
            "shipping_option_name": "Standard delivery" if minor else "Free delivery",
            "shipping_option_logo": self.image("truck"),
            "created_date": _SHOP_OPENED,
            "modified_date": _SHOP_OPENED,
        }
