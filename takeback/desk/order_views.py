"""An order: its page, and the form that creates cases for its customer."""

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from takeback.accounts.models import ApiKey
from takeback.cancellations.commands.open import open_cases
from takeback.core import clock, errors
from takeback.core.errors import Problem, Refused
from takeback.core.ids import ItemId, id_from_path, id_of
from takeback.desk import queries
from takeback.desk.base import AgentView, SeeOther
from takeback.desk.dates_form import DatesForm
from takeback.desk.new_case_form import NewCasesForm
from takeback.desk.new_case_rules import BrokenRule, broken_rules
from takeback.desk.order_page import OrderPage, load_page
from takeback.orders.commands.correct_dates import correct_dates

_INVALID = 400


class OrderView(AgentView):
    """The items of an order, their cases, and the form for new cases."""

    scopes = {"GET": ApiKey.READ, "HEAD": ApiKey.READ, "POST": ApiKey.DECIDE}

    def get(self, request: HttpRequest, pk: str) -> HttpResponse:
        page, unsent = self._load(pk), self.take_unsent_values()
        typed = {**unsent.dict(), "items": unsent.getlist("items")} if unsent else {}
        return self._render(page, page.form(initial=page.initial | typed))

    def post(self, request: HttpRequest, pk: str) -> HttpResponse:
        page, now = self._load(pk), clock.now()
        form = page.form(request.POST)
        is_valid = form.is_valid()
        new = page.new_cases(form, is_account_trusted=self.agent.can_see_bank_accounts)
        broken = [
            rule for rule in broken_rules(new, page.scope, now) if rule.field not in form.errors
        ]
        refusing = [rule for rule in broken if not rule.is_overridable]
        if not is_valid or refusing or (broken and not form.cleaned_override.is_active):
            page.add_errors(form, refusing)
            overridable = [] if refusing else broken
            status = broken[0].problem.status if is_valid else _INVALID
            return self._render(page, form, overridable, refusing, status=status)
        try:
            ids = open_cases(
                new,
                page.scope,
                actor=self.agent.actor,
                now=now,
                override=form.cleaned_override,
            )
        except Refused as refused:  # another request was faster
            status = refused.problem.status
            return self._render(page, form, problem=refused.problem, status=status)
        created = "-".join(str(case_id) for case_id in ids)
        return SeeOther(f"{reverse('desk_order', args=[page.order.pk])}?created={created}")

    def correct_dates(self, request: HttpRequest, pk: str) -> HttpResponse:
        """Correct the dates of an item; the page shows what is wrong with the form."""
        page = self._load(pk)
        form = page.dates_form(request.POST)
        if not form.is_valid():
            return self._render(page, page.form(), dates_form=form, status=_INVALID)
        item_id, note = ItemId(form.cleaned_data["item"]), form.cleaned_data["dates_note"]
        actor, now = self.agent.actor, clock.now()
        try:
            correct_dates(item_id, form.dates, page.scope, note=note, actor=actor, now=now)
        except Refused as refused:
            if refused.problem.field is None:
                raise
            form.add_error(refused.problem.field, str(refused.problem.message))
            status = refused.problem.status
            return self._render(page, page.form(), dates_form=form, status=status)
        return SeeOther(reverse("desk_order", args=[page.order.pk]))

    def _load(self, pk: str) -> OrderPage:
        order = queries.orders(self.agent.channels).filter(pk=id_from_path(pk)).first()
        if order is None:
            raise Refused(errors.NOT_FOUND)
        return load_page(order)

    def _render(
        self,
        page: OrderPage,
        form: NewCasesForm,
        overridable: Sequence[BrokenRule] = (),
        refusing: Sequence[BrokenRule] = (),
        *,
        problem: Problem | None = None,
        dates_form: DatesForm | None = None,
        status: int = 200,
    ) -> HttpResponse:
        if self.agent.can_decide:
            page.set_choices(form)
        created = {id_of(text) for text in self.request.GET.get("created", "").split("-")}
        first = refusing[0] if refusing else None
        context = {
            **page.context(form, clock.now()),
            "channel": self.agent.channels[page.order.channel_id],
            "form": form,
            "dates_form": dates_form or page.dates_form(),
            "created": [case for case in page.cases if case.pk in created],
            "code": first.problem.code if first else "",
            "overridable": [(page.sentence(rule), rule.problem.code) for rule in overridable],
            "problem": problem,
        }
        return self.render_page("order", context, status=status)


class DatesView(OrderView):
    """An agent corrects when an item was shipped or delivered."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: str) -> HttpResponse:
        return self.correct_dates(request, pk)
