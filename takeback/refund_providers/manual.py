"""The adapter for refunds that a person pays and reports, such as cash or a bank transfer."""

from collections.abc import Mapping

from django.db import DatabaseError

from takeback.refund_providers.capabilities import CAPABILITIES
from takeback.refund_providers.own_payments import own_payment
from takeback.refunds.models import Refund
from takeback.refunds.providers import (
    Accepted,
    AccountAccess,
    PaymentRef,
    PaymentState,
    ProviderRefund,
    RefundOrder,
    RefundStatus,
    Refused,
    Unavailable,
    Unknown,
)
from takeback.refunds.statuses import Means, Status

PAID_BY_PERSONS = (Means.MANUAL, Means.BANK_TRANSFER)
_STATUSES = {
    Status.CONFIRMED.value: RefundStatus.CONFIRMED,
    Status.FAILED.value: RefundStatus.FAILED,
    Status.RETURNED.value: RefundStatus.FAILED,
}


class ManualProvider:
    """A refund is pending from the moment it is sent until a person reports what they paid."""

    name = "manual"
    capabilities = CAPABILITIES[name]

    def refund(self, access: AccountAccess, order: RefundOrder) -> Accepted | Refused | Unknown:
        return Accepted(order.key, RefundStatus.PENDING, order.amount_minor, order.currency)

    def void(self, access: AccountAccess, order: RefundOrder) -> Accepted | Refused | Unknown:
        return Refused("not_supported")

    def payment_state(self, access: AccountAccess, payment: PaymentRef) -> PaymentState:
        """What persons have been asked to pay and have reported, from our own rows."""
        try:
            row = own_payment(payment)
            refunds = tuple(map(_refund, sent_refunds(row.pk)))
        except DatabaseError as error:
            raise Unavailable("database") from error
        return PaymentState(
            currency=row.currency or row.order.currency,
            captured_minor=row.captured_minor,
            refunded_minor=sum(
                refund.amount_minor
                for refund in refunds
                if refund.status is not RefundStatus.FAILED
            ),
            charged_back_minor=0,
            has_open_dispute=False,
            refunds=refunds,
            is_test=access.is_test,
            covers_payment=False,
        )

    def payment_of_event(
        self, access: AccountAccess, headers: Mapping[str, str], body: bytes
    ) -> tuple[str, PaymentRef] | None:
        return None


def sent_refunds(payment_id: int) -> list[Refund]:
    """The refunds of a payment that persons have been asked to pay."""
    means = [paid.value for paid in PAID_BY_PERSONS]
    refunds = Refund.objects.filter(payment_id=payment_id, means__in=means)
    return list(refunds.filter(first_sent_at__isnull=False).order_by("pk"))


def _refund(row: Refund) -> ProviderRefund:
    return ProviderRefund(
        provider_refund=row.uuid.hex,
        reference=row.uuid.hex,
        status=_STATUSES.get(row.status, RefundStatus.PENDING),
        amount_minor=row.amount_minor,
        currency=row.currency,
        created_at=row.first_sent_at,
        failure_code=row.failure_code,
    )
