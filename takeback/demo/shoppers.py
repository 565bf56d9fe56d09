"""The shoppers of the demo shop: made-up customers and guests, their accounts and addresses."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from takeback.accounts.customers import save_customer
from takeback.accounts.models import User
from takeback.addresses.address_book import add_address
from takeback.addresses.models import District
from takeback.demo.catalogue import Catalogue, Document, Market, read_data

CUSTOMER_EMAIL = "customer@example.com"
GUEST_EMAIL = "guest@example.com"

CUSTOMERS, GUESTS = 340, 460


@dataclass(slots=True, kw_only=True)
class Shopper:
    """A customer or a guest, in the wire form of an order; the place is a row, too."""

    number: int
    market: Market
    customer: Document
    home: Document
    district: District

    @property
    def is_guest(self) -> bool:
        return str(self.customer["user_type"]) == User.GUEST


def create_shoppers(rng: Random, catalogue: Catalogue) -> list[Shopper]:
    """The introduced customer and guest, then all others."""
    districts: dict[str, list[District]] = defaultdict(list)
    for district in District.objects.select_related("township__city__country").order_by("id"):
        districts[district.township.city.country.code].append(district)
    markets = list(catalogue.markets.values())
    drawn = rng.choices(markets, [market.share for market in markets], k=CUSTOMERS + GUESTS)
    return [
        _shopper(rng, number, market, rng.choice(districts[market.country]))
        for number, market in enumerate([*markets[:2], *drawn])
    ]


def _shopper(rng: Random, number: int, market: Market, district: District) -> Shopper:
    is_guest = number == 1 or number > CUSTOMERS + 1
    names, gender = read_data("names")[market.language], rng.choice(["female", "male"])
    email = f"{'visitor' if is_guest else 'shopper'}{number:04}@example.com"
    customer = {
        "email": {0: CUSTOMER_EMAIL, 1: GUEST_EMAIL}.get(number, email),
        "user_type": User.GUEST if is_guest else User.REGISTERED,
        "channel_code": None if is_guest else f"C{number:05}",
        "first_name": rng.choice(names[gender]),
        "last_name": rng.choice(names["last"]),
        "phone": f"{market.phone}{rng.randrange(10**7):07}",
        "language_code": market.locale,
        "attributes": {
            "logged_ip": f"192.0.2.{number % 250 + 1}",
            "register_client_type": "default",
        },
        "gender": gender,
        "date_of_birth": date(1960, 1, 1) + timedelta(days=rng.randrange(16_000)),
    }
    home = {
        "first_name": customer["first_name"],
        "last_name": customer["last_name"],
        "phone_number": customer["phone"],
        "email": customer["email"],
        "title": "Home",
        "line": rng.choice(market.streets).format(n=rng.randrange(1, 120)),
        "country": {"code": market.country, "name": market.country_name},
        "city": district.township.city.name,
        "township": district.township.name,
        "district": district.name,
        "postcode": district.postcode,
    }
    return Shopper(number=number, market=market, customer=customer, home=home, district=district)


def work_address(shopper: Shopper) -> Document:
    """An address with every field."""
    return shopper.home | {
        "title": "Work",
        "line": "Demo Street 7",
        "notes": "Please ring twice.",
        "company_name": f"{shopper.customer['last_name']} Demo",
        "tax_office": shopper.market.tax_office,
        "tax_no": f"{1_000_000_000 + shopper.number}",
        "identity_number": f"ID{shopper.number:08}",
        "e_bill_taxpayer": True,
        "is_corporate": True,
        "remote_id": f"A{shopper.number}",
        "extra_field": {"door": "blue"},
    }


def store_address(shopper: Shopper) -> Document:
    """The shop's own store, where a shopper fetches an order."""
    return shopper.home | {
        "title": "Demo store",
        "line": "Demo Square 1",
        "notes": "Open from 10 to 20.",
        "address_type": "retail_store",
        "remote_id": "store-1",
        "retail_store": {"pk": 1, "name": "Demo store", "erp_code": "S001", "is_active": True},
        "extra_field": {"counter": 2},
        "identity_number": "ID-STORE",
    }


def add_customers(channel_id: int, shoppers: list[Shopper], reference: datetime) -> None:
    """Add the registered customers with their addresses. Guests come with their orders."""
    for shopper in shoppers:
        if not shopper.is_guest:
            days, number = 420 + shopper.number % 200, shopper.number
            joined = reference - timedelta(days=days, minutes=number)
            columns = shopper.customer | {
                "erp_code": f"ERP{number:05}",
                "email_allowed": number % 2 == 0,
                "sms_allowed": number % 3 == 0,
                "call_allowed": number % 5 == 0,
                "attributes_kwargs": {"loyal": {"value": "yes", "data_type": "text"}},
                "extra_field": {"source": "demo"},
            }
            user_id, _ = save_customer(channel_id, columns, now=joined)
            places = {
                "country": shopper.district.township.city.country,
                "city": shopper.district.township.city,
                "township": shopper.district.township,
                "district": shopper.district,
            }
            add_address(user_id, shopper.home | places | {"primary": True}, now=joined)
            if shopper.customer["email"] == CUSTOMER_EMAIL:
                add_address(user_id, work_address(shopper) | places, now=joined)
