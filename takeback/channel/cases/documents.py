"""Cases as other systems read them, key by key in the contract's order."""

from typing import NamedTuple

from takeback.bank_accounts.bank_account import bank_account_of, mask_iban, mask_name
from takeback.cancellations.statuses import SHOWN_TO_CHANNELS, Status
from takeback.channel.auth import Caller
from takeback.channel.cases import shapes
from takeback.channel.cases.queries import CaseRow, EasyReturnRow, Found, ReasonRow
from takeback.channel.customers.documents import customer
from takeback.channel.orders import documents as orders
from takeback.channel.orders.documents import loads
from takeback.channel.sync import documents as exchange
from takeback.core.links import safe_http_url
from takeback.logistics.statuses import SHOWN as SHOWN_GOODS
from takeback.logistics.statuses import GoodsStatus


class _Account(NamedTuple):
    iban: str | None
    holder_name: str | None


def case(row: CaseRow, caller: Caller) -> shapes.ChannelCancellationRequest:
    """A case, with its line and its reason by number."""
    return {
        "id": row.id,
        "pk": row.id,
        "order_item": row.order_item_id,
        "reason": row.reason.id,
        **_wish(row, caller),
        **_marks(row),
    }


def detailed_cases(found: Found, caller: Caller) -> list[shapes.ChannelDetailedCancellationRequest]:
    """Every case that was found, with everything that belongs to it."""
    return [_detailed(row, found, caller) for row in found.cases]


def _detailed(
    row: CaseRow, found: Found, caller: Caller
) -> shapes.ChannelDetailedCancellationRequest:
    line = found.items[row.order_item_id]
    order = found.orders[line.order_id]
    buyer = found.customers[order.user_id]
    return {
        "id": row.id,
        "pk": row.id,
        "order_item": _order_item(row.order_item_id, found, caller),
        "reason": reason(row.reason),
        **_wish(row, caller),
        "channel": exchange.channel(found.channel),
        "customer": customer(buyer, secrets=caller.sees_secrets),
        **_marks(row),
    }


def _wish(row: CaseRow, caller: Caller) -> shapes.ChannelCaseWish:
    account = _account(row, caller)
    return {
        "description": row.description,
        "cancellation_type": row.cancellation_type,
        "status": SHOWN_TO_CHANNELS[Status(row.status)].value,
        "iban": account.iban,
        "holder_name": account.holder_name,
        "easy_return": easy_return(row.easy_return, caller),
        "quantity": row.quantity,
        "fully_refund_as_loyalty_money": row.fully_refund_as_loyalty_money,
    }


def _marks(row: CaseRow) -> shapes.ChannelCaseMarks:
    return {
        "created_date": row.created_date,
        "modified_date": row.modified_date,
        "uuid": row.uuid,
        "attributes": loads(row.attributes),
        "attributes_kwargs": {},
        "localized_attributes": {},
        "localized_attributes_kwargs": {},
    }


def _account(row: CaseRow, caller: Caller) -> _Account:
    """Whole for keys that may pay, else just enough to recognise it."""
    kept = bank_account_of(row)
    if kept is None:
        return _Account(None, None)
    if caller.sees_accounts:
        return _Account(kept.iban, kept.holder_name or None)
    return _Account(mask_iban(kept.iban), mask_name(kept.holder_name) or None)


def easy_return(row: EasyReturnRow | None, caller: Caller) -> shapes.ChannelEasyReturn | None:
    """The way back; nothing to show until the carrier gave a code."""
    if row is None or row.code is None:
        return None
    return {
        "id": row.id,
        "pk": row.id,
        "shipping_company": row.carrier,
        "code": row.code,
        "start_date": row.start_date,
        "end_date": row.end_date,
        "max_count": row.max_count,
        "status": SHOWN_GOODS[GoodsStatus(row.status)],
        "raw_request": row.raw_request if caller.sees_secrets else None,
        "raw_response": row.raw_response if caller.sees_secrets else None,
        "tracking_number": row.tracking_number,
        "tracking_url": safe_http_url(row.tracking_url),
        "pickup_date": None if row.pickup_date is None else loads(row.pickup_date),
        "created_date": row.created_date,
        "modified_date": row.modified_date,
        "uuid": row.uuid,
    }


def reason(row: ReasonRow) -> shapes.CaseReason:
    """Why, in every language that it has."""
    return {
        "pk": row.id,
        "id": row.id,
        "cancellation_type": row.cancellation_type,
        "extra_information_needed": row.extra_information_needed,
        "order": row.order,
        "subject": row.subject,
        "is_active": row.is_active,
        "send_to_remote": row.send_to_remote,
        "send_to_oms": row.send_to_oms,
        "translations": loads(row.translations),
        "uuid": row.uuid,
        "created_date": row.created_date,
        "modified_date": row.modified_date,
    }


def _order_item(item_id: int, found: Found, caller: Caller) -> shapes.CaseOrderItem:
    row = found.items[item_id]
    order = found.orders[row.order_id]
    return {
        "pk": row.id,
        "id": row.id,
        "order": orders.bare_order(order),
        **orders.item_summary(row, found.shares[item_id], order.currency),
        **orders.item_details(row, order.currency, secrets=caller.sees_secrets),
    }
