"""Documents of customers, addresses and places, key by key in the contract's order."""

from datetime import date, datetime
from typing import Any, TypedDict

from takeback.channel.customers.queries import AddressRow, CustomerRow
from takeback.channel.documents import Object, json_object

_SIGN_UP_IP = "logged_ip"


class ChannelCustomer(TypedDict):
    """A customer; `attributes.logged_ip` needs the scope `pii`."""

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


def customer(row: CustomerRow, *, show_secrets: bool) -> ChannelCustomer:
    return {
        "pk": row.id,
        "id": row.id,
        "email": row.email,
        "first_name": row.first_name,
        "last_name": row.last_name,
        "phone_number": row.phone,
        "is_active": row.is_active,
        "channel_code": row.channel_code,
        "erp_code": row.erp_code,
        "attributes": _attributes(row.attributes, show_secrets=show_secrets),
        "attribute_kwargs": json_object(row.attributes_kwargs),
        "localized_attributes": {},
        "localized_attribute_kwargs": {},
        "extra_field": json_object(row.extra_field),
        "email_allowed": row.email_allowed,
        "sms_allowed": row.sms_allowed,
        "call_allowed": row.call_allowed,
        "date_joined": row.date_joined,
        "gender": row.gender,
        "user_type": row.user_type,
        "date_of_birth": row.date_of_birth,
        "channel": row.channel_id,
    }


def _attributes(text: str, *, show_secrets: bool) -> Object:
    attributes = json_object(text)
    if show_secrets or _SIGN_UP_IP not in attributes:
        return attributes
    return attributes | {_SIGN_UP_IP: None}


class ChannelSignInToken(TypedDict):
    """A token that signs the customer in once, within a minute; `url` is the page to open."""

    token: str
    url: str
    expires_at: datetime


class ChannelAddress(TypedDict):
    """An entry of a customer's address book; places are ids."""

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


def address(row: AddressRow) -> ChannelAddress:
    return {
        "pk": row.id,
        "id": row.id,
        "email": row.email,
        "phone_number": row.phone_number,
        "first_name": row.first_name,
        "last_name": row.last_name,
        "country": row.country_id,
        "city": row.city_id,
        "line": row.line,
        "title": row.title,
        "township": row.township_id,
        "district": row.district_id,
        "postcode": row.postcode,
        "notes": row.notes,
        "company_name": row.company_name,
        "tax_office": row.tax_office,
        "tax_no": row.tax_no,
        "e_bill_taxpayer": row.e_bill_taxpayer,
        "hash_data": row.hash_data,
        "address_type": row.address_type,
        "retail_store": _retail_store(row.retail_store),
        "remote_id": row.remote_id,
        "identity_number": row.identity_number,
        "extra_field": json_object(row.extra_field),
        "customer": row.user_id,
        "is_active": row.is_active,
        "created_date": row.created_date,
        "modified_date": row.modified_date,
    }


def _retail_store(text: str | None) -> Any:
    """The channel's id of the store, or the document that it sent."""
    if text is None:
        return None
    store = json_object(text)
    return store["pk"] if store.keys() == {"pk"} else store


class ChannelPlace(TypedDict):
    """The keys that all places have; `addresses.places` builds the documents."""

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
