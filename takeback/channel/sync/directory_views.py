"""What a system asks for before it knows a channel: which ones it has, and what kinds there are."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.models import ApiKey
from takeback.api.paginator import envelope
from takeback.channel import openapi
from takeback.channel.auth import number_of
from takeback.channel.base import ChannelView
from takeback.channel.filters import validated_filters
from takeback.channel.sync import documents, queries
from takeback.channel.sync.serializers import KindFilters
from takeback.channel_sync.content_types import ContentType
from takeback.core import errors
from takeback.core.errors import Refused
from takeback.core.paging import Page


class KeyView(ChannelView):
    """A route for reading that names no channel."""

    scopes = {"GET": ApiKey.READ, "HEAD": ApiKey.READ}


class Channels(KeyView):
    """The channels of the key, those that are closed too."""

    @extend_schema(
        operation_id="channels",
        tags=[openapi.TAG],
        parameters=openapi.page_parameters(),
        responses={200: openapi.page_of("ChannelDocument")} | openapi.KEY_REFUSALS,
    )
    def get(self, call: Request) -> Response:
        query = call.query_params.dict()
        page = Page.of(query)
        total, rows = queries.channels(self.caller.key_id, page)
        results = [documents.channel(row) for row in rows]
        return Response(envelope(call.path, query, page, total, results))


class OneChannel(KeyView):
    """One of them: whether it is open, and how its systems are configured."""

    @extend_schema(
        operation_id="channel",
        tags=[openapi.TAG],
        parameters=[openapi.PK],
        responses={200: openapi.document("ChannelDocument", "Found."), 404: openapi.PLAIN}
        | openapi.KEY_REFUSALS,
    )
    def get(self, call: Request, pk: str) -> Response:
        found = queries.channel(self.caller.key_id, number_of(pk))
        if found is None:
            raise Refused(errors.NOT_FOUND)
        return Response(documents.channel(found))


class ContentTypes(KeyView):
    """The kinds of objects that batches and reports name."""

    @extend_schema(
        operation_id="content_types",
        tags=[openapi.TAG],
        parameters=[KindFilters, *openapi.page_parameters()],
        responses={200: openapi.page_of("ContentTypeDocument")} | openapi.KEY_REFUSALS,
    )
    def get(self, call: Request) -> Response:
        query = call.query_params.dict()
        page, wanted = Page.of(query), validated_filters(call, KindFilters).get("model")
        found = [kind for kind in ContentType if wanted in {None, kind}]
        shown = found[page.offset : page.offset + page.limit]
        results = [documents.content_type(kind) for kind in shown]
        return Response(envelope(call.path, query, page, len(found), results))
