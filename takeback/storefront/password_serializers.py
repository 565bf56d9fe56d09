"""The input of passwords: changing, forgetting and resetting them."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from takeback.api.fields import Password, StrictEmail

PASSWORDS_DIFFER = _("The two passwords are not the same. Enter the new password twice.")


class NewPassword(serializers.Serializer[Any]):
    """A new password, twice."""

    example = {"new_password1": "another long sentence", "new_password2": "another long sentence"}

    new_password1 = Password()
    new_password2 = Password()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["new_password1"] != attrs["new_password2"]:
            raise serializers.ValidationError({"new_password2": [PASSWORDS_DIFFER]})
        return attrs


class PasswordChange(NewPassword):
    """The present password, and the new one twice."""

    example = {
        "old_password": "correct horse battery",
        "new_password1": "another long sentence",
        "new_password2": "another long sentence",
    }

    old_password = Password()


class PasswordResetRequest(serializers.Serializer[Any]):
    """The address of the account whose password is forgotten."""

    example = {"email": "ada@example.com"}

    email = StrictEmail()
