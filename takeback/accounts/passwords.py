"""The rule for passwords that customers and staff choose."""

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from takeback.accounts.models import User

MIN_LENGTH, MIN_LENGTH_OF_MIXED = 8, 6
_CLASSES = (str.islower, str.isupper, str.isdigit)


class LengthValidator:
    """At least 8 characters, or 6 with lower and upper case, a digit and another character.

    The pages of storefronts accept the latter, and their reset page shows no error. Six of 95
    characters are about as many passwords as eight lower-case letters.
    """

    def validate(self, password: str, user: object = None) -> None:
        """Raise ValidationError for a password that is too short."""
        minimum = MIN_LENGTH_OF_MIXED if _is_mixed(password) else MIN_LENGTH
        if len(password) < minimum:
            raise ValidationError(self.get_help_text(), code="password_too_short")

    def get_help_text(self) -> str:
        return _(
            "Use at least %(length)d characters, or %(mixed)d with lower-case and upper-case "
            "letters, digits and other characters."
        ) % {"length": MIN_LENGTH, "mixed": MIN_LENGTH_OF_MIXED}


def password_errors(password: str, user: User) -> list[str]:
    """Why this user may not have this password, in the language of the request; empty if they may.

    The user need not be saved: only the names and the e-mail address are compared.
    """
    try:
        validate_password(password, user)
    except ValidationError as error:
        return list(error.messages)
    return []


def _is_mixed(password: str) -> bool:
    has_classes = all(any(map(is_of_class, password)) for is_of_class in _CLASSES)
    return has_classes and not password.isalnum()
