"""What a channel's cases are found by: for each parameter what it may say, and what it means."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q

from takeback.accounts.policy import shop_zone
from takeback.api.fields import StrictDate, StrictInteger, StrictMoment
from takeback.cancellations.statuses import SHOWN_TO_CHANNELS, Kind, PlanStatus, Status
from takeback.channel import filters
from takeback.channel.filters import Filter, IdList, equal, filters_serializer, text, word
from takeback.core.clock import day_end, day_start
from takeback.core.normalize import email_key, folded, name_key

STATUSES = {
    shown.value: [status.value for status in Status if SHOWN_TO_CHANNELS[status] is shown]
    for shown in SHOWN_TO_CHANNELS.values()
}
"""What other systems call a case, and what it is then."""

PLAN_STATUSES: dict[str, list[str]] = {
    "confirmation_waiting": [],  # a plan is made when its case is confirmed
    "waiting": [PlanStatus.WAITING],
    "confirmed": [PlanStatus.WAITING],
    "approved": [PlanStatus.APPROVED],
    "waiting_for_payment": [PlanStatus.APPROVED],
    "completed": [PlanStatus.COMPLETED],
    "rejected": [PlanStatus.REJECTED],
}
"""The same for plans, whose clients know more words than we have states."""

_ORDER = "order_item__order"
_PLACED_AT = f"{_ORDER}__placed_at"
_KINDS = [kind.value for kind in Kind]


def _code(column: str) -> Filter:
    """A code, equal but for its case."""
    return Filter(text(), equal(f"{column}__folded", folded))


def _person(column: str, key: Callable[[str], str]) -> Filter:
    """Something of the customer's, by the key that is kept of it."""
    return Filter(text(), equal(f"{_ORDER}__user__{column}", key))


def _moment(column: str) -> Filter:
    return Filter(StrictMoment(required=False), equal(column))


def _day(column: str, bound: Callable[[date, ZoneInfo], datetime]) -> Filter:
    """A day where the shop is."""
    return Filter(StrictDate(required=False), equal(column, lambda day: bound(day, shop_zone())))


def _has_status(shown: str) -> Q:
    # Of either kind: the index by status begins with the kind.
    return Q(cancellation_type__in=_KINDS, status__in=STATUSES[shown])


FOUND_BY: dict[str, Filter] = {
    "pk__in": Filter(IdList(required=False), equal("pk__in")),
    "status": word(STATUSES, _has_status),
    "cancellation_type": word(_KINDS, equal("cancellation_type")),
    "number": _code(f"{_ORDER}__number"),
    "date_placed": _moment(_PLACED_AT),
    "date_placed__gte": _moment(f"{_PLACED_AT}__gte"),
    "date_placed__gt": _moment(f"{_PLACED_AT}__gt"),
    "date_placed__lt": _moment(f"{_PLACED_AT}__lt"),
    "date_placed__lte": _moment(f"{_PLACED_AT}__lte"),
    "date_placed__date__gt": _day(f"{_PLACED_AT}__gte", day_end),
    "date_placed__date__gte": _day(f"{_PLACED_AT}__gte", day_start),
    "date_placed__date__lt": _day(f"{_PLACED_AT}__lt", day_start),
    "date_placed__date__lte": _day(f"{_PLACED_AT}__lt", day_end),
    "sku": _code("order_item__sku"),
    "channel": Filter(StrictInteger(required=False), equal("channel")),
    "customer_first_name": _person("first_name_key", name_key),
    "customer_last_name": _person("last_name_key", name_key),
    "customer_email": _person("email_key", email_key),
    "order_id": Filter(StrictInteger(required=False), equal("order_item__order")),
    "cancellation_plan_status": word(
        PLAN_STATUSES, equal("plan__status__in", PLAN_STATUSES.__getitem__)
    ),
    "easy_return_code": _code("easy_return__code"),
    "tracking_number": _code("easy_return__tracking_number"),
}


CHANGED_BY = {
    name: _moment(name) for name in (f"modified_date__{way}" for way in ("gt", "gte", "lt", "lte"))
}
"""What cases are found by besides where somebody follows their changes."""

FILTERS = FOUND_BY | CHANGED_BY


CaseFilters = filters_serializer("CaseFilters", FOUND_BY)
"""Parameters of a list."""
ChangedCaseFilters = filters_serializer("ChangedCaseFilters", FILTERS)
"""Those of the list of changes."""
DetailedCaseFilters = filters_serializer(
    "DetailedCaseFilters",
    {name: found for name, found in FOUND_BY.items() if name != "date_placed"},
)
"""The list of whole cases knows no exact moment."""


def wanted(told: Mapping[str, Any]) -> Q:
    """Cases to which all of this applies."""
    return filters.build_filter(FILTERS, told)
