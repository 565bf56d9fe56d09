"""The queue of cases, and the activity of agents."""

from collections.abc import Sequence
from datetime import date
from http import HTTPStatus
from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.timezone import get_current_timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from takeback.cancellations.labels import KINDS, STATUSES, subject_in
from takeback.cancellations.shipment import blocks_cancelling
from takeback.core.ids import id_from_path
from takeback.desk import queries
from takeback.desk.base import AgentView, SeeOther
from takeback.desk.filters import UNDECIDED_STATUSES, QueueFilters, queue_query
from takeback.desk.formatting import history_context, product_name
from takeback.desk.refund_queries import WaitingRefund
from takeback.desk.stored_filters import read_filters, store_filters

EVERYONE = "all"


class QueueView(AgentView):
    """Cases of the agent's channels, by default the undecided ones, oldest first.

    The form is posted, and its response leads to an address without what the agent typed.
    """

    def get(self, request: HttpRequest) -> HttpResponse:
        if unsent := self.take_unsent_values():
            return self._apply(QueueFilters({name: str(text) for name, text in unsent.items()}))
        return self._render(read_filters(request.GET.dict(), self.agent.session))

    def post(self, request: HttpRequest) -> HttpResponse:
        return self._apply(QueueFilters(request.POST.dict()))

    def _apply(self, filters: QueueFilters) -> HttpResponse:
        """The way to the results; the form again if a filter is invalid."""
        if filters.errors:
            return self._render(filters)
        query = store_filters(filters, self.agent.session).query
        return SeeOther(f"{reverse('desk_queue')}{query}")

    def _render(self, filters: QueueFilters) -> HttpResponse:
        request, channels = self.request, self.agent.channels
        filters.set_choices(channel=[("", _("All")), *channels.items()])
        rows = queries.queue_page(channels, filters, page_start(request))
        page = rows[: queries.PAGE_SIZE]
        shared = queries.shared_evidence(channels, [row.id for row in page])
        counts = queries.count_undecided(channels)
        number = filters.cleaned_data.get("number")
        context = {
            "filters": filters,
            "page_query": queue_query(filters, request.GET.get("start", "")),
            "rows": [self._row_context(row, shared[row.id]) for row in page],
            **page_links(request, rows),
            "counts": [
                (status, STATUSES[status], counts.get(status, 0)) for status in UNDECIDED_STATUSES
            ],
            "total": sum(counts.values()),
            "orders": queries.orders_by_number(channels, number) if number else [],
        }
        status = HTTPStatus.NOT_FOUND if filters.is_missing else HTTPStatus.OK
        if filters.errors:
            status = HTTPStatus.BAD_REQUEST
        return self.render_page("queue", context, status=status)

    def _row_context(self, row: queries.QueueRow, shared: queries.SharedEvidence) -> dict[str, Any]:
        return {
            "id": row.id,
            "status": row.status,
            "status_label": STATUSES[row.status],
            "kind": KINDS[row.cancellation_type],
            "quantity": row.quantity,
            "created_date": row.created_date,
            "product": product_name(row.order_item__product__document, row.order_item__sku),
            "number": row.order_item__order__number,
            "email": row.order_item__order__user_email,
            "reason": subject_in(get_language(), row.reason__subject, row.reason__translations),
            "channel": self.agent.channels[row.channel_id],
            "is_shipped": blocks_cancelling(
                row.cancellation_type,
                row.status,
                row.order_item__status,
                row.order_item__deferred_status,
            ),
            "shared": shared,
        }


class ActivityView(AgentView):
    """The latest transitions by the agent, by another member of staff, or by all of them."""

    def get(self, request: HttpRequest) -> HttpResponse:
        who = request.GET.get("who", "")
        user_id = None if who == EVERYONE else id_from_path(who) if who else self.agent.id
        rows = queries.staff_actions(self.agent.channels, user_id, page_start(request))
        context = {
            "who": who,
            "is_own": user_id == self.agent.id,
            "user_name": rows[0].name if rows and user_id else "",
            **page_links(request, rows),
            "days": _by_day(rows[: queries.PAGE_SIZE]),
        }
        return self.render_page("activity", context)


def _by_day(rows: Sequence[queries.StepRow]) -> list[tuple[date, list[dict[str, Any]]]]:
    """Steps, newest first, by the day in the shop's time zone."""
    zone = get_current_timezone()
    contexts = zip(rows, history_context(rows), strict=True)
    days = groupby(contexts, lambda row: row[0].at.astimezone(zone).date())
    return [(day, [_step_context(row, context) for row, context in steps]) for day, steps in days]


def _step_context(row: queries.StepRow, context: dict[str, Any]) -> dict[str, Any]:
    return {
        **context,
        "case_id": row.cancellation_request_id,
        "actor_number": row.actor_number,
        "number": row.cancellation_request__order_item__order__number,
        "product": product_name(
            row.cancellation_request__order_item__product__document,
            row.cancellation_request__order_item__sku,
        ),
    }


def page_start(request: HttpRequest) -> int | None:
    """The id of the page's first row; None on the first page."""
    start = request.GET.get("start")
    return None if start is None else id_from_path(start)


def page_links(
    request: HttpRequest, rows: Sequence[queries.QueueRow | queries.StepRow | WaitingRefund]
) -> dict[str, Any]:
    """`rows` holds one row more than a page if there is a next page."""
    next_start = rows[queries.PAGE_SIZE].id if len(rows) > queries.PAGE_SIZE else None
    return {"is_first": "start" not in request.GET, "next_start": next_start}
