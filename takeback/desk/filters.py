"""Which cases an agent looks for: the filters of the queue, and what they mean."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from rest_framework import serializers

from takeback.accounts.policy import shop_zone
from takeback.api.fields import StrictDate, StrictInteger, StrictText
from takeback.cancellations.labels import KINDS, PLAN_STATUSES, STATUSES
from takeback.cancellations.statuses import Status
from takeback.core.clock import day_end, day_start
from takeback.core.normalize import email_key, folded, name_key
from takeback.desk import forms

UNDECIDED, ALL = "undecided", "all"
TO_DECIDE = (Status.WAITING.value, Status.WAITING_APPROVAL.value, Status.CONFIRMED.value)
_MEANT = {UNDECIDED: TO_DECIDE}
OLDEST, NEWEST = "oldest", "newest"
_WORD_MAX = 255
_NAMES_MAX = 5


def _choice(words: Iterable[str]) -> serializers.ChoiceField:
    return serializers.ChoiceField(
        list(words), required=False, error_messages={"invalid_choice": forms.CHOOSE}
    )


def _text() -> StrictText:
    return StrictText(max_length=_WORD_MAX, required=False)


class Filters(serializers.Serializer[Any]):
    """What the queue may be narrowed to; days are those of the shop."""

    status = _choice([UNDECIDED, ALL, *STATUSES])
    kind = _choice([*KINDS])
    channel = StrictInteger(required=False)
    number = _text()
    email = _text()
    name = _text()
    sku = _text()
    since = StrictDate(required=False)
    until = StrictDate(required=False)
    plan = _choice([*PLAN_STATUSES])
    code = _text()
    tracking = _text()
    sort = _choice([OLDEST, NEWEST])


class QueueFilters:
    """Filters as an agent has set them; blank ones, and words that are none of ours, do nothing."""

    def __init__(self, query: Mapping[str, str]) -> None:
        known = Filters().fields
        self.told = {
            name: text.strip(" ")
            for name, text in query.items()
            if name in known and text.strip(" ")
        }
        self.faults: dict[str, str] = {}
        self._values: dict[str, Any] = {}
        try:
            self._values = forms.taken(Filters(), self.told)
        except forms.Faults as faults:
            self.faults = faults.by_field

    @property
    def query(self) -> str:
        """For links that keep the filters: empty, or beginning with a question mark."""
        return f"?{urlencode(self.told)}" if self.told else ""

    @property
    def is_oldest_first(self) -> bool:
        """Whoever has waited longest comes first, unless told otherwise."""
        return bool(self._values.get("sort", OLDEST) == OLDEST)

    @property
    def narrows(self) -> bool:
        """Whether more than the order is told, so that a form that is set shows itself."""
        return bool(self.told.keys() - {"sort", "status"})

    @property
    def number(self) -> str:
        """The order number that is looked for."""
        return str(self._values.get("number", ""))

    def condition(self) -> Q:
        """All filters together; whatever cannot be read finds nothing."""
        if self.faults:
            return Q(pk__in=[])
        found = status_filter(self._values.get("status", UNDECIDED))
        for name, value in self._values.items():
            if name in _CONDITIONS:
                found &= _CONDITIONS[name](value)
        return found


def status_filter(status: str) -> Q:
    """Cases of a status, or of all that are to be decided."""
    if status == ALL:
        return Q()
    # Of either kind: the index by status begins with the kind.
    return Q(cancellation_type__in=[*KINDS], status__in=_MEANT.get(status, [status]))


def _named(words: str) -> Q:
    """Each word is the beginning of the first or of the last name."""
    found = Q()
    for word in words.split()[:_NAMES_MAX]:
        key = name_key(word)
        first = Q(order_item__order__user__first_name_key__startswith=key)
        found &= first | Q(order_item__order__user__last_name_key__startswith=key)
    return found


def _returned(column: str, text: str) -> Q:
    """By a code of the way back; only those that have one are in the index."""
    name = f"easy_return__{column}"
    return Q((f"{name}__folded", folded(text)), (f"{name}__isnull", False))


_CONDITIONS: dict[str, Any] = {
    "kind": lambda kind: Q(cancellation_type=kind),
    "channel": lambda pk: Q(channel_id=pk),
    "number": lambda text: Q(order_item__order__number__folded=folded(text)),
    "email": lambda text: Q(order_item__order__email_key=email_key(text)),
    "name": _named,
    "sku": lambda text: Q(order_item__sku__folded=folded(text)),
    "since": lambda day: Q(created_date__gte=day_start(day, shop_zone())),
    "until": lambda day: Q(created_date__lt=day_end(day, shop_zone())),
    "plan": lambda status: Q(plan__status=status),
    "code": lambda text: _returned("code", text),
    "tracking": lambda text: _returned("tracking_number", text),
}
