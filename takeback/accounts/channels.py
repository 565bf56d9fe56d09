"""Channels: creating them, and finding the one of a host name."""

from urllib.parse import urlsplit

from django.conf import settings

from takeback.accounts.models import Channel


def add_channel(name: str, *, channel_type: str = "web") -> int:
    """Create a channel; returns its id, which keys and imports refer to."""
    return Channel.objects.create(name=name, channel_type=channel_type).pk


def site_url(channel_id: int) -> str:
    """The URL under which this service answers for a channel, without a final slash.

    It is `SITE_URL`, or a host of `STOREFRONT_HOSTS` with the scheme and port of `SITE_URL`.
    """
    site = urlsplit(settings.SITE_URL)
    if channel_id_of_host(site.netloc) == channel_id:
        return str(settings.SITE_URL)
    hosts = (host for host, name in settings.STOREFRONT_HOSTS.items() if int(name) == channel_id)
    host = next(hosts, None)
    port = f":{site.port}" if site.port else ""
    return f"{site.scheme}://{host}{port}" if host else str(settings.SITE_URL)


def channel_id_of_host(host: str) -> int:
    """The channel of a host name, with or without a port; else the shop's default channel."""
    name = host.partition(":")[0].lower()
    return int(settings.STOREFRONT_HOSTS.get(name, settings.STOREFRONT_CHANNEL))
