"""The release of authorizations when an order is cancelled before it was charged."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from time_machine import Traveller

from takeback.core.ids import OrderId
from takeback.orders.models import Payment
from takeback.outbox.models import Message
from takeback.refunds.commands.void import void_uncaptured
from tests.factories import NOW
from tests.handlers.delivery import deliver, work
from tests.refunds.factories import create_account, create_charged_order
from tests.refunds.fake_provider import FakePayment, FakeProvider, lose_reply, lose_request, refuse

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.allow_repeated_queries("each message queries again"),
    pytest.mark.usefixtures("clock_at_now"),
]


def create_uncaptured(provider: FakeProvider) -> Payment:
    """A payment of a cancelled order that was authorized and never charged."""
    create_account()
    order, [payment] = create_charged_order()
    Payment.objects.filter(pk=payment.pk).update(captured_minor=0)
    provider.payments[payment.reference or ""] = FakePayment(captured=0, is_authorized_only=True)
    with transaction.atomic():
        assert void_uncaptured(OrderId(order.pk)) == 1
    return payment


@pytest.mark.parametrize("behaviours", [[], [lose_reply], [lose_request]])
def test_uncaptured_payment_of_a_cancelled_order_is_released(
    behaviours: list[Any], provider: FakeProvider, clock_at_now: Traveller
) -> None:
    payment = create_uncaptured(provider)
    provider.behaviours = behaviours

    work(clock_at_now, timedelta(minutes=5))

    assert provider.payments[payment.reference or ""].is_authorized_only is False
    assert {request.verb for request in provider.requests} == {"void"}
    assert len({request.order.key for request in provider.requests}) == 1
    assert Message.objects.filter(topic="refund.void", done_at__isnull=False).count() == 1


def test_payment_charged_meanwhile_is_not_released(provider: FakeProvider) -> None:
    payment = create_uncaptured(provider)
    provider.payments[payment.reference or ""] = FakePayment(captured=1000)

    deliver()

    assert provider.requests == []
    assert Payment.objects.get(pk=payment.pk).voided_at is None


def test_refused_release_is_parked(provider: FakeProvider) -> None:
    create_uncaptured(provider)
    provider.behaviours = [refuse]

    deliver()

    message = Message.objects.get(topic="refund.void")
    assert (message.last_error, message.parked_at) == ("VoidRefused", NOW)
