"""Finds and adds the places of addresses, and builds their documents."""

from typing import Any

from takeback.addresses.address_input import AddressIn
from takeback.addresses.models import City, Country, District, Township

Document = dict[str, Any]
Location = tuple[int, int, int | None, int | None, Document]
"""The ids of country, city, township and district, and a document of all four."""
_Rows = tuple[Country, City, Township | None, District | None]


class PlaceCache:
    """Finds places by name, adds new ones, and remembers them over the addresses of a batch.

    Use one per transaction: a rollback removes the places that it added.
    """

    def __init__(self) -> None:
        self._locations: dict[tuple[str | None, ...], Location] = {}

    def location(self, address: AddressIn) -> Location:
        """The places of the address."""
        names = (address.country.lower(), address.city, address.township, address.district)
        if names not in self._locations:
            country, city, township, district = _find(address) or _get_or_create(address)
            self._locations[names] = (
                country.pk,
                city.pk,
                township.pk if township else None,
                district.pk if district else None,
                location_document(country, city, township, district),
            )
        return self._locations[names]


def _find(address: AddressIn) -> _Rows | None:
    """The four places in one query; None if one is new or missing in the address."""
    if not (address.township and address.district):
        return None
    districts = District.objects.select_related("township__city__country")
    district = districts.filter(
        name=address.district,
        township__name=address.township,
        township__city__name=address.city,
        township__city__country__code=address.country.lower(),
    ).first()
    if district is None:
        return None
    township = district.township
    return township.city.country, township.city, township, district


def _get_or_create(address: AddressIn) -> _Rows:
    code = address.country.lower()
    country, _ = Country.objects.get_or_create(
        code=code, defaults={"name": address.country_name or code.upper()}
    )
    city, _ = City.objects.get_or_create(country=country, name=address.city)
    township = district = None
    if address.township:
        township, _ = Township.objects.get_or_create(city=city, name=address.township)
    if township and address.district:
        district, _ = District.objects.get_or_create(township=township, name=address.district)
    return country, city, township, district


def location_document(
    country: Country, city: City, township: Township | None, district: District | None
) -> Document:
    """The documents of all four places, to store with an address."""
    return {
        "country": place_document(country),
        "city": place_document(city),
        "township": place_document(township) if township else None,
        "district": place_document(district) if district else None,
    }


def place_document(place: Country | City | Township | District) -> Document:
    """A place with the ids of the places that contain it."""
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
            parents = {"country": place.country_id, "priority": place.priority}
        case Township():
            parents = {"city": place.city_id}
        case District():
            parents = {"city": place.township.city_id, "township": place.township_id}
    return common | parents | {"postcode": place.postcode}
