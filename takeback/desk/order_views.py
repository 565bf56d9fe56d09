"""An order: its page, and the form that creates a case for its customer."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from takeback.accounts.models import ApiKey
from takeback.bank_accounts.bank_account import BankAccount
from takeback.cancellations.commands.open import open_cases
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.labels import KINDS, STATUSES, subject_in
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.statuses import LIVE, Kind
from takeback.core import clock, errors
from takeback.core.errors import Problem, Refused
from takeback.core.formatting import format_amount
from takeback.core.ids import ItemId, id_from_path
from takeback.desk import queries
from takeback.desk.base import AgentView, SeeOther
from takeback.desk.formatting import product_name
from takeback.desk.forms import NewCaseForm
from takeback.desk.rule_results import broken_rules
from takeback.logistics.queries import companies_on_offer
from takeback.orders.labels import STATUSES as ITEM_STATUSES
from takeback.orders.models import Order
from takeback.orders.scope import OrderScope


class OrderView(AgentView):
    """The items of an order, their cases, and the form for a new case."""

    scopes = {"GET": ApiKey.READ, "HEAD": ApiKey.READ, "POST": ApiKey.DECIDE}

    def get(self, request: HttpRequest, pk: str) -> HttpResponse:
        return self._render(self._get_order(pk), NewCaseForm())

    def post(self, request: HttpRequest, pk: str) -> HttpResponse:
        order, form, now = self._get_order(pk), NewCaseForm(request.POST), clock.now()
        if not form.is_valid() and not form.lacks_override_note:
            return self._render(order, form, status=400)
        scope = OrderScope(order.channel_id, order_ids=frozenset({order.pk}))
        new_case = self._new_case(form.cleaned_data, order)
        if form.lacks_override_note:
            _blocking, overridable = broken_rules(new_case, scope, now)
            return self._render(order, form, overridable, status=400)
        try:
            [case_id] = open_cases(
                [new_case], scope, actor=self.agent.actor, now=now, override=form.cleaned_override
            )
        except Refused as refused:
            problem = refused.problem
            blocking, overridable = broken_rules(new_case, scope, now)
            return self._render(
                order, form, overridable, problem=blocking or problem, status=problem.status
            )
        return SeeOther(f"{reverse('desk_case', args=[case_id])}?done=open")

    def _get_order(self, pk: str) -> Order:
        order = queries.orders(self.agent.channels).filter(pk=id_from_path(pk)).first()
        if order is None:
            raise Refused(errors.NOT_FOUND)
        return order

    def _new_case(self, data: Mapping[str, Any], order: Order) -> NewCase:
        """A carrier that picks up goes to the order's shipping address."""
        is_return = data["kind"] == Kind.RETURN
        return NewCase(
            order_item=ItemId(data["order_item"]),
            kind=Kind(data["kind"]),
            reason=data["reason"],
            quantity=data["quantity"],
            description=data["description"] or None,
            carrier=data["carrier"] if is_return else None,
            pickup_address=order.shipping_address_id if is_return else None,
            bank_account=BankAccount(data["iban"], data["holder_name"]) if data["iban"] else None,
            is_account_trusted=self.agent.can_see_bank_accounts,
            refund_to_loyalty=bool(data["refund_to_loyalty"]),
        )

    def _render(
        self,
        order: Order,
        form: NewCaseForm,
        overridable: tuple[Problem, ...] = (),
        *,
        problem: Problem | None = None,
        status: int = 200,
    ) -> HttpResponse:
        cases = queries.cases_of_order(order.pk)
        items = _items_context(order, cases)
        if self.agent.can_decide:
            form.set_choices(
                order_item=[
                    (item["row"].pk, f"{item['product']} ({item['units_left']})") for item in items
                ],
                reason=_reason_choices(order.channel_id),
                carrier=_carrier_choices(order.channel_id),
            )
        context = {
            "order": order,
            "total": format_amount(order.amount_minor + order.interest_minor, order.currency),
            "channel": self.agent.channels[order.channel_id],
            "items": items,
            "cases": [
                (case, KINDS[case.cancellation_type], STATUSES[case.status]) for case in cases
            ],
            "form": form,
            "overridable": overridable,
            "problem": problem,
        }
        return self.render_page("order", context, status=status)


def _items_context(order: Order, cases: Iterable[CancellationRequest]) -> list[dict[str, Any]]:
    live = {case.order_item_id: case for case in cases if case.status in LIVE}
    return [
        {
            "row": item,
            "product": product_name(item.product.document, item.sku),
            "status": ITEM_STATUSES.get(item.status, item.status),
            "units_left": item.quantity - item.units_closed,
            "live_case": live.get(item.pk),
        }
        for item in queries.items_of(order.pk)
    ]


Choices = list[tuple[int | str, str | Promise]]


def _reason_choices(channel_id: int) -> Choices:
    language = get_language()
    return [
        (reason.pk, f"{KINDS[reason.cancellation_type]}: {subject}")
        for reason in queries.offered_reasons(channel_id)
        for subject in [subject_in(language, reason.subject, reason.translations)]
    ]


def _carrier_choices(channel_id: int) -> Choices:
    carriers = companies_on_offer(channel_id=channel_id)
    return [("", _("Default")), *((carrier.id, carrier.name) for carrier in carriers)]
