"""The adapter of our own loyalty accounts: a refund credits points to the order's owner."""

from collections.abc import Mapping

from django.db import DatabaseError, transaction

from takeback.core import clock
from takeback.loyalty.commands.credit import KeyReused, credit_refund
from takeback.loyalty.queries import refunds_of_payment
from takeback.refund_providers.capabilities import CAPABILITIES
from takeback.refund_providers.own_payments import own_payment
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


class LoyaltyProvider:
    """Credits are final at once, and a key credits once for good."""

    name = "loyalty"
    capabilities = CAPABILITIES[name]

    def refund(self, access: AccountAccess, order: RefundOrder) -> Accepted | Refused | Unknown:
        try:
            # The row is written as one, also inside the transaction of a test.
            with transaction.atomic():
                payment = own_payment(order.payment)
                entry = credit_refund(
                    payment, order.amount_minor, order.currency, key=order.key, now=clock.now()
                )
        except KeyError:
            return Refused("payment_not_found")
        except KeyReused:
            return Unknown("key_reused")
        except DatabaseError:
            return Unknown("database")
        return Accepted(entry.uuid.hex, RefundStatus.CONFIRMED, entry.amount_minor, order.currency)

    def void(self, access: AccountAccess, order: RefundOrder) -> Accepted | Refused | Unknown:
        return Refused("not_supported")

    def payment_state(self, access: AccountAccess, payment: PaymentRef) -> PaymentState:
        try:
            row = own_payment(payment)
            entries = refunds_of_payment(row.pk)
        except DatabaseError as error:
            raise Unavailable("database") from error
        currency = row.currency or row.order.currency
        refunds = tuple(
            ProviderRefund(
                provider_refund=entry.uuid.hex,
                reference=entry.key,
                status=RefundStatus.CONFIRMED,
                amount_minor=entry.amount_minor,
                currency=currency,
                created_at=entry.at,
            )
            for entry in entries
        )
        return PaymentState(
            currency=currency,
            captured_minor=row.captured_minor,
            refunded_minor=sum(refund.amount_minor for refund in refunds),
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
