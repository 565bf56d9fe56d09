"""Channels: creating and changing them, and finding the one of a host name."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from takeback.accounts.models import Channel
from takeback.core.setting_kinds import WEB_URL

_NAME_MAX, _MAX_NAMED = 255, 5


class InvalidChannel(ValueError):
    """A channel cannot be created or found; the text is a sentence."""


def add_channel(
    name: str,
    *,
    channel_type: str = "web",
    storefront_url: str = "",
    channel_id: int | None = None,
) -> int:
    """Create a channel; returns its id, which keys and imports refer to.

    InvalidChannel for an empty name, a name that another channel has, and a wrong URL. A
    caller that chooses the id calls `bulk.continue_ids` afterwards.
    """
    name = name.strip()
    if not (0 < len(name) <= _NAME_MAX and name.isprintable()):
        raise InvalidChannel(f"The name of a channel has 1 to {_NAME_MAX} characters.")
    for other in Channel.objects.filter(name__iexact=name):
        raise InvalidChannel(f"A channel with this name exists: {other.pk}.")
    if storefront_url:
        check_url(storefront_url)
    return Channel.objects.create(
        id=channel_id, name=name, channel_type=channel_type, storefront_url=storefront_url
    ).pk


def require_channel(channel_id: int) -> None:
    """InvalidChannel unless the channel exists."""
    if not Channel.objects.filter(pk=channel_id).exists():
        raise InvalidChannel(f"There is no channel {channel_id}. {existing_channels()}")


def existing_channels() -> str:
    """A sentence that names the first channels."""
    channels = list(Channel.objects.order_by("pk").values_list("pk", "name")[: _MAX_NAMED + 1])
    if not channels:
        return "There is none yet: run `takeback init`."
    named = ", ".join(f"{pk} ({name})" for pk, name in channels[:_MAX_NAMED])
    return f"Channels: {named}{', and more' if len(channels) > _MAX_NAMED else ''}."


def check_url(url: str) -> None:
    """InvalidChannel unless it is a URL of a storefront."""
    try:
        WEB_URL.parse(url)
    except ValueError:
        raise InvalidChannel(f"The storefront URL must be {WEB_URL.allowed}.") from None


@transaction.atomic
def update_channel(channel_id: int, values: Mapping[str, Any], *, now: datetime) -> None:
    """Set new column values of a channel; without a difference nothing is written."""
    channel = Channel.objects.select_for_update().get(pk=channel_id)
    changes = {name: value for name, value in values.items() if value != getattr(channel, name)}
    if changes:
        Channel.objects.filter(pk=channel_id).update(**changes, modified_date=now)


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
