"""People as other systems read them, key by key in the contract's order."""

from typing import Any

from takeback.channel.customers import shapes
from takeback.channel.customers.queries import AddressRow, CustomerRow
from takeback.channel.orders.documents import loads

_WHERE_FROM = "logged_ip"


def customer(row: CustomerRow, *, secrets: bool) -> shapes.ChannelCustomer:
    """A customer; `secrets` for keys that may see where they signed up from."""
    return {
        "pk": row.id,
        "id": row.id,
        "email": row.email,
        "first_name": row.first_name,
        "last_name": row.last_name,
        "phone_number": row.phone,
        "is_active": row.is_active,
        "channel_code": row.channel_code,
        "erp_code": row.erp_code,
        "attributes": _attributes(row.attributes, secrets=secrets),
        "attribute_kwargs": loads(row.attributes_kwargs),
        "localized_attributes": {},
        "localized_attribute_kwargs": {},
        "extra_field": loads(row.extra_field),
        "email_allowed": row.email_allowed,
        "sms_allowed": row.sms_allowed,
        "call_allowed": row.call_allowed,
        "date_joined": row.date_joined,
        "gender": row.gender,
        "user_type": row.user_type,
        "date_of_birth": row.date_of_birth,
        "channel": row.channel_id,
    }


def _attributes(text: str, *, secrets: bool) -> dict[str, Any]:
    told = loads(text)
    return told if secrets or _WHERE_FROM not in told else told | {_WHERE_FROM: None}


def address(row: AddressRow) -> shapes.ChannelAddress:
    """An address of a customer's book."""
    return {
        "pk": row.id,
        "id": row.id,
        "email": row.email,
        "phone_number": row.phone_number,
        "first_name": row.first_name,
        "last_name": row.last_name,
        "country": row.country_id,
        "city": row.city_id,
        "line": row.line,
        "title": row.title,
        "township": row.township_id,
        "district": row.district_id,
        "postcode": row.postcode,
        "notes": row.notes,
        "company_name": row.company_name,
        "tax_office": row.tax_office,
        "tax_no": row.tax_no,
        "e_bill_taxpayer": row.e_bill_taxpayer,
        "hash_data": row.hash_data,
        "address_type": row.address_type,
        "retail_store": _retail_store(row.retail_store),
        "remote_id": row.remote_id,
        "identity_number": row.identity_number,
        "extra_field": loads(row.extra_field),
        "customer": row.user_id,
        "is_active": row.is_active,
        "created_date": row.created_date,
        "modified_date": row.modified_date,
    }


def _retail_store(text: str | None) -> Any:
    """As it was told: others' number, or their whole document."""
    if text is None:
        return None
    told = loads(text)
    return told["pk"] if told.keys() == {"pk"} else told
