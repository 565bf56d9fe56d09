"""An order with a value in every field, and the same for its items and its address."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from takeback.orders.order_input import DiscountIn, LoyaltyIn

_NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
_LIST = {"pk": 7, "name": "List", "code": "T"}

ITEM: dict[str, Any] = {
    "product": {
        "pk": 4283,
        "sku": "SKU-1",
        "base_code": "BASE",
        "name": "A thing",
        "image": "https://img.example.com/1.jpg",
        "absolute_url": "/a-thing/",
        "attributes": {"colour": "red"},
        "attributes_kwargs": {"size": {"value": "M", "data_type": "dropdown", "label": "M"}},
        "form_schema": [{"key": "engraving"}],
        "data_source_detailed": {"pk": 3, "name": "Seller"},
        "extra_attributes": {"origin": "TR"},
        "category": {"pk": 5, "name": "Shirts"},
        "attribute_set": 9,
    },
    "discount_minor": None,
    "retail_minor": 2500,
    "price_list": _LIST,
    "stock_list": _LIST,
    "data_source": _LIST | {"token": "secret"},
    "shipping_option_group": {"pk": 4, "amount": "5.00", "shipping_option_name": "Fast"},
    "shipping_company": "aras",
    "tracking_number": "TN",
    "tracking_url": "https://track.example.com/TN",
    "invoice_number": "INV",
    "e_archive_url": "https://invoice.example.com/INV",
    "estimated_delivery_date": date(2026, 3, 10),
    "image": "https://img.example.com/item.jpg",
    "is_tradable": True,
    "attributes": {"gift": "yes"},
    "extra_field": {"price_extra_field": {}, "stock_extra_field": {}},
    "details": {
        "attributes_kwargs": {"gift": {"value": "yes"}},
        "localized_attributes": {"tr": "evet"},
        "localized_attributes_kwargs": {"tr": {"value": "evet"}},
        "defined_tracking_url": "https://track.example.com/d",
        "shipping_tracking_url": "https://track.example.com/s",
        "parent": 1,
        "extra_product_price": 2,
        "extra_product_stock": 3,
    },
}
DATES = {"invoice_date": _NOON, "shipped_date": _NOON, "delivered_date": _NOON}
ORDER: dict[str, Any] = {
    "shipping_minor": 850,
    "fee_minor": 100,
    "interest_minor": 7,
    "discounts": [DiscountIn(name="Sale", amount_minor=301)],
    "loyalty": [LoyaltyIn(uuid=UUID(int=5), amount_minor=-250, reference="LT-1")],
    "shipping_tax_rate": Decimal("18.00"),
    "payment_option": {"pk": 18, "name": "Card", "payment_type": "card", "slug": "card"},
    "bank": {
        "pk": 5,
        "name": "Bank",
        "slug": "bank",
        "logo": "https://img.example.com/l.png",
        "logo_path": "l.png",
    },
    "bin_number": "554960",
    "installment_count": 3,
    "shipping_company": "aras",
    "tracking_number": "TN",
    "tracking_url": "https://track.example.com/TN",
    "invoice_number": "INV",
    "invoice_date": _NOON,
    "e_archive_url": "https://invoice.example.com/INV",
    "has_gift_box": True,
    "gift_box_note": "With love",
    "notes": "Ring twice",
    "language_code": "tr-tr",
    "client_type": "ios",
    "order_type": "regular",
    "remote_addr": "192.0.2.9",
    "extra_field": {"rewards": 1},
    "details": {
        "defined_tracking_url": "https://track.example.com/d",
        "shipping_tracking_url": "https://track.example.com/s",
        "delivery_range": {"start": "09:00"},
        "shipping_option_slug": "ARAS",
        "payment_option_slug": "card",
        "basket": 529,
        "shipping_option": 1,
        "card": 5,
        "installment": 5,
        "segment": 2,
        "checkout_provider": "shop",
    },
}
ADDRESS: dict[str, Any] = {
    "notes": "Second floor",
    "company_name": "Ray Ltd",
    "tax_office": "Seyhan",
    "tax_no": "1234567890",
    "identity_number": "11111111110",
    "e_bill_taxpayer": True,
    "is_corporate": True,
    "remote_id": "A-1",
    "retail_store": {"pk": 1, "name": "Store"},
    "extra_field": {"door": 4},
}
