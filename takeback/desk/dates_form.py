"""The form that corrects when an item was shipped or delivered."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from takeback.desk.forms import CHOOSE, DeskForm, text_area
from takeback.orders.fulfilment_dates import DATES
from takeback.orders.models import OrderItem

DATE_LABELS = {"shipped_date": _("Shipped on"), "delivered_date": _("Delivered on")}
_FORMATS = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


def _date(label: Any) -> forms.DateTimeField:
    """A time in the shop's time zone; empty: the date stays."""
    return forms.DateTimeField(
        label=label,
        required=False,
        input_formats=_FORMATS,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "dir": "ltr"}),
        error_messages={"invalid": _("Enter a date and time, such as 2026-03-01T12:00.")},
    )


class DatesForm(DeskForm):
    """The corrected dates of one item, and why."""

    item = forms.TypedChoiceField(label=_("Item"), coerce=int, error_messages=CHOOSE)
    shipped_date = _date(DATE_LABELS["shipped_date"])
    delivered_date = _date(DATE_LABELS["delivered_date"])
    dates_note = text_area(label=_("Reason for the correction"))

    def __init__(
        self,
        items: Sequence[OrderItem],
        names: Mapping[int, str],
        data: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data)
        item: Any = self.fields["item"]
        item.choices = [(row.pk, names[row.pk]) for row in items]

    @property
    def dates(self) -> dict[str, datetime]:
        """The dates of a valid form, by column."""
        data = self.cleaned_data
        return {name: data[name] for name in DATES if data.get(name)}

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if not self.errors and not self.dates:
            self.add_error("delivered_date", _("Enter at least one date."))
        if "dates_note" in data and not data["dates_note"]:
            self.add_error("dates_note", _("A note is required. It stays in the order's history."))
        return data
