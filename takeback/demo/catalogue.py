"""What the demo shop sells, in which markets and for how much."""

import tomllib
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from takeback.core import money

Document = dict[str, Any]

_DATA = Path(__file__).parent / "data"
_STATIC = "static/demo"


def told(name: str) -> Document:
    """One of the demo's data files."""
    return tomllib.loads((_DATA / f"{name}.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Market:
    """A country that the shop sells to, with its currency and language."""

    currency: str
    locale: str
    country: str
    country_name: str
    share: int
    rate: Decimal
    step: int
    tax: tuple[Decimal, ...]
    phone: str
    tax_office: str
    lines: list[str]
    cities: list[Document]

    @property
    def language(self) -> str:
        """The language without its region: `tr` for `tr-tr`."""
        return self.locale.partition("-")[0]

    def price(self, euro_cents: int) -> int:
        """Minor units of the market's currency for a price in euro cents."""
        minor = self.rate * euro_cents * 10 ** money.decimals(self.currency) / 100
        return int((minor / self.step).to_integral_value(ROUND_HALF_UP)) * self.step


@cache
def markets() -> dict[str, Market]:
    """The markets by currency."""
    return {
        row["currency"]: Market(
            **row
            | {"rate": Decimal(row["rate"]), "tax": tuple(Decimal(rate) for rate in row["tax"])}
        )
        for row in told("markets")["market"]
    }


@dataclass(frozen=True, slots=True)
class Article:
    """One thing on sale: a product in one variant."""

    pk: int
    code: str
    variant: str
    cents: int
    tax: int
    category: Document
    names: dict[str, str]

    @property
    def sku(self) -> str:
        """The stock keeping unit, the same in every market."""
        return f"{self.code}-{self.variant.upper()}"


@cache
def articles() -> tuple[Article, ...]:
    """Everything on sale, always in the same order."""
    rows = [(row, variant) for row in told("products")["product"] for variant in row["variants"]]
    return tuple(
        Article(
            pk=4200 + number,
            code=row["code"],
            variant=variant,
            cents=row["cents"],
            tax=row["tax"],
            category=row["category"],
            names=row["names"],
        )
        for number, (row, variant) in enumerate(rows, 1)
    )


def article(sku: str) -> Article:
    """The article with this stock keeping unit."""
    return next(found for found in articles() if found.sku == sku)


class Catalogue:
    """The documents that orders repeat about what was sold, each made once."""

    def __init__(self, site_url: str, reference: datetime) -> None:
        self._site = f"{site_url}/{_STATIC}"
        self._dates = {
            "created_date": (reference - timedelta(days=700)).isoformat(),
            "modified_date": (reference - timedelta(days=30)).isoformat(),
        }
        self._made: dict[tuple[str, ...], Document] = {}
        self.sources = [self._source(1, "Own warehouse"), self._source(2, "Partner warehouse")]
        self.stock_lists = [self._stock_list(1), self._stock_list(2)]

    def picture(self, name: str) -> str:
        """The address of one of our drawings."""
        return f"{self._site}/{name}.svg"

    def product(self, sold: Article, market: Market) -> Document:
        """A product in the language of the market."""
        key = ("product", sold.sku, market.language)
        return self._made.setdefault(key, self._product(sold, market.language))

    def price_list(self, market: Market) -> Document:
        """The prices of the market."""
        code = market.currency
        pk = 20 + list(markets()).index(code)
        document = {"pk": pk, "name": f"Shop prices {code.upper()}", "code": f"shop_{code}"}
        document |= {"currency": code, "is_auto_sync": True} | self._dates
        return self._made.setdefault(("prices", code), document)

    def shipping_group(self, market: Market, amount_minor: int) -> Document:
        """How a group of lines is sent, and what that costs."""
        amount = money.show(amount_minor, market.currency)
        document = {
            "pk": 31 if amount_minor else 32,
            "amount": amount,
            "tax_rate": str(market.tax[0]),
            "shipping_option_slug": "standard" if amount_minor else "free",
            "shipping_option_name": "Standard delivery" if amount_minor else "Free delivery",
            "shipping_option_logo": self.picture("truck"),
        }
        return self._made.setdefault(("group", market.currency, amount), document | self._dates)

    def bank(self, market: Market) -> Document:
        """The bank of the cards in a market."""
        pk = 50 + list(markets()).index(market.currency)
        document = {
            "pk": pk,
            "name": f"Demo Bank {market.country.upper()}",
            "slug": f"demo-bank-{market.country}",
            "logo": self.picture("bank"),
            "logo_path": f"/{_STATIC}/bank.svg",
        }
        return self._made.setdefault(("bank", market.country), document)

    def _product(self, sold: Article, language: str) -> Document:
        name = f"{sold.names[language]} ({sold.variant})"
        slug = sold.sku.lower()
        dropdown = {"value": sold.variant, "data_type": "dropdown", "label": sold.variant}
        return {
            "pk": sold.pk,
            "uuid": str(uuid5(NAMESPACE_URL, sold.sku)),
            "sku": sold.sku,
            "base_code": sold.code,
            "name": name,
            "description": f"{name}, drawn for the demo shop.",
            "image": self.picture(sold.code.lower()),
            "absolute_url": f"/{slug}/",
            "attributes": {"variant": sold.variant},
            "attributes_kwargs": {"variant": dropdown},
            "form_schema": [{"key": "engraving", "label": "Engraving", "max_length": 20}],
            "data_source": 1,
            "data_source_detailed": {"pk": 1, "name": "Own warehouse", "slug": "own-warehouse"},
            "extra_attributes": {"care": "Handle with love."},
            "category": sold.category,
            "attribute_set": [{"pk": sold.category["pk"], "name": sold.category["name"]}],
            "brand": 3,
            "erp_categories": [sold.category["pk"]],
            "tax_rate": sold.tax,
            "weight": 0.4,
            "product_type": "0",
            "productization_date": self._dates["created_date"],
            "is_active": True,
            "parent": sold.pk - sold.pk % 10,
            "group_products": [],
            "listing_code": f"L-{sold.sku}",
            "is_seller_product": False,
            "custom_attribute_set": sold.category["pk"],
        } | self._dates

    def _source(self, pk: int, name: str) -> Document:
        return {
            "pk": pk,
            "name": name,
            "slug": name.lower().replace(" ", "-"),
            "stock_list": pk,
            "price_list": 20,
            "is_active": True,
            "token": f"demo-source-token-{pk}",
            "conf": {"cut_off_hour": 15},
            "commission": 5,
            "maturity": 30,
            "supplier_code": f"SUP-{pk}",
            "supplier_detail": {"contact": f"supplier{pk}@example.com"},
            "easy_return_detail": {"counter": pk},
            "extras": {"region": "demo"},
            "data_source_type": "unified",
        } | self._dates

    def _stock_list(self, pk: int) -> Document:
        document = {"pk": pk, "name": f"Stock {pk}", "code": f"stock_{pk}", "is_auto_sync": False}
        return document | self._dates
