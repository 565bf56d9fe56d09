"""Places chosen by number, each inside the one before."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError

from takeback.addresses.models import City, Country, District, Township

_UNKNOWN_PLACE = _("This place is not known here.")
NO_PLACE = {"range": _UNKNOWN_PLACE}
"""A number beyond every place's is as unknown as any other."""


def places_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """The places behind the numbers, or a field error for one that is not where it should be."""
    places: dict[str, Any] = {}
    inside: dict[str, Any] = {}
    for name, model in (
        ("country", Country),
        ("city", City),
        ("township", Township),
        ("district", District),
    ):
        number = told.get(name)
        found = number and model.objects.filter(pk=number, is_active=True, **inside).first()
        if number and not found:
            raise ValidationError({name: [_UNKNOWN_PLACE]})
        places[name] = found or None
        inside = {name: found}
    return places
