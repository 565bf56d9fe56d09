"""Adding, changing and removing addresses of a customer's address book."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from takeback.addresses.address_input import AddressIn
from takeback.addresses.models import Address
from takeback.addresses.places import place_document


class AlreadyThere(Exception):
    """The customer keeps this very address already, the one with this digest."""

    def __init__(self, hash_data: str) -> None:
        super().__init__(hash_data)
        self.hash_data = hash_data


PLACES = ("country", "city", "township", "district")


def add_address(user_id: int, fields: Mapping[str, Any], *, now: datetime) -> Address:
    """Put an address into a customer's book; `fields` holds its places as rows."""
    entry = Address(user_id=user_id, created_date=now, modified_date=now, **fields)
    return _save(entry)


def change_address(entry: Address, fields: Mapping[str, Any], *, now: datetime) -> Address:
    """Change an address of a book; the copies that orders keep stay as they are."""
    for name, value in fields.items():
        setattr(entry, name, value)
    entry.modified_date = now
    return _save(entry)


def remove_address(entry: Address, *, now: datetime) -> None:
    """Take an address out of its book."""
    Address.objects.filter(pk=entry.pk).update(is_active=False, modified_date=now)


def _save(entry: Address) -> Address:
    entry.place = place_document(entry.country, entry.city, entry.township, entry.district)
    entry.hash_data = _told(entry).digest()
    try:
        with transaction.atomic():
            entry.save()
            if entry.primary:
                others = Address.objects.filter(user=entry.user_id, is_copy=False, primary=True)
                others.exclude(pk=entry.pk).update(primary=False)
    except IntegrityError as error:
        raise AlreadyThere(entry.hash_data) from error
    return entry


def _told(entry: Address) -> AddressIn:
    """The address as somebody would tell it, which is how its digest is made."""
    return AddressIn(
        first_name=entry.first_name,
        last_name=entry.last_name,
        phone_number=entry.phone_number,
        line=entry.line,
        country=entry.country.code,
        city=entry.city.name,
        township=entry.township.name if entry.township else None,
        district=entry.district.name if entry.district else None,
        postcode=entry.postcode,
        company_name=entry.company_name,
        tax_no=entry.tax_no,
    )
