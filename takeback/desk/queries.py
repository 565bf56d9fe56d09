"""What the desk's pages read: fixed numbers of questions, however much there is to show."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery

from takeback.accounts.models import User
from takeback.cancellations.models import (
    CancellationReason,
    CancellationRequest,
    CancellationRequestImage,
    CaseHistory,
)
from takeback.cancellations.queries import reasons_on_offer
from takeback.cancellations.statuses import LIVE
from takeback.core.actor import ActorKind
from takeback.core.db.planner import custom_plan
from takeback.desk.filters import UNDECIDED, QueueFilters, status_filter
from takeback.orders.models import Order, OrderItem

PAGE = 50
MOST_ALIKE = 20


class QueueRow(NamedTuple):
    """A case as the queue shows it."""

    id: int
    status: str
    cancellation_type: str
    quantity: int
    created_date: datetime
    order_item__sku: str
    order_item__product__document: Any
    order_item__order__number: str
    order_item__order__user_email: str
    reason__subject: str
    reason__translations: Any
    channel_id: int


class ActionRow(NamedTuple):
    """A step that a member of staff took."""

    id: int
    cancellation_request_id: int
    event: str
    message: str | None
    overridden: list[str]
    at: datetime
    actor_number: int
    name: str | None
    cancellation_request__order_item__order__number: str


class StepRow(NamedTuple):
    """A step of a case; `name` is the user's whom `actor_number` would be."""

    event: str
    after: str
    actor_kind: str
    actor_number: int | None
    name: str | None
    message: str | None
    overridden: list[str]
    at: datetime


class AlikeRow(NamedTuple):
    """Another case that has the same `mark`: a picture's digest, or the index of an account."""

    id: int
    number: str
    created_date: datetime
    mark: str | None


class Alike(NamedTuple):
    """What another case has, too."""

    picture: bool
    account: bool


def _listed(channel_ids: Collection[int]) -> "QuerySet[CancellationRequest]":
    return CancellationRequest.objects.filter(channel_id__in=channel_ids, is_hidden=False)


def queue(channel_ids: Collection[int], wanted: QueueFilters, start: int | None) -> list[QueueRow]:
    """A page of cases and, if there are more, the first of the next page; `start` is the first."""
    found = _listed(channel_ids).filter(wanted.condition())
    if start is not None:
        found = (
            found.filter(pk__gte=start) if wanted.is_oldest_first else found.filter(pk__lte=start)
        )
    rows = found.order_by(_order(wanted)).values_list(*QueueRow._fields)
    with custom_plan():
        return [QueueRow(*row) for row in rows[: PAGE + 1]]


def _order(wanted: QueueFilters) -> str:
    """The number of a case is the order of asking, and has an index."""
    return "pk" if wanted.is_oldest_first else "-pk"


def neighbours(
    channel_ids: Collection[int], wanted: QueueFilters, request_id: int
) -> tuple[int | None, int | None]:
    """The cases before and after this one in the queue: one question for both."""
    found = _listed(channel_ids).filter(wanted.condition())
    lower = found.filter(pk__lt=request_id).order_by("-pk").values_list("pk", flat=True)[:1]
    higher = found.filter(pk__gt=request_id).order_by("pk").values_list("pk", flat=True)[:1]
    near = Q(pk__in=lower) | Q(pk__in=higher)
    with custom_plan():
        ids = list(CancellationRequest.objects.filter(near).values_list("pk", flat=True))
    below = next((pk for pk in ids if pk < request_id), None)
    above = next((pk for pk in ids if pk > request_id), None)
    return (below, above) if wanted.is_oldest_first else (above, below)


def waiting(channel_ids: Collection[int]) -> dict[str, int]:
    """How many cases there are to decide, by status."""
    counted = _listed(channel_ids).filter(status_filter(UNDECIDED))
    return dict(counted.values_list("status").annotate(Count("pk")).order_by())


def case(channel_ids: Collection[int], request_id: int) -> CancellationRequest | None:
    """A case of these channels with what belongs to it."""
    return (
        _listed(channel_ids)
        .select_related(
            "channel",
            "easy_return",
            "plan",
            "reason",
            "order_item__product",
            "order_item__order__user",
            "order_item__order__shipping_address",
        )
        .filter(pk=request_id)
        .first()
    )


def pictures(request_id: int) -> list[CancellationRequestImage]:
    """A case's pictures in their order."""
    found = CancellationRequestImage.objects.filter(cancellation_request_id=request_id)
    return list(found.order_by("id"))


