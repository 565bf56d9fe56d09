"""Which mail follows on what the outbox tells."""

from collections.abc import Mapping

from takeback.cancellations.models import CancellationRequest, CaseHistory
from takeback.cancellations.queries import asked_together
from takeback.cancellations.states import Event
from takeback.cancellations.topics import Topic
from takeback.notifications import mails
from takeback.notifications.offers import tell_offer
from takeback.notifications.sending import send
from takeback.orders.offers import OFFERED
from takeback.outbox.worker import Delivery, Handler


def tell_received(delivery: Delivery) -> None:
    """One mail for all that was asked of an order in one go, sent with the first of its cases.

    A shopper who sends five things back asked once. Every case has a message all the same, and
    which of them is the first can be seen from the cases themselves: nothing needs to be kept.
    """
    request_id = delivery.payload["cancellation_request"]
    cases = asked_together(request_id)
    if cases[0].pk == request_id:
        send(mails.received(cases), delivery.key)


def tell_rejected(delivery: Delivery) -> None:
    """A mail per case: each is decided by itself."""
    case = _case(delivery)
    steps = CaseHistory.objects.filter(cancellation_request=case, event=Event.REJECT.value)
    send(mails.rejected(case, steps.values_list("note", flat=True).first()), delivery.key)


def tell_account_changed(delivery: Delivery) -> None:
    """Whoever reads the order's mailbox is asked, while there is something to confirm."""
    if mail := mails.account_changed(_case(delivery)):
        send(mail, delivery.key)


def _case(delivery: Delivery) -> CancellationRequest:
    cases = CancellationRequest.objects.select_related(
        "order_item__product", "order_item__order__channel"
    )
    return cases.get(pk=delivery.payload["cancellation_request"])


HANDLERS: Mapping[str, Handler] = {
    Topic.OPENED.value: tell_received,
    Topic.REJECTED.value: tell_rejected,
    Topic.ACCOUNT_CHANGED.value: tell_account_changed,
    OFFERED: tell_offer,
}
