"""Addresses as storefronts read them."""

from functools import lru_cache
from typing import Any, cast

from msgspec import Raw
from msgspec.structs import asdict

from takeback.accounts.sessions import AccountRow
from takeback.addresses.queries import AddressRow
from takeback.api.renderer import encode
from takeback.storefront import addresses_shapes as shapes
from takeback.storefront import labels
from takeback.storefront.document_context import DocumentContext
from takeback.storefront.values import embedded, loads, text_choice


@lru_cache(maxsize=1024)
def _place(text: str) -> dict[str, Any]:
    """Country, city, township and district, each encoded: many addresses share them."""
    told: dict[str, Any] = loads(text)
    return {level: Raw(encode(document)) for level, document in told.items()}


def address(row: AddressRow, view: DocumentContext) -> shapes.Address:
    """An address with its place as documents; the owner is shown to themselves only."""
    place = _place(row.place)
    return shapes.Address(
        row.id,  # pk
        row.id,
        row.email,
        row.phone_number,
        row.first_name,
        row.last_name,
        place["country"],
        place["city"],
        row.line,
        row.title,
        place["township"],
        place["district"],
        row.postcode,
        row.notes,
        row.company_name,
        row.tax_office,
        row.tax_no,
        row.e_bill_taxpayer,
        row.hash_data,
        text_choice(labels.ADDRESS_TYPES, row.address_type, view),  # address_type
        embedded(row.retail_store),
        row.remote_id,
        row.identity_number,
        embedded(row.extra_field),
        view.owner or row.user_id,  # user
        row.is_corporate,
        row.primary,
    )


def book_address(row: AddressRow, user_id: int, view: DocumentContext) -> shapes.BookAddress:
    """The same for the address book, places as numbers."""
    place: dict[str, Any] = loads(row.place)
    entry: Any = asdict(address(row, view)) | {
        "country": place["country"]["pk"],
        "city": place["city"]["pk"],
        "township": place["township"] and place["township"]["pk"],
        "district": place["district"] and place["district"]["pk"],
        "user": user_id,
    }
    return cast("shapes.BookAddress", entry)


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
