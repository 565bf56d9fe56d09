"""Documents of cases, key by key in the contract's order."""

from datetime import datetime
from typing import NamedTuple, TypedDict
from uuid import UUID

from takeback.bank_accounts.bank_account import bank_account_of, mask_iban, mask_name
from takeback.cancellations.statuses import SHOWN_TO_CHANNELS, Status
from takeback.channel.auth import ApiClient
from takeback.channel.cases.queries import CaseRow, DetailedCases, EasyReturnRow, ReasonRow
from takeback.channel.customers.documents import ChannelCustomer, customer
from takeback.channel.documents import Object, amount, json_object, optional_amount, rate
from takeback.channel.items import documents as items
from takeback.channel.items.documents import ItemFields
from takeback.channel.items.queries import ItemRow
from takeback.channel.orders.documents import ChannelBareOrder, bare_order
from takeback.channel.refunds import ChannelRefund, refunds
from takeback.channel.sync.documents import ChannelDocument, channel
from takeback.core.links import safe_http_url
from takeback.core.money import unit_value
from takeback.logistics.statuses import SHOWN as SHOWN_GOODS
from takeback.logistics.statuses import GoodsStatus


class ChannelEasyReturn(TypedDict):
    """A booked return shipment; the raw messages of the carrier need the scope `pii`."""

    id: int
    pk: int
    shipping_company: str
    code: str | None
    start_date: datetime | None
    end_date: datetime | None
    max_count: int
    status: str
    raw_request: str | None
    raw_response: str | None
    tracking_number: str | None
    tracking_url: str | None
    pickup_date: Object | None
    created_date: datetime
    modified_date: datetime
    uuid: UUID


def easy_return(row: EasyReturnRow | None, client: ApiClient) -> ChannelEasyReturn | None:
    """The return shipment, or None until the carrier has given a code."""
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
        "raw_request": row.raw_request if client.can_see_secrets else None,
        "raw_response": row.raw_response if client.can_see_secrets else None,
        "tracking_number": row.tracking_number,
        "tracking_url": safe_http_url(row.tracking_url),
        "pickup_date": None if row.pickup_date is None else json_object(row.pickup_date),
        "created_date": row.created_date,
        "modified_date": row.modified_date,
        "uuid": row.uuid,
    }


class CaseReason(TypedDict):
    """A reason; `translations` holds the subject by language."""

    pk: int
    id: int
    cancellation_type: str
    extra_information_needed: bool
    order: int
    subject: str
    is_active: bool
    send_to_remote: bool
    send_to_oms: bool
    translations: Object
    uuid: UUID
    created_date: datetime
    modified_date: datetime


def reason(row: ReasonRow) -> CaseReason:
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
        "translations": json_object(row.translations),
        "uuid": row.uuid,
        "created_date": row.created_date,
        "modified_date": row.modified_date,
    }


class CaseFields(TypedDict):
    """The keys that both documents of a case have; the bank account needs the scope `money`.

    `refund_set` are the refunds of all cases of the plan.
    """

    id: int
    pk: int
    description: str | None
    cancellation_type: str
    status: str
    iban: str | None
    holder_name: str | None
    easy_return: ChannelEasyReturn | None
    quantity: int
    fully_refund_as_loyalty_money: bool
    created_date: datetime
    modified_date: datetime
    uuid: UUID
    attributes: Object
    attributes_kwargs: Object
    localized_attributes: Object
    localized_attributes_kwargs: Object
    refund_set: list[ChannelRefund]


class ChannelCancellationRequest(CaseFields):
    """A case, with the ids of its item and its reason."""

    order_item: int
    reason: int


def case(row: CaseRow, client: ApiClient) -> ChannelCancellationRequest:
    bank_account = _bank_account(row, client)
    return {
        "id": row.id,
        "pk": row.id,
        "order_item": row.order_item_id,
        "reason": row.reason.id,
        "description": row.description,
        "cancellation_type": row.cancellation_type,
        "status": _status(row),
        "iban": bank_account.iban,
        "holder_name": bank_account.holder_name,
        "easy_return": easy_return(row.easy_return, client),
        "quantity": row.quantity,
        "fully_refund_as_loyalty_money": row.fully_refund_as_loyalty_money,
        "created_date": row.created_date,
        "modified_date": row.modified_date,
        "uuid": row.uuid,
        "attributes": json_object(row.attributes),
        "attributes_kwargs": {},
        "localized_attributes": {},
        "localized_attributes_kwargs": {},
        "refund_set": refunds(row.refunds),
    }


class ChannelChangedCancellationRequest(ChannelCancellationRequest):
    """A case in the list of changes.

    `is_deleted` marks a removed case, which no other list and no look-up shows. It has no data of
    the customer: no description, bank account, return shipment or attributes.
    """

    is_deleted: bool


def changed_case(row: CaseRow, client: ApiClient) -> ChannelChangedCancellationRequest:
    shown = _without_customer_data(row) if row.is_hidden else row
    return {**case(shown, client), "is_deleted": row.is_hidden}


