"""What a visitor of the demo may try: orders, accounts and a key, from the file the demo writes."""

from pathlib import Path

import msgspec
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Customer(msgspec.Struct):
    """Signs in to see their own orders."""

    email: str
    password: str


class Guest(msgspec.Struct):
    """Finds one order by its number and e-mail address."""

    email: str
    number: str


class Staff(msgspec.Struct):
    """Works for the shop."""

    username: str
    password: str


class ChannelKey(msgspec.Struct):
    """Opens the channel API."""

    id: int
    api_key: str


class Story(msgspec.Struct):
    """An order in an interesting state."""

    email: str
    number: str
    order: int
    items: list[int]


class Request(msgspec.Struct):
    """A cancellation request to look at. Its item is the one that it is about now."""

    id: int
    email: str
    number: str
    order: int
    item: int


class DemoShop(msgspec.Struct):
    """The whole file."""

    url: str
    customer: Customer
    guest: Guest
    staff: Staff
    channel: ChannelKey
    stories: dict[str, Story]
    requests: dict[str, Request] = {}


TITLES: dict[str, Promise] = {
    "cancellable": _("Not shipped yet: its items can be cancelled"),
    "refundable": _("Delivered: its items can be sent back"),
    "needs_pickup": _("Sent back with a carrier that comes to the door"),
    "partly_shipped": _("Only a part of it has been shipped"),
    "merged": _("One line, several pieces"),
    "old_order": _("From the time before this system"),
}


def read(folder: Path) -> DemoShop | None:
    """What the demo wrote into its data folder; None where no demo runs."""
    try:
        return parse((folder / "demo.json").read_bytes())
    except FileNotFoundError:
        return None


def parse(content: bytes) -> DemoShop | None:
    """The content of a demo.json; None if it is broken."""
    try:
        return msgspec.json.decode(content, type=DemoShop)
    except msgspec.MsgspecError:
        return None


def stories(told: DemoShop) -> list[tuple[Promise | str, Story]]:
    """Each order with its story in words."""
    return [(TITLES.get(name, name), story) for name, story in told.stories.items()]
