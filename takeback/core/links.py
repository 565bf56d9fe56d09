"""Links that others told us, before anybody is made to follow them."""

import re

_PAGE = re.compile(r"https?://[^\s\x00-\x20\x7f]+")
_PATH = re.compile(r"(?!//)[^:\\\x00-\x20]+")


def safe_http_url(url: str | None) -> str | None:
    """The link, unless it would do something else than open a page."""
    return url if url and _PAGE.fullmatch(url) else None


def safe_url_or_path(url: str | None) -> str | None:
    """As `web`, or a path on the shop's own site: no other scheme, no other host."""
    return url if url and _PATH.fullmatch(url) else safe_http_url(url)