class CaseOrderItem(ItemFields):
    """The item of a case, with its order."""

    order: ChannelBareOrder


class ChannelDetailedCancellationRequest(CaseFields):
    """A case with the documents of its item, reason, channel and customer."""

    order_item: CaseOrderItem
    reason: CaseReason
    channel: ChannelDocument
    customer: ChannelCustomer


def detailed_cases(
    data: DetailedCases, client: ApiClient
) -> list[ChannelDetailedCancellationRequest]:
    return [_detailed_case(row, data.items[row.order_item_id], data, client) for row in data.cases]


def _detailed_case(
    row: CaseRow, item: ItemRow, data: DetailedCases, client: ApiClient
) -> ChannelDetailedCancellationRequest:
    bank_account = _bank_account(row, client)
    buyer = data.customers[data.orders[item.order_id].user_id]
    return {
        "id": row.id,
        "pk": row.id,
        "order_item": _order_item(item, data, client),
        "reason": reason(row.reason),
        "description": row.description,
        "cancellation_type": row.cancellation_type,
        "status": _status(row),
        "iban": bank_account.iban,
        "holder_name": bank_account.holder_name,
        "easy_return": easy_return(row.easy_return, client),
        "quantity": row.quantity,
        "fully_refund_as_loyalty_money": row.fully_refund_as_loyalty_money,
        "channel": channel(data.channel),
        "customer": customer(buyer, show_secrets=client.can_see_secrets),
        "created_date": row.created_date,
        "modified_date": row.modified_date,
        "uuid": row.uuid,
        "attributes": json_object(row.attributes),
        "attributes_kwargs": {},
        "localized_attributes": {},
        "localized_attributes_kwargs": {},
        "refund_set": refunds(row.refunds),
    }


def _order_item(row: ItemRow, data: DetailedCases, client: ApiClient) -> CaseOrderItem:
    details, shares = json_object(row.details), data.shares[row.id]
    order = data.orders[row.order_id]
    currency = order.currency
    return {
        "pk": row.id,
        "id": row.id,
        "order": bare_order(order),
        "product": items.product(row.product),
        "price_list": items.price_list(row.price_list),
        "stock_list": items.stock_list(row.stock_list),
        "status": items.status_name(row.status),
        "quantity": row.quantity,
        "units_left": data.units_left[row.id],
        "refunded_elsewhere_quantity": row.refunded_elsewhere_quantity,
        "unit_price": amount(unit_value(row.goods_minor, row.quantity), currency),
        "total_price": amount(row.goods_minor, currency),
        "price_currency": currency,
        "price": amount(row.goods_minor, currency),
        "retail_price": optional_amount(row.retail_minor, currency),
        "discount_amount": amount(row.discount_minor, currency),
        "tax_rate": rate(row.tax_rate),
        "tax_amount": amount(row.tax_minor, currency),
        "installment_interest_amount": amount(row.interest_minor, currency),
        "benefitapplicant_set": [items.benefit_applicant(share, currency) for share in shares],
        "shipping_company": row.shipping_company,
        "shipment_code": details.get("shipment_code"),
        "cancel_status": row.cancel_status,
        "is_tradable": row.is_tradable,
        "external_status": details.get("external_status"),
        "datasource": items.data_source(row.data_source, show_secrets=client.can_see_secrets),
        "tracking_number": row.tracking_number,
        "tracking_url": safe_http_url(row.tracking_url),
        "invoice_number": row.invoice_number,
        "invoice_date": row.invoice_date,
        "e_archive_url": safe_http_url(row.e_archive_url),
        "delivered_date": row.delivered_date,
        "shipping_option_group": items.shipping_option_group(row.shipping_option_group, currency),
        "forced_refund": details.get("forced_refund", False),
        "parent": details.get("parent"),
        "extra_field": json_object(row.extra_field),
        "created_date": row.created_date,
        "modified_date": row.modified_date,
        "attributes": json_object(row.attributes),
        "attributes_kwargs": details.get("attributes_kwargs", {}),
        "localized_attributes": details.get("localized_attributes", {}),
        "localized_attributes_kwargs": details.get("localized_attributes_kwargs", {}),
    }


def _without_customer_data(row: CaseRow) -> CaseRow:
    return row._replace(
        description=None,
        iban_encrypted=None,
        holder_name_encrypted=None,
        easy_return=None,
        attributes="{}",
    )


def _status(row: CaseRow) -> str:
    return SHOWN_TO_CHANNELS[Status(row.status)].value


class _BankAccountKeys(NamedTuple):
    iban: str | None
    holder_name: str | None


def _bank_account(row: CaseRow, client: ApiClient) -> _BankAccountKeys:
    """The bank account; without the scope `money` it is masked."""
    account = bank_account_of(row)
    if account is None:
        return _BankAccountKeys(None, None)
    if client.can_see_bank_accounts:
        return _BankAccountKeys(account.iban, account.holder_name or None)
    return _BankAccountKeys(mask_iban(account.iban), mask_name(account.holder_name) or None)
