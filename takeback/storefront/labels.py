"""Choices of the documents: values with their labels in the language of the request."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypedDict

from django.utils.functional import Promise
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from takeback.orders.labels import STATUSES
from takeback.storefront.dialect import Dialect
from takeback.storefront.document_context import DocumentContext

Labels = Mapping[Any, Promise | str]

REQUEST_STATUSES = {
    "open": pgettext_lazy("request", "Open"),
    "approved": pgettext_lazy("request", "Approved"),
    "completed": pgettext_lazy("request", "Completed"),
    "rejected": pgettext_lazy("request", "Rejected"),
}
EASY_RETURN_STATUSES = {
    "active": pgettext_lazy("easy return", "Active"),
    "used": pgettext_lazy("easy return", "Used"),
    "expired": pgettext_lazy("easy return", "Expired"),
    "cancelled": pgettext_lazy("easy return", "Cancelled"),
}
CURRENCIES = {"try": "TL"}
CLIENTS: Labels = {
    "default": _("Web"),
    "ios": "iOS",
    "android": "Android",
    "instore": _("Store"),
}
ADDRESS_TYPES = {"customer": _("Customer"), "retail_store": _("Store")}
ORDER_TYPES = {
    "regular": _("Regular"),
    "addon": _("Addition"),
    "replacement": _("Replacement"),
}
CARRIERS = {
    "yurtici": "Yurtiçi Kargo",
    "aras": "Aras Kargo",
    "mng": "MNG Kargo",
    "ups": "UPS",
    "dpd": "DPD",
    "sendeo": "Sendeo",
    "kolay_gelsin": "Kolay Gelsin",
    "extension": "Extension Cargo",
}


class Choice(TypedDict):
    """A value and its label in the language of the request."""

    value: str
    label: str


_translated: dict[tuple[str | None, int, int | str], str] = {}


def label(labels: Labels, value: int | str) -> str:
    """The label of a value, or the value itself if it has none.

    Cached per language: a page shows dozens of labels.
    """
    text = labels.get(value)
    if text is None or isinstance(text, str):
        return text or str(value)
    key = (get_language(), id(labels), value)
    translation = _translated.get(key)
    if translation is None:
        translation = _translated[key] = str(text)
    return translation


def choice(labels: Labels, value: str) -> Choice:
    """A value with its label."""
    return {"value": value, "label": label(labels, value)}


def choice_in_v3(labels: Labels, value: str, context: DocumentContext) -> str | Choice:
    """The bare value in the classic dialect, a choice in v3."""
    return value if context.dialect is Dialect.CLASSIC else choice(labels, value)


@lru_cache(maxsize=256)
def status(code: int, language: str) -> Choice:
    """The status of an order or item; the value is its code in digits."""
    return {"value": str(code), "label": label(STATUSES, code)}


@lru_cache(maxsize=256)
def currency(code: str) -> Choice:
    """A currency; its label is TL or its ISO code."""
    return {"value": code, "label": CURRENCIES.get(code, code.upper())}


@lru_cache(maxsize=256)
def carrier(slug: str | None) -> Choice | None:
    """A carrier by its slug."""
    return choice(CARRIERS, slug) if slug else None


@lru_cache(maxsize=256)
def order_type(value: str | None, language: str) -> Choice | None:
    """Regular, addition or replacement; None for orders that have no type."""
    return choice(ORDER_TYPES, value) if value else None
