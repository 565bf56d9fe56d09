"""Values in the caller's words."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from takeback.orders.labels import STATUSES

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
CLIENTS = {
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


_translated: dict[tuple[str | None, int, int | str], str] = {}


def _said(words: Mapping[Any, Promise | str], value: Any) -> str:
    """The word in the caller's language. A page shows dozens: each is translated once."""
    word = words.get(value)
    if word is None or isinstance(word, str):
        return word or str(value)
    key = (get_language(), id(words), value)
    found = _translated.get(key)
    if found is None:
        found = _translated[key] = str(word)
    return found


def label(words: Mapping[str, Promise | str], value: str) -> str:
    """The word for a value; a value without one is shown as it is."""
    return _said(words, value)


def status(code: int) -> str:
    """The word for a status code."""
    return _said(STATUSES, code)


def currency(code: str) -> str:
    """How a currency is called: TL, else its ISO code."""
    return CURRENCIES.get(code, code.upper())
