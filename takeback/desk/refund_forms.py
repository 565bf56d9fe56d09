"""The forms of steps on a refund: each names the state that the agent saw, and is confirmed."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from takeback.desk.forms import CHOOSE, DeskForm, visible
from takeback.desk.refund_labels import MEANS
from takeback.refunds.statuses import Means

TEXT_MAX = 500


def _text(
    label: Any, *, maximum: int = TEXT_MAX, direction: str = "auto", **options: Any
) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=maximum,
        validators=[visible],
        widget=forms.TextInput(attrs={"dir": direction, "autocomplete": "off"}),
        **options,
    )


class RefundForm(DeskForm):
    """A step on a refund. The ids of its fields begin with the step: a page has several forms."""

    step: ClassVar[str]
    version = forms.CharField(max_length=200, widget=forms.HiddenInput)
    confirmed = forms.BooleanField(error_messages={"required": _("Tick this box to confirm.")})
    field_order: Sequence[str] = ("means", "consent", "evidence", "confirmed", "version")

    def __init__(
        self, data: Mapping[str, Any] | None = None, initial: Mapping[str, Any] | None = None
    ) -> None:
        initial = dict(initial or {})
        forms.Form.__init__(self, data, auto_id=f"{self.step}-%s", label_suffix="", initial=initial)


class ApproveForm(RefundForm):
    step = "approve"


class CancelForm(RefundForm):
    step = "cancel"


class SendAgainForm(RefundForm):
    step = "send_again"


class OtherMeansForm(RefundForm):
    """Other means, and how the customer agreed to them."""

    step = "other_means"
    means = forms.ChoiceField(
        label=_("Means"),
        choices=[(means.value, MEANS[means]) for means in Means if means != Means.ORIGINAL],
        error_messages=CHOOSE,
    )
    consent = _text(
        _("The customer's consent"),
        help_text=_("When and how did the customer agree? For example “by phone on 3 March”."),
    )

    def offer(self, means: Collection[str]) -> None:
        """Show these means only; the command decides."""
        field: Any = self.fields["means"]
        field.widget.choices = [(name, MEANS[name]) for name in means]


class EvidenceForm(RefundForm):
    """What shows that a refund was paid, or that it was not."""

    evidence = _text(
        _("Evidence"),
        help_text=_("For example the bank's reference, or what the provider's pages show."),
    )


class MarkPaidForm(EvidenceForm):
    step = "mark_paid"
    provider_refund = _text(
        _("Refund id at the provider"), maximum=255, required=False, direction="ltr"
    )
    field_order = ("evidence", "provider_refund", "confirmed", "version")


class MarkNotPaidForm(EvidenceForm):
    step = "mark_not_paid"
