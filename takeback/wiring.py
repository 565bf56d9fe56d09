"""Which handler a topic's messages are delivered to: the only place that knows both."""

from collections.abc import Mapping

from takeback.outbox.worker import Handler

HANDLERS: Mapping[str, Handler] = {}
