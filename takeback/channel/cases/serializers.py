"""Input about cases: new cases, changes, notes and filters."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from takeback.accounts.channel_conf import ChannelConf, reason_id
from takeback.accounts.policy import shop_zone
from takeback.api import case_fields
from takeback.api.case_fields import NO_ITEM, NO_REASON, DescriptionField, KindField, Number
from takeback.api.fields import StrictBoolean, StrictDate, StrictText
from takeback.bank_accounts.bank_account import BankAccount
from takeback.cancellations.commands.edit import Edit
from takeback.cancellations.decision import Remarks
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.statuses import SHOWN_TO_CHANNELS, Kind, PlanStatus, Status
from takeback.channel.base import validated
from takeback.channel.cases.documents import ChannelCancellationRequest
from takeback.channel.cases.queries import CaseRow
from takeback.channel.filters import (
    Filter,
    Filters,
    by_choice,
    by_id,
    by_ids,
    by_moment,
    by_range,
    by_text,
    equal,
)
from takeback.core.clock import day_end, day_start
from takeback.core.ids import ItemId
from takeback.core.normalize import email_key, folded, name_key, number_key

STATUSES = {
    shown.value: [status.value for status in Status if SHOWN_TO_CHANNELS[status] is shown]
    for shown in SHOWN_TO_CHANNELS.values()
}
"""The case statuses behind each status that clients see."""

PLAN_STATUSES: dict[str, list[str]] = {
    "confirmation_waiting": [],  # a plan is created when its case is confirmed
    "waiting": [PlanStatus.WAITING],
    "confirmed": [PlanStatus.WAITING],
    "approved": [PlanStatus.APPROVED],
    "waiting_for_payment": [PlanStatus.WAITING_FOR_PAYMENT],
    "completed": [PlanStatus.COMPLETED],
    "rejected": [PlanStatus.REJECTED],
}
"""The plan statuses for each status of the contract; several of them have the same one."""

_ORDER = "order_item__order"
_USER = f"{_ORDER}__user"
_PLACED_AT = f"{_ORDER}__placed_at"
_KINDS = [kind.value for kind in Kind]


def _by_code(column: str) -> Filter:
    """A code, compared without case."""
    return by_text(f"{column}__folded", folded)


def _by_day(column: str, bound: Callable[[date, ZoneInfo], datetime]) -> Filter:
    """A day in the shop's time zone."""
    return Filter(StrictDate(required=False), equal(column, lambda day: bound(day, shop_zone())))


def _has_status(shown: str) -> Q:
    # Names both kinds because the index by status begins with the kind.
    return Q(cancellation_type__in=_KINDS, status__in=STATUSES[shown])


DETAILED_FILTERS: Filters = {
    "pk__in": by_ids("pk__in"),
    "status": by_choice(STATUSES, _has_status),
    "cancellation_type": by_choice(_KINDS, equal("cancellation_type")),
    "number": by_text(f"{_ORDER}__number_key", number_key),
    **by_range("date_placed", _PLACED_AT),
    "date_placed__date__gt": _by_day(f"{_PLACED_AT}__gte", day_end),
    "date_placed__date__gte": _by_day(f"{_PLACED_AT}__gte", day_start),
    "date_placed__date__lt": _by_day(f"{_PLACED_AT}__lt", day_start),
    "date_placed__date__lte": _by_day(f"{_PLACED_AT}__lt", day_end),
    "sku": _by_code("order_item__sku"),
    "channel": by_id("channel"),
    "customer_first_name": by_text(f"{_USER}__first_name_key", name_key),
    "customer_last_name": by_text(f"{_USER}__last_name_key", name_key),
    "customer_email": by_text(f"{_USER}__email_key", email_key),
    "order_id": by_id(_ORDER),
    "cancellation_plan_status": by_choice(
        PLAN_STATUSES, equal("plan__status__in", PLAN_STATUSES.__getitem__)
    ),
    "easy_return_code": _by_code("easy_return__code"),
    "tracking_number": _by_code("easy_return__tracking_number"),
}
FILTERS: Filters = {**DETAILED_FILTERS, "date_placed": by_moment(_PLACED_AT)}
UPDATE_FILTERS: Filters = {**FILTERS, **by_range("modified_date", "modified_date")}


