"""The documents about pictures that other systems read."""

from datetime import datetime
from typing import Any, TypedDict


class ChannelCaseImage(TypedDict):
    """A picture of a case; `image` is an address that the same key may fetch."""

    id: int
    pk: int
    cancellation_request: int
    image: str
    description: str | None
    attributes: dict[str, Any]
    uploaded_by: int | None
    is_uploaded_by_user: bool
    created_date: datetime
    modified_date: datetime