def with_these_pictures(
    channel_ids: Collection[int], digests: Collection[str], *, but: int
) -> list[AlikeRow]:
    """Other cases than this one with such a picture, the newest first; one row for each picture."""
    found = _pictures_listed(channel_ids).filter(digest__in=digests)
    rows = (
        found.exclude(cancellation_request_id=but)
        .order_by("-id")
        .values_list(
            "cancellation_request_id",
            "cancellation_request__order_item__order__number",
            "cancellation_request__created_date",
            "digest",
        )
    )
    return [AlikeRow(*row) for row in rows[:MOST_ALIKE]]


def with_this_account(channel_ids: Collection[int], account: str, *, but: str) -> list[AlikeRow]:
    """Cases of other customers than this one that name the same account, the newest first."""
    found = (
        _listed(channel_ids).filter(iban_index=account).exclude(order_item__order__email_key=but)
    )
    rows = found.order_by("-id").values_list(
        "id", "order_item__order__number", "created_date", "iban_index"
    )
    return [AlikeRow(*row) for row in rows[:MOST_ALIKE]]


def alike(channel_ids: Collection[int], request_ids: Collection[int]) -> dict[int, Alike]:
    """Which of these cases have a picture twice or with others, or another customer's account."""
    twins = _pictures_listed(channel_ids).filter(digest=OuterRef("digest"))
    pictured = CancellationRequestImage.objects.filter(
        Exists(twins.exclude(pk=OuterRef("pk"))), cancellation_request=OuterRef("pk")
    )
    sharing = _listed(channel_ids).filter(iban_index=OuterRef("iban_index"))
    others = sharing.exclude(order_item__order__email_key=OuterRef("order_item__order__email_key"))
    found = CancellationRequest.objects.filter(pk__in=request_ids)
    rows = found.values_list("pk", Exists(pictured), Exists(others))
    return {pk: Alike(picture, account) for pk, picture, account in rows}


def _pictures_listed(channel_ids: Collection[int]) -> "QuerySet[CancellationRequestImage]":
    return CancellationRequestImage.objects.filter(
        cancellation_request__channel_id__in=channel_ids, cancellation_request__is_hidden=False
    )


_NAME = Subquery(User.objects.filter(pk=OuterRef("actor_number")).values("username"))
"""Of whoever took a step; it is a name only where staff did."""


def history(request_id: int) -> list[StepRow]:
    """A case's steps, the first first."""
    found = CaseHistory.objects.filter(cancellation_request_id=request_id).order_by("seq")
    return [StepRow(*row) for row in found.annotate(name=_NAME).values_list(*StepRow._fields)]


def channel_of_picture(name: str) -> int | None:
    """The channel whose case a picture belongs to."""
    found = CancellationRequestImage.objects.filter(
        image=name, cancellation_request__is_hidden=False
    )
    return found.values_list("cancellation_request__channel_id", flat=True).first()


def order(channel_ids: Collection[int], order_id: int) -> Order | None:
    """An order of these channels."""
    found = Order.objects.select_related("user").filter(channel_id__in=channel_ids)
    return found.filter(pk=order_id).first()


def orders_named(channel_ids: Collection[int], number: str) -> list[tuple[int, str]]:
    """Orders with this number, one per channel at most."""
    found = Order.objects.filter(channel_id__in=channel_ids, number=number)
    return list(found.order_by("pk").values_list("pk", "number"))


def lines_of(order_id: int) -> list[OrderItem]:
    """The lines of an order with their products."""
    found = OrderItem.objects.filter(order_id=order_id).select_related("product")
    return list(found.order_by("id"))


def cases_of_order(order_id: int) -> Sequence[CancellationRequest]:
    """The cases of an order that are on the lists."""
    found = CancellationRequest.objects.filter(order_item__order_id=order_id, is_hidden=False)
    return list(found.order_by("-pk"))


def has_other_live_case(found: CancellationRequest) -> bool:
    """Whether another case of the same line lives."""
    others = CancellationRequest.objects.filter(order_item_id=found.order_item_id)
    return others.filter(status__in=[each.value for each in LIVE]).exclude(pk=found.pk).exists()


def reasons_of(channel_id: int) -> list[CancellationReason]:
    """Every reason that may be chosen in a channel, by kind."""
    return list(reasons_on_offer(channel_id).order_by("cancellation_type", "order", "id"))


def actions(
    channel_ids: Collection[int], user_id: int | None, start: int | None
) -> list[ActionRow]:
    """What staff did last in these channels, one of them or all, and one row more than a page."""
    found = CaseHistory.objects.filter(
        actor_kind=ActorKind.STAFF.value, cancellation_request__channel_id__in=channel_ids
    )
    if user_id is not None:
        found = found.filter(actor_number=user_id)
    if start is not None:
        found = found.filter(pk__lte=start)
    rows = found.order_by("-pk").annotate(name=_NAME).values_list(*ActionRow._fields)
    return [ActionRow(*row) for row in rows[: PAGE + 1]]
