"""Places that addresses name by number: found by name and by what they lie in."""

from collections.abc import Callable
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.models import ApiKey
from takeback.addresses.models import City, Country, District, Township
from takeback.addresses.places import place_document
from takeback.api.paginator import envelope
from takeback.channel import openapi
from takeback.channel.base import ChannelView
from takeback.channel.customers import queries
from takeback.channel.customers.serializers import PlaceFilters
from takeback.channel.filters import validated_filters
from takeback.core.paging import Page


class _Places(ChannelView):
    """Places of one level; they are the same for all channels."""

    scopes = {"GET": ApiKey.READ, "HEAD": ApiKey.READ}
    level: ClassVar[type[queries.Place]]

    def get(self, call: Request, channel_id: str) -> Response:
        query = call.query_params.dict()
        page = Page.of(query)
        found = queries.places(self.level, validated_filters(call, PlaceFilters))
        rows = [place_document(place) for place in found[page.offset : page.offset + page.limit]]
        return Response(envelope(call.path, query, page, found.count(), rows))


def _shown(name: str, shape: str) -> Callable[[Any], Any]:
    """How a level is described; `shape` is its document."""
    return extend_schema_view(
        get=extend_schema(
            operation_id=name,
            tags=[openapi.PEOPLE],
            parameters=[openapi.CHANNEL_ID, PlaceFilters, *openapi.page_parameters()],
            responses={200: openapi.page_of(shape)} | openapi.REFUSALS,
        )
    )


@_shown("channel_countries", "ChannelCountry")
class Countries(_Places):
    """Countries, by name or code."""

    level = Country


@_shown("channel_cities", "ChannelCity")
class Cities(_Places):
    """Cities, by name and country."""

    level = City


@_shown("channel_townships", "ChannelTownship")
class Townships(_Places):
    """Townships, by name, country and city."""

    level = Township


@_shown("channel_districts", "ChannelDistrict")
class Districts(_Places):
    """Districts, by name, country, city and township."""

    level = District