@extend_schema_field({"type": "string", "enum": list(STATUSES)})
class StatusField(serializers.Field[Status, Any, str, Any]):
    """A status that clients see."""

    default_error_messages = {"invalid": _("There is no such status.")}

    def to_internal_value(self, data: Any) -> Status:
        if not isinstance(data, str) or data not in STATUSES:
            self.fail("invalid")
        return Status(data)


class _CaseTerms(case_fields.CompleteBankAccount):
    """The keys of new and of changed cases; null means no value, and all units as quantity."""

    description = DescriptionField(required=False, allow_null=True)
    iban = case_fields.IbanField(required=False, allow_null=True)
    holder_name = case_fields.HolderNameField(required=False, allow_null=True)
    quantity = Number(required=False, allow_null=True)
    fully_refund_as_loyalty_money = StrictBoolean(required=False)


@extend_schema_field({"type": ["integer", "string"]})
class ReasonField(Number):
    """The id of a reason: of the channel, if its `reason_mapping` has it, else one of ours.

    `conf` in the context is the channel's. With a mapping, other texts mean its fallback reason.
    `our_reason` in the context is not mapped: a client may send a case back as it was shown.
    """

    def to_internal_value(self, data: Any) -> int:
        conf: ChannelConf = self.context["conf"]
        if data == self.context.get("our_reason"):
            return super().to_internal_value(data)
        is_text = isinstance(data, str)
        key = str(data).strip(" ") if is_text or type(data) is int else ""
        if key in conf.reason_mapping:
            return conf.reason_mapping[key]
        if is_text and conf.reason_mapping and conf.fallback_reason_id and not reason_id(key):
            return conf.fallback_reason_id
        return super().to_internal_value(data)


class NewCaseSerializer(_CaseTerms):
    """An item to cancel or return; no quantity means all units."""

    example = {"order_item": 41, "reason": 1, "cancellation_type": "refund", "quantity": 1}

    order_item = Number(error_messages=NO_ITEM)
    reason = ReasonField(error_messages=NO_REASON)
    cancellation_type = KindField()
    remote_id = StrictText(max_length=128, required=False, allow_null=True, allow_blank=True)


class _Remarks(serializers.Serializer[Any]):
    """Texts about a decision, and whether it overrides rules that do not hold.

    The customer is mailed `message` with an approval or a rejection; only staff read
    `internal_note`. `note` is the older name: the message of a rejection, else the internal note.
    """

    message = DescriptionField(required=False, allow_null=True)
    internal_note = DescriptionField(required=False, allow_null=True)
    note = DescriptionField(required=False, allow_null=True)
    override = StrictBoolean(required=False)


class ChangedCaseSerializer(_CaseTerms, _Remarks):
    """New values of a case; missing keys stay as they are.

    Null or an empty text removes the description, null as `iban` and `holder_name` removes the
    bank account, and null as `quantity` stands for all units that are left. Remarks accompany a
    change of `status`.
    """

    example = {"description": "The box was open.", "quantity": 1}

    status = StatusField(required=False)
    reason = ReasonField(error_messages=NO_REASON, required=False)
    order_item = Number(error_messages=NO_ITEM, required=False)
    cancellation_type = KindField(required=False)


class RemarksSerializer(_Remarks):
    """The remarks of a transition."""

    example = {"message": "Please send it back within 14 days.", "note": "Checked by phone."}


class NoteSerializer(serializers.Serializer[Any]):
    """A note that only staff read."""

    example = {"internal_note": "Left the warehouse this morning."}

    internal_note = DescriptionField(required=False, allow_null=True)


