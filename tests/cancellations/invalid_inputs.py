"""Invalid new cases: the changes that make a valid case invalid."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from takeback.cancellations.inputs import NewCase
from takeback.cancellations.statuses import Kind
from tests.cancellations.reference_model import (
    UNKNOWN_ID,
    ModelItem,
    ReferenceModel,
    is_of_guest,
    usual_kind,
)


class InvalidInput(NamedTuple):
    """A change of a valid case, and the items for which the result is invalid."""

    applies_to: Callable[[ModelItem], bool]
    change: Callable[[ReferenceModel, NewCase], NewCase]


def is_any(item: ModelItem) -> bool:
    return True


def has_case(item: ModelItem) -> bool:
    return item.case is not None


def is_free(item: ModelItem) -> bool:
    return item.case is None


def is_single_unit(item: ModelItem) -> bool:
    return is_free(item) and item.quantity == 1 and not item.is_merged


def is_merged(item: ModelItem) -> bool:
    return is_free(item) and item.is_merged


def is_returnable(item: ModelItem) -> bool:
    return is_free(item) and usual_kind(item) is Kind.RETURN


def is_paid_in_cash(item: ModelItem) -> bool:
    return is_free(item) and item.order.is_paid_in_cash


def is_free_and_of_guest(item: ModelItem) -> bool:
    return is_free(item) and is_of_guest(item)


def unchanged(model: ReferenceModel, new: NewCase) -> NewCase:
    return new


def other_kind(model: ReferenceModel, new: NewCase) -> NewCase:
    return replace(new, kind=_other(new.kind))


def reason_of_other_kind(model: ReferenceModel, new: NewCase) -> NewCase:
    return replace(new, reason=model.reason(_other(new.kind)))


def unknown_reason(model: ReferenceModel, new: NewCase) -> NewCase:
    return replace(new, reason=UNKNOWN_ID)


def missing_description(model: ReferenceModel, new: NewCase) -> NewCase:
    reason = model.reason(new.kind, needs_description=True)
    return replace(new, reason=reason, description=None)


def two_units(model: ReferenceModel, new: NewCase) -> NewCase:
    return replace(new, quantity=2)


def too_many_units(model: ReferenceModel, new: NewCase) -> NewCase:
    return replace(new, quantity=model.items[new.order_item].units_left + 1)


def unknown_carrier(model: ReferenceModel, new: NewCase) -> NewCase:
    return replace(new, carrier=UNKNOWN_ID)


def missing_pickup_address(model: ReferenceModel, new: NewCase) -> NewCase:
    return replace(new, carrier=model.carrier(needs_pickup=True), pickup_address=None)


def unknown_address(model: ReferenceModel, new: NewCase) -> NewCase:
    return replace(new, pickup_address=UNKNOWN_ID)


def pickup_without_carrier(model: ReferenceModel, new: NewCase) -> NewCase:
    address = min(model.items[new.order_item].order.address_ids)
    return replace(new, carrier=None, pickup_address=address)


def missing_bank_account(model: ReferenceModel, new: NewCase) -> NewCase:
    return replace(new, bank_account=None)


def loyalty_points(model: ReferenceModel, new: NewCase) -> NewCase:
    return replace(new, refund_to_loyalty=True)


def unknown_item(model: ReferenceModel, new: NewCase) -> NewCase:
    return replace(new, order_item=UNKNOWN_ID)


INVALID_INPUTS = (
    InvalidInput(has_case, unchanged),
    InvalidInput(is_free, other_kind),
    InvalidInput(is_free, reason_of_other_kind),
    InvalidInput(is_free, unknown_reason),
    InvalidInput(is_free, missing_description),
    InvalidInput(is_single_unit, two_units),
    InvalidInput(is_merged, too_many_units),
    InvalidInput(is_returnable, unknown_carrier),
    InvalidInput(is_returnable, missing_pickup_address),
    InvalidInput(is_free, unknown_address),
    InvalidInput(is_returnable, pickup_without_carrier),
    InvalidInput(is_paid_in_cash, missing_bank_account),
    InvalidInput(is_free_and_of_guest, loyalty_points),
    InvalidInput(is_any, unknown_item),
)


def _other(kind: Kind) -> Kind:
    return Kind.RETURN if kind is Kind.CANCEL else Kind.CANCEL
