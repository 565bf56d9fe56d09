"""What signing in answers."""

from typing import TypedDict


class LoginKey(TypedDict):
    """A key for half a day, in the name of the member of staff who signed in."""

    key: str


class ActiveUser(TypedDict):
    """In whose name a key acts, and what it may do; a system's own key has no person."""

    pk: int | None
    id: int | None
    username: str
    email: str
    first_name: str
    last_name: str
    is_staff: bool
    channels: list[int]
    scopes: list[str]
