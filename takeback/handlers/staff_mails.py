"""Handlers that send mails to staff."""

from collections.abc import Mapping

from django.conf import settings
from django.urls import reverse

from takeback.accounts.staff import active_staff_user
from takeback.accounts.staff_passwords import reset_token
from takeback.accounts.topics import Topic
from takeback.notifications.send import send
from takeback.notifications.staff_mails import staff_password_reset_mail
from takeback.outbox.worker import Delivery, Handler


def send_password_reset_mails(delivery: Delivery) -> None:
    """Mail each user a link. A repeated delivery sends equal mails, with the same Message-ID."""
    for user_id in delivery.payload["users"]:
        user = active_staff_user(user_id)
        if user and user.email:
            link = settings.SITE_URL + reverse("desk_new_password", args=[reset_token(user)])
            mail = staff_password_reset_mail(user, link, delivery.payload["language"])
            send(mail, f"{delivery.key}/{user.pk}")


HANDLERS: Mapping[str, Handler] = {
    Topic.STAFF_PASSWORD_RESET.value: send_password_reset_mails,
}
