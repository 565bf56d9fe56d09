"""Which channel a storefront request belongs to."""

from django.conf import settings
from django.http import HttpRequest


def channel_of(request: HttpRequest) -> int:
    """The channel of the host that was called, else the shop's own."""
    host = request.get_host().partition(":")[0].lower()
    return int(settings.STOREFRONT_HOSTS.get(host, settings.STOREFRONT_CHANNEL))
