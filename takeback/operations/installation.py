"""Sets up a new installation: channel, reasons, carriers, first staff account and key.

Every part is looked for before it is made, so that a run that was interrupted can be repeated.
"""

from datetime import datetime
from typing import Final, NamedTuple

from django.conf import settings
from django.db import transaction

from takeback.accounts import channels, staff
from takeback.accounts.api_keys import issue_key
from takeback.accounts.models import ApiKey, Channel
from takeback.accounts.queries import deciding_staff, usable_keys
from takeback.cancellations.commands.shared_reasons import add_shared_reasons
from takeback.core.db.bulk import continue_ids
from takeback.logistics.carrier_rules import slug_of
from takeback.logistics.commands.carriers import add_carrier
from takeback.logistics.models import EasyReturnShippingCompany
from takeback.logistics.queries import active_carriers

KEY_SCOPES: Final = (ApiKey.READ, ApiKey.DECIDE)
"""What the shop's own system needs: it sends orders, and reads and decides requests. Money and bank
accounts, raw traffic, and changing settings and staff need a key of their own: this one is the
first to be copied into other systems."""


class Requested(NamedTuple):
    """The names of the parts; an empty one is not made."""

    shop: str
    storefront_url: str
    staff: str
    email: str
    drop_off: str
    pickup: str
    key: str


class Part(NamedTuple):
    """A part of the installation, and whether this run has made it."""

    kind: str
    name: str
    is_new: bool


class Installation(NamedTuple):
    """The parts; password and key are empty unless this run has made them."""

    parts: list[Part]
    channel_id: int
    password: str
    key: str


class Existing(NamedTuple):
    """The names of the parts that exist already; empty for a missing one."""

    shop: str = ""
    storefront_url: str = ""
    staff: str = ""
    drop_off: str = ""
    pickup: str = ""
    key: str = ""


def existing_parts(now: datetime) -> Existing:
    """What the storefront's channel has; a part counts whatever its name is."""
    channel_id = settings.STOREFRONT_CHANNEL
    channel = Channel.objects.filter(pk=channel_id).first()
    member = deciding_staff(channel_id).first()
    carriers = active_carriers(channel_id)
    drop_off = carriers.filter(needs_pickup=False).first()
    pickup = carriers.filter(needs_pickup=True).first()
    key = usable_keys(now).filter(channels=channel_id).first()
    return Existing(
        shop=channel.name if channel else "",
        storefront_url=channel.storefront_url if channel else "",
        staff=member.user.username if member else "",
        drop_off=drop_off.name if drop_off else "",
        pickup=pickup.name if pickup else "",
        key=key.name if key else "",
    )


@transaction.atomic
def set_up(requested: Requested, *, now: datetime) -> Installation:
    """Make the missing parts, all or none.

    InvalidChannel, AccessError or InvalidRule when a name is refused.
    """
    existing, channel_id = existing_parts(now), settings.STOREFRONT_CHANNEL
    _add_channel(requested, existing, channel_id, now)
    reasons = add_shared_reasons(settings.LANGUAGE_CODE, now=now)
    if requested.drop_off and not existing.drop_off:
        _add_carrier(requested.drop_off, needs_pickup=False, now=now)
    if requested.pickup and not existing.pickup:
        _add_carrier(requested.pickup, needs_pickup=True, now=now)
    password = _add_staff(requested, channel_id) if requested.staff and not existing.staff else ""
    key = _add_key(requested.key, channel_id, now) if requested.key and not existing.key else ""
    parts = _parts(existing, requested, new_reasons=len(reasons))
    return Installation(parts, channel_id, password, key)


def _add_channel(requested: Requested, existing: Existing, channel_id: int, now: datetime) -> None:
    url = requested.storefront_url
    if not existing.shop:
        # With the id of the setting: a run that was rolled back may have used up a number.
        channels.add_channel(requested.shop, storefront_url=url, channel_id=channel_id)
        continue_ids(Channel, channel_id)
    elif requested.shop and requested.shop.casefold() != existing.shop.casefold():
        raise channels.InvalidChannel(
            f"Channel {channel_id} is “{existing.shop}”. "
            "Add another shop with `takeback add-channel`."
        )
    elif url and not existing.storefront_url:
        channels.check_url(url)
        channels.update_channel(channel_id, {"storefront_url": url}, now=now)


def _parts(existing: Existing, requested: Requested, *, new_reasons: int) -> list[Part]:
    reasons = f"{new_reasons} of 10" if new_reasons else "1 to 10"
    return [
        _part("channel", existing.shop, requested.shop),
        Part("reasons", reasons, bool(new_reasons)),
        _part("drop-off carrier", existing.drop_off, requested.drop_off),
        _part("pickup carrier", existing.pickup, requested.pickup),
        _part("staff account", existing.staff, requested.staff),
        _part("API key", existing.key, requested.key),
    ]


def _part(kind: str, existing: str, requested: str) -> Part:
    return Part(kind, existing or requested, not existing and bool(requested))


def _add_carrier(name: str, *, needs_pickup: bool, now: datetime) -> None:
    """Add a carrier for all channels, with the id 1 (drop-off) or 2 (pickup) if that is free."""
    values: dict[str, object] = {
        "name": name,
        "carrier": slug_of(name),
        "needs_pickup": needs_pickup,
    }
    usual_id = 2 if needs_pickup else 1
    is_free = not EasyReturnShippingCompany.objects.filter(pk=usual_id).exists()
    if is_free:
        values["id"] = usual_id
    add_carrier(None, values, now=now)
    if is_free:
        continue_ids(EasyReturnShippingCompany, usual_id)


def _add_staff(requested: Requested, channel_id: int) -> str:
    """Add the first staff account, with all rights, and return its password."""
    password = staff.generate_password()
    staff.create_staff_user(
        requested.staff,
        password=password,
        channel_ids=[channel_id],
        scopes=ApiKey.SCOPES,
        email=requested.email,
    )
    return password


def _add_key(name: str, channel_id: int, now: datetime) -> str:
    return issue_key(name, channel_ids=[channel_id], scopes=KEY_SCOPES, now=now).text
