"""Who opens a case, a customer or a guest, and whose items the request may name."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings

from takeback.accounts.policy import shop_policy
from takeback.accounts.sessions import AccountRow
from takeback.core.actor import Actor, ActorKind
from takeback.core.errors import Refused
from takeback.core.ids import ItemId
from takeback.core.normalize import email_key, number_key
from takeback.limits.commands import Bucket, count, key_of
from takeback.orders.queries import order_of_item
from takeback.orders.scope import OrderScope
from takeback.shoppers.guest_lookup import HOUR, LOOKUP_FAILED, find_guest_order


@dataclass(frozen=True, slots=True)
class Requester:
    """A shopper who may open cases for the items of a scope."""

    actor: Actor
    scope: OrderScope
    account: AccountRow | None = None
    # A guest whose request names no order: items outside the grants are refused like no grant.
    has_grants_only: bool = False

    @property
    def principal(self) -> str:
        """The caller's identity for idempotency keys."""
        name = "order" if self.actor.kind is ActorKind.GUEST else "user"
        return f"{name}:{self.actor.number}"

    def limited_to(self, order_id: int) -> "Requester":
        return replace(self, scope=replace(self.scope, order_ids=frozenset({order_id})))

    def for_item(self, item_id: ItemId) -> "Requester":
        """The requester for an item: a guest with several grants acts for the item's order."""
        granted = self.scope.order_ids or ()
        if not self.has_grants_only or len(granted) == 1:
            return self
        order_id = order_of_item(item_id)
        if order_id is None or order_id not in granted:
            return self
        return replace(self.limited_to(order_id), actor=Actor(ActorKind.GUEST, order_id))


def customer_requester(account: AccountRow, channel_id: int, now: datetime) -> Requester:
    """A signed-in customer; counts the request."""
    _count(_request_bucket(channel_id, "user", account.id), now)
    return Requester(
        actor=Actor(ActorKind.CUSTOMER, account.id),
        scope=OrderScope(channel_id, user_id=account.id),
        account=account,
    )


def lookup_requester(
    channel_id: int,
    number: str,
    email: str,
    *,
    address: str,
    granted: Sequence[int],
    now: datetime,
) -> Requester:
    """A guest who names the order; the look-up counts the request in its own statement.

    Requests count per pair: a stranger who knows the number cannot use up the owner's.
    """
    requests = _request_bucket(channel_id, "pair", channel_id, number_key(number), email_key(email))
    order = find_guest_order(
        channel_id, number, email, address=address, now=now, granted=granted, also=[requests]
    )
    return _guest(channel_id, [order.id], has_grants_only=False)


def granted_requester(channel_id: int, order_ids: Sequence[int], now: datetime) -> Requester:
    """A guest with access to these orders; counts the request.

    An item alone is never enough (promise P21): without a grant the refusal is that of a failed
    look-up (P19).
    """
    if not order_ids:
        raise Refused(LOOKUP_FAILED)
    _count(_request_bucket(channel_id, "order", order_ids[0]), now)
    return _guest(channel_id, order_ids, has_grants_only=True)


def _guest(channel_id: int, order_ids: Sequence[int], *, has_grants_only: bool) -> Requester:
    return Requester(
        actor=Actor(ActorKind.GUEST, order_ids[0]),
        scope=OrderScope(channel_id, order_ids=frozenset(order_ids)),
        has_grants_only=has_grants_only,
    )


def _request_bucket(channel_id: int, kind: str, *name: int | str) -> Bucket:
    key = key_of("requests", kind, *map(str, name))
    return Bucket(key, shop_policy(channel_id).requests_per_hour, HOUR)


def _count(requests: Bucket, now: datetime) -> None:
    if settings.LIMITS_ENABLED:
        count([requests], now)
