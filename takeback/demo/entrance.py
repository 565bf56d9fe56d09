"""Who can come in: the demo's passwords and key, plain only in demo.json."""

import secrets
from typing import Any, TypedDict

from takeback.accounts.api_keys import issue_key, matches, public_id_of
from takeback.accounts.models import ApiKey, Channel, User
from takeback.core import clock
from takeback.core.normalize import email_key
from takeback.demo.people import CUSTOMER_EMAIL, GUEST_EMAIL, STAFF_USERNAME, staff_of
from takeback.demo.stories import GUEST, Request, Story, requests, stories

_SYLLABLES = 4
_CONSONANTS, _VOWELS = "bdfghjklmnprstvz", "aeiou"


class Customer(TypedDict):
    """A registered customer who can sign in."""

    email: str
    password: str


class Guest(TypedDict):
    """What opens a guest's order."""

    email: str
    number: str


class Staff(TypedDict):
    """A member of staff who can sign in."""

    username: str
    password: str


class Key(TypedDict):
    """A system's key for the channel."""

    id: int
    api_key: str


class Entrance(TypedDict):
    """What demo.json says."""

    url: str
    customer: Customer
    guest: Guest
    staff: Staff
    channel: Key
    stories: dict[str, Story]
    requests: dict[str, Request]


def entrance(channel: Channel, url: str, kept: dict[str, Any]) -> Entrance:
    """The ways in; what an earlier demo.json said stays true, the rest is made now."""
    customer = User.objects.get(channel=channel, email_key=email_key(CUSTOMER_EMAIL))
    staff = staff_of(channel)
    return {
        "url": url,
        "customer": {
            "email": CUSTOMER_EMAIL,
            "password": _password(customer, _told(kept, "customer", "password")),
        },
        "guest": {"email": GUEST_EMAIL, "number": GUEST},
        "staff": {
            "username": STAFF_USERNAME,
            "password": _password(staff, _told(kept, "staff", "password")),
        },
        "channel": {
            "id": channel.pk,
            "api_key": _api_key(channel, _told(kept, "channel", "api_key")),
        },
        "stories": stories(channel),
        "requests": requests(channel),
    }


def _told(kept: dict[str, Any], part: str, key: str) -> str:
    found = kept.get(part)
    return str(found.get(key, "")) if isinstance(found, dict) else ""


def _password(user: User, known: str) -> str:
    """The password that the folder's demo.json knows, if it is still the right one; else a new."""
    if known and user.check_password(known):
        return known
    words = ("".join(_syllable() for _ in range(_SYLLABLES)) for _ in range(2))
    made = "-".join((*words, f"{secrets.randbelow(10_000):04}"))
    user.set_password(made)
    user.save(update_fields=["password"])
    return made


def _syllable() -> str:
    return secrets.choice(_CONSONANTS) + secrets.choice(_VOWELS)


def _api_key(channel: Channel, known: str) -> str:
    """The same for the channel's key."""
    key = ApiKey.objects.filter(
        public_id=public_id_of(known) or "", channels=channel, revoked_at=None
    ).first()
    if key and matches(known, key.secret_hash):
        return known
    made = issue_key("Demo", channel_ids=[channel.pk], scopes=ApiKey.SCOPES, now=clock.now())
    return made.text
