"""Old orders as storefronts read them."""

from collections.abc import Sequence

from takeback.archive.models import OldOrder, OldOrderItem
from takeback.core.links import safe_http_url
from takeback.core.money import show
from takeback.storefront import shapes
from takeback.storefront.values import carrier, currency


def old_order(row: OldOrder, lines: Sequence[OldOrderItem]) -> shapes.OldOrder:
    """An old order with its lines; status, payment and bank are the old system's words."""
    return {
        "id": row.pk,
        "pk": row.pk,
        "currency": currency(row.currency),
        "shipping_company": carrier(row.shipping_company),
        "oldorderitem_set": [_line(line, row.currency) for line in lines],
        "number": row.number,
        "user_email": row.user_email,
        "status": row.status,
        "created_date": row.created_date,
        "amount": show(row.amount_minor, row.currency),
        "discount_amount": show(row.discount_minor, row.currency),
        "payment_type": row.payment_type,
        "bank": row.bank,
        "installment_count": row.installment_count,
        "tracking_number": row.tracking_number,
        "shipping_address": row.shipping_address,
        "billing_address": row.billing_address,
        "extra_field": row.extra_field,
        "user": row.user_id,
    }


def _line(row: OldOrderItem, code: str) -> shapes.OldOrderItem:
    return {
        "id": row.pk,
        "pk": row.pk,
        "product": row.product,
        "sku": row.sku,
        "quantity": row.quantity,
        "price": show(row.price_minor, code),
        "image_url": safe_http_url(row.image_url),
        "extra_field": row.extra_field,
    }
