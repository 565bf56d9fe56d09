"""What asks meet: items, reasons, carriers and addresses, read after their orders are locked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from django.conf import settings
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery, Sum

from takeback.addresses.queries import pickup_addresses
from takeback.cancellations import policy
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.models import CancellationReason, CancellationRequest
from takeback.cancellations.queries import reasons_on_offer
from takeback.cancellations.statuses import LIVE, Kind
from takeback.core.db.compiled_query import CompiledQuery
from takeback.logistics.queries import CarrierRow, carriers
from takeback.orders.models import OrderItem, Tender
from takeback.orders.scope import OrderScope

CASH = ("funds_transfer", "pay_on_delivery")
"""Ways of paying that offer no way back (domain D.2)."""


class OrderPart(NamedTuple):
    """The order of an asked item."""

    id: int
    channel_id: int
    user_id: int
    user_type: str
    placed_at: datetime
    shipping_address_id: int
    billing_address_id: int


class NamedItem(NamedTuple):
    """An item as the rules need it; `cash_minor` is what was paid in cash for its order."""

    id: int
    status: int
    quantity: int
    units_closed: int
    invoice_number: str | None
    invoice_date: datetime | None
    shipped_date: datetime | None
    delivered_date: datetime | None
    attributes: Any
    has_live: bool
    cash_minor: int | None
    order: OrderPart

    @property
    def facts(self) -> policy.ItemFacts:
        """The item as the flags of a list see it, too."""
        return policy.facts_of(self, self.order.placed_at, has_live_request=self.has_live)

    @property
    def has_multiple_units(self) -> bool:
        """Whether the line stands for several units, or says how many it stands for."""
        if self.quantity > 1:
            return True
        told = msgspec.json.decode(self.attributes)
        return isinstance(told, dict) and settings.ORDER_ITEM_QUANTITY_KEY in told


class OfferedReason(NamedTuple):
    """A reason that may be chosen."""

    id: int
    cancellation_type: str
    extra_information_needed: bool


def _asked_items(item_ids: list[int]) -> "QuerySet[OrderItem]":
    live = CancellationRequest.objects.filter(
        order_item_id=OuterRef("pk"), status__in=[status.value for status in LIVE]
    )
    cash = (
        Tender.objects.filter(order_id=OuterRef("order_id"), kind__in=CASH)
        .values("order_id")
        .annotate(cash=Sum(F("captured_minor")))
        .values("cash")
    )
    found = OrderItem.objects.filter(pk__anyof=item_ids)
    return found.annotate(has_live=Exists(live), cash_minor=Subquery(cash)).order_by("id")


def _offered_reasons(reason_ids: list[int], channel_id: int) -> "QuerySet[CancellationReason]":
    return reasons_on_offer(channel_id).filter(pk__anyof=reason_ids)


_items = CompiledQuery(NamedItem, _asked_items)
_reasons = CompiledQuery(OfferedReason, _offered_reasons)


@dataclass(frozen=True, slots=True)
class EligibilityData:
    """All that a few asks refer to, as far as it is there for whoever asks."""

    items: dict[int, NamedItem]
    reasons: dict[int, OfferedReason]
    carriers: dict[int, CarrierRow]
    address_ids: frozenset[int]

    def carrier_of(self, ask: NewCase) -> CarrierRow | None:
        """The carrier that brings the goods back: as chosen, else the shop's own choice."""
        wanted = ask.carrier or settings.RETURN_CARRIER
        return self.carriers.get(wanted) if ask.kind == Kind.REFUND else None

    def with_pickup(self, ask: NewCase) -> NewCase:
        """The ask as it is, or with the order's own address where a carrier is to come to."""
        item, carrier = self.items.get(ask.order_item), self.carrier_of(ask)
        if not (item and carrier and carrier.needs_pickup and ask.pickup_at_shipping_address):
            return ask
        return replace(ask, pickup_address=item.order.shipping_address_id)

    def conditions_of(self, ask: NewCase) -> policy.TermsContext:
        """What the ask meets."""
        item, reason = self.items[ask.order_item], self.reasons.get(ask.reason)
        carrier = self.carrier_of(ask)
        is_guest = item.order.user_type == "guest"
        own_copies = (item.order.shipping_address_id, item.order.billing_address_id)
        return policy.TermsContext(
            reason=Kind(reason.cancellation_type) if reason else None,
            reason_needs_description=bool(reason and reason.extra_information_needed),
            has_multiple_units=item.has_multiple_units,
            needs_pickup=carrier.needs_pickup if carrier else (None if ask.carrier else False),
            is_address_known=ask.pickup_address in {*self.address_ids, *own_copies},
            needs_bank_account=settings.BANK_ACCOUNT_REQUIRED and bool(item.cash_minor),
            is_strict_about_reasons=settings.STRICT_REASON_TYPE,
            is_loyalty_open=settings.LOYALTY_MONEY_ENABLED
            and (settings.LOYALTY_FOR_GUESTS or not is_guest),
        )


def load_eligibility_data(asks: Sequence[NewCase], scope: OrderScope) -> EligibilityData:
    """Read what the asks name: at most four queries, however many asks there are."""
    items = _items(item_ids=sorted({ask.order_item for ask in asks}))
    reason_ids = sorted({ask.reason for ask in asks})
    reasons = _reasons(reason_ids=reason_ids, channel_id=scope.channel_id)
    refunds = [ask for ask in asks if ask.kind == Kind.REFUND]
    carrier_ids = sorted({ask.carrier or settings.RETURN_CARRIER for ask in refunds} - {0})
    address_ids = sorted({ask.pickup_address for ask in asks if ask.pickup_address is not None})
    return EligibilityData(
        items={item.id: item for item in items if scope.covers(item.order)},
        reasons={reason.id: reason for reason in reasons},
        carriers=_carriers(carrier_ids, scope) if carrier_ids else {},
        address_ids=_addresses(address_ids, scope),
    )


def _carriers(ids: list[int], scope: OrderScope) -> dict[int, CarrierRow]:
    rows = carriers(carrier_ids=ids, channel_id=scope.channel_id)
    # A shopper may not choose every carrier; the shop may, for all.
    return {
        row.id: row for row in rows if row.is_user_selectable or row.id == settings.RETURN_CARRIER
    }


def _addresses(ids: list[int], scope: OrderScope) -> frozenset[int]:
    """Those of the customer's own book; a guest has none, only their order's copies."""
    if not ids or scope.user_id is None:
        return frozenset()
    return frozenset(row.id for row in pickup_addresses(address_ids=ids, user_id=scope.user_id))
