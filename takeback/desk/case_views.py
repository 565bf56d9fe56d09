"""A case: its page, its bank account and its images."""

from datetime import timedelta
from functools import cached_property

from django.http import FileResponse, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from takeback.accounts.models import ApiKey
from takeback.api.image_response import image_response, is_image_name
from takeback.cancellations import errors
from takeback.cancellations.commands.confirm_bank_account import confirm_bank_account
from takeback.cancellations.commands.undo import status_before_decision
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.statuses import UNDO_TIME
from takeback.core import clock
from takeback.core import errors as core_errors
from takeback.core.errors import Problem, Refused
from takeback.core.ids import CaseId, id_from_path
from takeback.desk import queries
from takeback.desk.base import AgentView, SeeOther
from takeback.desk.decision_context import (
    decision_context,
    language_name,
    possible_transitions,
    previews,
)
from takeback.desk.filters import QueueFilters, queue_query
from takeback.desk.formatting import (
    case_context,
    format_bank_account,
    history_context,
    meanwhile,
)
from takeback.desk.forms import DecisionForm
from takeback.desk.money_context import money_context
from takeback.desk.stored_filters import read_filters
from takeback.refunds.money_of_order import money_of_order

SECOND = timedelta(seconds=1)
DONE = {
    "confirm": _("Request accepted."),
    "approve": _("Refund approved."),
    "review": _("Request escalated."),
    "reject": _("Request rejected."),
    "undo": _("Decision undone. The request is as it was before."),
    "into_return": _("The request is now a return. Decide on it as on any other."),
    "note": _("Note saved."),
    "account": _("Bank account marked as verified."),
    "open": _("Request created."),
}


class CaseView(AgentView):
    """The page of a case; subclasses change the case and show it again when they are refused."""

    def get(self, request: HttpRequest, pk: str) -> HttpResponse:
        form = DecisionForm(initial=self.take_unsent_values().dict())
        return self.render_case(self.get_case(pk), form=form)

    def get_case(self, pk: str) -> CancellationRequest:
        case = queries.cases(self.agent.channels).filter(pk=id_from_path(pk)).first()
        if case is None:
            raise Refused(core_errors.NOT_FOUND)
        return case

    @cached_property
    def filters(self) -> QueueFilters:
        """The filters of the queue that the agent came from."""
        return read_filters(self.request.GET.dict(), self.agent.session)

    @property
    def queue_query(self) -> str:
        """The query of the page of the queue that the agent came from."""
        return queue_query(self.filters, self.request.GET.get("start", ""))

    def render_case(
        self,
        case: CancellationRequest,
        *,
        form: DecisionForm | None = None,
        problem: Problem | None = None,
        status: int = 200,
        is_preview: bool = False,
        shown_version: int | None = None,
    ) -> HttpResponse:
        """The case as it is now, its steps since `shown_version`, and the form as it was sent."""
        form = form or DecisionForm()
        transitions, steps = possible_transitions(case), queries.case_history(case.pk)
        before, after = queries.adjacent_cases(self.agent.channels, self.filters, case.pk)
        evidence = queries.case_evidence(self.agent.channels, case)
        money = money_of_order(case.order_item.order_id)
        has_shared_account = bool(evidence["account_shared_with"])
        undo_seconds = self._undo_seconds(steps)
        has_changed = problem in (core_errors.PRECONDITION_FAILED, core_errors.CONFLICT)
        context = {
            "case": case,
            "queue_query": self.queue_query,
            "previous": before,
            "next": after,
            "problem": problem,
            "meanwhile": meanwhile(steps, shown_version),
            "has_changed": has_changed,
            "form": form,
            "done": DONE.get(self.request.GET.get("done", ""))
            or DONE.get(steps[-1].event if undo_seconds else ""),
            "undo_seconds": undo_seconds,
            "steps": history_context(steps),
            "transitions": transitions if self.agent.can_decide else (),
            "previews": previews(case, transitions, form.data.get("message")) if is_preview else (),
            "mail_language": language_name(case),
            "account": format_bank_account(case, in_full=self.agent.can_see_bank_accounts),
            **evidence,
            "money": money_context(money, case.order_item.order, part=money.of_plan(case.plan_id)),
            **case_context(case),
            **decision_context(case, transitions, steps, has_shared_account=has_shared_account),
        }
        return self.render_page("case", context, status=status)

    def render_refused_step(
        self, pk: str, refused: Refused, shown_version: int, form: DecisionForm | None = None
    ) -> HttpResponse:
        """The case as it is now, and why the step was refused."""
        problem = refused.problem
        if problem is core_errors.NOT_FOUND:
            raise refused
        return self.render_case(
            self.get_case(pk),
            form=form,
            problem=problem,
            status=problem.status,
            shown_version=shown_version,
        )

    def _undo_seconds(self, steps: list[queries.StepRow]) -> int:
        """How long the agent can still undo the last decision; 0 if not at all."""
        now, newest = clock.now(), steps[:-3:-1]
        if not status_before_decision(newest, self.agent.actor, now):
            return 0
        return -(-(newest[0].at + UNDO_TIME - now) // SECOND)

    def redirect_to_case(self, case_id: int, done: str) -> HttpResponse:
        query = self.queue_query
        path = reverse("desk_case", args=[case_id])
        return SeeOther(f"{path}{query}{'&' if query else '?'}done={done}")


class ConfirmBankAccountView(CaseView):
    """An agent who may see bank accounts has verified the account that the page showed."""

    http_method_names = ["post"]
    scopes = {"POST": ApiKey.MONEY}

    def post(self, request: HttpRequest, pk: str) -> HttpResponse:
        case, shown = self.get_case(pk), request.POST.get("account", "")
        try:
            confirm_bank_account(
                CaseId(case.pk), actor=self.agent.actor, now=clock.now(), account=shown
            )
        except Refused as refused:
            if refused.problem is not core_errors.NOT_FOUND:
                raise
            # The case exists: since the page was shown it was closed or got another account.
            problem = errors.WRONG_STATUS if case.iban_index == shown else core_errors.CONFLICT
            return self.render_case(self.get_case(pk), problem=problem, status=problem.status)
        return self.redirect_to_case(case.pk, "account")


class ImageView(AgentView):
    def get(self, request: HttpRequest, name: str) -> FileResponse:
        if not is_image_name(name) or queries.image_channel_id(name) not in self.agent.channels:
            raise Refused(core_errors.NOT_FOUND)
        return image_response(name)
