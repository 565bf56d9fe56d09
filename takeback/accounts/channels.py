"""Channels: creating them, and finding the one of a host name."""

from django.conf import settings

from takeback.accounts.models import Channel


def add_channel(name: str, *, channel_type: str = "web") -> int:
    """Create a channel; returns its id, which keys and imports refer to."""
    return Channel.objects.create(name=name, channel_type=channel_type).pk


def channel_id_of_host(host: str) -> int:
    """The channel of a host name, with or without a port; else the shop's default channel."""
    name = host.partition(":")[0].lower()
    return int(settings.STOREFRONT_HOSTS.get(name, settings.STOREFRONT_CHANNEL))
