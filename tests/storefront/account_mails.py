"""Mails about accounts: delivering them as the worker does, and their links."""

import re
from urllib.parse import urlsplit

from django.core import mail
from django.core.mail import EmailMessage

from takeback.handlers.all_topics import HANDLERS
from takeback.outbox.worker import Worker

_LINK = re.compile(r"^https?://\S+$", re.MULTILINE)


def deliver() -> list[EmailMessage]:
    """Deliver all messages; the mails that were sent."""
    mail.outbox.clear()
    Worker(HANDLERS).deliver_all()
    return list(mail.outbox)


def deliver_one() -> EmailMessage:
    """Deliver all messages, which send exactly one mail."""
    [message] = deliver()
    return message


def path_in(message: EmailMessage) -> str:
    """The path of the mail's only link."""
    [link] = _LINK.findall(str(message.body))
    return str(urlsplit(link).path)
