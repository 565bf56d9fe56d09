"""Channels: creating them, and finding the one of a host name."""

from typing import NamedTuple

from django.conf import settings

from takeback.accounts.models import Channel


class Brand(NamedTuple):
    """A shop as its pages and mails show it; both texts may be empty."""

    name: str
    logo_url: str


def shop_brand(channel_id: int) -> Brand:
    """The brand of a channel; an unknown channel has none."""
    names = Channel.objects.filter(pk=channel_id).values_list("name", flat=True)
    return Brand(names.first() or "", "")


def storefront_url(channel_id: int) -> str:
    """The address of the channel's storefront; empty if it is unknown."""
    urls = Channel.objects.filter(pk=channel_id).values_list("storefront_url", flat=True)
    return urls.first() or ""


def add_channel(name: str, *, channel_type: str = "web") -> int:
    """Create a channel; returns its id, which keys and imports refer to."""
    return Channel.objects.create(name=name, channel_type=channel_type).pk


def channel_id_of_host(host: str) -> int:
    """The channel of a host name, with or without a port; else the shop's default channel."""
    name = host.partition(":")[0].lower()
    return int(settings.STOREFRONT_HOSTS.get(name, settings.STOREFRONT_CHANNEL))
