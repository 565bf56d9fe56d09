"""The documents about people and where they live."""

from datetime import date, datetime
from typing import Any, TypedDict

from msgspec import Struct

Object = dict[str, Any]


class Choice(TypedDict):
    """A value and its word in the caller's language."""

    value: str
    label: str


class AddressUser(TypedDict):
    """The signed-in customer, inside their own addresses (classic dialect)."""

    pk: int
    username: str
    first_name: str
    last_name: str
    email: str
    is_active: bool
    date_joined: datetime
    last_login: datetime | None
    email_allowed: bool
    sms_allowed: bool
    call_allowed: bool | None
    gender: str | None
    attributes: Object
    phone: str
    date_of_birth: date | None
    attributes_kwargs: Object
    user_type: str
    modified_date: datetime


class Address(Struct, gc=False):
    """An address with its place; `user` is a number in v3 and for guests."""

    pk: int
    id: int
    email: str | None
    phone_number: str
    first_name: str
    last_name: str
    country: Object
    city: Object
    line: str
    title: str
    township: Object | None
    district: Object | None
    postcode: str | None
    notes: str | None
    company_name: str
    tax_office: str
    tax_no: str
    e_bill_taxpayer: bool
    hash_data: str
    address_type: str | Choice
    retail_store: Object | None
    remote_id: str | None
    identity_number: str | None
    extra_field: Object | None
    user: AddressUser | int | None
    is_corporate: bool
    primary: bool


class BookAddress(TypedDict):
    """An entry of the address book, places as numbers."""

    pk: int
    id: int
    email: str | None
    phone_number: str
    first_name: str
    last_name: str
    country: int
    city: int
    line: str
    title: str
    township: int | None
    district: int | None
    postcode: str | None
    notes: str | None
    company_name: str
    tax_office: str
    tax_no: str
    e_bill_taxpayer: bool
    hash_data: str
    address_type: str | Choice
    retail_store: Object | None
    remote_id: str | None
    identity_number: str | None
    extra_field: Object | None
    user: int
    is_corporate: bool
    primary: bool


class CurrentUser(TypedDict):
    """Who is signed in."""

    pk: int
    id: int
    first_name: str
    last_name: str
    email: str
    phone: str
    email_allowed: bool
    sms_allowed: bool
    date_joined: datetime
    last_login: datetime | None
    date_of_birth: date | None
    hashed_email: str
    gender: str | None
