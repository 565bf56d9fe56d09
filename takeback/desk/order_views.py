"""An order as an agent sees it, and a request that they open in its customer's name."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import get_language

from takeback.accounts.models import ApiKey
from takeback.bank_accounts.bank_account import BankAccount
from takeback.cancellations.commands.open import Override, open_cases
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.labels import KINDS, STATUSES, subject_in
from takeback.cancellations.statuses import LIVE, Kind
from takeback.core import clock, errors
from takeback.core.errors import Problem, Refused
from takeback.core.ids import id_from_path
from takeback.core.types import ItemId
from takeback.desk import formatting, forms, queries
from takeback.desk.base import DeskPage, SeeOther
from takeback.desk.rule_results import in_the_way
from takeback.logistics.queries import companies_on_offer
from takeback.orders.labels import STATUSES as ITEM_STATUSES
from takeback.orders.models import Order
from takeback.orders.scope import OrderScope


class OrderPage(DeskPage):
    """The lines of an order, their cases, and a form for one more."""

    scopes = {"GET": ApiKey.READ, "HEAD": ApiKey.READ, "POST": ApiKey.DECIDE}

    def get(self, request: HttpRequest, pk: str) -> HttpResponse:
        return self._page(self._order(pk))

    def post(self, request: HttpRequest, pk: str) -> HttpResponse:
        order = self._order(pk)
        try:
            told = forms.taken(forms.OnBehalf(), forms.filled(self.form))
        except forms.Faults as faults:
            return self._again(order, faults.by_field)
        ask = _ask_of(told, order, is_account_trusted=self.agent.sees_money)
        scope = _scope_of(order)
        try:
            [case_id] = open_cases(
                [ask],
                scope,
                actor=self.agent.actor,
                now=clock.now(),
                override=Override(told.get("note"), is_active=bool(told.get("override"))),
            )
        except Refused as refused:
            return self._refused(order, ask, refused.problem)
        return SeeOther(f"{reverse('desk_case', args=[case_id])}?done=open")

    def _refused(self, order: Order, ask: NewCase, problem: Problem) -> HttpResponse:
        fixed, is_overridable = in_the_way(ask, _scope_of(order), clock.now())
        told = {"problem": fixed or problem, "is_overridable": () if fixed else is_overridable}
        return self._page(order, told, status=problem.status)

    def _again(self, order: Order, faults: Mapping[str, str]) -> HttpResponse:
        """What was typed, with what is wrong; whoever was setting rules aside still is."""
        told: dict[str, Any] = {"faults": faults}
        if self.form.get("override"):
            told["is_overridable"] = _waivable(self.form, order)
        return self._page(order, told, status=400)

    def _order(self, pk: str) -> Order:
        found = queries.order(self.agent.channels, id_from_path(pk))
        if found is None:
            raise Refused(errors.NOT_FOUND)
        return found

    def _page(
        self, order: Order, told: Mapping[str, Any] | None = None, status: int = 200
    ) -> HttpResponse:
        cases = queries.cases_of_order(order.pk)
        live = {case.order_item_id: case for case in cases if case.status in LIVE}
        context = {
            "order": order,
            "total": formatting.amount(order.amount_minor + order.interest_minor, order.currency),
            "channel": self.agent.channels[order.channel_id],
            "lines": [
                {
                    "row": line,
                    "product": formatting.product_name(line.product.document, line.sku),
                    "status": ITEM_STATUSES.get(line.status, line.status),
                    "left": line.quantity - line.units_closed,
                    "live": live.get(line.pk),
                }
                for line in queries.lines_of(order.pk)
            ],
            "cases": [
                (case, KINDS[case.cancellation_type], STATUSES[case.status]) for case in cases
            ],
            "told": self.form,
            **(told or {}),
        }
        if self.agent.may_decide:
            context |= self._choices(order.channel_id)
        return self.show("order", context, status=status)

    def _choices(self, channel_id: int) -> dict[str, Any]:
        language, carriers = get_language(), companies_on_offer(channel_id=channel_id)
        return {
            "kinds": list(KINDS.items()),
            "reasons": [
                (str(each.pk), subject_in(language, each.subject, each.translations), kind)
                for each in queries.reasons_of(channel_id)
                for kind in [KINDS[each.cancellation_type]]
            ],
            "carriers": [(str(each.id), each.name) for each in carriers],
        }


def _scope_of(order: Order) -> OrderScope:
    return OrderScope(order.channel_id, order_ids=frozenset({order.pk}))


def _ask_of(told: Mapping[str, Any], order: Order, *, is_account_trusted: bool) -> NewCase:
    """A carrier that comes, comes to where the order went."""
    kind = Kind(told["kind"])
    iban = told.get("iban")
    return NewCase(
        order_item=ItemId(told["order_item"]),
        kind=kind,
        reason=told["reason"],
        quantity=told.get("quantity"),
        description=told.get("description"),
        carrier=told.get("carrier") if kind is Kind.RETURN else None,
        pickup_address=order.shipping_address_id if kind is Kind.RETURN else None,
        bank_account=BankAccount(iban, told["holder_name"]) if iban else None,
        is_account_trusted=is_account_trusted,
        refund_to_loyalty=bool(told.get("refund_to_loyalty")),
    )


def _waivable(form: Mapping[str, str], order: Order) -> tuple[Problem, ...]:
    """The rules that still stand in the way, when all but the note can be read."""
    try:
        told = forms.taken(forms.OnBehalf(), forms.filled({**form, "override": ""}))
    except forms.Faults:
        return ()
    ask = _ask_of(told, order, is_account_trusted=False)
    fixed, is_overridable = in_the_way(ask, _scope_of(order), clock.now())
    return () if fixed else is_overridable
