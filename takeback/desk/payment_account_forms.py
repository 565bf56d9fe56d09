"""The forms of a payment account; its credentials are only written and never shown."""

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from takeback.core.money import NotAnAmount, is_currency, parse
from takeback.desk.forms import CHOOSE, visible, visible_multiline
from takeback.desk.money_commands import provider_names
from takeback.desk.refund_labels import PAUSES, PROVIDERS
from takeback.desk.settings_forms import SettingsForm
from takeback.refunds.commands.accounts import AccountChange, NewAccount

CODE_MAX, PROVIDER_ACCOUNT_MAX, KINDS_MAX, URL_MAX = 64, 255, 700, 500
CREDENTIALS_MAX, PAUSE_REASON_MAX = 32_000, 200
NO_CURRENCY = _("Enter the three letters of a currency, for example eur.")
NO_AMOUNT = _("Enter an amount above zero with at most the decimals of the currency.")
NO_CREDENTIAL = _("Row {number}: write a name, an equals sign and the value.")

_FIXED = ("code", "provider")
_FIXED_WITH_REFUNDS = (*_FIXED, "provider_account", "currency", "is_test")


def _text(label: Any, maximum: int, *, direction: str = "ltr", **options: Any) -> Any:
    attrs = {"dir": direction, "autocomplete": "off", "spellcheck": "false"}
    return forms.CharField(
        label=label,
        max_length=maximum,
        validators=[visible],
        widget=forms.TextInput(attrs=attrs),
        **options,
    )


class SecretTextarea(forms.Textarea):
    """A text area whose page never shows what was typed."""

    def format_value(self, value: Any) -> str:
        return ""


def _provider_choices() -> list[tuple[str, Any]]:
    return [(name, PROVIDERS.get(name, name)) for name in provider_names()]


def _limit(label: Any) -> Any:
    return _text(label, 20, required=False, help_text=_("Leave empty for no limit."))


class PaymentAccountForm(SettingsForm):
    """A new payment account. Fields named `secrets` are not kept when a session ends."""

    code = _text(
        _("Short name"), CODE_MAX, help_text=_("Orders name the account of a payment by it.")
    )
    provider = forms.ChoiceField(
        label=_("Provider"), choices=_provider_choices, error_messages=CHOOSE
    )
    provider_account = _text(
        _("Account at the provider"),
        PROVIDER_ACCOUNT_MAX,
        help_text=_("The provider's own id of your account."),
    )
    currency = _text(_("Currency"), 3)
    is_test = forms.BooleanField(label=_("Test account: its refunds move no money"), required=False)
    payment_kinds = _text(
        _("Payment types"),
        KINDS_MAX,
        required=False,
        help_text=_(
            "Types such as credit_card, separated by commas. Payments of these types use the"
            " account if their order names none."
        ),
    )
    base_url = _text(
        _("Address of the provider"),
        URL_MAX,
        required=False,
        help_text=_("Leave empty to use the provider's usual address."),
    )
    secrets = forms.CharField(
        label=_("Credentials"),
        required=False,
        max_length=CREDENTIALS_MAX,
        validators=[visible_multiline],
        widget=SecretTextarea(
            attrs={
                "rows": 3,
                "cols": False,
                "dir": "ltr",
                "autocomplete": "off",
                "spellcheck": "false",
            }
        ),
        help_text=_("One per row: a name, an equals sign and the value. They are not shown again."),
    )
    limit_each = _limit(_("Highest amount of a refund"))
    limit_day = _limit(_("Highest total of a day"))

    def clean_currency(self) -> str:
        code = str(self.cleaned_data["currency"]).lower()
        if not is_currency(code):
            raise ValidationError(NO_CURRENCY)
        return code

    def clean_payment_kinds(self) -> list[str]:
        return list(filter(None, re.split(r"[\s,;]+", self.cleaned_data["payment_kinds"])))

    def clean_secrets(self) -> dict[str, str]:
        credentials = {}
        for number, row in enumerate(self.cleaned_data["secrets"].splitlines(), 1):
            name, _equals, value = (part.strip() for part in row.partition("="))
            if row.strip() and not (name and value):
                raise ValidationError(str(NO_CREDENTIAL).format(number=number))
            if name:
                credentials[name] = value
        return credentials

    def clean(self) -> dict[str, Any]:
        """Reads the limits, whose decimals are those of the currency; 0 is no limit."""
        data = self.cleaned_data
        for name in ("limit_each", "limit_day"):
            if name in data and "currency" in data:
                data[name] = self._minor(name, data[name], data["currency"])
        return data

    def _minor(self, name: str, text: str, currency: str) -> int:
        try:
            minor = parse(text, currency) if text else 0
        except NotAnAmount:
            minor = -1
        if minor < 0 or (text and not minor):
            self.add_error(name, NO_AMOUNT)
        return minor

    @property
    def new_account(self) -> NewAccount:
        """The account of a valid form."""
        data = self.cleaned_data
        return NewAccount(
            code=data["code"],
            provider=data["provider"],
            provider_account=data["provider_account"],
            currency=data["currency"],
            payment_kinds=data["payment_kinds"],
            base_url=data["base_url"],
            credentials=data["secrets"],
            is_test=data["is_test"],
            limit_each_minor=data["limit_each"],
            limit_day_minor=data["limit_day"],
        )


class ChangedAccountForm(PaymentAccountForm):
    """A stored account; with refunds it stays the same account at its provider."""

    is_active = forms.BooleanField(label=_("Active"), required=False)

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        initial: Mapping[str, Any] | None = None,
        *,
        has_refunds: bool = False,
    ) -> None:
        super().__init__(data, initial)
        self.fields["secrets"].help_text = _(
            "Leave empty to keep the stored ones, which are not shown. Others replace all of them."
        )
        provider: Any = self.fields["provider"]
        name = self.initial.get("provider", "")
        provider.choices = [(name, PROVIDERS.get(name, name))]
        for fixed in _FIXED_WITH_REFUNDS if has_refunds else _FIXED:
            self.fields[fixed].disabled = True

    @property
    def change(self) -> AccountChange:
        """The new values of a valid form; credentials only if it has some."""
        data = self.cleaned_data
        return AccountChange(
            provider_account=data["provider_account"],
            currency=data["currency"],
            payment_kinds=data["payment_kinds"],
            base_url=data["base_url"],
            credentials=data["secrets"] or None,
            is_test=data["is_test"],
            limit_each_minor=data["limit_each"],
            limit_day_minor=data["limit_day"],
            is_active=data["is_active"],
        )


class PauseForm(SettingsForm):
    """Why sending is paused."""

    reason = _text(
        _("Reason"),
        PAUSE_REASON_MAX,
        direction="auto",
        help_text=_("The desk shows it next to the refunds that wait."),
    )

    def clean_reason(self) -> str:
        """Words that mark pauses by Takeback itself are no reason of staff."""
        reason = str(self.cleaned_data["reason"])
        if reason in PAUSES:
            raise ValidationError(_("Enter a reason in your own words."))
        return reason
