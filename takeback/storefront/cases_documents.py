"""Documents of cases and of cancellation reasons."""

from datetime import datetime
from typing import TypedDict
from uuid import UUID

from django.conf import settings
from django.utils.translation import get_language

from takeback.api.renderer import decode
from takeback.bank_accounts.bank_account import bank_account_of, mask_iban, mask_name
from takeback.cancellations.labels import KINDS, subject_in
from takeback.cancellations.queries import CaseWithImages, ImageRow, ReasonRow
from takeback.cancellations.statuses import SHOWN, Status
from takeback.core.links import safe_http_url
from takeback.logistics.queries import EasyReturnRow
from takeback.logistics.statuses import SHOWN as SHOWN_GOODS
from takeback.logistics.statuses import GoodsStatus
from takeback.storefront.document_context import DocumentContext, Object
from takeback.storefront.labels import (
    EASY_RETURN_STATUSES,
    REQUEST_STATUSES,
    Choice,
    choice,
    choice_in_v3,
)
from takeback.storefront.refunds_documents import RefundState, refund_states


class PickupHours(TypedDict):
    """Start and end as HH:MM."""

    start: str
    end: str


class PickupDate(TypedDict):
    """The day and hours in which the carrier collects the parcel."""

    date: str
    hour_range: PickupHours


class EasyReturn(TypedDict):
    """A return shipment that is booked with a carrier."""

    id: int
    pk: int
    status: Choice
    code: str
    start_date: datetime | None
    end_date: datetime | None
    tracking_url: str | None
    tracking_number: str | None
    shipping_company: Choice
    pickup_date: PickupDate | None


def easy_return(row: EasyReturnRow | None) -> EasyReturn | None:
    """The return shipment; None until the carrier assigns its code."""
    if row is None or row.code is None:
        return None
    return {
        "id": row.id,
        "pk": row.id,
        "status": choice(EASY_RETURN_STATUSES, SHOWN_GOODS[GoodsStatus(row.status)]),
        "code": row.code,
        "start_date": row.start_date,
        "end_date": row.end_date,
        "tracking_url": safe_http_url(row.tracking_url),
        "tracking_number": row.tracking_number,
        "shipping_company": {"value": row.carrier, "label": row.carrier_label},
        "pickup_date": pickup_date(row.pickup_date),
    }


def pickup_date(column: str | None) -> PickupDate | None:
    """The pickup window of a JSON column."""
    window: Object | None = decode(column) if column else None
    if window is None:
        return None
    hours = window["hour_range"]
    return {
        "date": window["date"],
        "hour_range": {"start": hours["start"], "end": hours["end"]},
    }


class CancellationRequestImage(TypedDict):
    """An image of a case; only its requester can read the URL."""

    pk: int
    id: int
    cancellation_request: int
    image: str
    description: str | None
    is_uploaded_by_user: bool
    created_date: datetime
    modified_date: datetime


def case_image(row: ImageRow, case_id: int) -> CancellationRequestImage:
    return {
        "pk": row.id,
        "id": row.id,
        "cancellation_request": case_id,
        "image": f"{settings.SITE_URL}/media/{row.image}",
        "description": row.description,
        "is_uploaded_by_user": row.is_uploaded_by_user,
        "created_date": row.created_date,
        "modified_date": row.modified_date,
    }


class CancellationRequest(TypedDict):
    """A case; outside of orders, `cancellation_type` is bare text in the classic dialect.

    `refund_set` are the refunds of all cases that are paid back together.
    """

    id: int
    pk: int
    cancellation_type: str | Choice
    status: Choice
    easy_return: EasyReturn | None
    created_date: datetime
    modified_date: datetime
    uuid: UUID
    description: str | None
    iban: str | None
    holder_name: str | None
    quantity: int
    fully_refund_as_loyalty_money: bool
    cancellation_request_image_set: list[CancellationRequestImage]
    reason: int
    order_item: int
    refund_set: list[RefundState]


def case_document(row: CaseWithImages, context: DocumentContext) -> CancellationRequest:
    return _document(row, choice_in_v3(KINDS, row.row.cancellation_type, context), context)


def case_in_order(row: CaseWithImages, context: DocumentContext) -> CancellationRequest:
    """A case inside an item of an order, where storefronts read `cancellation_type.value`.

    A guest proves only number and e-mail address, so their bank accounts are masked.
    """
    document = _document(row, choice(KINDS, row.row.cancellation_type), context)
    if context.account is None:
        iban, holder_name = document["iban"], document["holder_name"]
        document["iban"] = mask_iban(iban) if iban else None
        document["holder_name"] = mask_name(holder_name) if holder_name else None
    return document


def _document(
    case_with_images: CaseWithImages, cancellation_type: str | Choice, context: DocumentContext
) -> CancellationRequest:
    row, images = case_with_images
    account = bank_account_of(row)
    return {
        "id": row.id,
        "pk": row.id,
        "cancellation_type": cancellation_type,
        "status": choice(REQUEST_STATUSES, SHOWN[Status(row.status)]),
        "easy_return": easy_return(row.easy_return),
        "created_date": row.created_date,
        "modified_date": row.modified_date,
        "uuid": row.uuid,
        "description": row.description,
        "iban": account.iban if account else None,
        "holder_name": (account.holder_name or None) if account else None,
        "quantity": row.quantity,
        "fully_refund_as_loyalty_money": row.fully_refund_as_loyalty_money,
        "cancellation_request_image_set": [case_image(image, row.id) for image in images],
        "reason": row.reason_id,
        "order_item": row.order_item_id,
        "refund_set": refund_states(row.refunds, context) if row.refunds else [],
    }


class CancellationReason(TypedDict):
    """A reason; `subject` is in the language of the request."""

    id: int
    pk: int
    cancellation_type: str
    translations: Object
    created_date: datetime
    modified_date: datetime
    uuid: UUID
    subject: str
    extra_information_needed: bool
    order: int
    is_active: bool


def reason(row: ReasonRow) -> CancellationReason:
    translations: dict[str, dict[str, str]] = decode(row.translations)
    return {
        "id": row.id,
        "pk": row.id,
        "cancellation_type": row.cancellation_type,
        "translations": translations,
        "created_date": row.created_date,
        "modified_date": row.modified_date,
        "uuid": row.uuid,
        "subject": subject_in(get_language(), row.subject, translations),
        "extra_information_needed": row.extra_information_needed,
        "order": row.order,
        "is_active": row.is_active,
    }
