"""The texts of mails about customer accounts and codes, in the language of the customer."""

import re

from django.utils import translation
from django.utils.translation import gettext as _

from takeback.accounts.customers import PENDING_DAYS
from takeback.accounts.link_tokens import storefront_link
from takeback.accounts.models import Channel, EmailChange, User
from takeback.core.middleware import best_language
from takeback.notifications.mails import Mail, compose, single_line
from takeback.orders.models import Order
from takeback.shoppers.commands import order_codes, sign_in_codes

# Letters only: a name that a stranger typed must not carry an advertisement or an address.
_NAME = re.compile(r"[^\W\d_]+(?:[ '\u2019-][^\W\d_]+){0,5}")
_NAME_MAX = 60


def confirmation_mail(user: User, channel: Channel, link: str) -> Mail:
    """The link that confirms the address of a registration."""
    shop = single_line(channel.name)
    with translation.override(best_language(user.language_code)):
        subject = _("Confirm your e-mail address for %(shop)s") % {"shop": shop}
        context = {"shop": shop, "name": _name_of(user), "link": link, "days": PENDING_DAYS}
        return compose("confirm_registration", user.email, subject, context)


def account_exists_mail(user: User, channel: Channel) -> Mail:
    """To a registered address that was used for a registration again."""
    shop = single_line(channel.name)
    with translation.override(best_language(user.language_code)):
        subject = _("You already have an account at %(shop)s") % {"shop": shop}
        context = {"shop": shop, "link": storefront_link(channel, "/")}
        return compose("account_exists", user.email, subject, context)


def sign_in_code_mail(user: User, channel: Channel, *, code: str, link: str, language: str) -> Mail:
    """A code to type, and a link that no stranger can use up."""
    shop = single_line(channel.name)
    with translation.override(best_language(user.language_code or language)):
        subject = _("Your sign-in code for %(shop)s") % {"shop": shop}
        context = {
            "shop": shop,
            "code": code,
            "minutes": int(sign_in_codes.LIFETIME.total_seconds()) // 60,
            "link": link,
        }
        return compose("sign_in_code", user.email, subject, context)


def order_code_mail(order: Order, *, code: str, link: str, language: str) -> Mail:
    """A code to type, and a link that no stranger can use up, to the address of a guest's order."""
    shop = single_line(order.channel.name)
    with translation.override(best_language(order.language_code or language)):
        number = single_line(order.number)
        subject = _("Your code for order %(number)s") % {"number": number}
        context = {
            "shop": shop,
            "number": number,
            "code": code,
            "minutes": int(order_codes.LIFETIME.total_seconds()) // 60,
            "link": link,
        }
        return compose("order_code", order.user_email, subject, context)


def _name_of(user: User) -> str:
    """The name that the customer typed, if it looks like one."""
    name = single_line(f"{user.first_name} {user.last_name}")
    return name if len(name) <= _NAME_MAX and _NAME.fullmatch(name) else ""


def password_reset_mail(user: User, channel: Channel, link: str, language: str) -> Mail:
    """The link that sets a new password, in the language of the page that requested it."""
    shop = single_line(channel.name)
    with translation.override(best_language(language)):
        subject = _("Set a new password for %(shop)s") % {"shop": shop}
        return compose("password_reset", user.email, subject, {"shop": shop, "link": link})


def password_changed_mail(user: User, channel: Channel) -> Mail:
    """To the owner of an account, after its password has changed."""
    shop = single_line(channel.name)
    with translation.override(best_language(user.language_code)):
        subject = _("Your password for %(shop)s has been changed") % {"shop": shop}
        context = {"shop": shop, "link": storefront_link(channel, "/")}
        return compose("password_changed", user.email, subject, context)


def email_change_mail(change: EmailChange, channel: Channel, link: str) -> Mail:
    """The link that confirms a new address, to this address."""
    shop = single_line(channel.name)
    with translation.override(best_language(change.user.language_code)):
        subject = _("Confirm your new e-mail address for %(shop)s") % {"shop": shop}
        return compose("email_change", change.new_email, subject, {"shop": shop, "link": link})


def address_taken_mail(change: EmailChange, channel: Channel) -> Mail:
    """To a registered address that another customer wants to use."""
    shop = single_line(channel.name)
    with translation.override(best_language(change.user.language_code)):
        subject = _("You already have an account at %(shop)s") % {"shop": shop}
        context = {"shop": shop, "link": storefront_link(channel, "/")}
        return compose("email_change_taken", change.new_email, subject, context)


def email_changed_mail(change: EmailChange, channel: Channel) -> Mail:
    """To the old address, after the account has another one."""
    shop = single_line(channel.name)
    with translation.override(best_language(change.user.language_code)):
        subject = _("The e-mail address of your account at %(shop)s has been changed") % {
            "shop": shop
        }
        return compose("email_changed", change.old_email, subject, {"shop": shop})
