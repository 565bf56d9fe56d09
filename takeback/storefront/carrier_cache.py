"""The carriers that a channel offers: every line of every answer repeats them."""

from time import monotonic

from msgspec import Raw

from takeback.api.renderer import encode
from takeback.logistics.queries import companies_on_offer
from takeback.storefront.cases_documents import company

KEPT_SECONDS = 10.0
_NONE = Raw(b"[]")
_kept: dict[int, tuple[float, Raw]] = {}


def on_offer(channel_id: int | None) -> Raw:
    """They as a document, encoded; what the shop changes shows after ten seconds.

    Only what is shown is kept: whoever asks for a carrier that has gone since is refused, because
    the rules read the carriers themselves.
    """
    if channel_id is None:
        return _NONE
    now = monotonic()
    until, document = _kept.get(channel_id, (now, _NONE))
    if until <= now:
        rows = companies_on_offer(channel_id=channel_id)
        document = Raw(encode([company(row) for row in rows]))
        _kept[channel_id] = now + KEPT_SECONDS, document
    return document


def forget() -> None:
    """For tests, whose databases start over."""
    _kept.clear()
