"""What the forms of the desk may hold; every field at fault is told at once."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from takeback.api import case_fields
from takeback.api.fields import Password, StrictBoolean, StrictInteger, StrictText
from takeback.cancellations.commands.transition import approve, confirm, reject, review
from takeback.cancellations.statuses import Kind, Transition

NAME_MAX = 150
NOTE_MAX = 2000
CHOOSE = _("Choose one of the list.")
SAY_WHY = _("Say why: whoever asks later finds it here.")
WRONG_CODE = _("This code is not right, or was used already. Wait for the next one.")
"""What is said about every code that is not taken."""

DECISIONS: dict[str, Callable[..., None]] = {
    Transition.APPROVE.value: approve,
    Transition.CONFIRM.value: confirm,
    Transition.REVIEW.value: review,
    Transition.REJECT.value: reject,
}
"""What a button of a case does."""


class Faults(Exception):
    """The form cannot be taken; `by_field` says why, in the reader's language."""

    def __init__(self, by_field: Mapping[str, str]) -> None:
        super().__init__(", ".join(by_field))
        self.by_field = dict(by_field)


def taken(form: serializers.Serializer[Any], told: Mapping[str, str]) -> dict[str, Any]:
    """The form's values, or `Faults`; of a field that is sent twice the last counts."""
    try:
        return dict(form.run_validation(told))
    except ValidationError as error:
        detail: Any = error.detail
        raise Faults({name: str(texts[0]) for name, texts in detail.items()}) from error


class Login(serializers.Serializer[Any]):
    """The first step of signing in."""

    username = StrictText(max_length=NAME_MAX)
    password = Password()


class Decision(serializers.Serializer[Any]):
    """A step of a case; whoever says no says why."""

    step = serializers.ChoiceField(list(DECISIONS), error_messages={"invalid_choice": CHOOSE})
    version = StrictInteger()
    note = StrictText(max_length=NOTE_MAX, allow_blank=True, multiline=True, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["step"] == "reject" and not attrs.get("note"):
            raise ValidationError({"note": SAY_WHY})
        return attrs


class OnBehalf(serializers.Serializer[Any]):
    """A request that an agent opens for a customer."""

    order_item = StrictInteger()
    kind = serializers.ChoiceField(
        [kind.value for kind in Kind], error_messages={"invalid_choice": CHOOSE}
    )
    reason = StrictInteger()
    quantity = StrictInteger(required=False)
    description = StrictText(max_length=NOTE_MAX, multiline=True, required=False)
    carrier = StrictInteger(required=False)
    iban = case_fields.IbanField(required=False)
    holder_name = case_fields.HolderNameField(required=False)
    refund_to_loyalty = StrictBoolean(required=False)
    note = StrictText(max_length=NOTE_MAX, multiline=True, required=False)
    override = StrictBoolean(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        case_fields.require_complete_bank_account(attrs)
        if attrs.get("override") and not attrs.get("note"):
            raise ValidationError({"note": SAY_WHY})
        return attrs


def filled(told: Mapping[str, str]) -> dict[str, str]:
    """The fields that hold anything; of one that is left empty, a browser sends an empty text."""
    return {name: text for name, text in told.items() if text.strip()}
