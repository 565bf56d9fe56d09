"""Handlers that send mails about customer accounts."""

from collections.abc import Mapping

from takeback.accounts.customers import has_account, registered_customer
from takeback.accounts.models import User
from takeback.core import clock
from takeback.notifications.account_mails import (
    account_exists_mail,
    confirmation_mail,
    sign_in_code_mail,
)
from takeback.notifications.send import send
from takeback.outbox.worker import Delivery, Handler
from takeback.shoppers.commands import sign_in_links
from takeback.shoppers.commands.hand_off import page_url
from takeback.shoppers.commands.sign_in_codes import issue_code
from takeback.shoppers.confirmation_links import confirmation_link
from takeback.shoppers.topics import Topic


def send_registration_mail(delivery: Delivery) -> None:
    """Send the confirmation link, or the hint that the address has an account already.

    The handler decides between the two, so that registering takes the same time in both cases. A
    customer who is no longer pending needs no mail.
    """
    customers = User.objects.select_related("channel").filter(user_type=User.PENDING)
    user = customers.filter(pk=delivery.payload["user"]).first()
    if user is None or user.channel is None:
        return
    if has_account(registered_customer(user.channel.pk, user.email_key)):
        send(account_exists_mail(user, user.channel), delivery.key)
    else:
        send(confirmation_mail(user, user.channel, confirmation_link(user)), delivery.key)


def send_sign_in_code_mail(delivery: Delivery) -> None:
    """Issue a code and send it with a link, unless the request is too old.

    A code is also issued for an address that no customer has: checking a code then takes the same
    time as for other addresses.
    """
    payload, now = delivery.payload, clock.now()
    if now.timestamp() >= payload["expires_at_epoch"]:
        return
    code = issue_code(payload["secret"], now)
    customers = User.objects.select_related("channel").filter(is_active=True)
    user = customers.filter(pk=payload["user"], user_type=User.REGISTERED).first()
    if user is not None and user.channel is not None:
        link = page_url(user.channel.pk, sign_in_links.token_of(user))
        mail = sign_in_code_mail(
            user, user.channel, code=code, link=link, language=payload["language"]
        )
        send(mail, delivery.key)


HANDLERS: Mapping[str, Handler] = {
    Topic.REGISTERED.value: send_registration_mail,
    Topic.SIGN_IN_CODE_REQUESTED.value: send_sign_in_code_mail,
}
