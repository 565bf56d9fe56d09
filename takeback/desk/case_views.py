"""One case: what is known of it, what the rules say, and the buttons that decide it."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import FileResponse, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from takeback.accounts.models import ApiKey
from takeback.api.image_response import image_response, is_image_name
from takeback.cancellations import errors
from takeback.cancellations.amounts import refundable_amounts
from takeback.cancellations.commands.confirm_bank_account import confirm_bank_account
from takeback.cancellations.labels import KINDS, PLAN_STATUSES, STATUSES, STEPS, subject_in
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.statuses import LIFE_CYCLE, Status, Transition
from takeback.core import clock
from takeback.core import errors as core_errors
from takeback.core.actor import ActorKind
from takeback.core.errors import Problem, Refused
from takeback.core.ids import id_from_path
from takeback.core.types import CaseId
from takeback.desk import formatting, forms, queries
from takeback.desk.base import DeskPage, SeeOther
from takeback.desk.filters import QueueFilters
from takeback.desk.rule_results import rule_results
from takeback.desk.shared_evidence import shared_evidence
from takeback.orders.labels import STATUSES as ITEM_STATUSES
from takeback.orders.scope import OrderScope

DONE = {
    "confirm": _("Confirmed."),
    "approve": _("Approved."),
    "review": _("Passed on for approval."),
    "reject": _("Rejected."),
    "account": _("The bank account is marked as right."),
    "open": _("The request is open."),
}
WHO: dict[str, Promise] = {
    ActorKind.CUSTOMER: _("Customer"),
    ActorKind.GUEST: _("Guest"),
    ActorKind.CHANNEL: _("API key"),
    ActorKind.SYSTEM: _("The shop's rules"),
}
CHANGED = (core_errors.PRECONDITION_FAILED, core_errors.CONFLICT)


class CasePage(DeskPage):
    """Reading a case, and showing it again when a step was refused."""

    def case(self, pk: str) -> CancellationRequest:
        """The case; that of another channel is as if it were not there."""
        found = queries.case(self.agent.channels, id_from_path(pk))
        if found is None:
            raise Refused(core_errors.NOT_FOUND)
        return found

    @property
    def wanted(self) -> QueueFilters:
        """The queue that this case was reached through."""
        return QueueFilters(self.request.GET.dict())

    def page(
        self,
        case: CancellationRequest,
        *,
        problem: Problem | None = None,
        faults: Mapping[str, str] | None = None,
        status: int = 200,
    ) -> HttpResponse:
        """Everything about the case as it is now, and what was typed before."""
        wanted, now = self.wanted, clock.now()
        before, after = queries.neighbours(self.agent.channels, wanted, case.pk)
        steps, can = queries.history(case.pk), possible(case)
        told = {
            "case": case,
            "wanted": wanted,
            "previous": before,
            "next": after,
            "problem": problem,
            "is_changed": problem in CHANGED,
            "faults": faults,
            "note": self.form.get("note", "")[: forms.NOTE_MAX],
            "done": DONE.get(self.request.GET.get("done", "")),
            **shared_evidence(self.agent.channels, case),
            "steps": steps_in_words(steps),
            "verdicts": rule_results(case, now) if can else [],
            "can": can if self.agent.may_decide else (),
            "account": formatting.account(case, whole=self.agent.sees_money),
            **in_words(case),
        }
        return self.show("case", told, status=status)

    def after(self, case_id: int, done: str) -> HttpResponse:
        """Look at what has become of it."""
        query = self.wanted.query
        told = f"{query}{'&' if query else '?'}done={done}"
        return SeeOther(f"{reverse('desk_case', args=[case_id])}{told}")


class Case(CasePage):
    """One case."""

    def get(self, request: HttpRequest, pk: str) -> HttpResponse:
        return self.page(self.case(pk))


class Decide(CasePage):
    """A step of a case, on the version that the agent has seen."""

    scopes = {"POST": ApiKey.DECIDE}

    def post(self, request: HttpRequest, pk: str) -> HttpResponse:
        case = self.case(pk)
        try:
            told = forms.taken(forms.Decision(), self.form)
        except forms.Faults as faults:
            return self.page(case, faults=faults.by_field, status=400)
        try:
            forms.DECISIONS[told["step"]](
                CaseId(case.pk),
                OrderScope(case.channel_id),
                actor=self.agent.actor,
                now=clock.now(),
                message=told.get("note") or None,
                version=told["version"],
            )
        except Refused as refused:
            if refused.problem is core_errors.NOT_FOUND:
                raise
            return self.page(self.case(pk), problem=refused.problem, status=refused.problem.status)
        return self.after(case.pk, told["step"])


class AccountIsRight(CasePage):
    """Somebody who works with money has checked the bank account that the page showed."""

    scopes = {"POST": ApiKey.MONEY}

    def post(self, request: HttpRequest, pk: str) -> HttpResponse:
        case = self.case(pk)
        shown = self.form.get("account", "")
        try:
            confirm_bank_account(
                CaseId(case.pk), actor=self.agent.actor, now=clock.now(), account=shown
            )
        except Refused as refused:
            if refused.problem is not core_errors.NOT_FOUND:
                raise
            # The case was there a moment ago: it has ended, or names another account by now.
            problem = errors.WRONG_STATUS if case.iban_index == shown else core_errors.CONFLICT
            return self.page(self.case(pk), problem=problem, status=problem.status)
        return self.after(case.pk, "account")


class Photo(DeskPage):
    """A picture, for staff of its case's channel."""

    def get(self, request: HttpRequest, name: str) -> FileResponse:
        if not is_image_name(name):
            raise Refused(core_errors.NOT_FOUND)
        if queries.channel_of_picture(name) not in self.agent.channels:
            raise Refused(core_errors.NOT_FOUND)
        return image_response(name)


