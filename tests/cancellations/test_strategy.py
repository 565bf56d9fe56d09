"""The strategy decides what goes back, and a shop can plug in its own."""

import subprocess
from typing import Any

import pytest

from takeback.cancellations.commands.transition import approve
from takeback.cancellations.models import CancellationPlan
from takeback.cancellations.plans import cases_of_plan
from takeback.cancellations.refund_due import due_items
from takeback.cancellations.statuses import Kind
from takeback.cancellations.strategy import Strategy, StrategyOne, strategy
from takeback.core.env import WrongSettings
from takeback.core.ids import PlanId
from takeback.orders.models import Order, OrderItem
from takeback.refunds.models import Refund
from tests.cancellations.factories import LATER, SCOPE, STAFF, open_case, order_items
from tests.rigs.serving import TAKEBACK, environment


class KeepsShipping(StrategyOne):
    def refunds_shipping(self, kind: Kind) -> bool:
        return False


class SplitsShipping(StrategyOne):
    def splits_shipping(self) -> bool:
        return True


class WithholdsDiscounts(StrategyOne):
    def refunds_discounts(self) -> bool:
        return False


class KeepsItems(StrategyOne):
    def refunds_item(self, item: OrderItem) -> bool:
        return item.sku != "GIFT"


class PaysByHand(StrategyOne):
    def refunds_payments(self) -> bool:
        return False


class Incomplete:
    """Lacks every method."""


def use(settings: Any, chosen: type[Any]) -> None:
    settings.CANCELLATION_STRATEGY = f"{__name__}.{chosen.__name__}"


def approved(item: OrderItem) -> CancellationPlan:
    """The plan of an approved cancellation of an item."""
    approve(open_case(item), SCOPE, actor=STAFF, now=LATER)
    return CancellationPlan.objects.latest("pk")


def amounts(plan: CancellationPlan) -> list[int]:
    return [item.amount for item in due_items(plan, cases_of_plan(PlanId(plan.pk)))]


STORED = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("a test sends several commands"),
]


def test_default_gives_back_everything_but_cash_fees_of_returns() -> None:
    default: Strategy = StrategyOne()
    item, unsent = OrderItem(), Order(status=400, is_send=False)
    kinds = Kind.CANCEL, Kind.RETURN

    assert [default.refunds_shipping(kind) for kind in kinds] == [True, True]
    assert [default.refunds_cod_fee(kind) for kind in kinds] == [True, False]
    assert [default.sends_to_erp(kind) for kind in kinds] == [True, False]
    assert (default.splits_shipping(), default.refunds_discounts(), default.allows_parts()) == (
        False,
        True,
        True,
    )
    assert (default.refunds_item(item), default.refunds_payments()) == (True, True)
    assert [
        default.can_cancel_before_erp(order)
        for order in (unsent, Order(status=300, is_send=False), Order(status=400, is_send=True))
    ] == [False, True, True]
    assert isinstance(strategy(), StrategyOne)


class TestPluggedIn:
    pytestmark = STORED

    def test_shipping_can_be_kept(self, settings: Any) -> None:
        use(settings, KeepsShipping)

        assert amounts(approved(order_items(shipping_minor=600)[0])) == [1000]

    def test_shipping_can_be_split(self, settings: Any) -> None:
        use(settings, SplitsShipping)
        first, _ = order_items({"goods_minor": 1000}, {"goods_minor": 2000}, shipping_minor=600)

        assert amounts(approved(first)) == [1000, 200]

    def test_discounts_can_be_withheld(self, settings: Any) -> None:
        use(settings, WithholdsDiscounts)
        item = order_items({"goods_minor": 1000}, discount_minor=100)[0]

        plan = approved(item)

        [part] = due_items(plan, cases_of_plan(PlanId(plan.pk)))
        assert (part.goods, part.discount, part.adjustment, part.amount) == (1000, 100, -100, 800)

    def test_some_items_can_give_nothing_back(self, settings: Any) -> None:
        use(settings, KeepsItems)
        gift, other = order_items({"goods_minor": 1000, "sku": "GIFT"}, {"goods_minor": 500})

        assert amounts(approved(gift)) == []
        assert amounts(approved(other)) == [500]

    def test_a_person_can_pay_instead_of_the_provider(self, settings: Any) -> None:
        use(settings, PaysByHand)
        plan = approved(order_items()[0])

        refunds = Refund.objects.filter(plan_id=plan.pk)
        assert list(refunds.values_list("means", "amount_minor")) == [("manual", 1000)]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("takeback.cancellations.strategy.StrategyTwo", "does not define"),
        ("takeback.nowhere.Strategy", "No module named"),
        (f"{__name__}.Incomplete", "a class with the method refunds_shipping"),
    ],
)
def test_unusable_class_is_refused(settings: Any, path: str, reason: str) -> None:
    settings.CANCELLATION_STRATEGY = path

    with pytest.raises(WrongSettings) as refusal:
        strategy()

    text = str(refusal.value)
    assert text.startswith(f"CANCELLATION_STRATEGY is {path!r}. Allowed: the dotted path of")
    assert reason in text


@pytest.mark.heavy
def test_wrong_class_ends_the_start_with_a_sentence(tmp_path: Any) -> None:
    done = subprocess.run(
        [*TAKEBACK, "list-keys"],
        env=environment(tmp_path / "data", CANCELLATION_STRATEGY="shop.rules.Strategy"),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr.startswith("Error: CANCELLATION_STRATEGY is 'shop.rules.Strategy'.")
