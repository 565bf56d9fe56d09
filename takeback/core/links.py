"""Checks of URLs that come from other systems, before a page links to them."""

import re

_HTTP_URL = re.compile(r"https?://[^\s\x00-\x20\x7f]+")
_PATH = re.compile(r"(?!//)[^:\\\x00-\x20]+")


def safe_http_url(url: str | None) -> str | None:
    """The URL if it is http or https, else None."""
    return url if url and _HTTP_URL.fullmatch(url) else None


def safe_url_or_path(url: str | None) -> str | None:
    """The URL if it is http, https or a path on the shop's own site, else None."""
    return url if url and _PATH.fullmatch(url) else safe_http_url(url)
