"""Which handler a topic's messages are delivered to: the only place that knows all of them."""

from collections.abc import Mapping

from takeback.notifications import handlers as notifications
from takeback.outbox.worker import Handler

HANDLERS: Mapping[str, Handler] = {**notifications.HANDLERS}
