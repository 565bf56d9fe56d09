"""Documents of addresses and of their owners."""

from datetime import date, datetime
from functools import lru_cache
from typing import TypedDict

from msgspec import Raw, Struct

from takeback.accounts.sessions import AccountRow
from takeback.addresses.queries import AddressRow
from takeback.api.renderer import decode, embed, encode
from takeback.storefront.document_context import DocumentContext, Object
from takeback.storefront.labels import ADDRESS_TYPES, Choice, choice_in_v3


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


def address_user(account: AccountRow) -> AddressUser:
    """The customer, without the IP address of their last login."""
    attributes: Object = decode(account.attributes)
    if "logged_ip" in attributes:
        attributes["logged_ip"] = None
    return {
        "pk": account.id,
        "username": account.username,
        "first_name": account.first_name,
        "last_name": account.last_name,
        "email": account.email,
        "is_active": account.is_active,
        "date_joined": account.date_joined,
        "last_login": account.last_login,
        "email_allowed": account.email_allowed,
        "sms_allowed": account.sms_allowed,
        "call_allowed": account.call_allowed,
        "gender": account.gender,
        "attributes": attributes,
        "phone": account.phone,
        "date_of_birth": account.date_of_birth,
        "attributes_kwargs": embed(account.attributes_kwargs),
        "user_type": account.user_type,
        "modified_date": account.modified_date,
    }


class Address(Struct, gc=False):
    """An address with the documents of its places; `user` is an id in v3 and for guests."""

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


def address(row: AddressRow, context: DocumentContext) -> Address:
    """An address; only its owner reads `user` as a document."""
    places = _places(row.place)
    return Address(
        row.id,  # pk
        row.id,  # id
        row.email,  # email
        row.phone_number,  # phone_number
        row.first_name,  # first_name
        row.last_name,  # last_name
        places["country"],  # country
        places["city"],  # city
        row.line,  # line
        row.title,  # title
        places["township"],  # township
        places["district"],  # district
        row.postcode,  # postcode
        row.notes,  # notes
        row.company_name,  # company_name
        row.tax_office,  # tax_office
        row.tax_no,  # tax_no
        row.e_bill_taxpayer,  # e_bill_taxpayer
        row.hash_data,  # hash_data
        choice_in_v3(ADDRESS_TYPES, row.address_type, context),  # address_type
        embed(row.retail_store),  # retail_store
        row.remote_id,  # remote_id
        row.identity_number,  # identity_number
        embed(row.extra_field),  # extra_field
        context.owner or row.user_id,  # user
        row.is_corporate,  # is_corporate
        row.primary,  # primary
    )


@lru_cache(maxsize=1024)
def _places(column: str) -> Object:
    """Country, city, township and district, encoded once: many addresses share them."""
    places: Object = decode(column)
    return {level: Raw(encode(document)) for level, document in places.items()}


class BookAddress(TypedDict):
    """An entry of the address book with the ids of its places."""

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


def book_address(row: AddressRow, user_id: int, context: DocumentContext) -> BookAddress:
    places: Object = decode(row.place)
    township, district = places["township"], places["district"]
    return {
        "pk": row.id,
        "id": row.id,
        "email": row.email,
        "phone_number": row.phone_number,
        "first_name": row.first_name,
        "last_name": row.last_name,
        "country": places["country"]["pk"],
        "city": places["city"]["pk"],
        "line": row.line,
        "title": row.title,
        "township": township and township["pk"],
        "district": district and district["pk"],
        "postcode": row.postcode,
        "notes": row.notes,
        "company_name": row.company_name,
        "tax_office": row.tax_office,
        "tax_no": row.tax_no,
        "e_bill_taxpayer": row.e_bill_taxpayer,
        "hash_data": row.hash_data,
        "address_type": choice_in_v3(ADDRESS_TYPES, row.address_type, context),
        "retail_store": embed(row.retail_store),
        "remote_id": row.remote_id,
        "identity_number": row.identity_number,
        "extra_field": embed(row.extra_field),
        "user": user_id,
        "is_corporate": row.is_corporate,
        "primary": row.primary,
    }
