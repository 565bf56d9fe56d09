"""What other systems send about orders that are here, and what they filter by."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from takeback.api.fields import StrictBoolean, StrictInteger, StrictMoment, StrictText
from takeback.api.order_payload.fields import FreeObject, StatusCode
from takeback.api.order_payload.parts import URL_MAX
from takeback.channel.filters import IdList, text
from takeback.orders.statuses import CancelStatus, Status

MOST_LINES = 500
_SORTED = ("id", "-id")


@extend_schema_field({"oneOf": [{"type": "integer"}, {"type": "string"}]})
class KnownStatus(StatusCode):
    """The code of a status that we know the meaning of."""

    def to_internal_value(self, data: Any) -> int:
        code = super().to_internal_value(data)
        if code not in frozenset(Status):
            self.fail("invalid")
        return code


def _moment() -> StrictMoment:
    return StrictMoment(required=False)


class ChangeFilters(serializers.Serializer[Any]):
    """Which orders have changed: after one moment, or before another."""

    modified_date__gt = _moment()
    modified_date__gte = _moment()
    modified_date__lt = _moment()
    modified_date__lte = _moment()
    status = KnownStatus(required=False)
    cancel_status = text()


class OrderFilters(ChangeFilters):
    """Which orders are listed."""

    number = text()
    pk__in = IdList(required=False)
    date_placed__gt = StrictMoment(required=False, source="placed_at__gt")
    date_placed__gte = StrictMoment(required=False, source="placed_at__gte")
    date_placed__lt = StrictMoment(required=False, source="placed_at__lt")
    date_placed__lte = StrictMoment(required=False, source="placed_at__lte")
    created_date__gt = _moment()
    created_date__gte = _moment()
    created_date__lt = _moment()
    created_date__lte = _moment()


class ItemFilters(serializers.Serializer[Any]):
    """Which lines are listed, and in which order."""

    order = StrictInteger(required=False)
    pk__in = IdList(required=False)
    status = KnownStatus(required=False)
    cancel_status = text()
    sort = serializers.ChoiceField(_SORTED, required=False)


class OrderChange(serializers.Serializer[Any]):
    """The one thing that may be told of an order by itself; all else is ignored."""

    is_send = StrictBoolean(required=False)


def _nullable(maximum: int) -> StrictText:
    return StrictText(max_length=maximum, required=False, allow_null=True, allow_blank=True)


class LineProgress(serializers.Serializer[Any]):
    """How far a line is: its status, its parcel and its invoice. Null empties a field."""

    status = KnownStatus(required=False)
    invoice_number = _nullable(128)
    invoice_date = StrictMoment(required=False, allow_null=True)
    e_archive_url = _nullable(URL_MAX)
    shipping_company = _nullable(64)
    tracking_number = _nullable(256)
    tracking_url = _nullable(URL_MAX)
    shipped_date = StrictMoment(required=False, allow_null=True)
    delivered_date = StrictMoment(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Where nothing is known there is null, not a blank."""
        return {name: None if value == "" else value for name, value in attrs.items()}


class LineChange(LineProgress):
    """All that may be told of a line by itself."""

    cancel_status = serializers.ChoiceField(
        [status.value for status in CancelStatus], required=False, allow_null=True
    )
    extra_field = FreeObject(required=False)
    attributes = FreeObject(required=False)
    attributes_kwargs = FreeObject(required=False)


class LineOfMany(LineProgress):
    """A line among others."""

    id = StrictInteger()


class ManyLines(serializers.Serializer[Any]):
    """Lines of one or more orders; all of them change, or none."""

    orderitem_set = LineOfMany(many=True, allow_empty=False, max_length=MOST_LINES)  # type: ignore[call-arg]  # many=True makes a list of it

    def validate_orderitem_set(self, value: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
        """What is told of each line, by its id."""
        told = {line.pop("id"): line for line in value}
        if len(told) < len(value):
            raise ValidationError(_("This item is named twice."))
        return told


def lines_from(document: Any) -> dict[int, dict[str, Any]]:
    """What a body tells of lines, by id; a `ValidationError` names faults by position."""
    form = ManyLines(data=document)
    if not form.is_valid():
        raise ValidationError(_by_position(form.errors["orderitem_set"]))
    return dict(form.validated_data["orderitem_set"])


def _by_position(faults: Any) -> dict[str, Any]:
    """`orderitem_set.<position>.<field>`, as faults of an order that is told are named."""
    of_all = faults.get("non_field_errors") if isinstance(faults, dict) else faults
    if of_all:
        return {"orderitem_set": of_all}
    return {
        f"orderitem_set.{position}.{name}": texts
        for position, fault in faults.items()
        for name, texts in fault.items()
    }
