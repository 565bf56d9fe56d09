"""Commands on addresses: the entries of customers' books, and the copies that belong to orders."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from takeback.addresses.address_input import COPIED, AddressIn
from takeback.addresses.models import Address
from takeback.addresses.places import Location, PlaceCache, location_document
from takeback.core.db.bulk import insert_rows, json_text, reserve_ids

PLACES = ("country", "city", "township", "district")


class AddressExists(Exception):
    """The customer's book already holds this address; `hash_data` identifies the entry."""

    def __init__(self, hash_data: str) -> None:
        super().__init__(hash_data)
        self.hash_data = hash_data


def add_address(user_id: int, fields: Mapping[str, Any], *, now: datetime) -> Address:
    """Add an address to a customer's book. `fields` holds model instances for its places."""
    entry = Address(user_id=user_id, created_date=now, modified_date=now, **fields)
    return _save(entry)


def change_address(entry: Address, fields: Mapping[str, Any], *, now: datetime) -> Address:
    """Change an address of a book; the copies that belong to orders keep their values."""
    for name, value in fields.items():
        setattr(entry, name, value)
    entry.modified_date = now
    return _save(entry)


def remove_address(entry: Address, *, now: datetime) -> None:
    """Deactivate an address of a book."""
    Address.objects.filter(pk=entry.pk).update(is_active=False, modified_date=now)


def remove_book(user_id: int, *, recorded: Collection[int]) -> None:
    """Delete a customer's book; entries in `recorded` stay as copies that belong to a record."""
    entries = Address.objects.filter(user_id=user_id, is_copy=False)
    entries.filter(pk__in=recorded).update(is_copy=True, is_active=False)
    entries.exclude(pk__in=recorded).delete()


def anonymize_addresses(addresses: "QuerySet[Address]") -> None:
    """Remove the person from addresses that belong to records; country and city stay."""
    for pk, place in addresses.values_list("pk", "place"):
        Address.objects.filter(pk=pk).update(
            title="",
            email=None,
            phone_number="",
            first_name="",
            last_name="",
            line="-",
            township=None,
            district=None,
            place={**place, "township": None, "district": None},
            postcode=None,
            notes=None,
            company_name="",
            tax_office="",
            tax_no="",
            identity_number=None,
            remote_id=None,
            retail_store=None,
            extra_field=None,
            hash_data="",
        )


def move_address_book(user_id: int, new_user_id: int) -> None:
    """Move the entries of a book into another book, except those that it has already."""
    book = Address.objects.filter(user_id=new_user_id, is_copy=False, is_active=True)
    hashes = list(book.values_list("hash_data", flat=True))
    entries = Address.objects.filter(user_id=user_id, is_copy=False)
    new = entries.filter(is_active=True).exclude(hash_data__in=hashes)
    if book.filter(primary=True).exists():
        new.update(primary=False)
    new.update(user_id=new_user_id)


def _save(entry: Address) -> Address:
    entry.place = location_document(entry.country, entry.city, entry.township, entry.district)
    entry.hash_data = as_input(entry).digest()
    try:
        with transaction.atomic():
            entry.save()
            if entry.primary:
                others = Address.objects.filter(user=entry.user_id, is_copy=False, primary=True)
                others.exclude(pk=entry.pk).update(primary=False)
    except IntegrityError as error:
        raise AddressExists(entry.hash_data) from error
    return entry


def as_input(entry: Address) -> AddressIn:
    return AddressIn(
        country=entry.country.code,
        country_name=entry.country.name,
        city=entry.city.name,
        township=entry.township.name if entry.township else None,
        district=entry.district.name if entry.district else None,
        **{name: getattr(entry, name) for name in COPIED},
    )


def snapshot_addresses(addresses: Sequence[tuple[int, AddressIn]], places: PlaceCache) -> list[int]:
    """Insert a copy for each pair of user id and address; returns their ids in the same order."""
    ids = list(reserve_ids(Address, len(addresses)))
    rows = [
        _copy(address_id, user_id, address, places.location(address))
        for address_id, (user_id, address) in zip(ids, addresses, strict=True)
    ]
    if rows:
        insert_rows(Address, list(rows[0]), [list(row.values()) for row in rows])
    return ids


def _copy(
    address_id: int, user_id: int, address: AddressIn, location: Location
) -> dict[str, object]:
    country_id, city_id, township_id, district_id, place = location
    return {
        "id": address_id,
        "user_id": user_id,
        **{name: getattr(address, name) for name in COPIED},
        "retail_store": json_text(address.retail_store),
        "extra_field": json_text(address.extra_field),
        "country_id": country_id,
        "city_id": city_id,
        "township_id": township_id,
        "district_id": district_id,
        "place": json_text(place),
        "hash_data": address.digest(),
        "is_copy": True,
        "primary": False,
        "is_active": True,
    }
