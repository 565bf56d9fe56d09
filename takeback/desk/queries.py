"""Queries of the desk's pages; their number does not depend on the number of rows."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery

from takeback.accounts.models import User
from takeback.cancellations.history import RuleOutcome
from takeback.cancellations.models import (
    CancellationReason,
    CancellationRequest,
    CancellationRequestImage,
    CaseHistory,
)
from takeback.cancellations.queries import reasons_on_offer
from takeback.cancellations.statuses import Transition
from takeback.core.actor import ActorKind
from takeback.core.db.planner import custom_plan
from takeback.core.ids import PlanId
from takeback.core.normalize import number_key
from takeback.desk.filters import UNDECIDED, QueueFilters, status_filter
from takeback.orders.models import DateCorrection, Order, OrderItem

PAGE_SIZE = 50
MAX_SHARED = 20


class QueueRow(NamedTuple):
    id: int
    status: str
    cancellation_type: str
    quantity: int
    created_date: datetime
    order_item__sku: str
    order_item__status: int
    order_item__deferred_status: int | None
    order_item__product__document: Any
    order_item__order__number: str
    order_item__order__user_email: str
    reason__subject: str
    reason__translations: Any
    channel_id: int


class StepRow(NamedTuple):
    """A row of a case's history; `name` is the user with the id `actor_number`."""

    id: int
    seq: int
    event: str
    before: str | None
    after: str
    actor_kind: str
    actor_number: int | None
    name: str | None
    message: str | None
    internal_note: str | None
    rule_results: list[RuleOutcome] | None
    overridden: list[str]
    at: datetime
    cancellation_request_id: int
    cancellation_request__order_item__sku: str
    cancellation_request__order_item__product__document: Any
    cancellation_request__order_item__order__number: str


class CorrectionRow(NamedTuple):
    """A date of an item that staff corrected; `name` is the user who did it."""

    order_item_id: int
    column: str
    before: datetime | None
    after: datetime
    note: str
    name: str | None
    at: datetime


class SharingRow(NamedTuple):
    """Another case with the same `mark`: an image's digest or the blind index of an IBAN."""

    id: int
    number: str
    created_date: datetime
    mark: str | None


class SharedEvidence(NamedTuple):
    """Whether an image of a case occurs twice, and whether another customer has its account."""

    image: bool
    account: bool


def _visible_cases(channel_ids: Collection[int]) -> "QuerySet[CancellationRequest]":
    return CancellationRequest.objects.filter(channel_id__in=channel_ids, is_hidden=False)


def _visible_images(channel_ids: Collection[int]) -> "QuerySet[CancellationRequestImage]":
    return CancellationRequestImage.objects.filter(
        cancellation_request__channel_id__in=channel_ids, cancellation_request__is_hidden=False
    )


def queue_page(
    channel_ids: Collection[int], filters: QueueFilters, start: int | None
) -> list[QueueRow]:
    """A page of cases from the case `start`, and the first case of the next page, if any."""
    cases = _visible_cases(channel_ids).filter(filters.build_filter())
    # A case's id follows its creation, and is indexed.
    order, start_filter = ("pk", "pk__gte") if filters.is_oldest_first else ("-pk", "pk__lte")
    if start is not None:
        cases = cases.filter((start_filter, start))
    rows = cases.order_by(order).values_list(*QueueRow._fields)
    with custom_plan():
        return [QueueRow(*row) for row in rows[: PAGE_SIZE + 1]]


def adjacent_cases(
    channel_ids: Collection[int], filters: QueueFilters, case_id: int
) -> tuple[int | None, int | None]:
    """The cases before and after this one in the queue, by one query."""
    cases = _visible_cases(channel_ids).filter(filters.build_filter())
    lower = cases.filter(pk__lt=case_id).order_by("-pk").values_list("pk", flat=True)[:1]
    higher = cases.filter(pk__gt=case_id).order_by("pk").values_list("pk", flat=True)[:1]
    either = Q(pk__in=lower) | Q(pk__in=higher)
    with custom_plan():
        ids = list(CancellationRequest.objects.filter(either).values_list("pk", flat=True))
    older = next((pk for pk in ids if pk < case_id), None)
    newer = next((pk for pk in ids if pk > case_id), None)
    return (older, newer) if filters.is_oldest_first else (newer, older)


def count_undecided(channel_ids: Collection[int]) -> dict[str, int]:
    """The number of cases that need a decision, by status."""
    cases = _visible_cases(channel_ids).filter(status_filter(UNDECIDED))
    return dict(cases.values_list("status").annotate(Count("pk")).order_by())


def cases(channel_ids: Collection[int]) -> "QuerySet[CancellationRequest]":
    return _visible_cases(channel_ids).select_related(
        "channel",
        "easy_return",
        "plan",
        "reason",
        "order_item__product",
        "order_item__order__channel",
        "order_item__order__user",
        "order_item__order__shipping_address",
    )


def case_evidence(channel_ids: Collection[int], case: CancellationRequest) -> dict[str, Any]:
    """A case's images and its account, each with the other cases that share it.

    Shared evidence refuses nothing, and shoppers never learn of it: agents judge it.
    """
    images = CancellationRequestImage.objects.filter(cancellation_request=case).order_by("id")
    digests = [image.digest for image in images if image.digest]
    sharing = _cases_sharing_images(channel_ids, digests, case.pk) if digests else []
    return {
        "images": [
            {
                "image": image,
                "is_repeated": digests.count(image.digest or "") > 1,
                "shared_with": dict.fromkeys(row for row in sharing if row.mark == image.digest),
            }
            for image in images
        ],
        "account_shared_with": _cases_sharing_iban(channel_ids, case) if case.iban_index else [],
    }


