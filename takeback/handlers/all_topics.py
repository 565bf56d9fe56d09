"""The handlers of all topics, which the worker runs."""

from collections.abc import Mapping

from takeback.handlers import account_mails, mails, refunds, staff_mails
from takeback.outbox.worker import Handler

HANDLERS: Mapping[str, Handler] = {
    **mails.HANDLERS,
    **account_mails.HANDLERS,
    **staff_mails.HANDLERS,
    **refunds.HANDLERS,
}

IN_THREADS = frozenset(refunds.HANDLERS)
"""Topics whose handlers wait for providers, and end by themselves: they run side by side."""
