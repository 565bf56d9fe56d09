"""Reading cases, and the facts that the rules look at."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Q, QuerySet, Window

from takeback.cancellations import policy
from takeback.cancellations.models import (
    CancellationReason,
    CancellationRequest,
    CancellationRequestImage,
)
from takeback.cancellations.statuses import LIVE, Kind
from takeback.core.db.compiled_query import CompiledQuery, RowQuery
from takeback.core.paging import Page
from takeback.logistics.queries import EasyReturnRow
from takeback.orders.queries import ItemRow


class ImageRow(NamedTuple):
    """A picture of a case."""

    id: int
    image: str
    description: str | None
    is_uploaded_by_user: bool
    created_date: datetime
    modified_date: datetime


class CaseRow(NamedTuple):
    """A case; with several pictures it comes in several rows."""

    id: int
    uuid: UUID
    order_item_id: int
    reason_id: int
    cancellation_type: str
    status: str
    quantity: int
    description: str | None
    iban_encrypted: str | None
    holder_name_encrypted: str | None
    fully_refund_as_loyalty_money: bool
    created_date: datetime
    modified_date: datetime
    easy_return: EasyReturnRow | None
    cancellationrequestimage: ImageRow | None


class CaseWithImages(NamedTuple):
    """A case and its pictures."""

    row: CaseRow
    images: list[ImageRow]

    @property
    def is_live(self) -> bool:
        return self.row.status in LIVE


class ReasonRow(NamedTuple):
    """A reason; `translations` is JSON text."""

    id: int
    uuid: UUID
    cancellation_type: str
    subject: str
    translations: str
    extra_information_needed: bool
    order: int
    is_active: bool
    created_date: datetime
    modified_date: datetime


def _requests_of_orders(order_ids: list[int]) -> "QuerySet[CancellationRequest]":
    found = CancellationRequest.objects.filter(
        order_item__order_id__anyof=order_ids, is_hidden=False
    )
    return found.order_by("-id", "cancellationrequestimage__id")


def _requests_by_id(request_ids: list[int]) -> "QuerySet[CancellationRequest]":
    found = CancellationRequest.objects.filter(pk__anyof=request_ids)
    return found.order_by("-id", "cancellationrequestimage__id")


cases_of_orders = CompiledQuery(CaseRow, _requests_of_orders)
_rows_by_id = CompiledQuery(CaseRow, _requests_by_id)


def by_item(rows: Iterable[CaseRow]) -> dict[int, list[CaseWithImages]]:
    """The cases of several items, newest first."""
    found: dict[int, list[CaseWithImages]] = defaultdict(list)
    for case in _grouped(rows):
        found[case.row.order_item_id].append(case)
    return found


def own_cases(user_id: int, page: Page) -> tuple[int, list[CaseWithImages]]:
    """A page of a customer's cases, newest first, and how many there are."""
    counted = (
        CancellationRequest.objects.filter(order_item__order__user_id=user_id, is_hidden=False)
        .annotate(total=Window(Count("*")))
        .order_by("-id")
        .values_list("id", "total")[page.offset : page.offset + page.limit]
    )
    found = list(counted)
    total = found[0][1] if found else 0
    return total, _grouped(_rows_by_id(request_ids=[request_id for request_id, _ in found]))


def cases_by_id(request_ids: Sequence[int]) -> list[CaseWithImages]:
    """These cases, in this order."""
    found = {case.row.id: case for case in _grouped(_rows_by_id(request_ids=list(request_ids)))}
    return [found[request_id] for request_id in request_ids]


def order_of_image(name: str) -> tuple[int, int] | None:
    """The order that a picture belongs to, and its customer; that of a hidden case is gone."""
    found = CancellationRequestImage.objects.filter(
        image=name, cancellation_request__is_hidden=False
    )
    order = "cancellation_request__order_item__order"
    return found.values_list(f"{order}_id", f"{order}__user_id").first()


def cases_opened_together(request_id: int) -> "list[CancellationRequest]":
    """The cases of one order that came in one call with this one, the first first."""
    asked = CancellationRequest.objects.filter(pk=request_id)
    found = CancellationRequest.objects.filter(
        order_item__order_id__in=asked.values("order_item__order_id"),
        created_date__in=asked.values("created_date"),
    ).select_related("order_item__product", "order_item__order__channel")
    return list(found.order_by("id"))


def _grouped(rows: Iterable[CaseRow]) -> list[CaseWithImages]:
    cases: dict[int, CaseWithImages] = {}
    for row in rows:
        case = cases.setdefault(row.id, CaseWithImages(row, []))
        if row.cancellationrequestimage:
            case.images.append(row.cancellationrequestimage)
    return list(cases.values())


def reasons_on_offer(channel_id: int) -> "QuerySet[CancellationReason]":
    """The reasons that may be chosen in a channel."""
    offered = CancellationReason.objects.filter(is_active=True)
    return offered.filter(Q(channel_id=channel_id) | Q(channel_id=None))


def reasons(channel_id: int, page: Page, kind: Kind | None) -> tuple[int, list[ReasonRow]]:
    """A page of them, in display order, and how many there are."""
    offered = reasons_on_offer(channel_id)
    if kind:
        offered = offered.filter(cancellation_type=kind.value)
    found = offered.order_by("order", "id")
    rows = _reasons.fetch(found[page.offset : page.offset + page.limit])
    complete = page.number == 1 and len(rows) < page.limit
    return (len(rows) if complete else offered.count()), rows


_reasons = RowQuery(ReasonRow)


@lru_cache(maxsize=1)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def shop_zone() -> ZoneInfo:
    """Where the shop's days begin."""
    return _zone(settings.SHOP_TIME_ZONE)


def shop_limits() -> policy.Limits:
    """The rules' settings, as they are now."""
    return policy.Limits(
        cancel_minutes=settings.CANCEL_TIME_LIMIT_MINUTES,
        invoice_blocks_cancel=settings.CANCEL_BLOCKED_BY_INVOICE,
        refund_days=settings.REFUND_DAY_LIMIT,
        zone=shop_zone(),
    )


def facts_of(
    item: ItemRow, cases: Sequence[CaseWithImages], placed_at: datetime
) -> policy.ItemFacts:
    """What the rules may know of a line that has these cases; most have none."""
    is_live = bool(cases) and any(case.is_live for case in cases)
    return policy.facts_of(item, placed_at, has_live_request=is_live)
