"""The carriers of returns that a channel offers, and their rules."""

from datetime import datetime
from typing import Any, NamedTuple, TypedDict

import msgspec
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.api.channel_settings import CarrierEntry
from takeback.api.openapi import Operation, PageOf
from takeback.channel.auth import path_id
from takeback.channel.base import ChannelListView, ChannelView, row_or_404, validated
from takeback.channel.filters import Filter, Flag, equal
from takeback.channel.openapi import SETTINGS
from takeback.core import clock
from takeback.core.db.compiled_query import RowQuery
from takeback.logistics.commands.carriers import add_carrier, change_carrier
from takeback.logistics.models import EasyReturnShippingCompany


class CarrierSettingsRow(NamedTuple):
    """A carrier; JSON columns are text."""

    id: int
    channel_id: int | None
    carrier: str
    carrier_label: str
    name: str
    countries: Any
    categories: Any
    needs_pickup: bool
    is_user_selectable: bool
    is_active: bool
    created_date: datetime
    modified_date: datetime


class ChannelCarrier(TypedDict):
    """A carrier of returns; `is_shared` means that all channels offer it."""

    pk: int
    id: int
    carrier: str
    carrier_label: str
    name: str
    countries: list[str]
    categories: list[str]
    needs_pickup: bool
    is_user_selectable: bool
    is_active: bool
    is_shared: bool
    created_date: datetime
    modified_date: datetime


def carrier_document(row: CarrierSettingsRow) -> ChannelCarrier:
    return {
        "pk": row.id,
        "id": row.id,
        "carrier": row.carrier,
        "carrier_label": row.carrier_label,
        "name": row.name,
        "countries": msgspec.json.decode(row.countries),
        "categories": msgspec.json.decode(row.categories),
        "needs_pickup": row.needs_pickup,
        "is_user_selectable": row.is_user_selectable,
        "is_active": row.is_active,
        "is_shared": row.channel_id is None,
        "created_date": row.created_date,
        "modified_date": row.modified_date,
    }


def _carriers_in_channel(channel_id: int) -> "QuerySet[EasyReturnShippingCompany]":
    """The channel's own carriers, and those that all channels share."""
    return EasyReturnShippingCompany.objects.filter(Q(channel_id=channel_id) | Q(channel_id=None))


_carrier_rows = RowQuery(CarrierSettingsRow)


class BaseCarrierView(ChannelView):
    """Responds with a carrier; changes need the scope admin."""

    scopes = ChannelView.ADMIN_CHANGES

    def respond(self, carrier_id: int, status: int = 200) -> Response:
        """The carrier as it is now."""
        carriers = _carriers_in_channel(self.client.channel_id).filter(pk=carrier_id)
        return Response(carrier_document(row_or_404(_carrier_rows.first(carriers))), status=status)


class CarrierList(ChannelListView, BaseCarrierView):
    """The carriers of returns that the channel offers, in the order in which they were added."""

    filters = {
        "is_active": Filter(Flag(required=False), equal("is_active")),
        "is_user_selectable": Filter(Flag(required=False), equal("is_user_selectable")),
        "needs_pickup": Filter(Flag(required=False), equal("needs_pickup")),
    }
    ordering = ("id",)
    rows = _carrier_rows
    operations = {
        "get": Operation(
            "channel_carriers",
            SETTINGS,
            PageOf(ChannelCarrier),
            summary="List carriers of returns.",
        ),
        "post": Operation(
            "channel_carrier_add",
            SETTINGS,
            ChannelCarrier,
            request=CarrierEntry,
            status=201,
            is_idempotent=True,
            summary="Add a carrier.",
        ),
    }

    def queryset(self) -> "QuerySet[Any, Any]":
        return _carriers_in_channel(self.client.channel_id)

    def to_documents(self, rows: list[Any]) -> list[Any]:
        return [carrier_document(row) for row in rows]

    def post(self, request: Request, channel_id: str) -> HttpResponse:
        return self.idempotent(self._add, body=self.body)

    def _add(self) -> Response:
        values = validated(CarrierEntry, self.body)
        carrier_id = add_carrier(self.client.channel_id, values, now=clock.now())
        return self.respond(carrier_id, status=201)


class CarrierView(BaseCarrierView):
    """One carrier; one that all channels share needs a key for all active channels."""

    operations = {
        "get": Operation(
            "channel_carrier",
            SETTINGS,
            ChannelCarrier,
            summary="Read a carrier.",
        ),
        "put": Operation(
            "channel_carrier_put",
            SETTINGS,
            ChannelCarrier,
            request=CarrierEntry,
            summary="Change a carrier.",
        ),
        "patch": Operation(
            "channel_carrier_patch",
            SETTINGS,
            ChannelCarrier,
            request=CarrierEntry,
            summary="Change fields of a carrier.",
        ),
        "delete": Operation(
            "channel_carrier_remove",
            SETTINGS,
            status=204,
            summary="Deactivate a carrier.",
        ),
    }

    def get(self, request: Request, channel_id: str, pk: str) -> Response:
        return self.respond(path_id(pk))

    def put(self, request: Request, channel_id: str, pk: str) -> Response:
        carrier_id = path_id(pk)
        self._change(carrier_id, validated(CarrierEntry, self.optional_body, partial=True))
        return self.respond(carrier_id)

    patch = put

    def delete(self, request: Request, channel_id: str, pk: str) -> Response:
        """Deactivates the carrier; requests that name it keep it."""
        self._change(path_id(pk), {"is_active": False})
        return Response(status=204)

    def _change(self, carrier_id: int, values: dict[str, Any]) -> None:
        change_carrier(
            self.client.channel_id,
            carrier_id,
            values,
            now=clock.now(),
            may_change_shared=self.may_change_shared,
        )
