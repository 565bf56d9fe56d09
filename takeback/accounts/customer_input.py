"""Customers as orders and import files describe them."""

from dataclasses import dataclass, field
from typing import Any

from takeback.core.normalize import email_key

# What identifies a customer without a code.
EMAIL, PHONE_NUMBER = "email", "phone_number"


@dataclass(slots=True, kw_only=True)
class CustomerIn:
    """A customer of an order; a guest unless `user_type` is registered.

    The e-mail address of a guest may be empty: such a guest belongs to one order only.
    """

    email: str
    user_type: str = "guest"
    channel_code: str | None = None
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    language_code: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    # From `password_formats.stored_form`; only for registered customers without a password.
    password_hash: str | None = None

    @property
    def is_of_one_order(self) -> bool:
        """Whether nothing identifies the customer, so that no other order can be theirs."""
        return not (self.email or self.channel_code)

    def key(self, identifier: str = EMAIL) -> tuple[str, str]:
        """Identifies the customer within the channel.

        It is the code, else the type with the phone number if that is the `identifier`, else the
        type with the e-mail address.
        """
        if self.channel_code:
            return ("code", self.channel_code)
        if identifier == PHONE_NUMBER and self.phone:
            return (f"{self.user_type} by phone", self.phone)
        return (self.user_type, email_key(self.email))
