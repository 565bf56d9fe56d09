"""Forms of the desk, with the limits that the API has for the same values."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from takeback.accounts.models import User
from takeback.accounts.passwords import password_errors
from takeback.api.fields import ID_MAX, PASSWORD_MAX, StrictText
from takeback.cancellations.decision import Remarks
from takeback.cancellations.statuses import DECISIONS, CaseEvent, Transition
from takeback.core.normalize import INVISIBLE

CHOOSE = {"invalid_choice": _("Choose an option from the list.")}
WRONG_CODE = _("The code is wrong or was already used. Wait for the next code and try again.")
TRUE = (("true", _("Yes")),)
# The decisions for which broken rules are overridden.
OVERRIDING = {Transition.CONFIRM, Transition.APPROVE}

_INVISIBLE = StrictText.default_error_messages["invisible"]
visible = RegexValidator(INVISIBLE, _INVISIBLE, inverse_match=True)
visible_multiline = RegexValidator(
    rf"(?![\t\r\n]){INVISIBLE.pattern}", _INVISIBLE, inverse_match=True
)


class DeskForm(forms.Form):
    """A form whose fields have their names as ids: error links and shortcuts use them."""

    def __init__(
        self, data: Mapping[str, Any] | None = None, initial: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(data, auto_id="%s", label_suffix="", initial=dict(initial or {}))

    def set_choices(self, **choices: Iterable[tuple[Any, str | Promise]]) -> None:
        """Show these fields as lists; their values are validated when they are used."""
        for name, options in choices.items():
            self.fields[name].widget = forms.Select(choices=options)


class NumberField(forms.IntegerField):
    """A positive whole number in ASCII digits, within the range of ids."""

    widget = forms.TextInput(attrs={"inputmode": "numeric", "maxlength": 19, "dir": "ltr"})

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=1, max_value=ID_MAX, **options)

    def to_python(self, value: Any) -> int | None:
        text = (value or "").strip(" ")
        if text and not re.fullmatch("[0-9]{1,19}", text):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(text)


def text_area(*, attrs: Mapping[str, str] | None = None, **options: Any) -> forms.CharField:
    return forms.CharField(
        required=False,
        max_length=2000,
        validators=[visible_multiline],
        widget=forms.Textarea(attrs={"rows": 2, "cols": False, "dir": "auto", **(attrs or {})}),
        **options,
    )


def password_field(label: Any, *, is_new: bool = False, **options: Any) -> forms.CharField:
    autocomplete = "new-password" if is_new else "current-password"
    return forms.CharField(
        label=label,
        max_length=PASSWORD_MAX,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}),
        **options,
    )


class LoginForm(DeskForm):
    username = forms.CharField(
        label=_("User name"),
        max_length=150,
        validators=[visible],
        widget=forms.TextInput(
            attrs={
                "autocomplete": "username",
                "autocapitalize": "none",
                "dir": "auto",
                "autofocus": True,
            }
        ),
    )
    password = password_field(_("Password"))


class CodeForm(DeskForm):
    """The first code of a new authenticator app."""

    code = forms.CharField(
        label=_("6-digit code"),
        max_length=16,
        widget=forms.TextInput(
            attrs={
                "inputmode": "numeric",
                "autocomplete": "one-time-code",
                "dir": "ltr",
                "data-focus": True,
            }
        ),
    )


class SecondFactorForm(DeskForm):
    """A code of the authenticator app, or a recovery code."""

    code = forms.CharField(
        label=_("Code"),
        help_text=_("6 digits from your authenticator app, or a recovery code."),
        max_length=40,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "autocapitalize": "characters",
                "spellcheck": "false",
                "dir": "ltr",
                "data-focus": True,
            }
        ),
    )


class PasswordForm(DeskForm):
    """The present password, as a proof."""

    password = password_field(_("Your current password"))


class NewPasswordForm(DeskForm):
    """A new password, typed twice."""

    new_password = password_field(_("New password"), is_new=True)
    repeated_password = password_field(_("New password again"), is_new=True)

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        repeated = data.get("repeated_password")
        if repeated is not None and data.get("new_password") not in (None, repeated):
            self.add_error("repeated_password", _("Enter the same password twice."))
        return data

    def check_for(self, user: User) -> bool:
        """Whether the form is valid and this user may have the new password."""
        if self.is_valid():
            for message in password_errors(self.cleaned_data["new_password"], user):
                self.add_error("new_password", message)
        return not self.errors


class ChangePasswordForm(PasswordForm, NewPasswordForm):
    field_order = ("password", "new_password", "repeated_password")


class ResetRequestForm(DeskForm):
    name = forms.CharField(
        label=_("User name or e-mail address"),
        max_length=254,
        validators=[visible],
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "dir": "ltr"}
        ),
    )


NOTE, PREVIEW = "note", "preview"
"""Buttons of the decision form that decide nothing."""


class DecisionForm(DeskForm):
    """A transition of a case at the version that the agent has seen, a note, or a preview."""

    STEPS = (
        *(decision.value for decision in DECISIONS),
        CaseEvent.INTO_RETURN.value,
        NOTE,
        PREVIEW,
    )

    step = forms.ChoiceField(choices=[(step, step) for step in STEPS])
    version = NumberField()
    message = text_area(
        label=_("Message to the customer"),
        help_text=_("Mailed when you approve or reject; required to reject."),
        attrs={"data-key": "m", "data-submit": "preview"},
    )
    internal_note = text_area(
        label=_("Internal note"),
        help_text=_("Only staff read it; required to override a rule."),
        attrs={"data-key": "w", "data-submit": "save-note"},
    )
    override = forms.ChoiceField(
        label=_("Override the rules that are not met"),
        required=False,
        choices=TRUE,
        error_messages=CHOOSE,
    )

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        step, has_no_note = data.get("step"), data.get("internal_note") == ""
        if step == Transition.REJECT and data.get("message") == "":
            self.add_error("message", _("Enter a reason. The customer receives it by e-mail."))
        if step == CaseEvent.INTO_RETURN and data.get("message"):
            self.add_error("message", _("This step sends no mail. Write an internal note instead."))
        if step == NOTE and has_no_note:
            self.add_error("internal_note", _("Enter a note."))
        if step in OVERRIDING and data.get("override") and has_no_note:
            self.add_error("internal_note", _("Enter the reason for the override."))
        return data

    @property
    def remarks(self) -> Remarks:
        """The texts and the override of a valid form."""
        data = self.cleaned_data
        return Remarks(
            data["message"] or None, data["internal_note"] or None, bool(data["override"])
        )


class UndoForm(DeskForm):
    """The version of the case that the decision made."""

    version = NumberField()
