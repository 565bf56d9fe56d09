"""The handlers of all topics, which the worker runs."""

from collections.abc import Mapping

from takeback.handlers import account_mails, mails, staff_mails
from takeback.outbox.worker import Handler

HANDLERS: Mapping[str, Handler] = {
    **mails.HANDLERS,
    **account_mails.HANDLERS,
    **staff_mails.HANDLERS,
}
