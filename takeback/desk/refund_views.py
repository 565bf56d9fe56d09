"""Refunds at the desk: those that need a person, and the page of one with its steps."""

from dataclasses import replace
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from takeback.accounts.models import ApiKey
from takeback.core import clock, errors
from takeback.core.errors import Problem, Refused
from takeback.core.formatting import format_age, format_amount
from takeback.core.ids import PlanId, id_from_path
from takeback.desk import queries, refund_queries
from takeback.desk.base import AgentView, SeeOther
from takeback.desk.money_commands import run_step
from takeback.desk.money_context import need_of
from takeback.desk.queue_views import page_links, page_start
from takeback.desk.refund_filters import RefundFilters
from takeback.desk.refund_forms import RefundForm
from takeback.desk.refund_labels import MEANS, PAUSES, STATUSES
from takeback.desk.refund_page import DONE, FORMS, RefundPage
from takeback.desk.refund_queries import WaitingRefund
from takeback.refunds.money_of_order import money_of_order, parts_of_refund


class RefundQueueView(AgentView):
    """Refunds of the agent's channels that need a person, oldest first."""

    def get(self, request: HttpRequest) -> HttpResponse:
        channels = self.agent.channels
        accounts = refund_queries.account_rows(channels)
        filters = RefundFilters(request.GET.dict(), accounts, channels)
        rows = refund_queries.waiting_refunds(channels, filters.build_filter(), page_start(request))
        context = {
            "filters": filters,
            "rows": [self._row_context(row) for row in rows[: queries.PAGE_SIZE]],
            **page_links(request, rows),
            "paused": [
                (row, PAUSES.get(row.paused_because, row.paused_because))
                for row in accounts
                if row.is_active and row.paused_because
            ],
            "has_accounts": bool(accounts),
            "first_channel": min(channels, default=None),
        }
        return self.render_page(
            "refunds", context, status=HTTPStatus.BAD_REQUEST if filters.errors else HTTPStatus.OK
        )

    def _row_context(self, row: WaitingRefund) -> dict[str, Any]:
        return {
            "id": row.id,
            "amount": format_amount(row.amount_minor, row.currency),
            "means": MEANS[row.means],
            "status": row.status,
            "status_label": STATUSES[row.status],
            "need": need_of(row.attention, waits_for_second=not row.attention),
            "number": row.order__number,
            "account": row.account__code or row.payment__account or "",
            "channel": self.agent.channels[row.order__channel_id],
            "created_date": row.created_date,
            "age": format_age(row.created_date, clock.now()),
        }


class RefundView(AgentView):
    """A refund with its payment and its ledger; agents with the scope money take its steps."""

    scopes = {"GET": ApiKey.READ, "HEAD": ApiKey.READ, "POST": ApiKey.MONEY}

    def get(self, request: HttpRequest, pk: str) -> HttpResponse:
        unsent = self.take_unsent_values().dict()
        form_type = FORMS.get(str(unsent.get("step", "")))
        return self._render(self._load(pk), sent=form_type(initial=unsent) if form_type else None)

    def post(self, request: HttpRequest, pk: str) -> HttpResponse:
        page, form_type = self._load(pk), FORMS.get(request.POST.get("step", ""))
        if form_type is None:
            raise Refused(errors.MALFORMED_REQUEST)
        form = form_type(request.POST)
        if not form.is_valid():
            return self._render(page, sent=form, status=HTTPStatus.BAD_REQUEST)
        actor = self.agent.actor
        try:
            run_step(
                form.step,
                page.order,
                page.refund_id,
                form.cleaned_data,
                actor=actor,
                now=clock.now(),
            )
        except Refused as refused:
            problem = refused.problem
            if problem is errors.NOT_FOUND:
                raise
            page = replace(page, money=money_of_order(page.order.pk))
            return self._render(page, sent=form, problem=problem, status=problem.status)
        return SeeOther(f"{reverse('desk_refund', args=[page.refund_id])}?done={form.step}")

    def _load(self, pk: str) -> RefundPage:
        refund_id, channels = id_from_path(pk), self.agent.channels
        order_id = refund_queries.order_id_of_refund(channels, refund_id)
        if order_id is None:
            raise Refused(errors.NOT_FOUND)
        money = money_of_order(order_id)
        [plan_id] = {row.plan_id for row in money.refunds if row.id == refund_id}
        return RefundPage(
            order=queries.orders(channels).get(pk=order_id),
            money=money,
            refund_id=refund_id,
            parts=parts_of_refund(refund_id),
            cases=list(queries.cases_of_plan(channels, PlanId(plan_id))),
        )

    def _render(
        self,
        page: RefundPage,
        *,
        sent: RefundForm | None = None,
        problem: Problem | None = None,
        status: int = HTTPStatus.OK,
    ) -> HttpResponse:
        context = {
            **page.context(self.agent, sent),
            "form": sent if sent and sent.errors else None,
            "problem": problem,
            "has_changed": problem in (errors.PRECONDITION_FAILED, errors.CONFLICT),
            "done": DONE.get(self.request.GET.get("done", "")) if status == HTTPStatus.OK else None,
        }
        return self.render_page("refund", context, status=status)
