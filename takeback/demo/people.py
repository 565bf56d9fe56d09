"""The made-up people of the demo shop, their accounts and their address books."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import md5
from random import Random

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX

from takeback.accounts.customer_input import CustomerIn
from takeback.accounts.models import ApiKey, Channel, User
from takeback.accounts.staff import create_staff_user
from takeback.addresses.address_input import COPIED, AddressIn
from takeback.addresses.models import Address, City, Country, District, Township
from takeback.addresses.places import PlaceCache
from takeback.core.normalize import email_key, name_key
from takeback.demo.catalogue import Market, markets, told

CUSTOMER_EMAIL = "customer@example.com"
GUEST_EMAIL = "guest@example.com"
STAFF_USERNAME = "staff"

REGISTERED, GUESTS = 340, 460
_COMPANY_EVERY = 7


@dataclass(slots=True, kw_only=True)
class Person:
    """Somebody who buys."""

    email: str
    user_type: str
    market: Market
    code: str | None
    first_name: str
    last_name: str
    gender: str
    phone: str
    birthday: date
    book: list[AddressIn] = field(default_factory=list)

    def as_customer(self) -> CustomerIn:
        """As an order tells them."""
        return CustomerIn(
            email=self.email,
            user_type=self.user_type,
            channel_code=self.code,
            first_name=self.first_name,
            last_name=self.last_name,
            phone=self.phone,
            language_code=self.market.locale,
        )


def crowd(rng: Random) -> list[Person]:
    """The customer and the guest whom the demo introduces, then everybody else."""
    names = told("names")
    found = markets()
    people = [
        _person(rng, names, found["try"], CUSTOMER_EMAIL, User.REGISTERED),
        _person(rng, names, found["eur"], GUEST_EMAIL, User.GUEST),
    ]
    weights = [market.share for market in found.values()]
    for number in range(REGISTERED + GUESTS):
        kind = User.REGISTERED if number < REGISTERED else User.GUEST
        market = rng.choices(list(found.values()), weights)[0]
        name = "shopper" if kind == User.REGISTERED else "visitor"
        people.append(_person(rng, names, market, f"{name}{number:04}@example.com", kind))
    for number, person in enumerate(people):
        person.code = f"C{number:05}" if person.user_type == User.REGISTERED else None
        person.book = [_address(rng, person, number, entry) for entry in range(2)]
    return people


def _person(
    rng: Random, names: dict[str, dict[str, list[str]]], market: Market, email: str, kind: str
) -> Person:
    gender = rng.choice(["female", "male"])
    known = names[market.language]
    return Person(
        email=email,
        user_type=kind,
        market=market,
        code=None,
        first_name=rng.choice(known[gender]),
        last_name=rng.choice(known["last"]),
        gender=gender,
        phone=f"{market.phone}{rng.randrange(10**7):07}",
        birthday=date(1960, 1, 1) + timedelta(days=rng.randrange(16_000)),
    )


def _address(rng: Random, person: Person, number: int, entry: int) -> AddressIn:
    market = person.market
    city = rng.choice(market.cities)
    township = rng.choice(city["townships"])
    # The two whom the demo introduces have everything that an address can have.
    introduced = person.email in {CUSTOMER_EMAIL, GUEST_EMAIL}
    company = introduced or number % _COMPANY_EVERY == 0
    return AddressIn(
        first_name=person.first_name,
        last_name=person.last_name,
        phone_number=person.phone,
        email=person.email,
        title=("Home", "Work")[entry],
        line=rng.choice(market.lines).format(n=rng.randrange(1, 120)),
        country=market.country,
        country_name=market.country_name,
        city=city["name"],
        township=township["name"],
        district=rng.choice(township["districts"]),
        postcode=township["postcode"],
        notes="Please ring twice." if introduced or number % 3 == 0 else None,
        company_name=f"{person.last_name} Demo" if company and entry else "",
        tax_office=market.tax_office if company and entry else "",
        tax_no=f"{1_000_000_000 + number}" if company and entry else "",
        identity_number=f"ID{number:08}" if introduced or number % 4 == 0 else None,
        e_bill_taxpayer=company and bool(entry),
        is_corporate=company and bool(entry),
        remote_id=f"A{number}-{entry}" if introduced or number % 2 == 0 else None,
        extra_field={"door": "blue"} if introduced or number % 5 == 0 else None,
    )


def store_address(person: Person) -> AddressIn:
    """The shop's own store, for orders that are fetched there."""
    home = person.book[0]
    return AddressIn(
        first_name=person.first_name,
        last_name=person.last_name,
        phone_number=person.phone,
        email=person.email,
        title="Demo store",
        line="Demo Square 1",
        country=home.country,
        country_name=home.country_name,
        city=home.city,
        township=home.township,
        district=home.district,
        postcode=home.postcode,
        notes="Open from 10 to 20.",
        address_type="retail_store",
        remote_id="store-1",
        retail_store={"pk": 1, "name": "Demo store", "erp_code": "S001", "is_active": True},
        extra_field={"counter": 2},
        identity_number="ID-STORE",
    )


