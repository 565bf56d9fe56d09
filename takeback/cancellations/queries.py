"""Queries of cases, images and reasons, and the input of the item rules."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum, Window

from takeback.accounts.policy import ShopPolicy
from takeback.cancellations.models import (
    CancellationPlan,
    CancellationReason,
    CancellationRequest,
    CancellationRequestImage,
)
from takeback.cancellations.policy import ItemContext
from takeback.cancellations.statuses import LIVE, Kind, PlanStatus, Status
from takeback.core.db.compiled_query import CompiledQuery, RowQuery
from takeback.core.ids import CaseId
from takeback.core.paging import Page
from takeback.logistics.queries import EasyReturnRow
from takeback.orders.queries import ItemRow
from takeback.orders.units import units_left
from takeback.refunds.models import Refund
from takeback.refunds.refund_rows import refunds_where
from takeback.refunds.statuses import Status as RefundStatus


class ImageRow(NamedTuple):
    id: int
    image: str
    description: str | None
    is_uploaded_by_user: bool
    created_date: datetime
    modified_date: datetime


class CaseRow(NamedTuple):
    """A case and one of its images; a case with several images has several rows."""

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
    # The refunds of its plan as JSON text (`refunds.refund_rows`).
    refunds: Any
    easy_return: EasyReturnRow | None
    cancellationrequestimage: ImageRow | None


class CaseWithImages(NamedTuple):
    row: CaseRow
    images: list[ImageRow]

    @property
    def is_live(self) -> bool:
        return self.row.status in LIVE


class ReasonRow(NamedTuple):
    """A reason for a case. `translations` is JSON text."""

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


def _cases_of_orders(order_ids: list[int]) -> "QuerySet[CancellationRequest]":
    cases = CancellationRequest.objects.filter(
        order_item__order_id__anyof=order_ids, is_hidden=False
    )
    return _with_refunds(cases)


def _cases_by_id(case_ids: list[int]) -> "QuerySet[CancellationRequest]":
    return _with_refunds(CancellationRequest.objects.filter(pk__anyof=case_ids))


def _with_refunds(cases: "QuerySet[CancellationRequest]") -> "QuerySet[CancellationRequest]":
    refunds = refunds_where("plan_id", "plan_id")
    return cases.annotate(refunds=refunds).order_by("-id", "cancellationrequestimage__id")


cases_of_orders = CompiledQuery(CaseRow, _cases_of_orders)
_rows_by_id = CompiledQuery(CaseRow, _cases_by_id)


def by_item(rows: Iterable[CaseRow]) -> dict[int, list[CaseWithImages]]:
    """The cases of each item, newest first."""
    cases: dict[int, list[CaseWithImages]] = defaultdict(list)
    for case in _grouped(rows):
        cases[case.row.order_item_id].append(case)
    return cases


def own_cases(user_id: int, page: Page) -> tuple[int, list[CaseWithImages]]:
    """The number of a customer's cases, and a page of them, newest first."""
    cases = CancellationRequest.objects.filter(order_item__order__user_id=user_id, is_hidden=False)
    rows = list(
        cases.annotate(total=Window(Count("*")))
        .order_by("-id")
        .values_list("id", "total")[page.offset : page.offset + page.limit]
    )
    total = rows[0][1] if rows else 0
    return total, _grouped(_rows_by_id(case_ids=[case_id for case_id, _ in rows]))


def cases_by_id(case_ids: Sequence[CaseId]) -> list[CaseWithImages]:
    """The cases in the order of these ids."""
    cases = {case.row.id: case for case in _grouped(_rows_by_id(case_ids=list(case_ids)))}
    return [cases[case_id] for case_id in case_ids]


def order_of_image(name: str) -> tuple[int, int] | None:
    """The ids of an image's order and customer; None if its case is hidden."""
    images = CancellationRequestImage.objects.filter(
        image=name, cancellation_request__is_hidden=False
    )
    order = "cancellation_request__order_item__order"
    return images.values_list(f"{order}_id", f"{order}__user_id").first()


def cases_opened_together(case_id: CaseId) -> list[CancellationRequest]:
    """The cases of an order that were opened in the same request as this one, oldest first."""
    case = CancellationRequest.objects.filter(pk=case_id)
    cases = CancellationRequest.objects.filter(
        order_item__order_id__in=case.values("order_item__order_id"),
        created_date__in=case.values("created_date"),
    ).select_related("order_item__product", "order_item__order__channel")
    return list(cases.order_by("id"))


def cases_completed_together(case_id: CaseId) -> list[CancellationRequest]:
    """The completed cases of a case's plan, oldest first."""
    case = CancellationRequest.objects.filter(pk=case_id)
    cases = CancellationRequest.objects.filter(
        plan__in=case.values("plan"), status=Status.COMPLETED.value
    ).select_related("order_item__product", "order_item__order__channel")
    return list(cases.order_by("id"))


def paid_by_means(plan_id: int) -> dict[str, int]:
    """What the refunds of a plan have paid, in minor units by means."""
    paid = Refund.objects.filter(plan_id=plan_id, status=RefundStatus.CONFIRMED.value)
    return dict(paid.values_list("means").annotate(total=Sum("amount_minor")).order_by("means"))


def _grouped(rows: Iterable[CaseRow]) -> list[CaseWithImages]:
    cases: dict[int, CaseWithImages] = {}
    for row in rows:
        case = cases.setdefault(row.id, CaseWithImages(row, []))
        if row.cancellationrequestimage:
            case.images.append(row.cancellationrequestimage)
    return list(cases.values())


def reasons_on_offer(channel_id: int) -> "QuerySet[CancellationReason]":
    """The reasons that a channel offers."""
    return CancellationReason.objects.filter(
        Q(channel_id=channel_id) | Q(channel_id=None), is_active=True
    )


def reasons(channel_id: int, page: Page, kind: Kind | None) -> tuple[int, list[ReasonRow]]:
    """The number of a channel's reasons, and a page of them in display order."""
    offered = reasons_on_offer(channel_id)
    if kind:
        offered = offered.filter(cancellation_type=kind.value)
    ordered = offered.order_by("order", "id")
    rows = _reasons.fetch(ordered[page.offset : page.offset + page.limit])
    is_complete = page.number == 1 and len(rows) < page.limit
    return (len(rows) if is_complete else offered.count()), rows


_reasons = RowQuery(ReasonRow)


def item_context(
    item: ItemRow,
    cases: Sequence[CaseWithImages],
    placed_at: datetime,
    shop: ShopPolicy,
    now: datetime,
) -> ItemContext:
    """The input of the item rules for an item with these cases; most items have none.

    `shop` is the policy with the terms of the order.
    """
    return ItemContext(
        item.status,
        units_left(item),
        bool(cases) and any(case.is_live for case in cases),
        bool(item.invoice_number),
        placed_at,
        item.delivered_date or item.shipped_date or item.invoice_date,
        shop,
        now,
    )


def completed_plans(first_order: int, last_order: int) -> set[int]:
    """The ids of the completed plans of the orders in this range of ids."""
    plans = CancellationPlan.objects.filter(
        order_id__gte=first_order, order_id__lte=last_order, status=PlanStatus.COMPLETED.value
    )
    return set(plans.values_list("pk", flat=True))
