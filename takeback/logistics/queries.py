"""Queries for carriers, and the row of an easy return."""

from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet

from takeback.core.db.compiled_query import CompiledQuery
from takeback.logistics.models import EasyReturnShippingCompany


class CompanyRow(NamedTuple):
    id: int
    carrier: str
    carrier_label: str
    name: str


class CarrierRow(NamedTuple):
    id: int
    carrier: str
    carrier_label: str
    needs_pickup: bool
    is_user_selectable: bool


class EasyReturnRow(NamedTuple):
    """An easy return; it has a code once it is booked. `pickup_date` is JSON text."""

    id: int
    carrier: str
    carrier_label: str
    code: str | None
    status: str
    start_date: datetime | None
    end_date: datetime | None
    tracking_number: str | None
    tracking_url: str | None
    pickup_date: Any


def _companies(channel_id: int) -> "QuerySet[EasyReturnShippingCompany]":
    offered = EasyReturnShippingCompany.objects.filter(is_active=True, is_user_selectable=True)
    return offered.filter(Q(channel_id=channel_id) | Q(channel_id=None)).order_by("id")


def _carriers(carrier_ids: list[int], channel_id: int) -> "QuerySet[EasyReturnShippingCompany]":
    active = EasyReturnShippingCompany.objects.filter(pk__anyof=carrier_ids, is_active=True)
    return active.filter(Q(channel_id=channel_id) | Q(channel_id=None))


carriers = CompiledQuery(CarrierRow, _carriers)
companies_on_offer = CompiledQuery(CompanyRow, _companies)


def active_carriers(channel_id: int) -> "QuerySet[EasyReturnShippingCompany]":
    """The carriers of a channel, those of all channels among them, in the order of their ids."""
    carriers_of_all = EasyReturnShippingCompany.objects.filter(is_active=True)
    return carriers_of_all.filter(Q(channel_id=channel_id) | Q(channel_id=None)).order_by("id")
