"""Reading people and places: a page of a list is one statement, its count another."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet

from takeback.accounts.models import User
from takeback.addresses.models import Address, City, Country, District, Township
from takeback.core.db.compiled_query import RowQuery
from takeback.core.normalize import email_key
from takeback.core.paging import Page

Place = Country | City | Township | District


class CustomerRow(NamedTuple):
    """A customer as other systems see one; JSON columns are text."""

    id: int
    email: str
    first_name: str
    last_name: str
    phone: str
    is_active: bool
    channel_code: str | None
    erp_code: str | None
    attributes: Any
    attributes_kwargs: Any
    extra_field: Any
    email_allowed: bool
    sms_allowed: bool
    call_allowed: bool | None
    date_joined: datetime
    gender: str | None
    user_type: str
    date_of_birth: date | None
    channel_id: int | None


class AddressRow(NamedTuple):
    """An address of a book, places by number; JSON columns are text."""

    id: int
    email: str | None
    phone_number: str
    first_name: str
    last_name: str
    country_id: int
    city_id: int
    line: str
    title: str
    township_id: int | None
    district_id: int | None
    postcode: str | None
    notes: str | None
    company_name: str
    tax_office: str
    tax_no: str
    e_bill_taxpayer: bool
    hash_data: str
    address_type: str
    retail_store: Any
    remote_id: str | None
    identity_number: str | None
    extra_field: Any
    user_id: int | None
    is_active: bool
    created_date: datetime
    modified_date: datetime


def _customers(channel_id: int) -> "QuerySet[User]":
    return User.objects.filter(channel_id=channel_id, is_staff=False).order_by("-id")


def _addresses(channel_id: int) -> "QuerySet[Address]":
    """What stands in address books; the copies that orders keep are the orders'."""
    found = Address.objects.filter(user__channel_id=channel_id, user__is_staff=False)
    return found.filter(is_copy=False, is_active=True).order_by("-id")


customers_of = RowQuery(CustomerRow)
addresses_of = RowQuery(AddressRow)


def customers(
    channel_id: int, told: Mapping[str, Any], page: Page
) -> tuple[int, list[CustomerRow]]:
    """How many of the channel's customers are like this, and a page of them, newest first.

    An e-mail address is one letter by letter: whoever asks compares it so.
    """
    wanted = Q()
    if "email" in told:
        wanted &= Q(email_key=email_key(told["email"]), email=told["email"])
    for name in ("phone", "user_type", "channel_code"):
        if name in told:
            wanted &= Q(**{name: told[name]})
    found = _customers(channel_id).filter(wanted)
    return found.count(), customers_of.fetch(found[page.offset : page.offset + page.limit])


def customer(channel_id: int, user_id: int) -> CustomerRow | None:
    """This customer, if the channel has them."""
    found = _customers(channel_id).filter(pk=user_id)
    return next(iter(customers_of.fetch(found)), None)


def addresses(channel_id: int, told: Mapping[str, Any], page: Page) -> tuple[int, list[AddressRow]]:
    """How many entries of the channel's address books are like this, and a page of them."""
    found = _addresses(channel_id)
    if "customer" in told:
        found = found.filter(user_id=told["customer"])
    if "hash_data" in told:
        found = found.filter(hash_data=told["hash_data"])
    return found.count(), addresses_of.fetch(found[page.offset : page.offset + page.limit])


def address(channel_id: int, address_id: int) -> AddressRow | None:
    """This entry, if it stands in a book of one of the channel's customers."""
    found = _addresses(channel_id).filter(pk=address_id)
    return next(iter(addresses_of.fetch(found)), None)


_NAMES = {
    "name": "name",
    "name__exact": "name",
    "name__iexact": "name__iexact",
    "is_active": "is_active",
}
_LOOK_UPS: dict[type[Place], dict[str, str]] = {
    Country: _NAMES | {"code": "code__iexact", "code__exact": "code__iexact"},
    City: _NAMES | {"country": "country"},
    Township: _NAMES | {"country": "city__country", "city": "city"},
    District: _NAMES
    | {
        "country": "township__city__country",
        "city": "township__city",
        "township": "township",
    },
}
"""Under which look-up of ours a place is found by what callers name."""
_CODES = frozenset({"code", "code__exact", "mapping__code__exact"})
"""Only countries have codes, and others' codes for places are kept nowhere here."""


def places(level: type[Place], told: Mapping[str, Any]) -> "QuerySet[Any]":
    """Countries, cities, townships or districts, by name and by what they lie in."""
    look_ups = _LOOK_UPS[level]
    found: QuerySet[Any] = level.objects.order_by("name", "id")
    for name, value in told.items():
        if name in look_ups:
            found = found.filter(Q((look_ups[name], value)))
        elif name in _CODES:
            found = found.none()
    return found.select_related("township") if level is District else found
