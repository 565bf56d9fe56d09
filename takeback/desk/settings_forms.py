"""Forms of the settings, with the limits that the channel API has for the same values."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from takeback.accounts import channel_conf
from takeback.accounts.customer_input import EMAIL, PHONE_NUMBER
from takeback.accounts.models import ApiKey
from takeback.api.channel_settings import JSON_MAX, URL_MAX, clean_url
from takeback.api.fields import StrictText
from takeback.cancellations.labels import KINDS
from takeback.core.normalize import INVISIBLE
from takeback.desk.forms import CHOOSE, DeskForm, NumberField, visible
from takeback.logistics import carrier_rules
from takeback.logistics.carrier_rules import InvalidRule

SUBJECT_MAX = 100
LANGUAGES = [code for code, _name in settings.LANGUAGES]
SCOPES = {
    ApiKey.READ: _("Read: see orders, requests and customers"),
    ApiKey.DECIDE: _("Decide: create, accept and reject requests"),
    ApiKey.MONEY: _("Money: see bank accounts and pay refunds"),
    ApiKey.PII: _("Personal data: see raw messages and IP addresses"),
    ApiKey.ADMIN: _("Administration: change settings, staff and keys"),
}
NO_LANGUAGE = _("Enter the reason in at least one language.")
NO_JSON_OBJECT = _("Enter a JSON object, such as {example}.")
NO_MAPPING = _("Line {number}: write the reason of the channel, an equals sign and a reason id.")

_MULTILINE = RegexValidator(
    rf"(?![\t\r\n]){INVISIBLE.pattern}",
    StrictText.default_error_messages["invisible"],
    inverse_match=True,
)


class SettingsForm(DeskForm):
    """A form with initial values."""

    def __init__(
        self, data: Mapping[str, Any] | None = None, initial: Mapping[str, Any] | None = None
    ) -> None:
        forms.Form.__init__(self, data, auto_id="%s", label_suffix="", initial=dict(initial or {}))


def _text(label: Any, *, maximum: int = 255, is_code: bool = False, **options: Any) -> Any:
    """A line of text; codes are written from left to right in every language."""
    attrs = {"dir": "ltr" if is_code else "auto", "autocomplete": "off"}
    return forms.CharField(
        label=label,
        max_length=maximum,
        validators=[visible],
        widget=forms.TextInput(attrs=attrs),
        **options,
    )


def _multiline(label: Any, *, rows: int, **options: Any) -> Any:
    """Several lines of text, of JSON or of codes."""
    attrs = {"rows": rows, "cols": False, "dir": "auto", "spellcheck": "false"}
    return forms.CharField(
        label=label,
        required=False,
        max_length=JSON_MAX,
        validators=[_MULTILINE],
        widget=forms.Textarea(attrs=attrs),
        **options,
    )


def _checkbox(label: Any, **options: Any) -> Any:
    return forms.BooleanField(label=label, required=False, **options)


def _checkboxes(label: Any, **options: Any) -> Any:
    widget = forms.CheckboxSelectMultiple
    return forms.MultipleChoiceField(label=label, widget=widget, error_messages=CHOOSE, **options)


class ShopForm(SettingsForm):
    name = _text(_("Name of the shop"), help_text=_("Shoppers see it in mails and on pages."))
    storefront_url = _text(
        _("Address of the storefront"),
        maximum=URL_MAX,
        is_code=True,
        required=False,
        help_text=_("Links in mails lead there, for example https://shop.example.com."),
    )

    def clean_storefront_url(self) -> str:
        try:
            return clean_url(self.cleaned_data["storefront_url"])
        except ValueError as error:
            raise ValidationError(str(error)) from error


class ReasonForm(SettingsForm):
    """A reason with its subject in each language of the desk."""

    kind = forms.ChoiceField(label=_("Type"), choices=[*KINDS.items()], error_messages=CHOOSE)
    order = forms.IntegerField(
        label=_("Position"),
        min_value=0,
        max_value=2**31 - 1,
        help_text=_("Lists show the lowest number first."),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "dir": "ltr"}),
    )
    extra_information_needed = _checkbox(_("The shopper must add a description"))
    is_active = _checkbox(_("Shoppers can choose it"))

    def __init__(
        self, data: Mapping[str, Any] | None = None, initial: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(data, initial)
        for code, name in settings.LANGUAGES:
            self.fields[f"subject_{code}"] = _text(name, maximum=SUBJECT_MAX, required=False)
        self.order_fields(["kind", *(f"subject_{code}" for code in LANGUAGES)])

    @property
    def subject_fields(self) -> list[Any]:
        """The fields of the subject, one per language."""
        return [self[f"subject_{code}"] for code in LANGUAGES]

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if not any(data.get(f"subject_{code}") for code in LANGUAGES) and not self.errors:
            self.add_error(f"subject_{LANGUAGES[0]}", NO_LANGUAGE)
        return data


class CarrierForm(SettingsForm):
    """A carrier and its rules."""

    name = _text(_("Name"), help_text=_("Shoppers choose a carrier by this name."))
    carrier = _text(
        _("Short name"),
        maximum=carrier_rules.SLUG_MAX,
        is_code=True,
        help_text=_("The carrier's name in other systems, for example dhl."),
    )
    carrier_label = _text(_("Company"), required=False, help_text=_("Leave empty to use the name."))
    countries = _text(
        _("Countries"),
        maximum=2000,
        is_code=True,
        required=False,
        help_text=_("Two-letter codes such as TR, DE. Leave empty for all countries."),
    )
    categories = _multiline(
        _("Product categories"),
        rows=3,
        help_text=_("One name or id per line. Leave empty for all categories."),
    )
    needs_pickup = _checkbox(_("The carrier collects the parcel and needs an address"))
    is_user_selectable = _checkbox(_("Shoppers can choose it"))
    is_active = _checkbox(_("Active"))

    def clean_carrier(self) -> str:
        return str(_cleaned(carrier_rules.slug, self.cleaned_data["carrier"]))

    def clean_countries(self) -> Any:
        codes = re.split(r"[\s,;]+", self.cleaned_data["countries"].strip(" ,;"))
        return _cleaned(carrier_rules.country_codes, filter(None, codes))

    def clean_categories(self) -> Any:
        names = self.cleaned_data["categories"].splitlines()
        return _cleaned(carrier_rules.categories, [name for name in names if name.strip()])


def _cleaned(clean: Any, value: Any) -> Any:
    try:
        return clean(value)
    except InvalidRule as error:
        raise ValidationError(str(error)) from error


class ChannelForm(SettingsForm):
    """The settings of a channel; keys of other systems in its conf are JSON."""

    fallback_reason = forms.TypedChoiceField(
        label=_("Reason of requests of channel apps that name none"),
        coerce=int,
        required=False,
        empty_value=None,
        error_messages=CHOOSE,
    )
    reason_mapping = _multiline(
        _("Reasons of the channel"),
        rows=4,
        help_text=_("One per line: the channel's reason, an equals sign, the id of our reason."),
    )
    customer_identifier = forms.ChoiceField(
        label=_("Customers of imported orders are recognized by"),
        choices=[
            (EMAIL, _("E-mail address")),
            (PHONE_NUMBER, _("Phone number")),
        ],
        error_messages=CHOOSE,
    )
    send_shipping_info = _checkbox(_("Channel apps send shipment data"))
    catalog = NumberField(label=_("Catalog"), required=False)
    category_tree = _text(_("Category tree"), required=False)
    other_conf = _multiline(_("Other keys of conf (JSON)"), rows=6)
    schema = _multiline(_("Schema (JSON)"), rows=6)

    def clean_reason_mapping(self) -> dict[str, int]:
        mapping = {}
        for number, entry in enumerate(self.cleaned_data["reason_mapping"].splitlines(), 1):
            name, _equals, text = entry.rpartition("=")
            reason = channel_conf.reason_id(text.strip())
            if entry.strip() and not (name.strip() and reason):
                raise ValidationError(str(NO_MAPPING).format(number=number))
            if reason:
                mapping[name.strip()] = reason
        return mapping

    def clean_other_conf(self) -> dict[str, Any]:
        return _json_object(self.cleaned_data["other_conf"])

    def clean_schema(self) -> dict[str, Any]:
        return _json_object(self.cleaned_data["schema"])

    @property
    def conf(self) -> dict[str, Any]:
        """The conf of a valid form; keys without a value are left out."""
        data = self.cleaned_data
        known = {
            channel_conf.FALLBACK_REASON: data["fallback_reason"],
            channel_conf.REASON_MAPPING: data["reason_mapping"] or None,
            channel_conf.CUSTOMER_IDENTIFIER: data["customer_identifier"],
            channel_conf.SENDS_SHIPPING_INFO: data["send_shipping_info"],
        }
        others = {key: value for key, value in data["other_conf"].items() if key not in known}
        return others | {key: value for key, value in known.items() if value is not None}


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(text.strip() or "{}")
    except (msgspec.DecodeError, RecursionError):
        value = None
    if not isinstance(value, dict) or not _fits_json_column(value):
        raise ValidationError(str(NO_JSON_OBJECT).format(example='{"key": 1}'))
    return value


def _fits_json_column(value: Any) -> bool:
    """PostgreSQL stores no NUL in JSON."""
    return b"\\u0000" not in msgspec.json.encode(value)


class AccessForm(SettingsForm):
    """Scopes and channels; nobody can choose one that they do not have."""

    scopes = _checkboxes(_("Rights"))
    channels = _checkboxes(_("Channels"))

    def offer(self, scopes: Iterable[str], channels: Mapping[int, str]) -> None:
        """Offer these scopes and channels."""
        fields: dict[str, Any] = self.fields
        fields["scopes"].choices = [(scope, SCOPES[scope]) for scope in scopes]
        fields["channels"].choices = [(str(pk), name) for pk, name in channels.items()]


class MemberForm(AccessForm):
    email = forms.EmailField(
        label=_("E-mail address"),
        required=False,
        max_length=254,
        widget=forms.EmailInput(attrs={"dir": "ltr", "autocomplete": "off"}),
    )
    first_name = _text(_("First name"), required=False)
    last_name = _text(_("Last name"), required=False)
    is_active = _checkbox(_("Can sign in"))


class NewMemberForm(AccessForm):
    username = _text(_("User name"), maximum=150, is_code=True)
    email = MemberForm.base_fields["email"]
    first_name = MemberForm.base_fields["first_name"]
    last_name = MemberForm.base_fields["last_name"]
    field_order = ("username", "email", "first_name", "last_name", "scopes", "channels")


class KeyForm(AccessForm):
    name = _text(_("Name"), help_text=_("For example the system that uses the key."))
    field_order = ("name", "scopes", "channels")
