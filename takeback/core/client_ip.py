"""The client's IP address, read from the trusted proxies in front of the server."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

_IPV6_SITE = 64


def client_address(request: HttpRequest) -> str:
    """The client's address; with `TRUSTED_PROXIES=n` the one that the n-th proxy reports."""
    address = str(request.META.get("REMOTE_ADDR", ""))
    if settings.TRUSTED_PROXIES:
        forwarded = str(request.META.get("HTTP_X_FORWARDED_FOR", "")).split(",")
        hops = [hop.strip() for hop in forwarded if hop.strip()]
        if len(hops) >= settings.TRUSTED_PROXIES:
            address = hops[-settings.TRUSTED_PROXIES]
    return _normalized(address)


def client_network(address: str) -> str:
    """The unit of per-address limits: an IPv4 address, or the /64 network of an IPv6 address."""
    parsed = _parse(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, _IPV6_SITE), strict=False))
    return str(parsed or "unknown")


def is_within(address: str, networks: Iterable[str]) -> bool:
    parsed = _parse(address)
    if parsed is None:
        return False
    return any(parsed in ip_network(network, strict=False) for network in networks)


def _normalized(address: str) -> str:
    """The address without brackets or zone; an IPv4-mapped IPv6 address as IPv4."""
    parsed = _parse(address.partition("%")[0].strip("[]"))
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return str(mapped or parsed or "")


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(address)
    except ValueError:
        return None
