"""A case: its page, its transitions, its bank account and its images."""

from collections.abc import Callable
from functools import cached_property

from django.http import FileResponse, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from takeback.accounts.models import ApiKey
from takeback.api.image_response import image_response, is_image_name
from takeback.cancellations import errors
from takeback.cancellations.commands.confirm_bank_account import confirm_bank_account
from takeback.cancellations.commands.transition import approve, confirm, reject, review
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.statuses import LIFE_CYCLE, Status, Transition
from takeback.core import clock
from takeback.core import errors as core_errors
from takeback.core.errors import Problem, Refused
from takeback.core.ids import CaseId, id_from_path
from takeback.desk import queries
from takeback.desk.base import AgentView, SeeOther
from takeback.desk.filters import QueueFilters
from takeback.desk.formatting import case_context, format_bank_account, history_context
from takeback.desk.forms import DecisionForm
from takeback.desk.rule_results import rule_results
from takeback.orders.scope import OrderScope

COMMANDS: dict[str, Callable[..., None]] = {
    Transition.APPROVE.value: approve,
    Transition.CONFIRM.value: confirm,
    Transition.REVIEW.value: review,
    Transition.REJECT.value: reject,
}
DONE = {
    "confirm": _("Request accepted."),
    "approve": _("Refund approved."),
    "review": _("Request escalated."),
    "reject": _("Request rejected."),
    "account": _("Bank account marked as verified."),
    "open": _("Request created."),
}


class CaseView(AgentView):
    """The page of a case; subclasses change the case and show it again when they are refused."""

    def get(self, request: HttpRequest, pk: str) -> HttpResponse:
        form = DecisionForm(initial=self.take_kept_values().dict())
        return self.render_case(self.get_case(pk), form=form)

    def get_case(self, pk: str) -> CancellationRequest:
        case = queries.cases(self.agent.channels).filter(pk=id_from_path(pk)).first()
        if case is None:
            raise Refused(core_errors.NOT_FOUND)
        return case

    @cached_property
    def filters(self) -> QueueFilters:
        """The filters of the queue that the agent came from."""
        return QueueFilters(self.request.GET.dict())

    def render_case(
        self,
        case: CancellationRequest,
        *,
        form: DecisionForm | None = None,
        problem: Problem | None = None,
        status: int = 200,
    ) -> HttpResponse:
        """The present state of the case, and the form as it was sent."""
        transitions = possible_transitions(case)
        before, after = queries.adjacent_cases(self.agent.channels, self.filters, case.pk)
        context = {
            "case": case,
            "filters": self.filters,
            "previous": before,
            "next": after,
            "problem": problem,
            "has_changed": problem in (core_errors.PRECONDITION_FAILED, core_errors.CONFLICT),
            "form": form or DecisionForm(),
            "done": DONE.get(self.request.GET.get("done", "")),
            "steps": history_context(queries.case_history(case.pk)),
            "rule_results": rule_results(case, clock.now()) if transitions else [],
            "transitions": transitions if self.agent.can_decide else (),
            "account": format_bank_account(case, in_full=self.agent.can_see_bank_accounts),
            **queries.case_evidence(self.agent.channels, case),
            **case_context(case),
        }
        return self.render_page("case", context, status=status)

    def redirect_to_case(self, case_id: int, done: str) -> HttpResponse:
        query = self.filters.query
        path = reverse("desk_case", args=[case_id])
        return SeeOther(f"{path}{query}{'&' if query else '?'}done={done}")


class DecideView(CaseView):
    """A transition of a case, at the version that the agent has seen."""

    http_method_names = ["post"]
    scopes = {"POST": ApiKey.DECIDE}

    def post(self, request: HttpRequest, pk: str) -> HttpResponse:
        case, form = self.get_case(pk), DecisionForm(request.POST)
        if not form.is_valid():
            return self.render_case(case, form=form, status=400)
        step = form.cleaned_data["step"]
        try:
            COMMANDS[step](
                CaseId(case.pk),
                OrderScope(case.channel_id),
                actor=self.agent.actor,
                now=clock.now(),
                message=form.cleaned_data["note"] or None,
                version=form.cleaned_data["version"],
            )
        except Refused as refused:
            problem = refused.problem
            if problem is core_errors.NOT_FOUND:
                raise
            return self.render_case(
                self.get_case(pk), form=form, problem=problem, status=problem.status
            )
        return self.redirect_to_case(case.pk, step)


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


def possible_transitions(case: CancellationRequest) -> set[str]:
    """The transitions that the case's status allows; approving an unconfirmed case confirms it."""
    status = Status(case.status)
    names = {name for name in COMMANDS if LIFE_CYCLE.allows(status, Transition(name))}
    return names | {"approve"} if "confirm" in names else names
