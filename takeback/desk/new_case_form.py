"""The form that creates cases for a customer, with the limits that the API has for its values."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from takeback.api import case_fields
from takeback.bank_accounts.bank_account import (
    IBAN_MAX,
    BankAccount,
    NotAnIban,
    is_holder_name,
    normalize_iban,
)
from takeback.cancellations.commands.open import Override
from takeback.cancellations.labels import KINDS
from takeback.desk.forms import CHOOSE, TRUE, DeskForm, NumberField, text_area, visible
from takeback.orders.models import OrderItem

CHOOSE_ITEM = _("Choose at least one item of this order.")


class NewCasesForm(DeskForm):
    """Cases of one kind for one or several items; `override` creates them against rules."""

    items = forms.TypedMultipleChoiceField(
        label=_("Items"),
        coerce=int,
        error_messages={"required": CHOOSE_ITEM, "invalid_choice": CHOOSE_ITEM},
    )
    kind = forms.ChoiceField(label=_("Type"), choices=[*KINDS.items()], error_messages=CHOOSE)
    reason = NumberField(label=_("Reason"))
    description = text_area(label=_("Customer's comment"))
    carrier = NumberField(label=_("Carrier"), required=False)
    iban = forms.CharField(
        label="IBAN",
        required=False,
        max_length=2 * IBAN_MAX,
        widget=forms.TextInput(attrs={"dir": "ltr", "autocomplete": "off"}),
    )
    holder_name = forms.CharField(
        label=_("Account holder"),
        required=False,
        max_length=case_fields.HOLDER_MAX,
        validators=[visible],
        widget=forms.TextInput(attrs={"dir": "auto", "autocomplete": "off"}),
    )
    refund_to_loyalty = forms.ChoiceField(
        label=_("As loyalty points"), required=False, choices=TRUE, error_messages=CHOOSE
    )
    note = text_area(
        label=_("Internal note"), help_text=_("Only staff read it; required to override a rule.")
    )
    override = forms.ChoiceField(required=False, choices=TRUE, error_messages=CHOOSE)

    def __init__(
        self,
        items: Sequence[OrderItem],
        names: Mapping[int, str],
        data: Mapping[str, Any] | None = None,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial)
        choices: Any = self.fields["items"]
        choices.choices = [(item.pk, names[item.pk]) for item in items]
        for item in items:
            self.fields[quantity_name(item.pk)] = NumberField(
                label=_("Quantity of %(product)s") % {"product": names[item.pk]}, required=False
            )

    def clean_iban(self) -> str:
        iban = self.cleaned_data["iban"]
        try:
            return normalize_iban(iban) if iban else ""
        except NotAnIban as error:
            message = case_fields.IbanField.default_error_messages["invalid"]
            raise ValidationError(message) from error

    def clean_holder_name(self) -> str:
        name: str = self.cleaned_data["holder_name"]
        if name and not is_holder_name(name):
            raise ValidationError(case_fields.HolderNameField.default_error_messages["name"])
        return name

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        iban, holder_name = data.get("iban"), data.get("holder_name")
        if None not in (iban, holder_name) and bool(iban) != bool(holder_name):
            self.add_error("holder_name" if iban else "iban", case_fields.BOTH_NEEDED)
        if data.get("override") and data.get("note") == "":
            self.add_error("note", _("Enter the reason for the override."))
        return data

    @property
    def bank_account(self) -> BankAccount | None:
        """The valid account, if the form has one."""
        iban, holder_name = self.cleaned_data.get("iban"), self.cleaned_data.get("holder_name")
        return BankAccount(iban, holder_name) if iban and holder_name else None

    @property
    def cleaned_override(self) -> Override:
        """The override of a valid form."""
        data = self.cleaned_data
        return Override(data["note"] or None, is_active=bool(data["override"]))


def quantity_name(item_id: int) -> str:
    """The name of the field with an item's quantity."""
    return f"quantity_{item_id}"
