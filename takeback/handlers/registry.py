"""Which handler the messages of a topic are delivered to."""

from collections.abc import Mapping

from takeback.cancellations.topics import Topic as OfCase
from takeback.handlers import mails as notifications
from takeback.outbox.worker import Delivery, Handler
from takeback.trade_in.topics import Topic as OfTradeIn


def unheard(delivery: Delivery) -> None:
    """Nobody here waits for this event; its message is done with."""


HANDLERS: Mapping[str, Handler] = {
    **{topic.value: unheard for topic in (*OfCase, *OfTradeIn)},
    **notifications.HANDLERS,
}
