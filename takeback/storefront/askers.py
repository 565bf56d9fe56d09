"""Who asks for a cancellation or a return, and whose items they may name."""

from dataclasses import dataclass, replace

from django.conf import settings

from takeback.accounts.sessions import AccountRow
from takeback.cancellations.asks import Scope
from takeback.core import clock
from takeback.core.actor import Actor, ActorKind
from takeback.core.callers import client_address
from takeback.core.problems import Refused
from takeback.limits.commands import Bucket, hit, key_of, refuse_above
from takeback.storefront import errors, lookup
from takeback.storefront.callers import Caller
from takeback.storefront.handling import StorefrontView
from takeback.storefront.schemas import guest_lookup
from takeback.storefront.shop import channel_of

HOUR = 3600


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody who may ask for the items of their scope."""

    actor: Actor
    scope: Scope
    account: AccountRow | None = None
    has_only_proof: bool = False
    """A guest who named no order: an item outside their proof is as good as no proof."""

    @property
    def principal(self) -> str:
        """Who repeats a call, when one is repeated."""
        name = "order" if self.actor.kind is ActorKind.GUEST else "user"
        return f"{name}:{self.actor.number}"

    def only(self, order_id: int) -> "Asker":
        """The same, of one order."""
        return replace(self, scope=replace(self.scope, order_ids=frozenset({order_id})))


def customer_of(view: StorefrontView) -> Asker:
    """The signed-in customer, whose calls are counted."""
    account = view.account
    if settings.LIMITS_ENABLED:
        key = key_of("requests", str(account.id))
        buckets = [Bucket(key, settings.REQUESTS_PER_HOUR, HOUR)]
        refuse_above(buckets, hit(buckets, clock.now()))
    return Asker(
        actor=Actor(ActorKind.CUSTOMER, account.id),
        scope=Scope(channel_of(view.plain), user_id=account.id),
        account=account,
    )


def guest_of(view: StorefrontView) -> Asker:
    """A guest who names number and e-mail address, or has proved the order in this session.

    A bare item is never enough (promise P21); whatever does not match is one answer (P19).
    """
    named = bool({"number", "order", "email"}.intersection(view.body))
    order_ids = [_named_order(view)] if named else _proven_orders(view)
    if not order_ids:
        raise Refused(errors.LOOKUP_FAILED)
    return Asker(
        actor=Actor(ActorKind.GUEST, order_ids[0]),
        scope=Scope(channel_of(view.plain), order_ids=frozenset(order_ids)),
        has_only_proof=not named,
    )


def _named_order(view: StorefrontView) -> int:
    body = guest_lookup.run_validation(view.body)
    address, now = client_address(view.plain), clock.now()
    number = body.get("number") or body["order"]
    return lookup.find(channel_of(view.plain), number, body["email"], address=address, now=now).id


def _proven_orders(view: StorefrontView) -> list[int]:
    caller = view.request.user
    return list(caller.proven_orders) if isinstance(caller, Caller) else []
