"""Queries for addresses and places."""

from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from django.db.models import QuerySet

from takeback.addresses.models import Address, City, Country, District, Township
from takeback.core.db.compiled_query import CompiledQuery, RowQuery


class AddressRow(NamedTuple):
    """An address; JSON columns are text."""

    id: int
    user_id: int | None
    email: str | None
    phone_number: str
    first_name: str
    last_name: str
    line: str
    title: str
    place: Any
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
    is_corporate: bool
    primary: bool


class _Country(msgspec.Struct):
    code: str = ""


class _Place(msgspec.Struct):
    country: _Country


_place = msgspec.json.Decoder(_Place)


@lru_cache(maxsize=1024)
def country_code(place: str) -> str:
    """The country code in the JSON text of an address's `place`."""
    return _place.decode(place).country.code


def address_book(user_id: int) -> "QuerySet[Address]":
    return Address.objects.filter(user_id=user_id, is_copy=False, is_active=True).order_by("-id")


_rows = RowQuery(AddressRow)


def address_rows(addresses: "QuerySet[Address]") -> list[AddressRow]:
    """The rows of a queryset of addresses."""
    return _rows.fetch(addresses)


class PickupAddressRow(NamedTuple):
    """An address where a carrier can collect a return."""

    id: int


def _pickup_addresses(address_ids: list[int], user_id: int) -> "QuerySet[Address]":
    return address_book(user_id).filter(pk__anyof=address_ids, address_type="customer")


pickup_addresses = CompiledQuery(PickupAddressRow, _pickup_addresses)


def countries() -> "QuerySet[Country]":
    return Country.objects.filter(is_active=True).order_by("name", "id")


def cities(country_id: int | None) -> "QuerySet[City]":
    rows = City.objects.filter(is_active=True).order_by("priority", "name", "id")
    return rows if country_id is None else rows.filter(country_id=country_id)


def townships(city_id: int | None) -> "QuerySet[Township]":
    rows = Township.objects.filter(is_active=True).order_by("name", "id")
    return rows if city_id is None else rows.filter(city_id=city_id)


def districts(township_id: int | None) -> "QuerySet[District]":
    rows = District.objects.filter(is_active=True).select_related("township")
    rows = rows.order_by("name", "id")
    return rows if township_id is None else rows.filter(township_id=township_id)
