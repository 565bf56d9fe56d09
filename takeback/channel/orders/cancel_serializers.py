"""What a system sends to cancel an order, or parts of it, by itself."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from takeback.api import case_fields
from takeback.api.fields import StrictBoolean, StrictInteger, StrictText
from takeback.api.order_payload.fields import Amount
from takeback.bank_accounts.bank_account import BankAccount
from takeback.cancellations.commands.cancel_order import MAX_ITEMS, DirectCancel
from takeback.cancellations.plans import RefundTerms
from takeback.channel import errors

_ID = StrictInteger()


@extend_schema_field({"type": "array", "items": {"type": "integer"}, "maxItems": MAX_ITEMS})
class Ids(serializers.Field[list[int], Any, Any, Any]):
    """Numbers of lines, each once; of an object, its keys."""

    default_error_messages = {
        "invalid": _("A list is required."),
        "many": _("Name at most {most} numbers."),
    }

    def to_internal_value(self, data: Any) -> list[int]:
        if not isinstance(data, list | dict):
            self.fail("invalid")
        if len(data) > MAX_ITEMS:
            self.fail("many", most=MAX_ITEMS)
        return sorted({_ID.run_validation(word) for word in data})

    def to_representation(self, value: list[int]) -> list[int]:
        return value


@extend_schema_field({"type": "object", "additionalProperties": {}})
class ByItem(serializers.Field[dict[int, Any], Any, Any, Any]):
    """An object whose keys are numbers of lines; what it says of each is read by `child`."""

    default_error_messages = {
        "invalid": _("An object is required."),
        "many": _("Name at most {most} numbers."),
    }

    def __init__(self, child: serializers.Field[Any, Any, Any, Any], **options: Any) -> None:
        super().__init__(required=False, allow_null=True, **options)
        self.child = child

    def to_internal_value(self, data: Any) -> dict[int, Any]:
        if not isinstance(data, dict):
            self.fail("invalid")
        if len(data) > MAX_ITEMS:
            self.fail("many", most=MAX_ITEMS)
        return {
            _ID.run_validation(key): self.child.run_validation(value) for key, value in data.items()
        }

    def to_representation(self, value: dict[int, Any]) -> dict[int, Any]:
        return value


class ForcedAmount(Amount):
    """An amount; some send `false` for none, and `true` for what it comes to anyway."""

    def to_internal_value(self, data: Any) -> Any:
        return None if isinstance(data, bool) else super().to_internal_value(data)


class OrderCancel(serializers.Serializer[Any]):
    """An order, or some of its lines, and what is to become of the money.

    With `is_all` the lines are not named. What is said of a line stands under its number.
    """

    order = StrictInteger(required=False)
    is_all = StrictBoolean(required=False, default=False)
    cancel_items = Ids(required=False, allow_null=True)
    reasons = ByItem(StrictInteger())
    forced_refund_amount = ForcedAmount(required=False, allow_null=True)
    is_cargo_refund = StrictBoolean(required=False, default=False)
    refund_invoice_number = StrictText(
        max_length=128, required=False, allow_null=True, allow_blank=True
    )
    ibans = ByItem(case_fields.IbanField())
    holder_names = ByItem(case_fields.HolderNameField())

    def validate_order(self, value: int) -> int:
        if value != self.context["order_id"]:
            raise ValidationError(errors.ANOTHER_ORDER)
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        named = attrs.get("cancel_items") or []
        if attrs["is_all"] and named:
            raise ValidationError({"cancel_items": [errors.ALL_OR_SOME]})
        if not attrs["is_all"] and not named:
            raise ValidationError({"cancel_items": [errors.NOTHING_NAMED]})
        for name in ("reasons", "ibans", "holder_names"):
            attrs[name] = attrs.get(name) or {}
        if attrs["ibans"].keys() != attrs["holder_names"].keys():
            raise ValidationError({"ibans": [case_fields.BOTH_NEEDED]})
        return attrs


def cancel_in(
    body: Any, *, order_id: int, currency: str, are_accounts_trusted: bool
) -> DirectCancel:
    """What a body wants of this order, or DRF's `ValidationError` with all its faults."""
    read = OrderCancel(data=body, context={"order_id": order_id, "currency": currency})
    read.is_valid(raise_exception=True)
    told = read.validated_data
    return DirectCancel(
        items=frozenset(told.get("cancel_items") or ()),
        reasons=told["reasons"],
        accounts={
            line: BankAccount(iban, told["holder_names"][line])
            for line, iban in told["ibans"].items()
            if iban and told["holder_names"][line]
        },
        terms=RefundTerms(
            forced_refund_minor=told.get("forced_refund_amount"),
            is_cargo_refund=told["is_cargo_refund"],
            refund_invoice_number=told.get("refund_invoice_number") or None,
        ),
        are_accounts_trusted=are_accounts_trusted,
    )
