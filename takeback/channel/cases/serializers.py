"""What other systems send about cases."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from takeback.api import case_fields
from takeback.api.case_fields import NO_ITEM, NO_REASON, DescriptionField, KindField, Number
from takeback.api.fields import StrictBoolean, StrictText
from takeback.bank_accounts import bank_account
from takeback.bank_accounts.bank_account import BankAccount
from takeback.cancellations.commands.edit import Edit
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.statuses import SHOWN_TO_CHANNELS, Status
from takeback.channel.cases.queries import CaseRow
from takeback.channel.cases.shapes import ChannelCancellationRequest
from takeback.core.types import ItemId

REMOTE_ID_MAX = 128
_FIXED = _("This is fixed once a request is open.")
_STATUSES = {status.value: status for status in SHOWN_TO_CHANNELS.values()}


@extend_schema_field({"type": "string", "enum": list(_STATUSES)})
class StatusField(serializers.Field[Status, Any, str, Any]):
    """A status as other systems name it."""

    default_error_messages = {"invalid": _("There is no such status.")}

    def to_internal_value(self, data: Any) -> Status:
        found = _STATUSES.get(data) if isinstance(data, str) else None
        if found is None:
            self.fail("invalid")
        return found

    def to_representation(self, value: Status) -> str:
        return value.value


class _Wish(serializers.Serializer[Any]):
    """What may be told when asking and later; null says nothing."""

    description = DescriptionField(required=False, allow_null=True)
    iban = case_fields.IbanField(required=False, allow_null=True)
    holder_name = case_fields.HolderNameField(required=False, allow_null=True)
    quantity = Number(required=False, allow_null=True)
    fully_refund_as_loyalty_money = StrictBoolean(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        case_fields.require_complete_bank_account(attrs)
        return attrs


class NewCaseSerializer(_Wish):
    """One item to be cancelled or sent back; no quantity means all of it."""

    order_item = Number(error_messages=NO_ITEM)
    reason = Number(error_messages=NO_REASON)
    cancellation_type = KindField()
    remote_id = StrictText(
        max_length=REMOTE_ID_MAX, required=False, allow_null=True, allow_blank=True
    )


class ChangedCaseSerializer(_Wish):
    """New values of a case; what is not told stays, an empty description takes it away."""

    status = StatusField(required=False)
    reason = Number(error_messages=NO_REASON, required=False)
    order_item = Number(error_messages=NO_ITEM, required=False)
    cancellation_type = KindField(required=False)


class Note(serializers.Serializer[Any]):
    """Why somebody decided so, for the case's history."""

    note = DescriptionField(required=False, allow_null=True)


class Change(NamedTuple):
    """What a case is to become; `leans_on_account` when the caller told only a part of it."""

    edit: Edit
    leans_on_account: bool


def ask_in(body: Mapping[str, Any], *, is_account_trusted: bool) -> NewCase:
    """What the body asks for, or DRF's `ValidationError` with all its faults."""
    told = _validated(NewCaseSerializer, body)
    return NewCase(
        order_item=ItemId(told["order_item"]),
        kind=told["cancellation_type"],
        reason=told["reason"],
        quantity=told.get("quantity"),
        description=told.get("description") or None,
        bank_account=_account_in(told),
        is_account_trusted=is_account_trusted,
        pickup_at_shipping_address=True,
        refund_to_loyalty=bool(told.get("fully_refund_as_loyalty_money")),
        remote_id=told.get("remote_id") or None,
    )


def change_in(body: Mapping[str, Any], row: CaseRow, shown: ChannelCancellationRequest) -> Change:
    """What the body wants to be different from what the caller was `shown` of the case."""
    kept = bank_account.bank_account_of(row)
    completed = _completed(body, kept, shown) if kept else body
    told = _validated(ChangedCaseSerializer, completed)
    fixed = {"order_item": row.order_item_id, "cancellation_type": row.cancellation_type}
    moved = {name: [_FIXED] for name, value in fixed.items() if told.get(name, value) != value}
    if moved:
        raise ValidationError(moved)
    edit = Edit(
        description=told.get("description"),
        reason=told.get("reason"),
        quantity=told.get("quantity"),
        refund_to_loyalty=told.get("fully_refund_as_loyalty_money"),
        bank_account=_account_in(told),
        status=told.get("status"),
    )
    return Change(edit, completed is not body)


def note_in(body: Mapping[str, Any]) -> str | None:
    """The words that go with a decision; whatever else was sent means nothing."""
    return _validated(Note, body).get("note") or None


def _completed(
    body: Mapping[str, Any], kept: BankAccount, shown: ChannelCancellationRequest
) -> Mapping[str, Any]:
    """What was shown, masked perhaps, stands for what it shows; a part that is not told stays."""
    told = {"iban": body.get("iban"), "holder_name": body.get("holder_name")}
    if not any(told.values()):
        return body
    account = {
        name: whole if told[name] in (None, "", seen) else told[name]
        for name, whole, seen in (
            ("iban", kept.iban, shown["iban"]),
            ("holder_name", kept.holder_name, shown["holder_name"]),
        )
    }
    if account == kept._asdict():
        return {name: value for name, value in body.items() if name not in account}
    return body if account == told else {**body, **account}


def _account_in(told: Mapping[str, Any]) -> BankAccount | None:
    iban, holder = told.get("iban"), told.get("holder_name")
    return BankAccount(iban, holder) if iban and holder else None


def _validated(form: type[serializers.Serializer[Any]], body: Mapping[str, Any]) -> dict[str, Any]:
    filled = form(data=body)
    filled.is_valid(raise_exception=True)
    return dict(filled.validated_data)
