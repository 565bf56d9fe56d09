"""Reads customers and the entries of their address books."""

from datetime import date, datetime
from typing import Any, NamedTuple

from django.db.models import QuerySet

from takeback.accounts.models import User
from takeback.accounts.queries import customers_of
from takeback.addresses.models import Address
from takeback.core.db.compiled_query import RowQuery


class CustomerRow(NamedTuple):
    """A customer; JSON columns are text."""

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
    """An entry of an address book; places are ids, JSON columns are text."""

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


def addresses_in_channel(channel_id: int) -> "QuerySet[Address]":
    """The entries of address books, without the copies that belong to orders."""
    entries = Address.objects.filter(user__channel_id=channel_id, user__is_staff=False)
    known = entries.exclude(user__user_type=User.PENDING)
    return known.filter(is_copy=False, is_active=True)


customer_rows = RowQuery(CustomerRow)
address_rows = RowQuery(AddressRow)


def customer_by_id(channel_id: int, user_id: int) -> CustomerRow | None:
    """The customer, or None if they belong to another channel."""
    customers = customers_of(channel_id).filter(pk=user_id)
    return customer_rows.first(customers)


def address_by_id(channel_id: int, address_id: int) -> AddressRow | None:
    """The entry, or None if its customer belongs to another channel."""
    entries = addresses_in_channel(channel_id).filter(pk=address_id)
    return address_rows.first(entries)
