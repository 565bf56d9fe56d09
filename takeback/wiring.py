"""Which handler a topic's messages are delivered to: the only place that knows all of them."""

from collections.abc import Mapping

from takeback.cancellations.topics import Topic as OfCase
from takeback.notifications import handlers as notifications
from takeback.outbox.worker import Delivery, Handler
from takeback.tradein.topics import Topic as OfTradeIn


def unheard(delivery: Delivery) -> None:
    """Nobody here waits for this event; its message is done with."""


HANDLERS: Mapping[str, Handler] = {
    **{topic.value: unheard for topic in (*OfCase, *OfTradeIn)},
    **notifications.HANDLERS,
}
