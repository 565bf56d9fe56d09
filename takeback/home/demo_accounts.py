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


class SampleOrder(msgspec.Struct):
    """An order that a guest finds by its number and e-mail address."""

    email: str
    number: str


class DemoAccounts(msgspec.Struct):
    """The content of `demo.json`."""

    url: str
    customer: CustomerLogin
    guest: SampleOrder
    staff: StaffLogin
    channel: ChannelKey
    stories: dict[str, SampleOrder]


TITLES: dict[str, Promise] = {
    "cancellable": _("Not shipped yet: its items can be cancelled"),
    "refundable": _("Delivered: its items can be returned"),
    "needs_pickup": _("Returned with a carrier that picks up at the door"),
    "partly_shipped": _("Partly shipped"),
    "merged": _("One item with several units"),
    "old_order": _("Imported from the previous system"),
}


def read_demo_accounts(folder: Path) -> DemoAccounts | None:
    """The content of the file; None without a complete file, as where no demo runs."""
    try:
        return msgspec.json.decode((folder / "demo.json").read_bytes(), type=DemoAccounts)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def sample_orders(accounts: DemoAccounts) -> list[tuple[Promise | str, SampleOrder]]:
    return [(TITLES.get(name, name), order) for name, order in accounts.stories.items()]
