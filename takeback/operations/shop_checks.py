"""What a shop needs before its first customer can ask for something."""

from collections.abc import Callable
from typing import Final

from django.conf import settings

from takeback.accounts.models import Channel
from takeback.accounts.queries import deciding_staff, usable_keys
from takeback.cancellations.commands.shared_reasons import FALLBACK, FIRST
from takeback.cancellations.queries import reasons_on_offer
from takeback.core import clock
from takeback.logistics.queries import active_carriers
from takeback.operations.database import names
from takeback.operations.findings import Result, Severity, result_of
from takeback.orders.models import Order


def storefront_channels() -> list[int]:
    """The ids of the channels that the storefront serves by its settings."""
    return sorted({settings.STOREFRONT_CHANNEL, *map(int, settings.STOREFRONT_HOSTS.values())})


def _channel() -> Result:
    if not Channel.objects.exists():
        return Severity.FAILURE, "There is no channel. Run `takeback init`."
    expected = storefront_channels()
    active = Channel.objects.filter(id__in=expected, is_active=True).values_list("id", flat=True)
    missing = [str(channel_id) for channel_id in sorted(set(expected) - set(active))]
    return result_of(
        not missing,
        fine="All channels of the storefront exist.",
        failure=f"No active channel {names(missing)}. Run `takeback add-channel`, or correct "
        "STOREFRONT_CHANNEL and STOREFRONT_HOSTS.",
    )


def _reasons() -> Result:
    for channel_id in storefront_channels():
        offered = set(reasons_on_offer(channel_id).values_list("pk", flat=True))
        missing = " and ".join(str(pk) for pk in (FIRST, FALLBACK) if pk not in offered)
        if missing:
            return (
                Severity.FAILURE,
                (
                    f"Channel {channel_id} does not offer reason {missing}, which clients "
                    "send. Run `takeback init`, or activate it at the desk under Settings."
                ),
            )
    return Severity.FINE, f"Reasons {FIRST} and {FALLBACK}, which clients send, are on offer."


def _carriers() -> Result:
    default = settings.RETURN_CARRIER
    for channel_id in storefront_channels():
        carriers = set(active_carriers(channel_id).values_list("pk", flat=True))
        if default and default not in carriers:
            return (
                Severity.FAILURE,
                (
                    f"Channel {channel_id} has no active carrier {default}. Run "
                    "`takeback list-carriers`, and correct RETURN_CARRIER."
                ),
            )
        if not carriers:
            return (
                Severity.WARNING,
                (
                    f"Channel {channel_id} has no carrier: customers do not learn how to send "
                    "goods back. Run `takeback add-carrier`."
                ),
            )
    return Severity.FINE, "Each channel of the storefront has a carrier for returns."


def _staff() -> Result:
    for channel_id in storefront_channels():
        if not deciding_staff(channel_id).exists():
            return (
                Severity.FAILURE,
                (
                    f"Nobody may decide requests of channel {channel_id}. Run `takeback init`, "
                    "`takeback add-staff` or `takeback change-staff`."
                ),
            )
    return Severity.FINE, "Each channel of the storefront has staff who may decide."


def _keys() -> Result:
    keys = usable_keys(clock.now())
    for channel_id in storefront_channels():
        if keys.filter(channels=channel_id).exists():
            continue
        # Orders may also come by `takeback import`.
        has_orders = Order.objects.filter(channel_id=channel_id).exists()
        return (
            Severity.WARNING if has_orders else Severity.FAILURE,
            f"No key can send orders to channel {channel_id}. Run `takeback issue-key`.",
        )
    return Severity.FINE, "Each channel of the storefront has a key."


CHECKS: Final[dict[str, Callable[[], Result]]] = {
    "storefront channel": _channel,
    "reasons": _reasons,
    "carriers": _carriers,
    "staff": _staff,
    "API key": _keys,
}
