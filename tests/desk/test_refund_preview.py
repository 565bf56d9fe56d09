"""What an approval will pay back, on the page on which an agent decides about a case."""

from typing import Any

import pytest
import zeal

from takeback.bank_accounts.bank_account import blind_index
from takeback.cancellations.commands.transition import confirm
from takeback.cancellations.models import CancellationRequest
from takeback.core.ids import CaseId
from takeback.orders.models import Order, Payment
from takeback.orders.order_input import DiscountIn
from tests import factories
from tests.cancellations.factories import SCOPE, STAFF
from tests.desk.agents import agent, page_of
from tests.desk.test_decisions import text_of
from tests.factories import HttpClient
from tests.refunds.rows import create_account, create_paid_order, payments_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

IBAN = "TR330006100519786457841326"


def case_of(order: Order, number: int = 0, **fields: Any) -> CancellationRequest:
    with zeal.zeal_ignore():
        return factories.create_case(item=factories.items_of(order)[number], **fields)


def accept(case: CancellationRequest) -> None:
    with zeal.zeal_ignore():
        confirm(CaseId(case.pk), SCOPE, actor=STAFF, now=factories.NOW)


def preview_text(case: CancellationRequest, client: HttpClient | None = None) -> str:
    """The words between the rules and the texts of the decision."""
    text = text_of((client or agent()).get(f"/desk/cases/{case.pk}"))
    return text.partition("Refund value")[2].partition("Message to the customer")[0]


def test_preview_names_payment_means_latest_day_and_components() -> None:
    create_account()
    items = [factories.item_input(goods_minor=6000)]
    order = create_paid_order(
        5000, items=items, discounts=[DiscountIn(name="Sale", amount_minor=1000)]
    )

    text = preview_text(case_of(order))

    assert (
        "Paid back after the approval: €50.00 To the original payment ( Card ),"
        " by 24 Mar 2026 at the latest"
        " Components Goods €60.00 Discounts -€10.00 Total €50.00"
    ) in text


def test_each_payment_has_its_own_refund() -> None:
    create_account()
    order = create_paid_order(2000, 3000)
    text = preview_text(case_of(order))
    assert "€20.00 To the original payment ( Card ), by 24 Mar 2026 at the latest" in text
    assert "€30.00 To the original payment ( Card ), by 24 Mar 2026 at the latest" in text
    assert "Total €50.00" in text


def test_points_are_named_as_the_means() -> None:
    create_account()
    case = case_of(create_paid_order(), fully_refund_as_loyalty_money=True)
    assert "€50.00 As loyalty points, by 11 Mar 2026 at the latest" in preview_text(case)


@pytest.mark.parametrize(
    ("is_confirmed", "words"),
    [
        (True, "€50.00 By bank transfer, by 17 Mar 2026 at the latest"),
        (False, "€50.00 By hand, by 24 Mar 2026 at the latest"),
    ],
)
def test_transfer_needs_a_confirmed_bank_account(is_confirmed: bool, words: str) -> None:
    order = create_paid_order(payment={"kind": "funds_transfer"}, payment_type="funds_transfer")
    account: dict[str, Any] = {
        "iban": IBAN,
        "holder_name": "Ayla Ray",
        "iban_index": blind_index(IBAN),
    }
    case = case_of(order, **account, is_bank_account_confirmed=is_confirmed)
    assert words in preview_text(case)


def test_part_of_an_item_pays_back_its_units() -> None:
    create_account()
    order = create_paid_order(1000, items=[factories.item_input(quantity=3, goods_minor=1000)])
    assert "Total €6.67" in preview_text(case_of(order, quantity=2))


def test_accepted_requests_of_an_order_are_paid_together() -> None:
    create_account()
    items = [factories.item_input(remote_id=str(n), goods_minor=1000) for n in range(3)]
    order = create_paid_order(3000, items=items)
    first, second, third = (case_of(order, number) for number in range(3))
    client = agent()
    accept(first)
    assert "Together with" not in preview_text(first, client)
    accept(second)

    text = preview_text(first, client)

    assert "Together with 1 other request of this order." in text
    assert "Total €20.00" in text
    assert "Total €10.00" in preview_text(third, client)


def test_amount_above_what_is_left_is_named_before_the_approval() -> None:
    create_account()
    order = create_paid_order()
    case = case_of(order)
    Order.objects.update(refunded_elsewhere_minor=4000)
    text = preview_text(case)
    assert "The amount exceeds what is still refundable for this order (10.00 EUR)." in text
    assert "Paid back after the approval" not in text


def test_money_that_the_payment_no_longer_has_is_named() -> None:
    create_account()
    order = create_paid_order()
    case = case_of(order)
    accept(case)
    Payment.objects.filter(pk=payments_of(order)[0].pk).update(charged_back_minor=4100)
    text = preview_text(case)
    assert "have €41.00 less left than this request is worth. It cannot be approved." in text


def test_nothing_is_paid_back_for_an_order_that_was_not_charged() -> None:
    create_account()
    order = create_paid_order()
    Payment.objects.update(captured_minor=0)
    assert "Nothing is paid back." in preview_text(case_of(order))


@pytest.mark.parametrize("status", ["approved", "completed", "rejected"])
def test_decided_case_has_no_preview(status: str) -> None:
    create_account()
    case = case_of(create_paid_order(), status=status)
    assert "Paid back after" not in page_of(agent().get(f"/desk/cases/{case.pk}"))


def test_agent_who_cannot_decide_sees_no_preview() -> None:
    create_account()
    case = case_of(create_paid_order())
    page = page_of(agent(scopes=["read", "money"]).get(f"/desk/cases/{case.pk}"))
    assert "Paid back after" not in page


@pytest.mark.parametrize("language", ["tr", "en", "de", "ar"])
def test_preview_is_shown_in_each_language(language: str) -> None:
    create_account()
    case = case_of(create_paid_order(2000, 3000))
    response = agent().get(f"/desk/cases/{case.pk}", headers={"accept-language": language})
    assert 'class="refund-preview"' in page_of(response)


@pytest.mark.parametrize("count", [1, 6])
def test_query_count_does_not_depend_on_the_payments(
    count: int, django_assert_num_queries: Any
) -> None:
    create_account()
    case = case_of(create_paid_order(*[1000] * count))
    client = agent()
    with django_assert_num_queries(19):
        assert client.get(f"/desk/cases/{case.pk}").status_code == 200
