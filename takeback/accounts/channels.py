"""Channels: creating and changing them, and finding the one of a host name."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction

from takeback.accounts.models import Channel


class Brand(NamedTuple):
    """A shop as its pages and mails show it; both texts may be empty."""

    name: str
    logo_url: str


def shop_brand(channel_id: int) -> Brand:
    """The brand of a channel; an unknown channel has none.

    The URL is a path, because the policy of our pages allows images of the same origin only.
    """
    rows = Channel.objects.filter(pk=channel_id).values_list("name", "logo")
    name, logo = rows.first() or ("", "")
    return Brand(name, f"/media/{logo}" if logo else "")


def add_channel(name: str, *, channel_type: str = "web") -> int:
    """Create a channel; returns its id, which keys and imports refer to."""
    return Channel.objects.create(name=name, channel_type=channel_type).pk


@transaction.atomic
def update_channel(channel_id: int, values: Mapping[str, Any], *, now: datetime) -> None:
    """Set new column values of a channel; without a difference nothing is written."""
    channel = Channel.objects.select_for_update().get(pk=channel_id)
    changes = {name: value for name, value in values.items() if value != getattr(channel, name)}
    if changes:
        Channel.objects.filter(pk=channel_id).update(**changes, modified_date=now)


def channel_id_of_host(host: str) -> int:
    """The channel of a host name, with or without a port; else the shop's default channel."""
    name = host.partition(":")[0].lower()
    return int(settings.STOREFRONT_HOSTS.get(name, settings.STOREFRONT_CHANNEL))
