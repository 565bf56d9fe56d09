"""The filters of the queue: a form, the query that it builds, and the address of its results."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from takeback.accounts.policy import shop_zone
from takeback.cancellations.labels import KINDS, PLAN_STATUSES, STATUSES
from takeback.cancellations.statuses import Status
from takeback.core.clock import day_end, day_start
from takeback.core.normalize import email_key, folded, name_key, number_key
from takeback.desk.forms import CHOOSE, DeskForm, NumberField, visible

UNDECIDED, ALL = "undecided", "all"
UNDECIDED_STATUSES = (
    Status.WAITING.value,
    Status.WAITING_APPROVAL.value,
    Status.CONFIRMED.value,
)
OLDEST, NEWEST = "oldest", "newest"
_ANY = ("", _("All"))
_NAMES_MAX = 5
STORED = "filter"
"""The parameter of an address with the id of stored filters."""
PERSONAL = ("email", "name")
"""Filters that no address may contain."""
_TEXTS = (*PERSONAL, "number", "sku", "code", "tracking")


def _text(direction: str = "ltr", **options: Any) -> forms.CharField:
    return forms.CharField(
        required=False,
        strip=False,
        max_length=255,
        validators=[visible],
        widget=forms.TextInput(attrs={"dir": direction}),
        **options,
    )


def _choice(*choices: tuple[str, str | Promise], **options: Any) -> forms.ChoiceField:
    return forms.ChoiceField(required=False, choices=choices, error_messages=CHOOSE, **options)


def _date(**options: Any) -> forms.DateField:
    return forms.DateField(
        required=False,
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": _("Use the form YYYY-MM-DD.")},
        widget=forms.TextInput(attrs={"type": "date"}),
        **options,
    )


class QueueFilters(DeskForm):
    """Filters as an agent has set them. Blank and unknown parameters have no effect."""

    status = _choice(
        (UNDECIDED, _("To be decided")), *STATUSES.items(), (ALL, _("All")), label=_("Status")
    )
    sort = _choice((OLDEST, _("Oldest first")), (NEWEST, _("Newest first")), label=_("Sort by"))
    number = _text(label=_("Order number"))
    email = _text(label=_("E-mail"))
    name = _text("auto", label=_("Customer name"))
    kind = _choice(_ANY, *KINDS.items(), label=_("Type"))
    sku = _text(label=_("SKU"))
    since = _date(label=_("Requested from"))
    until = _date(label=_("Requested to"))
    plan = _choice(_ANY, *PLAN_STATUSES.items(), label=_("Refund plan"))
    code = _text(label=_("Return code"))
    tracking = _text(label=_("Tracking number"))
    channel = NumberField(label=_("Channel"), required=False)

    def __init__(
        self, values: Mapping[str, str], *, key: str = "", is_missing: bool = False
    ) -> None:
        """`key` is the id of stored filters; missing ones cannot be read and match no case."""
        texts = {name: text.strip(" ") for name, text in values.items() if name in self.base_fields}
        super().__init__({name: text for name, text in texts.items() if text})
        self.key, self.is_missing = key, is_missing

    @property
    def has_text(self) -> bool:
        """Whether a filter is typed text, which may be personal data."""
        return not self.data.keys().isdisjoint(_TEXTS)

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of an address with these filters."""
        return {STORED: self.key} if self.key else dict(self.data)

    @property
    def query(self) -> str:
        """For links that keep the filters: empty, or beginning with a question mark."""
        return f"?{urlencode(self.parameters)}" if self.parameters else ""

    @property
    def is_oldest_first(self) -> bool:
        return self.data.get("sort") != NEWEST

    @property
    def are_expanded(self) -> bool:
        """Whether the page opens the section with more filters."""
        return bool(self.data.keys() - {"status", "sort"})

    def build_filter(self) -> Q:
        """All filters together; an invalid or missing filter matches no case."""
        if self.errors or self.is_missing:
            return Q(pk__in=[])
        query = status_filter(self.cleaned_data["status"] or UNDECIDED)
        for name, build in _FILTERS.items():
            if value := self.cleaned_data[name]:
                query &= build(value)
        return query


def queue_query(filters: QueueFilters, start: str) -> str:
    """The query of a page of the queue: its filters, and the case with which the page starts."""
    values = filters.parameters
    if start.isascii() and start.isdigit():
        values["start"] = start
    return f"?{urlencode(values)}" if values else ""


def status_filter(status: str) -> Q:
    """Cases of one status, of all that need a decision, or of any status."""
    if status == ALL:
        return Q()
    statuses = UNDECIDED_STATUSES if status == UNDECIDED else (status,)
    # Both kinds are named because the index by status starts with the kind.
    return Q(cancellation_type__in=[*KINDS], status__in=statuses)


def _name_filter(names: str) -> Q:
    """Each word is the beginning of the first or of the last name."""
    query = Q()
    for name in names.split()[:_NAMES_MAX]:
        key = name_key(name)
        first = Q(order_item__order__user__first_name_key__startswith=key)
        query &= first | Q(order_item__order__user__last_name_key__startswith=key)
    return query


def _return_filter(column: str, text: str) -> Q:
    """By a code of the return shipment; the index holds non-null codes only."""
    name = f"easy_return__{column}"
    return Q((f"{name}__folded", folded(text)), (f"{name}__isnull", False))


_FILTERS: dict[str, Callable[[Any], Q]] = {
    "kind": lambda kind: Q(cancellation_type=kind),
    "channel": lambda pk: Q(channel_id=pk),
    "number": lambda text: Q(order_item__order__number_key=number_key(text)),
    "email": lambda text: Q(order_item__order__email_key=email_key(text)),
    "name": _name_filter,
    "sku": lambda text: Q(order_item__sku__folded=folded(text)),
    "since": lambda day: Q(created_date__gte=day_start(day, shop_zone())),
    "until": lambda day: Q(created_date__lt=day_end(day, shop_zone())),
    "plan": lambda status: Q(plan__status=status),
    "code": lambda text: _return_filter("code", text),
    "tracking": lambda text: _return_filter("tracking_number", text),
}