def add_places() -> None:
    """Countries down to districts, with what the contract can say about each."""
    for priority, market in enumerate(markets().values(), 1):
        country = Country.objects.create(
            code=market.country,
            name=market.country_name,
            translations={"en-us": {"name": market.country.upper()}},
        )
        for row in market.cities:
            city = City.objects.create(
                country=country,
                name=row["name"],
                translations={"en-us": {"name": row["en"]}},
                priority=priority,
                postcode=row["postcode"],
            )
            for part in row["townships"]:
                names = {"en-us": {"name": part["name"]}}
                township = Township.objects.create(
                    city=city, name=part["name"], postcode=part["postcode"], translations=names
                )
                District.objects.bulk_create(
                    District(
                        township=township,
                        name=name,
                        postcode=part["postcode"],
                        translations={"en-us": {"name": name}},
                    )
                    for name in part["districts"]
                )


def add_people(channel: Channel, people: list[Person], reference: datetime) -> dict[str, int]:
    """Their accounts, none with a password yet; the ids by e-mail address."""
    users = User.objects.bulk_create(
        _account(channel, person, number, reference) for number, person in enumerate(people)
    )
    ids = {user.email: user.pk for user in users}
    _add_address_books(people, ids)
    return ids


def staff_of(channel: Channel) -> User:
    """The member of staff, who may do everything; without a password as yet."""
    known = User.objects.filter(username=STAFF_USERNAME).first()
    return known or User.objects.get(
        pk=create_staff_user(
            STAFF_USERNAME,
            password=None,
            channel_ids=[channel.pk],
            scopes=ApiKey.SCOPES,
            email="staff@example.com",
            name=("Demo", "Staff"),
        )
    )


def _account(channel: Channel, person: Person, number: int, reference: datetime) -> User:
    joined = reference - timedelta(days=420 + number % 200, minutes=number)
    return User(
        channel=channel,
        username=md5(person.email.encode(), usedforsecurity=False).hexdigest(),
        email=person.email,
        email_key=email_key(person.email),
        user_type=person.user_type,
        channel_code=person.code,
        erp_code=f"ERP{number:05}",
        first_name=person.first_name,
        last_name=person.last_name,
        first_name_key=name_key(person.first_name),
        last_name_key=name_key(person.last_name),
        phone=person.phone,
        gender=person.gender,
        date_of_birth=person.birthday,
        email_allowed=number % 2 == 0,
        sms_allowed=number % 3 == 0,
        call_allowed=number % 5 == 0,
        language_code=person.market.locale,
        attributes={"logged_ip": f"192.0.2.{number % 250 + 1}", "register_client_type": "default"},
        attributes_kwargs={"loyal": {"value": "yes", "data_type": "text", "label": "Loyal"}},
        extra_field={"source": "demo"},
        password=UNUSABLE_PASSWORD_PREFIX,
        date_joined=joined,
        last_login=reference - timedelta(days=number % 30 + 1),
        modified_date=joined,
    )


def _add_address_books(people: list[Person], ids: dict[str, int]) -> None:
    places = PlaceCache()
    entries = []
    for person in people:
        if person.user_type != User.REGISTERED:
            continue
        for number, told_address in enumerate(person.book):
            country, city, township, district, place = places.location(told_address)
            entries.append(
                Address(
                    user_id=ids[person.email],
                    country_id=country,
                    city_id=city,
                    township_id=township,
                    district_id=district,
                    place=place,
                    hash_data=told_address.digest(),
                    primary=number == 0,
                    **{name: getattr(told_address, name) for name in COPIED},
                )
            )
    Address.objects.bulk_create(entries)
