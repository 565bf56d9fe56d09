"""Addresses as storefronts read them."""

from functools import lru_cache
from typing import Any

from msgspec import Raw

from takeback.accounts.sessions import AccountRow
from takeback.addresses.queries import AddressRow
from takeback.core.http import encode
from takeback.storefront import address_shapes as shapes
from takeback.storefront import labels
from takeback.storefront.values import embedded, loads, text_choice
from takeback.storefront.view import View


@lru_cache(maxsize=1024)
def _place(text: str) -> dict[str, Any]:
    """Country, city, township and district, each encoded: many addresses share them."""
    told: dict[str, Any] = loads(text)
    return {level: Raw(encode(document)) for level, document in told.items()}


def address(row: AddressRow, view: View) -> shapes.Address:
    """An address with its place as documents; the owner is shown to themselves only."""
    place = _place(row.place)
    return {
        "pk": row.id,
        "id": row.id,
        "email": row.email,
        "phone_number": row.phone_number,
        "first_name": row.first_name,
        "last_name": row.last_name,
        "country": place["country"],
        "city": place["city"],
        "line": row.line,
        "title": row.title,
        "township": place["township"],
        "district": place["district"],
        "postcode": row.postcode,
        "notes": row.notes,
        "company_name": row.company_name,
        "tax_office": row.tax_office,
        "tax_no": row.tax_no,
        "e_bill_taxpayer": row.e_bill_taxpayer,
        "hash_data": row.hash_data,
        "address_type": text_choice(labels.ADDRESS_TYPES, row.address_type, view),
        "retail_store": embedded(row.retail_store),
        "remote_id": row.remote_id,
        "identity_number": row.identity_number,
        "extra_field": embedded(row.extra_field),
        "user": view.owner if view.owner and view.is_classic else row.user_id,
        "is_corporate": row.is_corporate,
        "primary": row.primary,
    }


def book_address(row: AddressRow, user_id: int, view: View) -> shapes.BookAddress:
    """The same for the address book, places as numbers."""
    place: dict[str, Any] = loads(row.place)
    full: Any = address(row, view)
    entry: shapes.BookAddress = full | {
        "country": place["country"]["pk"],
        "city": place["city"]["pk"],
        "township": place["township"] and place["township"]["pk"],
        "district": place["district"] and place["district"]["pk"],
        "user": user_id,
    }
    return entry


def owner(account: AccountRow) -> shapes.AddressUser:
    """The signed-in customer."""
    attributes: dict[str, Any] = loads(account.attributes)
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
        "attributes_kwargs": embedded(account.attributes_kwargs),
        "user_type": account.user_type,
        "modified_date": account.modified_date,
    }
