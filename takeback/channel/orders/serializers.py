"""Input about orders: changes, cancellations and filters."""

from collections.abc import Mapping
from typing import Any, cast

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from takeback.accounts.channel_conf import ChannelConf
from takeback.api import case_fields
from takeback.api.complete_errors import CompleteErrors
from takeback.api.fields import StrictBoolean, StrictInteger, StrictText
from takeback.api.order_payload.fields import Amount, StatusCode
from takeback.api.order_payload.parts import PaymentChangePayload
from takeback.bank_accounts.bank_account import BankAccount
from takeback.cancellations.commands.cancel_order import MAX_ITEMS, DirectCancel
from takeback.cancellations.errors import REASON_MISSING
from takeback.cancellations.plans import RefundTerms
from takeback.channel import cancel_status, errors
from takeback.channel.base import errors_by_path
from takeback.channel.cases.serializers import ReasonField
from takeback.channel.filters import Filter, Filters, by_ids, by_range, by_text, equal
from takeback.orders.order_input import PAYMENTS_MAX
from takeback.orders.payment_rows import PaymentUpdate

UPDATE_FILTERS: Filters = {
    **by_range("modified_date", "modified_date"),
    "status": Filter(StatusCode(required=False), equal("status")),
    "cancel_status": cancel_status.FILTER,
}
FILTERS: Filters = {
    **UPDATE_FILTERS,
    "number": by_text("number"),
    "pk__in": by_ids("pk__in"),
    **by_range("date_placed", "placed_at"),
    **by_range("created_date", "created_date"),
}

_ID = StrictInteger()


class OrderChange(serializers.Serializer[Any]):
    """The keys of an order that can be changed; other keys are ignored.

    `refunded_elsewhere_amount` is what other systems refunded; it cannot fall. `refund_amount` is
    the total of all refunds, and its excess over the refunds of this service counts as refunded
    elsewhere. `payments` fills in ids that were unknown, and raises captured amounts.
    """

    example = {
        "is_send": True,
        "refunded_elsewhere_amount": "10.00",
        "payments": [
            {
                "account": "stripe",
                "reference": "pi_3Qk",
                "amount": "99.90",
                "captured_amount": "99.90",
            }
        ],
    }

    is_send = StrictBoolean(required=False)
    refunded_elsewhere_amount = Amount(required=False)
    refund_amount = Amount(required=False)
    payments = PaymentChangePayload(many=True, required=False, max_length=PAYMENTS_MAX)  # type: ignore[call-arg]  # many=True makes a list of it


