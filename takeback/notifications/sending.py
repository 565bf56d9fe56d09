"""Handing a mail to the mail server."""

import uuid
from smtplib import SMTPDataError, SMTPRecipientsRefused
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email

from takeback.notifications.mails import Mail
from takeback.outbox.worker import PermanentFailure

_FOR_GOOD = 500


class AddressRefused(PermanentFailure):
    """There is no such mailbox, or it is no address at all."""


class MailRefused(PermanentFailure):
    """The server will not have this mail."""


def send(mail: Mail, key: str) -> None:
    """Send it under the name that belongs to this key; sent again, it is the same mail.

    `Hopeless` when the server refuses address or mail for good (a 5xx reply). Whatever else goes
    wrong may be over later, and is raised as it comes.
    """
    try:
        validate_email(mail.recipient)
    except ValidationError:
        raise AddressRefused from None
    message = EmailMessage(
        mail.subject,
        mail.body,
        to=[mail.recipient],
        headers={
            "Message-ID": message_id(key),
            "Content-Language": mail.language,
            "Auto-Submitted": "auto-generated",  # no holiday answers, please (RFC 3834)
        },
    )
    # Without their cause: what the server replied names the address (promise P25).
    try:
        message.send()
    except SMTPRecipientsRefused as refused:
        if all(code >= _FOR_GOOD for code, _ in refused.recipients.values()):
            raise AddressRefused from None
        raise
    except SMTPDataError as refused:
        if refused.smtp_code >= _FOR_GOOD:
            raise MailRefused from None
        raise


def message_id(key: str) -> str:
    """The same for the same message of the same installation, and for no other."""
    name = uuid.uuid5(uuid.NAMESPACE_URL, f"{settings.SITE_URL}/{key}")
    return f"<{name}@{urlsplit(settings.SITE_URL).hostname}>"
