"""The texts of mails to staff, in the language of the browser that asked for them."""

from django.utils import translation
from django.utils.translation import gettext as _

from takeback.accounts.models import User
from takeback.accounts.staff_passwords import RESET_LINK_LIFETIME
from takeback.core.formatting import format_duration
from takeback.core.middleware import best_language
from takeback.notifications.mails import Mail, compose


def staff_password_reset_mail(user: User, link: str, language: str) -> Mail:
    """The link with which a staff user sets a new password."""
    with translation.override(best_language(language)):
        subject = _("Reset your Takeback password")
        context = {
            "shop": "Takeback",
            "username": user.username,
            "link": link,
            "lifetime": format_duration(RESET_LINK_LIFETIME),
        }
        return compose("staff_password_reset", user.email, subject, context)
