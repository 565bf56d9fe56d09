"""Places as documents, as they are called today."""

from typing import Any

from takeback.addresses.models import City, Country, District, Township

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
