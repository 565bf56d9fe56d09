"""Which mail follows on what the outbox tells."""

from collections.abc import Mapping

from takeback.cancellations.models import CancellationRequest, CaseHistory
from takeback.cancellations.queries import cases_opened_together
from takeback.cancellations.statuses import Transition
from takeback.cancellations.topics import Topic
from takeback.notifications import mails
from takeback.notifications.offers import offer_mail
from takeback.notifications.sending import send
from takeback.orders.trade_in_offers import OFFERED
from takeback.outbox.worker import Delivery, Handler
from takeback.trade_in.links import make_link
from takeback.trade_in.models import Decision
from takeback.trade_in.queries import offer_of


def send_received_mail(delivery: Delivery) -> None:
    """One mail for all that was asked of an order in one go, sent with the first of its cases.

    A shopper who sends five things back asked once. Every case has a message all the same, and
    which of them is the first can be seen from the cases themselves: nothing needs to be kept.
    """
    request_id = delivery.payload["cancellation_request"]
    cases = cases_opened_together(request_id)
    if cases[0].pk == request_id:
        send(mails.received(cases), delivery.key)


def send_rejected_mail(delivery: Delivery) -> None:
    """A mail per case: each is decided by itself."""
    case = _case(delivery)
    steps = CaseHistory.objects.filter(cancellation_request=case, event=Transition.REJECT.value)
    send(mails.rejected(case, steps.values_list("note", flat=True).first()), delivery.key)


def send_account_changed_mail(delivery: Delivery) -> None:
    """Whoever reads the order's mailbox is asked, while there is something to confirm."""
    if mail := mails.account_changed(_case(delivery)):
        send(mail, delivery.key)


def _case(delivery: Delivery) -> CancellationRequest:
    cases = CancellationRequest.objects.select_related(
        "order_item__product", "order_item__order__channel"
    )
    return cases.get(pk=delivery.payload["cancellation_request"])


def send_offer_mail(delivery: Delivery) -> None:
    """An offer that was answered or replaced while the message waited is not mailed any more."""
    told = delivery.payload
    offer = offer_of(told["order_item"])
    if offer and offer.decision is None and offer.amount_minor == told["amount_minor"]:
        approve, reject = (make_link(offer, decision) for decision in Decision)
        send(offer_mail(offer, approve, reject), delivery.key)


HANDLERS: Mapping[str, Handler] = {
    Topic.OPENED.value: send_received_mail,
    Topic.REJECTED.value: send_rejected_mail,
    Topic.ACCOUNT_CHANGED.value: send_account_changed_mail,
    OFFERED: send_offer_mail,
}
