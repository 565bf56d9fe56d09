"""Customers as orders and import files describe them."""

from dataclasses import dataclass, field
from typing import Any

from takeback.core.normalize import email_key


@dataclass(slots=True, kw_only=True)
class CustomerIn:
    """A customer of an order; a guest unless `user_type` is registered."""

    email: str
    user_type: str = "guest"
    channel_code: str | None = None
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    language_code: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    # As `hashers.stored_form` returns it; only for a registered customer without a password.
    password_hash: str | None = None

    def key(self) -> tuple[str, str]:
        """Identifies the customer within the channel: the code, else type and e-mail address."""
        if self.channel_code:
            return ("code", self.channel_code)
        return (self.user_type, email_key(self.email))
