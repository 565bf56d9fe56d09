"""The reference's small documents: addresses, products, cases, carriers."""

from typing import Any

from rest_framework import serializers

from takeback.accounts.models import User
from takeback.addresses.models import Address
from takeback.cancellations.labels import KINDS
from takeback.cancellations.models import CancellationRequest, CancellationRequestImage
from takeback.cancellations.statuses import SHOWN
from takeback.cancellations.statuses import Status as RequestStatus
from takeback.core.encryption import decrypt
from takeback.core.links import safe_http_url, safe_url_or_path
from takeback.core.money import show
from takeback.logistics.models import EasyReturn, EasyReturnShippingCompany
from takeback.logistics.statuses import SHOWN as SHOWN_GOODS
from takeback.logistics.statuses import GoodsStatus
from takeback.orders.models import Order, Snapshot
from takeback.storefront import labels
from takeback.storefront.labels import choice

ReadOnly = serializers.ReadOnlyField
Method = serializers.SerializerMethodField


def names(text: str) -> list[str]:
    """The words of a text: a document's keys in their order."""
    return text.split()


class Value(serializers.Field[Any, Any, Any, Any]):
    """A column through a function."""

    def __init__(self, function: Any, **options: Any) -> None:
        super().__init__(read_only=True, **options)
        self.function = function

    def to_representation(self, value: Any) -> Any:
        return self.function(value)


class Money(serializers.Field[Any, Any, Any, Any]):
    """A column of minor units, in the currency of its order."""

    def __init__(self, column: str) -> None:
        super().__init__(read_only=True, source="*")
        self.column = column

    def to_representation(self, value: Any) -> Any:
        minor = getattr(value, self.column)
        code = value.currency if isinstance(value, Order) else value.order.currency
        return None if minor is None else show(minor, code)


def detail(name: str, *, link: bool = False) -> Any:
    """A column that is copied into the document."""
    source = f"details.{name}"
    return (
        Value(safe_http_url, source=source, allow_null=True)
        if link
        else ReadOnly(source=source, default=None)
    )


class OwnerSerializer(serializers.ModelSerializer[User]):
    """The customer inside their own addresses."""

    pk = ReadOnly()

    class Meta:
        model = User
        fields = names(
            "pk username first_name last_name email is_active date_joined last_login email_allowed"
            " sms_allowed call_allowed gender attributes phone date_of_birth attributes_kwargs"
            " user_type modified_date"
        )


class AddressSerializer(serializers.ModelSerializer[Address]):
    """An address with its place as it was."""

    pk = ReadOnly()
    country = ReadOnly(source="place.country")
    city = ReadOnly(source="place.city")
    township = ReadOnly(source="place.township")
    district = ReadOnly(source="place.district")
    user = OwnerSerializer()

    class Meta:
        model = Address
        fields = names(
            "pk id email phone_number first_name last_name country city line title township"
            " district postcode notes company_name tax_office tax_no e_bill_taxpayer hash_data"
            " address_type retail_store remote_id identity_number extra_field user is_corporate"
            " primary"
        )


class SnapshotSerializer(serializers.ModelSerializer[Snapshot]):
    """Something others know, under our number where it had none."""

    class Meta:
        model = Snapshot
        fields: list[str] = []

    def to_representation(self, instance: Snapshot) -> Any:
        return {"pk": instance.pk} | instance.document


class ProductSerializer(SnapshotSerializer):
    """The stored document of a product."""

    def to_representation(self, instance: Snapshot) -> Any:
        document = instance.document
        sku = document.get("sku") or ""
        return {
            "pk": document.get("pk") or instance.pk,
            "id": document.get("pk") or instance.pk,
            "sku": sku,
            "base_code": document.get("base_code") or sku,
            "name": document.get("name") or sku,
            "image": safe_http_url(document.get("image")),
            "absolute_url": safe_url_or_path(document.get("absolute_url")) or "",
            "attributes": document.get("attributes") or {},
            "attributes_kwargs": document.get("attributes_kwargs") or {},
            "form_schema": document.get("form_schema"),
            "data_source": document.get("data_source_detailed"),
            "extra_attributes": document.get("extra_attributes") or {},
            "category": document.get("category"),
            "attribute_set": document.get("attribute_set") or [],
        }