def _cases_sharing_images(
    channel_ids: Collection[int], digests: Collection[str], case_id: int
) -> list[SharingRow]:
    """Other cases with such an image, newest first; one row for each image."""
    images = _visible_images(channel_ids).filter(digest__in=digests)
    rows = (
        images.exclude(cancellation_request_id=case_id)
        .order_by("-id")
        .values_list(
            "cancellation_request_id",
            "cancellation_request__order_item__order__number",
            "cancellation_request__created_date",
            "digest",
        )
    )
    return [SharingRow(*row) for row in rows[:MAX_SHARED]]


def _cases_sharing_iban(
    channel_ids: Collection[int], case: CancellationRequest
) -> list[SharingRow]:
    """Cases of other customers with the same account, newest first."""
    cases = _visible_cases(channel_ids).filter(iban_index=case.iban_index)
    others = cases.exclude(_is_of(case.order_item.order.email_key))
    rows = others.order_by("-id").values_list(
        "id", "order_item__order__number", "created_date", "iban_index"
    )
    return [SharingRow(*row) for row in rows[:MAX_SHARED]]


def _is_of(email_key: str | OuterRef) -> Q:
    """Cases of the customer with this address; customers without one are all different."""
    return Q(order_item__order__email_key=email_key) & ~Q(order_item__order__email_key="")


def shared_evidence(
    channel_ids: Collection[int], case_ids: Collection[int]
) -> dict[int, SharedEvidence]:
    """What each of these cases shares with itself, with others, or with other customers."""
    same_images = _visible_images(channel_ids).filter(digest=OuterRef("digest"))
    repeated = CancellationRequestImage.objects.filter(
        Exists(same_images.exclude(pk=OuterRef("pk"))), cancellation_request=OuterRef("pk")
    )
    same_account = _visible_cases(channel_ids).filter(iban_index=OuterRef("iban_index"))
    of_others = same_account.exclude(_is_of(OuterRef("order_item__order__email_key")))
    cases = CancellationRequest.objects.filter(pk__in=case_ids)
    rows = cases.values_list("pk", Exists(repeated), Exists(of_others))
    return {pk: SharedEvidence(image, account) for pk, image, account in rows}


def image_channel_id(name: str) -> int | None:
    images = CancellationRequestImage.objects.filter(
        image=name, cancellation_request__is_hidden=False
    )
    return images.values_list("cancellation_request__channel_id", flat=True).first()


def _step_rows(steps: "QuerySet[CaseHistory]") -> list[StepRow]:
    user = User.objects.filter(pk=OuterRef("actor_number"))
    named = steps.annotate(name=Subquery(user.values("username")))
    return [StepRow(*row) for row in named.values_list(*StepRow._fields)]


def case_history(case_id: int) -> list[StepRow]:
    return _step_rows(CaseHistory.objects.filter(cancellation_request_id=case_id).order_by("seq"))


def staff_actions(
    channel_ids: Collection[int], user_id: int | None, start: int | None
) -> list[StepRow]:
    """The latest steps by one or all members of staff: a page, and one row more.

    A confirmation that an approval brought with it is no step of its own.
    """
    approvals = CaseHistory.objects.filter(
        cancellation_request=OuterRef("cancellation_request"),
        seq=OuterRef("seq") + 1,
        event=Transition.APPROVE.value,
        at=OuterRef("at"),
    )
    steps = CaseHistory.objects.filter(
        actor_kind=ActorKind.STAFF.value, cancellation_request__channel_id__in=channel_ids
    ).exclude(Exists(approvals), event=Transition.CONFIRM.value, rule_results=None)
    if user_id is not None:
        steps = steps.filter(actor_number=user_id)
    if start is not None:
        steps = steps.filter(pk__lte=start)
    return _step_rows(steps.order_by("-pk")[: PAGE_SIZE + 1])


def orders(channel_ids: Collection[int]) -> "QuerySet[Order]":
    return Order.objects.select_related("user").filter(channel_id__in=channel_ids)


def orders_by_number(channel_ids: Collection[int], number: str) -> list[tuple[int, str]]:
    """Orders with this number in any notation; their channels may use one number twice."""
    matches = orders(channel_ids).filter(number_key=number_key(number))
    return list(matches.order_by("pk").values_list("pk", "number"))


def date_corrections(order_id: int) -> list[CorrectionRow]:
    """The corrected dates of an order's items, the latest first, with the names of staff."""
    user = User.objects.filter(pk=OuterRef("actor_number"))
    rows = DateCorrection.objects.filter(order_item__order_id=order_id).order_by("-pk")
    named = rows.annotate(name=Subquery(user.values("username")))
    return [CorrectionRow(*row) for row in named.values_list(*CorrectionRow._fields)]


def items_of(order_id: int) -> list[OrderItem]:
    items = OrderItem.objects.filter(order_id=order_id).select_related("product")
    return list(items.order_by("id"))


def cases_of_order(order_id: int) -> Sequence[CancellationRequest]:
    cases = CancellationRequest.objects.filter(order_item__order_id=order_id, is_hidden=False)
    return list(cases.order_by("-pk"))


def cases_of_plan(channel_ids: Collection[int], plan_id: PlanId) -> "QuerySet[CancellationRequest]":
    return _visible_cases(channel_ids).filter(plan_id=plan_id).order_by("pk")


def offered_reasons(channel_id: int) -> list[CancellationReason]:
    return list(reasons_on_offer(channel_id).order_by("cancellation_type", "order", "id"))
