"""What the keys of a channel's `conf` decide: reasons of the channel, and who a customer is."""

from typing import Any

import pytest
import zeal

from takeback.accounts.models import User
from takeback.cancellations.models import CancellationRequest
from takeback.orders.models import Order
from tests import factories
from tests.channel import shop
from tests.channel.case_calls import (
    caller,
    cancellable_item,
    change,
    open_case,
    refused,
    send,
)

pytestmark = pytest.mark.django_db


def channel_with(**conf: Any) -> None:
    channel = factories.create_channel()
    channel.conf = conf
    channel.save()


def opened_with(reason: Any) -> int:
    """The reason of a case that the channel opens with this one; None leaves it out."""
    body = {"order_item": cancellable_item().pk, "cancellation_type": "cancel"}
    response = open_case(caller(), body | ({} if reason is None else {"reason": reason}))
    assert response.status_code == 201, response.content
    return CancellationRequest.objects.get().reason_id


@pytest.mark.parametrize("sent", ["WRONG_SIZE", " WRONG_SIZE ", 7, "7"])
def test_reason_of_the_channel_becomes_ours(sent: Any) -> None:
    ours = factories.create_reason().pk
    channel_with(reason_mapping={"WRONG_SIZE": ours, "7": str(ours)})

    assert opened_with(sent) == ours


def test_our_own_reason_needs_no_mapping() -> None:
    mapped, ours = factories.create_reason().pk, factories.create_reason().pk
    channel_with(reason_mapping={"A": mapped})

    assert opened_with(ours) == ours


@pytest.mark.parametrize("sent", [None, 999_999, "NO_SUCH"])
def test_missing_and_unknown_reasons_become_the_fallback_reason(sent: Any) -> None:
    fallback = factories.create_reason().pk
    channel_with(cancellation_reason_id=fallback, reason_mapping={"A": fallback})

    assert opened_with(sent) == fallback


@pytest.mark.parametrize(
    ("conf", "code"),
    [
        ({}, "unknown_reason"),
        ({"cancellation_reason_id": 999_998}, "unknown_reason"),
        ({"cancellation_reason_id": "x"}, "unknown_reason"),
    ],
)
def test_unknown_reason_without_a_usable_fallback_is_refused(
    conf: dict[str, Any], code: str
) -> None:
    channel_with(**conf)
    item, system = cancellable_item(), caller()

    with refused(400, code, "reason") as responses:
        responses.append(
            open_case(system, order_item=item.pk, cancellation_type="cancel", reason=999_999)
        )


def test_changed_reason_is_mapped_and_a_shown_one_is_not() -> None:
    first, second = factories.create_reason(), factories.create_reason()
    case = factories.create_case(item=cancellable_item(), reason=first)
    channel_with(reason_mapping={str(first.pk): second.pk, "B": second.pk})
    system = caller()

    assert change(system, case.pk, {"reason": first.pk}).json()["reason"] == first.pk
    assert change(system, case.pk, {"reason": "B"}).json()["reason"] == second.pk


def test_reasons_of_an_order_cancellation_are_mapped() -> None:
    ours, fallback = factories.create_reason().pk, factories.create_reason().pk
    channel_with(reason_mapping={"A": ours}, cancellation_reason_id=fallback)
    items = [factories.item_input(remote_id="1"), factories.item_input(remote_id="2")]
    order = factories.create_order(items=items, payment_type="pay_later")
    first, second = (item.pk for item in factories.items_of(order))
    body = {"is_all": True, "reasons": {first: "A", second: 999_999}}

    path = f"/api/v1/channel/{shop.SHOP}/orders/{order.pk}/cancel/"
    response = send(caller(), "POST", path, body)

    assert response.status_code == 201, response.content
    cases = CancellationRequest.objects.order_by("order_item_id")
    assert list(cases.values_list("reason_id", flat=True)) == [ours, fallback]


def import_order(number: str, **customer: Any) -> int:
    """Import an order of this customer; the id of the customer."""
    order = {"number": number, "customer": customer}
    response = shop.create_order(shop.client(), shop.order_body(order))
    assert response.status_code == 201, response.content
    with zeal.zeal_ignore():
        return Order.objects.get(number=number).user_id


MAIL, OTHER_MAIL, PHONE = "ayla@example.com", "relay-2@example.com", "+905550000000"


def test_customers_of_a_marketplace_are_identified_by_phone_number() -> None:
    channel_with(CUSTOMER_IDENTIFIER_FIELD="phone_number")
    first = import_order("1", email=MAIL, phone_number=PHONE)

    assert import_order("2", email=OTHER_MAIL, phone_number=PHONE) == first
    assert import_order("3", email=MAIL, phone_number="+905550000001") != first
    assert import_order("4", email=MAIL) == first
    assert User.objects.filter(is_staff=False).count() == 2


def test_customers_are_identified_by_email_address_by_default() -> None:
    first = import_order("1", email=MAIL, phone_number=PHONE)

    assert import_order("2", email=OTHER_MAIL, phone_number=PHONE) != first
    assert import_order("3", email=MAIL, phone_number="+905550000001") == first


def test_phone_number_of_a_customer_who_signs_in_is_not_matched() -> None:
    """Anyone can register and enter the phone number of somebody else."""
    channel_with(CUSTOMER_IDENTIFIER_FIELD="phone_number")
    stranger = factories.create_customer(email=OTHER_MAIL, phone=PHONE)

    owner = import_order("1", email=MAIL, phone_number=PHONE, user_type="registered")

    assert owner != stranger.pk


def test_registered_customer_with_another_phone_number_is_the_same_customer() -> None:
    channel_with(CUSTOMER_IDENTIFIER_FIELD="phone_number")
    registered = factories.create_customer(email=MAIL, phone=PHONE)

    owner = import_order("1", email=MAIL, phone_number="+905550000009", user_type="registered")

    assert owner == registered.pk
