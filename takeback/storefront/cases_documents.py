"""Cases, reasons and carriers as storefronts read them."""

from typing import Any

from django.conf import settings
from django.utils.translation import get_language

from takeback.bank_accounts.bank_account import bank_account_of, mask_iban, mask_name
from takeback.cancellations.labels import KINDS, subject_in
from takeback.cancellations.queries import CaseWithImages, ImageRow, ReasonRow
from takeback.cancellations.statuses import SHOWN, Status
from takeback.core.links import safe_http_url
from takeback.logistics.queries import CompanyRow, EasyReturnRow
from takeback.logistics.statuses import SHOWN as SHOWN_GOODS
from takeback.logistics.statuses import GoodsStatus
from takeback.storefront import labels, shapes
from takeback.storefront.addresses_shapes import Choice
from takeback.storefront.document_context import DocumentContext
from takeback.storefront.values import choice, loads, text_choice


def request(case: CaseWithImages, view: DocumentContext) -> shapes.CancellationRequest:
    """A case as the answer to a request for it."""
    return _request(case, text_choice(KINDS, case.row.cancellation_type, view))


def nested_request(case: CaseWithImages, view: DocumentContext) -> shapes.CancellationRequest:
    """A case inside an order's line, where storefronts read `cancellation_type.value`.

    Two weak facts open a guest's order; an account that was named before stays masked.
    """
    kind = case.row.cancellation_type
    found = _request(case, choice(kind, labels.label(KINDS, kind)))
    if view.account is None:
        found["iban"] = mask_iban(found["iban"]) if found["iban"] else None
        found["holder_name"] = mask_name(found["holder_name"]) if found["holder_name"] else None
    return found


def _request(case: CaseWithImages, kind: str | Choice) -> shapes.CancellationRequest:
    row = case.row
    shown = SHOWN[Status(row.status)]
    account = bank_account_of(row)
    return {
        "id": row.id,
        "pk": row.id,
        "cancellation_type": kind,
        "status": choice(shown, labels.label(labels.REQUEST_STATUSES, shown)),
        "easy_return": easy_return(row.easy_return),
        "created_date": row.created_date,
        "modified_date": row.modified_date,
        "uuid": row.uuid,
        "description": row.description,
        "iban": account.iban if account else None,
        "holder_name": (account.holder_name or None) if account else None,
        "quantity": row.quantity,
        "fully_refund_as_loyalty_money": row.fully_refund_as_loyalty_money,
        "cancellation_request_image_set": [_image(image, row.id) for image in case.images],
        "reason": row.reason_id,
        "order_item": row.order_item_id,
    }


def easy_return(row: EasyReturnRow | None) -> shapes.EasyReturn | None:
    """The way back; nothing to show until the carrier gave a code."""
    if row is None or row.code is None:
        return None
    shown = SHOWN_GOODS[GoodsStatus(row.status)]
    return {
        "id": row.id,
        "pk": row.id,
        "status": choice(shown, labels.label(labels.EASY_RETURN_STATUSES, shown)),
        "code": row.code,
        "start_date": row.start_date,
        "end_date": row.end_date,
        "tracking_url": safe_http_url(row.tracking_url),
        "tracking_number": row.tracking_number,
        "shipping_company": choice(row.carrier, row.carrier_label),
        "pickup_date": _pickup_date(loads(row.pickup_date)),
    }


def _pickup_date(told: dict[str, Any] | None) -> shapes.PickupDate | None:
    if told is None:
        return None
    hours = told["hour_range"]
    return {
        "date": told["date"],
        "hour_range": {"start": hours["start"], "end": hours["end"]},
    }


def _image(row: ImageRow, request_id: int) -> shapes.RequestImage:
    return {
        "pk": row.id,
        "id": row.id,
        "cancellation_request": request_id,
        "image": f"{settings.SITE_URL}/media/{row.image}",
        "description": row.description,
        "is_uploaded_by_user": row.is_uploaded_by_user,
        "created_date": row.created_date,
        "modified_date": row.modified_date,
    }


def company(row: CompanyRow) -> shapes.ShippingCompany:
    """A carrier on offer."""
    return {
        "pk": row.id,
        "id": row.id,
        "shipping_company": choice(row.carrier, row.carrier_label),
        "name": row.name,
    }


def reason(row: ReasonRow) -> shapes.CancellationReason:
    """A reason in the caller's language."""
    translations: dict[str, dict[str, str]] = loads(row.translations)
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
