"""Input about order items: changes and filters."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from takeback.api.fields import PastMoment, PlausibleMoment, StrictInteger, StrictText
from takeback.api.order_payload.fields import FreeObject, StatusCode
from takeback.api.order_payload.parts import URL_MAX
from takeback.channel import cancel_status
from takeback.channel.base import errors_by_path
from takeback.channel.filters import BY_SORT, Filter, Filters, by_id, by_ids, equal
from takeback.orders.statuses import CancelStatus

MAX_ITEMS = 500


FILTERS: Filters = {
    "order": by_id("order_id"),
    "pk__in": by_ids("pk__in"),
    "status": Filter(StatusCode(required=False), equal("status")),
    "cancel_status": cancel_status.FILTER,
    "sort": BY_SORT,
}


def _nullable(maximum: int) -> StrictText:
    return StrictText(max_length=maximum, required=False, allow_null=True, allow_blank=True)


class ItemProgress(serializers.Serializer[Any]):
    """The status, parcel and invoice of an item. Null empties a field.

    `refunded_elsewhere_quantity` is the number of units that other systems refunded; it cannot
    fall.
    """

    status = StatusCode(required=False)
    invoice_number = _nullable(128)
    invoice_date = PlausibleMoment(required=False, allow_null=True)
    e_archive_url = _nullable(URL_MAX)
    shipping_company = _nullable(64)
    tracking_number = _nullable(256)
    tracking_url = _nullable(URL_MAX)
    shipped_date = PastMoment(required=False, allow_null=True)
    delivered_date = PastMoment(required=False, allow_null=True)
    refunded_elsewhere_quantity = StrictInteger(min_value=0, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Columns without a value hold null, not a blank."""
        return {name: None if value == "" else value for name, value in attrs.items()}


class ItemChange(ItemProgress):
    """The changes of one item."""

    example = {"status": "500", "shipping_company": "ups", "tracking_number": "1Z999AA10123456784"}

    cancel_status = serializers.ChoiceField(
        [status.value for status in CancelStatus], required=False, allow_null=True
    )
    extra_field = FreeObject(required=False)
    attributes = FreeObject(required=False)
    attributes_kwargs = FreeObject(required=False)


class BulkItemChange(ItemProgress):
    """The changes of one item among several."""

    id = StrictInteger()


class BulkItemChanges(serializers.Serializer[Any]):
    """Changes of several items; all of them are applied, or none."""

    example = {"orderitem_set": [{"id": 41, "status": "500"}]}

    orderitem_set = BulkItemChange(many=True, allow_empty=False, max_length=MAX_ITEMS)  # type: ignore[call-arg]  # many=True makes a list of it

    def validate_orderitem_set(self, value: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
        """The changes by item id."""
        changes = {item.pop("id"): item for item in value}
        if len(changes) < len(value):
            raise ValidationError(_("This item occurs twice. Send each item once."))
        return changes


def bulk_changes(body: Any) -> dict[int, dict[str, Any]]:
    """The changes in a body by item id; ValidationError names invalid fields by position."""
    form = BulkItemChanges(data=body)
    if not form.is_valid():
        raise ValidationError(errors_by_path(form.errors))
    return dict(form.validated_data["orderitem_set"])
