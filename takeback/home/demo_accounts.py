"""Reads the accounts and sample orders that the demo writes into its data folder."""

from pathlib import Path

import msgspec
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class CustomerLogin(msgspec.Struct):
    email: str
    password: str


class StaffLogin(msgspec.Struct):
    username: str
    password: str


class ChannelKey(msgspec.Struct):
    """A key of the channel API; `id` is the channel's."""

    id: int
    api_key: str


class GuestOrder(msgspec.Struct):
    """An order that a guest finds by its number and e-mail address."""

    email: str
    number: str


class SampleOrder(GuestOrder):
    """An order of the demo, with the ids of the order and its items."""

    order: int
    items: list[int]


class SampleCase(GuestOrder):
    """A case of the demo, with the ids of its order and its present item."""

    id: int
    order: int
    item: int


class SampleRefund(GuestOrder):
    """A refund of the demo, with the ids of its order and its case, and its page at the desk."""

    id: int
    order: int
    case: int
    open: str
    shows: str


class DemoAccounts(msgspec.Struct):
    """The content of `demo.json`."""

    url: str
    customer: CustomerLogin
    guest: GuestOrder
    staff: StaffLogin
    channel: ChannelKey
    stories: dict[str, SampleOrder]
    requests: dict[str, SampleCase] = {}
    refunds: dict[str, SampleRefund] = {}
    # The address of the sandbox provider while the demo runs.
    sandbox: str = ""


_decoder = msgspec.json.Decoder(DemoAccounts)

TITLES: dict[str, Promise] = {
    "cancellable": _("Not shipped yet: its items can be cancelled"),
    "refundable": _("Delivered: its items can be returned"),
    "needs_pickup": _("Returned with a carrier that picks up at the door"),
    "partly_shipped": _("Partly shipped"),
    "merged": _("One item with several units"),
    "old_order": _("Imported from the previous system"),
}


def read_demo_accounts(folder: Path) -> DemoAccounts | None:
    """The accounts of the demo in this data folder, if there is one."""
    try:
        return parse_demo_accounts((folder / "demo.json").read_bytes())
    except FileNotFoundError:
        return None


def parse_demo_accounts(content: bytes) -> DemoAccounts | None:
    """None for content that is incomplete."""
    try:
        return _decoder.decode(content)
    except msgspec.MsgspecError:
        return None


OLD_ORDER = "old_order"
"""The story whose order is of the previous system: the desk does not show it."""


def sample_orders(accounts: DemoAccounts) -> list[tuple[Promise | str, SampleOrder, bool]]:
    """The title of each story, its order, and whether the desk shows the order."""
    return [
        (TITLES.get(name, name), order, name != OLD_ORDER)
        for name, order in accounts.stories.items()
    ]
