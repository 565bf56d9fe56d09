"""Decisions about cases, notes, previews of mails, and taking a decision back."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from takeback.accounts.models import ApiKey
from takeback.cancellations.commands.add_note import add_note
from takeback.cancellations.commands.transition import approve, confirm, reject, review
from takeback.cancellations.commands.turn_into_return import turn_into_return
from takeback.cancellations.commands.undo import undo
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.statuses import CaseEvent, Transition
from takeback.core import clock
from takeback.core import errors as core_errors
from takeback.core.errors import Refused
from takeback.core.ids import CaseId
from takeback.desk.case_views import CaseView
from takeback.desk.forms import NOTE, PREVIEW, DecisionForm, UndoForm
from takeback.orders.scope import OrderScope

COMMANDS: dict[str, Callable[..., None]] = {
    Transition.APPROVE.value: approve,
    Transition.CONFIRM.value: confirm,
    Transition.REVIEW.value: review,
    Transition.REJECT.value: reject,
}


class DecideView(CaseView):
    """A transition of a case at the version that the agent has seen, a note, or a preview."""

    http_method_names = ["post"]
    scopes = {"POST": ApiKey.DECIDE}

    def post(self, request: HttpRequest, pk: str) -> HttpResponse:
        case, form = self.get_case(pk), DecisionForm(request.POST)
        if not form.is_valid():
            return self.render_case(case, form=form, status=400)
        if form.cleaned_data["step"] == PREVIEW:
            return self.render_case(case, form=form, is_preview=True)
        try:
            self._run(case, form)
        except Refused as refused:
            return self.render_refused_step(pk, refused, form.cleaned_data["version"], form)
        return self.redirect_to_case(case.pk, form.cleaned_data["step"])

    def _run(self, case: CancellationRequest, form: DecisionForm) -> None:
        case_id, scope = CaseId(case.pk), OrderScope(case.channel_id)
        actor, now, remarks = self.agent.actor, clock.now(), form.remarks
        step = form.cleaned_data["step"]
        if step == NOTE:
            add_note(case_id, scope, str(remarks.internal_note), actor=actor, now=now)
        elif step == CaseEvent.INTO_RETURN:
            version, note = form.cleaned_data["version"], remarks.internal_note
            turn_into_return(case_id, scope, actor=actor, now=now, note=note, version=version)
        else:
            version = form.cleaned_data["version"]
            COMMANDS[step](case_id, scope, actor=actor, now=now, remarks=remarks, version=version)


class UndoView(CaseView):
    """Takes back the agent's last decision on a case."""

    http_method_names = ["post"]
    scopes = {"POST": ApiKey.DECIDE}

    def post(self, request: HttpRequest, pk: str) -> HttpResponse:
        case, form = self.get_case(pk), UndoForm(request.POST)
        if not form.is_valid():
            raise Refused(core_errors.MALFORMED_REQUEST)
        version = form.cleaned_data["version"]
        try:
            undo(
                CaseId(case.pk),
                OrderScope(case.channel_id),
                actor=self.agent.actor,
                now=clock.now(),
                version=version,
            )
        except Refused as refused:
            return self.render_refused_step(pk, refused, version)
        return self.redirect_to_case(case.pk, "undo")
