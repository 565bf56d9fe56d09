"""Adds and changes the carriers of returns."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from takeback.core.errors import NOT_FOUND, Refused
from takeback.logistics import carrier_rules, errors
from takeback.logistics.models import EasyReturnShippingCompany


def add_carrier(channel_id: int | None, values: Mapping[str, Any], *, now: datetime) -> int:
    """Add a carrier with these column values, and return its id.

    Without a channel the carrier serves all channels. Without a `carrier_label` the label is the
    name. InvalidRule for countries, categories or a slug that no carrier can have.
    """
    columns = {"carrier_label": values["name"], **_cleaned(values)}
    return EasyReturnShippingCompany.objects.create(
        channel_id=channel_id, created_date=now, modified_date=now, **columns
    ).pk


@transaction.atomic
def change_carrier(
    channel_id: int | None,
    carrier_id: int,
    values: Mapping[str, Any],
    *,
    now: datetime,
    may_change_shared: bool = False,
) -> None:
    """Set new column values of a carrier; without a difference nothing is written.

    A carrier is removed by `is_active=False`: the requests that name it keep it. `Refused` if the
    channel has no such carrier, and if all channels share it, unless `may_change_shared`.
    """
    carrier = (
        EasyReturnShippingCompany.objects.select_for_update()
        .filter(Q(channel_id=channel_id) | Q(channel_id=None), pk=carrier_id)
        .first()
    )
    if carrier is None:
        raise Refused(NOT_FOUND)
    if carrier.channel_id is None and channel_id is not None and not may_change_shared:
        raise Refused(errors.SHARED_CARRIER, carrier=carrier_id)
    cleaned = _cleaned(values)
    changes = {name: value for name, value in cleaned.items() if value != getattr(carrier, name)}
    if changes:
        EasyReturnShippingCompany.objects.filter(pk=carrier_id).update(**changes, modified_date=now)


def _cleaned(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with valid rules in the form in which they are stored."""
    columns = dict(values)
    if "countries" in columns:
        columns["countries"] = carrier_rules.country_codes(columns["countries"])
    if "categories" in columns:
        columns["categories"] = carrier_rules.categories(columns["categories"])
    if "carrier" in columns:
        columns["carrier"] = carrier_rules.slug(columns["carrier"])
    return columns
