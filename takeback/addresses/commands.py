"""Writing addresses: new places, frozen copies, and the address book."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from takeback.addresses.intake import COPIED, DOCUMENTS, PLAIN, AddressIn
from takeback.addresses.models import Address, City, Country, District, Township
from takeback.addresses.places import place_document
from takeback.core.bulk import insert_rows, json_text, reserve_ids

Place = tuple[int, int, int | None, int | None, dict[str, Any]]
"""Ids of country, city, township and district, and the four as a document."""
Rows = tuple[Country, City, Township | None, District | None]


class Places:
    """Finds countries, cities, townships and districts by name, adding those that are new.

    It remembers what it has found, so that a file of many orders asks once per place.
    Use one per transaction: what it added is gone when that rolls back.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str | None, ...], Place] = {}

    def of(self, told: AddressIn) -> Place:
        """The place that the address names."""
        names = (told.country.lower(), told.city, told.township, told.district)
        if names not in self._known:
            self._known[names] = self._find(told)
        return self._known[names]

    def _find(self, told: AddressIn) -> Place:
        country, city, township, district = _known(told) or _added(told)
        return (
            country.pk,
            city.pk,
            township.pk if township else None,
            district.pk if district else None,
            place_document(country, city, township, district),
        )


def _known(told: AddressIn) -> Rows | None:
    """The rows of a full place, in one question; None when a part is not told or is new."""
    if not (told.township and told.district):
        return None
    whole = District.objects.select_related("township__city__country")
    district = whole.filter(
        name=told.district,
        township__name=told.township,
        township__city__name=told.city,
        township__city__country__code=told.country.lower(),
    ).first()
    if district is None:
        return None
    township = district.township
    return township.city.country, township.city, township, district


def _added(told: AddressIn) -> Rows:
    """The rows of a place, those that are new among them added."""
    country, _ = Country.objects.get_or_create(
        code=told.country.lower(), defaults={"name": told.country_name or told.country.upper()}
    )
    city, _ = City.objects.get_or_create(country=country, name=told.city)
    township = district = None
    if told.township:
        township, _ = Township.objects.get_or_create(city=city, name=told.township)
    if township and told.district:
        district, _ = District.objects.get_or_create(township=township, name=told.district)
    return country, city, township, district


_COPY_COLUMNS = (
    "id",
    "user_id",
    *COPIED,
    "country_id",
    "city_id",
    "township_id",
    "district_id",
    "place",
    "hash_data",
    "is_copy",
    "primary",
    "is_active",
)


def freeze(told: Sequence[tuple[int, AddressIn]], places: Places) -> list[int]:
    """Write the copies that orders keep, one per (user id, address); their ids in that order."""
    ids = list(reserve_ids(Address, len(told)))
    rows = []
    for address_id, (user_id, address) in zip(ids, told, strict=True):
        *location, place = places.of(address)
        rows.append(
            (
                address_id,
                user_id,
                *(getattr(address, name) for name in PLAIN),
                *(json_text(getattr(address, name)) for name in DOCUMENTS),
                *location,
                json_text(place),
                address.digest(),
                True,
                False,
                True,
            )
        )
    insert_rows(Address, _COPY_COLUMNS, rows)
    return ids


class AlreadyThere(Exception):
    """The customer keeps this very address already, the one with this digest."""

    def __init__(self, hash_data: str) -> None:
        super().__init__(hash_data)
        self.hash_data = hash_data


PLACES = ("country", "city", "township", "district")


def add(user_id: int, fields: Mapping[str, Any], *, now: datetime) -> Address:
    """Put an address into a customer's book; `fields` holds its places as rows."""
    entry = Address(user_id=user_id, created_date=now, modified_date=now, **fields)
    return _save(entry)


def change(entry: Address, fields: Mapping[str, Any], *, now: datetime) -> Address:
    """Change an address of a book; the copies that orders keep stay as they are."""
    for name, value in fields.items():
        setattr(entry, name, value)
    entry.modified_date = now
    return _save(entry)


def remove(entry: Address, *, now: datetime) -> None:
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
