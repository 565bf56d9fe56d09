"""The shop's brand on pages for people: a context processor."""

from typing import Any

from django.db import Error
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from takeback.accounts.channels import Brand, channel_id_of_host, shop_brand


def brand(request: HttpRequest) -> dict[str, Any]:
    """The brand of the shop that the request names by its host; read if the page shows it."""
    return {"brand": SimpleLazyObject(lambda: _brand(request))}


def _brand(request: HttpRequest) -> Brand:
    try:
        return shop_brand(channel_id_of_host(request.META.get("HTTP_HOST", "")))
    except Error:  # the page may be the one that reports it
        return Brand("", "")
