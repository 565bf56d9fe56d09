"""Sending mails."""

import uuid
from email.utils import formataddr, parseaddr
from smtplib import SMTPDataError, SMTPRecipientsRefused
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email

from takeback.notifications.mails import Mail
from takeback.outbox.worker import PermanentFailure

# SMTP replies from 500 are permanent.
_PERMANENT = 500


class AddressRefused(PermanentFailure):
    """The address is invalid, or the mailbox does not exist."""


class MailRefused(PermanentFailure):
    """The server refuses this mail permanently."""


def send(mail: Mail, key: str) -> None:
    """Send a mail with the Message-ID of its key, so that mail programs recognise a repetition.

    Raises PermanentFailure for a permanent refusal (5xx); other errors, which a retry may solve,
    pass through.
    """
    try:
        validate_email(mail.recipient)
    except ValidationError:
        raise AddressRefused from None
    message = EmailMessage(
        mail.subject,
        mail.body,
        _sender(mail.shop),
        to=[mail.recipient],
        headers={
            "Message-ID": message_id(key),
            "Content-Language": mail.language,
            "Auto-Submitted": "auto-generated",  # prevents automatic replies (RFC 3834)
        },
    )
    # `from None`: the server's reply contains the address, which is personal data (promise P25).
    try:
        message.send()
    except SMTPRecipientsRefused as refused:
        if all(code >= _PERMANENT for code, _ in refused.recipients.values()):
            raise AddressRefused from None
        raise
    except SMTPDataError as refused:
        if refused.smtp_code >= _PERMANENT:
            raise MailRefused from None
        raise


def _sender(shop: str) -> str:
    """The address of the settings, under the shop's name unless the settings have a name."""
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    if name or not shop or not address.isascii():
        return settings.DEFAULT_FROM_EMAIL
    return formataddr((shop, address))


def message_id(key: str) -> str:
    name = uuid.uuid5(uuid.NAMESPACE_URL, f"{settings.SITE_URL}/{key}")
    return f"<{name}@{urlsplit(settings.SITE_URL).hostname}>"
