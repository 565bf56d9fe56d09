"""Handlers that send mails."""

from collections.abc import Mapping

from takeback.cancellations.models import CancellationRequest, CaseHistory
from takeback.cancellations.queries import cases_completed_together, cases_opened_together
from takeback.cancellations.statuses import CaseEvent
from takeback.cancellations.topics import Topic
from takeback.core.ids import CaseId
from takeback.notifications.mails import (
    Mail,
    account_changed_mail,
    approved_mail,
    completed_mail,
    offer_mail,
    received_mail,
    rejected_mail,
)
from takeback.notifications.send import send
from takeback.orders.trade_in_offers import OFFERED
from takeback.outbox.worker import Delivery, Handler
from takeback.trade_in.models import Decision
from takeback.trade_in.offers import make_link, offer_of


def send_received_mail(delivery: Delivery) -> None:
    """Send one mail for all cases of a request, when the message of its first case arrives.

    Each case has a message of its own; the cases themselves show which is the first.
    """
    request_id = delivery.payload["cancellation_request"]
    cases = cases_opened_together(CaseId(request_id))
    if cases[0].pk == request_id:
        _send(received_mail(cases), delivery)


def send_approved_mail(delivery: Delivery) -> None:
    """Send a mail per case, because each is decided separately."""
    if decision := _standing_decision(delivery):
        _send(approved_mail(_case(delivery), decision.message), delivery)


def send_rejected_mail(delivery: Delivery) -> None:
    """Send a mail per case, because each is decided separately."""
    if decision := _standing_decision(delivery):
        _send(rejected_mail(_case(delivery), decision.message), delivery)


def send_completed_mail(delivery: Delivery) -> None:
    """Send one mail for all cases of a plan, when the message of its first case arrives.

    If nothing was paid back, the mail about the approval says so.
    """
    request_id = delivery.payload["cancellation_request"]
    cases = cases_completed_together(CaseId(request_id))
    if cases and cases[0].pk == request_id and (mail := completed_mail(cases)):
        _send(mail, delivery)


def _standing_decision(delivery: Delivery) -> CaseHistory | None:
    """The decision that a message reports, unless the agent has undone it."""
    case_id, seq = delivery.payload["cancellation_request"], delivery.payload["version"]
    steps = CaseHistory.objects.filter(cancellation_request_id=case_id, seq__gte=seq)
    decision, *later = steps.order_by("seq")[:2]
    return None if later and later[0].event == CaseEvent.UNDO else decision


def send_account_changed_mail(delivery: Delivery) -> None:
    """Send the confirmation link to the order's mailbox, if the account still needs it."""
    if mail := account_changed_mail(_case(delivery)):
        _send(mail, delivery)


def _send(mail: Mail, delivery: Delivery) -> None:
    """Send the mail, unless its customer has no e-mail address, as of an order of a till."""
    if mail.recipient:
        send(mail, delivery.key)


def _case(delivery: Delivery) -> CancellationRequest:
    cases = CancellationRequest.objects.select_related(
        "easy_return", "plan", "order_item__product", "order_item__order__channel"
    )
    return cases.get(pk=delivery.payload["cancellation_request"])


def send_offer_mail(delivery: Delivery) -> None:
    """Mail an offer, unless it was decided or replaced while the message waited."""
    payload = delivery.payload
    offer = offer_of(payload["order_item"])
    if offer and offer.decision is None and offer.amount_minor == payload["amount_minor"]:
        approve, reject = (make_link(offer, decision) for decision in Decision)
        _send(offer_mail(offer, approve, reject), delivery)


HANDLERS: Mapping[str, Handler] = {
    Topic.OPENED.value: send_received_mail,
    Topic.APPROVED.value: send_approved_mail,
    Topic.REJECTED.value: send_rejected_mail,
    Topic.COMPLETED.value: send_completed_mail,
    Topic.ACCOUNT_CHANGED.value: send_account_changed_mail,
    OFFERED: send_offer_mail,
}