def remarks(data: Mapping[str, Any], status: Status | None) -> Remarks:
    """The remarks in validated data, on the way to a status."""
    message, internal_note = data.get("message"), data.get("internal_note")
    if status is Status.REJECTED:
        message = message or data.get("note")
    else:
        internal_note = internal_note or data.get("note")
    return Remarks(message or None, internal_note or None, bool(data.get("override")))


def new_case(body: Mapping[str, Any], conf: ChannelConf, *, is_account_trusted: bool) -> NewCase:
    """The case to open; DRF's ValidationError names all invalid fields.

    Without a reason the case has the fallback reason of the channel, if there is one.
    """
    fallback = conf.fallback_reason_id
    context: dict[str, Any] = {"conf": conf}
    if fallback and body.get("reason") is None:
        context["our_reason"] = fallback
        body = {**body, "reason": fallback}
    data = validated(NewCaseSerializer, body, context=context)
    return NewCase(
        order_item=ItemId(data["order_item"]),
        kind=data["cancellation_type"],
        reason=data["reason"],
        quantity=data.get("quantity"),
        description=data.get("description") or None,
        bank_account=_bank_account(data),
        is_account_trusted=is_account_trusted,
        pickup_at_shipping_address=True,
        refund_to_loyalty=bool(data.get("fully_refund_as_loyalty_money")),
        remote_id=data.get("remote_id") or None,
        fallback_reason=fallback,
    )


_ACCOUNT_KEYS = {"iban", "holder_name"}
_HALF_ACCOUNT = _("To remove the bank account, send null as both iban and holder_name.")
_FIXED = _("This cannot change after the request has been opened.")


def case_edit(body: Mapping[str, Any], row: CaseRow, conf: ChannelConf) -> Edit:
    """The changes of a case; DRF's ValidationError names all invalid fields."""
    context = {"conf": conf, "our_reason": row.reason.id}
    data = validated(ChangedCaseSerializer, body, context=context)
    fixed = {"order_item": row.order_item_id, "cancellation_type": row.cancellation_type}
    changed = {name: [_FIXED] for name, value in fixed.items() if data.get(name, value) != value}
    if changed:
        raise ValidationError(changed)
    nulls = {name for name, value in data.items() if value is None}
    return Edit(
        description="" if "description" in nulls else data.get("description"),
        reason=data.get("reason"),
        quantity=data.get("quantity"),
        all_units="quantity" in nulls,
        refund_to_loyalty=data.get("fully_refund_as_loyalty_money"),
        bank_account=_bank_account(data),
        removes_bank_account=nulls >= _ACCOUNT_KEYS,
        status=data.get("status"),
        remarks=remarks(data, data.get("status")),
    )


def with_stored_account(
    body: Mapping[str, Any], stored: BankAccount | None, shown: ChannelCancellationRequest
) -> Mapping[str, Any]:
    """The body, its bank account completed from the stored one.

    A part that the client leaves out, or sends back as it was `shown` (masked, perhaps), stands
    for the stored part. An account that does not change is left out. Raises ValidationError if
    only one part is null: half an account cannot be paid to.
    """
    sent = {"iban": body.get("iban"), "holder_name": body.get("holder_name")}
    nulls = {name for name in sent if name in body and body[name] is None}
    if stored is None or nulls == _ACCOUNT_KEYS:
        return body
    half = [name for name in nulls if shown[name] is not None]  # type: ignore[literal-required]
    if half:
        raise ValidationError({name: [_HALF_ACCOUNT] for name in half})
    if not any(sent.values()):
        return body
    account = {
        name: value if sent[name] in (None, "", masked) else sent[name]
        for name, value, masked in (
            ("iban", stored.iban, shown["iban"]),
            ("holder_name", stored.holder_name, shown["holder_name"]),
        )
    }
    if account == stored._asdict():
        return {name: value for name, value in body.items() if name not in account}
    return body if account == sent else {**body, **account}


def _bank_account(data: Mapping[str, Any]) -> BankAccount | None:
    iban, holder_name = data.get("iban"), data.get("holder_name")
    return BankAccount(iban, holder_name) if iban and holder_name else None
