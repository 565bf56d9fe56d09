"""A customer as an order or a file names them."""

from dataclasses import dataclass, field
from typing import Any

from takeback.core.normalize import email_key


@dataclass(slots=True, kw_only=True)
class CustomerIn:
    """A customer as told to us; without `user_type` registered they are a guest."""

    email: str
    user_type: str = "guest"
    channel_code: str | None = None
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    language_code: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)

    def key(self) -> tuple[str, str]:
        """By what a customer is recognised: their code, else kind and e-mail address."""
        if self.channel_code:
            return ("code", self.channel_code)
        return (self.user_type, email_key(self.email))
