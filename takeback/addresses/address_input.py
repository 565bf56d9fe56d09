"""Input type of addresses from every source."""

from dataclasses import dataclass, fields
from hashlib import md5
from typing import Any

from takeback.accounts.customer_input import CustomerIn


@dataclass(slots=True, kw_only=True)
class AddressIn:
    """An address with its places by name; new places are added."""

    first_name: str = ""
    last_name: str = ""
    phone_number: str = ""
    email: str | None = None
    title: str = ""
    line: str
    country: str
    country_name: str | None = None
    city: str
    township: str | None = None
    district: str | None = None
    postcode: str | None = None
    notes: str | None = None
    company_name: str = ""
    tax_office: str = ""
    tax_no: str = ""
    identity_number: str | None = None
    e_bill_taxpayer: bool = False
    is_corporate: bool = False
    address_type: str = "customer"
    remote_id: str | None = None
    retail_store: dict[str, Any] | None = None
    extra_field: dict[str, Any] | None = None

    def digest(self) -> str:
        """32 hex digits that are equal for equal addresses (`hash_data` on the wire)."""
        return md5("\0".join(self.compared_texts()).encode(), usedforsecurity=False).hexdigest()

    def agrees_with(self, other: "AddressIn") -> bool:
        """Whether this is the same address as `other`, as far as that one is filled in."""
        ours, theirs = self.compared_texts(), other.compared_texts()
        return all(text in ("", own) for own, text in zip(ours, theirs, strict=True))

    def compared_texts(self) -> list[str]:
        """The texts by which addresses are compared."""
        parts = (
            self.first_name,
            self.last_name,
            self.phone_number,
            self.line,
            self.country,
            self.city,
            self.township,
            self.district,
            self.postcode,
            self.company_name,
            self.tax_no,
        )
        return [(part or "").strip().casefold() for part in parts]


_UNKNOWN_COUNTRY = "zz"
"""User-assigned in ISO 3166: the country of placeholder addresses."""


def placeholder_address(customer: CustomerIn) -> AddressIn:
    """The address of an order without one; `extra_field` marks it as synthetic."""
    return AddressIn(
        first_name=customer.first_name,
        last_name=customer.last_name,
        phone_number=customer.phone,
        email=customer.email or None,
        line="-",
        city="-",
        country=_UNKNOWN_COUNTRY,
        extra_field={"synthetic": True},
    )


_PLACES = {"country", "country_name", "city", "township", "district"}
COPIED = tuple(field.name for field in fields(AddressIn) if field.name not in _PLACES)
"""Fields that the model has under the same name; it refers to places by id."""
