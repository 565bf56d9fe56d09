"""Who asks for a cancellation or a return, and whose items they may name."""

from dataclasses import dataclass, replace

from django.conf import settings

from takeback.accounts.sessions import AccountRow
from takeback.core import clock
from takeback.core.actor import Actor, ActorKind
from takeback.core.client_ip import client_address
from takeback.core.errors import Refused
from takeback.limits.commands import Bucket, enforce, increment, key_of
from takeback.orders.queries import order_of_item
from takeback.orders.scope import OrderScope
from takeback.shoppers import errors as shoppers_errors
from takeback.shoppers import guest_lookup as shoppers_guest_lookup
from takeback.storefront.base import StorefrontView
from takeback.storefront.serializers import guest_lookup

HOUR = 3600


@dataclass(frozen=True, slots=True)
class Requester:
    """Somebody who may ask for the items of their scope."""

    actor: Actor
    scope: OrderScope
    account: AccountRow | None = None
    has_only_proof: bool = False
    """A guest who named no order: an item outside their proof is as good as no proof."""

    @property
    def principal(self) -> str:
        """Who repeats a call, when one is repeated."""
        name = "order" if self.actor.kind is ActorKind.GUEST else "user"
        return f"{name}:{self.actor.number}"

    def only(self, order_id: int) -> "Requester":
        """The same, of one order."""
        return replace(self, scope=replace(self.scope, order_ids=frozenset({order_id})))

    def about(self, item_id: int) -> "Requester":
        """The same; a guest who has proved several orders acts for that of this item."""
        proven = self.scope.order_ids or ()
        if not self.has_only_proof or len(proven) == 1:
            return self
        order_id = order_of_item(item_id)
        if order_id is None or order_id not in proven:
            return self
        return replace(self.only(order_id), actor=Actor(ActorKind.GUEST, order_id))


def customer_of(view: StorefrontView) -> Requester:
    """The signed-in customer, whose calls are counted."""
    account = view.account
    _count(_calls_of("user", account.id))
    return Requester(
        actor=Actor(ActorKind.CUSTOMER, account.id),
        scope=OrderScope(view.channel_id, user_id=account.id),
        account=account,
    )


def guest_of(view: StorefrontView) -> Requester:
    """A guest who names number and e-mail address, or has proved the order in this session.

    A bare item is never enough (promise P21); whatever does not match is one answer (P19).
    """
    named = bool({"number", "order", "email"}.intersection(view.body))
    order_ids = [_named_order(view)] if named else list(view.caller.granted_orders)
    if not order_ids:
        raise Refused(shoppers_errors.LOOKUP_FAILED)
    if not named:
        _count(_calls_of("order", order_ids[0]))
    return Requester(
        actor=Actor(ActorKind.GUEST, order_ids[0]),
        scope=OrderScope(view.channel_id, order_ids=frozenset(order_ids)),
        has_only_proof=not named,
    )


def _named_order(view: StorefrontView) -> int:
    body = guest_lookup.run_validation(view.body)
    channel_id, number = view.channel_id, body.get("number") or body["order"]
    found = shoppers_guest_lookup.find_guest_order(
        channel_id,
        number,
        body["email"],
        address=client_address(view.django_request),
        now=clock.now(),
        # Counted with the look-up, in the same statement.
        also=[_calls_of("number", channel_id, number)],
    )
    return found.id


def _calls_of(kind: str, *name: int | str) -> Bucket:
    """The calls of somebody who asks, as they are known here."""
    key = key_of("requests", kind, *map(str, name))
    return Bucket(key, settings.REQUESTS_PER_HOUR, HOUR)


def _count(calls: Bucket) -> None:
    if settings.LIMITS_ENABLED:
        enforce([calls], increment([calls], clock.now()))
