"""Reading the pictures of a channel's cases."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import F, Q, QuerySet

from takeback.cancellations.models import CancellationRequestImage
from takeback.channel.filters import LAST_CHANGED, NEWEST
from takeback.core.db.compiled_query import RowQuery
from takeback.core.paging import Page

_BUYER = "cancellation_request__order_item__order__user_id"


class ImageRow(NamedTuple):
    """A picture; `buyer` is the customer whose case it belongs to."""

    id: int
    cancellation_request_id: int
    image: str
    description: str | None
    is_uploaded_by_user: bool
    buyer: int
    created_date: datetime
    modified_date: datetime


def _of_channel(channel_id: int) -> "QuerySet[CancellationRequestImage]":
    found = CancellationRequestImage.objects.filter(
        cancellation_request__channel_id=channel_id, cancellation_request__is_hidden=False
    )
    return found.annotate(buyer=F(_BUYER))


_images = RowQuery(ImageRow)


def images(channel_id: int, told: Mapping[str, Any], page: Page) -> tuple[int, list[ImageRow]]:
    """How many pictures of the channel's cases are like this, and a page of them, newest first."""
    found = _of_channel(channel_id).filter(_wanted(told)).order_by(*NEWEST)
    return found.count(), _images.fetch(found[page.offset : page.offset + page.limit])


def changed(channel_id: int, told: Mapping[str, Any], page: Page) -> list[ImageRow]:
    """A page of them, the last changed first."""
    found = _of_channel(channel_id).filter(_wanted(told))
    ordered = found.order_by(*LAST_CHANGED)
    return _images.fetch(ordered[page.offset : page.offset + page.limit])


def image(channel_id: int, image_id: int) -> ImageRow | None:
    """This picture, if it is of one of the channel's cases."""
    found = _images.fetch(_of_channel(channel_id).filter(pk=image_id))
    return next(iter(found), None)


def _wanted(told: Mapping[str, Any]) -> Q:
    wanted = Q()
    if "cancellation_request" in told:
        wanted &= Q(cancellation_request_id=told["cancellation_request"])
    if "uploaded_by" in told:
        wanted &= Q(is_uploaded_by_user=True) & Q(**{_BUYER: told["uploaded_by"]})
    # Pictures have no attributes of their own: whoever asks for some finds none.
    return wanted & Q(pk__in=[]) if "attributes" in told else wanted
