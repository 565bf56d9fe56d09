"""What the page of an order shows: its items, its cases, and the form for new cases."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import cached_property
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from takeback.accounts.policy import shop_policy
from takeback.cancellations.amounts import amounts_of_units
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.labels import KINDS, STATUSES, subject_in
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.policy import kind_of
from takeback.cancellations.statuses import LIVE, Kind
from takeback.core.formatting import format_age, format_amount
from takeback.core.ids import ItemId
from takeback.desk import queries
from takeback.desk.dates_form import DATE_LABELS, DatesForm
from takeback.desk.formatting import format_refunds, product_name
from takeback.desk.money_context import money_context
from takeback.desk.new_case_form import NewCasesForm, quantity_name
from takeback.desk.new_case_rules import BrokenRule
from takeback.logistics.queries import companies_on_offer
from takeback.orders.labels import STATUSES as ITEM_STATUSES
from takeback.orders.models import Order, OrderItem
from takeback.orders.scope import OrderScope
from takeback.orders.units import units_left
from takeback.refunds.money_of_order import money_of_order


@dataclass
class OrderPage:
    """An order with its items and cases."""

    order: Order
    items: Sequence[OrderItem]
    cases: Sequence[CancellationRequest]

    @property
    def scope(self) -> OrderScope:
        return OrderScope(self.order.channel_id, order_ids=frozenset({self.order.pk}))

    @cached_property
    def names(self) -> dict[int, str]:
        """The names of the products, by item."""
        return {item.pk: product_name(item.product.document, item.sku) for item in self.items}

    @cached_property
    def live_cases(self) -> dict[int, CancellationRequest]:
        """The live cases, by item; an item with one has no second."""
        return {case.order_item_id: case for case in self.cases if case.status in LIVE}

    @property
    def open_items(self) -> list[OrderItem]:
        """The items for which a case can be created."""
        return [item for item in self.items if item.units_left and item.pk not in self.live_cases]

    @property
    def initial(self) -> dict[str, Any]:
        """The usual choices: the kind that fits the state of the items, and a single item."""
        kinds = {
            kind_of(item.status, is_invoiced=bool(item.invoice_number)) for item in self.open_items
        }
        open_ids = [item.pk for item in self.open_items]
        quantities = {quantity_name(item.pk): item.units_left for item in self.open_items}
        return {
            "kind": Kind.RETURN if Kind.RETURN in kinds else Kind.CANCEL,
            "items": open_ids if len(open_ids) == 1 else [],
            **quantities,
        }

    def form(
        self, data: Mapping[str, Any] | None = None, initial: Mapping[str, Any] | None = None
    ) -> NewCasesForm:
        return NewCasesForm(self.items, self.names, data, initial)

    def dates_form(self, data: Mapping[str, Any] | None = None) -> DatesForm:
        return DatesForm(self.items, self.names, data)

    def new_cases(self, form: NewCasesForm, *, is_account_trusted: bool) -> list[NewCase]:
        """The new cases of a validated form, as far as its values are valid.

        A carrier that picks up goes to the order's shipping address.
        """
        data = form.cleaned_data
        if "kind" not in data:
            return []
        is_return = data["kind"] == Kind.RETURN
        return [
            NewCase(
                order_item=ItemId(item_id),
                kind=Kind(data["kind"]),
                reason=data.get("reason") or 0,
                quantity=data.get(quantity_name(item_id)),
                description=data.get("description") or None,
                carrier=data.get("carrier") if is_return else None,
                pickup_at_shipping_address=is_return,
                bank_account=form.bank_account,
                is_account_trusted=is_account_trusted,
                refund_to_loyalty=bool(data.get("refund_to_loyalty")),
            )
            for item_id in data.get("items", [])
        ]

    def add_errors(self, form: NewCasesForm, rules: Iterable[BrokenRule]) -> None:
        """Show each broken rule at its field."""
        for rule in rules:
            form.add_error(rule.field, self.sentence(rule))

    def sentence(self, rule: BrokenRule) -> str:
        """The problem; one about an item as a whole names its product."""
        message = str(rule.problem.message)
        return f"{self.names[rule.item]}: {message}" if rule.field == "items" else message

    def context(self, form: NewCasesForm, now: datetime) -> dict[str, Any]:
        order = self.order
        return {
            "order": order,
            "total": format_amount(order.amount_minor + order.interest_minor, order.currency),
            "refunded": format_refunds(
                order.refund_minor + order.refunded_elsewhere_minor, order.currency
            ),
            "refunded_elsewhere": format_refunds(order.refunded_elsewhere_minor, order.currency),
            "money": money_context(money_of_order(order.pk), order),
            "age": format_age(order.placed_at, now),
            "corrections": [
                (row, self.names[row.order_item_id], DATE_LABELS[row.column])
                for row in queries.date_corrections(order.pk)
            ],
            "has_open_items": bool(self.open_items),
            "items": [self._item_context(item, form) for item in self.items],
            "cases": [
                (case, KINDS[case.cancellation_type], STATUSES[case.status]) for case in self.cases
            ],
        }

    def _item_context(self, item: OrderItem, form: NewCasesForm) -> dict[str, Any]:
        live_case, currency = self.live_cases.get(item.pk), self.order.currency
        left = units_left(item, live_case.quantity if live_case else 0)
        is_open = left > 0 and live_case is None
        chosen: Collection[Any] = form["items"].value() or ()
        return {
            "row": item,
            "product": self.names[item.pk],
            "status": ITEM_STATUSES.get(item.status, item.status),
            "units_left": left,
            "is_open": is_open,
            "is_chosen": str(item.pk) in {str(pk) for pk in chosen},
            "quantity": form[quantity_name(item.pk)],
            "live_case": live_case,
            "unit_price": format_amount(
                amounts_of_units(item, item.units_used, min(left, 1)).goods, currency
            ),
            "refund": format_amount(amounts_of_units(item, item.units_used, left).goods, currency),
        }

    def set_choices(self, form: NewCasesForm) -> None:
        form.set_choices(
            reason=_reason_choices(self.order.channel_id, form["kind"].value()),
            carrier=_carrier_choices(self.order.channel_id),
        )


def load_page(order: Order) -> OrderPage:
    return OrderPage(order, queries.items_of(order.pk), queries.cases_of_order(order.pk))


def _reason_choices(channel_id: int, kind: str | None) -> list[tuple[Any, Any]]:
    """The reasons grouped by kind, those of the chosen kind first."""
    language, groups = get_language(), {}
    for name in sorted(KINDS, key=lambda name: name != kind):
        groups[name] = (KINDS[name], list[tuple[int, str]]())
    for reason in queries.offered_reasons(channel_id):
        subject = subject_in(language, reason.subject, reason.translations)
        groups[reason.cancellation_type][1].append((reason.pk, subject))
    return [("", _("Choose a reason")), *(group for group in groups.values() if group[1])]


def _carrier_choices(channel_id: int) -> list[tuple[Any, Any]]:
    has_default = bool(shop_policy(channel_id).return_carrier_id)
    first = _("Default carrier of the shop") if has_default else _("Choose a carrier")
    carriers = companies_on_offer(channel_id=channel_id)
    return [("", first), *((carrier.id, carrier.name) for carrier in carriers)]