def possible(case: CancellationRequest) -> set[str]:
    """The buttons that lead somewhere; approving confirms, too, where nobody has."""
    status = Status(case.status)
    can = {name for name in forms.DECISIONS if LIFE_CYCLE.allows(status, Transition(name))}
    return can | {"approve"} if "confirm" in can else can


def in_words(case: CancellationRequest) -> dict[str, Any]:
    """The case, its line and its plan as people read them."""
    line, order = case.order_item, case.order_item.order
    plan, currency = case.plan, case.order_item.order.currency
    found: dict[str, Any] = {
        "kind": KINDS[case.cancellation_type],
        "status": STATUSES[case.status],
        "reason": subject_in(get_language(), case.reason.subject, case.reason.translations),
        "product": formatting.product_name(line.product.document, line.sku),
        "item_status": ITEM_STATUSES.get(line.status, line.status),
        "worth": formatting.amount(refundable_amounts(case).goods, currency),
        "total": formatting.amount(order.amount_minor + order.interest_minor, currency),
        "refunded": formatting.amount(order.refund_minor, currency) if order.refund_minor else "",
    }
    if plan:
        amounts = {
            _("Goods"): plan.refund_minor,
            _("Discounts, taken off already"): plan.discount_refund_minor,
            _("Shipping"): plan.shipping_refund_minor,
            _("Set by hand instead"): plan.forced_refund_minor,
        }
        found["plan_status"] = PLAN_STATUSES[plan.status]
        found["plan_amounts"] = [
            (name, formatting.amount(minor, currency)) for name, minor in amounts.items() if minor
        ]
    return found


def steps_in_words(steps: Sequence[queries.StepRow]) -> list[dict[str, Any]]:
    """Who did what and when, with their words; staff by name."""
    return [
        {
            "at": step.at,
            "step": STEPS.get(step.event, step.event),
            "after": STATUSES.get(step.after, step.after),
            "who": WHO.get(step.actor_kind) or step.name or step.actor_kind,
            "number": step.actor_number if step.actor_kind == ActorKind.CHANNEL else None,
            "note": step.message,
            "overridden": step.overridden,
        }
        for step in steps
    ]
