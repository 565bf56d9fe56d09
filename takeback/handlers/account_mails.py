"""Handlers that send mails about customer accounts, and codes to guests."""

from collections.abc import Mapping

from takeback.accounts.customers import has_account, registered_customer
from takeback.accounts.models import EmailChange, User
from takeback.accounts.own_account import is_taken
from takeback.core import clock
from takeback.notifications.account_mails import (
    account_exists_mail,
    address_taken_mail,
    confirmation_mail,
    email_change_mail,
    email_changed_mail,
    order_code_mail,
    password_changed_mail,
    password_reset_mail,
    sign_in_code_mail,
)
from takeback.notifications.send import send
from takeback.orders.models import Order
from takeback.outbox.worker import Delivery, Handler
from takeback.shoppers.commands import order_codes, sign_in_links
from takeback.shoppers.commands.hand_off import page_url
from takeback.shoppers.commands.sign_in_codes import issue_code
from takeback.shoppers.confirmation_links import confirmation_link
from takeback.shoppers.email_change_links import email_change_link
from takeback.shoppers.password_links import reset_link
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
        send(
            confirmation_mail(user, user.channel, confirmation_link(user)),
            delivery.key,
        )


def send_password_reset_mail(delivery: Delivery) -> None:
    """Send the link; the customer 0 stands for an address without an account."""
    user = _customer(delivery)
    if user and user.channel and user.user_type != User.GUEST:
        language = delivery.payload["language"]
        send(password_reset_mail(user, user.channel, reset_link(user), language), delivery.key)


def send_password_changed_mail(delivery: Delivery) -> None:
    """Notify the owner, who may not be the person who has changed the password."""
    user = _customer(delivery)
    if user and user.channel:
        send(password_changed_mail(user, user.channel), delivery.key)


def _customer(delivery: Delivery) -> User | None:
    customers = User.objects.select_related("channel").filter(is_active=True, is_staff=False)
    return customers.filter(pk=delivery.payload["user"]).first()


def send_email_change_mail(delivery: Delivery) -> None:
    """Send the link to the new address, or the note that the address has an account already."""
    change = _email_change(delivery)
    if change is None or change.user.channel is None or change.confirmed_at:
        return
    channel = change.user.channel
    if is_taken(channel.pk, change.new_email, other_than=change.user_id):
        send(address_taken_mail(change, channel), delivery.key)
    else:
        send(
            email_change_mail(change, channel, email_change_link(change)),
            delivery.key,
        )


def send_email_changed_mail(delivery: Delivery) -> None:
    """Notify the old address, which belongs to the owner if somebody else has changed it."""
    change = _email_change(delivery)
    if change and change.user.channel:
        send(email_changed_mail(change, change.user.channel), delivery.key)


def _email_change(delivery: Delivery) -> EmailChange | None:
    changes = EmailChange.objects.select_related("user__channel")
    return changes.filter(pk=delivery.payload["email_change"]).first()


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


def send_order_code_mail(delivery: Delivery) -> None:
    """Issue a code and send it to the order's address, unless the request is too old."""
    payload, now = delivery.payload, clock.now()
    if now.timestamp() >= payload["expires_at_epoch"]:
        return
    orders = Order.objects.select_related("channel").filter(user_type=User.GUEST)
    order = orders.filter(pk=payload["order"]).first()
    secret = order_codes.issue_secret(payload["secret"], order, now)
    if order is not None and secret is not None:
        link = order_codes.page_url(order.channel_id, secret.token)
        mail = order_code_mail(order, code=secret.code, link=link, language=payload["language"])
        send(mail, delivery.key)


HANDLERS: Mapping[str, Handler] = {
    Topic.REGISTERED.value: send_registration_mail,
    Topic.PASSWORD_RESET_REQUESTED.value: send_password_reset_mail,
    Topic.PASSWORD_CHANGED.value: send_password_changed_mail,
    Topic.EMAIL_CHANGE_REQUESTED.value: send_email_change_mail,
    Topic.EMAIL_CHANGED.value: send_email_changed_mail,
    Topic.SIGN_IN_CODE_REQUESTED.value: send_sign_in_code_mail,
    Topic.ORDER_CODE_REQUESTED.value: send_order_code_mail,
}
