"""The policy of a shop: one frozen object per channel, which only this module reads."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver


@dataclass(frozen=True, slots=True)
class ShopPolicy:
    """The rules and terms of a shop. Zero minutes or days mean no limit."""

    cancel_minutes: int
    invoice_blocks_cancel: bool
    return_days: int
    time_zone: ZoneInfo
    is_strict_about_reasons: bool
    # A refund of an order paid in cash or by transfer needs a bank account.
    requires_bank_account: bool
    has_loyalty: bool
    has_loyalty_for_guests: bool
    # The id of the carrier of returns that choose none; 0 means no carrier.
    return_carrier_id: int
    auto_confirms_cancellations: bool
    # Of those that are confirmed automatically.
    auto_approves_cancellations: bool
    max_images_per_item: int
    requests_per_hour: int
    bank_account_link_days: int
    trade_in_link_days: int
    # The item attribute that holds a trade-in offer.
    trade_in_key: str
    # The item attribute that holds the quantity of a merged item.
    item_quantity_key: str
    phone_min_length: int
    requires_district: bool
    # Amounts in minor units by currency, above which a refund needs a second person.
    second_person_above: tuple[tuple[str, int], ...]
    # Other reasons for a second person: words of `refunds.policy.SecondPersonReason`.
    second_person_for: frozenset[str]
    bank_account_retention_days: int

    def second_person_limit(self, currency: str) -> int:
        """The amount above which a refund needs a second person; 0: there is none."""
        return dict(self.second_person_above).get(currency.lower(), 0)

    def with_terms(self, return_days: int | None, cancel_minutes: int | None) -> "ShopPolicy":
        """The policy for an order that arrived under these time limits; None is not known.

        The longer limit counts: a shop that shortens a limit keeps its promise to older orders,
        and a longer one also helps them.
        """
        days = _longer(self.return_days, return_days)
        minutes = _longer(self.cancel_minutes, cancel_minutes)
        if days == self.return_days and minutes == self.cancel_minutes:
            return self
        return _with_limits(self, days, minutes)


def _longer(today: int, of_order: int | None) -> int:
    """The longer of two time limits; 0 is no limit."""
    if of_order is None or of_order == today:
        return today
    return 0 if 0 in (today, of_order) else max(today, of_order)


@lru_cache(maxsize=64)
def _with_limits(policy: ShopPolicy, days: int, minutes: int) -> ShopPolicy:
    """Cached: a list applies the same limits to many orders."""
    return replace(policy, return_days=days, cancel_minutes=minutes)


@lru_cache(maxsize=64)
def shop_policy(channel_id: int) -> ShopPolicy:
    """The policy of a channel. All channels of an installation share the settings today."""
    return ShopPolicy(
        cancel_minutes=settings.CANCEL_TIME_LIMIT_MINUTES,
        invoice_blocks_cancel=settings.CANCEL_BLOCKED_BY_INVOICE,
        return_days=settings.REFUND_DAY_LIMIT,
        time_zone=shop_zone(),
        is_strict_about_reasons=settings.STRICT_REASON_TYPE,
        requires_bank_account=settings.BANK_ACCOUNT_REQUIRED,
        has_loyalty=settings.LOYALTY_MONEY_ENABLED,
        has_loyalty_for_guests=settings.LOYALTY_FOR_GUESTS,
        return_carrier_id=settings.RETURN_CARRIER,
        auto_confirms_cancellations=settings.CANCEL_AUTO_CONFIRM,
        auto_approves_cancellations=settings.CANCEL_AUTO_APPROVE,
        max_images_per_item=settings.CANCELLATION_REQUEST_MAX_IMAGE_COUNT_PER_ORDER_ITEM,
        requests_per_hour=settings.REQUESTS_PER_HOUR,
        bank_account_link_days=settings.BANK_ACCOUNT_LINK_DAYS,
        trade_in_link_days=settings.TRADE_IN_LINK_DAYS,
        trade_in_key=settings.TRADE_IN_KEY,
        item_quantity_key=settings.ORDER_ITEM_QUANTITY_KEY,
        phone_min_length=settings.ADDRESS_PHONE_MIN_LENGTH,
        requires_district=settings.ADDRESS_DISTRICT_REQUIRED,
        second_person_above=tuple(settings.SECOND_PERSON_ABOVE.items()),
        second_person_for=frozenset(settings.SECOND_PERSON_FOR),
        bank_account_retention_days=settings.BANK_ACCOUNT_RETENTION_DAYS,
    )


@receiver(setting_changed)
def _forget_policies(**_: Any) -> None:
    """Tests change settings; a process keeps those that it started with."""
    shop_policy.cache_clear()


def shop_zone() -> ZoneInfo:
    """The time zone of all channels, for pages that show several of them."""
    return _zone(settings.SHOP_TIME_ZONE)


@lru_cache(maxsize=8)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
