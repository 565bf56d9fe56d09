"""The strategy of an installation: which parts of the paid money go back.

`CANCELLATION_STRATEGY` is the dotted path of a class with the methods of `Strategy`, `StrategyOne`
by default. Another one extends it and is installed in the same environment as Takeback::

    class KeepsShippingOfReturns(StrategyOne):
        def refunds_shipping(self, kind: Kind) -> bool:
            return kind is Kind.CANCEL

The class is loaded at the start, so that a wrong path ends it with a sentence. A strategy is asked
when a plan is calculated; what is approved keeps the amounts of that day. It never sees a request:
equal arguments get equal results.
"""

from functools import lru_cache
from typing import Final, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from takeback.cancellations.statuses import Kind
from takeback.core.env import WrongSetting, WrongSettings
from takeback.core.setting_kinds import DOTTED_PATH
from takeback.orders.models import Order, OrderItem
from takeback.orders.statuses import Status

SETTING: Final = "CANCELLATION_STRATEGY"


class Strategy(Protocol):
    """What a shop gives back. The answers of `StrategyOne` are in brackets."""

    def refunds_shipping(self, kind: Kind) -> bool:
        """Whether shipping costs go back: on request, or with the order's last unit [yes]."""
        ...

    def splits_shipping(self) -> bool:
        """Whether each item gives back its own part of the shipping costs at once [no]."""
        ...

    def refunds_discounts(self) -> bool:
        """Whether the price that was paid goes back; else the discount is withheld of it [yes]."""
        ...

    def allows_parts(self) -> bool:
        """Whether some units of an item can be cancelled or returned without the others [yes]."""
        ...

    def refunds_item(self, item: OrderItem) -> bool:
        """Whether money goes back for an item at all [yes]."""
        ...

    def sends_to_erp(self, kind: Kind) -> bool:
        """Whether a connector reports plans of this kind to the ERP [only cancellations]."""
        ...

    def refunds_payments(self) -> bool:
        """Whether providers return the money; else a person or a bank transfer does [yes]."""
        ...

    def can_cancel_before_erp(self, order: Order) -> bool:
        """Whether an order can be cancelled that the ERP does not know [unpaid, or reported]."""
        ...

    def refunds_cod_fee(self, kind: Kind) -> bool:
        """Whether the fee for cash on delivery goes back [with cancellations]."""
        ...


class StrategyOne:
    """Gives back what was paid, shipping costs with the last unit, in every way of paying."""

    def refunds_shipping(self, kind: Kind) -> bool:
        return True

    def splits_shipping(self) -> bool:
        return False

    def refunds_discounts(self) -> bool:
        return True

    def allows_parts(self) -> bool:
        return True

    def refunds_item(self, item: OrderItem) -> bool:
        return True

    def sends_to_erp(self, kind: Kind) -> bool:
        return kind is Kind.CANCEL

    def refunds_payments(self) -> bool:
        return True

    def can_cancel_before_erp(self, order: Order) -> bool:
        return order.status == Status.PAYMENT_WAITING or order.is_send

    def refunds_cod_fee(self, kind: Kind) -> bool:
        return kind is Kind.CANCEL


_METHODS: Final = tuple(name for name in vars(StrategyOne) if not name.startswith("_"))


def strategy() -> Strategy:
    """The strategy of this installation."""
    return _load(settings.CANCELLATION_STRATEGY)


@lru_cache(maxsize=8)
def _load(path: str) -> Strategy:
    """The strategy at a dotted path; WrongSettings if there is none with all methods."""
    try:
        loaded = import_string(path)()
    except Exception as error:
        raise _wrong(path, f"a class that can be loaded ({error})") from error
    if missing := [name for name in _METHODS if not callable(getattr(loaded, name, None))]:
        raise _wrong(path, f"a class with the method {missing[0]}")
    strategy: Strategy = loaded
    return strategy


def _wrong(path: str, reason: str) -> WrongSettings:
    allowed = f"{DOTTED_PATH.allowed}: {reason}"
    return WrongSettings((WrongSetting(SETTING, repr(path), allowed),))
