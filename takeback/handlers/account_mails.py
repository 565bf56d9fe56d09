"""Handlers that send mails about customer accounts."""

from collections.abc import Mapping

from takeback.accounts.customers import has_account, registered_customer
from takeback.accounts.models import User
from takeback.notifications.account_mails import account_exists_mail, confirmation_mail
from takeback.notifications.send import send
from takeback.outbox.worker import Delivery, Handler
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


HANDLERS: Mapping[str, Handler] = {
    Topic.REGISTERED.value: send_registration_mail,
}