def order_changes(body: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """The validated data of `OrderChange`; DRF's ValidationError names all invalid fields."""
    form = OrderChange(data=body, context={"currency": currency})
    if not form.is_valid():
        raise ValidationError(errors_by_path(form.errors))
    return dict(form.validated_data)


def payment_updates(changes: Mapping[str, Any]) -> list[PaymentUpdate]:
    """The command's input from the validated data of `OrderChange`."""
    return [
        PaymentUpdate(
            kind=payment.get("payment_type"),
            amount=payment.get("amount"),
            captured=payment.get("captured_amount"),
            account=payment.get("account"),
            reference=payment.get("reference"),
            provider_order=payment.get("provider_order"),
            currency=payment.get("currency"),
        )
        for payment in changes.get("payments", ())
    ]


@extend_schema_field({"type": "array", "items": {"type": "integer"}, "maxItems": MAX_ITEMS})
class ItemIds(serializers.Field[list[int], Any, Any, Any]):
    """Ids of items in a list; of an object, its keys. Repeated ids count once."""

    default_error_messages = {
        "invalid": _("A list is required."),
        "many": _("Send at most {max} ids."),
    }

    def to_internal_value(self, data: Any) -> list[int]:
        if not isinstance(data, list | dict):
            self.fail("invalid")
        if len(data) > MAX_ITEMS:
            self.fail("many", max=MAX_ITEMS)
        ids: set[int] = set()
        errors: Any = {}
        for position, word in enumerate(data):
            try:
                ids.add(_ID.run_validation(word))
            except ValidationError as error:
                errors[position] = error.detail
        if errors:
            raise ValidationError(errors)
        return sorted(ids)


@extend_schema_field({"type": "object", "additionalProperties": {}})
class ByItem(serializers.Field[dict[int, Any], Any, Any, Any]):
    """An object with item ids as keys; `child` reads the values."""

    default_error_messages = {
        "invalid": _("An object is required."),
        "many": _("Send at most {max} ids."),
        "twice": _("The item {id} is named twice. Name each item once."),
    }

    def __init__(self, child: serializers.Field[Any, Any, Any, Any], **options: Any) -> None:
        super().__init__(required=False, allow_null=True, **options)
        self.child = child
        child.bind("", cast("Any", self))  # the child reads the context

    def to_internal_value(self, data: Any) -> dict[int, Any]:
        if not isinstance(data, dict):
            self.fail("invalid")
        if len(data) > MAX_ITEMS:
            self.fail("many", max=MAX_ITEMS)
        values: dict[int, Any] = {}
        for key, value in data.items():
            item_id = _ID.run_validation(key)
            if item_id in values:  # as `12` and `012`
                self.fail("twice", id=item_id)
            values[item_id] = self.child.run_validation(value)
        return values


class ForcedAmount(Amount):
    """An amount; some clients send `false` or `true` for the calculated amount."""

    def to_internal_value(self, data: Any) -> Any:
        return None if isinstance(data, bool) else super().to_internal_value(data)


class OrderCancel(CompleteErrors):
    """The items to cancel or return, and the terms of the refund."""

    example = {"order": 9, "cancel_items": [41], "reasons": {"41": 1}}

    order = StrictInteger(required=False)
    is_all = StrictBoolean(required=False, default=False)
    cancel_items = ItemIds(required=False, allow_null=True)
    reasons = ByItem(ReasonField())
    forced_refund_amount = ForcedAmount(required=False, allow_null=True)
    is_cargo_refund = StrictBoolean(required=False, default=False)
    refund_invoice_number = StrictText(
        max_length=128, required=False, allow_null=True, allow_blank=True
    )
    ibans = ByItem(case_fields.IbanField())
    holder_names = ByItem(case_fields.HolderNameField())

    def missing(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Without items, their reasons are missing as well; the command names those of items."""
        if data.get("is_all") or data.get("cancel_items"):
            return {}
        missing: dict[str, Any] = {"cancel_items": [errors.NO_ITEMS]}
        if not data.get("reasons") and self.context["conf"].fallback_reason_id is None:
            missing["reasons"] = [REASON_MISSING.message]
        return missing

    def validate_order(self, value: int) -> int:
        if value != self.context["order_id"]:
            raise ValidationError(errors.ANOTHER_ORDER)
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        item_ids = attrs.get("cancel_items") or []
        if attrs["is_all"] and item_ids:
            raise ValidationError({"cancel_items": [errors.ALL_OR_SOME]})
        if missing := self.missing(attrs):
            raise ValidationError(missing)
        for name in ("reasons", "ibans", "holder_names"):
            attrs[name] = attrs.get(name) or {}
        if attrs["ibans"].keys() != attrs["holder_names"].keys():
            raise ValidationError({"ibans": [case_fields.BOTH_NEEDED]})
        return attrs


def direct_cancel(
    data: dict[str, Any], conf: ChannelConf, *, are_accounts_trusted: bool
) -> DirectCancel:
    """The command's input from the validated data of `OrderCancel`."""
    holder_names = data["holder_names"]
    return DirectCancel(
        items=frozenset(data.get("cancel_items") or ()),
        reasons=data["reasons"],
        accounts={
            item_id: BankAccount(iban, holder_names[item_id])
            for item_id, iban in data["ibans"].items()
            if iban and holder_names[item_id]
        },
        terms=RefundTerms(
            forced_refund_minor=data.get("forced_refund_amount"),
            is_cargo_refund=data["is_cargo_refund"],
            refund_invoice_number=data.get("refund_invoice_number") or None,
        ),
        are_accounts_trusted=are_accounts_trusted,
        fallback_reason=conf.fallback_reason_id,
    )
