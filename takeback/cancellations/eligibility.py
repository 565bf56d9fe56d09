"""The records that new cases refer to, read after their orders are locked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery, Sum

from takeback.accounts.policy import ShopPolicy, shop_policy
from takeback.addresses.queries import country_code, pickup_addresses
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.models import CancellationReason, CancellationRequest
from takeback.cancellations.policy import Reason, RequestContext
from takeback.cancellations.queries import reasons_on_offer
from takeback.cancellations.statuses import LIVE, Kind
from takeback.core.db.compiled_query import CompiledQuery
from takeback.logistics.queries import CarrierRow, carriers
from takeback.orders.models import OrderItem, Payment
from takeback.orders.product_categories import product_categories
from takeback.orders.scope import OrderScope
from takeback.orders.units import units_left

# Payment kinds that cannot be reversed: their refunds need a bank account.
CASH = ("funds_transfer", "pay_on_delivery")


class AddressPart(NamedTuple):
    """The place of an address, as JSON text."""

    place: Any


class ProductPart(NamedTuple):
    """A product, as JSON text."""

    document: Any


class OrderPart(NamedTuple):
    """The order of an item."""

    id: int
    channel_id: int
    user_id: int
    user_type: str
    placed_at: datetime
    return_days: int | None
    cancel_minutes: int | None
    shipping_address_id: int
    billing_address_id: int
    shipping_address: AddressPart


class ItemRow(NamedTuple):
    """An item of a new case. `cash_minor` is the amount of its order that was paid in cash."""

    id: int
    status: int
    quantity: int
    units_closed: int
    refunded_elsewhere_quantity: int
    invoice_number: str | None
    invoice_date: datetime | None
    shipped_date: datetime | None
    delivered_date: datetime | None
    attributes: Any
    has_live_case: bool
    cash_minor: int | None
    order: OrderPart
    product: ProductPart

    def is_served_by(self, carrier: CarrierRow) -> bool:
        """Whether the rules of a carrier cover the item's country and categories."""
        rules = carrier.rules
        country = country_code(self.order.shipping_address.place) if rules.countries else ""
        categories = product_categories(self.product.document) if rules.categories else ()
        return rules.serves(country, categories)

    @property
    def units_left(self) -> int:
        return units_left(self)


def _items_by_id(item_ids: list[int]) -> "QuerySet[OrderItem]":
    live = CancellationRequest.objects.filter(
        order_item_id=OuterRef("pk"), status__in=[status.value for status in LIVE]
    )
    cash = (
        Payment.objects.filter(order_id=OuterRef("order_id"), kind__in=CASH)
        .values("order_id")
        .annotate(cash=Sum(F("captured_minor")))
        .values("cash")
    )
    items = OrderItem.objects.filter(pk__anyof=item_ids).order_by("id")
    return items.annotate(has_live_case=Exists(live), cash_minor=Subquery(cash))


def _reasons_by_id(reason_ids: list[int], channel_id: int) -> "QuerySet[CancellationReason]":
    return reasons_on_offer(channel_id).filter(pk__anyof=reason_ids)


_items = CompiledQuery(ItemRow, _items_by_id)
_reasons = CompiledQuery(Reason, _reasons_by_id)


@dataclass(frozen=True, slots=True)
class EligibilityData:
    """The records that new cases refer to, as far as they exist in the caller's scope."""

    shop: ShopPolicy
    items: dict[int, ItemRow]
    reasons: dict[int, Reason]
    carriers: dict[int, CarrierRow]
    address_ids: frozenset[int]

    def carrier_of(self, new: NewCase) -> CarrierRow | None:
        """The carrier of a return: the chosen one, or else the shop's default.

        None if the carrier does not serve the item: a choice is then refused.
        """
        if new.kind != Kind.RETURN:
            return None
        carrier = self.carriers.get(new.carrier or self.shop.return_carrier_id)
        item = self.items.get(new.order_item)
        return carrier if carrier and item and item.is_served_by(carrier) else None

    def with_default_pickup(self, new: NewCase) -> NewCase:
        """The case with the order's shipping address, if the goods are collected there."""
        item, carrier = self.items.get(new.order_item), self.carrier_of(new)
        if not (item and carrier and carrier.needs_pickup and new.pickup_at_shipping_address):
            return new
        return replace(new, pickup_address=item.order.shipping_address_id)

    def with_known_reason(self, new: NewCase) -> NewCase:
        """The case with its fallback reason, if the shop offers that one only."""
        if new.reason in self.reasons or new.fallback_reason not in self.reasons:
            return new
        return replace(new, reason=new.fallback_reason)

    def context(self, new: NewCase, now: datetime) -> RequestContext | None:
        """The input of the rules for a new case; None if its item does not exist."""
        item = self.items.get(new.order_item)
        if item is None:
            return None
        order, carrier = item.order, self.carrier_of(new)
        return RequestContext(
            status=item.status,
            units_left=item.units_left,
            has_live_case=item.has_live_case,
            is_invoiced=bool(item.invoice_number),
            arrived_at=item.delivered_date or item.shipped_date or item.invoice_date,
            placed_at=order.placed_at,
            shop=self.shop.with_terms(order.return_days, order.cancel_minutes),
            now=now,
            new=new,
            reason=self.reasons.get(new.reason),
            is_carrier_offered=carrier is not None or not new.carrier,
            needs_pickup=carrier is not None and carrier.needs_pickup,
            has_carrier=carrier is not None,
            address_ids={*self.address_ids, order.shipping_address_id, order.billing_address_id},
            has_multiple_units=item.quantity > 1 or self._is_merged(item),
            is_paid_in_cash=bool(item.cash_minor),
            is_guest=order.user_type == "guest",
        )

    def _is_merged(self, item: ItemRow) -> bool:
        attributes = msgspec.json.decode(item.attributes)
        return isinstance(attributes, dict) and self.shop.item_quantity_key in attributes


def load_eligibility_data(new: Sequence[NewCase], scope: OrderScope) -> EligibilityData:
    """Read the records of new cases: at most four queries, independent of their number."""
    shop = shop_policy(scope.channel_id)
    items = _items(item_ids=sorted({case.order_item for case in new}))
    fallbacks = {case.fallback_reason for case in new if case.fallback_reason}
    reason_ids = sorted(fallbacks | {case.reason for case in new})
    reasons = _reasons(reason_ids=reason_ids, channel_id=scope.channel_id)
    returns = [case for case in new if case.kind == Kind.RETURN]
    carrier_ids = sorted({case.carrier or shop.return_carrier_id for case in returns} - {0})
    carrier_rows = (
        carriers(carrier_ids=carrier_ids, channel_id=scope.channel_id) if carrier_ids else []
    )
    address_ids = {case.pickup_address for case in new if case.pickup_address is not None}
    return EligibilityData(
        shop=shop,
        items={item.id: item for item in items if scope.covers(item.order)},
        reasons={reason.id: reason for reason in reasons},
        # A carrier that shoppers may not choose can still be the shop's default.
        carriers={
            row.id: row
            for row in carrier_rows
            if row.is_user_selectable or row.id == shop.return_carrier_id
        },
        address_ids=_addresses(sorted(address_ids), scope),
    )


def _addresses(ids: list[int], scope: OrderScope) -> frozenset[int]:
    """The addresses in the customer's address book; guests have none."""
    if not ids or scope.user_id is None:
        return frozenset()
    return frozenset(row.id for row in pickup_addresses(address_ids=ids, user_id=scope.user_id))
