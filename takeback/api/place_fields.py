"""Places chosen by id, each inside the one before."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError

from takeback.addresses.models import City, Country, District, Township

_UNKNOWN_PLACE = _("This place is unknown. Choose one from the list of places.")
NO_PLACE = {"range": _UNKNOWN_PLACE}
"""Error messages of fields for place ids: an id out of range is unknown, too."""


def places_of(ids: Mapping[str, Any]) -> dict[str, Any]:
    """The places with these ids; raises a `ValidationError` for one outside the place before."""
    places: dict[str, Any] = {}
    parent: dict[str, Any] = {}
    for level, model in (
        ("country", Country),
        ("city", City),
        ("township", Township),
        ("district", District),
    ):
        pk = ids.get(level)
        place = model.objects.filter(pk=pk, is_active=True, **parent).first() if pk else None
        if pk and not place:
            raise ValidationError({level: [_UNKNOWN_PLACE]})
        places[level] = place
        parent = {level: place}
    return places