class PaymentOptionSerializer(SnapshotSerializer):
    """How the order was paid."""

    def to_representation(self, instance: Snapshot) -> Any:
        document = instance.document
        number = document.get("pk") or instance.pk
        names = {name: document.get(name) or "" for name in ("name", "payment_type", "slug")}
        return {"pk": number, "id": number, **names}


class BankSerializer(SnapshotSerializer):
    """The bank of the card."""

    def to_representation(self, instance: Snapshot) -> Any:
        document = instance.document
        number = document.get("pk") or instance.pk
        names = {name: document.get(name) or "" for name in ("name", "slug")}
        logos = {
            "logo": safe_http_url(document.get("logo")),
            "logo_path": safe_url_or_path(document.get("logo_path")),
        }
        return {"pk": number, "id": number, **names, **logos}


class CompanySerializer(serializers.ModelSerializer[EasyReturnShippingCompany]):
    """A carrier on offer."""

    pk = ReadOnly()
    shipping_company = Method()

    class Meta:
        model = EasyReturnShippingCompany
        fields = ["pk", "id", "shipping_company", "name"]

    def get_shipping_company(self, company: EasyReturnShippingCompany) -> Any:
        return {"value": company.carrier, "label": company.carrier_label}


class EasyReturnSerializer(serializers.ModelSerializer[EasyReturn]):
    """A way back."""

    pk = ReadOnly()
    status = Method()
    tracking_url = Value(safe_http_url)
    shipping_company = Method()

    class Meta:
        model = EasyReturn
        fields = names(
            "id pk status code start_date end_date tracking_url tracking_number shipping_company"
            " pickup_date"
        )

    def get_status(self, way: EasyReturn) -> Any:
        return choice(labels.EASY_RETURN_STATUSES, SHOWN_GOODS[GoodsStatus(way.status)])

    def get_shipping_company(self, way: EasyReturn) -> Any:
        return {"value": way.carrier, "label": way.carrier_label}


class ImageSerializer(serializers.ModelSerializer[CancellationRequestImage]):
    """An image of a case."""

    pk = ReadOnly()

    class Meta:
        model = CancellationRequestImage
        fields = names(
            "pk id cancellation_request image description is_uploaded_by_user created_date"
            " modified_date"
        )


class RequestSerializer(serializers.ModelSerializer[CancellationRequest]):
    """A case inside a line."""

    pk = ReadOnly()
    cancellation_type = Value(lambda kind: choice(KINDS, kind))
    status = Method()
    easy_return = EasyReturnSerializer()
    iban = Method()
    holder_name = Method()
    cancellation_request_image_set = ImageSerializer(
        many=True, source="cancellationrequestimage_set"
    )
    refund_set = Method()

    class Meta:
        model = CancellationRequest
        fields = names(
            "id pk cancellation_type status easy_return created_date modified_date uuid"
            " description iban holder_name quantity fully_refund_as_loyalty_money"
            " cancellation_request_image_set reason order_item refund_set"
        )

    def get_status(self, case: CancellationRequest) -> Any:
        return choice(labels.REQUEST_STATUSES, SHOWN[RequestStatus(case.status)])

    def get_refund_set(self, case: CancellationRequest) -> list[Any]:
        """The measured shop has no refunds."""
        return []

    def get_iban(self, case: CancellationRequest) -> str | None:
        return decrypt(case.iban_encrypted, str(case.uuid)) if case.iban_encrypted else None

    def get_holder_name(self, case: CancellationRequest) -> str | None:
        encrypted = case.holder_name_encrypted
        return decrypt(encrypted, str(case.uuid)) if encrypted else None
