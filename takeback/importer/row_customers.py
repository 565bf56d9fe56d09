"""Reads customers and addresses from the records of a CSV file."""

import re
from typing import Any

from takeback.accounts.customer_input import CustomerIn
from takeback.addresses.address_input import AddressIn, placeholder_address
from takeback.importer import parsers
from takeback.importer.columns import Columns, Values
from takeback.importer.mapping import CustomerFields, Layout
from takeback.importer.report import RowRefused

REGISTERED, GUEST = "registered", "guest"

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)+")
_COUNTRY = re.compile(r"[a-z]{2}")
_ADDRESS_OPTIONAL = ("township", "district", "postcode")


class CustomerReader:
    """The customer sections of a mapping, bound to the header."""

    def __init__(self, layout: Layout, columns: Columns) -> None:
        self._sections = [
            _SectionReader(section, columns, user_type, layout.optional)
            for section, user_type in ((layout.customer, REGISTERED), (layout.guest, GUEST))
            if section
        ]

    def read(self, values: Values) -> CustomerIn:
        """The registered customer if the record has one, otherwise the guest of the mapping."""
        for section in self._sections:
            customer = section.read(values)
            if customer:
                return customer
        raise RowRefused("missing", "the record has no customer")


class _SectionReader:
    def __init__(
        self, section: CustomerFields, columns: Columns, user_type: str, optional: frozenset[str]
    ) -> None:
        self._names = columns.readers(section)
        self._code, self._email = self._names.pop("code"), self._names.pop("email")
        self._password_hash = self._names.pop("password_hash")
        self._needs_code = bool(section.code)
        self._needs_email = user_type == REGISTERED or "email" not in optional
        self._user_type = user_type
        self._attributes = section.attributes

    def read(self, values: Values) -> CustomerIn | None:
        """The customer; None if the record has none of this type."""
        code, email = self._code(values).strip(), self._email(values).strip()
        if (self._needs_email and not email) or (self._needs_code and not code):
            return None
        if email and not _EMAIL.fullmatch(parsers.limited_text("email", email)):
            raise RowRefused("email", "not an e-mail address")
        return CustomerIn(
            email=email,
            user_type=self._user_type,
            channel_code=parsers.limited_text("code", code) or None,
            attributes=self._attributes,
            password_hash=parsers.password_hash(self._password_hash(values)),
            **{
                name: parsers.limited_text(name, read(values)) for name, read in self._names.items()
            },
        )


class AddressReader:
    """The address section of a mapping, bound to the header."""

    def __init__(self, layout: Layout, columns: Columns) -> None:
        self._fields = columns.readers(layout.address) if layout.address else None
        self._extra_field = layout.address.extra_field if layout.address else {}
        self._countries = layout.countries
        self._is_optional = "address" in layout.optional

    def read(self, values: Values, customer: CustomerIn) -> AddressIn:
        """The address; a placeholder if the record has none and needs none."""
        if self._fields is None:
            return placeholder_address(customer)
        texts: dict[str, Any] = {
            name: parsers.limited_text(name, read(values).strip())
            for name, read in self._fields.items()
        }
        country = texts.pop("country")
        code = self._countries.get(country, country).lower()
        extra_field = self._extra_field
        if self._is_optional and not (country and texts["line"] and texts["city"]):
            missing = placeholder_address(customer)
            code = code or missing.country
            for name in ("line", "city"):
                texts[name] = texts[name] or getattr(missing, name)
            extra_field = extra_field | (missing.extra_field or {})
        if not _COUNTRY.fullmatch(code):
            raise RowRefused("country", f"unknown country: {country[:40]!r}")
        if not texts["line"] or not texts["city"]:
            raise RowRefused("missing", "the record has no address")
        texts |= {name: texts[name] or None for name in _ADDRESS_OPTIONAL}
        return AddressIn(
            country=code,
            country_name=country if country in self._countries else None,
            extra_field=extra_field or None,
            **texts,
        )
