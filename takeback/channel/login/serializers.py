"""What is sent to sign in."""

from typing import Any

from rest_framework import serializers

from takeback.api.fields import Password, StrictText


class StaffLogin(serializers.Serializer[Any]):
    """The name and the password of a member of staff."""

    username = StrictText(max_length=150)
    password = Password()
