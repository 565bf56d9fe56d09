"""The settings of a channel as the channel API and the desk receive them."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from takeback.accounts.channel_conf import conf_errors, conf_of
from takeback.accounts.models import ApiKey
from takeback.api.fields import StrictBoolean, StrictInteger, StrictText
from takeback.api.order_payload.fields import FreeObject
from takeback.cancellations.queries import reasons_on_offer
from takeback.core.links import safe_http_url
from takeback.logistics import carrier_rules
from takeback.logistics.carrier_rules import InvalidRule

JSON_MAX = 32_768
URL_MAX = 500
UNKNOWN_REASONS = _("This channel offers no reason with these ids: {ids}.")
NO_URL = _("Enter a URL that starts with https:// or http://.")


def settings_errors(conf: Mapping[str, Any], channel_id: int) -> list[str]:
    """Why a channel cannot have this conf, one sentence per key."""
    if problems := list(conf_errors(conf)):
        return problems
    known = conf_of(conf)
    named = {*known.reason_mapping.values()}
    if known.fallback_reason_id:
        named.add(known.fallback_reason_id)
    offered = reasons_on_offer(channel_id).filter(pk__in=named).values_list("pk", flat=True)
    unknown = sorted(named - {*offered}) if named else []
    return [str(UNKNOWN_REASONS).format(ids=", ".join(map(str, unknown)))] if unknown else []


def clean_url(text: str) -> str:
    """The URL of a storefront without a slash at its end; ValueError if it is none."""
    if text and not safe_http_url(text):
        raise ValueError(str(NO_URL))
    return text.rstrip("/")


class LimitedObject(FreeObject):
    """An object with any content of limited size."""

    default_error_messages = {"size": _("This object is too large (maximum {max} kB).")}

    def to_internal_value(self, data: Any) -> Any:
        value = super().to_internal_value(data)
        if len(msgspec.json.encode(value)) > JSON_MAX:
            self.fail("size", max=JSON_MAX // 1024)
        return value


class ConfField(LimitedObject):
    """A channel's conf: the keys that Takeback reads are checked, all others stored as sent."""

    def to_internal_value(self, data: Any) -> Any:
        value = super().to_internal_value(data)
        if problems := settings_errors(value, self.context["channel_id"]):
            raise ValidationError(problems)
        return value


class StorefrontUrl(StrictText):
    """The address of a storefront; an empty one stands for `SITE_URL`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=URL_MAX, allow_blank=True, **options)

    def to_internal_value(self, data: Any) -> str:
        try:
            return clean_url(super().to_internal_value(data))
        except ValueError as error:
            raise ValidationError(str(error)) from error


class ChannelChange(serializers.Serializer[Any]):
    """New settings of a channel; other keys are ignored. A new `conf` replaces the earlier one."""

    example = {"name": "Our shop", "storefront_url": "https://shop.example.com"}

    name = StrictText(max_length=255, required=False)
    storefront_url = StorefrontUrl(required=False)
    catalog = StrictInteger(required=False, allow_null=True)
    category_tree = StrictText(max_length=255, required=False, allow_null=True)
    conf = ConfField(required=False)
    schema = LimitedObject(required=False)


@extend_schema_field({"type": "array", "items": {"type": "string"}})
class TextList(serializers.Field[list[str], Any, Any, Any]):
    """A list of texts, checked by `clean`; InvalidRule becomes the field's error."""

    default_error_messages = {"invalid": _("Send a list of texts.")}

    def __init__(self, clean: Any, **options: Any) -> None:
        super().__init__(**options)
        self.clean = clean

    def to_internal_value(self, data: Any) -> list[str]:
        if not isinstance(data, list):
            self.fail("invalid")
        texts = [str(text) if type(text) is int else text for text in data]
        if not all(isinstance(text, str) and text.isprintable() for text in texts):
            self.fail("invalid")
        cleaned: list[str] = _cleaned(self.clean, texts)
        return cleaned


class CarrierSlug(StrictText):
    """The carrier's short name in other systems."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=carrier_rules.SLUG_MAX, **options)

    def to_internal_value(self, data: Any) -> str:
        slug: str = _cleaned(carrier_rules.slug, super().to_internal_value(data))
        return slug


def _cleaned(clean: Any, value: Any) -> Any:
    try:
        return clean(value)
    except InvalidRule as error:
        raise ValidationError(str(error)) from error


class CarrierEntry(serializers.Serializer[Any]):
    """A carrier of returns; other keys are ignored. Empty lists mean all countries, categories."""

    example = {"carrier": "ups", "name": "UPS", "countries": ["TR"], "needs_pickup": False}

    carrier = CarrierSlug()
    carrier_label = StrictText(max_length=255, required=False)
    name = StrictText(max_length=255)
    countries = TextList(carrier_rules.country_codes, required=False)
    categories = TextList(carrier_rules.categories, required=False)
    needs_pickup = StrictBoolean(required=False)
    is_user_selectable = StrictBoolean(required=False)
    is_active = StrictBoolean(required=False)


def known_scopes(scopes: Iterable[str]) -> list[str]:
    """These scopes in their fixed order."""
    named = set(scopes)
    return [scope for scope in ApiKey.SCOPES if scope in named]
