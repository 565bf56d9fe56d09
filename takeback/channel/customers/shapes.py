"""The documents about people and places that other systems read."""

from datetime import date, datetime
from typing import Any, TypedDict

Object = dict[str, Any]


class ChannelCustomer(TypedDict):
    """A customer; the address they signed up from, `attributes.logged_ip`, needs a scope."""

    pk: int
    id: int
    email: str
    first_name: str
    last_name: str
    phone_number: str
    is_active: bool
    channel_code: str | None
    erp_code: str | None
    attributes: Object
    attribute_kwargs: Object
    localized_attributes: Object
    localized_attribute_kwargs: Object
    extra_field: Object
    email_allowed: bool
    sms_allowed: bool
    call_allowed: bool | None
    date_joined: datetime
    gender: str | None
    user_type: str
    date_of_birth: date | None
    channel: int | None


class ChannelAddress(TypedDict):
    """An entry of a customer's address book; places are numbers."""

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
    address_type: str
    retail_store: int | Object | None
    remote_id: str | None
    identity_number: str | None
    extra_field: Object
    customer: int | None
    is_active: bool
    created_date: datetime
    modified_date: datetime


class ChannelPlace(TypedDict):
    """A country, city, township or district, by what all four have."""

    pk: int
    id: int
    is_active: bool
    name: str
    code: str
    translations: Object | None


class ChannelCountry(ChannelPlace):
    """A country; `code` is its lower-case ISO code."""


class ChannelCity(ChannelPlace):
    """A city or province; it has no code."""

    country: int
    priority: int | None
    postcode: str | None


class ChannelTownship(ChannelPlace):
    """A part of a city."""

    city: int
    postcode: str | None


class ChannelDistrict(ChannelPlace):
    """A part of a township."""

    city: int
    township: int
    postcode: str | None
