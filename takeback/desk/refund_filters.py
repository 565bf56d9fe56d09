"""The filters of the refunds that need a person; their values are part of the page's address."""

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from takeback.desk.forms import CHOOSE, DeskForm, NumberField
from takeback.desk.refund_labels import NEEDS, SECOND_PERSON
from takeback.desk.refund_queries import AccountRow

_ALL = ("", _("All"))


class RefundFilters(DeskForm):
    """Filters as an agent has set them. Blank and unknown parameters have no effect."""

    reason = forms.ChoiceField(
        label=_("Reason"),
        required=False,
        choices=[_ALL, *((name, need.reason) for name, need in NEEDS.items())],
        error_messages=CHOOSE,
    )
    account = NumberField(label=_("Payment account"), required=False)
    channel = NumberField(label=_("Channel"), required=False)

    def __init__(
        self, values: Mapping[str, str], accounts: Iterable[AccountRow], channels: Mapping[int, str]
    ) -> None:
        texts = {name: text.strip(" ") for name, text in values.items() if name in self.base_fields}
        super().__init__({name: text for name, text in texts.items() if text})
        self.set_choices(
            account=[_ALL, *((row.id, row.code) for row in accounts)],
            channel=[_ALL, *channels.items()],
        )

    @property
    def query(self) -> str:
        """For links that keep the filters: empty, or beginning with a question mark."""
        return f"?{urlencode(self.data)}" if self.data else ""

    def build_filter(self) -> Q:
        """All filters together; an invalid filter matches no refund."""
        if self.errors:
            return Q(pk__in=[])
        values, query = self.cleaned_data, Q()
        if values["reason"]:
            query &= _reason_filter(values["reason"])
        if values["account"]:
            query &= Q(account_id=values["account"])
        if values["channel"]:
            query &= Q(order__channel_id=values["channel"])
        return query


def _reason_filter(reason: str) -> Q:
    """A refund with attention waits for that first, then for a second person."""
    return Q(attention="" if reason == SECOND_PERSON else reason)
