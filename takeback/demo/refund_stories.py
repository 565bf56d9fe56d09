"""What becomes of the refunds of the demo shop, by the story of their order in stories.toml."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from takeback.accounts.models import User
from takeback.cancellations.commands.apply_refund_news import mark_refund_paid
from takeback.cancellations.commands.undo import undo
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.statuses import Status as CaseStatus
from takeback.core import clock
from takeback.core.actor import Actor, ActorKind
from takeback.core.ids import CaseId
from takeback.demo.catalogue import read_data
from takeback.demo.refunds import RefundSender, payment_id, provider_amount, reload
from takeback.orders.scope import OrderScope
from takeback.refund_providers.sandbox_server.failures import Failure
from takeback.refunds.commands.retry import retry_by_other_means
from takeback.refunds.models import Refund
from takeback.refunds.statuses import PAID_BY_A_PERSON, Means, Status

COLLEAGUE_USERNAME: Final = "colleague"
"""The agent who requests the refunds, so that the visitor can be the second person."""

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_UNDONE_AFTER: Final = timedelta(seconds=5)

Story = Callable[[RefundSender, Refund], None]


def _confirmed(sender: RefundSender, refund: Refund) -> None:
    if refund.means in PAID_BY_A_PERSON:
        _mark_paid(sender, refund)
    else:
        sender.send(refund)


def _pending(sender: RefundSender, refund: Refund) -> None:
    if refund.means == Means.ORIGINAL:
        sender.fail(refund, Failure.PENDING_FOREVER)
        sender.send(refund)
    elif refund.means == Means.LOYALTY:
        sender.send(refund)


def _sending(sender: RefundSender, refund: Refund) -> None:
    """As if the worker had been killed at this moment, before the request left."""
    sender.begin(refund, clock.now())


def _in_doubt(sender: RefundSender, refund: Refund) -> None:
    """Sent at the last moment: a day later a person would look at it."""
    _lose_request(sender, refund, sender.reference)
    sender.hide_state(refund)


def _in_doubt_for_days(sender: RefundSender, refund: Refund) -> None:
    _lose_request(sender, refund)
    sender.hide_state(refund)
    sender.apply_no_state(refund, sender.reference)


def _refused(sender: RefundSender, refund: Refund) -> None:
    body = '{"error": {"code": "card_closed", "message": "The card is closed."}}'
    sender.fail(refund, Failure.CUSTOM_REPLY, status=422, body=body)
    sender.send(refund)


def _late_failure(sender: RefundSender, refund: Refund) -> None:
    sender.send(refund)
    _set_status(sender, refund, "failed", "account_closed")
    sender.apply_state(refund, sender.after(refund, 12 * _DAY))


def _other_means(sender: RefundSender, refund: Refund) -> None:
    _late_failure(sender, refund)
    new = retry_by_other_means(
        refund.pk,
        Means.BANK_TRANSFER,
        consent="By phone: please use the account of my request.",
        actor=_colleague(),
        now=sender.after(refund, 13 * _DAY),
    )
    _mark_paid(sender, reload(Refund.objects.get(pk=new)))


def _cancelled(sender: RefundSender, refund: Refund) -> None:
    case = CancellationRequest.objects.get(plan=refund.plan_id, status=CaseStatus.APPROVED.value)
    scope = OrderScope(refund.order.channel_id)
    now = sender.after(refund, _UNDONE_AFTER)
    undo(CaseId(case.pk), scope, actor=_colleague(), now=now)


def _try(sender: RefundSender, refund: Refund) -> None:
    sender.try_now(refund)


def _disputed(sender: RefundSender, refund: Refund) -> None:
    sender.sandbox.dispute(payment_id(refund.payment))
    sender.try_now(refund)


def _not_enough_left(sender: RefundSender, refund: Refund) -> None:
    left = refund.payment.captured_minor - refund.amount_minor // 2
    sender.sandbox.refund_in_dashboard(payment_id(refund.payment), provider_amount(refund, left))
    sender.send(refund)


def _refunded_by_others(sender: RefundSender, refund: Refund) -> None:
    sender.send(refund)
    half = provider_amount(refund, refund.amount_minor // 2)
    sender.sandbox.refund_in_dashboard(payment_id(refund.payment), half)
    sender.apply_state(refund, sender.after(refund, _DAY))


def _charged_back(sender: RefundSender, refund: Refund) -> None:
    sender.send(refund)
    left = provider_amount(refund, refund.payment.captured_minor - refund.amount_minor)
    sender.sandbox.charge_back(payment_id(refund.payment), left)
    sender.apply_state(refund, sender.after(refund, _DAY))


def _total_moved(sender: RefundSender, refund: Refund) -> None:
    _lose_request(sender, refund)
    sender.sandbox.refund_in_dashboard(payment_id(refund.payment), provider_amount(refund))
    sender.apply_state(refund, sender.after(refund, _HOUR))


def _wrong_amount(sender: RefundSender, refund: Refund) -> None:
    sender.fail(refund, Failure.PARTIAL_AMOUNT)
    sender.send(refund)


def _contradiction(sender: RefundSender, refund: Refund) -> None:
    """It fails, and has succeeded after all."""
    sender.fail(refund, Failure.PENDING_FOREVER)
    sender.send(refund)
    for status, wait in (("failed", _HOUR), ("succeeded", 2 * _HOUR)):
        _set_status(sender, refund, status)
        sender.apply_state(refund, sender.after(refund, wait))


def _overdue(sender: RefundSender, refund: Refund) -> None:
    _pending(sender, refund)
    sender.apply_state(refund, sender.after(refund, 14 * _DAY + _HOUR))


def _for_a_person(sender: RefundSender, refund: Refund) -> None:
    """It was planned as one that a person pays."""


STORIES: Final[Mapping[str, tuple[str, Story]]] = {
    "planned": ("It waits because its payment account is paused.", _try),
    "above_limit": ("It waits: its account allows smaller refunds only.", _try),
    "second_person": ("It waits for a second person: it is above the calculated amount.", _try),
    "disputed": ("It waits while the shopper disputes the payment.", _disputed),
    "sending": ("A worker was killed while it sent it; soon another one clears it up.", _sending),
    "in_doubt": ("The reply was lost, and the provider's state cannot be read.", _in_doubt),
    "pending": ("The provider has accepted it: its plan is waiting for payment.", _pending),
    "confirmed": ("It was paid back, which completed plan and case.", _confirmed),
    "refused": ("It failed: the provider refused it.", _refused),
    "late_failure": ("It was paid back, and the money came back later.", _late_failure),
    "cancelled": ("It was cancelled when the approval was undone.", _cancelled),
    "other_means": ("It replaces one that came back, by bank transfer.", _other_means),
    "points": ("It gave back the points that were spent; the card has got the rest.", _confirmed),
    "found": (
        "Somebody has refunded more of its payment in the provider's pages.",
        _refunded_by_others,
    ),
    "charged_back": ("The shopper's bank has taken the rest of its payment back.", _charged_back),
    "manual_payment": ("A person pays it to a bank account.", _for_a_person),
    "no_provider_payment": ("Its payment has no id at the provider.", _try),
    "account_missing": ("Its payment names an account that does not exist.", _try),
    "capture_differs": ("The provider has charged another amount.", _try),
    "other_currency": ("The provider has charged another currency.", _try),
    "not_enough_left": ("Others have refunded most of its payment.", _not_enough_left),
    "key_expired": (
        "Its result is not known, and it can no longer be repeated.",
        _in_doubt_for_days,
    ),
    "total_moved": ("The provider lists an equal refund that may be this one.", _total_moved),
    "wrong_amount": ("The provider has paid back another amount.", _wrong_amount),
    "contradiction": (
        "The provider says that it failed, and then that it was paid.",
        _contradiction,
    ),
    "overdue": ("The provider has been working on it for two weeks.", _overdue),
    "unreadable": (
        "For a day nobody has been able to read the provider's state.",
        _in_doubt_for_days,
    ),
}
"""What each story shows, in one sentence, and how it happens."""

REPLACED: Final = "replaced"
"""The name of the first refund of the story `other_means`."""


def play_refunds(sender: RefundSender) -> None:
    """Let all planned refunds meet the story of their order."""
    stories = {row["number"]: _story_of(row) for row in read_data("stories")["order"]}
    planned = Refund.objects.filter(status=Status.PLANNED.value).order_by("pk")
    for refund in list(planned.select_related("payment", "account", "order")):
        stories.get(refund.order.number, _pending)(sender, refund)


def _story_of(order: Mapping[str, object]) -> Story:
    """The story of an introduced order; refunds of other approved cases are under way."""
    if "refund" in order:
        return STORIES[str(order["refund"])][1]
    items = order["items"]
    assert isinstance(items, list)
    is_completed = any(item.get("case") == CaseStatus.COMPLETED for item in items)
    return _confirmed if is_completed else _pending


def _lose_request(sender: RefundSender, refund: Refund, at: datetime | None = None) -> None:
    """The connection breaks before the request is processed."""
    sender.fail(refund, Failure.RESET_BEFORE)
    sender.send(refund, at)


def _set_status(sender: RefundSender, refund: Refund, status: str, code: str | None = None) -> None:
    """The provider changes the status of a refund."""
    provider_refund = reload(refund).provider_refund
    assert provider_refund
    sender.sandbox.set_status(provider_refund, status, code)


def _mark_paid(sender: RefundSender, refund: Refund) -> None:
    now = sender.after(refund, _DAY)
    evidence = f"Bank transfer of {now:%d %B %Y}, number {refund.pk}"
    mark_refund_paid(refund.pk, evidence=evidence, actor=_colleague(), now=now)


def _colleague() -> Actor:
    return Actor(ActorKind.STAFF, User.objects.get(username=COLLEAGUE_USERNAME).pk)
