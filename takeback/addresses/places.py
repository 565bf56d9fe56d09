"""Writing addresses: new places, frozen copies, and the address book."""

from typing import Any

from takeback.addresses.address_input import AddressIn
from takeback.addresses.models import City, Country, District, Township

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


Document = dict[str, Any]


def place_document(
    country: Country, city: City, township: Township | None, district: District | None
) -> Document:
    """The four together, to be frozen with an address."""
    return {
        "country": document(country),
        "city": document(city),
        "township": document(township) if township else None,
        "district": document(district) if district else None,
    }


def document(place: Country | City | Township | District) -> Document:
    """One place, with the numbers of those around it."""
    common = {
        "pk": place.pk,
        "id": place.pk,
        "is_active": place.is_active,
        "name": place.name,
        "code": "",
        "translations": place.translations,
    }
    match place:
        case Country():
            return common | {"code": place.code}
        case City():
            inside = {"country": place.country_id, "priority": place.priority}
        case Township():
            inside = {"city": place.city_id}
        case District():
            inside = {"city": place.township.city_id, "township": place.township_id}
    return common | inside | {"postcode": place.postcode}
